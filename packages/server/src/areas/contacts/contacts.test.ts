import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeBy,
  closeByVisitor,
  errorOf,
  errorTypeOf,
  newToken,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomSeenBy,
  say,
  withSettings,
} from '../../../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bert: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bert = await desk.staff({ username: 'bert', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  await define({ field: 'company', label: 'Company', searchable: true })
  await define({ field: 'note', label: 'Note' })
})
afterAll(() => desk.stop())

async function define(field: Record<string, unknown>): Promise<void> {
  const customFieldData = { scope: 'visitor', visibility: 'visible', regexp: '', ...field }
  await manager.call('POST /livechat/custom-fields.save', { body: { customFieldData } })
}

async function infoOf(visitorId: string) {
  return (await anna.call('GET /livechat/visitors.info', { query: { visitorId } })).visitor
}

describe('what agents see of a visitor', () => {
  test('is everything but the token', async () => {
    const { id, token } = await register(desk, { name: 'Ines', email: 'ines@example.org', phone: '+1' })
    const visitor = await infoOf(id)
    expect(visitor).toMatchObject({ _id: id, name: 'Ines', visitorEmails: [{ address: 'ines@example.org' }] })
    expect(JSON.stringify(visitor)).not.toContain(token)
    expect(visitor).not.toHaveProperty('token')
  })

  test('is nothing of one who is unknown or was removed', async () => {
    const { id, token } = await register(desk)
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token } })
    for (const visitorId of [id, 'unknown', '__proto__'])
      expect(refusal(await anna.raw('GET /livechat/visitors.info', { query: { visitorId } }))).toEqual(
        bare('visitor-not-found'),
      )
    expect(errorTypeOf(await anna.raw('GET /livechat/visitors.info'))).toBe('invalid-params')
  })

  test.each([
    'GET /livechat/visitors.info',
    'GET /livechat/visitors.search',
    'GET /livechat/visitors.autocomplete',
    'GET /livechat/visitors.pagesVisited/:roomId',
    'GET /livechat/visitors.chatHistory/room/:roomId/visitor/:visitorId',
    'GET /livechat/visitors.searchChats/room/:roomId/visitor/:visitorId',
    'POST /omnichannel/contact',
    'GET /omnichannel/contact',
    'GET /omnichannel/contact.search',
    'POST /livechat/visitors.block',
    'POST /livechat/visitors.unblock',
    'GET /livechat/visitors.blocked',
    'GET /livechat/visitor/:token/room',
  ])('is not for others: %s', async (key) => {
    const clerk = await desk.staff()
    const query = { visitorId: 'x', term: 'x', selector: '{}', contactId: 'x' }
    const body = { visitorId: 'x', token: 'x', name: 'x' }
    const input = {
      params: { roomId: 'x', visitorId: 'x', token: 'x' },
      ...(key.startsWith('GET') ? { query } : { body }),
    }
    expect((await desk.anyone.raw(key, input)).status).toBe(401)
    expect((await clerk.raw(key, input)).status).toBe(403)
  })
})

