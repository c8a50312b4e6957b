import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeByVisitor,
  configure,
  historyOf,
  makeDepartment,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomOf,
  roomSeenBy,
  say,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let manager: StaffMember
let anna: StaffMember
let bob: StaffMember
let sales: string
let support: string

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.agent({ username: 'bob' })
  sales = await makeDepartment(desk, { name: 'Sales', agents: [anna] })
  // The oldest department takes chats of visitors who chose none.
  desk.clock.advance(1)
  support = await makeDepartment(desk, { name: 'Support', agents: [bob] })
})
afterEach(() => desk.stop())

/** A chat in Sales, which anna serves. */
const chatOfAnna = () => openChat(desk)

const forward = (by: StaffMember, roomId: string, to: Record<string, unknown>) =>
  by.raw('POST /livechat/room.forward', { body: { roomId, ...to } })
const transfer = (chat: Chat, department: string) =>
  desk.anyone.raw('POST /livechat/room.transfer', { body: { rid: chat.rid, token: chat.token, department } })
const returnIt = (by: StaffMember, roomId: string, more: object = {}) =>
  by.raw('POST /livechat/inquiries.returnAsInquiry', { body: { roomId, ...more } })
const offline = (of: StaffMember) => of.call('POST /users.setStatus', { body: { status: 'offline' } })

async function transfersOf(rid: string, query: Record<string, string> = {}) {
  return manager.call('GET /livechat/transfer.history/:rid', { params: { rid }, query })
}

/** The types of the lines since the opening, oldest first. */
async function linesOf(chat: Chat): Promise<(string | undefined)[]> {
  return (await historyOf(desk, chat, { limit: '50' })).map(({ t, msg }) => (t === 'command' ? msg : t)).reverse()
}

async function openChatsOf({ id }: StaffMember): Promise<number> {
  const { read } = desk.server.context
  return (await read.first(read.sql.selectFrom('user').select('openChats').where('id', '=', id)))!.openChats
}

/** How many chats of the department were handed out to an agent who works in one. */
async function turnsOf({ id }: StaffMember): Promise<number> {
  const { read } = desk.server.context
  const row = await read.first(read.sql.selectFrom('departmentAgent').select('rotation').where('agentId', '=', id))
  return row!.rotation
}

async function membersOf(rid: string): Promise<string[]> {
  const { read } = desk.server.context
  const rows = await read.all(read.sql.selectFrom('subscription').select('userId').where('roomId', '=', rid))
  return rows.map(({ userId }) => userId)
}

async function inquiryOf(rid: string) {
  return (await manager.call('GET /livechat/inquiries.getOne', { query: { roomId: rid } })).inquiry!
}

/** Columns that no operation of this area sets. */
async function edit(rid: string, change: { isOnHold: number }): Promise<void> {
  const { transact } = desk.server.context
  await transact((tx) => tx.run(tx.sql.updateTable('room').set(change).where('id', '=', rid)))
}

async function setDepartment(id: string, change: Record<string, string | number | null>): Promise<void> {
  const { transact } = desk.server.context
  await transact((tx) => tx.run(tx.sql.updateTable('department').set(change).where('id', '=', id)))
}

async function expectRefused(answerOf: () => Promise<RawAnswer>, expected: [number, unknown]): Promise<void> {
  const before = await allRows(desk)
  expect(refusal(await answerOf())).toEqual(expected)
  expect(await allRows(desk)).toEqual(before)
}

