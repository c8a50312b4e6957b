import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  closeByVisitor,
  configure,
  errorOf,
  errorTypeOf,
  historyOf,
  makeDepartment,
  newToken,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomOf,
  say,
  withSettings,
  type WireVisitor,
} from '../../../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

async function registerAs(visitor: Record<string, unknown>): Promise<WireVisitor> {
  return (await desk.anyone.call('POST /livechat/visitor', { body: { visitor } })).visitor
}

function tryRegister(body: unknown): Promise<RawAnswer> {
  return desk.anyone.raw('POST /livechat/visitor', { body })
}

async function seen(token: string): Promise<WireVisitor> {
  return (await desk.anyone.call('GET /livechat/visitor/:token', { params: { token } })).visitor
}

const unknownToken = [400, { success: false, error: '[invalid-token]', errorType: 'invalid-token' }]

describe('registering', () => {
  test('a visitor gets an id, a username and the whole record back', async () => {
    const token = newToken()
    const visitor = await registerAs({ token, name: 'Ana', email: '  Ana@Example.ORG ', phone: '+34 600' })
    expect(visitor).toEqual({
      _id: expect.any(String) as string,
      username: expect.stringMatching(/^guest-\d+$/) as string,
      token,
      name: 'Ana',
      status: 'online',
      ts: '2026-01-05T10:00:00.000Z',
      _updatedAt: expect.any(String) as string,
      visitorEmails: [{ address: 'ana@example.org' }],
      phone: [{ phoneNumber: '+34 600' }],
      contactId: expect.any(String) as string,
    })
    expect(await seen(token)).toEqual(visitor)
  })

  test('a token alone is enough, and what is null counts as not given', async () => {
    const visitor = await registerAs({ token: newToken(), name: null, email: null, phone: null, department: null })
    expect(Object.keys(visitor).sort()).toEqual(['_id', '_updatedAt', 'contactId', 'status', 'token', 'ts', 'username'])
  })

  test('fields that a form left empty count as not given', async () => {
    const token = newToken()
    const first = await registerAs({ token, name: 'Ana', email: 'ana@example.org', phone: '1' })
    const second = await registerAs({
      token,
      name: '',
      email: ' ',
      phone: '',
      department: '',
      username: '',
      customFields: [],
    })
    expect(second).toEqual({ ...first, _updatedAt: second._updatedAt })
  })

  test('the same token is the same visitor, and only what is given changes', async () => {
    const token = newToken()
    const first = await registerAs({ token, name: 'Ana', email: 'first@example.org', phone: '1' })
    const second = await registerAs({ token, name: 'Ana María', email: null })
    expect(second).toEqual({ ...first, name: 'Ana María', _updatedAt: second._updatedAt })
  })

  test('the body may do without the wrapper', async () => {
    const token = newToken()
    const answer = await tryRegister({ token, name: 'Flat', email: 'flat@example.org' })
    expect(refusal(answer)).toMatchObject([200, { visitor: { token, name: 'Flat' } }])
  })

  test('usernames of visitors are all different, under parallel registrations too', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => registerAs({ token: newToken() })))
    expect(new Set(all.map((visitor) => visitor.username)).size).toBe(20)
  })

  test('parallel registrations of one token make one visitor', async () => {
    const token = newToken()
    const all = await Promise.all(Array.from({ length: 20 }, () => registerAs({ token, name: 'Many' })))
    expect(new Set(all.map((visitor) => visitor._id)).size).toBe(1)
  })

  test('parallel registrations with one preset id make visitors of different ids', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, () => registerAs({ token: newToken(), id: 'wanted-by-all' })),
    )
    expect(new Set(all.map((visitor) => visitor._id)).size).toBe(8)
    expect(all.filter((visitor) => visitor._id === 'wanted-by-all')).toHaveLength(1)
  })

  test('unknown keys are dropped: nobody registers as an agent, with a status or a date of their own', async () => {
    const forged = {
      _id: 'forged', ts: '1999-01-01T00:00:00.000Z', status: 'busy', disabled: true, contactId: 'forged', activity: ['2020-01'],
      livechatData: { vip: 'yes' }, roles: ['admin'], type: 'user', lastChat: { _id: 'forged' }, u: { _id: 'forged' }, bot: true,
    } // prettier-ignore
    const visitor = await registerAs({ token: newToken(), ...forged })
    expect(JSON.stringify(visitor)).not.toMatch(/forged|1999|busy|vip|admin|2020/)
  })

  test('custom fields nobody has defined are ignored silently', async () => {
    const customFields = [
      { key: '__proto__', value: 'x', overwrite: true },
      { key: 'constructor', value: 'x', overwrite: true },
      { key: 'company', value: 'ACME', overwrite: false },
    ]
    const visitor = await registerAs({ token: newToken(), customFields })
    expect(visitor).not.toHaveProperty('livechatData')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('a new name is shown to agents at once: on the room and in the queue', async () => {
    const chat = await openChat(desk, { name: 'Old' })
    await registerAs({ token: chat.token, name: 'New' })
    expect((await roomOf(desk, chat)).fname).toBe('New')
    const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
    expect(inquiry?.name).toBe('New')
    await registerAs({ token: chat.token, name: '   ' })
    expect((await roomOf(desk, chat)).fname.trim()).not.toBe('')
    await closeByVisitor(desk, chat)
  })

  test('a network address is only kept where the setting allows it', async () => {
    const { read } = desk.server.context
    const stored = async (id: string) =>
      read.first(read.sql.selectFrom('visitor').select(['address', 'userAgent', 'host']).where('id', '=', id))
    const headers = { 'user-agent': 'Browser 1.0', host: 'shop.example.org' }
    const body = () => ({ visitor: { token: newToken() } })
    const silent = await desk.anyone.call('POST /livechat/visitor', { body: body(), headers })
    expect(await stored(silent.visitor._id)).toEqual({ address: null, userAgent: null, host: null })
    await withSettings(desk, { Livechat_Allow_collect_and_store_HTTP_header_informations: true }, async () => {
      const { visitor } = await desk.anyone.call('POST /livechat/visitor', { body: body(), headers })
      expect(await stored(visitor._id)).toMatchObject({ address: '127.0.0.1', userAgent: 'Browser 1.0' })
    })
  })

  test.each([
    [{}, `Match error: Missing key 'visitor'`],
    [{ visitor: {} }, `Match error: Missing key 'token' in field visitor`],
    [{ visitor: { token: 7 } }, 'Match error: Expected string, got number in field visitor.token'],
    [{ visitor: { token: 'x', name: 7 } }, 'Match error: Expected string, got number in field visitor.name'],
    [{ visitor: { token: 'x', email: true } }, 'Match error: Expected string, got boolean in field visitor.email'],
    [
      { visitor: { token: 'x', customFields: [{ key: 'k', value: 'v' }] } },
      `Match error: Missing key 'overwrite' in field visitor.customFields[0]`,
    ],
  ])('%j is answered as old clients know it', async (body, error) => {
    expect(refusal(await tryRegister(body))).toEqual([400, { success: false, error }])
  })

  test('a custom field needs its three keys', async () => {
    for (const field of [
      { value: 'v', overwrite: true },
      { key: 'k', overwrite: true },
      { key: 'k', value: 'v' },
    ]) {
      const answer = await tryRegister({ visitor: { token: newToken(), customFields: [field] } })
      expect(answer.status).toBe(400)
      expect(errorOf(answer)).toMatch(/^Match error: Missing key '/)
    }
  })

  test.each(['', '   ', '\t\n'])('a blank token is refused: %j', async (token) => {
    expect(refusal(await tryRegister({ visitor: { token } }))).toEqual([
      400,
      { success: false, error: 'Token cannot be empty [error-invalid-token]', errorType: 'error-invalid-token' },
    ])
  })

  test('a strict site asks for long tokens', async () => {
    await withSettings(desk, { Livechat_minimum_token_length: 32 }, async () => {
      expect(errorTypeOf(await tryRegister({ visitor: { token: 'x'.repeat(31) } }))).toBe('error-invalid-token')
      expect((await tryRegister({ visitor: { token: 'x'.repeat(32) } })).status).toBe(200)
    })
  })

  test('a token has at most 256 characters', async () => {
    expect((await tryRegister({ visitor: { token: 'y'.repeat(256) } })).status).toBe(200)
    expect((await seen('y'.repeat(256))).token).toBe('y'.repeat(256))
    expect((await tryRegister({ visitor: { token: 'y'.repeat(257) } })).status).toBe(400)
  })

  test.each([
    'a/b',
    '100%',
    'a?b=c#d',
    'ключ',
    'with space',
    'x'.repeat(200) + '/../..',
    '{"$ne":null}',
    "' or 1=1 --",
  ])('any text is a token: %j', async (token) => {
    const { _id } = await registerAs({ token })
    expect((await seen(token))._id).toBe(_id)
  })

  test.each(['nobody', '@example.org', 'ana@', 'a@b@c', '@', ' '.repeat(3) + '@'])(
    'an address without something on both sides of one @ is refused: %j',
    async (email) => {
      const answer = await tryRegister({ visitor: { token: newToken(), email } })
      expect([answer.status, errorTypeOf(answer)]).toEqual([400, 'error-invalid-email'])
      expect(errorOf(answer)).toMatch(/^Invalid email.* \[error-invalid-email\]$/)
    },
  )

  test('a refused registration leaves nothing behind', async () => {
    const before = await allRows(desk)
    await tryRegister({ visitor: { token: newToken(), name: 'Nobody', email: 'nonsense' } })
    await tryRegister({ visitor: { token: newToken(), name: 'Nobody', department: 'no-such' } })
    expect(await allRows(desk)).toEqual(before)
  })

  test('the shortest address passes', async () => {
    expect((await registerAs({ token: newToken(), email: 'a@b' })).visitorEmails).toEqual([{ address: 'a@b' }])
  })

  test('the department is remembered by its id, however it was named, until another is named', async () => {
    const sales = await makeDepartment(desk, { name: 'Sales' })
    const support = await makeDepartment(desk, { name: 'Support' })
    await makeDepartment(desk, { id: 'an-older-one', name: 'Support', isEnabled: 0 })
    const token = newToken()
    const departmentAfter = async (visitor: object) => (await registerAs({ token, ...visitor })).department
    expect(await departmentAfter({ department: sales })).toBe(sales)
    expect(await departmentAfter({})).toBe(sales)
    expect(await departmentAfter({ department: 'Support' })).toBe(support)
    const { config } = await desk.anyone.call('GET /livechat/config', { query: { token } })
    expect(config.guest?.department).toBe(support)
  })

  test('a department that takes no chats is refused in the same bytes as one nobody has made', async () => {
    const archived = { isEnabled: 0, archivedAt: '2026-01-01T00:00:00.000Z' }
    const ids = [await makeDepartment(desk, { name: 'Off', isEnabled: 0 }), await makeDepartment(desk, archived)]
    const before = await allRows(desk)
    const token = newToken()
    const missing = await tryRegister({ visitor: { token, department: 'no-such' } })
    for (const department of [...ids, 'Off'])
      expect(refusal(await tryRegister({ visitor: { token, department } }))).toEqual(refusal(missing))
    expect(await allRows(desk)).toEqual(before)
  })

  test('a department nobody has made is refused', async () => {
    const answer = await tryRegister({ visitor: { token: newToken(), department: 'no-such' } })
    expect([answer.status, errorTypeOf(answer)]).toEqual([400, 'error-invalid-department'])
  })
})

describe('the token is the only key', () => {
  test('another’s e-mail, phone or id gives nobody another’s record, and changes nothing of it', async () => {
    const victim = await registerAs({
      token: newToken(),
      name: 'Victim',
      email: 'victim@example.org',
      phone: '+1 555 0100',
    })
    for (const claim of [
      { email: 'victim@example.org' },
      { email: 'VICTIM@EXAMPLE.ORG' },
      { phone: '+1 555 0100' },
      { id: victim._id },
      { username: victim.username },
      { email: 'victim@example.org', phone: '+1 555 0100', id: victim._id, username: victim.username },
    ]) {
      const token = newToken()
      const attacker = await registerAs({ token, name: 'Attacker', ...claim })
      expect(attacker.token).toBe(token)
      expect(attacker._id).not.toBe(victim._id)
      expect(attacker.username).not.toBe(victim.username)
      expect(attacker.contactId).not.toBe(victim.contactId)
      expect(await seen(victim.token!)).toEqual(victim)
    }
  })

  test('nobody registers under the name of an agent', async () => {
    for (const username of ['anna', 'Anna', 'ANNA', ' anna ', 'mona', 'rocket.cat'])
      expect((await registerAs({ token: newToken(), username })).username).toMatch(/^guest-\d+$/)
  })

  test.each(['a member of the staff', 'the system', 'a visitor who was removed'])(
    'nobody registers with the id of %s',
    async (whose) => {
      const removed = await register(desk)
      await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: removed.token } })
      const id = { 'a member of the staff': anna.id, 'the system': 'rocket.cat' }[whose] ?? removed.id
      expect((await registerAs({ token: newToken(), id }))._id).not.toBe(id)
    },
  )

  test('taking the next usernames in advance keeps nobody out', async () => {
    const { username } = await registerAs({ token: newToken() })
    const number = Number(username.replace('guest-', ''))
    for (const ahead of [1, 2, 3]) await registerAs({ token: newToken(), username: `guest-${String(number + ahead)}` })
    const later = await Promise.all([1, 2, 3, 4].map(() => registerAs({ token: newToken() })))
    expect(new Set(later.map((visitor) => visitor.username)).size).toBe(4)
  })

  test('a free id is taken at creation and never changed later', async () => {
    const token = newToken()
    expect((await registerAs({ token, id: 'my-own-id' }))._id).toBe('my-own-id')
    expect((await registerAs({ token, id: 'another-id', username: 'renamed' }))._id).toBe('my-own-id')
  })

  test('the setting `compatible` restores the old matching by phone: the answer has the token of the first', async () => {
    const first = await registerAs({ token: newToken(), phone: '+1 555 0200' })
    await withSettings(desk, { Livechat_visitor_matching: 'compatible' }, async () => {
      const second = await registerAs({ token: newToken(), phone: '+1 555 0200' })
      expect([second._id, second.token]).toEqual([first._id, first.token])
    })
  })

  test('… and by e-mail: the visitor gets the new token and the old one is gone', async () => {
    const first = await registerAs({ token: newToken(), email: 'same@example.org' })
    await withSettings(desk, { Livechat_visitor_matching: 'compatible' }, async () => {
      const token = newToken()
      const second = await registerAs({ token, email: 'Same@example.org' })
      expect([second._id, second.token]).toEqual([first._id, token])
      const gone = await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token: first.token! } })
      expect(refusal(gone)).toEqual(unknownToken)
    })
  })

  test.each(['nobody-has-this', ' ', 'null', 'undefined', '__proto__', '%', '*', '.*'])(
    'nobody is found by %j',
    async (token) => {
      const answer = await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token } })
      expect(refusal(answer)).toEqual(unknownToken)
    },
  )

  test('a token differs by case, blanks and Unicode form', async () => {
    await registerAs({ token: 'Straße-Ünï' })
    for (const token of ['straße-ünï', 'Strasse-Ünï', 'Straße-Ünï'.normalize('NFD'), ' Straße-Ünï', 'Straße-Ünï '])
      expect(refusal(await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token } }))).toEqual(
        unknownToken,
      )
  })
})