describe('searching visitors', () => {
  const search = async (term: string, more: Record<string, string> = {}) => {
    const { visitors, total } = await anna.call('GET /livechat/visitors.search', { query: { term, ...more } })
    return { ids: visitors.map(({ _id }) => _id), total, visitors }
  }

  test('finds them by part of the name and of searchable fields, by the whole address and number', async () => {
    const company = [{ key: 'company', value: 'Wombat Works Ünited', overwrite: true }]
    const note = { key: 'note', value: 'hidden-quokka', overwrite: true }
    const { id, token } = await register(desk, {
      name: 'Zoë Wallaby',
      email: 'zoe@wallaby.example',
      phone: '+61 400',
      customFields: [...company, note],
    })
    for (const term of ['wallaby', 'WALLABY', 'zoe@wallaby.example', '+61 400', 'wombat w', 'ÜNITED'])
      expect([term, (await search(term)).ids]).toEqual([term, [id]])
    for (const term of ['zoe@wallaby', '+61', 'hidden-quokka', '%', '_', '.*', 'w%y', '\\', "' or 1=1 --"])
      expect([term, (await search(term)).ids]).toEqual([term, []])
    expect(JSON.stringify((await search('wallaby')).visitors)).not.toContain(token)
  })

  test('finds names of any script, whatever the case', async () => {
    const maria = await register(desk, { name: 'Мария Élodie', username: 'ÖZGÜR' })
    for (const term of ['мария', 'МАРИЯ ÉLO', 'élodie', 'ÉLODIE', 'özg', 'ÖZGÜR'])
      expect([term, (await search(term)).ids]).toEqual([term, [maria.id]])
    const items = async (term: string) => {
      const query = { selector: JSON.stringify({ term }) }
      return (await anna.call('GET /livechat/visitors.autocomplete', { query })).items.map(({ _id }) => _id)
    }
    for (const term of ['мар', 'МАР']) expect(await items(term)).toEqual([maria.id])
    expect(await items('élodie')).toEqual([])

    await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token: maria.token, name: 'Ümit' } } })
    expect([(await search('мария')).ids, (await search('ümit')).ids]).toEqual([[], [maria.id]])
    await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token: maria.token, name: 'Plain' } } })
    expect([(await search('ümit')).ids, (await search('plain')).ids]).toEqual([[], [maria.id]])
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: maria.token } })
    expect((await search('özgür')).ids).toEqual([])
  })

  test('answers all for no term, newest first, and no removed ones', async () => {
    desk.clock.advance(1_000)
    const newest = await register(desk)
    const gone = await register(desk, { name: 'Gone Numbat' })
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: gone.token } })
    const { ids, total } = await search('', { count: '1' })
    expect(ids).toEqual([newest.id])
    expect(total).toBeGreaterThan(1)
    expect((await search('Numbat')).ids).toEqual([])
    expect(errorTypeOf(await anna.raw('GET /livechat/visitors.search'))).toBe('invalid-params')
  })

  test('completes names by their beginning', async () => {
    const all = []
    for (let n = 10; n < 22; n++) all.push(await register(desk, { name: `Bilby ${n}` }))
    const complete = async (selector: unknown) =>
      (await anna.call('GET /livechat/visitors.autocomplete', { query: { selector: JSON.stringify(selector) } })).items
    const items = await complete({ term: 'bilb', exceptions: [all[0]!.id, 7, { $ne: 1 }], conditions: { $where: '1' } })
    expect(items.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, n) => `Bilby ${n + 11}`))
    expect(items[0]?.custom_name).toBe(`${items[0]!.username} - Bilby 11`)
    expect(await complete({ term: 'ilby' })).toEqual([])
    for (const term of [{ $ne: null }, ['x'], '\0', '\uD800'])
      expect(Array.isArray(await complete({ term }))).toBe(true)
  })

  test.each(['', 'x', '[]', '{', 'null'])('asks for a selector that can be read: %j', async (selector) => {
    const answer = await anna.raw('GET /livechat/visitors.autocomplete', { query: { selector } })
    expect(refusal(answer)).toEqual([400, { success: false, error: 'The selector is not a JSON object' }])
    expect(errorOf(await anna.raw('GET /livechat/visitors.autocomplete'))).toBe(
      `must have required property 'selector' [invalid-params]`,
    )
  })
})

