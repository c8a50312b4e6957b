// Which department takes a chat, and who of it: contract A.10 (steps 2–5), A.1 (online rule), §C.2–C.6, §C.10.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  bare,
  closeBy,
  closeByVisitor,
  configure,
  errorTypeOf,
  makeDepartment,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomSeenBy,
  say,
  type Chat,
  type Visitor,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let manager: StaffMember
let anna: StaffMember
let bob: StaffMember
let cleo: StaffMember

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.agent({ username: 'bob' })
  cleo = await desk.agent({ username: 'cleo' })
})
afterEach(() => desk.stop())

const offline = (of: StaffMember) => of.call('POST /users.setStatus', { body: { status: 'offline' } })
const online = (of: StaffMember) => of.call('POST /users.setStatus', { body: { status: 'online' } })

/** A visitor who belongs to a department. */
async function registerIn(departmentId: string): Promise<Visitor> {
  const visitor = await register(desk)
  const { transact } = desk.server.context
  await transact((tx) => tx.run(tx.sql.updateTable('visitor').set({ departmentId }).where('id', '=', visitor.id)))
  return visitor
}

/** Opens the room of a new visitor of this department, a second after the last. */
async function openIn(departmentId: string, query: Record<string, string> = {}): Promise<Chat> {
  desk.clock.advance(1_000)
  const visitor = await registerIn(departmentId)
  const { room } = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token, ...query } })
  return { ...visitor, rid: room._id, room }
}

const servedBy = (chat: Chat) => chat.room.servedBy?.username
const servedNow = async ({ rid }: Chat) => (await roomSeenBy(manager, rid)).servedBy?.username

async function refusedIn(departmentId: string): Promise<string | undefined> {
  const { token } = await registerIn(departmentId)
  return errorTypeOf(await desk.anyone.raw('GET /livechat/room', { query: { token } }))
}

/** A department made after every other. */
async function make(columns: Parameters<typeof makeDepartment>[1]): Promise<string> {
  desk.clock.advance(1)
  return makeDepartment(desk, columns)
}

async function change(id: string, columns: Record<string, string | number | null>): Promise<void> {
  const { transact } = desk.server.context
  await transact((tx) => tx.run(tx.sql.updateTable('department').set(columns).where('id', '=', id)))
}

describe('a chat of a department', () => {
  test('goes to its agents in their order, whose turns elsewhere do not count', async () => {
    const sales = await make({ agents: [cleo, anna], showOnRegistration: 0 })
    await openChat(desk)
    const chats = [await openIn(sales), await openIn(sales), await openIn(sales)]
    expect(chats.map(servedBy)).toEqual(['cleo', 'anna', 'cleo'])
    expect(chats.map(({ room }) => room.departmentId)).toEqual([sales, sales, sales])
    expect(servedBy(await openChat(desk))).toBe('bob')
  })

  test('carries its department to the inquiry', async () => {
    const sales = await make({ agents: [anna] })
    const { rid } = await openIn(sales)
    const { inquiry } = await manager.call('GET /livechat/inquiries.getOne', { query: { roomId: rid } })
    expect(inquiry).toMatchObject({ department: sales, status: 'taken' })
  })

  test('is limited by the department first', async () => {
    const sales = await make({ agents: [anna], chatLimit: JSON.stringify('2') })
    await configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 })
    const chats = [await openIn(sales), await openIn(sales), await openIn(sales)]
    expect(chats.map(servedBy)).toEqual(['anna', 'anna', undefined])
  })

  test('under Load_Balancing goes to whoever serves the fewest of that department', async () => {
    const sales = await make({ agents: [anna, bob], showOnRegistration: 0 })
    const support = await make({ agents: [anna], showOnRegistration: 0 })
    await configure(desk, { Livechat_Routing_Method: 'Load_Balancing' })
    for (let n = 0; n < 3; n++) await openIn(support)
    const chats = [await openIn(sales), await openIn(sales), await openIn(sales), await openIn(sales)]
    expect(chats.map(servedBy).sort()).toEqual(['anna', 'anna', 'bob', 'bob'])
  })

  test('falls back while nobody of it is there, over several departments, and never in a circle', async () => {
    const last = await make({ agents: [cleo] })
    const middle = await make({ agents: [bob], fallbackId: last })
    const first = await make({ agents: [anna], fallbackId: middle })
    await offline(anna)
    const chat = await openIn(first)
    expect([servedBy(chat), chat.room.departmentId]).toEqual(['bob', middle])
    await offline(bob)
    expect(servedBy(await openIn(first))).toBe('cleo')
    await offline(cleo)
    expect(await refusedIn(first)).toBe('no-agent-online')
    await change(last, { fallbackId: first })
    expect(await refusedIn(first)).toBe('no-agent-online')
  })

  test('does not fall back to a disabled department', async () => {
    const spare = await make({ agents: [bob], isEnabled: 0 })
    const sales = await make({ agents: [anna], fallbackId: spare })
    await offline(anna)
    expect(await refusedIn(sales)).toBe('no-agent-online')
  })

  test('waits in it where chats are accepted though nobody is there', async () => {
    const sales = await make({ agents: [anna] })
    await offline(anna)
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    const chat = await openIn(sales)
    expect([servedBy(chat), chat.room.departmentId]).toEqual([undefined, sales])
    await online(anna)
    expect(await servedNow(chat)).toBe('anna')
  })

  test('of a disabled one, or one that is gone, is of none', async () => {
    const disabled = await make({ agents: [anna], isEnabled: 0 })
    for (const id of [disabled, 'gone']) expect((await openIn(id)).room.departmentId).toBeUndefined()
  })
})

