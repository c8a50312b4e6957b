import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeBy,
  closeByVisitor,
  configure,
  errorOf,
  errorTypeOf,
  historyOf,
  newToken,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomOf,
  roomSeenBy,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

const chats: Chat[] = []
async function open(fields: Record<string, unknown> = {}): Promise<Chat> {
  const chat = await openChat(desk, fields)
  chats.push(chat)
  return chat
}
afterEach(async () => {
  for (const { rid, token } of chats.splice(0))
    await desk.anyone.raw('POST /livechat/room.close', { body: { rid, token } })
})

function ask(query: Record<string, string>, headers: Record<string, string> = {}) {
  return desk.anyone.raw('GET /livechat/room', { query, headers })
}

function roomRows() {
  return allRows(desk).then((rows) => rows.get('room')!)
}

describe('opening a room', () => {
  test('makes the documented room, with who serves it', async () => {
    const visitor = await register(desk, { name: 'Ana' })
    const { room, newRoom } = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token } })
    chats.push({ ...visitor, rid: room._id, room })
    expect(newRoom).toBe(true)
    expect(room).toMatchObject({
      t: 'l', fname: 'Ana', open: true, cl: false, usersCount: 2, waitingResponse: true,
      v: { _id: visitor.id, token: visitor.token, status: 'online', name: 'Ana' },
      servedBy: { _id: anna.id, username: 'anna' },
      source: { type: 'api' }, priorityWeight: 99, estimatedWaitingTimeQueue: 9_999_999,
    }) // prettier-ignore
    expect(room.lm >= room.ts && room.queuedAt === room.ts).toBe(true)
    expect(room).not.toHaveProperty('onHold')
    expect(room).not.toHaveProperty('closedAt')
  })

  test('starts with the lines that clients wait for', async () => {
    const chat = await open({ name: 'Ana' })
    const lines = (await historyOf(desk, chat)).reverse()
    expect(lines.map(({ t, msg, u }) => [t, msg, u.username])).toEqual([
      ['livechat-started', '', chat.room.v.username],
      ['command', 'connected', 'anna'],
      ['uj', expect.any(String), 'anna'],
    ])
    expect(lines[0]).toMatchObject({ token: chat.token, groupable: false })
    expect(lines[1]).not.toHaveProperty('token')
    expect((await roomOf(desk, chat)).msgs).toBe(3)
    expect((await roomOf(desk, chat)).lastMessage?.t).toBe('livechat-started')
  })

  test('a waiting room says who waits and that nobody serves it', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const { room } = await open()
      expect(room).toMatchObject({ usersCount: 1, msgs: 1, waitingResponse: true, open: true })
      expect(room).not.toHaveProperty('servedBy')
    })
  })

  test('the visitor’s record remembers its last chat', async () => {
    const chat = await open()
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
    expect(visitor.lastChat).toEqual({ _id: chat.rid, ts: chat.room.ts })
  })

  test('the widget’s cookies mark the source, and nothing else does', async () => {
    const source = async (cookie: string) => {
      const { token, id } = await register(desk)
      const opened = await ask({ token }, { cookie, host: 'shop.example.org' })
      const { room } = opened.body as { room: Chat['room'] }
      chats.push({ token, id, rid: room._id, room })
      return room.source
    }
    expect(await source('rc_is_widget=t; rc_room_type=l')).toEqual({ type: 'widget', destination: 'shop.example.org' })
    expect(await source('rc_is_widget=t')).toEqual({ type: 'api' })
    expect(await source('rc_is_widget=f; rc_room_type=l')).toEqual({ type: 'api' })
  })

  test('a visitor has one open room: asking again answers the same', async () => {
    const chat = await open()
    for (const query of [{ token: chat.token }, { token: chat.token, rid: chat.rid }])
      expect((await ask(query)).body).toMatchObject({ newRoom: false, room: { _id: chat.rid, open: true } })
  })

  test('100 parallel calls of one visitor make one room', async () => {
    const visitor = await register(desk)
    const before = (await roomRows()).length
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask({ token: visitor.token })))
    const bodies = answers.map(({ body }) => body as { room: Chat['room']; newRoom: boolean })
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(bodies.map(({ room }) => room._id)).size).toBe(1)
    expect(bodies.filter(({ newRoom }) => newRoom)).toHaveLength(1)
    expect((await roomRows()).length).toBe(before + 1)
    chats.push({ ...visitor, rid: bodies[0]!.room._id, room: bodies[0]!.room })
  })

  test('after the end of one the next is new', async () => {
    const first = await open()
    await closeByVisitor(desk, first)
    const second = await openRoomOf(desk, first)
    chats.push(second)
    expect(second.rid).not.toBe(first.rid)
  })

  test('a closed room is not opened again by its id, and nobody’s but one’s own is', async () => {
    const [closed, foreign] = [await open(), await open()]
    await closeByVisitor(desk, closed)
    const mine = await register(desk)
    const before = await allRows(desk)
    expect(refusal(await ask({ token: closed.token, rid: closed.rid }))).toEqual(bare('invalid-room'))
    expect(refusal(await ask({ token: mine.token, rid: foreign.rid }))).toEqual(bare('invalid-room'))
    expect(refusal(await ask({ token: mine.token, rid: 'no-such-room' }))).toEqual(bare('invalid-room'))
    expect(await allRows(desk)).toEqual(before)
  })

  test('further query keys are ignored: nobody opens a closed, served or hidden room', async () => {
    const { token, id } = await register(desk)
    const forged = { open: 'false', closedAt: '2020', servedBy: 'forged', t: 'c', _hidden: 'true', onHold: 'true', msgs: '7',
      'v[token]': 'forged', departmentId: 'forged', tags: 'forged', _id: 'forged', fname: 'forged' } // prettier-ignore
    const opened = await ask({ token, ...forged })
    const { room } = opened.body as { room: Chat['room'] }
    chats.push({ token, id, rid: room._id, room })
    expect([opened.status, room.open, room.t]).toEqual([200, true, 'l'])
    expect(JSON.stringify(room)).not.toMatch(/forged|2020|onHold/)
  })

  test('a room or an agent that is asked for with an empty id is not asked for', async () => {
    const { token, id } = await register(desk)
    const opened = await ask({ token, rid: '', agentId: '' })
    expect(opened).toMatchObject({ status: 200, body: { newRoom: true } })
    const { room } = opened.body as { room: Chat['room'] }
    chats.push({ token, id, rid: room._id, room })
    expect((await ask({ token, rid: '' })).body).toMatchObject({ newRoom: false, room: { _id: room._id } })
  })

  test('unknown and missing tokens', async () => {
    expect(refusal(await ask({ token: 'nobody' }))).toEqual(bare('invalid-token'))
    expect(refusal(await ask({}))).toEqual([400, { success: false, error: `Match error: Missing key 'token'` }])
    expect((await ask({ token: '' })).status).toBe(400)
  })

  test('is refused while livechat is switched off; an open room goes on', async () => {
    const chat = await open()
    const other = await register(desk)
    await withSettings(desk, { Livechat_enabled: false }, async () => {
      expect(refusal(await ask({ token: other.token }))).toEqual([
        400,
        { success: false, error: '[error-omnichannel-is-disabled]', errorType: 'error-omnichannel-is-disabled' },
      ])
      expect((await ask({ token: chat.token })).status).toBe(200)
    })
  })

  test('is refused in the documented words while nobody is there, and leaves nothing behind', async () => {
    await anna.call('POST /users.setStatus', { body: { status: 'offline' } })
    const { token } = await register(desk)
    const before = await roomRows()
    expect(refusal(await ask({ token }))).toEqual([
      400,
      { success: false, error: 'Sorry, no online agents [no-agent-online]', errorType: 'no-agent-online' },
    ])
    expect(await roomRows()).toEqual(before)
    await anna.call('POST /users.setStatus', { body: { status: 'online' } })
    await anna.call('POST /livechat/agent.status', { body: { status: 'available' } })
    expect((await open()).room.servedBy?.username).toBe('anna')
  })
})

