// A client of DDP as small as can be: it says what a test tells it to and remembers every frame it hears.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Chat } from './conversation.ts'
import type { StaffMember, TestServer } from './testing.ts'

export interface Frame {
  msg?: string
  id?: string
  subs?: string[]
  methods?: string[]
  collection?: string
  // Tests look into results and arguments of any shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [key: string]: any
}

export interface Socket {
  /** Everything heard so far. */
  frames: Frame[]
  /** The same, as it was written. */
  texts: string[]
  /** Says a frame, any text, or bytes that are none. */
  say(frame: object | string | Buffer): void
  /** The first frame, heard or to come, that is meant. */
  heard(isMeant: (frame: Frame) => boolean): Promise<Frame>
  /** Subscribes; answers `ready` or `nosub`. */
  sub(name: string, params: readonly unknown[], id?: string): Promise<Frame>
  /** Calls a method; answers its `result` frame once `updated` has come. */
  call(method: string, ...params: unknown[]): Promise<Frame>
  /** The arguments of the events heard on a stream, in order. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  told(stream: string, eventName: string): any[]
  /** Answers once everything that the server has committed so far is heard. */
  settled(): Promise<void>
  /** The code and reason with which the server ended the socket. */
  ended: Promise<{ code: number; reason: string }>
  close(): Promise<void>
}

export interface SocketOptions {
  /** It says nothing yet. */
  silently?: boolean
  /** Of the request that opens it. */
  headers?: Record<string, string>
}

/** Opens a socket and says hello. */
export async function openSocket(
  desk: TestServer,
  { silently = false, headers = {} }: SocketOptions = {},
): Promise<Socket> {
  const url = await desk.listen()
  const ws = new WebSocket(`${url.replace('http', 'ws')}/websocket`, { headers })
  const frames: Frame[] = []
  const texts: string[] = []
  const waiting = new Set<() => void>()
  let ids = 0
  ws.on('message', (bytes) => {
    const text = (bytes as Buffer).toString('utf8')
    texts.push(text)
    frames.push(JSON.parse(text) as Frame)
    for (const look of [...waiting]) look()
  })
  const ended = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }))
  })
  await once(ws, 'open')

  const socket: Socket = {
    frames,
    texts,
    ended,
    say: (frame) => ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)),
    heard: (isMeant) =>
      new Promise((resolve) => {
        const look = () => {
          const frame = frames.find(isMeant)
          if (frame === undefined) return
          waiting.delete(look)
          resolve(frame)
        }
        waiting.add(look)
        look()
      }),
    sub(name, params, id = `sub${String(++ids)}`) {
      socket.say({ msg: 'sub', id, name, params })
      return socket.heard(
        ({ msg, ...frame }) => (msg === 'ready' && frame.subs?.[0] === id) || (msg === 'nosub' && frame.id === id),
      )
    },
    async call(method, ...params) {
      const id = `call${String(++ids)}`
      socket.say({ msg: 'method', id, method, params })
      await socket.heard(({ msg, methods }) => msg === 'updated' && methods?.[0] === id)
      return socket.heard((frame) => frame.msg === 'result' && frame.id === id)
    },
    told: (stream, eventName) =>
      frames
        .filter(
          ({ msg, collection, fields }) =>
            msg === 'changed' &&
            collection === `stream-${stream}` &&
            (fields as { eventName: string }).eventName === eventName,
        )
        .map(({ fields }) => (fields as { args: unknown[] }).args),
    async settled() {
      await desk.server.streams.settled()
      const id = `ping${String(++ids)}`
      socket.say({ msg: 'ping', id })
      await socket.heard((frame) => frame.msg === 'pong' && frame.id === id)
    },
    async close() {
      ws.close()
      await ended
    },
  }
  if (silently) return socket
  socket.say({ msg: 'connect', version: '1', support: ['1', 'pre2', 'pre1'] })
  await socket.heard(({ msg }) => msg === 'connected')
  return socket
}

/** What a widget gives with a subscription. */
export function asVisitor({ token }: { token: string }) {
  return { useCollection: false, args: [{ token, visitorToken: token }] }
}

/** A socket that listens to a room as its visitor’s widget does. */
export async function listen(desk: TestServer, chat: Chat): Promise<Socket> {
  const socket = await openSocket(desk)
  await socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)])
  await socket.sub('stream-livechat-room', [chat.rid, asVisitor(chat)])
  await socket.sub('stream-notify-room', [`${chat.rid}/user-activity`, asVisitor(chat)])
  await socket.sub('stream-notify-room', [`${chat.rid}/deleteMessage`, asVisitor(chat)])
  return socket
}

/** A socket on which a member of the staff is signed in. */
export async function signIn(desk: TestServer, staff: StaffMember): Promise<Socket> {
  const socket = await openSocket(desk)
  await socket.call('login', { resume: staff.headers['x-auth-token'] })
  return socket
}
