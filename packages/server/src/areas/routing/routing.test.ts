import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  closeBy,
  closeByVisitor,
  configure,
  errorTypeOf,
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
let manager: StaffMember

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterEach(() => desk.stop())

const agents = (...names: string[]) => Promise.all(names.map((username) => desk.agent({ username })))
const served = (chat: Chat) => chat.room.servedBy?.username
const presence = (of: StaffMember, status: string) => of.call('POST /users.setStatus', { body: { status } })
const service = (of: StaffMember, status: 'available' | 'not-available') =>
  of.call('POST /livechat/agent.status', { body: { status } })
const limitOf = (chats: number) =>
  configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: chats })

async function servedNow(chat: Chat): Promise<string | undefined> {
  return (await roomSeenBy(manager, chat.rid)).servedBy?.username
}

/** Opens chats one after the other, a second apart, and answers who serves them. */
async function openMany(count: number): Promise<Chat[]> {
  const chats: Chat[] = []
  for (let n = 0; n < count; n++) {
    chats.push(await openChat(desk))
    desk.clock.advance(1_000)
  }
  return chats
}

async function openWith(query: Record<string, string>): Promise<string | undefined> {
  const { token } = await register(desk)
  const { room } = await desk.anyone.call('GET /livechat/room', { query: { token, ...query } })
  return room.servedBy?.username
}

describe('Auto_Selection', () => {
  test('asks the agents in turn, beginning with the first by name', async () => {
    await agents('cleo', 'anna', 'bob')
    expect((await openMany(5)).map(served)).toEqual(['anna', 'bob', 'cleo', 'anna', 'bob'])
  })

  test('passes over who is offline, switched off or deactivated, but not over who is busy or away', async () => {
    const [anna, bob, cleo, dora, eve] = await agents('anna', 'bob', 'cleo', 'dora', 'eve')
    await presence(anna!, 'offline')
    await service(bob!, 'not-available')
    await presence(cleo!, 'busy')
    await presence(dora!, 'away')
    const admin = await desk.administrator()
    await admin.call('POST /users.setActiveStatus', { body: { userId: eve!.id, activeStatus: false } })
    expect((await openMany(3)).map(served)).toEqual(['cleo', 'dora', 'cleo'])
  })

  test('an agent who has signed out is not asked', async () => {
    const [anna] = await agents('anna')
    await anna!.call('POST /logout')
    const { token } = await register(desk)
    expect(errorTypeOf(await desk.anyone.raw('GET /livechat/room', { query: { token } }))).toBe('no-agent-online')
  })

  test('asking who would be next changes nothing', async () => {
    await agents('anna', 'bob')
    const before = await allRows(desk)
    for (let n = 0; n < 3; n++) {
      const { agent } = await desk.anyone.call('GET /livechat/agent.next/:token', { params: { token: 'anything' } })
      expect(agent?.username).toBe('anna')
    }
    expect(await allRows(desk)).toEqual(before)
    expect((await openMany(1)).map(served)).toEqual(['anna'])
  })

  test('people who are no agents are not asked', async () => {
    const admin = await desk.administrator()
    for (const one of [admin, manager]) await presence(one, 'online')
    const { token } = await register(desk)
    expect(errorTypeOf(await desk.anyone.raw('GET /livechat/room', { query: { token } }))).toBe('no-agent-online')
  })
})

describe('the other methods', () => {
  test('Manual_Selection assigns nobody', async () => {
    await agents('anna')
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const [chat] = await openMany(1)
    expect(served(chat!)).toBeUndefined()
    expect((await manager.call('GET /livechat/inquiries.list')).inquiries).toMatchObject([
      { rid: chat!.rid, status: 'queued' },
    ])
  })

  test('Load_Balancing asks who has the fewest open chats, and of those who was asked longest ago', async () => {
    await agents('anna', 'bob', 'cleo')
    await configure(desk, { Livechat_Routing_Method: 'Load_Balancing' })
    const chats = await openMany(5)
    expect(chats.map(served)).toEqual(['anna', 'bob', 'cleo', 'anna', 'bob'])
    for (const chat of chats.filter((one) => served(one) === 'bob')) await closeByVisitor(desk, chat)
    expect((await openMany(3)).map(served)).toEqual(['bob', 'cleo', 'bob'])
  })

  test('Load_Rotation asks who was asked longest ago, whatever is open', async () => {
    await agents('anna', 'bob', 'cleo')
    await configure(desk, { Livechat_Routing_Method: 'Load_Rotation' })
    const chats = await openMany(4)
    expect(chats.map(served)).toEqual(['anna', 'bob', 'cleo', 'anna'])
    await closeByVisitor(desk, chats[0]!)
    expect((await openMany(3)).map(served)).toEqual(['bob', 'cleo', 'anna'])
  })

  test('a method that does not exist is told as such', async () => {
    await agents('anna')
    await configure(desk, { Livechat_Routing_Method: 'Nonsense' })
    const { token } = await register(desk)
    const refused = await desk.anyone.raw('GET /livechat/room', { query: { token } })
    expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-routing-method-not-available'])
  })
})

