// A client as they are in the wild: it knows no change numbers. Over a socket it hears what is said, and after each reconnect it
// subscribes again, reads the latest messages over HTTP and lays both over each other by their ids, sorted by time. Sends go over HTTP and
// are repeated with the same id until they are answered. It asks for signs of life, and lets go of a socket that gives none.
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import type { Talker } from './talker.ts'

export interface OldClientOptions {
  /** Where it goes, for sockets and requests alike. */
  url: string
  rid: string
  /** A visitor's token, or the headers of a member of the staff. */
  as: { token: string } | { headers: Record<string, string> }
  /** It asks for a sign of life when it has heard nothing for so long, and gives up after as long again. */
  patienceMs?: number
}

interface Shown {
  _id: string
  msg: string
  /** Milliseconds since 1970. */
  at: number
}

interface Frame {
  msg?: string
  collection?: string
  fields?: { args: WireMessage[] }
}

interface WireMessage {
  _id: string
  msg: string
  ts: { $date: number } | string
}

const PAUSE_MS = 20
const REQUEST_MS = 2_000

/** Begins to connect, and never gives up until it is ended. */
export function startOldClient({ url, rid, as, patienceMs = 500 }: OldClientOptions): Talker {
  const shown = new Map<string, Shown>()
  const listeners = new Set<() => void>()
  let socket: WebSocket | undefined
  let isOnline = false
  let isEnded = false

  function take(message: WireMessage): void {
    const at = typeof message.ts === 'string' ? Date.parse(message.ts) : message.ts.$date
    shown.set(message._id, { _id: message._id, msg: message.msg, at })
  }

  function tell(): void {
    for (const listener of [...listeners]) listener()
  }

  async function readLatest(from: WebSocket): Promise<void> {
    while (from === socket) {
      const messages = await read(url, rid, as).catch(() => undefined)
      if (messages === undefined) await pause()
      else if (from === socket) {
        for (const message of messages.reverse()) take(message)
        isOnline = true
        tell()
        return
      }
    }
  }

  function hear(from: WebSocket, frame: Frame): void {
    if (frame.msg === 'ping') from.send('{"msg":"pong"}')
    else if (frame.msg === 'connected') for (const next of greeting(rid, as)) from.send(JSON.stringify(next))
    else if (frame.msg === 'ready') void readLatest(from)
    else if (frame.collection === 'stream-room-messages') {
      for (const message of frame.fields?.args ?? []) take(message)
      tell()
    }
  }

  function open(): void {
    if (isEnded) return
    const next = new WebSocket(`${url.replace('http', 'ws')}/websocket`, { handshakeTimeout: patienceMs * 2 })
    socket = next
    const life = watchLife(next, patienceMs)
    next.on('open', () => next.send('{"msg":"connect","version":"1","support":["1","pre2","pre1"]}'))
    next.on('message', (bytes) => {
      life.sign()
      hear(next, JSON.parse((bytes as Buffer).toString('utf8')) as Frame)
    })
    next.on('error', () => undefined)
    next.on('close', () => {
      life.end()
      if (socket !== next) return
      socket = undefined
      isOnline = false
      tell()
      setTimeout(open, PAUSE_MS)
    })
  }

  open()
  return {
    // It tells nobody what is new: it draws its list again.
    told: [],
    async say(text) {
      const _id = randomUUID()
      while (!(await isSent(url, { _id, rid, msg: text }, as))) await pause()
      return _id
    },
    shown: () => [...shown.values()].sort((one, other) => one.at - other.at).map(({ _id }) => _id),
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    isOnline: () => isOnline,
    end() {
      isEnded = true
      socket?.terminate()
    },
  }
}

/** What is said after `connected`. */
function greeting(rid: string, as: OldClientOptions['as']): object[] {
  const hello =
    'token' in as
      ? { method: 'livechat:setUpConnection', params: [{ token: as.token }] }
      : { method: 'login', params: [{ resume: as.headers['x-auth-token'] }] }
  const proof = 'token' in as ? { token: as.token, visitorToken: as.token } : {}
  return [
    { msg: 'method', id: 'hello', ...hello },
    { msg: 'sub', id: 'room', name: 'stream-room-messages', params: [rid, { useCollection: false, args: [proof] }] },
  ]
}

/** The latest messages of the room, the newest first. */
async function read(url: string, rid: string, as: OldClientOptions['as']): Promise<WireMessage[]> {
  const path =
    'token' in as
      ? `livechat/messages.history/${rid}?token=${as.token}&limit=100`
      : `livechat/messages/${rid}?count=100&sort=${encodeURIComponent('{"ts":-1}')}`
  const answer = await fetch(`${url}/api/v1/${path}`, {
    ...('headers' in as && { headers: as.headers }),
    signal: AbortSignal.timeout(REQUEST_MS),
  })
  if (!answer.ok) throw new Error(`${path} answered ${String(answer.status)}: ${await answer.text()}`)
  return ((await answer.json()) as { messages: WireMessage[] }).messages
}

async function isSent(url: string, message: object, as: OldClientOptions['as']): Promise<boolean> {
  const [path, body] =
    'token' in as
      ? (['livechat/message', { ...message, token: as.token }] as const)
      : (['chat.sendMessage', { message }] as const)
  const answer = await fetch(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...('headers' in as && as.headers) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  }).catch(() => undefined)
  if (answer === undefined || answer.status >= 500) return false
  if (!answer.ok) throw new Error(`${path} answered ${String(answer.status)}: ${await answer.text()}`)
  return answer.arrayBuffer().then(
    () => true,
    () => false,
  )
}

/** Asks for a sign of life after a silence, and lets go after another. */
function watchLife(socket: WebSocket, patienceMs: number): { sign(): void; end(): void } {
  let isAsked = false
  let hasHeard = true
  const timer = setInterval(() => {
    if (hasHeard) {
      hasHeard = false
      isAsked = false
    } else if (isAsked) socket.terminate()
    else if (socket.readyState === WebSocket.OPEN) {
      isAsked = true
      socket.send('{"msg":"ping"}')
    }
  }, patienceMs)
  return { sign: () => void (hasHeard = true), end: () => clearInterval(timer) }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
}
