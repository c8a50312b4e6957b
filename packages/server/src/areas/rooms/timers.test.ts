import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { insertJobs } from '../../jobs/store.ts'
import {
  answer,
  closeBy,
  configure,
  historyOf,
  makeDepartment,
  openChat,
  openRoomOf,
  register,
  roomOf,
  roomSeenBy,
  say,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let manager: StaffMember

beforeEach(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterEach(() => desk.stop())

/** Lets seconds pass, and the worker look at what is due then; recurring jobs come round. */
async function pass(seconds: number): Promise<void> {
  desk.clock.advance(seconds * 1_000)
  const names = ['close-waiting-too-long', 'end-abandoned', 'close-held-too-long', 'offer-waiting-chats']
  await desk.server.context.transact((tx) =>
    insertJobs(
      tx,
      names.map((name) => ({ name, data: null })),
    ),
  )
  await desk.server.worker.drain()
}

const seen = (chat: Chat) => roomSeenBy(manager, chat.rid)
const closing = async (chat: Chat) => (await historyOf(desk, chat)).find(({ t }) => t === 'livechat-close')
const hold = (chat: Chat) => anna.call('POST /livechat/room.onHold', { body: { roomId: chat.rid } })

/** A chat whose visitor asked and was answered. */
async function answered(fields: Record<string, unknown> = {}): Promise<Chat> {
  const chat = await openChat(desk, fields)
  await say(desk, chat, 'hello')
  await answer(anna, chat.rid, 'what is it about?')
  return chat
}

async function inDepartment(chat: Chat, columns: object): Promise<void> {
  const departmentId = await makeDepartment(desk, { agents: [anna], ...columns })
  await desk.server.context.transact((tx) =>
    tx.run(tx.sql.updateTable('room').set({ departmentId }).where('id', '=', chat.rid)),
  )
}

describe('a chat that waits', () => {
  beforeEach(() => configure(desk, { Livechat_Routing_Method: 'Manual_Selection' }))

  test('is closed by the system after as many minutes as the setting says', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection', Livechat_max_queue_wait_time: 2 })
    const chat = await openChat(desk)
    await pass(119)
    expect((await seen(chat)).open).toBe(true)
    await pass(1)
    expect(await seen(chat)).toMatchObject({ closer: 'user', closedBy: { username: 'rocket.cat' } })
    expect((await closing(chat))?.msg).toMatch(/waited too long/)
  })

  test('waits for ever while the setting is off, and is left alone once taken', async () => {
    const waiting = await openChat(desk)
    await pass(1_000_000)
    expect((await seen(waiting)).open).toBe(true)
    const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: waiting.rid } })
    await anna.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry!._id } })
    await configure(desk, { Livechat_max_queue_wait_time: 1 })
    await pass(120)
    expect((await seen(waiting)).open).toBe(true)
  })

  test('is closed although there are more of them than one transaction takes', async () => {
    await configure(desk, { Livechat_max_queue_wait_time: 1 })
    const many: Chat[] = []
    for (let n = 0; n < 23; n++) many.push(await openChat(desk))
    await pass(60)
    for (const chat of many) expect(await seen(chat)).not.toHaveProperty('open')
  })
})

