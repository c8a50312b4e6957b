// Rules that take the same rows take them in one order (docs/decisions/0009-lock-order.md), so PostgreSQL never has to end
// one of two that wait for each other. The server counts the transactions that it runs again; SQLite has nothing to lock.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  configure,
  makeDepartment,
  openChat,
  openRoomOf,
  register,
  type Chat,
  type Visitor,
} from '../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../testing/testing.ts'

// Dozens of calls at once, on machines of any speed.
vi.setConfig({ testTimeout: 120_000 })

const CHATS = 6
const ROUNDS = 5

let desk: TestServer
let manager: StaffMember
let agents: StaffMember[]

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.administrator()
  agents = []
  for (let number = 0; number < 3; number++) agents.push(await desk.agent())
})
afterEach(() => desk.stop())

/** What each call of a round wants; all of a round are under way at once. */
type Act = (chat: Chat, round: number) => Promise<RawAnswer>

const rename: Act = ({ token }, round) =>
  desk.anyone.raw('POST /livechat/visitor', { body: { visitor: { token, name: `Visitor ${String(round)}` } } })
const saveContact: Act = ({ token }, round) =>
  manager.raw('POST /omnichannel/contact', { body: { token, name: `Contact ${String(round)}` } })
const saveInfo: Act = ({ rid, id }, round) =>
  manager.raw('POST /livechat/room.saveInfo', {
    body: { guestData: { _id: id, name: `Known ${String(round)}` }, roomData: { _id: rid, topic: 'Topic' } },
  })
const say: Act = ({ token, rid }) => desk.anyone.raw('POST /livechat/message', { body: { token, rid, msg: 'hello' } })
const answer: Act = ({ rid }) => manager.raw('POST /chat.sendMessage', { body: { message: { rid, msg: 'hello' } } })
const close: Act = ({ token, rid }) => desk.anyone.raw('POST /livechat/room.close', { body: { token, rid } })
const open: Act = ({ token }) => desk.anyone.raw('GET /livechat/room', { query: { token } })
const remove: Act = ({ token }) => desk.anyone.raw('DELETE /livechat/visitor/:token', { params: { token } })
const block: Act = ({ id }) =>
  manager.raw('POST /livechat/visitors.block', { body: { visitorId: id, reason: 'Abuse' } })
const giveBack: Act = ({ rid }) => manager.raw('POST /livechat/inquiries.returnAsInquiry', { body: { roomId: rid } })
const forward: Act = ({ rid }, round) =>
  manager.raw('POST /livechat/room.forward', { body: { roomId: rid, userId: agents[round % agents.length]!.id } })
const hold: Act = ({ rid }) => manager.raw('POST /livechat/room.onHold', { body: { roomId: rid } })
const resume: Act = ({ rid }) => manager.raw('POST /livechat/room.resumeOnHold', { body: { roomId: rid } })
const look: Act = ({ token, rid }, round) =>
  desk.anyone.raw('POST /livechat/page.visited', {
    body: {
      token,
      rid,
      pageInfo: { change: 'url', title: String(round), location: { href: 'https://shop.example/' } },
    },
  })
const turn: Act = (_chat, round) =>
  agents[round % agents.length]!.raw('POST /livechat/agent.status', {
    body: { status: round % 2 === 0 ? 'not-available' : 'available' },
  })

const online: Act = (_chat, round) =>
  agents[round % agents.length]!.raw('POST /users.setStatus', { body: { status: 'online' } })

/** Everybody does everything to every chat at once; nothing of it may be a fault of the server. */
async function race(chats: readonly Chat[], acts: readonly Act[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    desk.clock.advance(2_000)
    const answers = await Promise.all(chats.flatMap((chat) => acts.map((act) => act(chat, round))))
    const faults = answers.filter(({ status }) => status !== 200 && status !== 400)
    expect(faults.map(({ status, body }) => [status, body as unknown])).toEqual([])
  }
}