describe('a visitor closes', () => {
  const close = (body: unknown) => desk.anyone.raw('POST /livechat/room.close', { body })

  test('the room is over for everybody', async () => {
    const chat = await open()
    await say(desk, chat, 'thanks')
    desk.clock.advance(90_000)
    expect((await close({ rid: chat.rid, token: chat.token })).body).toEqual({
      rid: chat.rid,
      comment: 'Closed by visitor',
      success: true,
    })
    const room = await roomSeenBy(manager, chat.rid)
    expect(room).toMatchObject({
      closer: 'visitor',
      closedBy: { _id: chat.id, username: chat.room.v.username },
      v: { status: 'offline' },
      lastMessage: { t: 'livechat-close', msg: 'Closed by visitor' },
    })
    expect(room).not.toHaveProperty('open')
    expect(room.metrics?.chatDuration).toBe((Date.parse(room.closedAt!) - Date.parse(room.ts)) / 1_000)
    expect((await manager.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })).inquiry).toBeNull()
    const rows = await allRows(desk)
    for (const table of ['inquiry', 'subscription'])
      expect(rows.get(table)!.filter((row) => row.includes(chat.rid))).toEqual([])
  })

  test('the last line says so', async () => {
    const chat = await open()
    await closeByVisitor(desk, chat)
    const [last] = await historyOf(desk, chat)
    expect(last).toMatchObject({
      t: 'livechat-close', msg: 'Closed by visitor', groupable: false, transcriptRequested: false, token: chat.token,
      u: { _id: chat.id },
    }) // prettier-ignore
  })

  test('the visitor is asked about a transcript where the setting wants that', async () => {
    await withSettings(desk, { Livechat_enable_transcript: true }, async () => {
      const chat = await open()
      await closeByVisitor(desk, chat)
      const kinds = (await historyOf(desk, chat)).slice(0, 2).map(({ t, msg }) => [t, msg])
      expect(kinds).toEqual([
        ['command', 'promptTranscript'],
        ['livechat-close', 'Closed by visitor'],
      ])
    })
  })

  test('what is wrong with a request is told in the documented order', async () => {
    const chat = await open()
    await withSettings(desk, { Omnichannel_allow_visitors_to_close_conversation: false }, async () => {
      expect(errorTypeOf(await close({ token: chat.token }))).toBe('invalid-params')
      const refused = bare('error-not-allowed-to-close-conversation')
      expect(refusal(await close({ rid: chat.rid, token: 'nobody' }))).toEqual(refused)
      expect(refusal(await close({ rid: chat.rid, token: chat.token }))).toEqual(refused)
    })
    expect(refusal(await close({ rid: 'no-such', token: 'nobody' }))).toEqual(bare('invalid-token'))
    expect(refusal(await close({ rid: 'no-such', token: chat.token }))).toEqual(bare('invalid-room'))
    await closeByVisitor(desk, chat)
    expect(refusal(await close({ rid: chat.rid, token: chat.token }))).toEqual(bare('room-closed'))
    expect(errorOf(await close({ token: chat.token }))).toBe(`must have required property 'rid' [invalid-params]`)
  })

  test('nobody closes another’s room, with or without a token', async () => {
    const [victim, attacker] = [await open(), await open()]
    expect(refusal(await close({ rid: victim.rid, token: attacker.token }))).toEqual(bare('invalid-room'))
    for (const token of ['', ' ', 'null', 'undefined'])
      expect((await close({ rid: victim.rid, token })).status).toBe(400)
    expect((await close({ rid: victim.rid })).status).toBe(400)
    expect((await close({ rid: victim.rid, token: null })).status).toBe(400)
    expect((await roomOf(desk, victim)).open).toBe(true)
  })

  test('of several who close at once exactly one wins', async () => {
    const chat = await open()
    const closings = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? close({ rid: chat.rid, token: chat.token })
        : anna.raw('POST /livechat/room.closeByUser', { body: { rid: chat.rid, comment: 'Solved' } }),
    )
    const answers = await Promise.all(closings)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const losers = [
      'room-closed',
      'error-room-already-closed',
      'error-room-cannot-be-closed-try-again',
      'Error removing inquiry',
    ]
    for (const loser of answers.filter(({ status }) => status !== 200)) {
      expect(loser.status).toBe(400)
      expect(losers).toContain(errorOf(loser))
    }
    expect((await historyOf(desk, chat)).filter(({ t }) => t === 'livechat-close')).toHaveLength(1)
  })
})