describe('a visitor without a department', () => {
  test('comes to the first that is offered and where somebody is there, and belongs to none still', async () => {
    await make({ agents: [anna], showOnRegistration: 0 })
    await make({ agents: [anna], isEnabled: 0 })
    const first = await make({ agents: [bob] })
    const second = await make({ agents: [cleo] })
    const chat = await openChat(desk)
    expect([servedBy(chat), chat.room.departmentId]).toEqual(['bob', first])
    await offline(bob)
    expect((await openChat(desk)).room.departmentId).toBe(second)
    await offline(cleo)
    const without = await openChat(desk)
    expect([servedBy(without), without.room.departmentId]).toEqual(['anna', undefined])
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
    expect(visitor).not.toHaveProperty('department')
  })

  test('who asks for an agent comes to that agent, in no department', async () => {
    await make({ agents: [bob] })
    const { token } = await register(desk)
    const { room } = await desk.anyone.call('GET /livechat/room', { query: { token, agentId: cleo.id } })
    expect([room.servedBy?.username, room.departmentId]).toEqual(['cleo', undefined])
  })
})

describe('an agent whom a visitor asks for', () => {
  test('serves the chat out of turn where that agent works in the visitor’s department', async () => {
    const sales = await make({ agents: [anna, bob] })
    expect(servedBy(await openIn(sales, { agentId: bob.id }))).toBe('bob')
    expect(servedBy(await openIn(sales))).toBe('anna')
  })

  test('is no wish but ignored where that agent works elsewhere', async () => {
    const sales = await make({ agents: [anna] })
    expect(servedBy(await openIn(sales, { agentId: cleo.id }))).toBe('anna')
    await offline(anna)
    const { token } = await registerIn(sales)
    const refused = await desk.anyone.raw('GET /livechat/room', { query: { token, agentId: cleo.id } })
    expect(errorTypeOf(refused)).toBe('no-agent-online')
  })
})

describe('the agent who looks after a visitor', () => {
  test('serves the visitor while there, where the setting says so', async () => {
    const visitor = await register(desk)
    const { transact } = desk.server.context
    await transact((tx) =>
      tx.run(
        tx.sql.updateTable('visitor').set({ managerId: cleo.id, managerUsername: 'cleo' }).where('id', '=', visitor.id),
      ),
    )
    const chat = await openRoomOf(desk, visitor)
    expect(servedBy(chat)).toBe('cleo')
    await closeByVisitor(desk, chat)
    await offline(cleo)
    const again = await openRoomOf(desk, visitor)
    expect(servedBy(again)).toBe('anna')
    await closeByVisitor(desk, again)
    await online(cleo)
    await configure(desk, { Omnichannel_contact_manager_routing: false })
    expect(servedBy(await openRoomOf(desk, visitor))).toBe('bob')
  })
})

