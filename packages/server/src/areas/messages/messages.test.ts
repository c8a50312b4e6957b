import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeBy,
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
  type Chat,
  type WireMessage,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

function send(body: Record<string, unknown>) {
  return desk.anyone.raw('POST /livechat/message', { body })
}

/** An operation on one message, with token and rid where that operation has them. */
function onMessage(method: 'GET' | 'PUT' | 'DELETE', id: string, at: { token: string; rid: string }, msg = 'edited') {
  const { token, rid } = at
  const key = `${method} /livechat/message/:_id`
  if (method === 'GET') return desk.anyone.raw(key, { params: { _id: id }, query: { token, rid } })
  return desk.anyone.raw(key, { params: { _id: id }, body: { token, rid, ...(method === 'PUT' && { msg }) } })
}

const texts = (messages: WireMessage[]) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)

describe('sending', () => {
  test('answers the stored message, with all that clients read', async () => {
    const chat = await openChat(desk, { name: 'Ana' })
    const message = await say(desk, chat, 'hello *you*')
    expect(message).toMatchObject({
      rid: chat.rid, msg: 'hello *you*', token: chat.token, alias: 'Ana',
      u: { _id: chat.id, username: chat.room.v.username, name: 'Ana' },
      urls: [], mentions: [], channels: [],
    }) // prettier-ignore
    expect(message.md).toEqual([
      {
        type: 'PARAGRAPH',
        value: [
          { type: 'PLAIN_TEXT', value: 'hello ' },
          { type: 'BOLD', value: [{ type: 'PLAIN_TEXT', value: 'you' }] },
        ],
      },
    ])
    expect(message).not.toHaveProperty('t')
    expect((await onMessage('GET', message._id, chat)).body).toEqual({ message, success: true })
    expect((await historyOf(desk, chat))[0]).toEqual(message)
  })

  test('moves the room: counts, latest message, who waits', async () => {
    const chat = await openChat(desk)
    await answer(anna, chat.rid, 'how can I help?')
    expect(await roomOf(desk, chat)).not.toHaveProperty('waitingResponse')
    const before = await roomOf(desk, chat)
    expect(before.responseBy).toMatchObject({ _id: anna.id, username: 'anna' })
    const message = await say(desk, chat, 'like this')
    const after = await roomOf(desk, chat)
    expect(after).toMatchObject({
      msgs: before.msgs + 1,
      lm: message.ts,
      waitingResponse: true,
      lastMessage: { _id: message._id },
    })
    expect(after).not.toHaveProperty('responseBy')
    expect(after.v.lastMessageTs).toBeDefined()
  })

  test('nothing a client adds becomes part of the message', async () => {
    const chat = await openChat(desk)
    const forged = {
      u: { _id: anna.id, username: 'anna' }, ts: '1999-01-01T00:00:00.000Z', t: 'livechat-close', alias: 'Support', bot: true,
      role: 'agent', _hidden: true, groupable: true, editedAt: '1999', attachments: [{ text: 'forged' }], file: { _id: 'forged' },
      md: [{ type: 'forged' }], urls: ['forged'], mentions: ['forged'], blocks: [], actionLinks: [], seq: 99, tmid: 'forged',
      agent: { agentId: 'forged', username: 'forged', name: 'forged' },
    } // prettier-ignore
    const message = await say(desk, chat, 'plain', forged)
    expect(message.u._id).toBe(chat.id)
    for (const shown of [message, (await historyOf(desk, chat))[0], await roomOf(desk, chat)])
      expect(JSON.stringify(shown)).not.toMatch(/forged|1999|Support/)
    expect(message).not.toHaveProperty('t')
    expect((await roomOf(desk, chat)).servedBy?._id).toBe(anna.id)
  })

  test('what is wrong is told in the documented order', async () => {
    const [chat, closed] = [await openChat(desk), await openChat(desk)]
    await closeByVisitor(desk, closed)
    const limit = { Livechat_enable_message_character_limit: true, Livechat_message_character_limit: 5 }
    await withSettings(desk, limit, async () => {
      expect(refusal(await send({ token: 'nobody', rid: 'no-such', msg: 'too long' }))).toEqual(bare('invalid-token'))
      expect(refusal(await send({ token: closed.token, rid: 'no-such', msg: 'too long' }))).toEqual(
        bare('invalid-room'),
      )
      expect(refusal(await send({ token: closed.token, rid: closed.rid, msg: 'too long' }))).toEqual(
        bare('room-closed'),
      )
      const tooLong = bare('message-length-exceeds-character-limit')
      expect(refusal(await send({ token: chat.token, rid: chat.rid, msg: '123456' }))).toEqual(tooLong)
      expect((await send({ token: chat.token, rid: chat.rid, msg: '12345' })).status).toBe(200)
    })
    expect(texts(await historyOf(desk, chat))).toEqual(['12345'])
  })

  test('a message to a closed room makes no room and no message', async () => {
    const chat = await openChat(desk)
    await closeByVisitor(desk, chat)
    const before = await allRows(desk)
    expect(refusal(await send({ token: chat.token, rid: chat.rid, msg: 'are you there?' }))).toEqual(
      bare('room-closed'),
    )
    expect(await allRows(desk)).toEqual(before)
  })

  test('nobody writes into another’s room, a missing one or without a token', async () => {
    const [victim, attacker] = [await openChat(desk), await openChat(desk)]
    const before = await allRows(desk)
    for (const rid of [victim.rid, 'no-such', 'GENERAL'])
      expect(refusal(await send({ token: attacker.token, rid, msg: 'x' }))).toEqual(bare('invalid-room'))
    for (const token of ['', ' ', 'null']) expect((await send({ token, rid: victim.rid, msg: 'x' })).status).toBe(400)
    for (const missing of ['token', 'rid', 'msg']) {
      const body = { token: attacker.token, rid: attacker.rid, msg: 'x', [missing]: undefined }
      const refused = await send(body)
      expect([refused.status, errorOf(refused)]).toEqual([
        400,
        `must have required property '${missing}' [invalid-params]`,
      ])
    }
    expect(await allRows(desk)).toEqual(before)
  })

  test.each([
    ['10,000 combining marks', 'a' + '\u0301'.repeat(10_000)],
    ['right-to-left override', '\u202Egnp.exe'],
    ['HTML as the old widget escapes it', '&lt;b&gt; &amp;amp;'],
    ['markup', '</script><img src=x onerror=alert(1)>'],
    ['an emoji of several', '👩‍👩‍👧 👍🏽'],
    ['line breaks and blanks', '  a\r\n\tb  '],
    ['what a line of the system says', 'livechat-close'],
  ])('%s: text is stored exactly', async (_kind, msg) => {
    const chat = await openChat(desk)
    const message = await say(desk, chat, msg)
    expect((await historyOf(desk, chat))[0]).toEqual(message)
    expect(message.msg).toBe(msg)
  })

  test.each(['a\u0000b', '\uD800', 'x\uDC00y'])('NUL and lone surrogates are refused: %j', async (msg) => {
    const chat = await openChat(desk)
    expect((await send({ token: chat.token, rid: chat.rid, msg })).status).toBe(400)
    expect(texts(await historyOf(desk, chat))).toEqual([])
  })

  test('every kind of Markdown that could bring the parser down is a message', async () => {
    const chat = await openChat(desk)
    for (const msg of [
      '*'.repeat(4_000),
      '['.repeat(4_000),
      '>'.repeat(4_000),
      '`'.repeat(3_999),
      '- '.repeat(2_000),
      '_*~'.repeat(1_500),
      '|'.repeat(4_000),
    ])
      expect((await say(desk, chat, msg)).msg).toBe(msg)
  })
})