describe('a preferred agent', () => {
  test('who is there serves the chat, out of turn', async () => {
    const [, , cleo] = await agents('anna', 'bob', 'cleo')
    expect(await openWith({ agentId: cleo!.id })).toBe('cleo')
    expect(await openWith({})).toBe('anna')
  })

  test('who is not there, no agent, unknown or a name is ignored', async () => {
    const [anna, bob] = await agents('anna', 'bob')
    await presence(anna!, 'offline')
    const user = await desk.staff()
    for (const agentId of [anna!.id, user.id, manager.id, 'no-such', 'bob', bob!.username])
      expect(await openWith({ agentId })).toBe('bob')
  })

  test('who is switched off is ignored', async () => {
    const [anna] = await agents('anna', 'bob')
    await service(anna!, 'not-available')
    expect(await openWith({ agentId: anna!.id })).toBe('bob')
  })

  test('who is full is ignored', async () => {
    const [anna] = await agents('anna', 'bob')
    await limitOf(1)
    expect(await openWith({ agentId: anna!.id })).toBe('anna')
    expect(await openWith({ agentId: anna!.id })).toBe('bob')
    expect(await openWith({ agentId: anna!.id })).toBeUndefined()
  })

  test('named while nobody at all is there lets the chat wait, even an offline one', async () => {
    const [anna] = await agents('anna')
    await presence(anna!, 'offline')
    expect(await openWith({ agentId: anna!.id })).toBeUndefined()
    const { token } = await register(desk)
    for (const agentId of ['no-such', 'anna'])
      expect(errorTypeOf(await desk.anyone.raw('GET /livechat/room', { query: { token, agentId } }))).toBe(
        'no-agent-online',
      )
  })

  test('never changes who serves an open room, by opening it again or in a message', async () => {
    const [, bob] = await agents('anna', 'bob')
    const [chat] = await openMany(1)
    const { room } = await desk.anyone.call('GET /livechat/room', { query: { token: chat!.token, agentId: bob!.id } })
    expect(room.servedBy?.username).toBe('anna')
    await say(desk, chat!, 'x', { agent: { agentId: bob!.id, username: 'bob' } })
    expect(await servedNow(chat!)).toBe('anna')
  })

  test('is the one of the last chat where the setting says so', async () => {
    const [anna] = await agents('anna', 'bob')
    const [chat] = await openMany(1)
    await closeByVisitor(desk, chat!)
    expect(served(await openRoomOf(desk, chat!))).toBe('bob')
    await closeByVisitor(desk, { ...chat!, rid: (await openRoomOf(desk, chat!)).rid })
    const fresh = await openChat(desk)
    expect(served(fresh)).toBe('anna')
    await closeByVisitor(desk, fresh)
    await configure(desk, { Livechat_last_chatted_agent_routing: true })
    for (let n = 0; n < 3; n++) {
      const again = await openRoomOf(desk, fresh)
      expect(served(again)).toBe('anna')
      await closeByVisitor(desk, again)
    }
    await presence(anna!, 'offline')
    expect(served(await openRoomOf(desk, fresh))).toBe('bob')
  })

  test('is a bot where the setting says so, without presence or limit', async () => {
    await agents('anna')
    const bot = await desk.staff({ username: 'botty', roles: ['bot', 'livechat-agent'] })
    await service(bot, 'available')
    expect((await openMany(1)).map(served)).toEqual(['anna'])
    await configure(desk, { Livechat_assign_new_conversation_to_bot: true })
    await limitOf(1)
    expect((await openMany(3)).map(served)).toEqual(['botty', 'botty', 'botty'])
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    expect((await openMany(1)).map(served)).toEqual(['botty'])
  })
})