describe('a chat whose agent’s account was removed', () => {
  test('goes on: its visitor writes, its lines name who it was, and it is handed to somebody else', async () => {
    const admin = await desk.administrator()
    const chat = await chatOfAnna()
    await answer(anna, chat.rid, 'Hello, I am @anna')
    await admin.call('POST /users.delete', { body: { userId: anna.id, confirmRelinquish: true } })
    await say(desk, chat, 'Is anybody there, @anna?')
    expect(await membersOf(chat.rid)).toEqual([anna.id])

    expect(refusal(await forward(manager, chat.rid, { userId: bob.id }))).toEqual([200, { success: true }])
    const room = await roomSeenBy(manager, chat.rid)
    expect(room).toMatchObject({ servedBy: { username: 'bob' }, usersCount: 2 })
    expect(await membersOf(chat.rid)).toEqual([bob.id])
    expect((await linesOf(chat)).filter((type) => type === 'ul')).toHaveLength(1)
    const { subscription } = await bob.call('GET /subscriptions.getOne', { query: { roomId: chat.rid } })
    expect(subscription).toMatchObject({ rid: chat.rid, alert: true })
    await closeByVisitor(desk, chat)
    expect((await roomSeenBy(manager, chat.rid)).open).toBeUndefined()
  })
})

describe('a room handed to another agent', () => {
  test('is served by that agent alone, keeps its department, and says so in its history', async () => {
    const chat = await chatOfAnna()
    desk.clock.advance(60_000)
    expect(refusal(await forward(manager, chat.rid, { userId: bob.id, comment: 'yours' }))).toEqual([
      200,
      { success: true },
    ])
    const room = await roomSeenBy(manager, chat.rid)
    expect(room).toMatchObject({ departmentId: sales, usersCount: 2, servedBy: { _id: bob.id, username: 'bob' } })
    expect(await linesOf(chat)).toEqual([
      'livechat-started', 'connected', 'uj', 'connected', 'uj', 'livechat_transfer_history', 'ul',
    ]) // prettier-ignore
    expect(await membersOf(chat.rid)).toEqual([bob.id])
    expect([await openChatsOf(anna), await openChatsOf(bob)]).toEqual([0, 1])
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'taken', department: sales })
    expect((await transfersOf(chat.rid)).history).toEqual([
      {
        transferredBy: { _id: manager.id, username: 'mona', name: 'Name of mona', userType: 'user', type: 'user' },
        ts: '2026-01-05T10:01:00.001Z',
        scope: 'agent',
        comment: 'yours',
        previousDepartment: sales,
        transferredTo: { _id: bob.id, username: 'bob', name: 'Name of bob' },
      },
    ])
  })

  test('shows the line of its history as its last message, though somebody left after it', async () => {
    const chat = await chatOfAnna()
    await forward(manager, chat.rid, { userId: bob.id })
    expect((await roomSeenBy(manager, chat.rid)).lastMessage).toMatchObject({
      t: 'livechat_transfer_history',
      u: { username: 'mona' },
    })
    const [left] = await historyOf(desk, chat)
    expect(left).toMatchObject({ t: 'ul', msg: 'anna', u: { _id: anna.id, username: 'anna' } })
  })

  test('is left by everybody who had joined', async () => {
    const chat = await chatOfAnna()
    await manager.call('GET /livechat/room.join', { query: { roomId: chat.rid } })
    await forward(manager, chat.rid, { userId: bob.id })
    expect(await membersOf(chat.rid)).toEqual([bob.id])
    expect((await roomSeenBy(manager, chat.rid)).usersCount).toBe(2)
    const left = (await historyOf(desk, chat)).filter(({ t }) => t === 'ul').map(({ msg }) => msg)
    expect(left.sort()).toEqual(['anna', 'mona'])
  })

  test('who had joined it, does not join twice', async () => {
    const chat = await chatOfAnna()
    const boss = await desk.agent({ username: 'boss', roles: ['user', 'livechat-agent', 'livechat-manager'] })
    await boss.call('GET /livechat/room.join', { query: { roomId: chat.rid } })
    await forward(boss, chat.rid, { userId: boss.id })
    expect((await roomSeenBy(manager, chat.rid)).usersCount).toBe(2)
    expect(await membersOf(chat.rid)).toEqual([boss.id])
  })

  test('is said to be handed over by its agent where that agent does it', async () => {
    const boss = await desk.agent({ username: 'aaron', roles: ['user', 'livechat-agent', 'livechat-manager'] })
    const chat = await chatOfAnna()
    await forward(manager, chat.rid, { userId: boss.id })
    await forward(boss, chat.rid, { userId: bob.id })
    const { history } = await transfersOf(chat.rid)
    expect(history.map(({ transferredBy }) => transferredBy.userType)).toEqual(['user', 'agent'])
  })

  test('may have waited until then', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await openChat(desk)
    expect((await forward(manager, chat.rid, { userId: bob.id })).status).toBe(200)
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'taken' })
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('bob')
    expect(await linesOf(chat)).toEqual(['livechat-started', 'connected', 'uj', 'livechat_transfer_history'])
  })

  test('is refused where the agent is offline, unknown, no agent, or serves it already', async () => {
    const chat = await chatOfAnna()
    await expectRefused(
      () => forward(manager, chat.rid, { userId: anna.id }),
      bare('error-selected-agent-room-agent-are-same'),
    )
    await offline(bob)
    for (const userId of [bob.id, manager.id, 'no-such'])
      await expectRefused(() => forward(manager, chat.rid, { userId }), bare('error-user-is-offline'))
  })

  test('is refused where the agent is at the limit; why is told only after a click', async () => {
    const chat = await chatOfAnna()
    const other = await openChat(desk)
    await forward(manager, other.rid, { userId: bob.id })
    await configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 })
    const asked = { userId: bob.id }
    await expectRefused(() => forward(manager, chat.rid, asked), bare('error-forwarding-chat'))
    await expectRefused(
      () => forward(manager, chat.rid, { ...asked, clientAction: true }),
      bare('error-max-number-simultaneous-chats-reached'),
    )
  })

  test('leaves a place in which its agent gets the next chat that waits', async () => {
    await configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 })
    const chat = await chatOfAnna()
    const waiting = await openChat(desk)
    expect(waiting.room.servedBy).toBeUndefined()
    await forward(manager, chat.rid, { userId: bob.id })
    expect((await roomOf(desk, waiting)).servedBy?.username).toBe('anna')
  })

  test('is remembered on the visitor where chats go to the last agent', async () => {
    await configure(desk, { Livechat_last_chatted_agent_routing: true })
    const chat = await chatOfAnna()
    const lastAgent = async () =>
      (await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })).visitor.lastAgent
    expect(await lastAgent()).toMatchObject({ agentId: anna.id, username: 'anna' })
    await forward(manager, chat.rid, { userId: bob.id })
    expect(await lastAgent()).toMatchObject({ agentId: bob.id, username: 'bob' })
  })
})

