// The frames of the clients that exist, as they say and read them (clients.md §4). W1 is the old widget, W7 the new one, DC
// the published DDP client, S0 the old bot SDK.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, closeByVisitor, openChat, roomSeenBy, say, type Chat } from '../../../testing/conversation.ts'
import { openSocket, signIn, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let admin: StaffMember
const sockets: Socket[] = []
beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna', name: 'Anna' })
  admin = await desk.administrator()
})
afterAll(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()))
  await desk.stop()
})

const modern = '{"msg":"connect","version":"1","support":["1","pre2","pre1"]}'
const old = '{"msg":"connect","version":"pre2","support":["pre2"]}'

async function connect(hello = modern): Promise<Socket> {
  const socket = await openSocket(desk, { silently: true })
  sockets.push(socket)
  socket.say(hello)
  await socket.heard(({ msg }) => msg === 'connected')
  return socket
}

/** What the server says to this, until it has answered all of it. */
async function saidTo(socket: Socket, ...frames: object[]): Promise<string[]> {
  const from = socket.texts.length
  for (const frame of frames) socket.say(frame)
  // Requests are answered in order, so an unknown method is answered last.
  const id = `end-${String(from)}`
  socket.say({ msg: 'method', id, method: 'nothing', params: [] })
  await socket.heard(({ msg, methods }) => msg === 'updated' && methods?.[0] === id)
  return socket.texts.slice(from).filter((text) => !text.includes(id))
}

const sub = (id: string, name: string, ...params: unknown[]) => ({ msg: 'sub', id, name, params })
const method = (id: string, name: string, ...params: unknown[]) => ({ msg: 'method', id, method: name, params })
const ready = (id: string) => `{"msg":"ready","subs":["${id}"]}`
const done = (id: string) => [`{"msg":"result","id":"${id}"}`, `{"msg":"updated","methods":["${id}"]}`]
const refused =
  '"error":{"isClientSafe":true,"error":"not-allowed","message":"[not-allowed]","errorType":"Meteor.Error"}}'

/** The subscriptions of a widget, with the word for typing that it reads. */
function widgetSubs(chat: Chat, typing: string, id: (index: number) => string): object[] {
  const options = { useCollection: false, args: [{ token: chat.token, visitorToken: chat.token }] }
  return [
    ['stream-room-messages', chat.rid],
    ['stream-notify-room', `${chat.rid}/${typing}`],
    ['stream-notify-room', `${chat.rid}/deleteMessage`],
    ['stream-livechat-room', chat.rid],
    ['stream-livechat-room', chat.rid],
    ['stream-livechat-room', chat.rid],
  ].map(([name = '', key], index) => sub(id(index), name, key, options))
}

