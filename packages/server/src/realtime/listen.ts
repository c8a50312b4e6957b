// The door of sockets: the upgrade, the limits of an address, the heartbeat of all, the end of all.
import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { WebSocketServer, type WebSocket } from 'ws'
import type { RequestInfo } from '../context.ts'
import { Connection, type Product, type Wire } from './connection.ts'
import { frameLimitBytes } from './ddp.ts'
import type { Hub } from './hub.ts'
import { makeAddresses, type AddressOptions, type Neighbours } from './neighbours.ts'

const TICK_MS = 1_000

const serverOptions = {
  noServer: true,
  maxPayload: frameLimitBytes,
  perMessageDeflate: false,
  // For the answer to a close. Who cannot be heard any more learns of the end only after it.
  closeTimeout: 1_000,
}

export interface SocketOptions extends Pick<AddressOptions, 'keyOf' | 'limitScale'> {
  hub: Hub
  product: Product
  log: Logger
  clock: () => number
  newId: () => string
  /** What the product may know of an upgrade, as of any request; `undefined` where a credential is given twice. */
  describe: (request: IncomingMessage) => RequestInfo | undefined
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
  const { hub, product, log, clock, newId, describe, keyOf, limitScale } = options
  const connections = new Map<WebSocket, Connection>()
  const onError = (err: unknown) => log.warn({ err }, 'The limits of sockets could not be read.')
  const addresses = makeAddresses({ keyOf, limitScale, onError })
  const server = new WebSocketServer(serverOptions)
  let timer: NodeJS.Timeout | undefined
  let isClosing = false

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until it is a socket of ours nobody else hears that it broke.
    socket.on('error', () => {})
    const info = pathOf(request) === '/websocket' ? describe(request) : undefined
    await addresses.refresh()
    if (info === undefined || isClosing) {
      refuse(socket, '404 Not Found')
      return
    }
    const neighbours = addresses.neighboursAt(info.address)
    if (!neighbours.hasRoom()) {
      refuse(socket, '429 Too Many Requests')
      return
    }
    server.handleUpgrade(request, socket, head, (ws) => accept(ws, info, neighbours))
  }

  function accept(ws: WebSocket, request: RequestInfo, neighbours: Neighbours): void {
    const surroundings = { hub, product, log, nowMs: clock(), neighbours }
    const connection = new Connection({ id: newId(), request }, wireOf(ws), surroundings)
    connections.set(ws, connection)
    neighbours.came(connection)
    const onGone = () => {
      connections.delete(ws)
      neighbours.left(connection)
    }
    attend(ws, connection, { clock, onGone })
  }

  function tick(): void {
    for (const connection of connections.values()) connection.tick(clock())
    addresses.forget(clock())
    void addresses.refresh()
  }

  return {
    attach(http) {
      // It never fails: what goes wrong there is a refusal, or the socket's own end.
      http.on('upgrade', (request, socket, head) => void upgrade(request, socket, head))
      timer = setInterval(tick, TICK_MS).unref()
    },
    tick,
    async close() {
      isClosing = true
      clearInterval(timer)
      await endAll(connections)
    },
    count: () => connections.size,
  }
}

/** Frames are text, also those that come as bytes. */
function wireOf(ws: WebSocket): Wire {
  return {
    send: (frame) => ws.send(frame, TEXT),
    close: (code, reason) => ws.close(code, reason),
    get bufferedAmount() {
      return ws.bufferedAmount
    },
  }
}

const TEXT = { binary: false } as const

interface Attendance {
  clock: () => number
  onGone: () => void
}

/** Hands on what a socket says, until it ends. */
function attend(ws: WebSocket, connection: Connection, { clock, onGone }: Attendance): void {
  ws.on('message', (bytes, isBinary) => {
    if (isBinary) connection.close(1007, 'Binary')
    else connection.receive((bytes as Buffer).toString('utf8'), clock())
  })
  // What went wrong is told by the close that follows.
  ws.on('error', () => {})
  ws.on('close', () => {
    connection.ended()
    onGone()
  })
}

/** Lets the closing frames leave; a peer that does not answer is not waited for. */
async function endAll(connections: ReadonlyMap<WebSocket, Connection>): Promise<void> {
  for (const connection of connections.values()) connection.close(1001, 'The server restarts')
  for (let waited = 0; waited < 20 && connections.size > 0; waited++)
    await new Promise((resolve) => setTimeout(resolve, 25))
  for (const ws of connections.keys()) ws.terminate()
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
