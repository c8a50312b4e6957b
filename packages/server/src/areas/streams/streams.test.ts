import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, closeByVisitor, openChat, say, withSettings, type Chat } from '../../../testing/conversation.ts'
import { asVisitor, listen as listenOn, openSocket, signIn as signInOn, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let agent: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  agent = await desk.agent({ username: 'anna', name: 'Anna' })
})
afterAll(() => desk.stop())

const listen = (chat: Chat): Promise<Socket> => listenOn(desk, chat)
const signIn = (staff: StaffMember): Promise<Socket> => signInOn(desk, staff)

describe('a visitor’s socket', () => {
  test('hears what both sides say, in order, with EJSON dates', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    const mine = await say(desk, chat, 'Hello')
    const theirs = await answer(agent, chat.rid, 'Good morning')
    await socket.settled()
    const told = socket.told('room-messages', chat.rid).map(([message]) => message)
    expect(told.map(({ msg }) => msg)).toEqual(['Hello', 'Good morning'])
    expect(told[0]).toMatchObject({ _id: mine._id, token: chat.token, ts: { $date: Date.parse(mine.ts) } })
    expect(told[1]).toMatchObject({ u: { username: 'anna' }, _updatedAt: { $date: Date.parse(theirs._updatedAt) } })
    expect(told[1]).not.toHaveProperty('token')
    await socket.close()
  })

  test('hears edits under the same id, and deletions as an event of their own', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    const { _id } = await say(desk, chat, 'Helo')
    const place = { token: chat.token, rid: chat.rid }
    await desk.anyone.call('PUT /livechat/message/:_id', { params: { _id }, body: { ...place, msg: 'Hello' } })
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id }, body: place })
    await socket.settled()
    const last = socket.told('room-messages', chat.rid).at(-1)?.[0]
    expect(last).toMatchObject({ _id })
    expect(socket.told('notify-room', `${chat.rid}/deleteMessage`)).toEqual([[{ _id, seq: expect.any(Number) }]])
    await socket.close()
  })

  test('hears the closing line, and nothing of the room afterwards', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    await closeByVisitor(desk, chat)
    await socket.settled()
    expect(socket.told('room-messages', chat.rid).map(([{ t }]) => t)).toContain('livechat-close')
    const again = await socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)])
    expect(again).toMatchObject({
      msg: 'nosub',
      error: { error: 'not-allowed', errorType: 'Meteor.Error', isClientSafe: true },
    })
    await socket.close()
  })

  test('may listen to no room of somebody else (A30)', async () => {
    const mine = await openChat(desk)
    const theirs = await openChat(desk)
    const socket = await openSocket(desk)
    for (const [name, key] of [
      ['stream-room-messages', theirs.rid],
      ['stream-livechat-room', theirs.rid],
      ['stream-notify-room', `${theirs.rid}/typing`],
      ['stream-notify-room', `${theirs.rid}/anything`],
      ['stream-room-data', mine.rid],
      ['stream-livechat-inquiry-queue-observer', 'public'],
      ['stream-notify-user', `${agent.id}/message`],
      ['stream-notify-logged', 'user-status'],
    ] as const)
      expect(await socket.sub(name, [key, asVisitor(mine)])).toMatchObject({
        msg: 'nosub',
        error: { error: 'not-allowed' },
      })
    await say(desk, theirs, 'a secret')
    await socket.settled()
    expect(JSON.stringify(socket.frames)).not.toContain('a secret')
    await socket.close()
  })

  test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__', '__defineGetter__', 'nothing', ''])(
    'finds no stream called %j',
    async (name) => {
      const socket = await openSocket(desk)
      for (const key of ['x', 'constructor'])
        expect(await socket.sub(`stream-${name}`, [key, { args: [] }])).toMatchObject({
          msg: 'nosub',
          error: { error: 404 },
        })
      await socket.close()
    },
  )

  test('`token` alone does not open the messages of a room', async () => {
    const chat = await openChat(desk)
    const socket = await openSocket(desk)
    const answer = await socket.sub('stream-room-messages', [chat.rid, { args: [{ token: chat.token }] }])
    expect(answer.msg).toBe('nosub')
    await socket.close()
  })

  test('learns who serves when the chat is taken', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const chat = await openChat(desk)
      const socket = await listen(chat)
      // It waits, and is told so.
      await socket.settled()
      const { inquiry } = await agent.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
      await agent.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry?._id } })
      await socket.settled()
      expect(socket.told('livechat-room', chat.rid).slice(1)).toEqual([
        [{ type: 'agentData', data: expect.objectContaining({ _id: agent.id, username: 'anna', name: 'Anna' }) }],
      ])
      const frames = socket.frames.filter(({ msg }) => msg === 'changed').map(({ collection }) => collection)
      expect(frames.slice(1)).toEqual(['stream-room-messages', 'stream-room-messages', 'stream-livechat-room'])
      await socket.close()
    })
  })

  test('learns whether its agent is there', async () => {
    const other = await desk.agent()
    const chat = await openChat(desk)
    const serving = chat.room.servedBy?.username === other.username ? other : agent
    const socket = await listen(chat)
    await serving.call('POST /users.setStatus', { body: { status: 'away' } })
    await desk.server.streams.settled()
    const told = await socket.heard(({ collection }) => collection === 'stream-livechat-room')
    expect(told['fields']).toEqual({ eventName: chat.rid, args: [{ type: 'agentStatus', status: 'away' }] })
    await serving.call('POST /users.setStatus', { body: { status: 'online' } })
    await socket.close()
  })
})