describe('the handshake', () => {
  test.each([modern, old, '{"msg":"connect","version":"pre1","support":["pre1"]}'])('%s', async (hello) => {
    const socket = await connect(hello)
    expect(socket.texts[0]).toBe('{"server_id":"0"}')
    expect(socket.texts[1]).toMatch(/^\{"msg":"connected","session":"[^"]+"\}$/)
    expect(socket.texts).toHaveLength(2)
  })
})

describe('W1', () => {
  test('sets up its connection, and is answered without a result', async () => {
    const { token } = await openChat(desk)
    const socket = await connect()
    expect(await saidTo(socket, method('ddp-1', 'livechat:setUpConnection', { token }))).toEqual(done('ddp-1'))
  })

  test('subscribes six times, three of them to the same, and each is ready by itself', async () => {
    const socket = await connect()
    const id = (index: number) => `ddp-${String(index + 2)}`
    const said = await saidTo(socket, ...widgetSubs(await openChat(desk), 'typing', id))
    expect(said).toEqual([0, 1, 2, 3, 4, 5].map((index) => ready(id(index))))
  })

  test('reads a message with its time as an EJSON date', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    await saidTo(socket, ...widgetSubs(chat, 'typing', String))
    const sent = await answer(anna, chat.rid, 'hi')
    await socket.settled()
    const text = socket.texts.find((each) => each.includes('"stream-room-messages"'))
    const [head, message] = text?.split('"args":[') ?? []
    expect(head).toBe(
      `{"msg":"changed","collection":"stream-room-messages","id":"id","fields":{"eventName":"${chat.rid}",`,
    )
    expect(message).toContain(`"ts":{"$date":${String(Date.parse(sent.ts))}}`)
    expect(message).toContain(`"_updatedAt":{"$date":${String(Date.parse(sent._updatedAt))}}`)
    expect(message).toContain(`"u":{"_id":"${anna.id}","username":"anna","name":"Anna"}`)
  })

  test('types, and reads who types, in its own words', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    await saidTo(socket, ...widgetSubs(chat, 'typing', String))
    const typed = method('ddp-9', 'stream-notify-room', `${chat.rid}/typing`, 'guest', true, { token: chat.token })
    expect(await saidTo(socket, typed)).toEqual(done('ddp-9'))
    const console = await signIn(desk, await desk.staff({ username: 'bert', roles: ['user', 'livechat-manager'] }))
    sockets.push(console)
    await console.call('stream-notify-room', `${chat.rid}/user-activity`, 'bert', ['user-typing'], {})
    await console.call('stream-notify-room', `${chat.rid}/user-activity`, 'bert', [], {})
    await socket.settled()
    expect(socket.texts.filter((text) => text.includes('/typing'))).toEqual(
      [true, false].map((isTyping) =>
        JSON.stringify({
          msg: 'changed',
          collection: 'stream-notify-room',
          id: 'id',
          fields: { eventName: `${chat.rid}/typing`, args: ['bert', isTyping] },
        }),
      ),
    )
  })

  test('reads the closing line before it stops hearing the room, and may still unsubscribe', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    await saidTo(socket, ...widgetSubs(chat, 'typing', String))
    await closeByVisitor(desk, chat)
    await socket.settled()
    const last = socket.told('room-messages', chat.rid).at(-1)
    expect(last).toMatchObject([{ t: 'livechat-close', ts: { $date: expect.any(Number) } }])
    expect(socket.frames.filter(({ msg }) => msg === 'nosub')).toEqual([])
    expect(await saidTo(socket, { msg: 'unsub', id: '0' })).toEqual(['{"msg":"nosub","id":"0"}'])
  })
})

describe('W7', () => {
  test('subscribes as W1 does, and again with the same ids when it is connected', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    const id = (index: number) => `rc-ddp-client-${String(index + 1)}`
    const subs = widgetSubs(chat, 'user-activity', id)
    const all = [0, 1, 2, 3, 4, 5].map((index) => ready(id(index)))
    expect(await saidTo(socket, ...subs)).toEqual(all)
    expect(await saidTo(socket, ...subs)).toEqual([])
    const again = await connect()
    expect(await saidTo(again, ...subs)).toEqual(all)
    await say(desk, chat, 'heard once on each')
    await Promise.all([socket.settled(), again.settled()])
    for (const each of [socket, again]) expect(each.told('room-messages', chat.rid)).toHaveLength(1)
    expect(await saidTo(socket, ...subs.map((_each, index) => ({ msg: 'unsub', id: id(index) })))).toEqual(
      [0, 1, 2, 3, 4, 5].map((index) => `{"msg":"nosub","id":"${id(index)}"}`),
    )
  })

  test('types in the new words, which a console reads without the token, and its own socket not at all', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    await saidTo(socket, ...widgetSubs(chat, 'user-activity', String))
    const console = await signIn(desk, await desk.staff({ roles: ['user', 'livechat-manager'] }))
    sockets.push(console)
    await console.sub('stream-notify-room', [`${chat.rid}/user-activity`, { args: [] }])
    const write = (id: string, activities: string[]) =>
      method(id, 'stream-notify-room', `${chat.rid}/user-activity`, 'guest', activities, { token: chat.token })
    expect(await saidTo(socket, write('7', ['user-typing']), write('8', []))).toEqual([...done('7'), ...done('8')])
    await console.settled()
    expect(console.texts.filter((text) => text.includes('"changed"'))).toEqual(
      [['user-typing'], []].map((activities) =>
        JSON.stringify({
          msg: 'changed',
          collection: 'stream-notify-room',
          id: 'id',
          fields: { eventName: `${chat.rid}/user-activity`, args: ['guest', activities, {}] },
        }),
      ),
    )
  })

  test('declines a call into a void', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    expect(await saidTo(socket, method('1', 'stream-notify-room', `${chat.rid}/call`, 'decline'))).toEqual(done('1'))
  })
})

