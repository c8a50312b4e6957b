// `@deskbell/sdk/testing` against the real thing: one script of calls and frames, the same statuses, keys and kinds of frames.
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket as RealWebSocket } from 'ws'
import { describe, expect, test } from 'vitest'
import { fakeClock, fakeServer } from '../../sdk/src/testing/testing.ts'
import { configure } from '../testing/conversation.ts'
import { startTestServer } from '../testing/testing.ts'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of any shape
type Body = any

interface Frame {
  msg?: string
  id?: string
  subs?: string[]
  methods?: string[]
  collection?: string
  fields?: { eventName: string; args: unknown[] }
}

/** A server as its clients see it. */
interface Side {
  serverURL: string
  fetch: typeof fetch
  WebSocket: new (url: string) => WebSocket
  /** Answers once everything that follows from the calls so far was sent. */
  settle: () => Promise<void>
  /** The staff comes or goes. */
  setOnline: (isOnline: boolean) => Promise<void>
}

/** What a script saw, with ids replaced by their names: each call’s status and the shape of its answer; each socket’s frames. */
interface Seen {
  calls: Record<string, unknown>
  frames: Record<string, Record<string, unknown[]>>
}

const password = 'correct horse'
const agents = [
  { username: 'anna', name: 'Anna', password, isManager: true },
  { username: 'bert', name: 'Bert', password },
]

const manager = ['user', 'livechat-agent', 'livechat-manager']

async function withReal(routing: 'auto' | 'manual', script: (side: Side) => Promise<Seen>): Promise<Seen> {
  const desk = await startTestServer()
  try {
    if (routing === 'manual') await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    // Handing chats over is the right of managers.
    const anna = await desk.agent({ username: 'anna', name: 'Anna', password, roles: manager })
    const bert = await desk.agent({ username: 'bert', name: 'Bert', password })
    return await script({
      serverURL: await desk.listen(),
      fetch,
      WebSocket: RealWebSocket as unknown as Side['WebSocket'],
      settle: () => desk.server.streams.settled(),
      async setOnline(isOnline) {
        for (const agent of [anna, bert])
          await agent.raw('POST /livechat/agent.status', {
            body: { status: isOnline ? 'available' : 'not-available' },
          })
      },
    })
  } finally {
    await desk.stop()
  }
}

function withFake(routing: 'auto' | 'manual', script: (side: Side) => Promise<Seen>): Promise<Seen> {
  const clock = fakeClock()
  const server = fakeServer({ clock, routing, agents })
  const { serverURL, fetch, WebSocket } = server
  return script({
    serverURL,
    fetch,
    WebSocket,
    settle: () => clock.settle(),
    setOnline(isOnline) {
      for (const agent of server.agents) agent.setOnline(isOnline)
      return Promise.resolve()
    },
  })
}

/** Keys and kinds of values, nothing of what they say; of a list each shape that occurs in it. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value))
    return [...new Map(value.map((item) => [JSON.stringify(shapeOf(item)), shapeOf(item)])).values()]
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  const entries = Object.entries(value).filter(([key]) => key !== 'theme')
  return Object.fromEntries(entries.map(([key, part]) => [key, shapeOf(part)]))
}

/** Tells how something is, not what happened. */
function isState({ collection = '', fields }: Frame): boolean {
  const states = ['stream-room-data', 'stream-livechat-inquiry-queue-observer', 'stream-notify-user']
  return states.includes(collection) && fields !== undefined
}

/** What a frame is; of a refusal all that it says. */
function kindOf({ fields, collection: _collection, ...frame }: Frame): object {
  if (fields !== undefined) return { msg: frame.msg, args: shapeOf(fields.args) }
  if ('error' in frame) return frame
  return { id: frame.msg === 'result' ? frame.id : undefined, frame: { ...(shapeOf(frame) as object), msg: frame.msg } }
}

const notes = new File(['not really'], 'notes.txt', { type: 'text/plain' })

