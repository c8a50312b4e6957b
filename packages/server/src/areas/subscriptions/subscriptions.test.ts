import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeBy,
  closeByVisitor,
  errorOf,
  errorTypeOf,
  openChat,
  refusal,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { writeLine } from '../timeline/timeline.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna', name: 'Anna A.' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

/** A chat that anna serves, a second after everything before it. */
async function openNext(fields: Record<string, unknown> = {}): Promise<Chat> {
  desk.clock.advance(1_000)
  return openChat(desk, fields)
}

async function placeOf(by: StaffMember, chat: Chat) {
  const { subscription } = await by.call('GET /subscriptions.getOne', { query: { roomId: chat.rid } })
  return subscription
}

const unreadOf = async (by: StaffMember, chat: Chat) => (await placeOf(by, chat))?.unread
const read = (by: StaffMember, body: object) => by.raw('POST /subscriptions.read', { body })
const unread = (by: StaffMember, body: object) => by.raw('POST /subscriptions.unread', { body })
const join = (by: StaffMember, chat: Chat) => by.call('GET /livechat/room.join', { query: { roomId: chat.rid } })

function now(): string {
  return new Date(desk.clock.now()).toISOString()
}

async function changedSince(by: StaffMember, updatedSince?: string) {
  const query = updatedSince === undefined ? {} : { updatedSince }
  const { update, remove } = await by.call('GET /subscriptions.get', { query })
  return { update: update.map(({ rid }) => rid), remove: remove.map(({ rid }) => rid) }
}

async function roomsSince(by: StaffMember, updatedSince?: string) {
  const query = updatedSince === undefined ? {} : { updatedSince }
  const { update, remove } = await by.call('GET /rooms.get', { query })
  return { update: update.map(({ _id }) => _id), remove: remove.map(({ _id }) => _id) }
}

describe('an agent’s place in a room', () => {
  test('is there as soon as the chat is served', async () => {
    const chat = await openNext({ name: 'Ünal Visitor' })
    expect(await placeOf(anna, chat)).toEqual({
      _id: expect.any(String) as string,
      rid: chat.rid,
      t: 'l',
      u: { _id: anna.id, username: 'anna', name: 'Anna A.' },
      name: 'Ünal Visitor',
      fname: 'Ünal Visitor',
      lowerCaseName: 'ünal visitor',
      lowerCaseFName: 'ünal visitor',
      v: { _id: chat.id, username: chat.room.v.username, status: 'online' },
      open: true,
      alert: true,
      unread: 1,
      userMentions: 1,
      groupMentions: 0,
      desktopNotifications: 'all',
      mobilePushNotifications: 'all',
      emailNotifications: 'all',
      ts: now(),
      _updatedAt: now(),
    })
  })

  test('carries no visitor’s token', async () => {
    const chat = await openNext()
    for (const key of ['GET /subscriptions.get', 'GET /rooms.get'])
      expect(JSON.stringify((await anna.raw(key)).body)).not.toContain(chat.token)
  })

  test('is nobody else’s', async () => {
    const chat = await openNext()
    expect(await placeOf(bob, chat)).toBeNull()
    expect(await placeOf(manager, chat)).toBeNull()
    expect((await bob.call('GET /subscriptions.getOne', { query: { roomId: 'nowhere' } })).subscription).toBeNull()
    expect(await changedSince(bob)).toEqual({ update: [], remove: [] })
  })

  test('goes when the chat is closed', async () => {
    const chat = await openNext()
    await closeByVisitor(desk, chat)
    expect(await placeOf(anna, chat)).toBeNull()
    expect((await changedSince(anna)).update).not.toContain(chat.rid)
  })
})

