import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answer,
  bare,
  closeByVisitor,
  errorOf,
  errorTypeOf,
  historyOf,
  openChat,
  openRoomOf,
  refusal,
  roomOf,
  roomSeenBy,
  say,
  withSettings,
  type WireMessage,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
let user: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna', name: 'Anna A.' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  user = await desk.staff({ username: 'uma', roles: ['user'] })
})
afterAll(() => desk.stop())

const send = (by: StaffMember, message: Record<string, unknown>) =>
  by.raw('POST /chat.sendMessage', { body: { message } })
const update = (by: StaffMember, body: Record<string, unknown>) => by.raw('POST /chat.update', { body })
const remove = (by: StaffMember, body: Record<string, unknown>) => by.raw('POST /chat.delete', { body })
const texts = (messages: WireMessage[]) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
const notFound = (id: string) => [400, { success: false, error: `No message found with the id of "${id}".` }]

describe('an agent answers', () => {
  test('and the visitor reads it, as a message of the agent', async () => {
    const chat = await openChat(desk)
    const message = await answer(anna, chat.rid, 'hello')
    expect(message).toMatchObject({
      rid: chat.rid,
      msg: 'hello',
      u: { _id: anna.id, username: 'anna', name: 'Anna A.' },
    })
    expect(message).not.toHaveProperty('token')
    expect((await historyOf(desk, chat))[0]).toEqual(message)
  })

  test('and nobody waits any more', async () => {
    const chat = await openChat(desk)
    const first = await answer(anna, chat.rid, 'hello')
    const second = await answer(anna, chat.rid, 'are you there?')
    const room = await roomOf(desk, chat)
    expect(room).not.toHaveProperty('waitingResponse')
    expect(room.responseBy).toMatchObject({ _id: anna.id, username: 'anna' })
    expect(room.responseBy!.firstResponseTs <= first.ts).toBe(true)
    expect(room).toMatchObject({ lm: second.ts, lastMessage: { _id: second._id }, msgs: 5 })
  })

  test('and the visitor’s record says in which months somebody did', async () => {
    const chat = await openChat(desk)
    await answer(anna, chat.rid, 'hello')
    await answer(anna, chat.rid, 'hello')
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: chat.token } })
    expect(visitor.activity).toEqual(['2026-01'])
  })

  test('and the room and its inquiry say so too, those of the next chat from the start', async () => {
    const seen = async (rid: string) => {
      const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: rid } })
      return [(await roomSeenBy(manager, rid)).v.activity, inquiry?.v.activity]
    }
    const chat = await openChat(desk)
    await say(desk, chat, 'hello?')
    expect(await seen(chat.rid)).toEqual([undefined, undefined])
    await answer(anna, chat.rid, 'hello')
    await answer(anna, chat.rid, 'hello')
    expect(await seen(chat.rid)).toEqual([['2026-01'], ['2026-01']])
    await closeByVisitor(desk, chat)
    const next = await openRoomOf(desk, chat)
    expect(await seen(next.rid)).toEqual([['2026-01'], ['2026-01']])
    expect((await roomSeenBy(manager, chat.rid)).v.activity).toEqual(['2026-01'])
  })

  test('nothing that is added becomes part of the message', async () => {
    const chat = await openChat(desk)
    const forged = { u: { _id: bob.id, username: 'bob' }, ts: '1999', t: 'livechat-close', alias: 'Visitor', token: chat.token, editedAt: '1999', _hidden: true, md: ['forged'] } // prettier-ignore
    const message = await answer(anna, chat.rid, 'x', forged)
    expect(message.u._id).toBe(anna.id)
    expect(JSON.stringify(message)).not.toMatch(/1999|forged|Visitor"|token/)
    expect(message).not.toHaveProperty('t')
  })

  test('twice with the same id is once; the id of anybody else is refused', async () => {
    const chat = await openChat(desk)
    const fromVisitor = await say(desk, chat, 'visitor words')
    const first = await answer(anna, chat.rid, 'once', { _id: 'agent-1' })
    expect(await answer(anna, chat.rid, 'twice', { _id: 'agent-1' })).toEqual(first)
    for (const _id of ['agent-1', fromVisitor._id]) {
      const by = _id === 'agent-1' ? manager : anna
      expect(refusal(await send(by, { rid: chat.rid, msg: 'mine', _id }))).toEqual(bare('invalid-message'))
    }
    await closeByVisitor(desk, chat)
    expect(await answer(anna, chat.rid, 'once', { _id: 'agent-1' })).toEqual(first)
    expect(texts(await historyOf(desk, chat))).toEqual(['once', 'visitor words'])
  })

  test('in a room that is not the agent’s, unknown or over: refused', async () => {
    const [chat, closed] = [await openChat(desk), await openChat(desk)]
    await closeByVisitor(desk, closed)
    expect(refusal(await send(bob, { rid: chat.rid, msg: 'x' }))).toEqual(bare('error-not-allowed'))
    expect(refusal(await send(user, { rid: chat.rid, msg: 'x' }))).toEqual(bare('error-not-allowed'))
    expect(refusal(await send(anna, { rid: 'no-such', msg: 'x' }))).toEqual(bare('error-invalid-room'))
    expect(refusal(await send(anna, { rid: closed.rid, msg: 'x' }))).toEqual(bare('room-closed'))
    expect(
      (await desk.anyone.raw('POST /chat.sendMessage', { body: { message: { rid: chat.rid, msg: 'x' } } })).status,
    ).toBe(401)
    expect(texts(await historyOf(desk, chat))).toEqual([])
  })

  test('a text longer than the setting allows is refused', async () => {
    const chat = await openChat(desk)
    await withSettings(desk, { Message_MaxAllowedSize: 5 }, async () => {
      const tooLong = await send(anna, { rid: chat.rid, msg: '123456' })
      expect([tooLong.status, errorTypeOf(tooLong)]).toEqual([400, 'error-message-size-exceeded'])
      expect(errorOf(tooLong)).toMatch(/ \[error-message-size-exceeded\]$/)
      expect((await send(anna, { rid: chat.rid, msg: '12345' })).status).toBe(200)
    })
  })

  test('malformed: no room, no message, objects for text', async () => {
    const chat = await openChat(desk)
    for (const body of [
      {},
      { message: {} },
      { message: { msg: 'x' } },
      { message: { rid: chat.rid, msg: { $regex: '' } } },
      { message: 'x' },
    ]) {
      const refused = await anna.raw('POST /chat.sendMessage', { body })
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'invalid-params'])
    }
  })
})

