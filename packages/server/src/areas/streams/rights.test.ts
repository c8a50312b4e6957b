import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answer,
  closeByVisitor,
  makeDepartment,
  newToken,
  openChat,
  openRoomOf,
  register,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { asVisitor, listen, openSocket, signIn, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  await desk.agent()
  admin = await desk.administrator()
})
afterAll(() => desk.stop())

/** A member of the staff with a socket that listens to everything it may. */
async function listener(chat: { rid: string }): Promise<{ staff: StaffMember; socket: Socket }> {
  const staff = await desk.staff({ roles: ['user', 'livechat-manager'] })
  const socket = await signIn(desk, staff)
  for (const [name, key] of [
    ['stream-room-messages', chat.rid],
    ['stream-room-data', chat.rid],
    ['stream-notify-room', `${chat.rid}/user-activity`],
    ['stream-livechat-inquiry-queue-observer', 'public'],
    ['stream-notify-user', `${staff.id}/force_logout`],
  ] as const)
    expect(await socket.sub(name, [key, { args: [] }])).toMatchObject({ msg: 'ready' })
  return { staff, socket }
}

/** Whether the socket was told that it is signed out, and then let go. */
async function isLetGo(socket: Socket, userId: string): Promise<void> {
  expect(await socket.ended).toMatchObject({ code: 1002 })
  expect(socket.told('notify-user', `${userId}/force_logout`)).toEqual([[]])
}

describe('the socket of somebody (A30)', () => {
  test('who signs out elsewhere is let go; other devices stay', async () => {
    const chat = await openChat(desk)
    const { staff, socket } = await listener(chat)
    const { data } = await desk.anyone.call('POST /login', {
      body: { user: staff.username, password: staff.password },
    })
    const other = await openSocket(desk)
    await other.call('login', { resume: data.authToken })
    await other.sub('stream-notify-user', [`${staff.id}/force_logout`, { args: [] }])
    await staff.call('POST /logout')
    await isLetGo(socket, staff.id)
    await other.settled()
    expect(other.told('notify-user', `${staff.id}/force_logout`)).toEqual([])
    await other.close()
  })

  test.each([
    [
      'is deactivated',
      (userId: string) => admin.call('POST /users.setActiveStatus', { body: { userId, activeStatus: false } }),
    ],
    ['is removed', (userId: string) => admin.call('POST /users.delete', { body: { userId } })],
    [
      'is given another password',
      (userId: string) => admin.call('POST /users.update', { body: { userId, data: { password: 'another secret' } } }),
    ],
  ])('who %s is let go, and hears nothing more', async (_title, end) => {
    const chat = await openChat(desk)
    const { staff, socket } = await listener(chat)
    await end(staff.id)
    await isLetGo(socket, staff.id)
    await say(desk, chat, 'a secret')
    await desk.server.streams.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
  })

  test('whose session has run out is let go', async () => {
    const { staff, socket } = await listener(await openChat(desk))
    desk.clock.advance(91 * 86_400_000)
    await desk.server.streams.sweep()
    await isLetGo(socket, staff.id)
    admin = await desk.administrator()
  })

  test('who loses a role hears no more than the rest allows', async () => {
    const chat = await openChat(desk)
    const { staff, socket } = await listener(chat)
    await admin.call('POST /users.update', { body: { userId: staff.id, data: { roles: ['user'] } } })
    await desk.server.streams.settled()
    await say(desk, chat, 'a secret')
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    expect((await socket.call('livechat:getRoutingConfig'))['result']).toBeDefined()
    await socket.close()
  })

  test('whose role loses a permission hears no more than the rest allows', async () => {
    const chat = await openChat(desk)
    const { socket } = await listener(chat)
    await socket.sub('stream-room-messages', ['__my_messages__', true])
    const { update } = await admin.call('GET /permissions.listAll')
    const kept = update.filter(({ _id }) => ['view-livechat-rooms', 'view-l-room'].includes(_id))
    const without = kept.map(({ _id, roles }) => ({ _id, roles: roles.filter((role) => role !== 'livechat-manager') }))
    try {
      await admin.call('POST /permissions.update', { body: { permissions: without } })
      await desk.server.streams.settled()
      await say(desk, chat, 'a secret')
      await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
        await openChat(desk)
      })
      await socket.settled()
      expect(JSON.stringify(socket.frames)).not.toContain('a secret')
      expect(socket.told('livechat-inquiry-queue-observer', 'public')).toEqual([])
    } finally {
      await admin.call('POST /permissions.update', { body: { permissions: kept } })
    }
    await socket.close()
  })

  test('who signs in as somebody else hears no more than that person may', async () => {
    const chat = await openChat(desk)
    const { socket } = await listener(chat)
    const other = await desk.staff()
    await socket.call('login', { resume: other.headers['x-auth-token'] })
    await say(desk, chat, 'a secret')
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    await socket.close()
  })
})

