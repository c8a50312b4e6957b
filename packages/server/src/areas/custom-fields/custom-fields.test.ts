import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  closeByVisitor,
  errorOf,
  errorTypeOf,
  newToken,
  openChat,
  refusal,
  register,
  roomOf,
} from '../../../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const logged: string[] = []
let desk: TestServer
let manager: StaffMember
let anna: StaffMember

beforeAll(async () => {
  desk = await startTestServer({ onLog: (line) => logged.push(line) })
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  await define({ field: 'company', label: 'Company', public: true })
  await define({ field: 'code', label: 'Code', regexp: '^[A-Z]{3}$', public: true })
  await define({ field: 'order', label: 'Order', scope: 'room', regexp: '[0-9]' })
  await define({ field: 'secret', label: 'Secret', visibility: 'hidden' })
  await define({ field: 'slow', label: 'Slow', regexp: '^(a+)+$' })
  await define({ field: 'broken', label: 'Broken', regexp: '(' })
})
afterAll(() => desk.stop())

const usual = { scope: 'visitor', visibility: 'visible', regexp: '' }

function save(by: StaffMember, field: Record<string, unknown>, customFieldId?: string | null): Promise<RawAnswer> {
  const body = { customFieldId, customFieldData: { ...usual, ...field } }
  return by.raw('POST /livechat/custom-fields.save', { body })
}

async function define(field: Record<string, unknown>): Promise<void> {
  expect((await save(manager, field)).status).toBe(200)
}

function set(token: string, key: string, value: string, overwrite = true): Promise<RawAnswer> {
  return desk.anyone.raw('POST /livechat/custom.field', { body: { token, key, value, overwrite } })
}

function setMany(token: string, customFields: unknown): Promise<RawAnswer> {
  return desk.anyone.raw('POST /livechat/custom.fields', { body: { token, customFields } })
}

async function stored(token: string): Promise<Record<string, string> | undefined> {
  return (await desk.anyone.call('GET /livechat/visitor/:token', { params: { token } })).visitor.livechatData
}