describe('posting', () => {
  const post = (by: StaffMember, body: Record<string, unknown>) => by.raw('POST /chat.postMessage', { body })

  test.each(['roomId', 'channel'])('by %s answers time, room and message', async (name) => {
    const chat = await openChat(desk)
    const { body } = (await post(anna, { [name]: chat.rid, text: 'posted' })) as { body: { message: WireMessage } }
    expect(body).toEqual({
      ts: Date.parse(body.message.ts),
      channel: expect.any(String) as string,
      message: body.message,
      success: true,
    })
    expect(body.message).toMatchObject({ msg: 'posted', u: { _id: anna.id } })
    expect((await historyOf(desk, chat))[0]).toEqual(body.message)
  })

  test('into a foreign room is answered like into a missing one, and neither in whole words nor by length', async () => {
    const [chat, closed] = [await openChat(desk), await openChat(desk)]
    await closeByVisitor(desk, closed)
    for (const roomId of [chat.rid, 'no-such']) {
      const refused = await post(bob, { roomId, text: 'x' })
      expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'invalid-channel'])
    }
    expect((await post(bob, { roomId: chat.rid, text: 'x' })).body).toEqual(
      (await post(bob, { roomId: 'no-such', text: 'x' })).body,
    )
    expect(errorTypeOf(await post(anna, { text: 'x' }))).toBe('invalid-channel')
    expect(refusal(await post(anna, { roomId: closed.rid, text: 'x' }))).toEqual(bare('room-closed'))
    await withSettings(desk, { Message_MaxAllowedSize: 2 }, async () => {
      expect(errorTypeOf(await post(anna, { roomId: chat.rid, text: '123' }))).toBe('error-message-size-exceeded')
    })
  })
})

