// What the database settles when several people want the same thing at the same moment. On PostgreSQL the transactions
// really overlap; SQLite runs them one after another, and the rules must not know the difference.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
beforeEach(async () => void (desk = await startTestServer()))
afterEach(() => desk.stop())

/** Changes settings as the administrator of the moment. */
async function set(values: Record<string, string | number | boolean>): Promise<void> {
  const administrator = await desk.administrator()
  for (const [id, value] of Object.entries(values))
    expect((await administrator.raw(`POST /settings/${id}`, { body: { value } })).status).toBe(200)
}

async function register(token: string): Promise<void> {
  expect((await desk.anyone.raw('POST /livechat/visitor', { body: { visitor: { token } } })).status).toBe(200)
}

function askForRoom(token: string): Promise<RawAnswer> {
  return desk.anyone.raw('GET /livechat/room', { query: { token } })
}

async function openRoom(token: string): Promise<string> {
  await register(token)
  const answer = await askForRoom(token)
  expect(answer).toMatchObject({ status: 200, body: { newRoom: true } })
  return (answer.body as { room: { _id: string } }).room._id
}

function send(token: string, rid: string, msg: string): Promise<RawAnswer> {
  return desk.anyone.raw('POST /livechat/message', { body: { token, rid, msg, _id: `${rid}-${msg}` } })
}

interface Change {
  seq: number
  message: { _id: string; t?: string; msg: string; ts: string }
}

async function changesOf(token: string, rid: string): Promise<Change[]> {
  const answer = await desk.anyone.raw(`GET /livechat/messages.sync/${rid}`, { query: { token } })
  return (answer.body as { changes: Change[] }).changes
}

function count(answers: readonly RawAnswer[], error: string | undefined): number {
  return answers.filter(({ body }) => (body as { error?: string }).error === error).length
}

function roomsInDatabase() {
  const { read } = desk.server.context
  return read.all(read.sql.selectFrom('room').select(['id', 'visitorId', 'closedAt', 'servedById']))
}

/** The ids of the inquiries that wait. */
async function waiting(): Promise<string[]> {
  const { read } = desk.server.context
  const rows = await read.all(read.sql.selectFrom('inquiry').select('id').where('status', '=', 'queued'))
  return rows.map(({ id }) => id)
}

describe('one open room per visitor', () => {
  const VISITORS = 200
  const CALLS = 100

  test(
    `${CALLS} calls at once for each of ${VISITORS} visitors make ${VISITORS} rooms`,
    { timeout: 300_000 },
    async () => {
      await set({ Livechat_accept_chats_with_no_agents: true })
      for (let visitor = 0; visitor < VISITORS; visitor++) {
        const token = `v${visitor}`
        await register(token)
        const answers = await Promise.all(Array.from({ length: CALLS }, () => askForRoom(token)))
        expect(answers.map(({ status }) => status)).toEqual(Array(CALLS).fill(200))
        const ids = answers.map(({ body }) => (body as { room: { _id: string } }).room._id)
        expect(new Set(ids).size).toBe(1)
        expect(answers.filter(({ body }) => (body as { newRoom: boolean }).newRoom)).toHaveLength(1)
      }
      const rooms = await roomsInDatabase()
      expect(rooms).toHaveLength(VISITORS)
      expect(new Set(rooms.map(({ visitorId }) => visitorId)).size).toBe(VISITORS)
    },
  )

  test('visitors who arrive together get a room each', async () => {
    await set({ Livechat_accept_chats_with_no_agents: true })
    const tokens = Array.from({ length: 50 }, (_, index) => `together-${index}`)
    const ids = await Promise.all(tokens.map(openRoom))
    expect(new Set(ids).size).toBe(50)
  })

  test('a token that registers in several tabs at once is one visitor', async () => {
    const body = { visitor: { token: 'tabs', name: 'Ann' } }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => desk.anyone.raw('POST /livechat/visitor', { body })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const ids = answers.map((answer) => (answer.body as { visitor: { _id: string } }).visitor._id)
    expect(new Set(ids).size).toBe(1)
  })
})

describe('closing a room', () => {
  beforeEach(() => set({ Livechat_accept_chats_with_no_agents: true }))

  test('is won by exactly one of several', async () => {
    const rid = await openRoom('closer')
    const closers = await Promise.all([1, 2, 3].map(() => desk.administrator()))
    const answers = await Promise.all([
      ...closers.map((closer) => closer.raw('POST /livechat/room.closeByUser', { body: { rid, comment: 'bye' } })),
      ...[1, 2, 3].map(() => desk.anyone.raw('POST /livechat/room.close', { body: { rid, token: 'closer' } })),
    ])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(5)
    const closings = (await changesOf('closer', rid)).filter(({ message }) => message.t === 'livechat-close')
    expect(closings).toHaveLength(1)
  })

  test('leaves no message behind it that was acknowledged and is not there, nor one after it', async () => {
    for (let round = 0; round < 5; round++) {
      const token = `sender-${round}`
      const rid = await openRoom(token)
      const texts = Array.from({ length: 30 }, (_, index) => `m${index}`)
      const sends = texts.slice(0, 15).map((text) => send(token, rid, text))
      const closing = desk.anyone.raw('POST /livechat/room.close', { body: { rid, token } })
      sends.push(...texts.slice(15).map((text) => send(token, rid, text)))
      const answers = await Promise.all(sends)
      expect((await closing).status).toBe(200)
      expect(count(answers, undefined) + count(answers, 'room-closed')).toBe(answers.length)

      const changes = await changesOf(token, rid)
      const said = changes.filter(({ message }) => message.t === undefined).map(({ message }) => message.msg)
      const acknowledged = texts.filter((_, index) => answers[index]?.status === 200)
      expect([...said].sort()).toEqual([...acknowledged].sort())
      const closed = changes.findIndex(({ message }) => message.t === 'livechat-close')
      expect(changes.slice(closed).filter(({ message }) => message.t === undefined)).toEqual([])
    }
  })

  test('and asking for a room at the same moment ends with one open room at most', async () => {
    const first = await openRoom('again')
    await Promise.all([
      desk.anyone.raw('POST /livechat/room.close', { body: { rid: first, token: 'again' } }),
      ...Array.from({ length: 10 }, () => askForRoom('again')),
    ])
    const open = (await roomsInDatabase()).filter(({ closedAt }) => closedAt === null)
    expect(open.length).toBeLessThanOrEqual(1)
    expect((await askForRoom('again')).status).toBe(200)
  })
})

