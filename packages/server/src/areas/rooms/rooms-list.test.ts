import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  configure,
  errorOf,
  errorTypeOf,
  openChat,
  refusal,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
let user: StaffMember
const chat: Record<'served' | 'closed' | 'queued' | 'odd', Chat> = {} as never

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  user = await desk.staff({ username: 'uma', roles: ['user'] })
  // One conversation a day, from the 5th on.
  const day = 86_400_000
  chat.closed = await openChat(desk, { name: 'Äda Closed' })
  await say(desk, chat.closed, 'bye')
  const closing = { rid: chat.closed.rid, comment: 'Solved', tags: ['sales', 'vip'] }
  await anna.call('POST /livechat/room.closeByUser', { body: closing })
  desk.clock.advance(day)
  chat.served = await openChat(desk, { name: 'Bea Served' })
  desk.clock.advance(day)
  chat.odd = await openChat(desk, { name: '100%_a.*b\\' })
  desk.clock.advance(day)
  await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
  chat.queued = await openChat(desk, { name: 'Cid Queued' })
})
afterAll(() => desk.stop())

function list(by: StaffMember, query: Record<string, string | string[]> = {}) {
  return by.raw('GET /livechat/rooms', { query })
}

async function ridsOf(query: Record<string, string | string[]>, by = manager): Promise<string[]> {
  const { rooms, count, total, offset } = await by.call('GET /livechat/rooms', { query })
  expect([count, total, offset]).toEqual([rooms.length, rooms.length, 0])
  return rooms.map(({ _id }) => _id)
}

describe('the list of rooms', () => {
  test('shows a manager all, newest first, without a visitor’s token', async () => {
    const body = await manager.call('GET /livechat/rooms')
    const { rooms } = body
    expect(body).toMatchObject({ count: 4, offset: 0, total: 4, success: true })
    expect(rooms.map(({ _id }) => _id)).toEqual([chat.queued.rid, chat.odd.rid, chat.served.rid, chat.closed.rid])
    expect(rooms.find(({ _id }) => _id === chat.served.rid)).toMatchObject({ fname: 'Bea Served', t: 'l', open: true })
    for (const { token } of Object.values(chat)) expect(JSON.stringify(body)).not.toContain(token)
  })

  test('shows an agent the rooms of that agent only, and only when asked for exactly those', async () => {
    const mine = await ridsOf({ 'agents[]': anna.id }, anna)
    expect(mine.toSorted()).toEqual([chat.closed.rid, chat.served.rid, chat.odd.rid].toSorted())
    expect(await ridsOf({ 'agents[]': bob.id }, bob)).toEqual([])
    const refused = [403, { success: false, error: 'unauthorized' }]
    expect(refusal(await list(bob))).toEqual(refused)
    expect(refusal(await list(bob, { 'agents[]': anna.id }))).toEqual(refused)
    expect(refusal(await list(bob, { 'agents[]': 'anna' }))).toEqual(refused)
    expect(refusal(await list(bob, { 'agents[]': [bob.id, anna.id] }))).toEqual(refused)
    expect(refusal(await list(bob, { 'agents[]': [anna.id, bob.id] }))).toEqual(refused)
  })

  test('is closed to people without a permission, and to strangers', async () => {
    const refused = [403, { success: false, error: 'unauthorized' }]
    expect(refusal(await list(user))).toEqual(refused)
    expect(refusal(await list(user, { 'agents[]': user.id }))).toEqual(refused)
    expect((await desk.anyone.raw('GET /livechat/rooms')).status).toBe(401)
  })

  test('what is wrong with the request is told before the permission is asked for', async () => {
    for (const caller of [user, bob]) {
      const undated = await list(caller, { createdAt: '{"start":"soon"}' })
      expect(errorOf(undated)).toBe('The "createdAt.start" query parameter must be a valid date.')
      expect(errorTypeOf(await list(caller, { count: 'many' }))).toBe('invalid-params')
    }
  })
})