describe('what an agent shows beside a text', () => {
  const card = {
    title: 'Order 7', title_link: 'https://shop.example.org/orders/7', text: 'On its way', color: '#00aa00',
    author_name: 'Shop', thumb_url: '/avatar/shop', collapsed: false, fields: [{ title: 'Parcels', value: '2', short: true }],
  } // prettier-ignore
  const post = (by: StaffMember, body: Record<string, unknown>) => by.raw('POST /chat.postMessage', { body })

  test('is read by the visitor as it was given, also without a text', async () => {
    const chat = await openChat(desk)
    const message = await answer(anna, chat.rid, 'look', { attachments: [card] })
    expect(message.attachments).toEqual([card])
    const { body } = (await post(anna, { roomId: chat.rid, attachments: [card] })) as { body: { message: WireMessage } }
    expect(body.message).toMatchObject({ msg: '', attachments: [card] })
    const [second, first] = await historyOf(desk, chat)
    expect([first, second]).toEqual([message, body.message])
  })

  test('stays when the text is edited, and goes with the message', async () => {
    const chat = await openChat(desk)
    const { _id } = await answer(anna, chat.rid, 'lok', { attachments: [card] })
    const at = { roomId: chat.rid, msgId: _id }
    const { body } = (await update(anna, { ...at, text: 'look' })) as { body: { message: WireMessage } }
    expect(body.message).toMatchObject({ msg: 'look', attachments: [card] })
    await withSettings(desk, { Message_ShowDeletedStatus: true }, async () => {
      await remove(anna, at)
    })
    expect((await historyOf(desk, chat))[0]).not.toHaveProperty('attachments')
  })

  test('has nothing in it that nobody knows, and no quote that the server did not make', async () => {
    const chat = await openChat(desk)
    const forged = {
      title: 'x',
      message_link: 'https://chat.example.org/live/r?msg=m',
      type: 'file',
      onclick: 'alert(1)',
    }
    expect((await answer(anna, chat.rid, 'x', { attachments: [forged] })).attachments).toEqual([{ title: 'x' }])
    expect(await answer(anna, chat.rid, 'x', { attachments: [] })).not.toHaveProperty('attachments')
  })

  test.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example', '/\\evil.example', 'ftp://x', ' https://x'])(
    'leads nowhere but to pages and files: %s',
    async (link) => {
      const chat = await openChat(desk)
      for (const key of [
        'title_link',
        'author_link',
        'image_url',
        'audio_url',
        'video_url',
        'thumb_url',
        'author_icon',
      ]) {
        const refused = await send(anna, { rid: chat.rid, msg: 'x', attachments: [{ [key]: link }] })
        expect([key, refused.status, errorTypeOf(refused)]).toEqual([key, 400, 'invalid-params'])
      }
      expect((await post(anna, { roomId: chat.rid, attachments: [{ title_link: link }] })).status).toBe(400)
    },
  )

  test('is at most ten', async () => {
    const chat = await openChat(desk)
    const many = (count: number) =>
      send(anna, { rid: chat.rid, msg: 'x', attachments: Array.from({ length: count }, () => card) })
    expect([(await many(10)).status, (await many(11)).status]).toEqual([200, 400])
  })
})