describe('several bots who answer first', () => {
  const bots = (...names: string[]) =>
    Promise.all(
      names.map(async (username) => {
        const bot = await desk.staff({ username, roles: ['bot', 'livechat-agent'] })
        await service(bot, 'available')
        return bot
      }),
    )

  test.each(['Auto_Selection', 'Manual_Selection', 'Load_Balancing'])('take turns under %s', async (method) => {
    await bots('beep', 'boop')
    await agents('anna')
    await configure(desk, { Livechat_assign_new_conversation_to_bot: true, Livechat_Routing_Method: method })
    expect((await openMany(4)).map(served)).toEqual(['beep', 'boop', 'beep', 'boop'])
  })

  test('take turns in each department by itself', async () => {
    const both = await bots('beep', 'boop')
    await configure(desk, { Livechat_assign_new_conversation_to_bot: true })
    const department = await makeDepartment(desk, { agents: both })
    const names: unknown[] = []
    for (let n = 0; n < 4; n++) names.push(served(await openChat(desk, { department })))
    expect(names).toEqual(['beep', 'boop', 'beep', 'boop'])
    expect((await openMany(1)).map(served)).toEqual(['beep'])
  })

  test.each(['switched off', 'deactivated'])('are nobody where all are %s', async (how) => {
    const [beep] = await bots('beep')
    await configure(desk, { Livechat_assign_new_conversation_to_bot: true })
    const department = await makeDepartment(desk, { agents: [beep!] })
    const { token } = await register(desk)
    const isOnline = async (query: object) =>
      (await desk.anyone.call('GET /livechat/config', { query: { ...query } })).config.online
    expect([await isOnline({}), await isOnline({ department })]).toEqual([true, true])
    if (how === 'switched off') await service(beep!, 'not-available')
    else {
      const body = { userId: beep!.id, activeStatus: false }
      await (await desk.administrator()).call('POST /users.setActiveStatus', { body })
    }
    expect(errorTypeOf(await desk.anyone.raw('GET /livechat/room', { query: { token } }))).toBe('no-agent-online')
    expect([await isOnline({}), await isOnline({ department })]).toEqual([false, false])
  })
})

describe('limits', () => {
  test('count only where the waiting queue is on', async () => {
    await agents('anna')
    await configure(desk, { Livechat_maximum_chats_per_agent: 1 })
    expect((await openMany(3)).map(served)).toEqual(['anna', 'anna', 'anna'])
  })

  test('let a chat wait though agents are online', async () => {
    await agents('anna', 'bob')
    await limitOf(1)
    const chats = await openMany(3)
    expect(chats.map(served)).toEqual(['anna', 'bob', undefined])
    expect((await manager.call('GET /livechat/inquiries.list')).inquiries).toMatchObject([
      { rid: chats[2]!.rid, status: 'queued' },
    ])
  })

  test('of one agent win over the setting', async () => {
    const [anna] = await agents('anna')
    await limitOf(1)
    const { transact } = desk.server.context
    await transact((tx) => tx.run(tx.sql.updateTable('user').set({ chatLimit: '2' }).where('id', '=', anna!.id)))
    expect((await openMany(3)).map(served)).toEqual(['anna', 'anna', undefined])
  })

  test.each(['Auto_Selection', 'Load_Balancing', 'Load_Rotation'])(
    '%s: are kept when many arrive at once',
    async (method) => {
      await agents('anna', 'bob', 'cleo')
      await configure(desk, { Livechat_Routing_Method: method })
      await limitOf(2)
      const chats = await Promise.all(Array.from({ length: 20 }, () => openChat(desk)))
      const perAgent = new Map<string, number>()
      for (const chat of chats) {
        const by = await servedNow(chat)
        if (by !== undefined) perAgent.set(by, (perAgent.get(by) ?? 0) + 1)
      }
      expect([...perAgent].sort()).toEqual([
        ['anna', 2],
        ['bob', 2],
        ['cleo', 2],
      ])
    },
  )
})