describe('typing', () => {
  test('is told to the other side in old words and in new ones, without the token and without an echo', async () => {
    const chat = await openChat(desk)
    const visitor = await listen(chat)
    const console = await signIn(await desk.staff({ roles: ['user', 'livechat-manager'] }))
    await console.sub('stream-notify-room', [`${chat.rid}/user-activity`, { args: [] }])
    await console.sub('stream-notify-room', [`${chat.rid}/typing`, false])
    await visitor.call('stream-notify-room', `${chat.rid}/typing`, 'guest', true, { token: chat.token })
    await visitor.call('stream-notify-room', `${chat.rid}/user-activity`, 'guest', [], { token: chat.token })
    await console.settled()
    expect(console.told('notify-room', `${chat.rid}/user-activity`)).toEqual([
      ['guest', ['user-typing']],
      ['guest', [], {}],
    ])
    expect(console.told('notify-room', `${chat.rid}/typing`)).toEqual([
      ['guest', true],
      ['guest', false],
    ])
    await visitor.settled()
    expect(visitor.told('notify-room', `${chat.rid}/user-activity`)).toEqual([])
    expect(JSON.stringify(console.frames)).not.toContain(chat.token)
    await Promise.all([visitor.close(), console.close()])
  })

  test('of the staff is told by the name that consoles show, and by no other', async () => {
    const chat = await openChat(desk)
    const visitor = await listen(chat)
    const person = await desk.staff({ roles: ['user', 'livechat-manager'], name: 'Erika Muster' })
    const console = await signIn(person)
    const key = `${chat.rid}/user-activity`
    const names = [person.username, 'Erika Muster', 'anna']
    const type = () => Promise.all(names.map((name) => console.call('stream-notify-room', key, name, ['user-typing'])))
    await type()
    await withSettings(desk, { UI_Use_Real_Name: true }, async () => {
      await type()
    })
    await visitor.settled()
    expect(visitor.told('notify-room', key).map(([name]) => name as string)).toEqual([person.username, 'Erika Muster'])
    await Promise.all([visitor.close(), console.close()])
  })

  test('of strangers is told to nobody', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    const stranger = await openSocket(desk)
    const key = `${chat.rid}/user-activity`
    const written = await stranger.call('stream-notify-room', key, 'anna', ['user-typing'], { token: 'a guess' })
    await stranger.call('stream-notify-room', key, 'anna', ['user-typing'])
    expect(written).not.toHaveProperty('error')
    await socket.settled()
    expect(socket.told('notify-room', key)).toEqual([])
    await Promise.all([socket.close(), stranger.close()])
  })
})