describe('editing and taking back', () => {
  test('one’s own', async () => {
    const chat = await openChat(desk)
    const first = await answer(anna, chat.rid, 'frist')
    const { body } = (await update(anna, { roomId: chat.rid, msgId: first._id, text: 'first' })) as {
      body: { message: WireMessage }
    }
    expect(body.message).toMatchObject({
      _id: first._id,
      msg: 'first',
      ts: first.ts,
      editedBy: { _id: anna.id, username: 'anna' },
    })
    const gone = await remove(anna, { roomId: chat.rid, msgId: first._id })
    expect(gone.body).toMatchObject({
      _id: first._id, ts: expect.any(Number) as number, message: { _id: first._id, rid: chat.rid, u: { _id: anna.id } }, success: true,
    }) // prettier-ignore
    expect(texts(await historyOf(desk, chat))).toEqual([])
  })

  test('not the visitor’s, not a colleague’s, not the system’s', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'from the visitor')
    await answer(manager, chat.rid, 'from the manager')
    const all = await historyOf(desk, chat)
    for (const { _id } of all) {
      const edited = await update(anna, { roomId: chat.rid, msgId: _id, text: 'forged' })
      const removed = await remove(anna, { roomId: chat.rid, msgId: _id })
      expect([edited, removed].map((refused) => [refused.status, errorTypeOf(refused)])).toEqual([
        [400, 'error-action-not-allowed'],
        [400, 'error-action-not-allowed'],
      ])
    }
    expect(await historyOf(desk, chat)).toEqual(all)
  })

  test('a message of another room, with one’s own room’s id: refused, and nothing is told of foreign ones', async () => {
    const [chat, other] = [await openChat(desk), await openChat(desk)]
    const mine = await answer(anna, chat.rid, 'mine')
    const mismatch = [400, { success: false, error: 'The room id provided does not match where the message is from.' }]
    expect(refusal(await update(anna, { roomId: other.rid, msgId: mine._id, text: 'x' }))).toEqual(mismatch)
    expect(refusal(await remove(anna, { roomId: other.rid, msgId: mine._id }))).toEqual(mismatch)
    for (const by of [bob, user]) {
      expect(refusal(await update(by, { roomId: chat.rid, msgId: mine._id, text: 'x' }))).toEqual(notFound(mine._id))
      expect(refusal(await remove(by, { roomId: chat.rid, msgId: mine._id }))).toEqual(notFound(mine._id))
    }
    expect(refusal(await update(anna, { roomId: chat.rid, msgId: 'no-such', text: 'x' }))).toEqual(notFound('no-such'))
    expect(refusal(await remove(anna, { roomId: chat.rid, msgId: 'no-such' }))).toEqual(notFound('no-such'))
  })

  test('only while the settings allow it and the text is not too long', async () => {
    const chat = await openChat(desk)
    const { _id } = await answer(anna, chat.rid, 'x')
    const at = { roomId: chat.rid, msgId: _id }
    await withSettings(desk, { Message_AllowEditing: false, Message_AllowDeleting: false }, async () => {
      expect(errorTypeOf(await update(anna, { ...at, text: 'y' }))).toBe('error-action-not-allowed')
      expect(errorTypeOf(await remove(anna, at))).toBe('error-action-not-allowed')
    })
    await withSettings(desk, { Message_MaxAllowedSize: 2 }, async () => {
      expect(errorTypeOf(await update(anna, { ...at, text: '123' }))).toBe('error-message-size-exceeded')
    })
    expect(texts(await historyOf(desk, chat))).toEqual(['x'])
  })

  test('only for as many minutes as the settings allow; visitors have all the time', async () => {
    const limits = { Message_AllowEditing_BlockEditInMinutes: 5, Message_AllowDeleting_BlockDeleteInMinutes: 5 }
    await withSettings(desk, limits, async () => {
      const chat = await openChat(desk)
      const { _id } = await answer(anna, chat.rid, 'x')
      const fromVisitor = await say(desk, chat, 'mine')
      const at = { roomId: chat.rid, msgId: _id }
      desk.clock.advance(5 * 60_000)
      expect((await update(anna, { ...at, text: 'in time' })).status).toBe(200)
      desk.clock.advance(1_000)
      expect(errorTypeOf(await update(anna, { ...at, text: 'too late' }))).toBe('error-action-not-allowed')
      expect(errorTypeOf(await remove(anna, at))).toBe('error-action-not-allowed')
      const body = { token: chat.token, rid: chat.rid, msg: 'still mine' }
      const edited = await desk.anyone.raw('PUT /livechat/message/:_id', { params: { _id: fromVisitor._id }, body })
      expect(edited.status).toBe(200)
      expect(texts(await historyOf(desk, chat))).toEqual(['still mine', 'in time'])
    })
  })

  test('leaves an empty line where the setting wants one', async () => {
    await withSettings(desk, { Message_ShowDeletedStatus: true }, async () => {
      const chat = await openChat(desk)
      const { _id } = await answer(anna, chat.rid, 'regretted')
      await remove(anna, { roomId: chat.rid, msgId: _id })
      expect((await historyOf(desk, chat))[0]).toMatchObject({ _id, t: 'rm', msg: '', editedBy: { _id: anna.id } })
    })
  })
})