/** Somebody who calls one side and keeps what came. */
function explorer(side: Side) {
  const seen: Seen = { calls: {}, frames: {} }
  const names = new Map<string, string>()
  const named = (text: string) => [...names].reduce((all, [id, name]) => all.replaceAll(id, name), text)

  async function call(
    name: string,
    key: string,
    input: Body = {},
    headers: Record<string, string> = {},
  ): Promise<Body> {
    const [method = '', path = ''] = key.split(' ')
    const isBody = method !== 'GET'
    const query = isBody ? '' : `?${new URLSearchParams(input as Record<string, string>).toString()}`
    const answer = await side.fetch(`${side.serverURL}/api/v1${path}${query}`, {
      method,
      headers: { ...headers, ...(isBody && { 'content-type': 'application/json' }) },
      ...(isBody && { body: JSON.stringify(input) }),
    })
    const body: Body = await answer.json()
    await side.settle()
    seen.calls[name] = { status: answer.status, body: answer.ok ? shapeOf(body) : body }
    return body
  }

  async function upload(name: string, path: string, headers: Record<string, string>, content: Blob | string = notes) {
    const form = new FormData()
    form.append('description', 'My notes')
    form.append('file', content as string)
    const answer = await side.fetch(`${side.serverURL}/api/v1${path}`, { method: 'POST', headers, body: form })
    const body: Body = await answer.json()
    await side.settle()
    seen.calls[name] = { status: answer.status, body: answer.ok ? shapeOf(body) : body }
  }

  async function open(name: string) {
    const socket = new side.WebSocket(`${side.serverURL.replace('http', 'ws')}/websocket`)
    const heard: Frame[] = []
    const frames: Record<string, unknown[]> = {}
    seen.frames[name] = frames
    let ids = 0
    let look = (): void => undefined
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame
      heard.push(frame)
      look()
      if (frame.msg === 'pong' || frame.msg === 'ping') return
      // Of each stream on its own: between streams there is no order.
      const lane = frame.fields === undefined ? 'answers' : `${String(frame.collection)} ${frame.fields.eventName}`
      const kinds = (frames[named(lane)] ??= [])
      const kind = kindOf(frame)
      // How a room is may be told more often or less.
      if (!isState(frame) || !kinds.some((each) => isDeepStrictEqual(each, kind))) kinds.push(kind)
    }
    const closed = new Promise<number>((resolve) => (socket.onclose = ({ code }) => resolve(code)))
    await new Promise((resolve) => (socket.onopen = resolve))
    const until = (isMeant: (frame: Frame) => boolean) =>
      new Promise<Frame>((resolve) => {
        look = () => {
          const frame = heard.find(isMeant)
          if (frame !== undefined) resolve(frame)
        }
        look()
      })
    const say = (frame: object) => socket.send(JSON.stringify(frame))
    say({ msg: 'connect', version: '1', support: ['1'] })
    await until(({ msg }) => msg === 'connected')
    return {
      closed,
      say,
      async sub(stream: string, key: string, options?: unknown) {
        const id = `sub-${++ids}`
        say({ msg: 'sub', id, name: `stream-${stream}`, params: [key, options] })
        await until((frame) => frame.id === id || frame.subs?.[0] === id)
      },
      async method(method: string, ...params: unknown[]) {
        const id = `call-${++ids}`
        say({ msg: 'method', id, method, params })
        await until(({ methods }) => methods?.[0] === id)
        return heard.find((frame) => frame.msg === 'result' && frame.id === id)
      },
      async settle() {
        await side.settle()
        const id = `ping-${++ids}`
        say({ msg: 'ping', id })
        await until((frame) => frame.msg === 'pong' && frame.id === id)
      },
      close: () => socket.close(),
    }
  }

  /** Two servers give different ids to the same thing. */
  function name(id: string, as: string): string {
    names.set(id, as)
    return id
  }
  return { seen, call, upload, open, name }
}

type Explorer = ReturnType<typeof explorer>

async function signIn({ call, name }: Explorer, username: string) {
  const { data } = await call(`login of ${username}`, 'POST /login', { user: username, password })
  name(data.userId as string, username)
  return { 'x-user-id': data.userId as string, 'x-auth-token': data.authToken as string }
}