describe('an agent who looks into a chat that waits (A30)', () => {
  async function looking(): Promise<{ chat: Chat; department: string; agent: StaffMember; socket: Socket }> {
    const agent = await desk.agent()
    const department = await makeDepartment(desk, { agents: [agent], showOnRegistration: 0 })
    const chat = await openChat(desk, { department })
    const socket = await signIn(desk, agent)
    for (const [name, key] of [
      ['stream-room-messages', chat.rid],
      ['stream-room-data', chat.rid],
      ['stream-notify-room', `${chat.rid}/user-activity`],
    ] as const)
      expect(await socket.sub(name, [key, { args: [] }])).toMatchObject({ msg: 'ready' })
    return { chat, department, agent, socket }
  }

  async function hearsNoMore(chat: Chat, socket: Socket): Promise<void> {
    await socket.settled()
    await say(desk, chat, 'a secret')
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    for (const stream of ['room-messages', 'room-data']) expect(desk.server.hub.isHeard(stream, chat.rid)).toBe(false)
    await closeByVisitor(desk, chat)
    await socket.close()
  }

  test('hears it no more without a place in its department', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const { chat, department, agent, socket } = await looking()
      await say(desk, chat, 'heard')
      await socket.settled()
      expect(socket.told('room-messages', chat.rid)).toHaveLength(1)
      const remove = [{ agentId: agent.id, username: agent.username }]
      await admin.call('POST /livechat/department/:_id/agents', {
        params: { _id: department },
        body: { upsert: [], remove },
      })
      await hearsNoMore(chat, socket)
    })
  })

  test('hears it no more where chats are given out from now on', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const { chat, agent, socket } = await looking()
      await agent.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
      const settings = [{ _id: 'Livechat_Routing_Method', value: 'Auto_Selection' }]
      await admin.call('POST /settings', { body: { settings } })
      await hearsNoMore(chat, socket)
    })
  })
})

describe('a visitor whose token is another’s now (A30)', () => {
  /** A chat, its widget, and whoever came with the same address and has the room now. */
  async function replaced(register: (given: object) => Promise<unknown>) {
    const token = newToken()
    const chat = await openChat(desk, { email: `${token}@example.org` })
    const old = await listen(desk, chat)
    await register({ token, email: `${token}@example.org` })
    return { chat: { ...chat, token }, old }
  }

  const come = (visitor: object) => desk.anyone.call('POST /livechat/visitor', { body: { visitor } })

  test.each([
    ['at once', come],
    ['when the new token is shown, where the event was lost', (visitor: object) => unheard(() => come(visitor))],
  ])('hears nothing more of the room %s, and never the new token', async (_title, comes) => {
    await withSettings(desk, { Livechat_visitor_matching: 'compatible' }, async () => {
      const { chat, old } = await replaced(comes)
      const socket = await listen(desk, chat)
      await say(desk, chat, 'a secret')
      await Promise.all([old.settled(), socket.settled()])
      expect(socket.told('room-messages', chat.rid)).toMatchObject([[{ msg: 'a secret', token: chat.token }]])
      expect(JSON.stringify(old.frames)).not.toMatch(new RegExp(`a secret|${chat.token}`))
      await Promise.all([old.close(), socket.close()])
    })
  })
})

