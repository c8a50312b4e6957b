import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  closeByVisitor,
  configure,
  errorTypeOf,
  historyOf,
  makeDepartment,
  openChat,
  refusal,
  register,
  roomOf,
  roomSeenBy,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { countReads } from '../../../testing/reads.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
let user: StaffMember
let offline: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.agent({ username: 'bob' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  user = await desk.staff({ username: 'uma', roles: ['user'] })
  offline = await desk.staff({ username: 'otto', roles: ['user', 'livechat-agent'] })
})
afterAll(() => desk.stop())

beforeEach(async () => {
  const { inquiries } = await manager.call('GET /livechat/inquiries.list', { query: { count: '100' } })
  for (const { rid } of inquiries)
    await manager.call('POST /livechat/room.closeByUser', { body: { rid, comment: 'cleared' } })
})

async function inquiryOf(chat: Chat) {
  const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
  return inquiry!
}

const take = (by: StaffMember, body: Record<string, unknown>) => by.raw('POST /livechat/inquiries.take', { body })

async function takeChat(by: StaffMember, chat: Chat) {
  return take(by, { inquiryId: (await inquiryOf(chat))._id })
}

describe('an agent whom the visitor asks for', () => {
  const askFor = async (agentId: string) => {
    const visitor = await register(desk)
    const { room } = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token, agentId } })
    return { ...visitor, rid: room._id, room }
  }

  test('is waited for, and no more once the chat is taken', async () => {
    const department = await makeDepartment(desk, { agents: [anna, bob], showOnRegistration: 0 })
    const visitor = await register(desk, { department })
    const query = { token: visitor.token, agentId: bob.id }
    const { room } = await desk.anyone.call('GET /livechat/room', { query })
    const chat = { ...visitor, rid: room._id, room }
    expect(room).not.toHaveProperty('servedBy')
    expect(await inquiryOf(chat)).toMatchObject({ defaultAgent: { agentId: bob.id, username: 'bob' } })
    expect((await takeChat(bob, chat)).status).toBe(200)
    expect(await inquiryOf(chat)).not.toHaveProperty('defaultAgent')
    await closeByVisitor(desk, chat)
  })

  test('is not waited for while full, nor is anybody who is no agent', async () => {
    await withSettings(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 }, async () => {
      const first = await askFor(bob.id)
      expect(await inquiryOf(first)).toHaveProperty('defaultAgent')
      await takeChat(bob, first)
      expect(await inquiryOf(await askFor(bob.id))).not.toHaveProperty('defaultAgent')
      await closeByVisitor(desk, first)
    })
    for (const id of [user.id, 'no-such']) expect(await inquiryOf(await askFor(id))).not.toHaveProperty('defaultAgent')
    expect(await inquiryOf(await openChat(desk))).not.toHaveProperty('defaultAgent')
  })
})

