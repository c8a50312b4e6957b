// Whatever happens on the way, a session ends with the server's list, and tells each message once and in order.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openVisitorSession } from '../src/sdk.ts'
import type { Message, VisitorSession } from '../src/sdk.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'
import type { FakeClock, FakeServer } from '../src/testing/testing.ts'

/** What happens at one moment. */
type Happening =
  | { kind: 'visitor says' | 'agent says' }
  | { kind: 'agent edits' | 'agent removes' | 'visitor edits' | 'visitor removes'; which: number }
  | { kind: 'frames are lost' | 'frames come twice' | 'frames overtake each other' | 'frames are late'; times: number }
  | { kind: 'requests are lost' | 'answers are lost' | 'the server fails'; times: number }
  | { kind: 'requests are slow'; ms: number }
  | { kind: 'the socket breaks' | 'the socket is half open' | 'the server is away' | 'all is well' }
  | { kind: 'history is read' | 'agent says more than a page holds' }
  | { kind: 'time passes'; ms: number }

const which = fc.nat(20)
const times = fc.integer({ min: 1, max: 6 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('visitor says' as const, 'agent says' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'agent edits' as const,
        'agent removes' as const,
        'visitor edits' as const,
        'visitor removes' as const,
      ),
      which,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'frames are lost' as const,
        'frames come twice' as const,
        'frames overtake each other' as const,
        'frames are late' as const,
      ),
      times,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('requests are lost' as const, 'answers are lost' as const, 'the server fails' as const),
      times,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('requests are slow' as const), ms: fc.nat(3_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'the socket breaks' as const,
        'the socket is half open' as const,
        'the server is away' as const,
        'all is well' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('history is read' as const, 'agent says more than a page holds' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('time passes' as const), ms: fc.nat(40_000) }) },
)

interface World {
  clock: FakeClock
  server: FakeServer
  session: VisitorSession
  /** What was told, in the order of telling. */
  told: Message[]
  /** Messages that were read as history, by id: these are not told. */
  read: Set<string>
  texts: number
}

/** Frames that carry messages: others have nobody to repeat them. */
const carriesSpeech = ({ collection }: Record<string, unknown>) =>
  collection === 'stream-room-messages' || collection === 'stream-notify-room'

// eslint-disable-next-line complexity -- a table
function happen(world: World, what: Happening): unknown {
  const { clock, server, session } = world
  const { faults, agent } = server
  switch (what.kind) {
    case 'visitor says':
      return session.send(`visitor ${++world.texts}`)
    case 'agent says':
      return server.rooms.length > 0 && agent.reply(`agent ${++world.texts}`)
    case 'agent says more than a page holds':
      if (server.rooms.length > 0) for (let line = 0; line < 120; line++) agent.reply(`agent ${++world.texts}`)
      return undefined
    case 'agent edits':
      return forOne(world, 'anna', what.which, ({ _id }) => agent.edit(_id, `edited ${++world.texts}`))
    case 'agent removes':
      return forOne(world, 'anna', what.which, ({ _id }) => agent.remove(_id))
    case 'visitor edits':
      return forOne(world, undefined, what.which, ({ _id }) =>
        ignoringFaults(session.edit(_id, `mine ${++world.texts}`)),
      )
    case 'visitor removes':
      return forOne(world, undefined, what.which, ({ _id }) => ignoringFaults(session.delete(_id)))
    case 'frames are lost':
      return faults.toClient.drop({ times: what.times, only: carriesSpeech })
    case 'frames come twice':
      return faults.toClient.duplicate({ times: what.times, only: carriesSpeech })
    case 'frames overtake each other':
      return faults.toClient.reorder(2_000, { times: what.times, only: carriesSpeech })
    case 'frames are late':
      return faults.toClient.delay(1_500, { times: what.times, only: carriesSpeech })
    case 'requests are lost':
      return faults.http.lose({ times: what.times })
    case 'answers are lost':
      return faults.http.loseAnswer({ times: what.times })
    case 'the server fails':
      return faults.http.refuse(503, { times: what.times, retryAfter: 2 })
    case 'requests are slow':
      return faults.http.delay(what.ms, { times: 3 })
    case 'the socket breaks': {
      faults.cut(1006)
      return
    }
    case 'the socket is half open': {
      faults.halfOpen()
      return
    }
    case 'the server is away':
      return faults.unreachable()
    case 'all is well': {
      faults.heal()
      return
    }
    case 'history is read': {
      readHistory(world)
      return
    }
    case 'time passes':
      return clock.advance(what.ms)
  }
}