describe('a member of the staff closes', () => {
  const close = (by: StaffMember, body: unknown) => by.raw('POST /livechat/room.closeByUser', { body })

  test('the agent who serves it', async () => {
    const chat = await open()
    expect(refusal(await close(anna, { rid: chat.rid, comment: 'Solved' }))).toEqual([200, { success: true }])
    expect(await roomSeenBy(manager, chat.rid)).toMatchObject({
      closer: 'user',
      closedBy: { _id: anna.id, username: 'anna' },
    })
    const [last] = await historyOf(desk, chat)
    expect(last).toMatchObject({ t: 'livechat-close', msg: 'Solved', u: { _id: anna.id } })
    expect(last).not.toHaveProperty('token')
  })

  test('another agent may not, a manager may', async () => {
    const chat = await open()
    expect(refusal(await close(bob, { rid: chat.rid, comment: 'x' }))).toEqual(bare('error-not-authorized'))
    expect((await roomOf(desk, chat)).open).toBe(true)
    expect((await close(manager, { rid: chat.rid, comment: 'x' })).status).toBe(200)
  })

  test('a comment is asked for, unless the setting says otherwise', async () => {
    const chat = await open()
    for (const comment of [undefined, '', '   '])
      expect(refusal(await close(anna, { rid: chat.rid, comment }))).toEqual(bare('error-comment-is-required'))
    await withSettings(desk, { Livechat_request_comment_when_closing_conversation: false }, async () => {
      expect((await close(anna, { rid: chat.rid })).status).toBe(200)
    })
  })

  test('tags are kept once each', async () => {
    const chat = await open()
    await close(anna, { rid: chat.rid, comment: 'x', tags: ['sales', 'vip', 'sales'] })
    expect((await roomSeenBy(manager, chat.rid)).tags?.toSorted()).toEqual(['sales', 'vip'])
  })

  test('a chat that waits can be closed too', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await open()
    expect((await close(manager, { rid: chat.rid, comment: 'x' })).status).toBe(200)
    const { inquiries } = await manager.call('GET /livechat/inquiries.list')
    expect(inquiries.map(({ rid }) => rid)).not.toContain(chat.rid)
    await configure(desk, { Livechat_Routing_Method: 'Auto_Selection' })
  })

  test('rooms that are unknown or over, callers without permission or login', async () => {
    const chat = await open()
    const user = await desk.staff({ roles: ['user'] })
    expect(refusal(await close(anna, { rid: 'no-such', comment: 'x' }))).toEqual(bare('error-invalid-room'))
    expect(refusal(await close(user, { rid: chat.rid, comment: 'x' }))).toEqual([
      403,
      { success: false, error: 'User does not have the permissions required for this action [error-unauthorized]' },
    ])
    expect(
      (await desk.anyone.raw('POST /livechat/room.closeByUser', { body: { rid: chat.rid, comment: 'x' } })).status,
    ).toBe(401)
    await closeByVisitor(desk, chat)
    expect(refusal(await close(anna, { rid: chat.rid, comment: 'x' }))).toEqual(bare('error-room-already-closed'))
  })
})