describe('reading', () => {
  const get = (by: StaffMember, msgId: string) => by.raw('GET /chat.getMessage', { query: { msgId } })
  const list = (
    by: StaffMember,
    rid: string,
    query: Record<string, string> = {},
    key = 'GET /livechat/messages/:rid',
  ) => by.raw(key, { params: { rid }, query })

  test('one message, without the visitor’s token', async () => {
    const chat = await openChat(desk, { name: 'Ana' })
    const { token, ...sent } = await say(desk, chat, 'hello')
    expect(token).toBe(chat.token)
    expect((await get(anna, sent._id)).body).toEqual({ message: sent, success: true })
  })

  test('a message one may not read is answered like one that is not there', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'secret')
    for (const by of [bob, user])
      for (const id of [_id, 'no-such']) expect(refusal(await get(by, id))).toEqual(notFound(id))
    await desk.anyone.call('DELETE /livechat/message/:_id', {
      params: { _id },
      body: { token: chat.token, rid: chat.rid },
    })
    expect(refusal(await get(anna, _id))).toEqual(notFound(_id))
  })

  test.each(['GET /livechat/messages/:rid', 'GET /livechat/:rid/messages'])(
    '%s: what people said, and the end, newest first, without the visitor’s token',
    async (key) => {
      const chat = await openChat(desk)
      await say(desk, chat, 'question')
      const fresh = await list(anna, chat.rid, {}, key)
      expect(fresh.body).toMatchObject({ total: 1, offset: 0, messages: [{ msg: 'question' }] })
      await answer(anna, chat.rid, 'answer')
      await closeByVisitor(desk, chat)
      const { body } = (await list(manager, chat.rid, {}, key)) as { body: { messages: WireMessage[]; total: number } }
      expect(body.messages.map(({ msg }) => msg)).toEqual(['Closed by visitor', 'answer', 'question'])
      expect(body.total).toBe(3)
      expect(JSON.stringify(body)).not.toContain(chat.token)
    },
  )

  test('in pages, in the order asked for, and only what contains a text', async () => {
    const chat = await openChat(desk)
    for (const msg of ['one', 'TWO 100%', 'three', 'a.b*c']) await say(desk, chat, msg)
    const found = async (query: Record<string, string>) => {
      const { messages, total } = await anna.call('GET /livechat/messages/:rid', { params: { rid: chat.rid }, query })
      return [messages.map(({ msg }) => msg), total]
    }
    expect(await found({ count: '2', offset: '1' })).toEqual([['three', 'TWO 100%'], 4])
    expect(await found({ sort: '{"ts":1}', count: '1' })).toEqual([['one'], 4])
    expect(await found({ searchTerm: '' })).toMatchObject([{ length: 4 }, 4])
    expect(await found({ searchTerm: 'hre' })).toEqual([['three'], 1])
    expect(await found({ searchTerm: 'two' })).toEqual([['TWO 100%'], 1])
    expect(await found({ searchTerm: '0%' })).toEqual([['TWO 100%'], 1])
    expect(await found({ searchTerm: '.b*' })).toEqual([['a.b*c'], 1])
    for (const pattern of ['t.*e', '%e%', '_ne', `' or 1=1 --`])
      expect(await found({ searchTerm: pattern })).toEqual([[], 0])
    const { body } = (await list(anna, chat.rid, { count: '7' })) as { body: { count: number } }
    expect(body.count).toBe(7)
  })

  test('a foreign or a missing room', async () => {
    const chat = await openChat(desk)
    expect(refusal(await list(bob, chat.rid))).toEqual(bare('not-allowed'))
    expect(refusal(await list(bob, 'no-such'))).toEqual(bare('invalid-room'))
    expect((await list(user, chat.rid)).status).toBe(403)
    expect((await desk.anyone.raw('GET /livechat/messages/:rid', { params: { rid: chat.rid } })).status).toBe(401)
  })

  test('a manager reads every room; an agent a served one of a colleague only with the permission for closed ones', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'x')
    expect((await list(manager, chat.rid)).status).toBe(200)
    await closeByVisitor(desk, chat)
    expect((await roomSeenBy(manager, chat.rid)).closer).toBe('visitor')
    expect(refusal(await list(bob, chat.rid))).toEqual(bare('not-allowed'))
    const monitor = await desk.staff({ roles: ['user', 'livechat-monitor'] })
    expect((await list(monitor, chat.rid)).status).toBe(200)
    expect((await list(anna, chat.rid)).status).toBe(200)
  })
})

