// The door of sockets: the upgrade, the limits of an address, the heartbeat of all, the end of all.
import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { WebSocketServer, type WebSocket } from 'ws'
import type { RequestInfo } from '../context.ts'
import { Connection, type Product } from './connection.ts'
import { frameLimitBytes } from './ddp.ts'
import type { Hub } from './hub.ts'

/** Sockets of one address: an office shares one, so the wider bound is wide (promises A32). */
export const addressLimits = { sockets: 1_000, idleSockets: 20 } as const

const TICK_MS = 1_000

export interface SocketOptions {
  hub: Hub
  product: Product
  log: Logger
  clock: () => number
  newId: () => string
  /** What the product may know of an upgrade, as of any request; `undefined` where a credential is given twice. */
  describe: (request: IncomingMessage) => RequestInfo | undefined
  /** False for load tests, which come from one address. */
  isLimited: boolean
}

export interface Sockets {
  /** Takes upgrades of this server from now on. */
  attach(server: HttpServer): void
  /** Looks at the clock for every socket; a timer calls it, and tests that move the clock. */
  tick(): void
  /** Ends every socket with 1001, so that clients come back; answers when all are told. */
  close(): Promise<void>
  /** Sockets that are open now. */
  count(): number
}

/** Serves DDP on `/websocket`, raw frames, without a library of sessions (contract §E.7). */
export function makeSockets(options: SocketOptions): Sockets {
  const { hub, product, log, clock, newId, describe, isLimited } = options
  const connections = new Map<WebSocket, Connection>()
  const byAddress = new Map<string, Set<Connection>>()
  const server = new WebSocketServer({ noServer: true, maxPayload: frameLimitBytes, perMessageDeflate: false })
  let timer: NodeJS.Timeout | undefined
  let isClosing = false

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const info = pathOf(request) === '/websocket' && !isClosing ? describe(request) : undefined
    if (info === undefined) {
      refuse(socket, '404 Not Found')
      return
    }
    if (isLimited && !hasRoom(byAddress.get(info.address) ?? new Set())) {
      refuse(socket, '429 Too Many Requests')
      return
    }
    server.handleUpgrade(request, socket, head, (ws) => accept(ws, info))
  }

  function accept(ws: WebSocket, request: RequestInfo): void {
    const connection = new Connection({ id: newId(), request }, ws, { hub, product, log, nowMs: clock() })
    connections.set(ws, connection)
    const neighbours = byAddress.get(request.address) ?? new Set()
    byAddress.set(request.address, neighbours.add(connection))
    ws.on('message', (bytes, isBinary) => {
      if (isBinary) connection.close(1007, 'Binary')
      else connection.receive((bytes as Buffer).toString('utf8'), clock())
    })
    // What went wrong is told by the close that follows.
    ws.on('error', () => {})
    ws.on('close', () => {
      connections.delete(ws)
      neighbours.delete(connection)
      if (neighbours.size === 0) byAddress.delete(request.address)
      connection.ended()
    })
  }

  function tick(): void {
    for (const connection of connections.values()) connection.tick(clock())
  }

  return {
    attach(http) {
      http.on('upgrade', upgrade)
      timer = setInterval(tick, TICK_MS).unref()
    },
    tick,
    async close() {
      isClosing = true
      clearInterval(timer)
      for (const connection of connections.values()) connection.close(1001, 'The server restarts')
      await waitUntilGone(connections)
      for (const ws of connections.keys()) ws.terminate()
    },
    count: () => connections.size,
  }
}

/** Whether an address may have one socket more. */
function hasRoom(there: ReadonlySet<Connection>): boolean {
  const idle = [...there].filter(({ isIdle }) => isIdle)
  return there.size < addressLimits.sockets && idle.length < addressLimits.idleSockets
}

/** Lets the closing frames leave; a peer that does not answer is not waited for. */
async function waitUntilGone(connections: ReadonlyMap<WebSocket, unknown>): Promise<void> {
  for (let waited = 0; waited < 20 && connections.size > 0; waited++)
    await new Promise((resolve) => setTimeout(resolve, 25))
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]?.replace(/\/$/, '') ?? ''
}

/** Ends it for good: what is left half open by its client would keep the server from stopping. */
function refuse(socket: Duplex, status: string): void {
  // The web server has let go of it, so nobody else hears that its client has gone.
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}