describe('joining a room', () => {
  const join = (by: StaffMember, roomId: string) => by.raw('GET /livechat/room.join', { query: { roomId } })

  test('adds a member once, who may write from then on', async () => {
    const chat = await open()
    expect((await join(manager, chat.rid)).body).toEqual({ success: true })
    const room = await roomOf(desk, chat)
    expect([room.usersCount, room.servedBy?.username]).toEqual([3, 'anna'])
    expect((await historyOf(desk, chat))[0]).toMatchObject({ t: 'uj', u: { _id: manager.id } })
    expect((await join(manager, chat.rid)).status).toBe(200)
    expect((await join(anna, chat.rid)).status).toBe(200)
    expect((await roomOf(desk, chat)).usersCount).toBe(3)
    await answer(manager, chat.rid, 'may I help?')
    await closeBy(manager, chat.rid)
  })

  test('parallel joins of one person count once', async () => {
    const chat = await open()
    await Promise.all(Array.from({ length: 10 }, () => join(manager, chat.rid)))
    expect((await roomOf(desk, chat)).usersCount).toBe(3)
    expect((await historyOf(desk, chat)).filter(({ t, u }) => t === 'uj' && u._id === manager.id)).toHaveLength(1)
  })

  test('an agent who may not read a room may not join it; closed and unknown ones are joined by nobody', async () => {
    const chat = await open()
    expect(refusal(await join(bob, chat.rid))).toEqual(bare('error-not-allowed'))
    expect((await roomOf(desk, chat)).usersCount).toBe(2)
    expect(refusal(await join(manager, 'no-such'))).toEqual(bare('error-invalid-room'))
    await closeByVisitor(desk, chat)
    expect(refusal(await join(manager, chat.rid))).toEqual(bare('room-closed'))
  })

  test('who serves as many chats as allowed joins no further one', async () => {
    const busy = await open()
    expect(busy.room.servedBy?.username).toBe('anna')
    const limits = { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 }
    await withSettings(desk, { ...limits, Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const other = await open()
      const refused = await join(anna, other.rid)
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-max-number-simultaneous-chats-reached'])
      expect((await roomOf(desk, other)).usersCount).toBe(1)
    })
  })
})

