// An agent's session over bad networks: every room as the server has it, everything sent said once.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStorage, openAgentSession } from '../src/sdk.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'

type Happening =
  | { kind: 'agent says' | 'visitor says' | 'visitor edits' | 'visitor removes'; room: number }
  | { kind: 'requests are lost' | 'answers are lost' | 'frames are lost'; times: number }
  | { kind: 'the socket breaks' | 'the socket is half open' | 'the server is away' | 'all is well' }
  | { kind: 'time passes'; ms: number }

const room = fc.nat(1)
const times = fc.integer({ min: 1, max: 4 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('agent says' as const, 'visitor says' as const), room }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('visitor edits' as const, 'visitor removes' as const), room }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('requests are lost' as const, 'answers are lost' as const, 'frames are lost' as const),
      times,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'the socket breaks' as const,
        'the socket is half open' as const,
        'the server is away' as const,
        'all is well' as const,
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('time passes' as const), ms: fc.nat(40_000) }) },
)

async function play(happenings: readonly Happening[]) {
  const clock = fakeClock()
  const server = fakeServer({ clock })
  const visitors = [server.visitor('Vera'), server.visitor('Otto')]
  const session = await openAgentSession({
    ...server.connection,
    storage: memoryStorage(),
    username: server.agent.username,
    password: server.agent.password,
  })
  const told: string[] = []
  const texts: string[] = []
  session.on('message', ({ message }) => told.push(message._id))
  await clock.settle()

  const acts = {
    'agent says': (what: { room: number }) => {
      texts.push(`text ${texts.length}`)
      session.send(visitors[what.room]!.rid, texts.at(-1)!)
    },
    'visitor says': (what: { room: number }) => visitors[what.room]!.say('Hello'),
    'visitor edits': (what: { room: number }) => ofVisitor(what.room, (id) => visitors[what.room]!.edit(id, 'Hello!')),
    'visitor removes': (what: { room: number }) => ofVisitor(what.room, (id) => visitors[what.room]!.remove(id)),
    'requests are lost': (what: { times: number }) => server.faults.http.lose({ times: what.times }),
    'answers are lost': (what: { times: number }) => server.faults.http.loseAnswer({ times: what.times }),
    'frames are lost': (what: { times: number }) =>
      server.faults.toClient.drop({
        times: what.times,
        only: ({ collection }) => collection === 'stream-room-messages',
      }),
    'the socket breaks': () => server.faults.cut(),
    'the socket is half open': () => server.faults.halfOpen(),
    'the server is away': () => server.faults.unreachable(),
    'all is well': () => server.faults.heal(),
    'time passes': (what: { ms: number }) => clock.advance(what.ms),
  }

  function ofVisitor(index: number, act: (id: string) => void): void {
    const { rid } = visitors[index]!
    const message = server.messages(rid).findLast(({ t, u }) => t === undefined && u.username !== 'anna')
    if (message !== undefined) act(message._id)
  }

  for (const what of happenings) {
    const act = acts[what.kind] as (what: Happening) => unknown
    await act(what)
    await clock.settle()
  }
  server.faults.heal()
  await clock.advance(60_000)
  server.faults.cut()
  await clock.advance(60_000)
  const seen = session.state.rooms.map(({ rid, messages }) => [rid, messages.map(({ _id, msg }) => [_id, msg])])
  const truth = server.rooms.map((rid) => [rid, server.messages(rid).map(({ _id, msg }) => [_id, msg])])
  const said = server.rooms.flatMap((rid) => server.messages(rid)).filter(({ msg }) => texts.includes(msg))
  const outcome = { seen, truth, said, texts, told, outbox: session.state.outbox }
  session.end()
  await clock.settle()
  return { ...outcome, leaks: [clock.pendingTimers, server.openSockets] }
}

test('an agent’s rooms end as the server has them, whatever happens on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
      const { seen, truth, said, texts, told, outbox, leaks } = await play(happenings)
      expect(new Map(seen as [string, unknown][])).toEqual(new Map(truth as [string, unknown][]))
      expect(said.map(({ msg }) => msg).toSorted()).toEqual(texts.toSorted())
      expect(new Set(told).size).toBe(told.length)
      expect(outbox).toEqual([])
      expect(leaks).toEqual([0, 0])
    }),
    { numRuns: 40 },
  )
}, 120_000)