describe('the past of a visitor', () => {
  const past = (by: StaffMember, kind: 'chatHistory' | 'searchChats', at: object, query = {}) =>
    by.raw(`GET /livechat/visitors.${kind}/room/:roomId/visitor/:visitorId`, { params: { ...at }, query })
  const idsOf = ({ body }: RawAnswer) => (body as { history: { _id: string }[] }).history.map(({ _id }) => _id)

  test('is every chat, the newest first, with how each ended', async () => {
    const visitor = await register(desk)
    const first = await openRoomOf(desk, visitor)
    await say(desk, first, 'my Parcel is late')
    await closeBy(anna, first.rid)
    desk.clock.advance(1_000)
    const second = await openRoomOf(desk, visitor)
    const at = { roomId: second.rid, visitorId: visitor.id }
    expect(idsOf(await past(anna, 'chatHistory', at))).toEqual([second.rid, first.rid])
    const found = await past(anna, 'searchChats', at)
    expect(found.body.total).toBe(2)
    expect(found.body.history[1]).toMatchObject({ _id: first.rid, closer: 'user', closingMessage: { msg: 'Solved' } })
    expect(found.body.history[0]).not.toHaveProperty('closingMessage')
    const search = async (query: object) => idsOf(await past(anna, 'searchChats', at, query))
    expect(await search({ searchText: 'Parcel' })).toEqual([first.rid])
    expect(await search({ searchText: 'parcel' })).toEqual([])
    expect(await search({ searchText: '%' })).toEqual([])
    expect(await search({ closedChatsOnly: 'true' })).toEqual([first.rid])
    expect(await search({ closedChatsOnly: 'false', servedChatsOnly: 'true' })).toEqual([second.rid, first.rid])
    expect(await search({ source: 'api' })).toHaveLength(2)
    expect(await search({ source: 'widget' })).toEqual([])
    expect(JSON.stringify([found.body, (await past(anna, 'chatHistory', at)).body])).not.toContain(visitor.token)
    await closeByVisitor(desk, second)
  })

  test('is not read through a room of another visitor, nor a room one may not read', async () => {
    const [mine, other] = [await openChat(desk), await openChat(desk)]
    for (const kind of ['chatHistory', 'searchChats'] as const) {
      const foreign = await past(anna, kind, { roomId: mine.rid, visitorId: other.id })
      expect(foreign.body).toEqual({ success: true, history: [], count: 0, offset: 0, total: 0 })
      const at = { roomId: mine.rid, visitorId: mine.id }
      expect(refusal(await past(bert, kind, at))).toEqual(bare('error-not-allowed'))
      expect(refusal(await past(bert, kind, { ...at, roomId: 'none' }))).toEqual(bare('invalid-room'))
    }
    await closeByVisitor(desk, mine)
    await closeByVisitor(desk, other)
  })

  test('holds the pages of a room, for those who may read it', async () => {
    const visitor = await register(desk)
    const see = (rid?: string) => {
      const pageInfo = { change: 'url', title: 'Shop', location: { href: 'https://shop.example/' } }
      return desk.anyone.call('POST /livechat/page.visited', { body: { token: visitor.token, rid, pageInfo } })
    }
    await see()
    const chat = await openRoomOf(desk, visitor)
    desk.clock.advance(2_000)
    await see(chat.rid)
    const params = { roomId: chat.rid }
    const { pages, total } = await anna.call('GET /livechat/visitors.pagesVisited/:roomId', { params })
    expect(total).toBe(2)
    expect(pages[0]).toMatchObject({
      rid: chat.rid,
      t: 'livechat_navigation_history',
      msg: 'Shop - https://shop.example/',
      navigation: { page: { change: 'url', title: 'Shop', location: { href: 'https://shop.example/' } } },
    })
    expect(JSON.stringify(pages)).not.toContain(visitor.token)
    const foreign = await bert.raw('GET /livechat/visitors.pagesVisited/:roomId', { params })
    const missing = await bert.raw('GET /livechat/visitors.pagesVisited/:roomId', { params: { roomId: 'none' } })
    expect(refusal(foreign)).toEqual(bare('invalid-room'))
    expect(refusal(missing)).toEqual(refusal(foreign))
    await closeByVisitor(desk, chat)
  })
})