describe('everything written in a room', () => {
  const history = (by: StaffMember, rid: string, query: Record<string, string> = {}) =>
    by.raw('GET /livechat/room.history/:rid', { params: { rid }, query })
  const changes = (by: StaffMember, rid: string, query: Record<string, string> = {}) =>
    by.raw('GET /livechat/room.changes/:rid', { params: { rid }, query })

  test('is read by its agents a page at a time, lines included, without the visitor’s token', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'question')
    const last = await answer(anna, chat.rid, 'answer')
    const { body } = (await history(anna, chat.rid)) as { body: { messages: WireMessage[] } }
    const written = body.messages.map(({ t, msg }) => t ?? msg)
    expect(written).toEqual(['answer', 'question', 'uj', 'command', 'livechat-started'])
    expect(JSON.stringify(body)).not.toContain(chat.token)
    const older = await anna.call('GET /livechat/room.history/:rid', {
      params: { rid: chat.rid },
      query: { end: last.ts, limit: '2' },
    })
    expect(older.messages.map(({ t, msg }) => t ?? msg)).toEqual(['question', 'uj'])
    await withSettings(desk, { Hide_System_Messages: ['uj'] }, async () => {
      const { messages } = await anna.call('GET /livechat/room.history/:rid', { params: { rid: chat.rid } })
      expect(messages.map(({ t, msg }) => t ?? msg)).toEqual(['answer', 'question', 'command', 'livechat-started'])
    })
  })

  test('is caught up with by change numbers, deletions included', async () => {
    const chat = await openChat(desk)
    const params = { rid: chat.rid }
    const before = await anna.call('GET /livechat/room.changes/:rid', { params })
    expect(before).toMatchObject({ more: false, changes: [{ message: { t: 'livechat-started' } }, {}, {}] })
    const { _id } = await say(desk, chat, 'question')
    const mine = await answer(anna, chat.rid, 'answer')
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id }, body: chat })
    const query = { after: String(before.next), count: '1' }
    const page = await anna.call('GET /livechat/room.changes/:rid', { params, query })
    expect(page).toMatchObject({ more: true, changes: [{ _id: mine._id, message: { msg: 'answer' } }] })
    const rest = await anna.call('GET /livechat/room.changes/:rid', { params, query: { after: String(page.next) } })
    expect(rest).toMatchObject({ more: false, changes: [{ _id, deletedAt: expect.any(String) }] })
    expect(JSON.stringify([before, page, rest])).not.toContain(chat.token)
    await withSettings(desk, { Hide_System_Messages: ['uj', 'command'] }, async () => {
      const { changes: shown } = await anna.call('GET /livechat/room.changes/:rid', { params })
      expect(shown.map(({ message }) => message?.t ?? message?.msg)).toEqual(['livechat-started', 'answer', undefined])
    })
  })

  test.each([['history' as const], ['changes' as const]])(
    '%s: not by others, not of a room that is none',
    async (what) => {
      const read = what === 'history' ? history : changes
      const chat = await openChat(desk)
      expect(refusal(await read(bob, chat.rid))).toEqual(bare('not-allowed'))
      expect(refusal(await read(anna, 'none'))).toEqual(bare('invalid-room'))
      expect((await read(user, chat.rid)).status).toBe(403)
      if (what === 'history') expect(errorTypeOf(await read(anna, chat.rid, { end: 'x' }))).toBe('invalid-params')
    },
  )
})