describe('a chat that waits gets the first agent who becomes free', () => {
  /** Two chats that wait, the first for longer. */
  async function twoWaiting(): Promise<[Chat, Chat]> {
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    const [first, second] = await openMany(2)
    expect([served(first!), served(second!)]).toEqual([undefined, undefined])
    return [first!, second!]
  }

  test('when one closes: the longest waiting first', async () => {
    const [anna] = await agents('anna')
    await limitOf(1)
    const [current, first, second] = await openMany(3)
    await closeBy(anna!, current!.rid)
    expect([await servedNow(first!), await servedNow(second!)]).toEqual(['anna', undefined])
    await closeByVisitor(desk, first!)
    expect(await servedNow(second!)).toBe('anna')
    expect((await historyOf(desk, second!)).map(({ t }) => t)).toEqual(['uj', 'command', 'livechat-started'])
  })

  test('when one comes online', async () => {
    const agent = await desk.staff({ username: 'anna', roles: ['user', 'livechat-agent'] })
    await limitOf(1)
    const [first, second] = await twoWaiting()
    await service(agent, 'available')
    expect(await servedNow(first)).toBeUndefined()
    await presence(agent, 'online')
    expect([await servedNow(first), await servedNow(second)]).toEqual(['anna', undefined])
  })

  test('when one switches on', async () => {
    const [anna] = await agents('anna')
    await service(anna!, 'not-available')
    const [first, second] = await twoWaiting()
    await service(anna!, 'available')
    expect([await servedNow(first), await servedNow(second)]).toEqual(['anna', 'anna'])
  })

  test('when one is switched on by a manager', async () => {
    const [anna] = await agents('anna')
    await service(anna!, 'not-available')
    const [first] = await twoWaiting()
    await manager.call('POST /livechat/agent.status', { body: { agentId: anna!.id, status: 'available' } })
    expect(await servedNow(first)).toBe('anna')
  })

  test('when somebody who is there becomes an agent', async () => {
    const user = await desk.staff({ username: 'anna' })
    await presence(user, 'online')
    const [first] = await twoWaiting()
    await manager.call('POST /livechat/users/:type', { params: { type: 'agent' }, body: { username: 'anna' } })
    expect(await servedNow(first)).toBe('anna')
  })

  test('when one signs in whom signing out had switched off', async () => {
    const [anna] = await agents('anna')
    await anna!.call('POST /logout')
    const [first] = await twoWaiting()
    const { data } = await desk.anyone.call('POST /login', { body: { user: 'anna', password: anna!.password } })
    const headers = { 'x-user-id': data.userId, 'x-auth-token': data.authToken }
    await desk.anyone.raw('POST /users.setStatus', { body: { status: 'online' }, headers })
    expect(await servedNow(first)).toBe('anna')
  })

  test('when the limit is raised, or the method changed to one that assigns', async () => {
    await agents('anna')
    await limitOf(1)
    const admin = await desk.administrator()
    const set = async (_id: string, value: unknown) => {
      await admin.call('POST /settings/:_id', { params: { _id }, body: { value } })
      await desk.server.worker.drain()
    }
    const [, second, third] = await openMany(3)
    await set('Livechat_maximum_chats_per_agent', 2)
    expect([await servedNow(second!), await servedNow(third!)]).toEqual(['anna', undefined])
    await set('Livechat_waiting_queue', false)
    expect(await servedNow(third!)).toBe('anna')
    await set('Livechat_Routing_Method', 'Manual_Selection')
    const [fourth] = await openMany(1)
    expect(served(fourth!)).toBeUndefined()
    await set('Livechat_Routing_Method', 'Auto_Selection')
    expect(await servedNow(fourth!)).toBe('anna')
  })

  test('when a visitor with an open chat is removed', async () => {
    await agents('anna')
    await limitOf(1)
    await configure(desk, { Livechat_Allow_collect_and_store_HTTP_header_informations: true })
    const [current, waiting] = await openMany(2)
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: current!.token } })
    expect(await servedNow(waiting!)).toBe('anna')
  })

  test('but under Manual_Selection it waits until somebody takes it', async () => {
    const [anna] = await agents('anna')
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const [chat] = await openMany(1)
    await presence(anna!, 'offline')
    await presence(anna!, 'online')
    expect(await servedNow(chat!)).toBeUndefined()
  })

  test('after a restart too', async () => {
    const [anna] = await agents('anna')
    await limitOf(1)
    const [current, waiting] = await openMany(2)
    await desk.restart()
    await closeBy(anna!, current!.rid)
    expect(await servedNow(waiting!)).toBe('anna')
  })
})