describe('text of any kind', () => {
  test.each([
    ['right-to-left override', 'Ana \u202Egro.elpmaxe'],
    ['zero width', 'A\u200Bn\u200Da'],
    ['combining marks', 'a' + '\u0301'.repeat(200)],
    ['markup', '<img src=x onerror=alert(1)>'],
    ['SQL', `'); drop table visitor; --`],
    ['an emoji of several', '👩‍👩‍👧'],
  ])('%s is stored exactly', async (_kind, name) => {
    const token = newToken()
    await registerAs({ token, name })
    expect((await seen(token)).name).toBe(name)
  })

  test.each([
    ['NUL', 'a\u0000b'],
    ['a lone surrogate', 'a\uD800b'],
  ])('%s is refused', async (_kind, name) => {
    const token = newToken()
    expect((await tryRegister({ visitor: { token, name } })).status).toBe(400)
    expect(refusal(await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token } }))).toEqual(unknownToken)
  })
})

describe('presence of a visitor', () => {
  test.each(['POST /livechat/visitor.status', 'POST /livechat/visitors.status'])(
    '%s reaches the room and the queue but not the record',
    async (key) => {
      const chat = await openChat(desk)
      const answer = await desk.anyone.raw(key, { body: { token: chat.token, status: 'away' } })
      expect(answer.body).toEqual({ token: chat.token, status: 'away', success: true })
      expect((await roomOf(desk, chat)).v.status).toBe('away')
      const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
      expect(inquiry?.v.status).toBe('away')
      expect((await seen(chat.token)).status).toBe('online')
      await closeByVisitor(desk, chat)
    },
  )

  test('a visitor sets no other’s status', async () => {
    const [mine, other] = [await openChat(desk), await openChat(desk)]
    await desk.anyone.call('POST /livechat/visitor.status', { body: { token: mine.token, status: 'busy' } })
    expect((await roomOf(desk, other)).v.status).toBe('online')
  })

  test('a visitor without a room has a status too', async () => {
    const { token } = await register(desk)
    const { status } = await desk.anyone.call('POST /livechat/visitor.status', { body: { token, status: 'offline' } })
    expect(status).toBe('offline')
  })

  test('unknown tokens and missing keys are refused', async () => {
    const set = async (body: unknown) => refusal(await desk.anyone.raw('POST /livechat/visitor.status', { body }))
    expect(await set({ token: 'nobody', status: 'online' })).toEqual(unknownToken)
    expect(await set({ token: 'nobody' })).toEqual([
      400,
      { success: false, error: `Match error: Missing key 'status'` },
    ])
    expect(await set({ status: 'x' })).toEqual([400, { success: false, error: `Match error: Missing key 'token'` }])
  })
})