describe('order and time', () => {
  test('every message is later than the one before, whatever the clock does', async () => {
    const chat = await openChat(desk)
    const sent: WireMessage[] = []
    for (const step of [0, 0, 5, -3_600_000, 0, 3_600_000, 1]) {
      desk.clock.advance(step)
      sent.push(await say(desk, chat, `after ${String(step)}`))
    }
    const times = sent.map(({ ts }) => ts)
    expect(times).toEqual([...new Set(times)].sort())
    expect((await historyOf(desk, chat)).slice(0, 7).reverse()).toEqual(sent)
  })

  test('parallel senders of one room get different places', async () => {
    const chat = await openChat(desk)
    const sent = await Promise.all(Array.from({ length: 40 }, (_, i) => say(desk, chat, `n${String(i)}`)))
    expect(new Set(sent.map(({ ts }) => ts)).size).toBe(40)
    expect(new Set(sent.map(({ seq }) => seq)).size).toBe(40)
    const shown = await historyOf(desk, chat, { limit: '100' })
    expect(shown.map(({ ts }) => ts)).toEqual(
      shown
        .map(({ ts }) => ts)
        .toSorted()
        .reverse(),
    )
    expect(texts(shown)).toHaveLength(40)
    expect((await roomOf(desk, chat)).msgs).toBe(43)
  })
})