describe('whatever happens', () => {
  /** Nobody is over the limit, nobody waits beside a free agent, and all tables tell the same. */
  async function expectOrder(limit: number): Promise<void> {
    const rows = await allRows(desk)
    const all = <Row>(table: string) => rows.get(table)!.map((row) => JSON.parse(row) as Row)
    const open = all<{ id: string; closedAt: string | null; servedById: string | null }>('room').filter(
      ({ closedAt }) => closedAt === null,
    )
    const users = all<{ id: string; presence: string; serviceStatus: string | null; openChats: number }>('user')
    const queued = all<{ roomId: string; status: string }>('inquiry')
    const subscriptions = all<{ roomId: string; userId: string }>('subscription').map(({ roomId, userId }) => [
      roomId,
      userId,
    ])
    for (const { id, openChats } of users) {
      expect(open.filter(({ servedById }) => servedById === id)).toHaveLength(openChats)
      expect(openChats).toBeLessThanOrEqual(limit)
    }
    const isFree = users.some((u) => u.presence !== 'offline' && u.serviceStatus === 'available' && u.openChats < limit)
    const waiting = open.filter(({ servedById }) => servedById === null)
    expect([isFree, waiting.length > 0]).not.toEqual([true, true])
    expect(queued.map(({ roomId, status }) => [roomId, status === 'taken']).sort()).toEqual(
      open.map(({ id, servedById }) => [id, servedById !== null]).sort(),
    )
    expect(subscriptions.sort()).toEqual(
      open
        .filter(({ servedById }) => servedById !== null)
        .map(({ id, servedById }) => [id, servedById])
        .sort(),
    )
  }

  test('nobody waits while an agent is free, and nobody serves more than allowed', { timeout: 60_000 }, async () => {
    const staff = await agents('anna', 'bob', 'cleo')
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    await limitOf(2)
    const chats: Chat[] = []
    const acts = {
      open: async () => void chats.push(await openChat(desk)),
      close: (_agent: StaffMember, chat?: Chat) =>
        desk.anyone.raw('POST /livechat/room.close', { body: { rid: chat?.rid, token: chat?.token } }),
      closeByUser: (_agent: StaffMember, chat?: Chat) =>
        manager.raw('POST /livechat/room.closeByUser', { body: { rid: chat?.rid, comment: 'x' } }),
      leave: (agent: StaffMember) => presence(agent, 'offline'),
      comeBack: (agent: StaffMember) => presence(agent, 'online'),
      switchOff: (agent: StaffMember) => service(agent, 'not-available'),
      switchOn: (agent: StaffMember) => service(agent, 'available'),
    }
    const kinds = [...(Object.keys(acts) as (keyof typeof acts)[]), 'open' as const]
    const step = fc.record({ kind: fc.constantFrom(...kinds), who: fc.nat({ max: 99 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        for (const { kind, who } of steps) {
          desk.clock.advance(1_000)
          await acts[kind](staff[who % staff.length]!, chats.length === 0 ? undefined : chats[who % chats.length])
          await expectOrder(2)
        }
      }),
      { numRuns: 6 },
    )
  })

  /** Transactions that could not see each other are put right by a job, two seconds later. */
  async function settle(): Promise<void> {
    desk.clock.advance(2_000)
    await desk.server.worker.drain()
    await expectOrder(2)
  }

  test('also when everything happens at once', async () => {
    const staff = await agents('anna', 'bob', 'cleo', 'dora')
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    await limitOf(2)
    const chats = await openMany(8)
    for (let round = 0; round < 5; round++) {
      const [opened] = await Promise.all([
        Promise.all([1, 2, 3, 4].map(() => openChat(desk))),
        ...chats.splice(0, 4).map((chat) => closeByVisitor(desk, chat)),
        ...staff.map((agent, i) => presence(agent, (round + i) % 2 === 0 ? 'offline' : 'online')),
      ])
      chats.push(...opened)
      await settle()
      await Promise.all([
        ...staff.map((agent) => presence(agent, 'online')),
        ...chats.splice(0, 1).map((chat) => closeByVisitor(desk, chat)),
      ])
      await settle()
    }
    expect((await roomOf(desk, chats[0]!)).open).toBe(true)
  })
})