/** The bus loses what happens meanwhile, as Redis may. */
async function unheard(work: () => Promise<unknown>): Promise<void> {
  const { bus } = desk.server
  const publish = bus.publish.bind(bus)
  bus.publish = () => {}
  try {
    await work()
  } finally {
    bus.publish = publish
  }
}

describe('the room of a visitor that is given to another (A30)', () => {
  const give = (rid: string, visitorId: string) =>
    admin.call('PUT /livechat/room.visitor', { body: { rid, newVisitorId: visitorId } })

  test('is told to have another visitor, without the token, and tells the old one nothing more', async () => {
    const chat = await openChat(desk)
    const next = await register(desk, { name: 'Nora' })
    const old = await listen(desk, chat)
    await give(chat.rid, next.id)
    await old.settled()
    expect(old.told('livechat-room', chat.rid)).toEqual([
      [{ type: 'visitorData', visitor: { _id: next.id, username: expect.any(String) } }],
    ])
    const theirs = { ...chat, ...next }
    const socket = await listen(desk, theirs)
    const { _id } = await say(desk, theirs, 'a secret of Nora')
    await Promise.all([old.settled(), socket.settled()])
    expect(socket.told('room-messages', chat.rid)).toMatchObject([[{ _id, token: next.token }]])
    expect(JSON.stringify(old.frames)).not.toMatch(new RegExp(`a secret|Nora|${next.token}`))
    await Promise.all([old.close(), socket.close()])
  })

  test('tells the old one nothing of what follows at once', async () => {
    const chat = await openChat(desk)
    const next = await register(desk)
    const old = await listen(desk, chat)
    await give(chat.rid, next.id)
    await say(desk, { ...chat, ...next }, 'a secret')
    await old.settled()
    expect(JSON.stringify(old.frames)).not.toContain('a secret')
    await old.close()
  })

  test('tells the old one nothing more after a sweep, where the event was lost', async () => {
    const chat = await openChat(desk)
    const next = await register(desk)
    const old = await listen(desk, chat)
    await unheard(async () => {
      await give(chat.rid, next.id)
      await say(desk, { ...chat, ...next }, 'a secret')
    })
    await desk.server.streams.sweep()
    await say(desk, { ...chat, ...next }, 'a second secret')
    await old.settled()
    expect(JSON.stringify(old.frames)).not.toContain('secret')
    await old.close()
  })
})

describe('a socket that listens as staff and as the visitor', () => {
  test('reads as the visitor does when it is not staff any more', async () => {
    await withSettings(desk, { Livechat_show_agent_info: false }, async () => {
      const chat = await openChat(desk)
      const staff = await desk.staff({ roles: ['user', 'livechat-manager'], name: 'Nobody’s business' })
      const socket = await signIn(desk, staff)
      await socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)])
      await socket.sub('stream-room-messages', [chat.rid, { args: [] }])
      const own = await say(desk, chat, 'read by both')
      await admin.call('POST /users.update', { body: { userId: staff.id, data: { roles: ['user'] } } })
      await socket.settled()
      const from = socket.frames.length
      await answer(admin, chat.rid, 'read by the visitor')
      await socket.settled()
      const told = socket.told('room-messages', chat.rid).map(([message]) => message)
      expect(told).toMatchObject([{ _id: own._id }, { msg: 'read by the visitor' }])
      expect(told[0]).not.toHaveProperty('token')
      expect(JSON.stringify(socket.frames.slice(from))).not.toContain(admin.username)
      await socket.close()
    })
  })
})