describe('sending the same again', () => {
  test('gives the stored message, unchanged, and makes no second one', async () => {
    const chat = await openChat(desk)
    const first = await say(desk, chat, 'once', { _id: 'my-message-1' })
    const before = await allRows(desk)
    expect(await say(desk, chat, 'once', { _id: 'my-message-1' })).toEqual(first)
    expect(await say(desk, chat, 'something else', { _id: 'my-message-1' })).toEqual(first)
    expect(await allRows(desk)).toEqual(before)
  })

  test('in parallel makes one message too', async () => {
    const chat = await openChat(desk)
    const sent = await Promise.all(Array.from({ length: 20 }, () => say(desk, chat, 'once', { _id: 'in-parallel' })))
    expect(new Set(sent.map((message) => JSON.stringify(message))).size).toBe(1)
    expect(texts(await historyOf(desk, chat))).toEqual(['once'])
  })

  test('is answered even when the room has closed since, or the limit has shrunk', async () => {
    const chat = await openChat(desk)
    const first = await say(desk, chat, 'before the end', { _id: 'before-the-end' })
    await withSettings(
      desk,
      { Livechat_enable_message_character_limit: true, Livechat_message_character_limit: 1 },
      async () => {
        expect(await say(desk, chat, 'before the end', { _id: 'before-the-end' })).toEqual(first)
      },
    )
    await closeBy(anna, chat.rid)
    expect(await say(desk, chat, 'before the end', { _id: 'before-the-end' })).toEqual(first)
  })

  test('of anybody else is refused without a word about the message', async () => {
    const [owner, other] = [await openChat(desk), await openChat(desk)]
    await say(desk, owner, 'secret', { _id: 'taken-id' })
    const fromAgent = await answer(anna, other.rid, 'agent secret')
    const [system] = (await historyOf(desk, other)).filter(({ t }) => t === 'uj')
    for (const _id of ['taken-id', fromAgent._id, system!._id])
      expect(refusal(await send({ token: other.token, rid: other.rid, msg: 'mine', _id }))).toEqual(
        bare('invalid-message'),
      )
    expect(texts(await historyOf(desk, owner))).toEqual(['secret'])
    expect(texts(await historyOf(desk, other))).toEqual(['agent secret'])
  })

  test('in another room of one’s own is refused', async () => {
    const first = await openChat(desk)
    await say(desk, first, 'in the first', { _id: 'in-the-first' })
    await closeByVisitor(desk, first)
    const second = await openRoomOf(desk, first)
    const refused = await send({ token: second.token, rid: second.rid, msg: 'again', _id: 'in-the-first' })
    expect(refusal(refused)).toEqual(bare('invalid-message'))
  })

  test('after taking it back brings nothing to light again', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'regretted', { _id: 'regretted-1' })
    expect((await onMessage('DELETE', 'regretted-1', chat)).status).toBe(200)
    const again = await send({ token: chat.token, rid: chat.rid, msg: 'regretted', _id: 'regretted-1' })
    expect(texts(await historyOf(desk, chat))).toEqual([])
    expect(refusal(again)).toEqual(bare('invalid-message'))
  })

  test.each(['a', 'A-Z_az-09', '8e29b8ee-0e7a-4c5b-9c1b-6a1f5e0d1c2b', 'x'.repeat(64)])('%s is an id', async (_id) => {
    const chat = await openChat(desk)
    expect((await say(desk, chat, 'x', { _id }))._id).toBe(_id)
  })

  test('null counts as no id', async () => {
    const chat = await openChat(desk)
    expect((await say(desk, chat, 'x', { _id: null }))._id).not.toBe('null')
  })

  test.each([
    '',
    'x'.repeat(65),
    '../../etc',
    '$where',
    'a b',
    'a\u0000',
    'аnna',
    'a\n',
    '{"$ne":1}',
    'x'.repeat(500_000),
    7,
    {},
    ['a'],
    true,
  ])('an odd id is refused: %j', async (_id) => {
    const chat = await openChat(desk)
    const refused = await send({ token: chat.token, rid: chat.rid, msg: 'x', _id })
    expect([400, 413]).toContain(refused.status)
    expect(texts(await historyOf(desk, chat))).toEqual([])
  })
})