describe('DC', () => {
  test('signs in with a digest, and again with the token, whose end it reads both times', async () => {
    const socket = await connect()
    const digest = createHash('sha256').update(anna.password).digest('hex')
    const login = { user: { username: 'anna' }, password: { digest, algorithm: 'sha-256' } }
    const [added, result, updated, ...rest] = await saidTo(socket, method('1', 'login', login))
    expect(rest).toEqual([])
    expect(added).toBe(
      JSON.stringify({
        msg: 'added',
        collection: 'users',
        id: anna.id,
        fields: { username: 'anna', emails: [{ address: 'anna@example.org', verified: false }] },
      }),
    )
    const answered = JSON.parse(result ?? '') as { result: { token: string } }
    expect(answered).toEqual({
      msg: 'result',
      id: '1',
      result: {
        id: anna.id,
        token: expect.any(String),
        tokenExpires: { $date: expect.any(Number) },
        type: 'password',
      },
    })
    expect(updated).toBe('{"msg":"updated","methods":["1"]}')
    const { token } = answered.result
    const other = await connect()
    const [, resumed] = await saidTo(other, method('1', 'login', { resume: token }))
    expect(JSON.parse(resumed ?? '')).toEqual({ ...answered, result: { ...answered.result, type: 'resume' } })
  })

  test('is told that it may not listen to the queue without a token', async () => {
    const chat = await openChat(desk)
    const socket = await connect()
    const asked = sub('1', 'stream-livechat-room', chat.rid, { useCollection: false, args: [null] })
    expect(await saidTo(socket, asked)).toEqual([`{"msg":"nosub","id":"1",${refused}`])
  })

  test('pings', async () => {
    const socket = await connect()
    expect(await saidTo(socket, { msg: 'ping' })).toEqual(['{"msg":"pong"}'])
  })

  test.each([
    [{ resume: 'no such token' }, 403],
    [{ user: { username: 'anna' }, password: 'wrong' }, 403],
    [{ user: { username: 'nobody' }, password: 'wrong' }, 403],
  ])('reads why it was not signed in: %j', async (login, code) => {
    const socket = await connect()
    const said = (await saidTo(socket, method('1', 'login', login))).map((text) => JSON.parse(text) as object)
    expect(said).toEqual([
      {
        msg: 'result',
        id: '1',
        error: {
          isClientSafe: true,
          error: code,
          reason: 'User not found or incorrect password',
          message: 'User not found or incorrect password [403]',
          errorType: 'Meteor.Error',
        },
      },
      { msg: 'updated', methods: ['1'] },
    ])
  })
})