describe('a room handed to another department', () => {
  test('is served by its next agent', async () => {
    const chat = await chatOfAnna()
    expect((await forward(manager, chat.rid, { departmentId: support, comment: 'please' })).status).toBe(200)
    expect(await roomSeenBy(manager, chat.rid)).toMatchObject({
      departmentId: support,
      usersCount: 2,
      servedBy: { username: 'bob' },
      lastMessage: { t: 'livechat_transfer_history' },
    })
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'taken', department: support })
    expect((await transfersOf(chat.rid)).history).toMatchObject([
      { scope: 'department', comment: 'please', previousDepartment: sales, nextDepartment: { _id: support, name: 'Support' } },
    ]) // prettier-ignore
    expect((await linesOf(chat)).slice(3)).toEqual(['connected', 'uj', 'livechat_transfer_history', 'ul'])
    expect([await openChatsOf(anna), await openChatsOf(bob)]).toEqual([0, 1])
    expect(await turnsOf(bob)).toBe(1)
  })

  test('goes to the agent who is named beside it, who must work there', async () => {
    const cleo = await desk.agent({ username: 'cleo' })
    const team = await makeDepartment(desk, { name: 'Team', agents: [bob, cleo] })
    const chat = await chatOfAnna()
    const named = { departmentId: team, userId: cleo.id }
    expect((await forward(manager, chat.rid, named)).status).toBe(200)
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('cleo')
    const other = await chatOfAnna()
    await expectRefused(
      () => forward(manager, other.rid, { departmentId: team, userId: anna.id }),
      bare('error-user-not-belong-to-department'),
    )
    await offline(cleo)
    await expectRefused(() => forward(manager, other.rid, named), bare('error-user-is-offline'))
  })

  test('is refused where the department is its own, unknown, disabled or archived: the last three alike', async () => {
    const chat = await chatOfAnna()
    const own = bare('error-forwarding-chat-same-department')
    await expectRefused(() => forward(manager, chat.rid, { departmentId: sales }), own)
    const disabled = await makeDepartment(desk, { agents: [bob], isEnabled: 0 })
    const archived = await makeDepartment(desk, { agents: [bob], isEnabled: 0, archivedAt: '2026-01-01T00:00:00.000Z' })
    for (const departmentId of ['no-such', disabled, archived]) {
      await expectRefused(() => forward(manager, chat.rid, { departmentId }), bare('error-invalid-department'))
      await expectRefused(() => transfer(chat, departmentId), bare('error-invalid-department'))
    }
  })

  test('is refused where its department forwards to others only', async () => {
    const chat = await chatOfAnna()
    await setDepartment(sales, { forwardsTo: JSON.stringify(['another']) })
    const code = 'error-forwarding-department-target-not-allowed'
    const expected: [number, unknown] = [
      400,
      { success: false, error: `The target department is not allowed [${code}]`, errorType: code },
    ]
    await expectRefused(() => forward(manager, chat.rid, { departmentId: support }), expected)
    await expectRefused(() => transfer(chat, support), expected)
    await setDepartment(sales, { forwardsTo: JSON.stringify(['another', support]) })
    expect((await transfer(chat, support)).status).toBe(200)
  })

  test('is refused where nobody is there, or only the agent who serves it', async () => {
    const chat = await chatOfAnna()
    const own = await makeDepartment(desk, { agents: [anna] })
    const none = bare('error-no-agents-online-in-department')
    await expectRefused(() => forward(manager, chat.rid, { departmentId: own }), none)
    await offline(bob)
    await expectRefused(() => forward(manager, chat.rid, { departmentId: support }), none)
    await expectRefused(() => transfer(chat, support), none)
  })

  test('waits there where the department takes chats while nobody is there', async () => {
    const chat = await chatOfAnna()
    await offline(bob)
    await setDepartment(support, { receivesWhileOffline: 1 })
    expect((await forward(manager, chat.rid, { departmentId: support })).status).toBe(200)
    const room = await roomSeenBy(manager, chat.rid)
    expect(room).toMatchObject({
      departmentId: support,
      usersCount: 1,
      lastMessage: { t: 'livechat_transfer_history' },
    })
    expect(room).not.toHaveProperty('servedBy')
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'queued', department: support })
    expect((await linesOf(chat)).slice(3)).toEqual(['livechat_transfer_history', 'ul'])
    expect([await openChatsOf(anna), await membersOf(chat.rid)]).toEqual([0, []])
    await bob.call('POST /users.setStatus', { body: { status: 'online' } })
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('bob')
  })

  test('waits there while agents choose for themselves', async () => {
    const chat = await chatOfAnna()
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    expect((await forward(manager, chat.rid, { departmentId: support, userId: bob.id })).status).toBe(200)
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'queued', department: support })
  })

  test('waits there where its agents are at the limit', async () => {
    await configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 })
    const first = await chatOfAnna()
    await forward(manager, first.rid, { departmentId: support })
    const second = await chatOfAnna()
    expect((await forward(manager, second.rid, { departmentId: support })).status).toBe(200)
    expect(await inquiryOf(second.rid)).toMatchObject({ status: 'queued', department: support })
    await closeByVisitor(desk, first)
    expect((await roomOf(desk, second)).servedBy?.username).toBe('bob')
  })

  test('that nobody served waits there where nobody is there', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await openChat(desk)
    await configure(desk, { Livechat_Routing_Method: 'Auto_Selection' })
    await offline(bob)
    expect((await forward(manager, chat.rid, { departmentId: support })).status).toBe(200)
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'queued', department: support })
    expect((await linesOf(chat)).slice(1)).toEqual(['livechat_transfer_history'])
  })
})

