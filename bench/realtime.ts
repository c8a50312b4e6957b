// `npm run bench -- realtime`: what live sockets cost and how fast they hear, beside the same without and beside bare `ws`.
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { Child } from './child.ts'
import { startChild } from './child.ts'
import { medians, runLoad, type Measured } from './load.ts'
import { addAgents, call, openRooms, startDeskbell, temporaryFolder, type RoomOfVisitor } from './product.ts'
import { print, printCriteria, printTable, ratio, tenths, whole } from './report.ts'
import { messageText, sendScript } from './send.ts'
import { measureFanOut, measureStorm, type FanOut, type Storm } from './sockets.ts'

const connections = 64
const seconds = 5
const rounds = 3
const deliveries = { rooms: 64, perSecond: 1_000, seconds: 10 }
const idleSockets = 10_000

export async function benchRealtime(): Promise<void> {
  const server = await startDeskbell(temporaryFolder())
  await addAgents(server, 4)
  const rooms = await openRooms(server, connections)
  const cost = await measureCost(server, rooms)
  const delivery = await measureDelivery(server, rooms)
  await server.stop()
  const idle = await measureIdle(() => startDeskbell(temporaryFolder()), '/websocket')
  const bare = await measureIdle(() => startChild([`${import.meta.dirname}/floors/sockets.ts`]), '/')
  report(cost, delivery, { idle, bare })
  reportMany(await measureFanOut(), await measureStorm())
}

interface Cost {
  without: Measured
  live: Measured
}

/** Sends with a live socket on the other side of every room, and without, taking turns. */
async function measureCost(server: Child, rooms: readonly RoomOfVisitor[]): Promise<Cost> {
  const without: Measured[] = []
  const live: Measured[] = []
  await runLoad(server, connections, { seconds: 2 }, sendScript(rooms))
  for (let round = 0; round < rounds; round++) {
    without.push(await runLoad(server, connections, { seconds }, sendScript(rooms)))
    const sockets = await Promise.all(rooms.map((room) => listen(server, room, () => {})))
    live.push(await runLoad(server, connections, { seconds }, sendScript(rooms)))
    for (const socket of sockets) socket.close()
  }
  return { without: medians(without), live: medians(live) }
}

interface Delivery {
  p50Ms: number
  p99Ms: number
  missing: number
}

/** From the call of the sender to the frame at the listener, at a fixed rate. */
async function measureDelivery(server: Child, rooms: readonly RoomOfVisitor[]): Promise<Delivery> {
  const sentAt = new Map<string, number>()
  const times: number[] = []
  const hear = (id: string) => {
    const at = sentAt.get(id)
    if (at === undefined) return
    sentAt.delete(id)
    times.push(performance.now() - at)
  }
  const sockets = await Promise.all(rooms.map((room) => listen(server, room, hear)))
  const total = deliveries.perSecond * deliveries.seconds
  const startedAt = performance.now()
  const running: Promise<unknown>[] = []
  for (let n = 0; n < total; n++) {
    const earlyMs = startedAt + (n * 1000) / deliveries.perSecond - performance.now()
    if (earlyMs > 1) await wait(earlyMs)
    const room = rooms[n % rooms.length] as RoomOfVisitor
    const id = `delivery-${String(n)}`
    sentAt.set(id, performance.now())
    running.push(call(server, 'POST', 'livechat/message', { ...room, msg: messageText, _id: id }))
  }
  await Promise.all(running)
  await wait(500)
  for (const socket of sockets) socket.close()
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), missing: sentAt.size }
}

/** What a socket that says nothing keeps in memory, in KiB. */
async function measureIdle(start: () => Promise<Child>, path: string): Promise<number> {
  const server = await start()
  await wait(500)
  const before = server.memory().residentMb
  const sockets: WebSocket[] = []
  while (sockets.length < idleSockets) {
    const some = Array.from({ length: 200 }, () => connect(server, path))
    sockets.push(...(await Promise.all(some)))
  }
  await wait(2_000)
  const kibibytes = ((server.memory().residentMb - before) * 1024) / sockets.length
  for (const socket of sockets) socket.terminate()
  await server.stop()
  return kibibytes
}