describe('looking at the queue', () => {
  test('managers see what waits, newest first, without the visitor’s token', async () => {
    const first = await openChat(desk, { name: 'First' })
    desk.clock.advance(1_000)
    const second = await openChat(desk, { name: 'Second' })
    await say(desk, second, 'please hurry')
    const body = await manager.call('GET /livechat/inquiries.list')
    expect(body).toMatchObject({ count: 2, offset: 0, total: 2 })
    expect(body.inquiries.map(({ name, status, t, rid }) => [name, status, t, rid])).toEqual([
      ['Second', 'queued', 'l', second.rid],
      ['First', 'queued', 'l', first.rid],
    ])
    for (const { token } of [first, second]) expect(JSON.stringify(body)).not.toContain(token)
    const { inquiries } = await manager.call('GET /livechat/inquiries.list', {
      query: { sort: '{"ts":1}', count: '1' },
    })
    expect(inquiries.map(({ name }) => name)).toEqual(['First'])
    expect((await manager.call('GET /livechat/inquiries.list', { query: { offset: '2' } })).inquiries).toEqual([])
  })

  test.each(['GET /livechat/inquiries.queuedForUser', 'GET /livechat/inquiries.queued'])(
    '%s: an agent sees what that agent may take, longest waiting first',
    async (key) => {
      const first = await openChat(desk)
      desk.clock.advance(1_000)
      const second = await openChat(desk)
      await say(desk, first, 'still here')
      const shown = await anna.raw(key)
      expect(shown.body).toMatchObject({
        count: 2, total: 2, offset: 0, success: true,
        inquiries: [
          { rid: first.rid, status: 'queued', v: { _id: first.id, status: 'online' }, message: '', queuedAt: expect.any(String) as string },
          { rid: second.rid },
        ],
      }) // prettier-ignore
      expect(JSON.stringify(shown.body)).not.toMatch(new RegExp(`${first.token}|${second.token}`))
      const newest = (await anna.raw(key, { query: { sort: '{"ts":-1}' } })) as {
        body: { inquiries: { rid: string }[] }
      }
      expect(newest.body.inquiries.map(({ rid }) => rid)).toEqual([second.rid, first.rid])
    },
  )

  test('shows what was said last', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'the first')
    const { _id } = await say(desk, chat, 'the latest')
    const inquiry = await inquiryOf(chat)
    expect(inquiry.lastMessage).toMatchObject({ _id, msg: 'the latest' })
    expect(inquiry.lastMessage).not.toHaveProperty('token')
  })

  test.each([
    ['GET /livechat/inquiries.list', () => manager],
    ['GET /livechat/inquiries.queuedForUser', () => anna],
    ['GET /livechat/inquiries.queued', () => anna],
  ])(
    '%s: each chat with its own last message, and a long queue is read no more often than a short one',
    async (key, by) => {
      const list = async () =>
        (await by().raw(key)).body as { inquiries: { rid: string; lastMessage?: { msg: string } }[] }
      const first = await openChat(desk)
      await say(desk, first, `said by ${first.id}`)
      const reads = await countReads(desk, list)
      const chats = [first]
      for (let n = 0; n < 4; n++) {
        const chat = await openChat(desk)
        chats.push(chat)
        if (n > 0) await say(desk, chat, `said by ${chat.id}`)
      }
      const { inquiries } = await list()
      const shown = new Map(inquiries.map(({ rid, lastMessage }) => [rid, lastMessage?.msg]))
      const silent = chats[1]
      for (const chat of chats) expect(shown.get(chat.rid)).toBe(chat === silent ? '' : `said by ${chat.id}`)
      expect(await countReads(desk, list)).toBe(reads)
    },
  )

  test('a taken chat is in nobody’s queue but still has its inquiry; a closed one has none', async () => {
    const chat = await openChat(desk)
    await takeChat(anna, chat)
    expect((await manager.call('GET /livechat/inquiries.list')).total).toBe(0)
    expect((await bob.call('GET /livechat/inquiries.queuedForUser')).total).toBe(0)
    const inquiry = await inquiryOf(chat)
    expect(inquiry).toMatchObject({ status: 'taken', takenAt: expect.any(String) as string })
    expect(inquiry).not.toHaveProperty('queuedAt')
    await closeByVisitor(desk, chat)
    expect(await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })).toMatchObject({
      inquiry: null,
    })
    expect(await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: 'no-such' } })).toMatchObject({
      inquiry: null,
    })
  })

  test('pages and sort orders that are none are refused', async () => {
    for (const key of ['GET /livechat/inquiries.list', 'GET /livechat/inquiries.queuedForUser']) {
      expect(errorTypeOf(await manager.raw(key, { query: { sort: '{"ts":"x"}' } }))).toBe('error-invalid-sort')
      expect(errorTypeOf(await manager.raw(key, { query: { count: '-1' } }))).toBe('invalid-params')
      expect((await manager.raw(key, { query: { sort: '{"v.token":1}' } })).status).toBe(200)
    }
    expect(errorTypeOf(await anna.raw('GET /livechat/inquiries.getOne'))).toBe('invalid-params')
  })

  test('is not for everybody', async () => {
    const chat = await openChat(desk)
    for (const key of [
      'GET /livechat/inquiries.list',
      'GET /livechat/inquiries.queuedForUser',
      'GET /livechat/inquiries.queued',
    ]) {
      expect((await user.raw(key)).status).toBe(403)
      expect((await desk.anyone.raw(key)).status).toBe(401)
    }
    expect((await anna.raw('GET /livechat/inquiries.list')).status).toBe(403)
    expect((await user.raw('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })).status).toBe(403)
    expect((await take(user, { inquiryId: (await inquiryOf(chat))._id })).status).toBe(403)
    expect((await desk.anyone.raw('POST /livechat/inquiries.take', { body: { inquiryId: 'x' } })).status).toBe(401)
  })
})

describe('taking a chat', () => {
  test('makes the agent serve it, and tells the visitor', async () => {
    const chat = await openChat(desk)
    desk.clock.advance(30_000)
    const taken = await takeChat(anna, chat)
    expect(taken.body).toMatchObject({ success: true })
    expect(JSON.stringify(taken.body)).not.toContain(chat.token)
    const room = await roomOf(desk, chat)
    expect(room).toMatchObject({ servedBy: { _id: anna.id, username: 'anna' }, usersCount: 2, open: true })
    expect(room.servedBy!.ts > room.ts).toBe(true)
    expect((await historyOf(desk, chat)).map(({ t, msg, u }) => [t, msg, u.username]).slice(0, 2)).toEqual([
      ['uj', expect.any(String), 'anna'],
      ['command', 'connected', 'anna'],
    ])
  })

  test('is won by exactly one of fifty agents', { timeout: 60_000 }, async () => {
    const agents = await Promise.all(
      Array.from({ length: 50 }, (_, i) => desk.agent({ username: `racer${String(i)}` })),
    )
    const chat = await openChat(desk)
    const inquiryId = (await inquiryOf(chat))._id
    const answers = await Promise.all(agents.map((agent) => take(agent, { inquiryId })))
    const { servedBy, usersCount } = await roomOf(desk, chat)
    expect(usersCount).toBe(2)
    for (const [i, answer] of answers.entries()) {
      const isWinner = agents[i]!.id === servedBy!._id
      if (isWinner) expect(answer.status).toBe(200)
      else expect([answer.status, errorTypeOf(answer)]).toEqual([400, 'error-inquiry-taken'])
    }
    expect((await historyOf(desk, chat)).filter(({ t }) => t === 'uj')).toHaveLength(1)
    const rows = await allRows(desk)
    expect(rows.get('subscription')!.filter((row) => row.includes(chat.rid))).toHaveLength(1)
    const counts = rows.get('user')!.map((row) => JSON.parse(row) as { username: string; openChats: number })
    expect(counts.filter(({ username, openChats }) => username.startsWith('racer') && openChats !== 0)).toHaveLength(1)
  })

  test('a second agent comes too late', async () => {
    const chat = await openChat(desk)
    const inquiryId = (await inquiryOf(chat))._id
    expect((await take(anna, { inquiryId })).status).toBe(200)
    expect(refusal(await take(bob, { inquiryId }))).toMatchObject([
      400,
      { success: false, errorType: 'error-inquiry-taken' },
    ])
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('anna')
  })

  test('unknown inquiries, and those of chats that are over', async () => {
    const chat = await openChat(desk)
    const inquiryId = (await inquiryOf(chat))._id
    await closeByVisitor(desk, chat)
    for (const id of [inquiryId, 'no-such', chat.rid]) {
      const refused = await take(anna, { inquiryId: id })
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-not-found'])
    }
    expect(errorTypeOf(await take(anna, {}))).toBe('invalid-params')
  })

  test('for somebody else: a manager may, an unknown user is refused before anything else', async () => {
    const chat = await openChat(desk)
    const inquiryId = (await inquiryOf(chat))._id
    const unknown = [400, { success: false, error: 'The user is invalid' }]
    expect(refusal(await take(manager, { inquiryId, userId: 'no-such' }))).toEqual(unknown)
    expect(refusal(await take(manager, { inquiryId: 'no-such', userId: 'no-such' }))).toEqual(unknown)
    expect(refusal(await take(anna, { inquiryId, userId: 'no-such' }))).toEqual(unknown)
    expect((await take(manager, { inquiryId, userId: bob.id })).status).toBe(200)
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('bob')
  })

  test('for a colleague is not an agent’s to decide', async () => {
    const chat = await openChat(desk)
    const inquiryId = (await inquiryOf(chat))._id
    const refused = { success: false, error: 'Not allowed [error-not-allowed]', errorType: 'error-not-allowed' }
    expect(refusal(await take(anna, { inquiryId, userId: bob.id }))).toEqual([400, refused])
    expect(await roomOf(desk, chat)).not.toHaveProperty('servedBy')
    expect((await take(anna, { inquiryId, userId: anna.id })).status).toBe(200)
  })

  test('for somebody who is no agent at all is refused', async () => {
    const chat = await openChat(desk)
    const inquiryId = (await inquiryOf(chat))._id
    expect(errorTypeOf(await take(manager, { inquiryId, userId: user.id }))).toBe('error-not-allowed')
    expect((await take(manager, { inquiryId, userId: chat.id })).body).toEqual({
      success: false,
      error: 'The user is invalid',
    })
    expect(await roomOf(desk, chat)).not.toHaveProperty('servedBy')
  })

  test('an agent who is not there takes nothing', async () => {
    const chat = await openChat(desk)
    const refused = await takeChat(offline, chat)
    expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-agent-status-service-offline'])
    expect(await roomOf(desk, chat)).not.toHaveProperty('servedBy')
  })

  test('a full agent takes nothing, and is told so when that is asked for', async () => {
    const agent = await desk.agent({ username: 'fulltime' })
    const [first, second] = [await openChat(desk), await openChat(desk)]
    await takeChat(agent, first)
    await withSettings(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 }, async () => {
      await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
      const inquiryId = (await inquiryOf(second))._id
      expect((await take(agent, { inquiryId })).status).toBe(200)
      expect(await roomOf(desk, second)).not.toHaveProperty('servedBy')
      const refused = await take(agent, { inquiryId, options: { clientAction: true } })
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-max-number-simultaneous-chats-reached'])
      await closeByVisitor(desk, first)
      expect((await take(agent, { inquiryId, options: { clientAction: true } })).status).toBe(200)
      expect((await roomOf(desk, second)).servedBy?.username).toBe('fulltime')
    })
  })

  test('parallel takes never pass the limit of one agent', async () => {
    const agent = await desk.agent({ username: 'capacity' })
    const chats: Chat[] = []
    for (let n = 0; n < 8; n++) chats.push(await openChat(desk))
    await withSettings(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 3 }, async () => {
      const ids = await Promise.all(chats.map(async (chat) => (await inquiryOf(chat))._id))
      await Promise.all(ids.map((inquiryId) => take(agent, { inquiryId, options: { clientAction: true } })))
      const served = await Promise.all(chats.map((chat) => roomOf(desk, chat)))
      expect(served.filter(({ servedBy }) => servedBy?._id === agent.id)).toHaveLength(3)
    })
  })
})