async function expectNoDeadlock(): Promise<void> {
  const { payload } = await desk.server.http.inject({ url: '/metrics' })
  expect(payload).toContain('deskbell_transaction_restarts_total{cause="deadlock"} 0\n')
}

async function openChats(): Promise<Chat[]> {
  return Promise.all(Array.from({ length: CHATS }, () => openChat(desk)))
}

test('what is written of visitors and of their rooms', async () => {
  const chats = await openChats()
  await race(chats, [rename, saveContact, saveInfo, say, answer, look])
  await expectNoDeadlock()
})

test('rooms that end while their visitors are renamed', async () => {
  const chats = await openChats()
  await race(chats, [close, open, rename, saveContact, answer, look])
  await expectNoDeadlock()
})

test('visitors who are removed or blocked', async () => {
  await configure(desk, {
    Livechat_Allow_collect_and_store_HTTP_header_informations: true,
    Livechat_Visitor_navigation_as_a_message: true,
  })
  for (const end of [remove, block]) await race(await openChats(), [answer, look, say, rename, end, close, open])
  await expectNoDeadlock()
})

test('places that become free while chats wait for them', async () => {
  await configure(desk, {
    Livechat_maximum_chats_per_agent: 1,
    Livechat_waiting_queue: true,
    Livechat_accept_chats_with_no_agents: true,
    Livechat_last_chatted_agent_routing: true,
  })
  const departments = [await makeDepartment(desk, { agents }), await makeDepartment(desk, { agents })]
  const visitors = await Promise.all(
    Array.from({ length: CHATS }, (_, number) => register(desk, { department: departments[number % 2]! })),
  )
  const chats = await Promise.all(visitors.map((visitor) => openRoomOf(desk, visitor)))
  await race(chats, [giveBack, forward, hold, resume, say, turn])
  await race(chats, [close, open, giveBack, turn])
  await expectNoDeadlock()
})

test('chats that wait while the agents who could be given them are freed elsewhere', async () => {
  await configure(desk, { Livechat_accept_chats_with_no_agents: true })
  const full = await makeDepartment(desk, { agents, chatLimit: '1', showOnRegistration: 0 })
  const chatOf = async (visitor: Promise<Visitor>) => openRoomOf(desk, await visitor)
  const waiting = await Promise.all(
    Array.from({ length: 2 * CHATS }, () => chatOf(register(desk, { department: full }))),
  )
  const others = await openChats()
  await Promise.all([race(others, [close, open, online]), race(waiting, [forward, giveBack])])
  await expectNoDeadlock()
})

test('a department that is removed while its chats are handed out', async () => {
  await configure(desk, { Livechat_accept_chats_with_no_agents: true })
  for (let round = 0; round < ROUNDS; round++) {
    const departmentId = await makeDepartment(desk, { agents })
    const visitors = await Promise.all(
      Array.from({ length: CHATS }, () => register(desk, { department: departmentId })),
    )
    const rooms = await Promise.all(visitors.map((visitor) => openRoomOf(desk, visitor)))
    await Promise.all([
      ...rooms.map((chat) => giveBack(chat, round)),
      manager.raw('DELETE /livechat/department/:_id', { params: { _id: departmentId } }),
      ...visitors.map((_visitor, number) => turn(rooms[number]!, number)),
    ])
  }
  await expectNoDeadlock()
})

test('what time does to chats, beside what people do', async () => {
  await configure(desk, {
    Livechat_maximum_chats_per_agent: 1,
    Livechat_waiting_queue: true,
    Livechat_accept_chats_with_no_agents: true,
    Livechat_max_queue_wait_time: 1,
  })
  const chats = await openChats()
  for (let round = 0; round < ROUNDS; round++) {
    desk.clock.advance(90_000)
    await Promise.all([
      desk.server.worker.drain(),
      ...chats.flatMap((chat) => [giveBack(chat, round), close(chat, round), open(chat, round)]),
    ])
  }
  await expectNoDeadlock()
})
