import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  answer,
  closeBy,
  closeByVisitor,
  configure,
  makeDepartment,
  openChat,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { asVisitor, openSocket, signIn, type Frame, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const QUEUE = 'livechat-inquiry-queue-observer'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna', name: 'Anna' })
  bob = await desk.agent({ username: 'bob', name: 'Bob' })
  manager = await desk.staff({ roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())
beforeEach(() => configure(desk, { Livechat_Routing_Method: 'Manual_Selection' }))

/** A socket that listens to what a console does. */
async function openConsole(staff: StaffMember, ...more: [string, string][]): Promise<Socket> {
  const socket = await signIn(desk, staff)
  for (const event of ['subscriptions-changed', 'rooms-changed', 'notification', 'userData', 'departmentAgentData'])
    await hears(socket, 'notify-user', `${staff.id}/${event}`)
  for (const [stream, key] of [[QUEUE, 'public'], ...more] as const) await hears(socket, stream, key)
  // Who came back right after leaving is there a moment later otherwise.
  await desk.server.streams.settled()
  return socket
}

async function hears(socket: Socket, stream: string, key: string): Promise<void> {
  expect(await socket.sub(`stream-${stream}`, [key, { args: [] }]), `${stream} ${key}`).toMatchObject({ msg: 'ready' })
}

async function inquiryOf(chat: Chat): Promise<string> {
  const { inquiry } = await manager.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
  return inquiry?._id ?? ''
}

async function take(staff: StaffMember, chat: Chat): Promise<void> {
  await staff.call('POST /livechat/inquiries.take', { body: { inquiryId: await inquiryOf(chat) } })
}

/** What a console was told from here on, of a room: each frame as one word or two. */
function record(socket: Socket, chat: Chat): () => Promise<string[]> {
  const from = socket.frames.length
  return async () => {
    await socket.settled()
    return socket.frames.slice(from).flatMap((frame) => wordsOf(frame, chat.rid))
  }
}

function wordsOf({ msg, collection, fields }: Frame, rid: string): string[] {
  if (msg !== 'changed') return []
  const { eventName, args } = fields as { eventName: string; args: Document[] }
  const document = documentOf(eventName, args)
  if (document['rid'] !== rid && document['_id'] !== rid) return []
  if (collection === 'stream-room-messages') return [`message ${document['t'] ?? 'said'}`]
  if (collection === 'stream-room-data') return ['room-data']
  if (collection === `stream-${QUEUE}`) return [`queue ${document['type'] ?? ''} ${document['status'] ?? ''}`.trim()]
  return [[eventName.split('/').at(-1), ...args.filter((each) => typeof each === 'string')].join(' ')]
}

type Document = Partial<Record<string, string>>

/** What an event is about. */
function documentOf(eventName: string, args: readonly Document[]): Document {
  const [first = {}, second] = args
  if (eventName.endsWith('/notification')) return first['payload'] as never
  if (eventName.endsWith('/deleteMessage')) return { rid: eventName.split('/')[0] ?? '' }
  return typeof first === 'string' && second !== undefined ? second : first
}

/** The last that was told of a list of the console, or of one room in it. */
function latest(socket: Socket, staff: StaffMember, event: string, rid?: string): Record<string, unknown> {
  const told = socket.told('notify-user', `${staff.id}/${event}`).map(([, document]) => document as { rid: string })
  return told.filter((document) => rid === undefined || document.rid === rid).at(-1) as never
}

async function wait(): Promise<Chat> {
  return openChat(desk, { name: 'Vera' })
}

describe('an agent who takes a chat', () => {
  test('is told of the place and of the room, then of what is said there, then that it waits no more', async () => {
    const chat = await wait()
    const socket = await openConsole(anna, ['room-messages', '__my_messages__'])
    const told = record(socket, chat)
    await take(anna, chat)
    expect(await told()).toEqual([
      'subscriptions-changed inserted',
      'rooms-changed inserted',
      'message command',
      'message uj',
      'queue changed taken',
    ])
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ rid: chat.rid, fname: 'Vera', unread: 1 })
    expect(latest(socket, anna, 'rooms-changed')).toMatchObject({ _id: chat.rid, servedBy: { username: 'anna' } })
    await closeBy(anna, chat.rid)
    await socket.close()
  })

  test('who looked into it before hears the room go on under the same key', async () => {
    const chat = await wait()
    const socket = await openConsole(anna, ['room-messages', chat.rid], ['room-data', chat.rid])
    const looker = await openConsole(bob, ['room-messages', chat.rid])
    const [told, toldBob] = [record(socket, chat), record(looker, chat)]
    await take(anna, chat)
    // What comes together is told once.
    await socket.settled()
    await say(desk, chat, 'a secret')
    expect(await told()).toEqual([
      'subscriptions-changed inserted',
      'rooms-changed inserted',
      'message command',
      'message uj',
      'room-data',
      'queue changed taken',
      'message said',
      'subscriptions-changed updated',
      'rooms-changed updated',
      'room-data',
      'notification',
    ])
    // The chat is somebody else's now.
    expect(await toldBob()).not.toContain('message said')
    await closeBy(anna, chat.rid)
    await Promise.all([socket.close(), looker.close()])
  })
})