describe('defining a field', () => {
  test('a new field answers what is kept; a changed one keeps its name', async () => {
    const all = { label: 'Plan', scope: 'room', visibility: 'public', regexp: 'x', searchable: true, type: 'select',
      required: true, defaultValue: 'a', options: 'a, b', public: false } // prettier-ignore
    const made = await save(manager, { field: 'plan', ...all })
    const _updatedAt = expect.any(String) as string
    expect(made.body).toEqual({ success: true, customField: { _id: 'plan', ...all, _updatedAt } })
    const changed = await save(manager, { field: 'renamed', label: 'Plan 2' }, 'plan')
    expect(changed.body.customField).toEqual({ ...usual, label: 'Plan 2', _updatedAt })
    const { customField } = await anna.call('GET /livechat/custom-fields/:_id', { params: { _id: 'plan' } })
    expect(customField).toEqual({ _id: 'plan', ...usual, label: 'Plan 2', _updatedAt })
    const none = await anna.call('GET /livechat/custom-fields/:_id', { params: { _id: 'renamed' } })
    expect(none.customField).toBeNull()
  })

  test.each(['', 'a b', 'ä', 'a.b', '$where', '../x', '__proto__', 'constructor', 'prototype', 'a\n'])(
    'a name is refused: %j',
    async (field) => {
      const before = await allRows(desk)
      expect(errorTypeOf(await save(manager, { field, label: 'X' }))).toBe('error-invalid-custom-field-name')
      expect(await allRows(desk)).toEqual(before)
    },
  )

  test('a name is given once, also to one of two who ask at once', async () => {
    expect(errorTypeOf(await save(manager, { field: 'company', label: 'Other' }))).toBe(
      'error-custom-field-name-already-exists',
    )
    const answers = await Promise.all([1, 2].map(() => save(manager, { field: 'twice', label: 'Twice' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
  })

  test('what is not there is neither changed nor removed', async () => {
    expect(errorTypeOf(await save(manager, { field: 'x', label: 'X' }, 'nope'))).toBe('error-invalid-custom-field')
    const remove = (body: unknown) => manager.raw('POST /livechat/custom-fields.delete', { body })
    expect(refusal(await remove({ customFieldId: 'nope' }))).toEqual([
      400,
      {
        success: false,
        error: 'Custom field not found [error-invalid-custom-field]',
        errorType: 'error-invalid-custom-field',
      },
    ])
    expect((await remove({})).body).toEqual({
      success: false,
      errorType: 'invalid-params',
      error: "must have required property 'customFieldId'",
    })
  })

  test('is a manager’s: agents read, and nobody else does', async () => {
    const before = await allRows(desk)
    expect((await save(anna, { field: 'mine', label: 'Mine' })).status).toBe(403)
    const removal = { body: { customFieldId: 'company' } }
    expect((await anna.raw('POST /livechat/custom-fields.delete', removal)).status).toBe(403)
    expect((await desk.anyone.raw('GET /livechat/custom-fields')).status).toBe(401)
    const clerk = await desk.staff()
    expect((await clerk.raw('GET /livechat/custom-fields')).status).toBe(403)
    expect((await clerk.raw('GET /livechat/custom-fields/:_id', { params: { _id: 'company' } })).status).toBe(403)
    expect((await allRows(desk)).get('customField')).toEqual(before.get('customField'))
  })

  test('stored values outlive the definition, and are set no more', async () => {
    await define({ field: 'gone', label: 'Gone' })
    const { token } = await register(desk)
    await set(token, 'gone', 'kept')
    await manager.call('POST /livechat/custom-fields.delete', { body: { customFieldId: 'gone' } })
    expect(await stored(token)).toEqual({ gone: 'kept' })
    expect(refusal(await set(token, 'gone', 'new'))).toEqual(bare('invalid-custom-field'))
  })

  test('the list has pages, an order and a filter', async () => {
    const list = async (query: Record<string, string>) =>
      (await anna.call('GET /livechat/custom-fields', { query })).customFields.map(({ _id }) => _id)
    expect((await list({})).slice(0, 3)).toEqual(['broken', 'code', 'company'])
    expect(await list({ text: 'COMP' })).toEqual(['company'])
    expect(await list({ text: '.*' })).toEqual([])
    expect(await list({ count: '1', offset: '1' })).toEqual(['code'])
    expect((await list({ sort: '{"_id":-1}' }))[0]).toBe('twice')
  })

  test('widgets are told of the visible, public fields of visitors', async () => {
    await define({ field: 'topic', label: 'Topic', public: true, type: 'select', options: 'a, b', required: true })
    const { config } = await desk.anyone.call('GET /livechat/config')
    expect(config.customFields).toEqual([
      { _id: 'code', label: 'Code', regexp: '^[A-Z]{3}$', required: false, defaultValue: null },
      { _id: 'company', label: 'Company', required: false, defaultValue: null },
      { _id: 'topic', label: 'Topic', required: true, type: 'select', defaultValue: null, options: ['a', 'b'] },
    ])
  })
})

describe('a visitor who sets a field', () => {
  test('is answered what was set, and finds it', async () => {
    const { token } = await register(desk)
    const answer = await set(token, 'company', 'ACME')
    expect(answer.body).toEqual({ success: true, field: { key: 'company', value: 'ACME', overwrite: true } })
    expect(await stored(token)).toEqual({ company: 'ACME' })
  })

  test('keeps what is there where it is not to be overwritten, which is a success too', async () => {
    const { token } = await register(desk)
    await set(token, 'company', 'first', false)
    expect((await set(token, 'company', 'second', false)).status).toBe(200)
    expect(await stored(token)).toEqual({ company: 'first' })
  })

  test('sets different fields at once without losing one', async () => {
    const { token } = await register(desk)
    await Promise.all([set(token, 'company', 'ACME'), set(token, 'code', 'ABC')])
    expect(await stored(token)).toEqual({ company: 'ACME', code: 'ABC' })
  })

  test('writes a room’s field into the open room only', async () => {
    const { token } = await register(desk)
    expect(refusal(await set(token, 'order', '7'))).toEqual([400, { success: false }])
    const chat = await openChat(desk)
    expect((await set(chat.token, 'order', '7')).status).toBe(200)
    expect((await roomOf(desk, chat)).livechatData).toEqual({ order: '7' })
    expect(await stored(chat.token)).toBeUndefined()
    await closeByVisitor(desk, chat)
    expect(refusal(await set(chat.token, 'order', '8'))).toEqual([400, { success: false }])
  })

  test.each([
    ['company', { $ne: null }],
    [{ $gt: '' }, 'x'],
    ['company', 'x'.repeat(1_001)],
    ['company', ['x']],
    ['company', 7],
    ['company', 'a\u0000'],
  ])('of a wrong shape changes nothing: %#', async (key, value) => {
    const { token } = await register(desk)
    const before = await allRows(desk)
    const body = { token, key, value, overwrite: true }
    expect((await desk.anyone.raw('POST /livechat/custom.field', { body })).status).toBe(400)
    expect(await allRows(desk)).toEqual(before)
  })

  test.each(['unknown', '__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'that nobody defined is refused: %s',
    async (key) => {
      const { token } = await register(desk)
      expect(refusal(await set(token, key, 'x'))).toEqual(bare('invalid-custom-field'))
      expect(await stored(token)).toBeUndefined()
      expect(Object.keys(Object.prototype)).toEqual([])
    },
  )

  test('is refused where the pattern is not found, which names the field', async () => {
    const { token } = await register(desk)
    expect(refusal(await set(token, 'code', 'abc'))).toEqual([
      400,
      { success: false, error: 'Invalid value for code field' },
    ])
    expect((await set(token, 'code', 'ABC')).status).toBe(200)
  })

  test('is refused where the pattern is broken or takes too long, and everybody else goes on meanwhile', async () => {
    const { token } = await register(desk)
    const slow = set(token, 'slow', `${'a'.repeat(60)}!`)
    const others = await Promise.all(Array.from({ length: 5 }, () => register(desk)))
    expect(others).toHaveLength(5)
    expect(errorOf(await slow)).toBe('Invalid value for slow field')
    expect(errorOf(await set(token, 'broken', 'x'))).toBe('Invalid value for broken field')
    expect((await set(token, 'slow', 'aaa')).status).toBe(200)
    expect(logged.join('')).toContain('was stopped')
    expect(logged.join('')).not.toContain('aaaa')
  })

  test('needs a known token', async () => {
    expect(refusal(await set('nobody', 'company', 'x'))).toEqual(bare('invalid-token'))
    expect(refusal(await set('nobody', 'unknown', 'x'))).toEqual(bare('invalid-token'))
  })

  test('sets several, all or none', async () => {
    const { token } = await register(desk)
    const field = (key: string, value: string) => ({ key, value, overwrite: true })
    const good = await setMany(token, [field('company', 'ACME'), field('code', 'ABC')])
    expect(good.body.fields).toEqual([
      { Key: 'company', key: 'company', value: 'ACME', overwrite: true },
      { Key: 'code', key: 'code', value: 'ABC', overwrite: true },
    ])
    for (const bad of [field('code', 'abc'), field('unknown', 'x'), field('order', '7')])
      expect(refusal(await setMany(token, [field('company', 'Other'), bad]))).toEqual(
        bare('error-setting-custom-field'),
      )
    expect(await stored(token)).toEqual({ company: 'ACME', code: 'ABC' })
    expect(refusal(await setMany('nobody', [field('company', 'x')]))).toEqual(bare('invalid-token'))
  })
})

describe('fields at registration', () => {
  const field = (key: string, value: string, overwrite = true) => ({ key, value, overwrite })

  test('are written where they are defined for visitors and not hidden; others are ignored', async () => {
    const customFields = [
      field('company', 'ACME'),
      field('code', 'matches no pattern'),
      field('order', '7'),
      field('secret', 's'),
      field('unknown', 'x'),
      field('__proto__', 'x'),
    ]
    const { token } = await register(desk, { customFields })
    expect(await stored(token)).toEqual({ company: 'ACME', code: 'matches no pattern' })
    const again = { token, customFields: [field('company', 'Other', false), field('code', 'ABC')] }
    const { visitor } = await desk.anyone.call('POST /livechat/visitor', { body: { visitor: again } })
    expect(visitor.livechatData).toEqual({ company: 'ACME', code: 'ABC' })
  })

  test('of which none is known leave no trace', async () => {
    const body = { visitor: { token: newToken(), customFields: [field('order', '7')] } }
    const { visitor } = await desk.anyone.call('POST /livechat/visitor', { body })
    expect(visitor).not.toHaveProperty('livechatData')
  })
})