describe('an agent’s socket', () => {
  test('signs in as the REST API does, with the account and the end of the session', async () => {
    const socket = await openSocket(desk)
    const { result } = await socket.call('login', { user: { username: 'anna' }, password: agent.password })
    expect(result).toMatchObject({ id: agent.id, type: 'password', tokenExpires: { $date: expect.any(Number) } })
    const order = socket.frames.map(({ msg }) => msg).filter((msg) => msg === 'added' || msg === 'result')
    expect(order).toEqual(['added', 'result'])
    const resumed = await socket.call('login', { resume: result.token })
    expect(resumed['result']).toMatchObject({ token: result.token, type: 'resume', tokenExpires: result.tokenExpires })
    const wrong = await socket.call('login', { user: { username: 'anna' }, password: 'no' })
    expect(wrong).toMatchObject({ error: { error: 403 } })
    await socket.close()
  })

  test('signs in by any name of the account, and with what a second factor adds', async () => {
    const { id, username, password } = await desk.staff()
    const email = `${username}@example.org`
    const socket = await openSocket(desk)
    for (const user of [{ username }, { email }, { id }])
      for (const login of [{ user, password }, { totp: { login: { user, password }, code: '123456' } }])
        expect((await socket.call('login', login))['result'], JSON.stringify(login)).toMatchObject({ id })
    for (const login of [
      { user: { id: 'none' }, password },
      { user: { id }, password: 'wrong' },
    ])
      expect(await socket.call('login', login)).toMatchObject({ error: { error: 403 } })
    for (const login of [{ totp: {} }, { totp: { login: { totp: {} } } }, { user: { id: { $ne: '' } }, password }])
      expect(await socket.call('login', login)).toMatchObject({ error: { error: 400 } })
    await socket.close()
  })

  test('hears every room it may read through one subscription, and says who wrote where', async () => {
    const bot = await desk.staff({ roles: ['user', 'livechat-manager'] })
    const socket = await signIn(bot)
    await socket.sub('stream-room-messages', ['__my_messages__', true])
    expect(socket.frames.at(-2)).toEqual({
      msg: 'added',
      collection: 'stream-room-messages',
      id: 'id',
      fields: { eventName: '__my_messages__' },
    })
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'Is anybody there?')
    await socket.heard(({ fields }) => (fields as { args?: { _id?: string }[] } | undefined)?.args?.[0]?._id === _id)
    const told = socket.told('room-messages', '__my_messages__')
    expect(told.at(-1)).toEqual([
      expect.objectContaining({ _id, msg: 'Is anybody there?' }),
      { roomParticipant: false, roomType: 'l' },
    ])
    expect(JSON.stringify(told)).not.toContain(chat.token)
    await socket.close()
  })

  test('hears them too where it subscribed before it signed in, as libraries do that reconnect', async () => {
    const bot = await desk.staff({ roles: ['user', 'livechat-manager'] })
    const chat = await openChat(desk)
    const socket = await openSocket(desk)
    expect(await socket.sub('stream-room-messages', ['__my_messages__', true])).toMatchObject({ msg: 'ready' })
    await say(desk, chat, 'Told to nobody')
    await socket.settled()
    await socket.call('login', { resume: bot.headers['x-auth-token'] })
    const { _id } = await say(desk, chat, 'Still there?')
    await socket.settled()
    expect(socket.told('room-messages', '__my_messages__').map(([message]) => message._id as string)).toEqual([_id])
    await socket.close()
  })

  test('answers a visitor', async () => {
    const chat = await openChat(desk)
    const socket = await signIn(await desk.staff({ roles: ['user', 'livechat-manager'] }))
    const sent = await socket.call('sendMessage', { rid: chat.rid, msg: 'from a socket' })
    expect(sent['result']).toMatchObject({ rid: chat.rid, msg: 'from a socket', ts: { $date: expect.any(Number) } })
    const refused = await socket.call('sendMessage', { rid: 'none', msg: 'x' })
    expect(refused).toMatchObject({ error: { errorType: 'Meteor.Error' } })
    await socket.close()
  })

  test('that signed out is nobody, and is let go', async () => {
    const leaver = await desk.staff()
    const socket = await signIn(leaver)
    const { error } = await socket.call('logout')
    expect(error).toBeUndefined()
    expect((await socket.ended).code).toBe(1002)
    expect((await leaver.raw('GET /me')).status).toBe(401)
  })

  test('loses a room that is handed on, after the lines that say so', async () => {
    const chat = await openChat(desk)
    const [one, other] = [await desk.agent(), await desk.agent()]
    const overseer = await desk.staff({ roles: ['user', 'livechat-manager'] })
    const hand = (to: StaffMember) =>
      overseer.call('POST /livechat/room.forward', { body: { roomId: chat.rid, userId: to.id } })
    await hand(one)
    const socket = await signIn(one)
    expect(await socket.sub('stream-room-messages', [chat.rid, { args: [] }])).toMatchObject({ msg: 'ready' })
    await hand(other)
    await socket.settled()
    expect(socket.told('room-messages', chat.rid).map(([{ t }]) => t)).toContain('ul')
    expect(desk.server.hub.isHeard('room-messages', chat.rid)).toBe(false)
    expect(await socket.sub('stream-room-messages', [chat.rid, { args: [] }])).toMatchObject({ msg: 'nosub' })
    for (const each of [one, other])
      await each.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await socket.close()
  })
})

describe('a room that somebody listens to', () => {
  test('tells every message once and in order, however many are sent at once', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    const texts = Array.from({ length: 60 }, (_, index) => `message ${String(index)}`)
    const sent = await Promise.all(texts.map((text) => say(desk, chat, text)))
    await socket.settled()
    const told = socket.told('room-messages', chat.rid).map(([{ _id }]) => _id as string)
    const inOrder = sent.toSorted((a, b) => (a.ts < b.ts ? -1 : 1)).map(({ _id }) => _id)
    expect(told).toEqual(inOrder)
    await socket.close()
  })

  test('tells what no event told of', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    const { bus } = desk.server
    const publish = bus.publish.bind(bus)
    bus.publish = () => {}
    try {
      await say(desk, chat, 'lost on the bus')
    } finally {
      bus.publish = publish
    }
    await desk.server.streams.sweep()
    await socket.settled()
    expect(socket.told('room-messages', chat.rid).map(([{ msg }]) => msg)).toEqual(['lost on the bus'])
    await socket.close()
  })

  test('tells a socket once that listens several times', async () => {
    const chat = await openChat(desk)
    const socket = await listen(chat)
    await socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)])
    await say(desk, chat, 'once')
    await socket.settled()
    expect(socket.told('room-messages', chat.rid)).toHaveLength(1)
    await socket.close()
  })
})