describe('searching a room', () => {
  const search = (by: StaffMember, query: Record<string, string>) => by.raw('GET /chat.search', { query })
  async function found(chat: { rid: string }, searchText: string): Promise<string[]> {
    const { messages } = await anna.call('GET /chat.search', { query: { roomId: chat.rid, searchText } })
    return texts(messages)
  }

  test('finds any case of any letters, newest first', async () => {
    const chat = await openChat(desk)
    for (const msg of ['Äpfel für ÉLODIE', 'äpfel', 'apfel', 'ПРИВЕТ Ω', 'STRASSE']) await say(desk, chat, msg)
    expect(await found(chat, 'äpfel')).toEqual(['äpfel', 'Äpfel für ÉLODIE'])
    expect(await found(chat, 'ÄPFEL')).toEqual(['äpfel', 'Äpfel für ÉLODIE'])
    expect(await found(chat, 'élodie')).toEqual(['Äpfel für ÉLODIE'])
    expect(await found(chat, 'e\u0301lodie')).toEqual(['Äpfel für ÉLODIE'])
    expect(await found(chat, 'привет ω')).toEqual(['ПРИВЕТ Ω'])
    expect(await found(chat, 'strasse')).toEqual(['STRASSE'])
    expect(await found(chat, 'ä%')).toEqual([])
  })

  test('finds what an edit made of a message, and no longer what it said', async () => {
    const chat = await openChat(desk)
    const { _id } = await answer(anna, chat.rid, 'ÖL')
    await update(anna, { roomId: chat.rid, msgId: _id, text: 'ÜBER' })
    expect(await found(chat, 'öl')).toEqual([])
    expect(await found(chat, 'über')).toEqual(['ÜBER'])
  })

  test('finds messages from before there was a folded text as they are written', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'ÄPFEL und Birnen')
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('message').set({ textFolded: null }).where('id', '=', _id)),
    )
    expect(await found(chat, 'ÄPFEL')).toEqual(['ÄPFEL und Birnen'])
    expect(await found(chat, 'birnen')).toEqual(['ÄPFEL und Birnen'])
  })

  test('comes in pages', async () => {
    const chat = await openChat(desk)
    for (const msg of ['a1', 'a2', 'a3']) await say(desk, chat, msg)
    const { body } = await search(anna, { roomId: chat.rid, searchText: 'a', count: '1', offset: '1' })
    expect(texts((body as { messages: WireMessage[] }).messages)).toEqual(['a2'])
  })

  test('is refused alike in a foreign room and a missing one', async () => {
    const chat = await openChat(desk)
    const refused = [400, { success: false, error: 'Not allowed [error-not-allowed]', errorType: 'error-not-allowed' }]
    for (const roomId of [chat.rid, 'no-such']) {
      expect(refusal(await search(bob, { roomId, searchText: 'x' }))).toEqual(refused)
      expect(refusal(await bob.raw('GET /chat.syncMessages', { query: { roomId, lastUpdate: chat.room.ts } }))).toEqual(refused) // prettier-ignore
    }
    expect((await search(anna, { roomId: chat.rid, searchText: '' })).status).toBe(400)
  })
})

describe('what changed since a moment', () => {
  const sync = async (rid: string, lastUpdate: string) =>
    (await anna.call('GET /chat.syncMessages', { query: { roomId: rid, lastUpdate } })).result

  test('are new, edited and deleted messages', async () => {
    const chat = await openChat(desk)
    const edited = await answer(anna, chat.rid, 'helo')
    const deleted = await answer(anna, chat.rid, 'regretted')
    await answer(anna, chat.rid, 'untouched')
    const lastUpdate = new Date(desk.clock.now()).toISOString()
    expect(await sync(chat.rid, lastUpdate)).toEqual({ updated: [], deleted: [] })
    desk.clock.advance(1_000)
    await update(anna, { roomId: chat.rid, msgId: edited._id, text: 'hello' })
    await remove(anna, { roomId: chat.rid, msgId: deleted._id })
    const fresh = await say(desk, chat, 'thanks')
    const { updated, deleted: gone } = await sync(chat.rid, lastUpdate)
    expect(updated.map(({ _id, msg }) => [_id, msg])).toEqual([[edited._id, 'hello'], [fresh._id, 'thanks']]) // prettier-ignore
    expect(gone).toEqual([{ _id: deleted._id, _deletedAt: new Date(desk.clock.now()).toISOString() }])
    expect(JSON.stringify(updated)).not.toContain(chat.token)
  })

  test('leave out the kinds of lines that the server hides', async () => {
    const chat = await openChat(desk)
    await answer(anna, chat.rid, 'hello')
    const since = new Date(desk.clock.now() - 1_000).toISOString()
    const kinds = async () => (await sync(chat.rid, since)).updated.map(({ t, msg }) => t ?? msg)
    expect(await kinds()).toEqual(['livechat-started', 'command', 'uj', 'hello'])
    await withSettings(desk, { Hide_System_Messages: ['uj', 'command'] }, async () => {
      expect(await kinds()).toEqual(['livechat-started', 'hello'])
    })
  })

  test('wants a date', async () => {
    const chat = await openChat(desk)
    for (const lastUpdate of ['', 'yesterday']) {
      const wrong = await anna.raw('GET /chat.syncMessages', { query: { roomId: chat.rid, lastUpdate } })
      expect([wrong.status, errorTypeOf(wrong)]).toEqual([400, 'invalid-params'])
    }
  })
})