describe('an agent who serves a chat', () => {
  let chat: Chat
  let socket: Socket
  beforeEach(async () => {
    chat = await wait()
    await take(anna, chat)
    socket = await openConsole(anna, ['room-messages', chat.rid])
    return async () => {
      await closeByVisitor(desk, chat).catch(() => {})
      await socket.close()
    }
  })

  test('is told what the visitor says, with what is unread, and notified', async () => {
    const told = record(socket, chat)
    const { _id } = await say(desk, chat, 'Hello')
    expect(await told()).toEqual([
      'message said',
      'subscriptions-changed updated',
      'rooms-changed updated',
      'notification',
    ])
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ unread: 2, alert: true })
    expect(latest(socket, anna, 'rooms-changed')).toMatchObject({
      lastMessage: { msg: 'Hello' },
      waitingResponse: true,
    })
    expect(socket.told('notify-user', `${anna.id}/notification`)).toEqual([
      [
        {
          title: '[Omnichannel] Vera',
          text: 'Hello',
          payload: {
            _id,
            rid: chat.rid,
            type: 'l',
            name: 'Vera',
            sender: expect.objectContaining({ _id: chat.id }),
            message: { msg: 'Hello' },
          },
        },
      ],
    ])
  })

  test('has read the room with an answer, and is not notified of it', async () => {
    await say(desk, chat, 'Hello')
    await answer(anna, chat.rid, 'Good morning')
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ unread: 0, alert: false })
    expect(socket.told('notify-user', `${anna.id}/notification`)).toHaveLength(1)
  })

  test('learns on every device that the room was read on one', async () => {
    await say(desk, chat, 'Hello')
    await socket.settled()
    const told = record(socket, chat)
    await anna.call('POST /subscriptions.read', { body: { rid: chat.rid } })
    expect(await told()).toEqual(['subscriptions-changed updated'])
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ unread: 0 })
    await anna.call('POST /subscriptions.unread', { body: { roomId: chat.rid } })
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ unread: 1 })
  })

  test('is told of edits and deletions of the last message with the room, and of others by themselves', async () => {
    const first = await say(desk, chat, 'Helo')
    const last = await say(desk, chat, 'Is anybody there?')
    await socket.settled()
    let told = record(socket, chat)
    const place = { token: chat.token, rid: chat.rid }
    await desk.anyone.call('PUT /livechat/message/:_id', {
      params: { _id: first._id },
      body: { ...place, msg: 'Hello' },
    })
    expect(await told()).toEqual(['message said'])
    told = record(socket, chat)
    await desk.anyone.call('PUT /livechat/message/:_id', {
      params: { _id: last._id },
      body: { ...place, msg: 'Hello?' },
    })
    expect(await told()).toEqual(['message said', 'rooms-changed updated'])
    told = record(socket, chat)
    await hears(socket, 'notify-room', `${chat.rid}/deleteMessage`)
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id: last._id }, body: place })
    expect(await told()).toEqual(['deleteMessage', 'subscriptions-changed updated', 'rooms-changed updated'])
    expect(latest(socket, anna, 'rooms-changed')).toMatchObject({ lastMessage: { msg: 'Hello' } })
  })

  test('sees it go on hold and come back', async () => {
    await say(desk, chat, 'Hello')
    await answer(anna, chat.rid, 'One moment')
    await socket.settled()
    await anna.call('POST /livechat/room.onHold', { body: { roomId: chat.rid } })
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ onHold: true })
    expect(latest(socket, anna, 'rooms-changed')).toMatchObject({ onHold: true })
    await anna.call('POST /livechat/room.resumeOnHold', { body: { roomId: chat.rid } })
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).not.toHaveProperty('onHold')
  })

  test('sees the visitor’s new name and that the visitor has gone', async () => {
    await anna.call('POST /livechat/room.saveInfo', {
      body: { guestData: { _id: chat.id, name: 'Vera Novak' }, roomData: { _id: chat.rid } },
    })
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ fname: 'Vera Novak' })
    await desk.anyone.call('POST /livechat/visitor.status', { body: { token: chat.token, status: 'away' } })
    await socket.settled()
    expect(latest(socket, anna, 'rooms-changed')).toMatchObject({ v: { status: 'away' }, fname: 'Vera Novak' })
  })

  test('who hands it to another is told that it is gone, the other that it came', async () => {
    const other = await openConsole(bob, ['room-messages', '__my_messages__'])
    const [told, toldOther] = [record(socket, chat), record(other, chat)]
    await manager.call('POST /livechat/room.forward', { body: { roomId: chat.rid, userId: bob.id } })
    expect(await told()).toEqual([
      'message command',
      'message uj',
      'message livechat_transfer_history',
      'message ul',
      'subscriptions-changed removed',
      'queue changed taken',
    ])
    expect(await toldOther()).toEqual([
      'subscriptions-changed inserted',
      'rooms-changed inserted',
      'message command',
      'message uj',
      'message livechat_transfer_history',
      'message ul',
      'queue changed taken',
    ])
    expect(latest(socket, anna, 'subscriptions-changed')).toEqual({
      _id: expect.any(String),
      rid: chat.rid,
      t: 'l',
      u: { _id: anna.id, username: 'anna' },
    })
    const toldAfter = record(socket, chat)
    await say(desk, chat, 'a secret')
    expect(await toldAfter()).toEqual([])
    await other.close()
  })

  test('who puts it back is told that it is gone and that it waits', async () => {
    const told = record(socket, chat)
    await anna.call('POST /livechat/inquiries.returnAsInquiry', { body: { roomId: chat.rid } })
    expect((await told()).slice(-2)).toEqual(['subscriptions-changed removed', 'queue changed queued'])
  })

  test('is told that it is over, and those who may read it anyway how it ended', async () => {
    const overseer = await openConsole(manager, ['room-data', chat.rid])
    const [told, toldOverseer] = [record(socket, chat), record(overseer, chat)]
    await closeBy(anna, chat.rid)
    expect(await told()).toEqual(['message livechat-close', 'subscriptions-changed removed', 'queue removed'])
    expect(await toldOverseer()).toEqual(['room-data', 'queue removed'])
    expect(overseer.told('room-data', chat.rid).at(-1)?.[0]).toMatchObject({ closer: 'user' })
    await overseer.close()
  })

  test('is told that it is gone where the visitor is removed with it', async () => {
    await withSettings(desk, { Livechat_Allow_collect_and_store_HTTP_header_informations: true }, async () => {
      const told = record(socket, chat)
      await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: chat.token } })
      expect(await told()).toEqual(['subscriptions-changed removed', 'queue removed'])
    })
  })

  test('learns of a burst what is so in the end', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, index) => say(desk, chat, String(index))))
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ unread: 31 })
    const told = socket.told('room-messages', chat.rid).filter(([{ t }]) => t === undefined)
    expect(told).toHaveLength(30)
  })

  test('who is in it as well without serving it is told the same', async () => {
    const second = await desk.staff({ roles: ['user', 'livechat-manager'] })
    const other = await openConsole(second)
    const told = record(other, chat)
    await second.call('GET /livechat/room.join', { query: { roomId: chat.rid } })
    expect(await told()).toEqual(['subscriptions-changed inserted', 'rooms-changed inserted'])
    await say(desk, chat, 'Hello')
    await other.settled()
    expect(latest(other, second, 'subscriptions-changed')).toMatchObject({ unread: 2 })
    await other.close()
  })

  test('hears nothing of it that others alone are told', async () => {
    const stranger = await openConsole(bob)
    await say(desk, chat, 'a secret')
    await stranger.settled()
    expect(JSON.stringify(stranger.frames)).not.toContain('a secret')
    for (const event of ['subscriptions-changed', 'notification', 'userData'])
      expect(await stranger.sub('stream-notify-user', [`${anna.id}/${event}`, {}])).toMatchObject({ msg: 'nosub' })
    await stranger.close()
  })

  test('is told after all what no event told of', async () => {
    const { bus } = desk.server
    const publish = bus.publish.bind(bus)
    bus.publish = () => {}
    let other: Chat
    try {
      await say(desk, chat, 'lost on the bus')
      other = await wait()
      await take(anna, other)
    } finally {
      bus.publish = publish
    }
    const told = record(socket, other)
    await desk.server.streams.sweep()
    await socket.settled()
    expect(await told()).toEqual(['subscriptions-changed inserted', 'rooms-changed inserted'])
    expect(latest(socket, anna, 'subscriptions-changed', chat.rid)).toMatchObject({ unread: 2 })
    expect(JSON.stringify(socket.told('notify-user', `${anna.id}/rooms-changed`))).toContain('lost on the bus')
    bus.publish = () => {}
    try {
      await closeBy(anna, other.rid)
    } finally {
      bus.publish = publish
    }
    await desk.server.streams.sweep()
    await socket.settled()
    expect(latest(socket, anna, 'subscriptions-changed')).toMatchObject({ rid: other.rid })
    expect(socket.told('notify-user', `${anna.id}/subscriptions-changed`).at(-1)?.[0]).toBe('removed')
  })

  test('is told nothing twice where nothing has changed', async () => {
    await say(desk, chat, 'Hello')
    await socket.settled()
    const told = record(socket, chat)
    await desk.server.streams.sweep()
    await desk.server.streams.sweep()
    expect(await told()).toEqual([])
  })

  test('never reads the token of a visitor', async () => {
    await say(desk, chat, 'Hello')
    const waiting = await wait()
    await say(desk, waiting, 'Hello?')
    await closeBy(anna, chat.rid)
    await socket.settled()
    expect(JSON.stringify(socket.frames)).toContain('Hello')
    expect(JSON.stringify(socket.frames)).not.toContain(chat.token)
    expect(JSON.stringify(socket.frames)).not.toContain(waiting.token)
    await closeByVisitor(desk, waiting)
  })
})