describe('one message', () => {
  test.each(['GET', 'PUT', 'DELETE'] as const)(
    '%s: in this room of this visitor, else it is not there',
    async (method) => {
      const [mine, other] = [await openChat(desk), await openChat(desk)]
      const foreign = await say(desk, other, 'foreign')
      const own = await say(desk, mine, 'own')
      expect(refusal(await onMessage(method, own._id, { token: 'nobody', rid: mine.rid }))).toEqual(
        bare('invalid-token'),
      )
      for (const rid of [other.rid, 'no-such'])
        expect(refusal(await onMessage(method, own._id, { token: mine.token, rid }))).toEqual(bare('invalid-room'))
      for (const id of [foreign._id, 'no-such'])
        expect(refusal(await onMessage(method, id, mine))).toEqual(bare('invalid-message'))
      expect(texts(await historyOf(desk, other))).toEqual(['foreign'])
      expect(texts(await historyOf(desk, mine))).toEqual(['own'])
    },
  )

  test('of an older room of one’s own belongs to that room', async () => {
    const first = await openChat(desk)
    const old = await say(desk, first, 'old')
    await closeByVisitor(desk, first)
    const second = await openRoomOf(desk, first)
    expect(refusal(await onMessage('PUT', old._id, second))).toEqual(bare('invalid-message'))
    expect((await onMessage('PUT', old._id, first, 'still mine')).status).toBe(200)
    expect(texts(await historyOf(desk, first))).toEqual(['still mine'])
  })

  test('of the agent or the system is nobody’s to change', async () => {
    const chat = await openChat(desk)
    const fromAgent = await answer(anna, chat.rid, 'from the agent')
    const all = await historyOf(desk, chat)
    const before = await allRows(desk)
    for (const { _id } of all) {
      expect((await onMessage('GET', _id, chat)).status).toBe(200)
      expect(refusal(await onMessage('PUT', _id, chat))).toEqual(bare('error-action-not-allowed'))
      expect(refusal(await onMessage('DELETE', _id, chat))).toEqual(bare('error-action-not-allowed'))
    }
    expect(all.map(({ t }) => t)).toContain('livechat-started')
    expect(all.map(({ _id }) => _id)).toContain(fromAgent._id)
    expect(await allRows(desk)).toEqual(before)
  })

  test('is edited in place: same id and time, new text, who and when', async () => {
    const chat = await openChat(desk)
    const first = await say(desk, chat, 'frist')
    await say(desk, chat, 'later')
    const { metrics, waitingResponse } = await roomOf(desk, chat)
    desk.clock.advance(60_000)
    const { body } = (await onMessage('PUT', first._id, chat, 'first *now*')) as { body: { message: WireMessage } }
    expect(body.message).toMatchObject({
      _id: first._id, ts: first.ts, msg: 'first *now*', token: chat.token, u: first.u,
      editedBy: { _id: chat.id, username: chat.room.v.username },
    }) // prettier-ignore
    expect(body.message.editedAt! > first.ts).toBe(true)
    expect(JSON.stringify(body.message.md)).toContain('BOLD')
    expect(body.message.seq).toBeGreaterThan(first.seq!)
    expect(texts(await historyOf(desk, chat))).toEqual(['later', 'first *now*'])
    expect(await roomOf(desk, chat)).toMatchObject({ msgs: 5, ...(metrics && { metrics }), waitingResponse })
  })

  test('what it said before is kept for audits', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'original words')
    await onMessage('PUT', _id, chat, 'other words')
    await onMessage('DELETE', _id, chat)
    const versions = (await allRows(desk)).get('messageVersion')!.filter((row) => row.includes(_id))
    expect(versions.filter((row) => row.includes('original words'))).toHaveLength(1)
    expect(versions.filter((row) => row.includes('other words'))).toHaveLength(1)
    expect(JSON.stringify(await historyOf(desk, chat))).not.toContain('words')
  })

  test('may be edited after the end of the conversation, as old clients do, but not beyond the limit', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'x')
    await closeByVisitor(desk, chat)
    expect((await onMessage('PUT', _id, chat, 'y')).status).toBe(200)
    await withSettings(
      desk,
      { Livechat_enable_message_character_limit: true, Livechat_message_character_limit: 2 },
      async () => {
        expect(refusal(await onMessage('PUT', _id, chat, '123'))).toEqual(
          bare('message-length-exceeds-character-limit'),
        )
      },
    )
  })

  test('the settings forbid editing and taking back', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'x')
    await withSettings(desk, { Message_AllowEditing: false, Message_AllowDeleting: false }, async () => {
      expect(refusal(await onMessage('PUT', _id, chat))).toEqual(bare('error-action-not-allowed'))
      expect(refusal(await onMessage('DELETE', _id, chat))).toEqual(bare('error-action-not-allowed'))
    })
    expect(texts(await historyOf(desk, chat))).toEqual(['x'])
  })
})