describe('messages sent at once', () => {
  beforeEach(() => set({ Livechat_accept_chats_with_no_agents: true }))

  test('into one room get numbers without holes and times that only grow', async () => {
    const rid = await openRoom('busy')
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => send('busy', rid, `m${index}`)))
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200))
    const changes = await changesOf('busy', rid)
    expect(changes.map(({ seq }) => seq)).toEqual(changes.map((_, index) => index + 1))
    const times = changes.map(({ message }) => message.ts)
    expect(times).toEqual([...new Set(times)].sort())
  })

  test('with the same id are one message, and every sender is told so', async () => {
    const rid = await openRoom('repeating')
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('repeating', rid, 'same')))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map(({ body }) => JSON.stringify((body as { message: unknown }).message))).size).toBe(1)
    const said = (await changesOf('repeating', rid)).filter(({ message }) => message.t === undefined)
    expect(said).toHaveLength(1)
  })
})

describe('an inquiry', () => {
  test('that fifty agents take at once is given to exactly one', { timeout: 60_000 }, async () => {
    await set({ Livechat_Routing_Method: 'Manual_Selection' })
    const agents: StaffMember[] = []
    for (let index = 0; index < 50; index++) agents.push(await desk.agent())
    const rid = await openRoom('wanted')
    const [inquiryId] = await waiting()

    const answers = await Promise.all(
      agents.map((agent) => agent.raw('POST /livechat/inquiries.take', { body: { inquiryId } })),
    )
    const winners = agents.filter((_, index) => answers[index]?.status === 200)
    expect(winners).toHaveLength(1)
    const taken = answers.filter(({ body }) => (body as { errorType?: string }).errorType === 'error-inquiry-taken')
    expect(taken).toHaveLength(49)

    expect(await roomsInDatabase()).toMatchObject([{ id: rid, servedById: winners[0]!.id }])
    const { read } = desk.server.context
    const busy = await read.all(read.sql.selectFrom('user').select(['id', 'openChats']).where('openChats', '>', 0))
    expect(busy).toEqual([{ id: winners[0]!.id, openChats: 1 }])
    const joined = (await changesOf('wanted', rid)).filter(({ message }) => message.t === 'uj')
    expect(joined).toHaveLength(1)
  })

  test('that is taken while its visitor leaves is either served and then closed, or only closed', async () => {
    await set({ Livechat_Routing_Method: 'Manual_Selection' })
    const agent = await desk.agent()
    for (let round = 0; round < 5; round++) {
      const rid = await openRoom(`leaving-${round}`)
      const [inquiryId] = await waiting()
      await Promise.all([
        agent.raw('POST /livechat/inquiries.take', { body: { inquiryId } }),
        desk.anyone.raw('POST /livechat/room.close', { body: { rid, token: `leaving-${round}` } }),
      ])
    }
    expect((await roomsInDatabase()).filter(({ closedAt }) => closedAt === null)).toEqual([])
    const { read } = desk.server.context
    const user = await read.first(read.sql.selectFrom('user').select('openChats').where('id', '=', agent.id))
    expect(user).toEqual({ openChats: 0 })
  })
})

describe('the last place of an agent', () => {
  const servedBy = async (agent: StaffMember) =>
    (await roomsInDatabase()).filter(({ closedAt, servedById }) => closedAt === null && servedById === agent.id).length

  test('goes to one of two chats opened at once, and the other waits', async () => {
    await set({ Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 })
    const agent = await desk.agent()
    await Promise.all(['left', 'right'].map(openRoom))
    expect(await servedBy(agent)).toBe(1)
    expect(await waiting()).toHaveLength(1)
  })

  test('goes to a waiting chat as soon as it is free, and never to two', { timeout: 60_000 }, async () => {
    await set({ Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 2 })
    const agents = [await desk.agent(), await desk.agent()]
    const tokens = Array.from({ length: 12 }, (_, index) => `t${index}`)
    await Promise.all(tokens.map(openRoom))
    for (let left = tokens.length; left > 0;) {
      await offerUntilSettled()
      const open = (await roomsInDatabase()).filter(({ closedAt }) => closedAt === null)
      const served = open.filter(({ servedById }) => servedById !== null)
      for (const agent of agents) expect(await servedBy(agent)).toBeLessThanOrEqual(2)
      expect(served).toHaveLength(Math.min(open.length, 4))
      const administrator = await desk.administrator()
      await Promise.all(
        served.map(({ id: rid }) =>
          administrator.raw('POST /livechat/room.closeByUser', { body: { rid, comment: 'bye' } }),
        ),
      )
      const remaining = (await roomsInDatabase()).filter(({ closedAt }) => closedAt === null).length
      expect(remaining).toBe(left - served.length)
      left = remaining
    }
  })

  /** Transactions that could not see each other leave a chat to the safety net: the job that offers again. */
  async function offerUntilSettled(): Promise<void> {
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
  }
})