describe('a contact', () => {
  const save = (body: Record<string, unknown>) => anna.raw('POST /omnichannel/contact', { body })

  test('keeps fields that whoever saves it does not see', async () => {
    await define({ field: 'score', label: 'Score' })
    const show = (visibility: string) =>
      manager.call('POST /livechat/custom-fields.save', {
        body: {
          customFieldId: 'score',
          customFieldData: { field: 'score', label: 'Score', scope: 'visitor', visibility, regexp: '' },
        },
      })
    const token = newToken()
    const made = await save({ token, name: 'Nora', customFields: { score: '7', company: 'A' } })
    await show('hidden')
    expect((await save({ token, name: 'Nora', customFields: { company: 'B' } })).status).toBe(200)
    expect((await save({ token, name: 'Nora', customFields: { score: '1' } })).status).toBe(200)
    expect((await save({ token, name: 'Nora' })).status).toBe(200)
    await show('visible')
    expect((await infoOf(made.body.contact as string)).livechatData).toEqual({ score: '7' })
    await manager.call('POST /livechat/custom-fields.delete', { body: { customFieldId: 'score' } })
  })

  test('is created, changed and found again, by its token, its id or its address', async () => {
    const token = newToken()
    const made = await save({ token, name: 'Nora', email: 'NORA@example.org', phone: '7', customFields: { company: 'A', x: 'y' }, contactManager: { username: 'anna' } }) // prettier-ignore
    const id = made.body.contact as string
    expect(await infoOf(id)).toMatchObject({
      name: 'Nora',
      visitorEmails: [{ address: 'nora@example.org' }],
      phone: [{ phoneNumber: '7' }],
      livechatData: { company: 'A' },
      contactManager: { username: 'anna' },
    })
    expect((await save({ token, name: 'Nora 2', email: 'nora@example.org' })).body.contact).toBe(id)
    expect((await save({ token: newToken(), name: 'Nora 3', email: 'nora@example.org' })).body.contact).toBe(id)
    expect((await save({ token: newToken(), _id: id, name: 'Nora 4', email: '' })).body.contact).toBe(id)
    const now = await infoOf(id)
    expect(now).toMatchObject({ name: 'Nora 4', phone: [{ phoneNumber: '7' }], livechatData: { company: 'A' } })
    expect(now).not.toHaveProperty('visitorEmails')
    expect(now).not.toHaveProperty('contactManager')
    await save({ token, name: 'Nora', phone: '', customFields: {} })
    const bareOne = await infoOf(id)
    expect(bareOne).not.toHaveProperty('phone')
    expect(bareOne).not.toHaveProperty('livechatData')
    const { contact } = await anna.call('GET /omnichannel/contact', { query: { contactId: id } })
    expect(contact?._id).toBe(id)
    expect(JSON.stringify(contact)).not.toContain(token)
    const none = await anna.call('GET /omnichannel/contact', { query: { contactId: 'none' } })
    expect(none.contact).toBeNull()
    expect(errorOf(await anna.raw('GET /omnichannel/contact'))).toBe(`Match error: Missing key 'contactId'`)
  })

  test('keeps its token: an agent could read as the visitor with one of the agent’s choice', async () => {
    const victim = await register(desk, { email: 'keeps@example.org' })
    const forged = newToken()
    await save({ token: forged, name: 'X', email: 'keeps@example.org' })
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: victim.token } })
    expect(visitor.name).toBe('X')
    expect((await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token: forged } })).status).toBe(400)
    await withSettings(desk, { Livechat_visitor_matching: 'compatible' }, async () => {
      await save({ token: forged, name: 'X', email: 'keeps@example.org' })
      expect((await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token: forged } })).status).toBe(200)
      await manager.call('POST /livechat/visitors.block', { body: { visitorId: victim.id } })
      const again = await save({ token: newToken(), name: 'X', email: 'keeps@example.org' })
      expect(refusal(again)).toEqual(bare('error-contact-channel-blocked'))
    })
  })

  test('gives its rooms its name', async () => {
    const chat = await openChat(desk)
    await save({ token: chat.token, name: 'Renamed' })
    expect((await roomSeenBy(manager, chat.rid)).fname).toBe('Renamed')
    await closeByVisitor(desk, chat)
  })

  test('that is refused changes nothing', async () => {
    await define({ field: 'must', label: 'Must', required: true })
    await define({ field: 'digit', label: 'Digit', regexp: '^[0-9]$' })
    const token = newToken()
    const before = await allRows(desk)
    const good = { token, name: 'N', customFields: { must: 'x' } }
    const refused = async (body: Record<string, unknown>) => {
      const answer = await save({ ...good, ...body })
      return errorTypeOf(answer) ?? errorOf(answer)
    }
    expect(await refused({ customFields: {} })).toBe('Invalid value for Must field')
    expect(await refused({ customFields: { must: 'x', digit: 'a' } })).toBe('Invalid value for Digit field')
    expect(await refused({ token: ' ' })).toBe('error-invalid-token')
    expect(await refused({ email: 'nonsense' })).toBe('error-invalid-email')
    expect(await refused({ contactManager: { username: 'nobody' } })).toBe('error-contact-manager-not-found')
    expect(await refused({ contactManager: { username: 'mona' } })).toBe('error-invalid-contact-manager')
    expect(await refused({ name: undefined })).toBe(`Match error: Missing key 'name'`)
    expect(await refused({ name: { $ne: 1 } })).toMatch(/^Match error: Expected string, got object/)
    expect(await allRows(desk)).toEqual(before)
    expect((await save(good)).status).toBe(200)
    for (const customFieldId of ['must', 'digit'])
      await manager.call('POST /livechat/custom-fields.delete', { body: { customFieldId } })
  })

  test('that two agents create at once is one', async () => {
    const token = newToken()
    const answers = await Promise.all(['A', 'B', 'C', 'D'].map((name) => save({ token, name })))
    expect(new Set(answers.map(({ body }) => body.contact as string)).size).toBe(1)
  })

  test('is found by address, number and searchable fields', async () => {
    const company = { key: 'company', value: 'Platypus', overwrite: true }
    const { id } = await register(desk, { email: 'p@example.org', phone: '4711', customFields: [company] })
    const found = async (query: Record<string, string>) =>
      (await anna.call('GET /omnichannel/contact.search', { query })).contact?._id
    expect(await found({ email: 'p@example.org' })).toBe(id)
    expect(await found({ phone: '4711' })).toBe(id)
    expect(await found({ phone: '4711', email: '', custom: '' })).toBe(id)
    expect(await found({ custom: '{"company":"LATYP"}' })).toBe(id)
    expect(await found({ custom: '{"company":"LATYP"}', phone: 'other' })).toBeUndefined()
    expect(await found({ email: 'P@example.org' })).toBeUndefined()
    expect(await found({ custom: '{"note":"x","unknown":"y"}' })).toBeUndefined()
  })

  test.each([
    [{}, 'error-invalid-params'],
    [{ custom: '{}' }, 'error-invalid-params'],
    [{ email: '', phone: '' }, 'error-invalid-params'],
    [{ custom: '{' }, 'error-invalid-params-custom'],
    [{ custom: '[]' }, 'error-invalid-params-custom'],
    [{ custom: '{"company":{"$ne":null}}' }, 'error-invalid-params-custom'],
    [{ custom: String.raw`{"company":"\u0000"}` }, 'error-invalid-params-custom'],
  ])('is not looked for by %j', async (query: Record<string, string>, code) => {
    expect(errorTypeOf(await anna.raw('GET /omnichannel/contact.search', { query }))).toBe(code)
  })
})