describe('a visitor who says nothing more', () => {
  const inMs = (ms: number) => new Date(desk.clock.now() + ms).toISOString()

  test('is not waited for longer than the setting says', async () => {
    await configure(desk, { Livechat_abandoned_rooms_action: 'close', Livechat_visitor_inactivity_timeout: 600 })
    const chat = await answered()
    expect((await seen(chat)).omnichannel).toEqual({ predictedVisitorAbandonmentAt: inMs(600_000) })
    desk.clock.advance(300_000)
    await answer(anna, chat.rid, 'hello?')
    await pass(299)
    expect((await seen(chat)).open).toBe(true)
    await pass(1)
    const room = await seen(chat)
    expect(room).toMatchObject({ closedBy: { username: 'rocket.cat' }, metrics: { visitorInactivity: 600 } })
    expect(room).not.toHaveProperty('omnichannel')
    expect((await closing(chat))?.msg).toMatch(/silent/)
  })

  test('has not gone as long as the agent owes an answer', async () => {
    await configure(desk, { Livechat_abandoned_rooms_action: 'close', Livechat_visitor_inactivity_timeout: 600 })
    const chat = await answered()
    await say(desk, chat, 'about this')
    expect(await seen(chat)).not.toHaveProperty('omnichannel')
    await pass(10_000)
    expect((await seen(chat)).open).toBe(true)
    await answer(anna, chat.rid, 'I see')
    expect((await seen(chat)).omnichannel).toEqual({ predictedVisitorAbandonmentAt: inMs(600_000) })
  })

  test('is not waited for in a chat on hold, nor in one that nobody serves', async () => {
    await configure(desk, { Livechat_abandoned_rooms_action: 'close', Livechat_visitor_inactivity_timeout: 600 })
    await configure(desk, { Livechat_allow_manual_on_hold_upon_agent_engagement_only: false })
    const held = await openChat(desk)
    await say(desk, held, 'hello')
    await hold(held)
    await answer(anna, held.rid, 'one moment')
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const queued = await openChat(desk)
    await say(desk, queued, 'hello')
    await answer(manager, queued.rid, 'somebody will come')
    for (const chat of [held, queued]) expect(await seen(chat)).not.toHaveProperty('omnichannel')
    await pass(600)
    for (const chat of [held, queued]) expect((await seen(chat)).open).toBe(true)
  })

  test('has as long as the department gives, and reads its words', async () => {
    await configure(desk, {
      Livechat_abandoned_rooms_action: 'close',
      Livechat_abandoned_rooms_closed_custom_message: 'In general',
    })
    const [own, general] = [await openChat(desk), await openChat(desk)]
    await inDepartment(own, { inactivityTimeout: '"60"', abandonedMessage: 'Bye' })
    for (const chat of [own, general]) {
      await say(desk, chat, 'hello')
      await answer(anna, chat.rid, 'yes?')
    }
    await pass(60)
    expect((await closing(own))?.msg).toBe('Bye')
    expect((await seen(general)).open).toBe(true)
    await pass(3_600)
    expect((await closing(general))?.msg).toBe('In general')
  })

  test('is put on hold where the setting says so, and the chat goes on with the next word', async () => {
    await configure(desk, { Livechat_abandoned_rooms_action: 'on-hold', Livechat_visitor_inactivity_timeout: 60 })
    const chat = await answered()
    await pass(60)
    expect(await seen(chat)).toMatchObject({ onHold: true, open: true })
    expect((await historyOf(desk, chat))[0]).toMatchObject({
      t: 'omnichannel_placed_chat_on_hold',
      u: { username: 'rocket.cat' },
    })
    await say(desk, chat, 'back')
    expect(await seen(chat)).not.toHaveProperty('onHold')
  })

  test('is waited for where nobody asked for a limit, or the action is unknown', async () => {
    const free = await answered()
    expect(await seen(free)).not.toHaveProperty('omnichannel')
    await configure(desk, { Livechat_abandoned_rooms_action: 'shout', Livechat_visitor_inactivity_timeout: 60 })
    const armed = await answered()
    expect(await seen(armed)).toHaveProperty('omnichannel')
    await pass(1_000)
    for (const chat of [free, armed]) expect((await seen(chat)).open).toBe(true)
  })
})

describe('a chat on hold', () => {
  test('is closed by the system after as many seconds as the setting says', async () => {
    await configure(desk, { Livechat_auto_close_on_hold_chats_timeout: 120 })
    const chat = await answered()
    await hold(chat)
    await pass(119)
    expect((await seen(chat)).onHold).toBe(true)
    await pass(1)
    expect(await seen(chat)).toMatchObject({ closedBy: { username: 'rocket.cat' } })
    expect((await closing(chat))?.msg).toMatch(/on hold/)
  })

  test('is counted from the last time it was put there', async () => {
    await configure(desk, {
      Livechat_auto_close_on_hold_chats_timeout: 120,
      Livechat_auto_close_on_hold_chats_custom_message: 'Too long',
    })
    const chat = await answered()
    await hold(chat)
    await pass(100)
    await say(desk, chat, 'hm')
    await pass(100)
    await answer(anna, chat.rid, 'yes')
    await hold(chat)
    await pass(100)
    expect((await seen(chat)).onHold).toBe(true)
    await pass(20)
    expect((await closing(chat))?.msg).toBe('Too long')
  })

  test('stays there while the setting is off', async () => {
    await configure(desk, { Livechat_auto_close_on_hold_chats_timeout: 0 })
    const chat = await answered()
    await hold(chat)
    await pass(1_000_000)
    expect((await seen(chat)).onHold).toBe(true)
  })
})