describe('taking back', () => {
  test('removes it for everybody and gives the room its former latest message', async () => {
    const chat = await openChat(desk)
    const kept = await say(desk, chat, 'kept')
    const { _id } = await say(desk, chat, 'regretted')
    const { msgs } = await roomOf(desk, chat)
    const answered = await onMessage('DELETE', _id, chat)
    expect(answered.body).toEqual({
      message: { _id, ts: expect.stringMatching(/^\d{4}-.*Z$/) as string, ls: expect.any(String) as string },
      success: true,
    })
    expect(texts(await historyOf(desk, chat))).toEqual(['kept'])
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      expect(refusal(await onMessage(method, _id, chat))).toEqual(bare('invalid-message'))
    expect(await roomOf(desk, chat)).toMatchObject({ msgs: msgs - 1, lastMessage: { _id: kept._id } })
    const { messages } = await anna.call('GET /livechat/messages/:rid', { params: { rid: chat.rid } })
    expect(texts(messages)).toEqual(['kept'])
  })

  test('token and room may stand in the query, for clients that cannot send a body', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'regretted')
    const key = 'DELETE /livechat/message/:_id'
    expect(errorTypeOf(await desk.anyone.raw(key, { params: { _id } }))).toBe('invalid-params')
    expect(errorTypeOf(await desk.anyone.raw(key, { params: { _id }, query: { token: chat.token } }))).toBe(
      'invalid-params',
    )
    const query = { token: chat.token, rid: chat.rid }
    expect((await desk.anyone.raw(key, { params: { _id }, query })).status).toBe(200)
    expect(texts(await historyOf(desk, chat))).toEqual([])
  })

  test('leaves an empty line where the setting wants one', async () => {
    await withSettings(desk, { Message_ShowDeletedStatus: true }, async () => {
      const chat = await openChat(desk)
      const sent = await say(desk, chat, 'regretted *words*')
      expect((await onMessage('DELETE', sent._id, chat)).status).toBe(200)
      const [line] = await historyOf(desk, chat)
      expect(line).toMatchObject({ _id: sent._id, ts: sent.ts, t: 'rm', msg: '', editedBy: { _id: chat.id } })
      expect(line?.editedAt).toBeDefined()
      for (const shown of [line, await roomSeenBy(manager, chat.rid)])
        expect(JSON.stringify(shown)).not.toContain('words')
      expect(refusal(await onMessage('PUT', sent._id, chat))).toEqual(bare('error-action-not-allowed'))
    })
  })

  test('is told to those who were away, also where such lines are hidden', async () => {
    await withSettings(desk, { Message_ShowDeletedStatus: true, Hide_System_Messages: ['rm'] }, async () => {
      const chat = await openChat(desk)
      const { _id } = await say(desk, chat, 'regretted')
      expect((await onMessage('DELETE', _id, chat)).status).toBe(200)
      const input = { params: { rid: chat.rid }, query: { token: chat.token } }
      const { changes } = await desk.anyone.call('GET /livechat/messages.sync/:rid', input)
      expect(changes.at(-1)).toMatchObject({ _id, deletedAt: expect.any(String) })
    })
  })

  test('twice in parallel happens once', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'x')
    const { msgs } = await roomOf(desk, chat)
    const answers = await Promise.all(Array.from({ length: 10 }, () => onMessage('DELETE', _id, chat)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await roomOf(desk, chat)).msgs).toBe(msgs - 1)
  })
})

