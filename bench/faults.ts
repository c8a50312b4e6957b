// `npm run bench -- faults`: a thousand forced disconnects over live conversations, and how soon everybody has caught up. Sessions of
// both kinds keep their usual patience, so what is measured is what users see. Ends by itself, at the latest after ten minutes.
import { setTimeout as wait } from 'node:timers/promises'
import { startFaultProxy, type FaultProxy } from '../packages/server/testing/fault-proxy.ts'
import { openAgentOfRooms, openVisitorTalker, type AgentOfRooms } from '../packages/server/testing/sdk-talker.ts'
import { faultyFrames, isEvent } from '../packages/server/testing/storm.ts'
import { judge, readStored, sumOf, talk, untilCaughtUp, untilShown } from '../packages/server/testing/talker.ts'
import type { Conversation, Talker } from '../packages/server/testing/talker.ts'
import { addAgents, openRooms, startDeskbell, temporaryFolder } from './product.ts'
import { print, printCriteria, printTable, whole } from './report.ts'

const agentsCount = 25
const roomsCount = 50
const wantedDisconnects = 1_000
const outageMs = 1_500
const calmMs = 5_500
const longestRecoveryMs = 45_000
const limitMs = 600_000
/** How long an outage lasts of whose end nobody is told. */
const silentOutageMs = 5_000

/** One session: a visitor, or an agent with several rooms. */
interface Side {
  kind: 'visitor' | 'agent'
  talkers: readonly Talker[]
  conversations: readonly Conversation[]
}

interface Field {
  proxies: Record<Side['kind'], FaultProxy>
  sides: Side[]
  conversations: Conversation[]
  /** Tells sessions, as a browser would, that the network is back. */
  signal: () => void
}

/** What happens to the sockets of some sessions; answers when the network is as good as ever. */
type Fault = (field: Field) => Promise<void>

const faults: Record<string, Fault> = {
  'cut, RST': (field) => hitSome(field, (link) => link.cut('reset')),
  'cut, FIN': (field) => hitSome(field, (link) => link.cut('end')),
  'frames lost, doubled, swapped; cut': (field) => hitSome(field, (link) => link.cut('reset')),
  'no network for 1.5 s: refused': (field) => outage(field, 'refuse'),
  'no network for 1.5 s: silence': (field) => outage(field, 'silently'),
  'half-open': (field) => hitSome(field, (link) => link.silence()),
  'half-open, still heard': (field) => hitSome(field, (link) => link.silence('down')),
  'half-open, still hearing': (field) => hitSome(field, (link) => link.silence('up')),
}

const names = Object.keys(faults)
/** Half-open sockets take their time, so they come once and the others until there were enough. */
const cycle = names.filter((name) => !name.startsWith('half-open'))

interface Recovery {
  fault: string
  kind: Side['kind']
  /** From the fault to when the session knew. */
  noticedMs: number
  /** From when the network was good again, and the session knew of the loss, to when it showed everything. */
  caughtUpMs: number
}

export async function benchFaults(): Promise<void> {
  const limit = setTimeout(() => {
    print('NOT reached: it took longer than ten minutes')
    process.exit(1)
  }, limitMs)
  const server = await startDeskbell(temporaryFolder())
  const field = await enter(server)
  const recoveries: Recovery[] = []
  for (let round = 0; disconnectsOf(field) < wantedDisconnects; round++)
    recoveries.push(...(await ride(field, names[round] ?? cycle[round % cycle.length] ?? '', round)))
  const disconnects = { visitor: field.proxies.visitor.disconnects, agent: field.proxies.agent.disconnects }
  const unannounced = await rideUnannounced(field)
  const verdicts = []
  for (const conversation of field.conversations)
    verdicts.push(judge(conversation, await readStored(server.url, conversation)))
  const messages = field.conversations.reduce((sum, { accepted }) => sum + accepted.size, 0)
  for (const proxy of Object.values(field.proxies)) await proxy.close()
  await server.stop()
  report({ recoveries, unannounced, verdict: sumOf(verdicts), disconnects, messages })
  clearTimeout(limit)
  // Sessions that try to come back keep the process.
  process.exit()
}