describe('a notification', () => {
  const notices = (socket: Socket, staff: StaffMember) =>
    socket.told('notify-user', `${staff.id}/notification`).map(([{ title, text }]) => [title, text])

  test('of a chat that begins to wait goes to those who might take it', async () => {
    const department = await makeDepartment(desk, { agents: [bob], showOnRegistration: 0 })
    const [annas, bobs] = [await openConsole(anna), await openConsole(bob)]
    const everybodys = await wait()
    const bobsOwn = await openChat(desk, { name: 'Victor', department })
    await Promise.all([annas.settled(), bobs.settled()])
    const first = ['[Omnichannel] New chat in queue', 'Vera started a new conversation']
    expect(notices(annas, anna)).toEqual([first])
    expect(notices(bobs, bob)).toEqual([
      first,
      ['[Omnichannel] New chat in queue', 'Victor started a new conversation'],
    ])
    await closeByVisitor(desk, everybodys)
    await closeByVisitor(desk, bobsOwn)
    await Promise.all([annas.close(), bobs.close()])
  })

  test('of a message goes to everybody in the room but its writer and who is busy', async () => {
    const chat = await wait()
    const roles = ['user', 'livechat-manager']
    const [writer, reader, busy] = [await desk.agent(), await desk.staff({ roles }), await desk.staff({ roles })]
    await take(writer, chat)
    for (const staff of [reader, busy]) await staff.call('GET /livechat/room.join', { query: { roomId: chat.rid } })
    const sockets = [await openConsole(writer), await openConsole(reader), await openConsole(busy)]
    await desk.server.streams.settled()
    await busy.call('POST /users.setStatus', { body: { status: 'busy' } })
    await answer(writer, chat.rid, 'Good morning')
    await Promise.all(sockets.map((socket) => socket.settled()))
    const told = [writer, reader, busy].map((staff, index) => notices(sockets[index] as Socket, staff))
    expect(told).toEqual([[], [[expect.any(String), 'Good morning']], []])
    await closeByVisitor(desk, chat)
    await Promise.all(sockets.map((socket) => socket.close()))
  })

  test('does not go to somebody who is busy, takes no chats, or wants none', async () => {
    const [busy, away, deaf] = [await desk.agent(), await desk.agent(), await desk.agent()]
    const sockets = [await openConsole(busy), await openConsole(away), await openConsole(deaf)]
    await desk.server.streams.settled()
    await busy.call('POST /users.setStatus', { body: { status: 'busy' } })
    await away.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    const preferences = JSON.stringify({ desktopNotifications: 'nothing' })
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('user').set({ preferences }).where('id', '=', deaf.id)),
    )
    const chat = await wait()
    for (const [index, staff] of [busy, away, deaf].entries()) {
      await sockets[index]?.settled()
      expect(notices(sockets[index] as Socket, staff)).toEqual([])
      await staff.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
      await sockets[index]?.close()
    }
    await closeByVisitor(desk, chat)
  })
})