describe('changes at the same moment', () => {
  test('an edit never brings back what is taken back', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'x')
    const edits = Array.from({ length: 8 }, (_, n) => onMessage('PUT', _id, chat, `edit ${String(n)}`))
    const [removed, ...edited] = await Promise.all([onMessage('DELETE', _id, chat), ...edits])
    expect(removed.status).toBe(200)
    expect(texts(await historyOf(desk, chat))).toEqual([])
    for (const { status, body } of edited)
      if (status !== 200) expect(body).toEqual({ success: false, error: 'invalid-message' })
    for (const row of (await allRows(desk)).get('message')!.filter((text) => text.includes(_id)))
      expect(row).not.toMatch(/edit \d/)
  })

  test('every text that a message had is kept, however many edit it at once', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'text 0')
    await Promise.all([1, 2, 3, 4, 5, 6].map((n) => onMessage('PUT', _id, chat, `text ${String(n)}`)))
    const [shown] = await historyOf(desk, chat)
    const versions = (await allRows(desk))
      .get('messageVersion')!
      .map((row) => JSON.parse(row) as Record<string, string>)
    const kept = versions.filter(({ messageId }) => messageId === _id).map(({ text }) => text)
    expect([...kept, shown!.msg].sort()).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `text ${String(n)}`))
  })
})

describe('quoting by link', () => {
  const site = { Site_Url: 'https://chat.example.org' }

  test('attaches the quoted message of the same room', async () => {
    await withSettings(desk, site, async () => {
      const chat = await openChat(desk)
      const quoted = await answer(anna, chat.rid, 'the quoted words')
      const link = `https://chat.example.org/live/${chat.rid}?msg=${quoted._id}`
      for (const msg of [`${link} yes`, `[ ](${link}) yes`]) {
        const message = await say(desk, chat, msg)
        expect(message.msg).toBe(msg)
        expect(message.attachments).toMatchObject([
          { message_link: link, text: 'the quoted words', author_name: 'anna', ts: quoted.ts },
        ])
      }
    })
  })

  test('of another’s room attaches nothing', async () => {
    await withSettings(desk, site, async () => {
      const [victim, attacker] = [await openChat(desk), await openChat(desk)]
      const secret = await say(desk, victim, 'the secret words')
      for (const rid of [victim.rid, attacker.rid]) {
        const msg = `https://chat.example.org/live/${rid}?msg=${secret._id}`
        const { _id } = await say(desk, attacker, msg)
        await onMessage('PUT', _id, attacker, `${msg} again`)
      }
      expect(JSON.stringify(await historyOf(desk, attacker))).not.toContain('secret words')
    })
  })
})