describe('filters', () => {
  test('by agent, with the id or the username, however the list is spelled', async () => {
    const annas = [chat.odd.rid, chat.served.rid, chat.closed.rid]
    for (const query of [{ 'agents[]': anna.id }, { 'agents[]': 'anna' }, { 'agents[]': ['nobody', 'anna'] }])
      expect(await ridsOf(query)).toEqual(annas)
    expect(await ridsOf({ agents: ['nobody', 'anna'] })).toEqual(annas)
    expect(await ridsOf({ 'agents[]': 'nobody' })).toEqual([])
  })

  test('by state', async () => {
    expect(await ridsOf({ open: 'true' })).toEqual([chat.odd.rid, chat.served.rid])
    expect(await ridsOf({ open: 'false' })).toEqual([chat.closed.rid])
    expect(await ridsOf({ queued: 'true' })).toEqual([chat.queued.rid])
    expect(await ridsOf({ queued: 'true', open: 'false' })).toEqual([chat.queued.rid])
    expect(await ridsOf({ onhold: 'true' })).toEqual([])
  })

  test('by name: a part of it in any case, and never a pattern', async () => {
    expect(await ridsOf({ roomName: 'bea' })).toEqual([chat.served.rid])
    expect(await ridsOf({ roomName: 'äDA c' })).toEqual([chat.closed.rid])
    expect(await ridsOf({ roomName: '%_' })).toEqual([chat.odd.rid])
    for (const part of ['.*', 'a.*b', 'b\\']) expect(await ridsOf({ roomName: part })).toEqual([chat.odd.rid])
    for (const pattern of ['%ed', '_ea', '^Bea', `' or '1'='1`, 'B.a', '*']) {
      const found = await ridsOf({ roomName: pattern })
      expect([pattern, found.filter((rid) => rid !== chat.odd.rid)]).toEqual([pattern, []])
    }
  })

  test('by the times of opening and closing', async () => {
    const between = (start?: string, end?: string) => JSON.stringify({ start, end })
    expect(await ridsOf({ createdAt: between('2026-01-06T00:00:00.000Z', '2026-01-06T23:59:59.999Z') })).toEqual([
      chat.served.rid,
    ])
    expect(await ridsOf({ createdAt: between('2026-01-07T00:00:00.000Z') })).toEqual([chat.queued.rid, chat.odd.rid])
    expect(await ridsOf({ createdAt: between(undefined, '2026-01-06T00:00:00.000Z') })).toEqual([chat.closed.rid])
    expect(await ridsOf({ closedAt: between('2026-01-05T00:00:00.000Z') })).toEqual([chat.closed.rid])
    expect(await ridsOf({ closedAt: between('2026-01-06T00:00:00.000Z') })).toEqual([])
    // Midnight in Kiribati is ten in the morning of the day before: an offset is part of a date.
    expect(
      await ridsOf({ createdAt: between('2026-01-08T00:00:00.000+14:00', '2026-01-08T00:00:00.000+14:00') }),
    ).toEqual([chat.odd.rid])
  })

  test('by department, and by any of several tags', async () => {
    expect(await ridsOf({ departmentId: 'no-such' })).toEqual([])
    expect(await ridsOf({ 'tags[]': ['sales', 'vip'] })).toEqual([chat.closed.rid])
    expect(await ridsOf({ 'tags[]': ['other', 'vip'] })).toEqual([chat.closed.rid])
    for (const tag of ['no-such', 'sal', 'SALES', '%']) expect(await ridsOf({ 'tags[]': tag })).toEqual([])
  })

  test('together', async () => {
    expect(await ridsOf({ 'agents[]': 'anna', open: 'true', roomName: 'served' })).toEqual([chat.served.rid])
  })

  test.each([
    ['createdAt', '{"start":"yesterday"}', 'The "createdAt.start" query parameter must be a valid date.'],
    ['createdAt', '{"end":"2026-13-77"}', 'The "createdAt.end" query parameter must be a valid date.'],
    ['closedAt', '{"start":"NaN"}', 'The "closedAt.start" query parameter must be a valid date.'],
    ['closedAt', '{"end":{"$gt":""}}', 'The "closedAt.end" query parameter must be a valid date.'],
    ['customFields', 'company', 'The "customFields" query parameter must be a valid JSON.'],
  ])('%s=%s is refused, whoever asks', async (name, value, error) => {
    for (const by of [manager, bob])
      expect(refusal(await list(by, { [name]: value }))).toEqual([400, { success: false, error }])
  })

  test.each(['no json', '[', '7'])('a range that is no JSON object is refused: %s', async (createdAt) => {
    expect((await list(manager, { createdAt })).status).toBe(400)
  })

  test.each([
    { agents: 'anna' },
    { tags: 'sales' },
    { 'roomName[]': 'bea' },
    { 'open[]': 'true' },
    { open: 'maybe' },
    { offset: '-1' },
    { count: 'many' },
    { offset: 'NaN' },
    { count: '1e9x' },
  ])('%j does not have the documented shape', async (query) => {
    const refused = await list(manager, query)
    expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'invalid-params'])
    expect(errorOf(refused)).toMatch(/ \[invalid-params\]$/)
  })
})