async function connect(server: Child, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`)
  await once(socket, 'open')
  socket.send('{"msg":"connect","version":"1","support":["1"]}')
  return socket
}

/** Listens to the messages of a room as its visitor's widget does. */
async function listen(server: Child, { rid, token }: RoomOfVisitor, hear: (id: string) => void): Promise<WebSocket> {
  const socket = await connect(server, '/websocket')
  const isReady = new Promise<void>((resolve) => {
    socket.on('message', (bytes) => {
      const frame = JSON.parse((bytes as Buffer).toString('utf8')) as Frame
      if (frame.msg === 'ready') resolve()
      if (frame.msg === 'changed') hear(frame.fields?.args[0]?._id ?? '')
    })
  })
  const params = [rid, { args: [{ token, visitorToken: token }] }]
  socket.send(JSON.stringify({ msg: 'sub', id: '1', name: 'stream-room-messages', params }))
  await isReady
  return socket
}

interface Frame {
  msg?: string
  fields?: { args: { _id?: string }[] }
}

function report({ without, live }: Cost, delivery: Delivery, { idle, bare }: { idle: number; bare: number }): void {
  const rows: [string, Measured][] = [
    ['without sockets', without],
    ['with a live socket in each room', live],
  ]
  print(
    `sends: ${String(connections)} connections, ${String(rounds)} rounds of ${String(seconds)} s, taking turns, medians\n`,
  )
  printTable(
    ['', 'req/s', 'p50 ms', 'p99 ms', 'CPU µs'],
    rows.map(([name, { perSecond, p50Ms, p99Ms, cpuMicros }]) => [
      name,
      whole(perSecond),
      tenths(p50Ms),
      tenths(p99Ms),
      whole(cpuMicros),
    ]),
  )
  const share = live.perSecond / without.perSecond
  print(
    `delivery at ${String(deliveries.perSecond)}/s for ${String(deliveries.seconds)} s: p50 ${tenths(delivery.p50Ms)} ms, p99 ${tenths(delivery.p99Ms)} ms\n`,
  )
  printCriteria([
    { wanted: 'sends with a live socket ≥ 0.8 of sends without', found: ratio(share), reached: share >= 0.8 },
    { wanted: 'p99 of delivery ≤ 50 ms', found: `${tenths(delivery.p99Ms)} ms`, reached: delivery.p99Ms <= 50 },
    { wanted: 'nothing missing', found: String(delivery.missing), reached: delivery.missing === 0 },
    {
      wanted: `≤ 12 KiB for each of ${String(idleSockets)} idle sockets`,
      found: `${tenths(idle)} KiB (bare ws ${tenths(bare)})`,
      reached: idle <= 12,
    },
  ])
}

function reportMany(fanOut: FanOut, storm: Storm): void {
  const share = fanOut.deskbell / fanOut.bare
  print(
    `\none message to 100 listeners of a room: ${whole(fanOut.deskbell)} frames/s, bare ws ${whole(fanOut.bare)}; ` +
      `2,000 sockets back in ${tenths(storm.seconds)} s, bare ws ${tenths(storm.bareSeconds)} s\n`,
  )
  printCriteria([
    { wanted: 'fan-out to 100 ≥ 0.6 of bare ws', found: ratio(share), reached: share >= 0.6 },
    {
      wanted: '2,000 sockets are back in ≤ 10 s',
      found: `${tenths(storm.seconds)} s`,
      reached: storm.seconds <= 10,
    },
    {
      wanted: 'p99 of the event loop delay meanwhile ≤ 100 ms',
      found: `${tenths(storm.loopP99Ms)} ms`,
      reached: storm.loopP99Ms <= 100,
    },
  ])
}