describe('history', () => {
  const ask = (chat: Chat, query: Record<string, string>) =>
    desk.anyone.raw('GET /livechat/messages.history/:rid', { params: { rid: chat.rid }, query })

  test('of a fresh room that waits has two lines: the message, then the beginning', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const chat = await openChat(desk)
      await say(desk, chat, 'hello')
      expect((await historyOf(desk, chat)).map(({ t, msg }) => t ?? msg)).toEqual(['hello', 'livechat-started'])
    })
  })

  test('comes newest first, twenty at a time unless asked otherwise, and goes on where it stopped', async () => {
    const chat = await openChat(desk)
    for (let n = 0; n < 25; n++) await say(desk, chat, `n${String(n)}`)
    expect((await historyOf(desk, chat)).map(({ msg }) => msg)).toEqual(
      Array.from({ length: 20 }, (_, n) => `n${String(24 - n)}`),
    )
    expect(texts(await historyOf(desk, chat, { limit: '3', offset: '20' }))).toEqual(['n4', 'n3', 'n2'])
    expect(await historyOf(desk, chat, { limit: '100' })).toHaveLength(28)
    const [tenth] = await historyOf(desk, chat, { limit: '1', offset: '9' })
    expect((await historyOf(desk, chat, { end: tenth!.ts, limit: '2' })).map(({ msg }) => msg)).toEqual(['n14', 'n13'])
    expect(await historyOf(desk, chat, { searchText: 'n1', count: '1' })).toHaveLength(20)
  })

  test('is never longer than the setting allows, however much is asked for', async () => {
    const chat = await openChat(desk)
    for (let n = 0; n < 5; n++) await say(desk, chat, 'x')
    await withSettings(desk, { API_Upper_Count_Limit: 4 }, async () => {
      for (const limit of ['0', '5', '1000000000']) expect(await historyOf(desk, chat, { limit })).toHaveLength(4)
    })
  })

  test('tells what has not been read since a moment', async () => {
    const chat = await openChat(desk)
    const sent: WireMessage[] = []
    for (let n = 0; n < 6; n++) sent.push(await say(desk, chat, `n${String(n)}`))
    const { body } = (await ask(chat, { token: chat.token, ls: sent[1]!.ts, limit: '2' })) as {
      body: Record<string, unknown>
    }
    expect(body).toMatchObject({ unreadNotLoaded: 2, firstUnread: { _id: sent[2]!._id } })
    expect(body['messages']).toHaveLength(2)
  })

  test('does not count as unread what the server hides', async () => {
    const chat = await openChat(desk)
    await withSettings(desk, { Hide_System_Messages: ['uj', 'command'] }, async () => {
      const { body } = (await ask(chat, { token: chat.token, ls: chat.room.ts, limit: '1' })) as {
        body: { unreadNotLoaded: number; firstUnread?: WireMessage }
      }
      expect(body.unreadNotLoaded).toBe(0)
      expect(body.firstUnread).toBeUndefined()
    })
  })

  test('leaves out the kinds that the server hides', async () => {
    const chat = await openChat(desk)
    await withSettings(desk, { Hide_System_Messages: ['uj', 'command'] }, async () => {
      expect((await historyOf(desk, chat)).map(({ t }) => t)).toEqual(['livechat-started'])
    })
  })

  test('can be read after the end', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'x')
    await closeByVisitor(desk, chat)
    expect(texts(await historyOf(desk, chat))).toEqual(['x'])
  })

  test('of another’s room or without a token is refused', async () => {
    const [mine, other] = [await openChat(desk), await openChat(desk)]
    expect(refusal(await ask(other, { token: mine.token }))).toEqual(bare('invalid-room'))
    expect(refusal(await ask({ ...mine, rid: 'GENERAL' }, { token: mine.token }))).toEqual(bare('invalid-room'))
    expect(refusal(await ask(mine, { token: 'nobody' }))).toEqual(bare('invalid-token'))
    expect(refusal(await ask(mine, { token: '' }))).toEqual(bare('error-token-param-not-provided'))
    expect(refusal(await ask(mine, {}))).toEqual([
      400,
      { success: false, error: `must have required property 'token' [invalid-params]`, errorType: 'invalid-params' },
    ])
  })

  test.each([
    { ls: 'NaN' },
    { ls: 'yesterday' },
    { end: '2026-99-99' },
    { end: 'null' },
    { limit: 'NaN' },
    { offset: '-1' },
    { limit: '-5' },
  ])('%j is refused', async (query) => {
    const chat = await openChat(desk)
    expect((await ask(chat, { token: chat.token, ...(query as Record<string, string>) })).status).toBe(400)
  })
})

