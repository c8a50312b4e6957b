// Many sockets at once, for the bench of realtime: one message to all listeners of a room, and everybody coming back.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { Child } from './child.ts'
import { startChild } from './child.ts'
import { call, openRooms, startDeskbell, addAgents, temporaryFolder, type RoomOfVisitor } from './product.ts'
import { messageText } from './send.ts'

const fanOut = { listeners: 100, messages: 400, atOnce: 8, rounds: 3 }
const storm = { sockets: 2_000, rooms: 250, roomsApart: 10, atOnce: 200 }

/** Frames per second to the listeners of one room; of the product and of bare `ws`. */
export interface FanOut {
  deskbell: number
  bare: number
}

/** How long all sockets took to be back, and how late the event loop was meanwhile. */
export interface Storm {
  seconds: number
  loopP99Ms: number
  bareSeconds: number
}

/** Messages to a hundred listeners, a few on their way at once. Taking turns. */
export async function measureFanOut(): Promise<FanOut> {
  const deskbell = await startDeskbell(temporaryFolder())
  const bare = await startBare()
  await addAgents(deskbell, 1)
  const [room] = await openRooms(deskbell, 1)
  if (room === undefined) throw new Error('no room')
  const post = () => call(deskbell, 'POST', 'livechat/message', { ...room, msg: messageText })
  const ours = await listeners(deskbell, (socket) => subscribe(socket, room))
  const theirs = await listeners(bare, () => undefined)
  // As long as ours: what is measured is the way to the listeners.
  const frame = await oneFrame(ours, post)
  const say = () => fetch(bare.url, { method: 'POST', body: frame }).then((answer) => answer.text())
  const found: FanOut[] = []
  for (let round = 0; round <= fanOut.rounds; round++)
    found.push({ deskbell: await framesPerSecond(ours, post), bare: await framesPerSecond(theirs, say) })
  for (const socket of [...ours, ...theirs]) socket.terminate()
  for (const server of [deskbell, bare]) await server.stop()
  // The first round warms up.
  const middle = (name: keyof FanOut) =>
    found
      .slice(1)
      .map((round) => round[name])
      .sort((a, b) => a - b)[Math.floor(fanOut.rounds / 2)] ?? NaN
  return { deskbell: middle('deskbell'), bare: middle('bare') }
}

/** Everybody comes back at once, as after a restart: says who they are, listens, and asks for what was said meanwhile. */
export async function measureStorm(): Promise<Storm> {
  const server = await startDeskbell(temporaryFolder())
  const bare = await startBare()
  await addAgents(server, 4)
  const rooms = (
    await Promise.all(Array.from({ length: storm.rooms / storm.roomsApart }, () => openRooms(server, storm.roomsApart)))
  ).flat()
  await Promise.all(rooms.map((room) => call(server, 'POST', 'livechat/message', { ...room, msg: messageText })))
  // The first look begins the measuring of delays.
  await loopDelayMs(server)
  const seconds = await secondsFor((n) => comeBack(server, rooms[n % rooms.length] as RoomOfVisitor))
  const loopP99Ms = await loopDelayMs(server)
  const bareSeconds = await secondsFor((n) => comeBackTo(bare, rooms[n % rooms.length] as RoomOfVisitor))
  for (const each of [server, bare]) await each.stop()
  return { seconds, loopP99Ms, bareSeconds }
}

function startBare(): Promise<Child> {
  return startChild([`${import.meta.dirname}/floors/sockets.ts`])
}