describe('the queue', () => {
  const queued = (socket: Socket, key = 'public') =>
    socket.told(QUEUE, key).map(([{ type, clientAction, status }]) => [type ?? clientAction, status].join(' '))

  test('shows a chat as it comes, as it changes, and that it is gone', async () => {
    const chat = await wait()
    const id = await inquiryOf(chat)
    const socket = await openConsole(anna, [QUEUE, id])
    await say(desk, chat, 'Hello')
    await socket.settled()
    expect(queued(socket)).toEqual(['changed queued'])
    expect(socket.told(QUEUE, 'public')[0]?.[0]).toMatchObject({
      rid: chat.rid,
      name: 'Vera',
      lastMessage: { msg: 'Hello' },
    })
    const other = await wait()
    await socket.settled()
    expect(queued(socket)).toEqual(['changed queued', 'added queued', 'changed queued'])
    await closeByVisitor(desk, other)
    await closeByVisitor(desk, chat)
    await socket.settled()
    expect(queued(socket).slice(3)).toEqual(['removed ', 'removed '])
    expect(queued(socket, id)).toEqual(['updated queued', 'removed '])
    await socket.close()
  })

  test('shows agents what they might be given, and managers everything', async () => {
    const [annas, bobs] = [
      await makeDepartment(desk, { agents: [anna], showOnRegistration: 0 }),
      await makeDepartment(desk, { agents: [bob], showOnRegistration: 0 }),
    ]
    const socket = await openConsole(anna, [QUEUE, `department/${annas}`])
    const overseer = await openConsole(manager, [QUEUE, `department/${bobs}`])
    const refused = await socket.sub(`stream-${QUEUE}`, [`department/${bobs}`, {}])
    expect(refused).toMatchObject({ msg: 'nosub', error: { error: 'not-allowed' } })
    const chat = await openChat(desk, { name: 'Victor', department: bobs })
    expect(await socket.sub(`stream-${QUEUE}`, [await inquiryOf(chat), {}])).toMatchObject({ msg: 'nosub' })
    await Promise.all([socket.settled(), overseer.settled()])
    expect(queued(socket)).toEqual([])
    expect(queued(overseer)).toEqual(['changed queued'])
    expect(queued(overseer, `department/${bobs}`)).toEqual(['added queued', 'changed queued'])

    // It comes over to another department: from the lists of the one onto those of the other.
    const bobsConsole = await openConsole(bob, [QUEUE, `department/${bobs}`])
    await manager.call('POST /livechat/room.forward', { body: { roomId: chat.rid, departmentId: annas } })
    await Promise.all([socket.settled(), bobsConsole.settled()])
    expect(queued(socket)).toContain('changed queued')
    expect(queued(socket, `department/${annas}`)).toContain('changed queued')
    expect(queued(bobsConsole, `department/${bobs}`)).toEqual(['removed '])
    await closeByVisitor(desk, chat)
    await Promise.all([socket.close(), overseer.close(), bobsConsole.close()])
  })

  test('shows an agent no more of a department than the agent works in', async () => {
    const id = await makeDepartment(desk, { agents: [anna], showOnRegistration: 0 })
    const socket = await openConsole(anna, [QUEUE, `department/${id}`])
    await manager.call('POST /livechat/department/:_id/agents', {
      params: { _id: id },
      body: { upsert: [{ agentId: bob.id, username: 'bob' }], remove: [{ agentId: anna.id, username: 'anna' }] },
    })
    await socket.settled()
    const chat = await openChat(desk, { name: 'a secret', department: id })
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    await closeByVisitor(desk, chat)
    await socket.close()
  })

  test('shows a manager who becomes an agent no more than an agent sees', async () => {
    const person = await desk.staff({ roles: ['user', 'livechat-agent', 'livechat-manager'] })
    const id = await makeDepartment(desk, { agents: [bob], showOnRegistration: 0 })
    const socket = await openConsole(person)
    const admin = await desk.administrator()
    await admin.call('POST /users.update', { body: { userId: person.id, data: { roles: ['user', 'livechat-agent'] } } })
    await desk.server.streams.settled()
    const chat = await openChat(desk, { name: 'a secret', department: id })
    const open = await wait()
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    expect(queued(socket)).toContain('added queued')
    await closeByVisitor(desk, chat)
    await closeByVisitor(desk, open)
    await socket.close()
  })

  test('shows after all what no event told of', async () => {
    const gone = await wait()
    const socket = await openConsole(manager)
    const { bus } = desk.server
    const publish = bus.publish.bind(bus)
    bus.publish = () => {}
    let chat: Chat
    try {
      chat = await wait()
      await closeByVisitor(desk, gone)
    } finally {
      bus.publish = publish
    }
    await desk.server.streams.sweep()
    await socket.settled()
    expect(queued(socket)).toEqual(['added queued', 'changed queued', 'removed '])
    await desk.server.streams.sweep()
    await socket.settled()
    expect(queued(socket)).toHaveLength(3)
    await closeByVisitor(desk, chat)
    await socket.close()
  })
})