describe('a blocked visitor', () => {
  const block = (visitorId: string, more = {}) =>
    anna.raw('POST /livechat/visitors.block', { body: { visitorId, reason: 'Abuse', ...more } })
  const unblock = (visitorId: string) => anna.raw('POST /livechat/visitors.unblock', { body: { visitorId } })
  const blocked = bare('error-contact-channel-blocked')
  const open = (token: string) => desk.anyone.raw('GET /livechat/room', { query: { token } })
  const enter = (token: string) => desk.anyone.raw('POST /livechat/visitor', { body: { visitor: { token } } })

  test('loses the open chat, and neither opens one, registers nor writes', async () => {
    const chat = await openChat(desk)
    expect(refusal(await block(chat.id))).toEqual([200, { success: true }])
    const room = await roomSeenBy(manager, chat.rid)
    expect(room).toMatchObject({
      closer: 'user',
      closedBy: { _id: anna.id },
      lastMessage: { msg: 'The visitor was blocked.' },
    })
    expect(refusal(await open(chat.token))).toEqual(blocked)
    expect(refusal(await enter(chat.token))).toEqual(blocked)
    const body = { token: chat.token, rid: chat.rid, msg: 'again' }
    expect(refusal(await desk.anyone.raw('POST /livechat/message', { body }))).toEqual(blocked)
    const many = { visitor: { token: chat.token }, messages: [{ msg: 'again' }] }
    expect(refusal(await anna.raw('POST /livechat/messages', { body: many }))).toEqual(blocked)
    const bystander = await openChat(desk)
    expect((await open(bystander.token)).status).toBe(200)
    await closeByVisitor(desk, bystander)
  })

  test('stays blocked after removal, and comes back when unblocked', async () => {
    const { id, token } = await register(desk)
    await block(id)
    await block(id)
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token } })
    expect(refusal(await enter(token))).toEqual(blocked)
    expect((await unblock(id)).status).toBe(200)
    expect((await enter(token)).status).toBe(200)
  })

  test('is listed, without the token', async () => {
    const { id, token } = await register(desk, { name: 'Listed' })
    await block(id)
    const answer = await anna.call('GET /livechat/visitors.blocked')
    expect(answer.blocked.find(({ visitorId }) => visitorId === id)).toMatchObject({
      name: 'Listed',
      kind: 'visitor',
      reason: 'Abuse',
      blockedBy: { _id: anna.id },
    })
    expect(JSON.stringify(answer)).not.toContain(token)
    await unblock(id)
    const { blocked: left } = await anna.call('GET /livechat/visitors.blocked')
    expect(left.some(({ visitorId }) => visitorId === id)).toBe(false)
  })

  test('who is unknown is neither blocked nor unblocked', async () => {
    expect(refusal(await block('nobody'))).toEqual(bare('visitor-not-found'))
    expect(refusal(await unblock('nobody'))).toEqual(bare('visitor-not-found'))
    const { id } = await register(desk)
    expect((await unblock(id)).status).toBe(200)
  })

  test('may be blocked by address too, where one is known', async () => {
    const { id } = await register(desk)
    const before = await allRows(desk)
    expect(errorTypeOf(await block(id, { byAddress: true }))).toBe('error-address-unknown')
    expect(await allRows(desk)).toEqual(before)

    const chat = await openChat(desk)
    expect((await block(chat.id, { byAddress: true })).status).toBe(200)
    expect(refusal(await enter(newToken()))).toEqual(blocked)
    const stored = JSON.stringify([...(await allRows(desk)).values()])
    expect(stored).not.toContain('127.0.0.1')
    await unblock(chat.id)
    expect((await enter(newToken())).status).toBe(200)
  })

  test('who returns in the old way, by the same address, stays blocked', async () => {
    const { id } = await register(desk, { email: 'same@blocked.example' })
    await block(id)
    await withSettings(desk, { Livechat_visitor_matching: 'compatible' }, async () => {
      const body = { visitor: { token: newToken(), email: 'same@blocked.example' } }
      expect(refusal(await desk.anyone.raw('POST /livechat/visitor', { body }))).toEqual(blocked)
    })
  })

  test('who opens a room at the same moment has none afterwards', async () => {
    for (let round = 0; round < 8; round++) {
      const { id, token } = await register(desk)
      await Promise.all([open(token), block(id), open(token)])
      const { rooms } = await manager.call('GET /livechat/visitor/:token/room', { params: { token } })
      expect(rooms).toEqual([])
      await unblock(id)
    }
  })
})

describe('managers', () => {
  test('see the open room of a token', async () => {
    const chat = await openChat(desk)
    await answer(anna, chat.rid, 'hello')
    const roomsOf = (token: string) => manager.call('GET /livechat/visitor/:token/room', { params: { token } })
    expect((await roomsOf(chat.token)).rooms).toEqual([
      { _id: chat.rid, t: 'l', cl: false, servedBy: expect.objectContaining({ username: 'anna' }) as unknown },
    ])
    await closeByVisitor(desk, chat)
    expect((await roomsOf(chat.token)).rooms).toEqual([])
    expect((await roomsOf('nobody')).rooms).toEqual([])
  })
})