describe('who listens to nothing of a room but who types there (A30)', () => {
  const typing = ({ rid }: Chat) => `${rid}/user-activity`

  async function types(chat: Chat): Promise<void> {
    const socket = await openSocket(desk)
    await socket.call('stream-notify-room', typing(chat), 'a secret', ['user-typing'], { token: chat.token })
    await socket.close()
  }

  /** An agent who serves a chat and hears who types in it, and somebody to hand it to. */
  async function serving(): Promise<{ chat: Chat; socket: Socket; hand: () => Promise<unknown> }> {
    const chat = await openRoomOf(desk, await register(desk))
    const [agent, other] = [await desk.agent(), await desk.agent()]
    const hand = (to: StaffMember) =>
      admin.call('POST /livechat/room.forward', { body: { roomId: chat.rid, userId: to.id } })
    await hand(agent)
    const socket = await signIn(desk, agent)
    expect(await socket.sub('stream-notify-room', [typing(chat), { args: [] }])).toMatchObject({ msg: 'ready' })
    return { chat, socket, hand: () => hand(other) }
  }

  test('hears it no more with the room', async () => {
    const { chat, socket, hand } = await serving()
    await hand()
    await socket.settled()
    await types(chat)
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    await socket.close()
  })

  test('hears it no more after a sweep, where the event was lost', async () => {
    const { chat, socket, hand } = await serving()
    await unheard(hand)
    await desk.server.streams.sweep()
    await socket.settled()
    await types(chat)
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    await socket.close()
  })

  test('hears it no more where the room is another visitor’s', async () => {
    const chat = await openChat(desk)
    const next = await register(desk)
    const socket = await openSocket(desk)
    await socket.sub('stream-notify-room', [typing(chat), asVisitor(chat)])
    await admin.call('PUT /livechat/room.visitor', { body: { rid: chat.rid, newVisitorId: next.id } })
    await socket.settled()
    await types({ ...chat, ...next })
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    await socket.close()
  })
})

describe('a visitor’s socket (A30)', () => {
  test('hears the closing line with the sweep, and then no more, where the event was lost', async () => {
    const chat = await openChat(desk)
    const socket = await listen(desk, chat)
    await unheard(() => closeByVisitor(desk, chat))
    await desk.server.streams.sweep()
    await socket.settled()
    expect(socket.told('room-messages', chat.rid).map(([{ t }]) => t)).toContain('livechat-close')
    expect(desk.server.hub.isHeard('room-messages', chat.rid)).toBe(false)
    await socket.close()
  })

  test('hears nothing more once the visitor is removed', async () => {
    await withSettings(desk, { Livechat_Allow_collect_and_store_HTTP_header_informations: true }, async () => {
      const chat = await openChat(desk)
      const socket = await listen(desk, chat)
      await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: chat.token } })
      await socket.settled()
      const { hub } = desk.server
      expect(hub.isHeard('room-messages', chat.rid)).toBe(false)
      expect(hub.isHeard('livechat-room', chat.rid)).toBe(false)
      expect(hub.isHeard('notify-room', `${chat.rid}/user-activity`)).toBe(false)
      expect(await socket.sub('stream-livechat-room', [chat.rid, asVisitor(chat)])).toMatchObject({ msg: 'nosub' })
      await socket.close()
    })
  })

  test('hears nothing of a room that is closed while it subscribes', async () => {
    const chat = await openChat(desk)
    const stranger = await register(desk)
    const socket = await openSocket(desk)
    const answers = await Promise.all([
      socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)]),
      desk.anyone.call('POST /livechat/room.close', { body: { rid: chat.rid, token: chat.token } }),
    ])
    await socket.settled()
    expect(['ready', 'nosub']).toContain(answers[0].msg)
    expect(desk.server.hub.isHeard('room-messages', chat.rid)).toBe(false)
    expect(await socket.sub('stream-room-messages', [chat.rid, asVisitor(stranger)])).toMatchObject({ msg: 'nosub' })
    await socket.close()
  })
})