describe('people', () => {
  test('see what is different in their own accounts, and nobody else does', async () => {
    const person = await desk.agent()
    const socket = await openConsole(person)
    await socket.settled()
    const from = socket.told('notify-user', `${person.id}/userData`).length
    await person.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await person.call('POST /users.setStatus', { body: { status: 'busy', message: 'In a meeting' } })
    await (
      await desk.administrator()
    ).call('POST /users.update', {
      body: { userId: person.id, data: { roles: ['user', 'livechat-agent', 'livechat-manager'] } },
    })
    await socket.settled()
    const told = socket.told('notify-user', `${person.id}/userData`).slice(from)
    expect(told.every(([{ type, id }]) => type === 'updated' && id === person.id)).toBe(true)
    expect(Object.assign({}, ...told.map(([{ diff }]) => diff as object))).toMatchObject({
      statusLivechat: 'not-available',
      status: 'busy',
      statusText: 'In a meeting',
      roles: ['livechat-agent', 'livechat-manager', 'user'],
    })
    await socket.close()
  })

  test('see into which departments they come, and from which they go', async () => {
    const person = await desk.agent()
    const socket = await openConsole(person)
    const id = await makeDepartment(desk)
    const place = { agentId: person.id, username: person.username }
    const change = (body: object) =>
      manager.call('POST /livechat/department/:_id/agents', { params: { _id: id }, body: body })
    await change({ upsert: [place], remove: [] })
    await socket.settled()
    await change({ upsert: [{ ...place, order: 3 }], remove: [] })
    await socket.settled()
    await change({ upsert: [], remove: [place] })
    await socket.settled()
    const told = socket.told('notify-user', `${person.id}/departmentAgentData`).map(([event]) => event)
    const _id = told[0]?._id as string
    expect(told).toEqual(
      ['inserted', 'updated', 'removed'].map((action) => ({ action, _id, agentId: person.id, departmentId: id })),
    )
    await socket.close()
  })

  test('are told what became of those whom they name, and of nobody else', async () => {
    const [one, other, third] = [await desk.agent(), await desk.agent(), await desk.agent()]
    const socket = await signIn(desk, anna)
    const watch = (id: string, change: object) =>
      socket.sub('stream-user-presence', ['', { added: [], removed: [], ...change }], id)
    expect(await watch('w1', { added: [one.id, other.id] })).toMatchObject({ msg: 'ready' })
    const again = await watch('w2', { added: [third.id], removed: [other.id] })
    expect(again).toEqual({ msg: 'nosub', id: 'w2' })
    for (const person of [one, other, third])
      await person.call('POST /users.setStatus', { body: { status: 'busy', message: 'In a meeting' } })
    await socket.settled()
    const told = socket.frames.filter(({ collection }) => collection === 'stream-user-presence')
    expect(told).toEqual(
      [one, third].map(({ id, username }) => ({
        msg: 'changed',
        collection: 'stream-user-presence',
        id,
        fields: { uid: id, eventName: id, args: [[username, 3, 'In a meeting']] },
      })),
    )
    socket.say({ msg: 'unsub', id: 'w1' })
    await one.call('POST /users.setStatus', { body: { status: 'away' } })
    await socket.settled()
    expect(socket.frames.filter(({ collection }) => collection === 'stream-user-presence')).toHaveLength(2)
    const visitor = await openSocket(desk)
    expect(await visitor.sub('stream-user-presence', ['', { added: [one.id] }])).toMatchObject({ msg: 'nosub' })
    for (const person of [one, other, third])
      await person.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await Promise.all([socket.close(), visitor.close()])
  })

  test('hear of roles, names and accounts that are gone', async () => {
    const admin = await desk.administrator()
    const person = await desk.staff({ name: 'Carl' })
    const socket = await signIn(desk, anna)
    for (const event of ['roles-change', 'Users:NameChanged', 'Users:Deleted'])
      await hears(socket, 'notify-logged', event)
    const update = (data: object) => admin.call('POST /users.update', { body: { userId: person.id, data } })
    await update({ roles: ['user', 'livechat-manager'] })
    await update({ roles: ['livechat-manager'] })
    await update({ name: 'Karl' })
    await update({ email: 'karl@example.org' })
    await socket.settled()
    await admin.call('POST /users.delete', { body: { userId: person.id } })
    await socket.settled()
    const u = { _id: person.id, username: person.username }
    expect(socket.told('notify-logged', 'roles-change')).toEqual([
      [{ type: 'added', _id: 'livechat-manager', u }],
      [{ type: 'removed', _id: 'user', u }],
    ])
    expect(socket.told('notify-logged', 'Users:NameChanged')).toEqual([[{ ...u, name: 'Karl' }]])
    expect(socket.told('notify-logged', 'Users:Deleted')).toEqual([[{ userId: person.id }]])
    await socket.close()
  })

  test('hear of settings that anybody may read, and of permissions; of all settings only those who may see them', async () => {
    const admin = await desk.administrator()
    const [socket, admins] = [await signIn(desk, anna), await signIn(desk, admin)]
    for (const each of [socket, admins]) await hears(each, 'notify-all', 'public-settings-changed')
    await hears(socket, 'notify-logged', 'permissions-changed')
    await hears(admins, 'notify-logged', 'private-settings-changed')
    const refused = await socket.sub('stream-notify-logged', ['private-settings-changed', {}])
    expect(refused).toMatchObject({ msg: 'nosub', error: { error: 'not-allowed' } })

    const permissions = [
      { _id: 'view-l-room', roles: ['livechat-agent', 'livechat-manager', 'livechat-monitor', 'admin'] },
    ]
    await admin.call('POST /permissions.update', { body: { permissions } })
    const settings = [
      { _id: 'Livechat_title', value: 'Ask us' },
      { _id: 'From_Email', value: 'desk@example.org' },
    ]
    await admin.call('POST /settings', { body: { settings } })
    await Promise.all([socket.settled(), admins.settled()])
    expect(socket.told('notify-logged', 'permissions-changed')).toEqual([['updated', permissions[0]]])
    expect(socket.told('notify-all', 'public-settings-changed')).toEqual([['updated', settings[0]]])
    const told = admins.told('notify-logged', 'private-settings-changed').map(([, { _id, value }]) => ({ _id, value }))
    expect(told).toEqual(expect.arrayContaining(settings))
    const visitor = await openSocket(desk)
    expect(await visitor.sub('stream-notify-all', ['public-settings-changed', {}])).toMatchObject({ msg: 'nosub' })
    await Promise.all([socket.close(), admins.close(), visitor.close()])
  })
})

describe('a visitor', () => {
  test('learns that a message was read, where the administrator wants it', async () => {
    const chat = await wait()
    await take(anna, chat)
    const socket = await openSocket(desk)
    const key = `${chat.rid}/messagesRead`
    expect(await socket.sub('stream-notify-room', [key, asVisitor(chat)])).toMatchObject({ msg: 'ready' })
    const read = () => anna.call('POST /subscriptions.read', { body: { rid: chat.rid } })
    await say(desk, chat, 'Hello')
    await read()
    await socket.settled()
    expect(socket.told('notify-room', key)).toEqual([])
    await withSettings(desk, { Message_Read_Receipt_Enabled: true }, async () => {
      const { ts } = await say(desk, chat, 'Hello?')
      await read()
      await socket.settled()
      expect(socket.told('notify-room', key)).toEqual([[{ until: { $date: Date.parse(ts) } }]])
      await anna.call('POST /subscriptions.unread', { body: { roomId: chat.rid } })
      await socket.settled()
      expect(socket.told('notify-room', key)).toHaveLength(1)
    })
    await closeByVisitor(desk, chat)
    await socket.close()
  })
})