async function open(server: Child): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/websocket`)
  await once(socket, 'open')
  // A server lets go of whoever falls silent.
  socket.on('message', (bytes: Buffer) => bytes.includes('"ping"') && socket.send('{"msg":"pong"}'))
  return socket
}

function say(socket: WebSocket, frame: object): void {
  socket.send(JSON.stringify(frame))
}

/** Waits for a frame that holds this text. */
function heard(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('message', (bytes: Buffer) => bytes.includes(text) && resolve())
    socket.once('close', () => reject(new Error(`closed before ${text}`)))
  })
}

async function listeners(
  server: Child,
  prepare: (socket: WebSocket) => Promise<void> | undefined,
): Promise<WebSocket[]> {
  const sockets = await Promise.all(Array.from({ length: fanOut.listeners }, () => open(server)))
  for (const socket of sockets) await prepare(socket)
  return sockets
}

function subscribe(socket: WebSocket, { rid, token }: RoomOfVisitor): Promise<void> {
  const isReady = heard(socket, '"ready"')
  say(socket, { msg: 'connect', version: '1', support: ['1'] })
  say(socket, {
    msg: 'sub',
    id: '1',
    name: 'stream-room-messages',
    params: [rid, { args: [{ token, visitorToken: token }] }],
  })
  return isReady
}

async function oneFrame(sockets: readonly WebSocket[], post: () => Promise<unknown>): Promise<string> {
  const [socket] = sockets
  if (socket === undefined) throw new Error('nobody listens')
  const arrived = once(socket, 'message') as Promise<[Buffer]>
  await post()
  return (await arrived)[0].toString('utf8')
}

async function framesPerSecond(sockets: readonly WebSocket[], post: () => Promise<unknown>): Promise<number> {
  let missing = fanOut.messages * sockets.length
  let tell = () => {}
  const everywhere = new Promise<void>((resolve) => (tell = resolve))
  const count = (bytes: Buffer) => bytes.includes('"changed"') && --missing === 0 && tell()
  for (const socket of sockets) socket.on('message', count)
  const startedAt = performance.now()
  let next = 0
  const send = async () => {
    while (next++ < fanOut.messages) await post()
  }
  await Promise.all([everywhere, ...Array.from({ length: fanOut.atOnce }, send)])
  const seconds = (performance.now() - startedAt) / 1_000
  for (const socket of sockets) socket.off('message', count)
  return (fanOut.messages * sockets.length) / seconds
}

/** Runs so many at once until every socket is back; the sockets stay until all are. */
async function secondsFor(come: (n: number) => Promise<WebSocket>): Promise<number> {
  const startedAt = performance.now()
  const back: WebSocket[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: storm.atOnce }, async () => {
      for (let n = next++; n < storm.sockets; n = next++) back.push(await come(n))
    }),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  for (const socket of back) socket.terminate()
  return seconds
}

async function comeBack(server: Child, { rid, token }: RoomOfVisitor): Promise<WebSocket> {
  const socket = await open(server)
  const isKnown = heard(socket, '"result"')
  const isReady = heard(socket, '"ready"')
  say(socket, { msg: 'connect', version: '1', support: ['1'] })
  say(socket, { msg: 'method', id: 'm', method: 'livechat:setUpConnection', params: [{ token }] })
  say(socket, {
    msg: 'sub',
    id: 's',
    name: 'stream-room-messages',
    params: [rid, { args: [{ token, visitorToken: token }] }],
  })
  await Promise.all([isKnown, isReady])
  await orAgain(() => call(server, 'GET', `livechat/messages.sync/${rid}?token=${token}&after=0`))
  return socket
}

/** The same frames and one request, with nothing behind them. */
async function comeBackTo(bare: Child, { rid, token }: RoomOfVisitor): Promise<WebSocket> {
  const socket = await open(bare)
  const isReady = heard(socket, '"ready"')
  say(socket, { msg: 'sub', id: 's', name: 'stream-room-messages', params: [rid, { args: [{ token }] }] })
  await isReady
  await orAgain(() => fetch(bare.url).then((answer) => answer.text()))
  return socket
}

/** A kept connection may be closed at the moment it is used: clients ask again. */
async function orAgain(ask: () => Promise<unknown>): Promise<void> {
  await ask().catch((error: unknown) => {
    if (!(error instanceof TypeError)) throw error
    return ask()
  })
}

/** The 99th percentile since the last look, as the server tells it to Prometheus. */
async function loopDelayMs(server: Child): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const seconds = /deskbell_event_loop_delay_seconds\{quantile="0.99"\} ([\d.e+-]+)/.exec(text)?.[1]
  return Number(seconds ?? 0) * 1_000
}