async function enter(server: Awaited<ReturnType<typeof startDeskbell>>): Promise<Field> {
  const options = { meddlesWith: isEvent, limitMs }
  const proxies = {
    visitor: await startFaultProxy(server.url, { ...options, seed: 1 }),
    agent: await startFaultProxy(server.url, { ...options, seed: 2 }),
  }
  const listeners = new Set<() => void>()
  const network = {
    isOnline: () => true,
    onChange: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const accounts = await addAgents(server, agentsCount)
  const rooms = await openRooms(server, roomsCount)
  const agents = []
  for (const { 'x-user-id': userId, 'x-auth-token': token } of accounts)
    agents.push(await openAgentOfRooms({ serverURL: proxies.agent.url, userId, token, network }))
  const sides: Side[] = []
  for (const agent of agents) {
    await untilLoaded(agent.session)
    const conversations: Conversation[] = []
    for (const { rid, token } of rooms.filter((room) => agent.session.rooms.some((own) => own.rid === room.rid))) {
      const visitor = await openVisitorTalker({ serverURL: proxies.visitor.url, token, network })
      const conversation = { rid, token, visitor, agent: agent.talkerIn(rid), accepted: new Map<string, string>() }
      conversations.push(conversation)
      sides.push({ kind: 'visitor', talkers: [visitor], conversations: [conversation] })
    }
    sides.push({ kind: 'agent', talkers: conversations.map((conversation) => conversation.agent), conversations })
  }
  const conversations = sides.filter(({ kind }) => kind === 'visitor').flatMap((side) => side.conversations)
  if (conversations.length !== roomsCount) throw new Error(`${String(conversations.length)} rooms have an agent`)
  for (const { talkers } of sides) for (const talker of talkers) await untilShown(talker, () => talker.isOnline())
  const signal = () => {
    for (const listener of [...listeners]) listener()
  }
  return { proxies, sides, conversations, signal }
}

function untilLoaded(session: AgentOfRooms['session']) {
  return new Promise<void>((resolve) => {
    const stop = session.subscribe(() => {
      if (!session.state.isLoaded) return
      stop()
      resolve()
    })
    if (session.state.isLoaded) resolve()
  })
}

/** Everybody talks, something happens in the middle, and everybody catches up. */
async function ride(field: Field, fault: string, round: number): Promise<Recovery[]> {
  // Whoever was lost a moment ago comes back more slowly each time: here everybody was well for a while.
  await wait(calmMs)
  for (const proxy of Object.values(field.proxies))
    proxy.set({
      ...(fault.startsWith('frames') && faultyFrames),
      loseRequest: 0.02,
      loseAnswer: 0.02,
      doubleRequest: 0.05,
    })
  const talking = field.conversations.flatMap((conversation) =>
    (['visitor', 'agent'] as const).map((side) =>
      talk(conversation, side, [`${side} ${String(round * 2)}`, `${side} ${String(round * 2 + 1)}`]),
    ),
  )
  await Promise.race(talking)
  const before = disconnectsOf(field)
  const faultAt = performance.now()
  const watched = field.sides.map((side) => watchRecovery(side, faultAt))
  const happening = faults[fault]?.(field)
  await happening
  const healedAt = performance.now()
  for (const each of watched) each.heal(healedAt)
  for (const proxy of Object.values(field.proxies)) proxy.heal()
  const hit = disconnectsOf(field) - before
  await Promise.all(talking)
  await untilAll(watched, hit)
  await Promise.all(field.conversations.map(untilCaughtUp))
  print(`${String(disconnectsOf(field))} disconnects, the last: ${fault}`)
  return watched.flatMap(({ recovery, end }) => {
    end()
    const found = recovery()
    return found === undefined ? [] : [{ fault, ...found }]
  })
}

/** The server is away for a while, and nothing tells the sessions that it is back: they find out by themselves. */
async function rideUnannounced(field: Field): Promise<number[]> {
  const faultAt = performance.now()
  const watched = field.sides.map((side) => watchRecovery(side, faultAt))
  for (const proxy of Object.values(field.proxies)) {
    proxy.meet('refuse')
    for (const link of proxy.links()) link.cut('reset')
  }
  await wait(silentOutageMs)
  const healedAt = performance.now()
  for (const each of watched) each.heal(healedAt)
  for (const proxy of Object.values(field.proxies)) proxy.heal()
  await untilAll(watched, watched.length)
  return watched.flatMap(({ recovery, end }) => {
    end()
    return recovery()?.caughtUpMs ?? []
  })
}

/** Watches one session from a fault on. */
function watchRecovery({ kind, talkers, conversations }: Side, faultAt: number) {
  let noticedAt: number | undefined
  let healedAt: number | undefined
  let caughtUpAt: number | undefined
  let wanted: string[][] = []
  const look = () => {
    const isOnline = talkers.every((talker) => talker.isOnline())
    if (!isOnline) noticedAt ??= performance.now()
    if (!isOnline || noticedAt === undefined || healedAt === undefined) return
    const hasAll = talkers.every((talker, index) => {
      const shown = new Set(talker.shown())
      return wanted[index]?.every((id) => shown.has(id)) === true
    })
    if (hasAll) caughtUpAt ??= performance.now()
  }
  const ends = talkers.map((talker) => talker.watch(look))
  return {
    isCaughtUp: () => caughtUpAt !== undefined,
    heal: (at: number) => {
      healedAt = at
      wanted = conversations.map(({ accepted }) => [...accepted.keys()])
      look()
    },
    recovery: () =>
      noticedAt === undefined || healedAt === undefined || caughtUpAt === undefined
        ? undefined
        : { kind, noticedMs: noticedAt - faultAt, caughtUpMs: caughtUpAt - Math.max(noticedAt, healedAt) },
    end: () => {
      for (const stop of ends) stop()
    },
  }
}

/**
 * Waits until so many sessions have noticed and recovered, or all that will: a socket that a session had left already is
 * missed by nobody.
 */
async function untilAll(watched: readonly { isCaughtUp: () => boolean }[], count: number): Promise<void> {
  const lastAt = performance.now() + longestRecoveryMs
  while (watched.filter(({ isCaughtUp }) => isCaughtUp()).length < count && performance.now() < lastAt) await wait(20)
}

/** Two of five sockets of each kind. */
function hitSome({ proxies }: Field, hit: (link: ReturnType<FaultProxy['links']>[number]) => void): Promise<void> {
  for (const proxy of Object.values(proxies)) {
    const sockets = proxy.links().filter(({ isSocket }) => isSocket)
    for (const [index, link] of sockets.entries()) if (index % 5 < 2) hit(link)
  }
  return Promise.resolve()
}

/** Nothing comes through for a while; then the device says that the network is back. */
async function outage({ proxies, signal }: Field, how: 'refuse' | 'silently'): Promise<void> {
  for (const proxy of Object.values(proxies)) {
    proxy.meet(how)
    for (const link of proxy.links()) link.cut('reset')
  }
  await wait(outageMs)
  for (const proxy of Object.values(proxies)) proxy.heal()
  signal()
}

function disconnectsOf({ proxies }: Field): number {
  return proxies.visitor.disconnects + proxies.agent.disconnects
}

interface Found {
  recoveries: readonly Recovery[]
  unannounced: readonly number[]
  verdict: ReturnType<typeof sumOf>
  disconnects: Record<Side['kind'], number>
  messages: number
}

function report({ recoveries, unannounced, verdict, disconnects, messages }: Found): void {
  const total = disconnects.visitor + disconnects.agent
  print(
    `${String(total)} forced disconnects (${String(disconnects.visitor)} of visitors, ${String(disconnects.agent)} of agents), ` +
      `${String(roomsCount)} conversations, ${String(messages)} acknowledged messages\n`,
  )
  printTable(
    ['', 'recoveries', 'noticed p50 ms', 'longest', 'caught up p50 ms', 'p99', 'longest'],
    names.map((fault) => {
      const of = recoveries.filter((recovery) => recovery.fault === fault)
      const noticed = of.map(({ noticedMs }) => noticedMs)
      const caughtUp = of.map(({ caughtUpMs }) => caughtUpMs)
      const figures = [at(noticed, 0.5), at(noticed, 1), at(caughtUp, 0.5), at(caughtUp, 0.99), at(caughtUp, 1)]
      return [fault, String(of.length), ...figures.map(whole)]
    }),
  )
  print(
    `a server away for ${String(silentOutageMs / 1000)} s, whose return nobody announces: ` +
      `caught up after ${whole(at(unannounced, 0.5))} ms (p50), ${whole(at(unannounced, 1))} ms (longest)\n`,
  )
  const caughtUp = at(
    recoveries.map(({ caughtUpMs }) => caughtUpMs),
    1,
  )
  const noticed = at(
    recoveries.map(({ noticedMs }) => noticedMs),
    1,
  )
  printCriteria([
    ...Object.entries(verdict).map(([name, count]) => ({
      wanted: `0 ${name}`,
      found: String(count),
      reached: count === 0,
    })),
    { wanted: 'caught up ≤ 2 s after healing', found: `${whole(caughtUp)} ms`, reached: caughtUp <= 2_000 },
    { wanted: 'half-open noticed ≤ 25 s', found: `${whole(noticed)} ms`, reached: noticed <= 25_000 },
  ])
}

function at(figures: readonly number[], share: number): number {
  const sorted = Float64Array.from(figures).sort()
  return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN
}