describe('removing a visitor', () => {
  const remove = (token: string) => desk.anyone.raw('DELETE /livechat/visitor/:token', { params: { token } })
  const forgetAnyway = { Livechat_Allow_collect_and_store_HTTP_header_informations: true }

  test('is refused while the visitor talks', async () => {
    const chat = await openChat(desk)
    expect(refusal(await remove(chat.token))).toEqual([
      400,
      {
        success: false,
        error: 'Cannot remove visitors with opened rooms [visitor-has-open-rooms]',
        errorType: 'visitor-has-open-rooms',
      },
    ])
    expect(await historyOf(desk, chat)).not.toHaveLength(0)
    await closeByVisitor(desk, chat)
  })

  test('a stranger’s token removes nobody', async () => {
    const before = await allRows(desk)
    expect(refusal(await remove('nobody'))).toEqual(unknownToken)
    expect(await allRows(desk)).toEqual(before)
  })

  test('takes everything the visitor said and was, and not a row of anybody else', async () => {
    const bystander = await openChat(desk, { name: 'Bystander' })
    await say(desk, bystander, 'still here')
    const before = await allRows(desk)

    const doomed = await register(desk, { name: 'Doomed Person', email: 'doomed@example.org', phone: '+99 doomed' })
    const closed = await openRoomOf(desk, doomed)
    const { _id } = await say(desk, closed, 'doomed words')
    const edit = { token: doomed.token, rid: closed.rid, msg: 'doomed edited words' }
    await desk.anyone.call('PUT /livechat/message/:_id', { params: { _id }, body: edit })
    await answer(anna, closed.rid, 'doomed reply')
    await anna.call('POST /livechat/room.closeByUser', {
      body: { rid: closed.rid, comment: 'doomed', tags: ['doomed'] },
    })
    const open = await openRoomOf(desk, doomed)
    await say(desk, open, 'doomed again')

    await withSettings(desk, forgetAnyway, async () => {
      expect(refusal(await remove(doomed.token))).toEqual([
        200,
        { success: true, visitor: { _id: doomed.id, ts: expect.any(String) as string } },
      ])
    })

    const after = await allRows(desk)
    for (const [table, rows] of after) {
      expect([table, rows.filter((row) => /doomed/i.test(row) || row.includes(doomed.token))]).toEqual([table, []])
      expect([table, rows.filter((row) => row.includes(closed.rid) || row.includes(open.rid))]).toEqual([table, []])
    }
    for (const table of ['room', 'roomTag', 'message', 'messageVersion', 'inquiry', 'subscription', 'session'])
      expect([table, after.get(table)]).toEqual([table, before.get(table)])
    const left = (table: string) => after.get(table)!.filter((row) => !before.get(table)!.includes(row))
    expect(left('visitor')).toHaveLength(1)
    expect(JSON.parse(left('visitor')[0]!)).toMatchObject({ id: doomed.id, token: null, tokenHash: null, name: null })
    expect(before.get('visitor')!.filter((row) => !after.get('visitor')!.includes(row))).toEqual([])
    expect(before.get('contact')!.filter((row) => !after.get('contact')!.includes(row))).toEqual([])
    expect((await roomOf(desk, bystander)).open).toBe(true)
  })

  test('frees the agent for the next', async () => {
    const openChats = async () => {
      const { read } = desk.server.context
      return read.first(read.sql.selectFrom('user').select('openChats').where('id', '=', anna.id))
    }
    const before = await openChats()
    const chat = await openChat(desk)
    expect(await openChats()).not.toEqual(before)
    await withSettings(desk, forgetAnyway, async () => {
      await remove(chat.token)
    })
    expect(await openChats()).toEqual(before)
  })

  test('the token opens nothing afterwards and can be used again by somebody new', async () => {
    const chat = await openChat(desk, { name: 'Gone' })
    await closeByVisitor(desk, chat)
    expect((await remove(chat.token)).status).toBe(200)
    expect(refusal(await remove(chat.token))).toEqual(unknownToken)
    const query = { token: chat.token }
    expect(errorOf(await desk.anyone.raw('GET /livechat/room', { query }))).toBe('invalid-token')
    const history = await desk.anyone.raw('GET /livechat/messages.history/:rid', { params: { rid: chat.rid }, query })
    expect(errorOf(history)).toBe('invalid-token')
    expect((await manager.raw('GET /rooms.info', { query: { roomId: chat.rid } })).status).toBe(400)

    const again = await registerAs({ token: chat.token })
    expect(again._id).not.toBe(chat.id)
    expect(again).not.toHaveProperty('name')
    const foreign = await desk.anyone.raw('GET /livechat/messages.history/:rid', { params: { rid: chat.rid }, query })
    expect(errorOf(foreign)).toBe('invalid-room')
  })

  test('a chat that waits leaves the queue with its visitor', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await openChat(desk)
    const queued = async () => (await manager.call('GET /livechat/inquiries.list')).inquiries.map((one) => one.rid)
    expect(await queued()).toContain(chat.rid)
    await withSettings(desk, forgetAnyway, async () => {
      await remove(chat.token)
    })
    expect(await queued()).not.toContain(chat.rid)
    await configure(desk, { Livechat_Routing_Method: 'Auto_Selection' })
  })
})
