// `npm run bench -- send`: one message after the other from 64 visitors at once, against the two floors.
import { randomUUID } from 'node:crypto'
import type { Child } from './child.ts'
import type { Measured, Script } from './load.ts'
import { medians, runLoad } from './load.ts'
import type { RoomOfVisitor } from './product.ts'
import { addAgents, openRooms, startDeskbell, startDurable, startEcho, temporaryFolder } from './product.ts'
import type { Criterion } from './report.ts'
import { print, printCriteria, printTable, ratio, tenths, whole } from './report.ts'

export const sendPath = '/api/v1/livechat/message'
export const jsonHeaders = { 'content-type': 'application/json' }
export const messageText = 'Good morning, could you tell me when my order will arrive?'

const connections = 64
const warmUpSeconds = 2
const seconds = 6
const rounds = 3

type Contender = { name: string; server: Child; script: Script; runs: Measured[]; idleMb: number }

export async function benchSend(): Promise<void> {
  const folder = temporaryFolder()
  const deskbell = await startDeskbell(folder)
  await addAgents(deskbell, 4)
  const rooms = await openRooms(deskbell, connections)
  const floorRooms = roomsOfFloor(connections)
  const contenders = [
    contender('echo floor', await startEcho(), floorRooms),
    contender('durable floor', await startDurable(folder, connections), floorRooms),
    contender('deskbell', deskbell, rooms),
  ]
  await runInterleaved(contenders)
  report(contenders)
  for (const { server } of contenders) await server.stop()
}

/** Every contender warms up alone; then they take turns, so that a busy moment of the machine hits them alike. */
async function runInterleaved(contenders: readonly Contender[]): Promise<void> {
  for (const { server, script } of contenders) await runLoad(server, connections, { seconds: warmUpSeconds }, script)
  for (let round = 0; round < rounds; round++) {
    for (const { server, script, runs } of contenders)
      runs.push(await runLoad(server, connections, { seconds }, script))
  }
}

function contender(name: string, server: Child, rooms: RoomOfVisitor[]): Contender {
  return { name, server, script: sendScript(rooms), runs: [], idleMb: server.memory().residentMb }
}

/** Every message has an id of its own, so that each is new. */
export function sendScript(rooms: readonly RoomOfVisitor[]): Script {
  return (connection) => {
    const room = rooms[connection % rooms.length]
    return [
      {
        method: 'POST',
        path: sendPath,
        headers: jsonHeaders,
        setupRequest: (request) => ({
          ...request,
          body: JSON.stringify({ ...room, msg: messageText, _id: randomUUID() }),
        }),
      },
    ]
  }
}

export function roomsOfFloor(count: number): RoomOfVisitor[] {
  return Array.from({ length: count }, (_, n) => ({ token: `visitor-${n}`, rid: `room-${n}` }))
}

function report(contenders: readonly Contender[]): void {
  const results = contenders.map(({ name, server, runs, idleMb }) => ({
    name,
    ...medians(runs),
    ...server.memory(),
    idleMb,
  }))
  const durable = results.find(({ name }) => name === 'durable floor')
  const deskbell = results.find(({ name }) => name === 'deskbell')
  if (durable === undefined || deskbell === undefined) throw new Error('a contender is missing')
  print(`send: ${connections} connections, ${rounds} interleaved runs of ${seconds} s each, medians\n`)
  printTable(
    ['', 'req/s', 'p50 ms', 'p99 ms', 'CPU µs', 'RSS before', 'after', 'peak MB', 'load gen', 'of durable'],
    results.map((result) => [
      result.name,
      whole(result.perSecond),
      tenths(result.p50Ms),
      tenths(result.p99Ms),
      whole(result.cpuMicros),
      whole(result.idleMb),
      whole(result.residentMb),
      whole(result.peakMb),
      `${whole(result.generatorShare * 100)} %`,
      ratio(result.perSecond / durable.perSecond),
    ]),
  )
  printCriteria(criteria(deskbell, durable))
}

function criteria(deskbell: Measured, durable: Measured): Criterion[] {
  const speed = deskbell.perSecond / durable.perSecond
  const tail = deskbell.p99Ms / durable.p99Ms
  return [
    { wanted: 'durable send ≥ 0.50 of the durable floor', found: ratio(speed), reached: speed >= 0.5 },
    { wanted: 'p99 ≤ 3 × the p99 of the durable floor', found: `${tenths(tail)} ×`, reached: tail <= 3 },
  ]
}
