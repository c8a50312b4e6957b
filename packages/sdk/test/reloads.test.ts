// Whatever a visitor has sent is said once: over faults, reloads, closed rooms, and in several programs at once.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStorage, openVisitorSession } from '../src/sdk.ts'
import type { OutboxItem, VisitorSession } from '../src/sdk.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'

type Happening =
  | { kind: 'says'; program: number }
  | { kind: 'reloads'; program: number }
  | { kind: 'requests are lost' | 'answers are lost' | 'the server is busy'; times: number }
  | { kind: 'the socket breaks' | 'the socket is half open' | 'the server is away' | 'all is well' | 'the room closes' }
  | { kind: 'time passes'; ms: number }

const program = fc.nat(1)
const times = fc.integer({ min: 1, max: 4 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('says' as const), program }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('reloads' as const), program }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('requests are lost' as const, 'answers are lost' as const, 'the server is busy' as const),
      times,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'the socket breaks' as const,
        'the socket is half open' as const,
        'the server is away' as const,
        'all is well' as const,
        'the room closes' as const,
      ),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('time passes' as const), ms: fc.nat(40_000) }) },
)

/** A program of the visitor’s: a tab that can be loaded anew. Those here cannot agree on which of them sends. */
interface Program {
  session: VisitorSession
  /** How often each item was told sent, by this loading of the program. */
  sent: Map<string, number>
}

async function play(happenings: readonly Happening[], programCount: number) {
  const clock = fakeClock()
  const server = fakeServer({ clock })
  const storage = memoryStorage()
  const texts: string[] = []
  const twice: string[] = []

  async function load(): Promise<Program> {
    const session = await openVisitorSession({ ...server.connection, storage, token: 'vera' })
    const sent = new Map<string, number>()
    session.on('outbox', ({ item, isDiscarded }) => {
      if (item.state !== 'sent' || isDiscarded) return
      if (sent.has(item._id)) twice.push(item.msg)
      sent.set(item._id, 1)
    })
    return { session, sent }
  }

  const programs = await Promise.all(Array.from({ length: programCount }, load))
  const nth = (index: number) => index % programs.length
  await clock.settle()

  // eslint-disable-next-line complexity -- a table
  async function happen(what: Happening): Promise<void> {
    const { faults, agent } = server
    switch (what.kind) {
      case 'says':
        texts.push(`text ${texts.length}`)
        programs[nth(what.program)]?.session.send(texts.at(-1)!)
        return
      case 'reloads':
        // What is being written to the storage is written: a page that is closed has that much time.
        await clock.settle()
        programs[nth(what.program)]?.session.end()
        programs[nth(what.program)] = await load()
        return
      case 'requests are lost':
        faults.http.lose({ times: what.times })
        return
      case 'answers are lost':
        faults.http.loseAnswer({ times: what.times })
        return
      case 'the server is busy':
        faults.http.refuse(503, { times: what.times, retryAfter: 3 })
        return
      case 'the socket breaks':
        faults.cut()
        return
      case 'the socket is half open':
        faults.halfOpen()
        return
      case 'the server is away':
        faults.unreachable()
        return
      case 'all is well':
        faults.heal()
        return
      case 'the room closes':
        if (server.rooms.length > 0 && openRooms(server) > 0) agent.closeRoom()
        return
      case 'time passes':
        await clock.advance(what.ms)
        return
    }
  }

  for (const what of happenings) {
    await happen(what)
    await clock.settle()
  }
  server.faults.heal()
  await clock.advance(60_000)
  // Programs that cannot agree find the room of the other when they come back.
  server.faults.cut()
  await clock.advance(60_000)
  // Messages into a room that has ended fail; their visitor tries again.
  for (let round = 0; round < 3; round++) {
    for (const { session } of programs) for (const item of failedIn(session)) session.retry(item._id)
    await clock.advance(60_000)
  }
  const said = server.rooms
    .flatMap((rid) => server.messages(rid))
    .filter(({ u, t }) => t === undefined && u.username !== 'anna')
  const outboxes = programs.map(({ session }) => session.state.outbox)
  // A room that has ended is found by nobody who was not there.
  const open = programs.filter(({ session }) => session.state.room?.isOpen === true)
  const lists = open.map(({ session }) => session.state.messages.map(({ _id }) => _id))
  for (const { session } of programs) session.end()
  await clock.settle()
  return { texts, twice, said, outboxes, lists, leaks: [clock.pendingTimers, server.openSockets] }
}

function failedIn({ state }: VisitorSession): OutboxItem[] {
  return state.outbox.filter(({ state: how }) => how === 'failed')
}

function openRooms(server: ReturnType<typeof fakeServer>): number {
  const isClosed = (rid: string) => server.messages(rid).some(({ t }) => t === 'livechat-close')
  return server.rooms.filter((rid) => !isClosed(rid)).length
}

test.each([
  ['in one program', 1],
  ['in two', 2],
])(
  '%s, whatever was sent is said once, and told sent once',
  async (_, programCount) => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
        const { texts, twice, said, outboxes, lists, leaks } = await play(happenings, programCount)
        expect(said.map(({ msg }) => msg).toSorted()).toEqual(texts.toSorted())
        expect(twice).toEqual([])
        // Where programs cannot agree, one may offer to a new room what the other had said in one that has ended.
        const left = outboxes.flat().filter(({ error }) => programCount === 1 || error?.code !== 'invalid-message')
        expect(left).toEqual([])
        for (const list of lists) expect(list).toEqual(lists[0])
        expect(leaks).toEqual([0, 0])
      }),
      { numRuns: 40 },
    )
  },
  120_000,
)

test('what is sent while all is only slow is said in its order, over any number of reloads', async () => {
  const ordered = happening.filter(({ kind }) => kind !== 'the room closes')
  await fc.assert(
    fc.asyncProperty(fc.array(ordered, { maxLength: 30 }), async (happenings) => {
      const { texts, said } = await play(happenings, 1)
      expect(said.map(({ msg }) => msg)).toEqual(texts)
    }),
    { numRuns: 40 },
  )
}, 120_000)