describe('chats that wait', () => {
  test('for a department where nobody is free hold up no other', async () => {
    const empty = await make({ agents: [], showOnRegistration: 0 })
    const support = await make({ agents: [bob], showOnRegistration: 0 })
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    await offline(bob)
    for (let n = 0; n < 30; n++) await openIn(empty)
    const waiting = [await openIn(support), await openIn(support)]
    expect(waiting.map(servedBy)).toEqual([undefined, undefined])
    await online(bob)
    expect([await servedNow(waiting[0]!), await servedNow(waiting[1]!)]).toEqual(['bob', 'bob'])
  })

  test('are offered by the job too, the queue of each department in its turn', async () => {
    const support = await make({ agents: [bob], showOnRegistration: 0 })
    const empty = await make({ agents: [], showOnRegistration: 0 })
    await configure(desk, { Livechat_accept_chats_with_no_agents: true, Livechat_Routing_Method: 'Manual_Selection' })
    for (let n = 0; n < 3; n++) await openIn(empty)
    const waiting = await openIn(support)
    await configure(desk, { Livechat_Routing_Method: 'Auto_Selection' })
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
    expect(await servedNow(waiting)).toBe('bob')
  })

  test('go to an agent who works in two departments as soon as one chat of either ends', async () => {
    const sales = await make({ agents: [anna], showOnRegistration: 0 })
    const support = await make({ agents: [anna], showOnRegistration: 0 })
    await configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 })
    const current = await openIn(sales)
    const waiting = await openIn(support)
    expect([servedBy(current), servedBy(waiting)]).toEqual(['anna', undefined])
    await closeBy(anna, current.rid)
    expect(await servedNow(waiting)).toBe('anna')
  })

  test('have their places by department, and the department’s own words', async () => {
    const sales = await make({ agents: [anna], waitingMessage: 'Sales is busy' })
    const support = await make({ agents: [bob] })
    await configure(desk, {
      Livechat_waiting_queue: true,
      Livechat_maximum_chats_per_agent: 1,
      Livechat_waiting_queue_message: 'Please wait',
    })
    const queueInfoOf = async ({ token }: Chat) => (await desk.anyone.call('GET /livechat/config', { query: { token } })).config.queueInfo // prettier-ignore
    for (const id of [sales, support]) await openIn(id)
    const chats = [await openIn(sales), await openIn(support), await openIn(sales)]
    expect(await Promise.all(chats.map(queueInfoOf))).toMatchObject([
      { spot: 1, message: { text: 'Sales is busy' } },
      { spot: 1, message: { text: 'Please wait' } },
      { spot: 2, message: { text: 'Sales is busy' } },
    ])
  })

  test('are explained by their department', async () => {
    const sales = await make({ agents: [anna] })
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    await offline(anna)
    const { rid } = await openIn(sales)
    const { agents, position } = await manager.call('GET /livechat/routing.explain/:rid', { params: { rid } })
    expect(position).toBe(1)
    expect(agents.map(({ username, verdict }) => [username, verdict])).toEqual([
      ['anna', 'offline'],
      ['bob', 'not-in-department'],
      ['cleo', 'not-in-department'],
    ])
  })
})

describe('whether somebody is there', () => {
  const isOnline = async (department?: string) =>
    (await desk.anyone.call('GET /livechat/config', { query: department === undefined ? {} : { department } })).config
      .online

  test('is told for a department by id or name, with those it falls back to', async () => {
    const support = await make({ name: 'Support', agents: [bob] })
    const sales = await make({ name: 'Sales', agents: [anna], fallbackId: support })
    for (const named of [sales, 'Sales', support, 'Support']) expect(await isOnline(named)).toBe(true)
    await offline(anna)
    expect(await isOnline(sales)).toBe(true)
    await offline(bob)
    expect([await isOnline(sales), await isOnline('Support'), await isOnline(), await isOnline('')]).toEqual([
      false,
      false,
      true,
      true,
    ])
  })

  test('is told alike of disabled and unknown departments', async () => {
    const disabled = await make({ agents: [anna], isEnabled: 0 })
    expect([await isOnline(disabled), await isOnline('no-such')]).toEqual([false, false])
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    expect([await isOnline(disabled), await isOnline('no-such')]).toEqual([true, true])
  })
})