describe('a department where nobody can take a room falls back', () => {
  test('to its fallback, which the history tells once and the visitor keeps', async () => {
    const chat = await chatOfAnna()
    const empty = await makeDepartment(desk, { name: 'Empty', fallbackId: support })
    expect((await forward(manager, chat.rid, { departmentId: empty })).status).toBe(200)
    expect(await roomSeenBy(manager, chat.rid)).toMatchObject({ departmentId: support, servedBy: { username: 'bob' } })
    const lines = await historyOf(desk, chat)
    const types = lines.map(({ t }) => t)
    const times = (type: string) => types.filter((t) => t === type).length
    expect([times('livechat_transfer_history_fallback'), times('livechat_transfer_history'), times('uj'), times('ul')]).toEqual([1, 1, 2, 1]) // prettier-ignore
    expect(lines.find(({ t }) => t === 'livechat_transfer_history_fallback')?.transferData).toMatchObject({
      prevDepartment: 'Empty',
      nextDepartment: { _id: support },
    })
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
    expect(visitor.department).toBe(support)
  })

  test('over as many departments as the setting allows, and never in a circle', async () => {
    const chat = await chatOfAnna()
    const third = await makeDepartment(desk, { name: 'Third', fallbackId: support })
    const second = await makeDepartment(desk, { name: 'Second', fallbackId: third })
    const first = await makeDepartment(desk, { name: 'First', fallbackId: second })
    await configure(desk, { Omnichannel_max_fallback_forward_depth: 2 })
    const none = bare('error-no-agents-online-in-department')
    await expectRefused(() => forward(manager, chat.rid, { departmentId: first }), none)
    await setDepartment(third, { fallbackId: first })
    await configure(desk, { Omnichannel_max_fallback_forward_depth: 1_000_000 })
    await expectRefused(() => forward(manager, chat.rid, { departmentId: first }), none)
    await setDepartment(third, { fallbackId: support })
    expect((await forward(manager, chat.rid, { departmentId: first })).status).toBe(200)
    expect(await roomSeenBy(manager, chat.rid)).toMatchObject({ departmentId: support })
  })

  test('not to where it comes from, nor to a disabled one', async () => {
    const chat = await chatOfAnna()
    const none = bare('error-no-agents-online-in-department')
    const back = await makeDepartment(desk, { fallbackId: sales })
    await expectRefused(() => forward(manager, chat.rid, { departmentId: back }), none)
    await setDepartment(support, { isEnabled: 0 })
    const empty = await makeDepartment(desk, { fallbackId: support })
    await expectRefused(() => forward(manager, chat.rid, { departmentId: empty }), none)
  })
})