describe('a chat whose agent does not answer', () => {
  beforeEach(() => configure(desk, { Livechat_auto_transfer_chat_timeout: 60 }))
  const transferLine = async (chat: Chat) =>
    (await historyOf(desk, chat)).filter(({ t }) => t === 'livechat_transfer_history')

  test('is given to the next agent, once', async () => {
    await desk.agent({ username: 'bob' })
    const chat = await openChat(desk)
    expect(chat.room.servedBy?.username).toBe('anna')
    await pass(59)
    expect((await seen(chat)).servedBy?.username).toBe('anna')
    await pass(1)
    expect(await seen(chat)).toMatchObject({
      servedBy: { username: 'bob' },
      autoTransferredAt: new Date(desk.clock.now()).toISOString(),
    })
    const [line] = await transferLine(chat)
    expect(line).toMatchObject({
      u: { username: 'rocket.cat' },
      transferData: { scope: 'autoTransferUnansweredChatsToAgent', comment: '60' },
    })
    await pass(1_000)
    expect((await seen(chat)).servedBy?.username).toBe('bob')
  })

  test('stays with one who has answered, and where there is nobody else', async () => {
    const unanswered = await openChat(desk)
    await pass(60)
    expect(await seen(unanswered)).toMatchObject({ servedBy: { username: 'anna' } })
    expect(await seen(unanswered)).not.toHaveProperty('autoTransferredAt')
    const chat = await openChat(desk)
    await answer(anna, chat.rid, 'hello')
    await say(desk, chat, 'help')
    await desk.agent({ username: 'bob' })
    await pass(60)
    expect((await seen(chat)).servedBy?.username).toBe('anna')
  })

  test('returns to the queue where agents choose for themselves', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await openChat(desk)
    const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
    await anna.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry!._id } })
    await pass(60)
    expect(await seen(chat)).not.toHaveProperty('servedBy')
    expect((await transferLine(chat))[0]).toMatchObject({
      transferData: { scope: 'autoTransferUnansweredChatsToQueue', comment: '60' },
    })
  })

  test.each(['visitor', 'agent'])(
    'is given to the next agent too where it was on hold until the %s came',
    async (who) => {
      await configure(desk, { Livechat_allow_manual_on_hold_upon_agent_engagement_only: false })
      await desk.agent({ username: 'bob' })
      const chat = await openChat(desk)
      await hold(chat)
      await pass(60)
      expect(await seen(chat)).toMatchObject({ onHold: true, servedBy: { username: 'anna' } })
      if (who === 'visitor') await say(desk, chat, 'anybody there?')
      else await anna.call('POST /livechat/room.resumeOnHold', { body: { roomId: chat.rid } })
      await pass(59)
      expect((await seen(chat)).servedBy?.username).toBe('anna')
      await pass(1)
      expect((await seen(chat)).servedBy?.username).toBe('bob')
    },
  )

  test('stays with one who had answered before it was on hold', async () => {
    await desk.agent({ username: 'bob' })
    const chat = await openChat(desk)
    desk.clock.advance(1_000)
    await answer(anna, chat.rid, 'one moment')
    await hold(chat)
    await pass(60)
    await say(desk, chat, 'well?')
    await pass(60)
    expect((await seen(chat)).servedBy?.username).toBe('anna')
  })

  test('is closed, and nothing more happens to it', async () => {
    const chat = await openChat(desk)
    await closeBy(anna, chat.rid)
    await desk.agent({ username: 'bob' })
    await pass(60)
    expect(await transferLine(chat)).toEqual([])
  })
})

describe('the chats of an agent who leaves', () => {
  const presence = (status: string) => anna.call('POST /users.setStatus', { body: { status } })
  const service = (status: string) => anna.call('POST /livechat/agent.status', { body: { status } })

  test.each([
    ['goes offline', () => presence('offline')],
    ['switches the service off', () => service('not-available')],
    ['signs out', () => anna.call('POST /logout')],
  ])('are closed with the words of the setting, a minute after the agent %s', async (_how, leave) => {
    await configure(desk, { Livechat_agent_leave_action: 'close', Livechat_agent_leave_comment: 'Gone home' })
    const [chat, held] = [await answered(), await answered()]
    await hold(held)
    await leave()
    await pass(59)
    expect((await seen(chat)).open).toBe(true)
    await pass(1)
    expect((await closing(chat))?.msg).toBe('Gone home')
    expect((await seen(chat)).closedBy?.username).toBe('rocket.cat')
    expect(await seen(held)).toMatchObject({ open: true, onHold: true })
  })

  test('stay where the agent comes back in time, however often that happens', async () => {
    await configure(desk, { Livechat_agent_leave_action: 'close' })
    const chat = await answered()
    for (let times = 0; times < 3; times++) {
      await presence('offline')
      await pass(40)
      await presence('online')
      await pass(10)
    }
    await presence('offline')
    await pass(59)
    expect((await seen(chat)).open).toBe(true)
    await service('not-available')
    await pass(1)
    expect(await seen(chat)).not.toHaveProperty('open')
  })

  test('stay where the setting says nothing', async () => {
    const chat = await answered()
    await presence('offline')
    await pass(1_000)
    expect((await seen(chat)).servedBy?.username).toBe('anna')
  })

  test('are forwarded to the next agent, and wait where there is none', async () => {
    await configure(desk, { Livechat_agent_leave_action: 'forward' })
    const chat = await answered()
    await presence('offline')
    await pass(60)
    expect(await seen(chat)).not.toHaveProperty('servedBy')
    await presence('online')
    await pass(5)
    expect((await seen(chat)).servedBy?.username).toBe('anna')
    await desk.agent({ username: 'bob' })
    await presence('offline')
    await pass(60)
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('bob')
  })

  test('are forwarded to the department of their visitor', async () => {
    await configure(desk, { Livechat_agent_leave_action: 'forward' })
    const visitor = await register(desk)
    const chat = await openRoomOf(desk, visitor)
    const bob = await desk.agent({ username: 'bob' })
    const departmentId = await makeDepartment(desk, { agents: [bob] })
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('visitor').set({ departmentId }).where('id', '=', visitor.id)),
    )
    await presence('offline')
    await pass(60)
    expect(await seen(chat)).toMatchObject({ servedBy: { username: 'bob' }, departmentId })
  })
})