async function listenAsVisitor({ open }: Explorer, rid: string, token: string) {
  const socket = await open('visitor')
  const proof = { useCollection: false, args: [{ token, visitorToken: token }] }
  await socket.method('livechat:setUpConnection', { token })
  await socket.sub('room-messages', rid, proof)
  await socket.sub('livechat-room', rid, proof)
  for (const event of ['user-activity', 'typing', 'deleteMessage', 'nonsense'])
    await socket.sub('notify-room', `${rid}/${event}`, proof)
  await socket.sub('room-messages', 'no-such-room', proof)
  await socket.sub('livechat-desk', 'all')
  await socket.sub('livechat-desk', 'no-such-department')
  await socket.sub('nonsense', 'all')
  await socket.method('nonsense')
  return socket
}

async function visitorScript(side: Side): Promise<Seen> {
  const explored = explorer(side)
  const { seen, call, upload, name } = explored
  const token = 'token-of-the-visitor'
  await call('config of a stranger', 'GET /livechat/config', { token })
  await call('room of a stranger', 'GET /livechat/room', { token })
  await call('no such operation', 'GET /livechat/nonsense')
  await call('no such visitor', `GET /livechat/visitor/${token}`)
  const visitor = { token, name: 'Vera', email: 'vera@example.org' }
  await call('registration', 'POST /livechat/visitor', { visitor })
  await call('registration without a token', 'POST /livechat/visitor', { visitor: { token: '' } })
  await call('visitor', `GET /livechat/visitor/${token}`)
  await side.setOnline(false)
  await call('room while nobody is there', 'GET /livechat/room', { token })
  await call('config while nobody is there', 'GET /livechat/config', { token })
  await side.setOnline(true)
  const { room } = await call('room', 'GET /livechat/room', { token })
  const rid = name(room._id as string, 'ROOM')
  await call('room again', 'GET /livechat/room', { token, rid })
  await call('visitor with a room', `GET /livechat/visitor/${token}`)
  await call('config', 'GET /livechat/config', { token })
  await call('agent', `GET /livechat/agent.info/${rid}/${token}`)
  const socket = await listenAsVisitor(explored, rid, token)
  await call('message', 'POST /livechat/message', { token, rid, msg: 'Hello', _id: 'm1' })
  await call('message again', 'POST /livechat/message', { token, rid, msg: 'Hello again', _id: 'm1' })
  await call('message without text', 'POST /livechat/message', { token, rid })
  await call('message elsewhere', 'POST /livechat/message', { token, rid: 'elsewhere', msg: 'Hello' })
  await call('message of a stranger', 'POST /livechat/message', { token: 'stranger', rid, msg: 'Hello' })
  await call('one message', 'GET /livechat/message/m1', { token, rid })
  await call('edit', 'PUT /livechat/message/m1', { token, rid, msg: 'Hello!' })
  await call('edit of nothing', 'PUT /livechat/message/nothing', { token, rid, msg: 'Hello!' })
  await call('second message', 'POST /livechat/message', { token, rid, msg: 'Bye', _id: 'm2' })
  await call('deletion', 'DELETE /livechat/message/m2', { token, rid })
  await call('deletion again', 'DELETE /livechat/message/m2', { token, rid })
  await call('message that was deleted', 'POST /livechat/message', { token, rid, msg: 'Bye', _id: 'm2' })
  await call('history', `GET /livechat/messages.history/${rid}`, { token })
  await call('end of history', `GET /livechat/messages.history/${rid}`, { token, limit: '1' })
  const sync = await call('sync', `GET /livechat/messages.sync/${rid}`, { token, after: '0', count: '2' })
  await call('sync to the end', `GET /livechat/messages.sync/${rid}`, { token, after: String(sync['next']) })
  await call('sync of nothing', `GET /livechat/messages.sync/${rid}`, { token, after: '1000' })
  await call('sync of a stranger', `GET /livechat/messages.sync/${rid}`, { token: 'stranger' })
  await call('page', 'POST /livechat/page.visited', {
    token,
    rid,
    pageInfo: { change: 'url', title: 'Home', location: { href: 'https://example.org' } },
  })
  await call('status', 'POST /livechat/visitor.status', { token, status: 'away' })
  await call('rating', 'POST /livechat/room.survey', { token, rid, data: [{ name: 'satisfaction', value: '5' }] })
  await call('nonsense rating', 'POST /livechat/room.survey', { token, rid, data: [{ name: 'x', value: '5' }] })
  await upload('file', `/livechat/upload/${rid}`, { 'x-visitor-token': token })
  await upload('file of a stranger', `/livechat/upload/${rid}`, { 'x-visitor-token': 'stranger' })
  await upload('file in writing', `/livechat/upload/${rid}`, { 'x-visitor-token': token }, 'no file')
  await socket.settle()
  await call('close', 'POST /livechat/room.close', { token, rid })
  await call('close again', 'POST /livechat/room.close', { token, rid })
  await call('late message', 'POST /livechat/message', { token, rid, msg: 'late' })
  await call('message repeated after the end', 'POST /livechat/message', { token, rid, msg: 'Hello', _id: 'm1' })
  await upload('late file', `/livechat/upload/${rid}`, { 'x-visitor-token': token })
  await side.setOnline(false)
  await socket.settle()
  socket.close()
  return seen
}