describe('forwarding', () => {
  test('needs both permissions', async () => {
    const chat = await chatOfAnna()
    expect((await forward(anna, chat.rid, { userId: bob.id })).status).toBe(403)
    expect((await forward(await desk.staff(), chat.rid, { userId: bob.id })).status).toBe(403)
    expect((await desk.anyone.raw('POST /livechat/room.forward', { body: { roomId: chat.rid } })).status).toBe(401)
  })

  test('needs a room that is there, open and not on hold, and somewhere to go', async () => {
    const chat = await chatOfAnna()
    await expectRefused(() => forward(manager, 'no-such', { userId: bob.id }), bare('error-invalid-room'))
    for (const to of [{}, { userId: null, departmentId: null, comment: null, clientAction: null }])
      await expectRefused(() => forward(manager, chat.rid, to), bare('error-forwarding-chat'))
    await edit(chat.rid, { isOnHold: 1 })
    for (const to of [{ userId: bob.id }, { departmentId: support }])
      await expectRefused(() => forward(manager, chat.rid, to), bare('error-room-onHold'))
    await expectRefused(() => transfer(chat, support), bare('error-room-onHold'))
    await edit(chat.rid, { isOnHold: 0 })
    await closeByVisitor(desk, chat)
    const closed = bare('This_conversation_is_already_closed')
    await expectRefused(() => forward(manager, chat.rid, { userId: bob.id }), closed)
  })

  test('tells staff nothing of the visitor’s token', async () => {
    const chat = await chatOfAnna()
    await transfer(chat, support)
    expect(JSON.stringify(await transfersOf(chat.rid))).not.toContain(chat.token)
  })
})