describe('looking at a room', () => {
  const info = (by: StaffMember, roomId: string) => by.raw('GET /rooms.info', { query: { roomId } })
  const channel = (by: StaffMember, roomId: string) => by.raw('GET /channels.info', { query: { roomId } })

  test('the agent who serves it and managers see it whole, without the visitor’s token', async () => {
    const chat = await open({ name: 'Ana' })
    await say(desk, chat, 'hello')
    for (const by of [anna, manager]) {
      const room = await roomSeenBy(by, chat.rid)
      expect(room).toMatchObject({ _id: chat.rid, fname: 'Ana', open: true, lastMessage: { msg: 'hello' } })
      expect((await channel(by, chat.rid)).body).toEqual({ channel: room, success: true })
      expect(JSON.stringify(room)).not.toContain(chat.token)
    }
  })

  test('a room one may not see is answered like one that is not there', async () => {
    const chat = await open()
    for (const roomId of [chat.rid, 'no-such']) {
      expect(refusal(await info(bob, roomId))).toEqual([
        400,
        { success: false, error: 'not-allowed', errorType: 'Not Allowed' },
      ])
      const refused = await channel(bob, roomId)
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'error-room-not-found'])
      expect(errorOf(refused)).toMatch(/ \[error-room-not-found\]$/)
    }
    expect((await channel(bob, chat.rid)).body).toEqual((await channel(bob, 'no-such')).body)
  })

  test('an agent sees a chat of the queue where the routing shows it', async () => {
    const auto = await open()
    expect((await info(bob, auto.rid)).status).toBe(400)
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const waiting = await open()
      expect((await info(bob, waiting.rid)).status).toBe(200)
      const inquiry = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: waiting.rid } })
      await anna.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry.inquiry!._id } })
      expect((await info(bob, waiting.rid)).status).toBe(400)
    })
  })

  test('without a login there is nothing to see', async () => {
    const chat = await open()
    const bogus = { 'x-user-id': anna.id, 'x-auth-token': newToken() }
    const asked = [
      await desk.anyone.raw('GET /rooms.info', { query: { roomId: chat.rid } }),
      await desk.anyone.raw('GET /rooms.info', { query: { roomId: chat.rid }, headers: bogus }),
      await desk.anyone.raw('GET /rooms.info', { query: { roomId: chat.rid }, headers: { 'x-user-id': anna.id } }),
    ]
    for (const { status, body } of asked) {
      expect(status).toBe(401)
      expect(body).toMatchObject({ status: 'error', message: 'You must be logged in to do this.' })
    }
  })
})