describe('why nobody serves a chat', () => {
  const explain = (by: StaffMember, rid: string) => by.raw('GET /livechat/routing.explain/:rid', { params: { rid } })

  test('is told for every agent, with the place in the queue', async () => {
    await openChat(desk)
    desk.clock.advance(1_000)
    const chat = await openChat(desk)
    const { body } = (await explain(manager, chat.rid)) as {
      body: {
        status: string
        method: string
        position: number
        agents: { username: string; verdict: string; reason: string }[]
      }
    }
    expect(body).toMatchObject({ status: 'queued', method: 'Manual_Selection', position: 2 })
    const verdicts = new Map(body.agents.map(({ username, verdict }) => [username, verdict]))
    expect(verdicts.has('anna') && verdicts.has('bob')).toBe(true)
    expect(verdicts.has('uma')).toBe(false)
    expect(verdicts.get('otto')).not.toBe(verdicts.get('anna'))
    for (const { reason } of body.agents) expect(reason).not.toBe('')
  })

  test('is told of served and closed chats too, and of unknown ones is not', async () => {
    const chat = await openChat(desk)
    await takeChat(anna, chat)
    expect((await explain(manager, chat.rid)).body).toMatchObject({ status: 'served' })
    await closeByVisitor(desk, chat)
    expect((await explain(manager, chat.rid)).body).toMatchObject({ status: 'closed' })
    expect(refusal(await explain(manager, 'no-such'))).toEqual(bare('invalid-room'))
  })

  test('is for managers', async () => {
    const chat = await openChat(desk)
    expect((await explain(anna, chat.rid)).status).toBe(403)
    expect((await desk.anyone.raw('GET /livechat/routing.explain/:rid', { params: { rid: chat.rid } })).status).toBe(
      401,
    )
    expect((await roomSeenBy(manager, chat.rid)).open).toBe(true)
    expect(JSON.stringify((await explain(manager, chat.rid)).body)).not.toContain(chat.token)
  })
})