describe('what is unread', () => {
  test('is the chat itself and each message of the visitor', async () => {
    const chat = await openNext()
    await say(desk, chat, 'hello')
    await say(desk, chat, 'anybody there?')
    expect(await placeOf(anna, chat)).toMatchObject({ unread: 3, alert: true, userMentions: 1 })
  })

  test('is what came after the agent has read', async () => {
    const chat = await openNext()
    await say(desk, chat, 'hello')
    expect(refusal(await read(anna, { rid: chat.rid }))).toEqual([200, { success: true }])
    const seen = await placeOf(anna, chat)
    expect(seen).toMatchObject({ unread: 0, alert: false, userMentions: 0, ls: expect.any(String) as string })
    await say(desk, chat, 'are you there?')
    expect(await placeOf(anna, chat)).toMatchObject({ unread: 1, alert: true, userMentions: 0 })
    await read(anna, { roomId: chat.rid, readThreads: true })
    expect(await unreadOf(anna, chat)).toBe(0)
  })

  test('is nothing once the agent has answered', async () => {
    const chat = await openNext()
    await say(desk, chat, 'hello')
    await answer(anna, chat.rid, 'hello')
    expect(await unreadOf(anna, chat)).toBe(0)
    await say(desk, chat, 'a question')
    expect(await unreadOf(anna, chat)).toBe(1)
  })

  test('is what a colleague wrote too, for each member by themselves', async () => {
    const chat = await openNext()
    await join(manager, chat)
    await say(desk, chat, 'hello')
    await answer(manager, chat.rid, 'a colleague looks into it')
    expect(await unreadOf(manager, chat)).toBe(0)
    expect(await unreadOf(anna, chat)).toBe(3)
  })

  test('does not count what was taken back, nor lines of the system', async () => {
    const chat = await openNext()
    const message = await say(desk, chat, 'hello')
    const body = { token: chat.token, rid: chat.rid }
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id: message._id }, body })
    desk.clock.advance(1_000)
    await join(manager, chat)
    expect(await unreadOf(anna, chat)).toBe(1)
  })

  test('does not count what was said before the agent came', async () => {
    const chat = await openNext()
    await say(desk, chat, 'hello')
    desk.clock.advance(1_000)
    await join(manager, chat)
    expect(await unreadOf(manager, chat)).toBe(1)
  })

  test('is counted to a hundred', async () => {
    const chat = await openNext()
    await read(anna, { rid: chat.rid })
    for (let n = 0; n < 103; n++) await say(desk, chat, `message ${n}`)
    expect(await unreadOf(anna, chat)).toBe(100)
  })

  test('mentions are counted apart', async () => {
    const chat = await openNext()
    await read(anna, { rid: chat.rid })
    await say(desk, chat, '@anna please')
    await say(desk, chat, 'or @all of you')
    await say(desk, chat, 'write to me@anna.example')
    expect(await placeOf(anna, chat)).toMatchObject({ unread: 3, userMentions: 1, groupMentions: 1 })
  })

  test('counts mentions only, where the setting says so', async () => {
    const chat = await openNext()
    await say(desk, chat, 'hello')
    await say(desk, chat, 'anybody there?')
    await withSettings(desk, { Unread_Count_Omni: 'mentions_only' }, async () => {
      expect(await unreadOf(anna, chat)).toBe(1)
      await say(desk, chat, '@anna?')
      expect(await unreadOf(anna, chat)).toBe(2)
      await read(anna, { rid: chat.rid })
      await say(desk, chat, 'nobody in particular')
      expect(await placeOf(anna, chat)).toMatchObject({ unread: 0, alert: true })
    })
  })
})

describe('reading', () => {
  test('a room that the caller only looks into changes nothing', async () => {
    const chat = await openNext()
    const before = await allRows(desk)
    expect((await read(manager, { rid: chat.rid })).status).toBe(200)
    expect(await allRows(desk)).toEqual(before)
  })

  test('a foreign room and a missing one are refused alike', async () => {
    const chat = await openNext()
    const refused = bare('error-invalid-subscription')
    expect(refusal(await read(bob, { rid: chat.rid }))).toEqual(refused)
    expect(refusal(await read(bob, { rid: 'nowhere' }))).toEqual(refused)
    expect(refusal(await unread(bob, { roomId: chat.rid }))).toEqual(refused)
    expect(refusal(await unread(bob, { roomId: 'nowhere' }))).toEqual(refused)
  })

  test('a room must be named', async () => {
    for (const answered of [await read(anna, {}), await unread(anna, {})])
      expect([answered.status, errorTypeOf(answered)]).toEqual([400, 'invalid-params'])
  })
})