describe('catching up', () => {
  const sync = (chat: Chat, query: Record<string, string> = {}) =>
    desk.anyone.call('GET /livechat/messages.sync/:rid', {
      params: { rid: chat.rid },
      query: { token: chat.token, ...query },
    })

  test('gives every change after a number, in order, deletions as empty entries', async () => {
    const chat = await openChat(desk)
    const start = (await sync(chat)).next
    const [a, b, c] = [await say(desk, chat, 'a'), await say(desk, chat, 'b'), await say(desk, chat, 'c')]
    await onMessage('PUT', a._id, chat, 'a2')
    await onMessage('DELETE', b._id, chat)
    const { changes, next, more } = await sync(chat, { after: String(start) })
    expect(changes.map(({ _id, message }) => [_id, message?.msg])).toEqual([
      [c._id, 'c'],
      [a._id, 'a2'],
      [b._id, undefined],
    ])
    expect(changes[2]).toEqual({ _id: b._id, seq: next, deletedAt: expect.any(String) as string })
    expect(more).toBe(false)
    expect(await sync(chat, { after: String(next) })).toMatchObject({ changes: [], next, more: false })
  })

  test('leaves out the kinds that the server hides, and gets past them', async () => {
    const chat = await openChat(desk)
    const { next } = await sync(chat)
    await withSettings(desk, { Hide_System_Messages: ['livechat-started', 'command', 'uj'] }, async () => {
      expect(await sync(chat)).toMatchObject({ changes: [], next, more: false })
      const first = await sync(chat, { count: '1' })
      expect(first).toMatchObject({ changes: [], more: true })
      expect(first.next).toBeGreaterThan(0)
    })
  })

  test('in pages of any size ends with what the history shows', async () => {
    const chat = await openChat(desk)
    const sent: string[] = []
    for (let n = 0; n < 12; n++) sent.push((await say(desk, chat, `n${String(n)}`))._id)
    for (const n of [3, 7]) await onMessage('PUT', sent[n]!, chat, 'edited')
    for (const n of [0, 7]) await onMessage('DELETE', sent[n]!, chat)
    const shown = new Map((await historyOf(desk, chat, { limit: '100' })).map((message) => [message._id, message]))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (count) => {
        const known = new Map<string, WireMessage>()
        let after = 0
        for (;;) {
          const { changes, next, more } = await sync(chat, { after: String(after), count: String(count) })
          expect(changes.length).toBeLessThanOrEqual(count)
          for (const { _id, message } of changes) if (message) known.set(_id, message)
          else known.delete(_id) // prettier-ignore
          after = next
          if (!more) break
        }
        expect(new Map([...known].sort())).toEqual(new Map([...shown].sort()))
      }),
      { numRuns: 8 },
    )
  })

  test('is for the visitor of the room alone, and never longer than the setting allows', async () => {
    const [mine, other] = [await openChat(desk), await openChat(desk)]
    const ask = (token: string, rid: string) =>
      desk.anyone.raw('GET /livechat/messages.sync/:rid', { params: { rid }, query: { token } })
    expect(refusal(await ask('nobody', mine.rid))).toEqual(bare('invalid-token'))
    for (const rid of [other.rid, 'no-such']) expect(refusal(await ask(mine.token, rid))).toEqual(bare('invalid-room'))
    await withSettings(desk, { API_Upper_Count_Limit: 2 }, async () => {
      for (const count of ['0', '1000000000'])
        expect(await sync(mine, { count })).toMatchObject({ more: true, changes: { length: 2 } })
    })
  })
})