async function agentScript(side: Side): Promise<Seen> {
  const explored = explorer(side)
  const { seen, call, upload, open, name } = explored
  const token = 'token-of-the-visitor'
  await call('wrong password', 'POST /login', { user: 'anna', password: 'wrong' })
  await call('me without a session', 'GET /me')
  const anna = await signIn(explored, 'anna')
  const bert = await signIn(explored, 'bert')
  await call('me', 'GET /me', {}, anna)
  await call('routing', 'GET /livechat/config/routing', {}, anna)
  await call('agents', 'GET /livechat/users/agent', {}, anna)
  await call('busy', 'POST /users.setStatus', { status: 'busy', message: 'Reading' }, anna)
  await call('back', 'POST /users.setStatus', { status: 'online', message: '' }, anna)
  await call('empty queue', 'GET /livechat/inquiries.queuedForUser', {}, anna)

  const socket = await open('anna')
  await socket.sub('livechat-inquiry-queue-observer', 'public')
  await socket.method('login', { resume: 'wrong' })
  await socket.method('login', { user: { username: 'anna' }, password })
  await socket.method('login', { resume: anna['x-auth-token'] })
  await socket.sub('livechat-inquiry-queue-observer', 'public')
  await socket.sub('room-messages', '__my_messages__', true)
  for (const event of ['force_logout', 'subscriptions-changed', 'rooms-changed'])
    await socket.sub('notify-user', `${anna['x-user-id']}/${event}`)
  await socket.sub('notify-user', `${bert['x-user-id']}/rooms-changed`)
  await socket.sub('notify-logged', 'user-status')

  await call('registration', 'POST /livechat/visitor', { visitor: { token, name: 'Vera' } })
  const { room } = await call('room', 'GET /livechat/room', { token })
  const rid = name(room._id as string, 'ROOM')
  await call('no agent', `GET /livechat/agent.info/${rid}/${token}`)
  const { inquiries } = await call('queue', 'GET /livechat/inquiries.queuedForUser', {}, anna)
  const inquiryId = name(inquiries[0]._id as string, 'INQUIRY')
  await call('take of nothing', 'POST /livechat/inquiries.take', { inquiryId: 'nothing' }, anna)
  await call('take', 'POST /livechat/inquiries.take', { inquiryId }, anna)
  await call('take again', 'POST /livechat/inquiries.take', { inquiryId }, anna)
  await socket.sub('room-messages', rid)
  await socket.sub('room-data', rid)
  await socket.sub('notify-room', `${rid}/user-activity`)
  await socket.sub('notify-room', `${rid}/deleteMessage`)
  await call('places in rooms', 'GET /subscriptions.get', {}, anna)
  await call('place in the room', 'GET /subscriptions.getOne', { roomId: rid }, anna)
  await call('place of another', 'GET /subscriptions.getOne', { roomId: rid }, bert)
  await upload('file', `/rooms.upload/${rid}`, anna)
  await upload('file of another', `/rooms.upload/${rid}`, {
    'x-user-id': bert['x-user-id'],
    'x-auth-token': 'wrong',
  })
  await call('what the visitor says', 'POST /livechat/message', { token, rid, msg: 'Hi', _id: 'm1' })
  const answer = { rid, msg: 'Hello', _id: 'a1' }
  await call('answer', 'POST /chat.sendMessage', { message: answer }, anna)
  await call('answer again', 'POST /chat.sendMessage', { message: answer }, anna)
  await call('answer elsewhere', 'POST /chat.sendMessage', { message: { rid: 'elsewhere', msg: 'Hello' } }, anna)
  await call('answer of another', 'POST /chat.sendMessage', { message: { rid, msg: 'Hello' } }, bert)
  await call('edit', 'POST /chat.update', { roomId: rid, msgId: 'a1', text: 'Hello!' }, anna)
  await call('edit of the visitor’s', 'POST /chat.update', { roomId: rid, msgId: 'm1', text: 'Hello!' }, anna)
  await call('message', 'GET /chat.getMessage', { msgId: 'a1' }, anna)
  await call('deletion', 'POST /chat.delete', { roomId: rid, msgId: 'a1' }, anna)
  await call('deletion again', 'POST /chat.delete', { roomId: rid, msgId: 'a1' }, anna)
  await call('messages', `GET /livechat/messages/${rid}`, {}, anna)
  await call('history', `GET /livechat/room.history/${rid}`, {}, anna)
  await call('end of history', `GET /livechat/room.history/${rid}`, { limit: '1' }, anna)
  await call('history of another', `GET /livechat/room.history/${rid}`, {}, bert)
  await call('changes by number', `GET /livechat/room.changes/${rid}`, { after: '1' }, anna)
  await call('changes of nowhere', 'GET /livechat/room.changes/nowhere', {}, anna)
  await call('messages of another', `GET /livechat/messages/${rid}`, {}, bert)
  await call('changes', 'GET /chat.syncMessages', { roomId: rid, lastUpdate: '2020-01-01T00:00:00.000Z' }, anna)
  await call('read', 'POST /subscriptions.read', { rid }, anna)
  await call('room of the staff', 'GET /rooms.info', { roomId: rid }, anna)
  await call('room of another', 'GET /rooms.info', { roomId: rid }, bert)
  await call('own rooms', 'GET /livechat/rooms', { 'agents[]': bert['x-user-id'], open: 'true' }, bert)
  const [as, visitor] = [await open('typing visitor'), [rid, { useCollection: false, args: [{ token }] }] as const]
  await as.sub('notify-room', `${visitor[0]}/user-activity`, visitor[1])
  await as.method('stream-notify-room', `${rid}/user-activity`, 'Vera', ['user-typing'], { token })
  await as.method('stream-notify-room', `${rid}/user-activity`, 'Vera', ['user-typing'], { token: 'wrong' })
  await side.settle()
  await socket.method('stream-notify-room', `${rid}/typing`, 'anna', true, {})
  await as.settle()
  as.close()
  await call('back to the queue', 'POST /livechat/inquiries.returnAsInquiry', { roomId: rid }, anna)
  await call('back again', 'POST /livechat/inquiries.returnAsInquiry', { roomId: rid }, anna)
  await call('inquiry', 'GET /livechat/inquiries.getOne', { roomId: rid }, anna)
  await call('take anew', 'POST /livechat/inquiries.take', { inquiryId }, anna)
  const forward = { roomId: rid, userId: bert['x-user-id'], comment: 'Yours' }
  await call('forward', 'POST /livechat/room.forward', forward, anna)
  await call('forward again', 'POST /livechat/room.forward', forward, anna)
  await call('messages after all', `GET /livechat/messages.history/${rid}`, { token })
  await call('close', 'POST /livechat/room.closeByUser', { rid, comment: 'Done' }, bert)
  await call('close again', 'POST /livechat/room.closeByUser', { rid, comment: 'Done' }, bert)
  await call('closed room', 'GET /rooms.info', { roomId: rid }, bert)
  await socket.settle()
  await call('logout', 'POST /logout', {}, anna)
  await call('me after it', 'GET /me', {}, anna)
  expect(await Promise.race([socket.closed, pause(5_000, 'open')])).toBe(1002)
  return seen
}

describe('the fake server answers as the real one', () => {
  test('a visitor and whoever routing chose', async () => {
    const [real, fake] = [await withReal('auto', visitorScript), await withFake('auto', visitorScript)]
    expect(fake.calls).toEqual(real.calls)
    expect(fake.frames).toEqual(real.frames)
  })

  test('an agent who takes, answers, hands over and ends', async () => {
    const [real, fake] = [await withReal('manual', agentScript), await withFake('manual', agentScript)]
    expect(fake.calls).toEqual(real.calls)
    expect(fake.frames).toEqual(real.frames)
  })
})