describe('keeping a room for later', () => {
  test('makes the latest message of somebody else unread', async () => {
    const chat = await openNext()
    await say(desk, chat, 'one')
    await say(desk, chat, 'two')
    await answer(anna, chat.rid, 'three')
    expect((await unread(anna, { roomId: chat.rid })).status).toBe(200)
    expect(await placeOf(anna, chat)).toMatchObject({ unread: 1, alert: true })
  })

  test('or everything from one message on', async () => {
    const chat = await openNext()
    const first = await say(desk, chat, 'one')
    await say(desk, chat, 'two')
    await answer(anna, chat.rid, 'three')
    expect((await unread(anna, { firstUnreadMessage: { _id: first._id } })).status).toBe(200)
    expect(await unreadOf(anna, chat)).toBe(2)
  })

  test('does not make anything read', async () => {
    const chat = await openNext()
    await say(desk, chat, 'one')
    const second = await say(desk, chat, 'two')
    await unread(anna, { firstUnreadMessage: { _id: second._id } })
    expect(await unreadOf(anna, chat)).toBe(3)
  })

  test('needs a message of somebody else', async () => {
    const chat = await openNext()
    const own = await answer(anna, chat.rid, 'hello')
    const none = await unread(anna, { roomId: chat.rid })
    expect([none.status, errorOf(none)]).toEqual([
      400,
      'There are no messages to mark unread [error-no-message-for-unread]',
    ])
    const foreign = await say(desk, chat, 'hello')
    const refused = [400, { success: false, error: 'Not allowed [error-action-not-allowed]', errorType: 'error-action-not-allowed' }] // prettier-ignore
    for (const [by, _id] of [
      [anna, own._id],
      [anna, 'nothing'],
      [bob, foreign._id],
    ] as const)
      // prettier-ignore
      expect(refusal(await unread(by, { firstUnreadMessage: { _id } }))).toEqual(refused)
  })
})