describe('a visitor', () => {
  test('moves the own room to another department', async () => {
    const chat = await chatOfAnna()
    const { status, body } = await transfer(chat, support)
    expect([status, Object.keys(body.room).sort()]).toEqual([
      200,
      ['_id', 'departmentId', 'open', 'servedBy', 't', 'ts', 'v'],
    ])
    expect(body.room).toMatchObject({
      _id: chat.rid,
      departmentId: support,
      servedBy: { username: 'bob' },
      v: { token: chat.token },
    })
    const { history } = await transfersOf(chat.rid)
    expect(history).toMatchObject([{ transferredBy: { _id: chat.id, userType: 'visitor' }, scope: 'department' }])
    const line = (await historyOf(desk, chat)).find(({ t }) => t === 'livechat_transfer_history')
    expect(line).toMatchObject({ token: chat.token, u: { _id: chat.id } })
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
    expect(visitor).not.toHaveProperty('department')
  })

  test('does so in the newer spelling too, whose answer is short', async () => {
    const chat = await chatOfAnna()
    const body = { rid: chat.rid, token: chat.token, department: support }
    const key = 'POST /livechat/visitor/department.transfer'
    expect(refusal(await desk.anyone.raw(key, { body }))).toEqual([200, { success: true }])
    expect((await roomOf(desk, chat)).departmentId).toBe(support)
    const malformed = await desk.anyone.raw(key, { body: { rid: chat.rid, token: chat.token } })
    expect(refusal(malformed)).toEqual([
      400,
      { success: false, error: "must have required property 'department'", errorType: 'invalid-params' },
    ])
  })

  test.each(['POST /livechat/room.transfer', 'POST /livechat/visitor/department.transfer'])(
    '%s: is refused another’s room like a missing one, and a room that has ended',
    async (key) => {
      const chat = await chatOfAnna()
      const other = await register(desk)
      const ask = (body: object) => () => desk.anyone.raw(key, { body: { department: support, ...body } })
      await expectRefused(ask({ rid: chat.rid, token: 'unknown' }), bare('invalid-token'))
      for (const rid of [chat.rid, 'no-such'])
        await expectRefused(ask({ rid, token: other.token }), bare('invalid-room'))
      const own = { rid: chat.rid, token: chat.token }
      for (const department of ['no-such'])
        await expectRefused(ask({ ...own, department }), bare('error-invalid-department'))
      await expectRefused(ask({ ...own, department: sales }), bare('error-forwarding-chat-same-department'))
      await setDepartment(sales, { forwardsTo: '["another"]' })
      expect((await ask(own)()).body).toMatchObject({ errorType: 'error-forwarding-department-target-not-allowed' })
      await setDepartment(sales, { forwardsTo: null })
      await edit(chat.rid, { isOnHold: 1 })
      await expectRefused(ask(own), bare('error-room-onHold'))
      await edit(chat.rid, { isOnHold: 0 })
      await offline(bob)
      await expectRefused(ask(own), bare('error-no-agents-online-in-department'))
      await closeByVisitor(desk, chat)
      await expectRefused(ask(own), bare('error-transferring-inquiry'))
    },
  )
})

describe('the history of transfers', () => {
  test('is a list, oldest first, also of a room that has ended', async () => {
    const chat = await chatOfAnna()
    for (const [index, to] of [support, sales, support].entries()) {
      desk.clock.advance(1_000)
      expect((await forward(manager, chat.rid, { departmentId: to, comment: String(index) })).status).toBe(200)
    }
    await closeByVisitor(desk, chat)
    const comments = async (query: Record<string, string>) => (await transfersOf(chat.rid, query)).history.map(({ comment }) => comment) // prettier-ignore
    expect(await comments({})).toEqual(['0', '1', '2'])
    expect(await comments({ sort: '{"ts":-1}', count: '2' })).toEqual(['2', '1'])
    expect(await transfersOf(chat.rid, { offset: '2' })).toMatchObject({ count: 1, offset: 2, total: 3 })
  })

  test('is for those who may see rooms, of a room that is there', async () => {
    const chat = await chatOfAnna()
    const key = 'GET /livechat/transfer.history/:rid'
    expect((await anna.raw(key, { params: { rid: chat.rid } })).status).toBe(403)
    expect(refusal(await manager.raw(key, { params: { rid: 'no-such' } }))).toEqual(bare('invalid-room'))
  })
})

