// `npm run bench -- history`: the last 50 messages of a room in a small and in a large database, and what a server needs to
// start, to idle, and to take 100,000 messages.
import { setTimeout as wait } from 'node:timers/promises'
import type { Child } from './child.ts'
import { addConversations, messagesPerRoom } from './fill.ts'
import type { Measured } from './load.ts'
import { medians, runAtRate, runLoad } from './load.ts'
import { addAgents, call, openRooms, startDeskbell, temporaryFolder } from './product.ts'
import type { Criterion } from './report.ts'
import { print, printCriteria, printTable, tenths, whole } from './report.ts'
import { messageText, sendScript } from './send.ts'

const sizes = [10_000, 1_000_000] as const
const perSecond = 200
const warmUpSeconds = 2
const seconds = 6
const rounds = 3
const sends = 100_000
const samples = 10
const connections = 64

type Filled = { size: number; server: Child; idleMb: number; runs: Measured[]; path: () => string }

export async function benchHistory(): Promise<void> {
  const filled: Filled[] = []
  for (const size of sizes) filled.push(await startFilled(size))
  for (const { server, path } of filled) await runAtRate(server, perSecond, warmUpSeconds, path)
  for (let round = 0; round < rounds; round++) {
    for (const { server, runs, path } of filled) runs.push(await runAtRate(server, perSecond, seconds, path))
  }
  reportHistory(filled)
  const large = filled.at(-1)
  if (large === undefined) throw new Error('no database')
  reportMemory(await memoryOverSends(large.server))
  for (const { server } of filled) await server.stop()
}

/** A server on an existing database of so many messages, one second after its start. */
async function startFilled(size: number): Promise<Filled> {
  const folder = temporaryFolder()
  const first = await startDeskbell(folder)
  await addAgents(first, 1)
  const [template] = await openRooms(first, 1)
  if (template === undefined) throw new Error('no room')
  await call(first, 'POST', 'livechat/message', { ...template, msg: messageText })
  await first.stop()

  const rooms = addConversations(folder, template.rid, size / messagesPerRoom)
  const server = await startDeskbell(folder)
  await wait(3000)
  const path = (): string => {
    const rid = rooms[Math.floor(Math.random() * rooms.length)] ?? template.rid
    return `/api/v1/livechat/messages.history/${rid}?token=${template.token}&limit=50`
  }
  return { size, server, idleMb: server.memory().residentMb, runs: [], path }
}

/** Resident memory before, and after each tenth of 100,000 messages. */
async function memoryOverSends(server: Child): Promise<number[]> {
  const rooms = await openRooms(server, connections)
  const resident = [server.memory().residentMb]
  for (let sample = 0; sample < samples; sample++) {
    await runLoad(server, connections, { requests: sends / samples }, sendScript(rooms))
    resident.push(server.memory().residentMb)
  }
  return resident
}

function reportHistory(filled: readonly Filled[]): void {
  const results = filled.map(({ size, server, idleMb, runs }) => ({
    size,
    idleMb,
    readyMs: server.readyMs,
    ...medians(runs),
  }))
  print(
    `history: the last 50 messages of a random room, ${perSecond} requests/s, ${rounds} interleaved runs of ${seconds} s each, medians\n`,
  )
  printTable(
    ['messages', 'req/s', 'p50 ms', 'p99 ms', 'CPU µs', 'ready ms', 'idle MB'],
    results.map((result) => [
      result.size.toLocaleString('en'),
      whole(result.perSecond),
      tenths(result.p50Ms),
      tenths(result.p99Ms),
      whole(result.cpuMicros),
      whole(result.readyMs),
      whole(result.idleMb),
    ]),
  )
  printCriteria(historyCriteria(results))
}

function historyCriteria(results: (Measured & { readyMs: number; idleMb: number })[]): Criterion[] {
  const worst = (figure: 'p99Ms' | 'readyMs' | 'idleMb'): number => Math.max(...results.map((result) => result[figure]))
  const growth = (results.at(-1)?.p50Ms ?? NaN) / (results[0]?.p50Ms ?? NaN)
  return [
    { wanted: 'last 50 messages, p99 ≤ 10 ms', found: `${tenths(worst('p99Ms'))} ms`, reached: worst('p99Ms') <= 10 },
    {
      wanted: 'flat from 10,000 to 1,000,000 messages (p50 within a half)',
      found: `${growth.toFixed(2)} ×`,
      reached: growth <= 1.5,
    },
    {
      wanted: 'ready ≤ 1 s on an existing database',
      found: `${whole(worst('readyMs'))} ms`,
      reached: worst('readyMs') <= 1000,
    },
    { wanted: 'idle ≤ 130 MB RSS', found: `${whole(worst('idleMb'))} MB`, reached: worst('idleMb') <= 130 },
  ]
}

function reportMemory(resident: readonly number[]): void {
  const mean = (from: number, to: number): number =>
    resident.slice(from, to).reduce((sum, megabytes) => sum + megabytes, 0) / (to - from)
  // The first sends warm the compiler and the heap up; a leak shows in what comes after.
  const growth = mean(samples - 2, samples + 1) / mean(3, 6)
  print(`\nRSS in MB over ${sends.toLocaleString('en')} sends: ${resident.map(whole).join(' ')}\n`)
  printCriteria([
    {
      wanted: `memory flat over ${sends.toLocaleString('en')} sends (last 30 % within a tenth of the second 30 %)`,
      found: `${growth.toFixed(2)} ×`,
      reached: growth <= 1.1,
    },
  ])
}