describe('pages', () => {
  const page = async (query: Record<string, string>) => {
    const { rooms, count, offset, total } = await manager.call('GET /livechat/rooms', { query })
    return { names: rooms.map(({ fname }) => fname.slice(0, 3)), count, offset, total }
  }

  test('one after the other', async () => {
    expect(await page({ count: '2' })).toEqual({ names: ['Cid', '100'], count: 2, offset: 0, total: 4 })
    expect(await page({ count: '2', offset: '2' })).toEqual({ names: ['Bea', 'Äda'], count: 2, offset: 2, total: 4 })
    expect(await page({ offset: '9' })).toEqual({ names: [], count: 0, offset: 9, total: 4 })
  })

  test('are never larger than the setting allows', async () => {
    await withSettings(desk, { API_Upper_Count_Limit: 3 }, async () => {
      for (const count of ['0', '4', '1000000000']) expect((await page({ count })).count).toBe(3)
    })
    await withSettings(desk, { API_Default_Count: 2 }, async () => {
      expect((await page({})).count).toBe(2)
    })
  })

  test('in the order asked for', async () => {
    expect((await page({ sort: '{"ts":1}' })).names).toEqual(['Äda', 'Bea', '100', 'Cid'])
    expect((await page({ sort: '{"fname":1}' })).names).toEqual(['100', 'Bea', 'Cid', 'Äda'])
    expect((await page({ sort: '{"fname":-1}' })).names).toEqual(['Äda', 'Cid', 'Bea', '100'])
  })

  test.each([
    '{"ts; drop table room":1}',
    '{"v.token":1}',
    '{"token":1}',
    '{"__proto__":1}',
    '{"constructor":1}',
    '{"visitorId":1}',
  ])('an unknown sort field changes nothing and breaks nothing: %s', async (sort) => {
    expect((await page({ sort })).total).toBe(4)
  })

  test.each(['{"ts":2}', '{"ts":"1"}', '{"ts":{"$gt":""}}', 'ts', '[]', '{"ts":1', '7', 'null'])(
    'a sort that is none is refused: %s',
    async (sort) => {
      expect(refusal(await list(manager, { sort }))).toMatchObject([
        400,
        { error: `Invalid sort parameter provided: "${sort}" [error-invalid-sort]`, errorType: 'error-invalid-sort' },
      ])
    },
  )

  test('with the fields asked for', async () => {
    const { body } = await list(manager, { fields: '{"fname":1,"v.username":1}', sort: '{"ts":1}', count: '1' })
    const { v } = chat.closed.room
    const rooms = [{ _id: chat.closed.rid, fname: 'Äda Closed', v: { username: v.username } }]
    expect(body).toEqual({ rooms, count: 1, offset: 0, total: 4, success: true })
    const without = (await list(manager, { fields: '{"v":0,"source":0}' })).body as { rooms: object[] }
    for (const room of without.rooms) {
      expect(room).toMatchObject({ t: 'l' })
      expect(room).not.toHaveProperty('v')
      expect(room).not.toHaveProperty('source')
    }
    const wanted = await list(manager, { fields: '{"v.token":1,"joinCode":1}' })
    for (const { token } of Object.values(chat)) expect(JSON.stringify(wanted.body)).not.toContain(token)
    expect([(await list(manager, { fields: '{"v":2}' })).status, errorTypeOf(await list(manager, { fields: 'v' }))]).toEqual([400, 'error-invalid-fields']) // prettier-ignore
  })

  test.each(['{"$where":"sleep(5000)"}', '{"ts":{"$regex":".*"}}', '{"servedBy._id":"x"}'])(
    'query=%s is never a filter of the database',
    async (query) => {
      const answer = await list(manager, { query })
      expect([200, 400]).toContain(answer.status)
      if (answer.status === 200) expect(answer.body).toMatchObject({ total: 4 })
    },
  )
})