describe('a room put back into the queue', () => {
  test('waits in its place, and its agent is free', async () => {
    const chat = await chatOfAnna()
    const { ts } = await inquiryOf(chat.rid)
    desk.clock.advance(60_000)
    expect(refusal(await returnIt(anna, chat.rid))).toEqual([200, { result: true, success: true }])
    const room = await roomSeenBy(manager, chat.rid)
    expect(room).toMatchObject({ queuedAt: '2026-01-05T10:01:00.001Z', usersCount: 1, departmentId: sales })
    expect(room).not.toHaveProperty('servedBy')
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'queued', ts, queuedAt: '2026-01-05T10:01:00.001Z' })
    expect((await linesOf(chat)).slice(3)).toEqual(['livechat_transfer_history', 'ul'])
    expect((await transfersOf(chat.rid)).history).toMatchObject([
      { scope: 'queue', transferredBy: { userType: 'agent' } },
    ])
    expect([await openChatsOf(anna), await membersOf(chat.rid)]).toEqual([0, []])
  })

  test('goes to somebody else next, and to the same agent only where there is nobody else', async () => {
    const carl = await desk.agent({ username: 'carl' })
    const team = await makeDepartment(desk, { agents: [anna, carl] })
    const chat = await chatOfAnna()
    await returnIt(anna, chat.rid, { departmentId: team })
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('carl')
    await offline(anna)
    await returnIt(carl, chat.rid)
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('carl')
  })

  test('moves to another department where one is named, which must take chats', async () => {
    const chat = await chatOfAnna()
    await expectRefused(() => returnIt(anna, chat.rid, { departmentId: 'no-such' }), bare('error-invalid-department'))
    await returnIt(anna, chat.rid, { departmentId: support })
    expect(await inquiryOf(chat.rid)).toMatchObject({ status: 'queued', department: support })
    expect((await transfersOf(chat.rid)).history).toMatchObject([{ nextDepartment: { _id: support, name: 'Support' } }])
  })

  test('changes nothing where nobody serves it', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await openChat(desk)
    expect((await returnIt(manager, chat.rid, { departmentId: null })).body).toMatchObject({ result: false })
  })

  test('must be one that the caller may see, open and not on hold', async () => {
    const chat = await chatOfAnna()
    for (const rid of [chat.rid, 'no-such']) await expectRefused(() => returnIt(bob, rid), bare('error-invalid-room'))
    expect((await returnIt(await desk.staff(), chat.rid)).status).toBe(403)
    await edit(chat.rid, { isOnHold: 1 })
    await expectRefused(() => returnIt(anna, chat.rid), bare('error-room-onHold'))
    await edit(chat.rid, { isOnHold: 0 })
    await closeByVisitor(desk, chat)
    await expectRefused(() => returnIt(manager, chat.rid), bare('room-closed'))
  })
})

describe('a room on hold', () => {
  test('takes none of its agent’s places, and frees none when it ends', async () => {
    const [chat, held] = [await chatOfAnna(), await chatOfAnna()]
    const { transact } = desk.server.context
    await edit(held.rid, { isOnHold: 1 })
    await transact((tx) => tx.run(tx.sql.updateTable('user').set({ openChats: 1 }).where('id', '=', anna.id)))
    await closeByVisitor(desk, held)
    expect(await openChatsOf(anna)).toBe(1)
    await closeByVisitor(desk, chat)
    expect(await openChatsOf(anna)).toBe(0)
  })
})