describe('S0', () => {
  /** A bot on its socket, as far as the subscription to everything that is said. */
  async function bot(): Promise<{ socket: Socket; user: StaffMember; said: string[] }> {
    const user = await desk.staff({ roles: ['user', 'livechat-manager', 'bot'] })
    const socket = await connect(old)
    const said = await saidTo(
      socket,
      sub('1', 'meteor.loginServiceConfiguration'),
      method('2', 'login', { user: { username: user.username }, password: user.password }),
      sub('3', 'stream-room-messages', '__my_messages__', true),
    )
    return { socket, user, said }
  }

  test('connects, signs in with a plain password and subscribes, each in the order that it waits for', async () => {
    const { said, user } = await bot()
    const [first, added, result, updated, ...rest] = said
    expect(first).toBe(ready('1'))
    expect(JSON.parse(added ?? '')).toMatchObject({ msg: 'added', collection: 'users', id: user.id })
    expect(JSON.parse(result ?? '')).toMatchObject({ msg: 'result', id: '2', result: { type: 'password' } })
    expect(updated).toBe('{"msg":"updated","methods":["2"]}')
    expect(rest).toEqual([
      '{"msg":"added","collection":"stream-room-messages","id":"id","fields":{"eventName":"__my_messages__"}}',
      ready('3'),
    ])
  })

  test('hears what is said anywhere, and answers', async () => {
    const { socket } = await bot()
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'Is anybody there?')
    const heard = await socket.heard(({ msg, fields }) => msg === 'changed' && JSON.stringify(fields).includes(_id))
    expect(heard).toEqual({
      msg: 'changed',
      collection: 'stream-room-messages',
      id: 'id',
      fields: {
        eventName: '__my_messages__',
        args: [
          expect.objectContaining({ _id, rid: chat.rid, ts: { $date: expect.any(Number) } }),
          { roomParticipant: false, roomType: 'l' },
        ],
      },
    })
    // What is said comes between the answers, whenever it is told.
    const answerTo = async (id: string, name: string, param: unknown) =>
      (await saidTo(socket, method(id, name, param))).find((text) => text.startsWith('{"msg":"result"'))
    const sent = await answerTo('4', 'sendMessage', { rid: chat.rid, msg: 'I am', bot: { i: 'bot' } })
    expect(JSON.parse(sent ?? '')).toMatchObject({ id: '4', result: { rid: chat.rid, msg: 'I am' } })
    const found = await answerTo('5', 'getRoomIdByNameOrId', chat.rid)
    expect(found).toBe(`{"msg":"result","id":"5","result":"${chat.rid}"}`)
    const named = await answerTo('6', 'getRoomNameById', chat.rid)
    const { fname } = await roomSeenBy(admin, chat.rid)
    expect(named).toBe(`{"msg":"result","id":"6","result":${JSON.stringify(fname)}}`)
  })

  test('pings with an id, signs out, and is let go after the answer', async () => {
    const { socket } = await bot()
    expect(await saidTo(socket, { msg: 'ping', id: '4' })).toEqual(['{"msg":"pong","id":"4"}'])
    const from = socket.texts.length
    socket.say(method('9', 'logout'))
    expect((await socket.ended).code).toBe(1002)
    expect(socket.texts.slice(from)).toEqual(done('9'))
  })
})

describe('whoever asks for what there is not', () => {
  test('is told so in the form that clients know', async () => {
    const socket = await connect()
    const error = (code: string | number, message: string, reason?: string) =>
      JSON.stringify({ isClientSafe: true, error: code, reason, message, errorType: 'Meteor.Error' })
    const missing = "Subscription 'stream-x' not found"
    expect(
      await saidTo(
        socket,
        sub('1', 'stream-room-messages', 'none', {}),
        sub('2', 'stream-x', 'y'),
        sub('3', 'stream-room-messages', ''),
        { msg: 'unsub', id: 'never' },
        method('4', 'x'),
        method('5', 'livechat:loginByToken', { $ne: '' }),
      ),
    ).toEqual([
      `{"msg":"nosub","id":"1",${refused}`,
      `{"msg":"nosub","id":"2","error":${error(404, `${missing} [404]`, missing)}}`,
      `{"msg":"nosub","id":"3","error":${error('invalid-event-name', '[invalid-event-name]')}}`,
      '{"msg":"nosub","id":"never"}',
      `{"msg":"result","id":"4","error":${error(404, "Method 'x' not found [404]", "Method 'x' not found")}}`,
      '{"msg":"updated","methods":["4"]}',
      '{"msg":"result","id":"5","error":{"isClientSafe":true,"error":400,"reason":"Match failed","message":"Match failed [400]","errorType":"Match.Error"}}',
      '{"msg":"updated","methods":["5"]}',
    ])
  })

  test.each([
    ['says something else before it connects', '{"msg":"sub","id":"1","name":"x"}', 1002, true],
    ['says what is no JSON', 'x', 1007, false],
    ['says bytes', Buffer.from(modern), 1007, true],
    ['calls without an id', '{"msg":"method","method":"x","params":[]}', 1002, false],
    ['calls nothing', '{"msg":"method","id":"1","params":[]}', 1002, false],
    ['subscribes to nothing', '{"msg":"sub","id":"1"}', 1002, false],
    ['unsubscribes from nothing', '{"msg":"unsub"}', 1002, false],
  ])('and who %s is let go', async (_title, frame, code, isNew) => {
    const socket = await openSocket(desk, { silently: isNew })
    socket.say(frame)
    expect((await socket.ended).code).toBe(code)
  })

  test('and what means nothing is passed over', async () => {
    const socket = await connect()
    for (const frame of [modern, '{"msg":"pong"}', '{"msg":"unheard-of"}', '{"server_id":"0"}', '{}']) socket.say(frame)
    expect(await saidTo(socket)).toEqual([])
  })
})