describe('what changed since', () => {
  test('is each chat with something new, and nothing else', async () => {
    const quiet = await openNext()
    const busy = await openNext()
    desk.clock.advance(1_000)
    const since = now()
    await say(desk, busy, 'hello')
    expect(await changedSince(anna, since)).toEqual({ update: [busy.rid], remove: [] })
    expect(await roomsSince(anna, since)).toEqual({ update: [busy.rid], remove: [] })
    expect((await changedSince(anna)).update).toEqual(expect.arrayContaining([busy.rid, quiet.rid]))
  })

  test('is a chat that was read, though its room did not change', async () => {
    const chat = await openNext()
    desk.clock.advance(1_000)
    const since = now()
    await read(anna, { rid: chat.rid })
    expect((await changedSince(anna, since)).update).toEqual([chat.rid])
    expect((await roomsSince(anna, since)).update).toEqual([])
  })

  test('names the chats that are lost, under the ids that they had', async () => {
    const closed = await openNext()
    const id = (await placeOf(anna, closed))!._id
    const kept = await openNext()
    desk.clock.advance(1_000)
    const since = now()
    await closeBy(anna, closed.rid)
    const { remove } = await anna.call('GET /subscriptions.get', { query: { updatedSince: since } })
    expect(remove).toEqual([{ _id: id, rid: closed.rid, t: 'l', _deletedAt: now() }])
    expect((await roomsSince(anna, since)).remove).toEqual([closed.rid])
    expect((await changedSince(bob, since)).remove).toEqual([])
    desk.clock.advance(1)
    expect((await changedSince(anna, now())).remove).toEqual([])
    expect((await changedSince(anna)).update).toContain(kept.rid)
  })

  test('names a chat that has ended to everybody who was in it', async () => {
    const chat = await openNext()
    const kept = await openNext()
    for (const one of [chat, kept]) await join(manager, one)
    desk.clock.advance(1_000)
    const since = now()
    await closeByVisitor(desk, chat)
    for (const by of [anna, manager]) {
      expect((await changedSince(by, since)).remove).toEqual([chat.rid])
      expect((await roomsSince(by, since)).remove).toEqual([chat.rid])
    }
    expect((await changedSince(bob, since)).remove).toEqual([])
    desk.clock.advance(1)
    expect((await roomsSince(manager, now())).remove).toEqual([])
  })

  test('names a chat that the agent has left and not come back to', async () => {
    const chat = await openNext()
    desk.clock.advance(1_000)
    const since = now()
    await desk.server.context.transact(async (tx) => {
      const author = { kind: 'user', id: anna.id, username: 'anna' } as const
      await writeLine(tx, chat.rid, { type: 'ul', text: 'anna', author })
    })
    expect((await changedSince(anna, since)).remove).toEqual([])
    await desk.server.context.transact((tx) => tx.run(tx.sql.deleteFrom('subscription').where('roomId', '=', chat.rid)))
    expect(await changedSince(anna, since)).toEqual({ update: [], remove: [chat.rid] })
    expect((await roomsSince(anna, since)).remove).toEqual([chat.rid])
  })

  test.each(['GET /subscriptions.get', 'GET /rooms.get'])('%s wants a date, or nothing', async (key) => {
    const wrong = await anna.raw(key, { query: { updatedSince: 'yesterday' } })
    expect([wrong.status, errorTypeOf(wrong)]).toEqual([400, 'invalid-params'])
    expect((await anna.raw(key, { query: { updatedSince: '' } })).status).toBe(200)
  })
})

describe('the rooms of an agent', () => {
  test('are whole documents, with the last message', async () => {
    const chat = await openNext({ name: 'Vera' })
    const message = await say(desk, chat, 'hello')
    const { update } = await anna.call('GET /rooms.get')
    expect(update.find(({ _id }) => _id === chat.rid)).toMatchObject({
      t: 'l',
      fname: 'Vera',
      open: true,
      servedBy: { _id: anna.id },
      lastMessage: { _id: message._id, msg: 'hello' },
    })
  })

  test('appear when a chat is joined and are gone when it is closed', async () => {
    const chat = await openNext()
    expect((await roomsSince(manager)).update).not.toContain(chat.rid)
    await join(manager, chat)
    expect((await roomsSince(manager)).update).toContain(chat.rid)
    await closeByVisitor(desk, chat)
    expect((await roomsSince(manager)).update).not.toContain(chat.rid)
  })

  test('everybody has the default channel, which is no conversation', async () => {
    const user = await desk.staff({ roles: ['user'] })
    const { update } = await user.call('GET /rooms.get')
    expect(update).toMatchObject([{ _id: 'GENERAL', t: 'c', name: 'general', default: true }])
    expect((await roomsSince(user, now())).update).toEqual([])
    const query = { roomId: 'GENERAL' }
    expect((await user.call('GET /channels.info', { query })).channel).toEqual(update[0])
    expect((await user.call('GET /rooms.info', { query })).room).toEqual(update[0])
    const closing = await anna.raw('POST /livechat/room.closeByUser', { body: { rid: 'GENERAL' } })
    expect(refusal(closing)).toEqual(bare('error-invalid-room'))
  })

  test('are asked for by staff', async () => {
    for (const key of [
      'GET /rooms.get',
      'GET /subscriptions.get',
      'GET /subscriptions.getOne',
      'POST /subscriptions.read',
      'POST /subscriptions.unread',
    ])
      // prettier-ignore
      expect((await desk.anyone.raw(key)).status).toBe(401)
  })
})