function forOne({ server }: World, username: string | undefined, index: number, act: (message: Message) => unknown) {
  if (server.rooms.length === 0) return undefined
  const written = server.messages().filter(({ t }) => t === undefined)
  const theirs = written.filter(({ u }) => (username === undefined ? u.username !== 'anna' : u.username === username))
  const message = theirs[index % Math.max(1, theirs.length)]
  return message && act(message)
}

/** Edits are not repeated by the session: what fails is up to the caller, and here to nobody. */
function ignoringFaults(work: Promise<unknown>): void {
  work.catch(() => undefined)
}

function readHistory({ session, read }: World): void {
  const all = async () => {
    for await (const page of session.history({ pageSize: 3 })) for (const { _id } of page) read.add(_id)
  }
  ignoringFaults(all())
}

async function play(happenings: readonly Happening[], connection: (server: FakeServer) => FakeServer['connection']) {
  const clock = fakeClock()
  const server = fakeServer({ clock })
  const session = await openVisitorSession({ ...connection(server), token: 'vera' })
  const world: World = { clock, server, session, told: [], read: new Set(), texts: 0 }
  session.on('message', ({ message }) => world.told.push(message))
  session.send('first')
  for (const what of happenings) {
    await happen(world, what)
    await clock.settle()
  }
  server.faults.heal()
  await clock.advance(60_000)
  server.faults.cut(1001)
  await clock.advance(60_000)
  session.end()
  await clock.settle()
  return { ...world, timersLeft: clock.pendingTimers }
}

const outlook = ({ _id, msg, t, ts }: Message) => ({ _id, msg, t, ts })

/** Whether a telling in the order of saying was promised: without numbers, what was lost is found later. */
function holds(world: Awaited<ReturnType<typeof play>>, { inOrder }: { inOrder: boolean }): void {
  const { server, session, told, timersLeft } = world
  const list = session.state.messages.map(outlook)
  const truth = server.messages().map(outlook)
  // It begins with the newest page; from there on nothing is missing.
  expect(list.length).toBeGreaterThanOrEqual(Math.min(50, truth.length))
  expect(list).toEqual(truth.slice(-list.length))
  expect(session.state.outbox).toEqual([])
  const ids = told.map(({ _id }) => _id)
  expect(new Set(ids).size).toBe(ids.length)
  const toldTimes = told.map(({ ts }) => ts)
  if (inOrder) expect(toldTimes).toEqual([...toldTimes].sort())
  // What the visitor said arrived, in its order.
  const said = server.messages().filter(({ msg }) => /^visitor \d+$/.test(msg))
  const numbers = said.map(({ msg }) => Number(msg.slice('visitor '.length)))
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
  expect(timersLeft).toBe(0)
}

test('a session ends with the server’s list, each message told once and in order, whatever happens on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
      holds(await play(happenings, ({ connection }) => connection), { inOrder: true })
    }),
    { numRuns: 60 },
  )
}, 120_000)

test('the same, told once, where the server does not number its changes, as Rocket.Chat does not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening.filter(isFoundWithoutNumbers), { maxLength: 40 }), async (happenings) => {
      holds(await play(happenings, withoutNumbers), { inOrder: false })
    }),
    { numRuns: 60 },
  )
}, 120_000)

/**
 * Without numbers nobody notices a hole, so there frames get lost only with their socket; and after an absence the newest
 * page is read, so that older edits are found when history is read.
 */
function isFoundWithoutNumbers({ kind }: Happening): boolean {
  return !['frames are lost', 'frames overtake each other', 'agent says more than a page holds'].includes(kind)
}

/** The same server with answers and frames that have no numbers, and without `messages.sync`. */
function withoutNumbers(server: FakeServer): FakeServer['connection'] {
  const strip = (text: string) =>
    JSON.stringify(JSON.parse(text, (key, value: unknown) => (key === 'seq' ? undefined : value)))
  class Bare {
    readonly #socket: WebSocket
    constructor(url: string) {
      this.#socket = new server.WebSocket(url)
    }
    set onopen(listener: () => void) {
      this.#socket.onopen = listener
    }
    set onclose(listener: () => void) {
      this.#socket.onclose = listener
    }
    set onerror(listener: () => void) {
      this.#socket.onerror = listener
    }
    set onmessage(listener: ((event: { data: string }) => void) | null) {
      this.#socket.onmessage = listener && (({ data }) => listener({ data: strip(data) }))
    }
    send(text: string) {
      this.#socket.send(text)
    }
    close() {
      this.#socket.close()
    }
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if ((input as string).includes('/messages.sync/'))
      return Response.json({ success: false, error: 'API endpoint not found' }, { status: 404 })
    const answer = await server.fetch(input, init)
    return new Response(strip(await answer.text()), { status: answer.status, headers: answer.headers })
  }
  return { ...server.connection, fetch, WebSocket: Bare as unknown as typeof WebSocket }
}