describe('a room given to another visitor', () => {
  const give = (by: StaffMember, body: object) => by.raw('PUT /livechat/room.visitor', { body })

  test.each([
    ['visitorId', (_chat: Chat, next: { id: string }) => ({ visitorId: next.id })],
    [
      'oldVisitorId and newVisitorId',
      (chat: Chat, next: { id: string }) => ({ oldVisitorId: chat.id, newVisitorId: next.id }),
    ],
    [
      'all three, one null',
      (chat: Chat, next: { id: string }) => ({ oldVisitorId: chat.id, newVisitorId: next.id, visitorId: null }),
    ],
  ])('by %s, is that visitor’s from then on', async (_form, bodyOf) => {
    const chat = await openChat(desk, { name: 'Old' })
    await say(desk, chat, 'before')
    const next = await register(desk, { name: 'Next' })
    const { status, body } = await give(anna, { rid: chat.rid, ...bodyOf(chat, next) })
    expect([status, body.rid]).toEqual([200, chat.rid])
    expect(body.room.v).toMatchObject({ _id: next.id, name: 'Old' })
    expect(JSON.stringify(body)).not.toMatch(new RegExp(`${chat.token}|${next.token}`))
    expect((await historyOf(desk, { ...chat, token: next.token }))[0]).toMatchObject({ msg: 'before' })
    await answer(anna, chat.rid, 'after')
    await say(desk, { ...chat, token: next.token }, 'mine')
    const old = { rid: chat.rid, token: chat.token, msg: 'mine' }
    expect(refusal(await desk.anyone.raw('POST /livechat/message', { body: old }))).toEqual(bare('invalid-room'))
    expect((await openRoomOf(desk, next)).rid).toBe(chat.rid)
    expect((await openRoomOf(desk, chat)).rid).not.toBe(chat.rid)
  })

  test('is the last chat of that visitor, and no more of the old one', async () => {
    const lastChatOf = async ({ id }: { id: string }) =>
      (await manager.call('GET /livechat/visitors.info', { query: { visitorId: id } })).visitor.lastChat
    const visitor = await register(desk)
    const first = await openRoomOf(desk, visitor)
    await closeByVisitor(desk, first)
    desk.clock.advance(1_000)
    const second = await openRoomOf(desk, visitor)
    const next = await register(desk)
    await give(manager, { rid: second.rid, visitorId: next.id })
    expect(await lastChatOf(next)).toEqual({ _id: second.rid, ts: second.room.ts })
    expect(await lastChatOf(visitor)).toEqual({ _id: first.rid, ts: first.room.ts })
    await give(manager, { rid: first.rid, visitorId: next.id })
    expect(await lastChatOf(next)).toMatchObject({ _id: second.rid })
    expect(await lastChatOf(visitor)).toBeUndefined()
    await closeByVisitor(desk, { ...second, ...next })
  })

  test('is refused for unknown visitors and rooms, another old visitor, and those who may not see it', async () => {
    const chat = await chatOfAnna()
    const { id: visitorId } = await register(desk)
    const rid = chat.rid
    for (const body of [{ rid }, { rid, visitorId: 'no-such' }, { rid, newVisitorId: null, visitorId: null }])
      await expectRefused(() => give(anna, body), bare('visitor-not-found'))
    await expectRefused(() => give(anna, { rid: 'no-such', visitorId }), bare('invalid-room'))
    const wrong = { rid, oldVisitorId: visitorId, newVisitorId: visitorId }
    await expectRefused(() => give(anna, wrong), bare('invalid-room-visitor'))
    await expectRefused(() => give(bob, { rid, visitorId }), bare('error-not-allowed'))
    expect((await give(await desk.staff(), { rid, visitorId })).status).toBe(403)
  })

  test('is refused where that visitor has an open room; a closed room may be given', async () => {
    const chat = await chatOfAnna()
    const other = await openChat(desk)
    await expectRefused(() => give(anna, { rid: chat.rid, visitorId: other.id }), [400, { success: false }])
    await closeByVisitor(desk, chat)
    expect((await give(manager, { rid: chat.rid, visitorId: other.id })).status).toBe(200)
  })
})