describe('who would be asked next', () => {
  const next = async (department?: string) =>
    desk.anyone.raw('GET /livechat/agent.next/:token', {
      params: { token: 'anything' },
      query: department === undefined ? {} : { department },
    })

  test('is told for a department by id or name, else for the first that is offered', async () => {
    const sales = await make({ name: 'Sales', agents: [cleo], showOnRegistration: 0 })
    for (const named of [sales, 'Sales']) expect((await next(named)).body.agent.username).toBe('cleo')
    expect((await next()).body.agent.username).toBe('anna')
    await make({ agents: [bob] })
    expect((await next()).body.agent.username).toBe('bob')
  })

  test('is nobody where nobody is there, in disabled and in unknown departments', async () => {
    const disabled = await make({ agents: [anna], isEnabled: 0 })
    const empty = await make({ agents: [] })
    for (const named of [disabled, empty, 'no-such'])
      expect(refusal(await next(named))).toEqual(bare('agent-not-found'))
  })
})

describe('the queue of an agent', () => {
  let sales: string
  let support: string
  beforeEach(async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    sales = await make({ name: 'Sales', agents: [anna, bob], showOnRegistration: 0 })
    support = await make({ name: 'Support', agents: [bob], showOnRegistration: 0 })
  })

  const queueOf = async (by: StaffMember, department?: string) =>
    by.raw('GET /livechat/inquiries.queuedForUser', { query: department === undefined ? {} : { department } })
  const seenBy = async (by: StaffMember, department?: string): Promise<string[]> =>
    (await queueOf(by, department)).body.inquiries.map(({ rid }: { rid: string }) => rid)

  test('holds the chats of the own departments and of none', async () => {
    const [inSales, inSupport, inNone] = [await openIn(sales), await openIn(support), await openIn('none')]
    expect(await seenBy(anna)).toEqual([inSales.rid, inNone.rid])
    expect(await seenBy(bob)).toEqual([inSales.rid, inSupport.rid, inNone.rid])
    expect(await seenBy(cleo)).toEqual([inNone.rid])
  })

  test('is narrowed to one of them; another’s is refused to those who work in some', async () => {
    const [, inSupport, inNone] = [await openIn(sales), await openIn(support), await openIn('none')]
    for (const named of [support, 'Support']) expect(await seenBy(bob, named)).toEqual([inSupport.rid, inNone.rid])
    for (const named of [support, 'no-such'])
      expect(refusal(await queueOf(anna, named))).toEqual(bare('error-not-authorized'))
    expect(await seenBy(cleo, support)).toEqual([inNone.rid])
  })

  test('leaves out disabled departments', async () => {
    await openIn(sales)
    const { transact } = desk.server.context
    await transact((tx) => tx.run(tx.sql.updateTable('departmentAgent').set({ isEnabled: 0 })))
    expect(await seenBy(anna)).toEqual([])
  })

  test('of managers is everybody’s, or that of one department; an unknown one selects nothing', async () => {
    const [inSales, inSupport] = [await openIn(sales), await openIn(support)]
    const listed = async (query: Record<string, string>) =>
      (await manager.call('GET /livechat/inquiries.list', { query })).inquiries.map(({ rid }) => rid)
    expect(await listed({})).toEqual([inSupport.rid, inSales.rid])
    for (const department of [sales, 'Sales']) expect(await listed({ department })).toEqual([inSales.rid])
    for (const department of ['', 'no-such']) expect(await listed({ department })).toHaveLength(2)
  })

  test('may be looked into by those who work there alone', async () => {
    const chat = await openIn(support)
    await say(desk, chat, 'secret')
    const read = async (by: StaffMember) => (await by.raw('GET /rooms.info', { query: { roomId: chat.rid } })).status
    expect([await read(bob), await read(anna), await read(manager)]).toEqual([200, 400, 200])
    const preview = async (by: StaffMember) =>
      (await by.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })).inquiry?.lastMessage?.msg
    expect([await preview(bob), await preview(anna)]).toEqual(['secret', undefined])
  })

  test('becomes past: rooms of the own department may be read where the permission says so', async () => {
    const chat = await openIn(support)
    await closeByVisitor(desk, chat)
    const read = async (by: StaffMember) => (await by.raw('GET /rooms.info', { query: { roomId: chat.rid } })).status
    expect(await read(bob)).toBe(400)
    const admin = await desk.administrator()
    const permissions = [{ _id: 'view-livechat-room-closed-same-department', roles: ['livechat-agent'] }]
    await admin.call('POST /permissions.update', { body: { permissions } })
    expect([await read(bob), await read(anna)]).toEqual([200, 400])
  })
})
