import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pino } from 'pino'
import { engine } from '../../../testing/database.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { startServer } from '../../server.ts'
import { settings } from './catalogue.ts'
import { systemActor } from '../ledger/ledger.ts'
import { changeSettings, readSettings } from './settings.ts'

const nothing = { success: false }
const refused = { success: false, error: 'unauthorized' }

let desk: TestServer
let admin: StaffMember
let agent: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  agent = await desk.staff({ roles: ['user', 'livechat-agent'] })
})
afterAll(() => desk.stop())

function set(id: string, value: unknown, by = admin) {
  return by.raw('POST /settings/:_id', { params: { _id: id }, body: { value } })
}

async function get(id: string): Promise<unknown> {
  return (await admin.call('GET /settings/:_id', { params: { _id: id } })).value
}

function inForce() {
  return readSettings(desk.server.context.read)
}

describe('reading a setting', () => {
  test('an administrator sees its value, which is the default until somebody changes it', async () => {
    expect((await admin.raw('GET /settings/:_id', { params: { _id: 'Livechat_agent_leave_action' } })).body).toEqual({
      _id: 'Livechat_agent_leave_action',
      value: 'none',
      success: true,
    })
  })

  test('without the permission nothing is told, also not whether the setting exists', async () => {
    for (const id of ['Livechat_secret_token', 'Livechat_enabled', 'No_Such_Setting']) {
      const answer = await agent.raw('GET /settings/:_id', { params: { _id: id } })
      expect([answer.status, answer.body]).toEqual([403, refused])
    }
    expect((await desk.anyone.raw('GET /settings/:_id', { params: { _id: 'Site_Url' } })).status).toBe(401)
  })

  test.each(['No_Such_Setting', 'Livechat_guest_count', '__proto__', 'constructor'])(
    'an unknown or hidden one is a failure without words: %s',
    async (id) => {
      const answer = await admin.raw('GET /settings/:_id', { params: { _id: id } })
      expect([answer.status, answer.body]).toEqual([400, nothing])
    },
  )
})

describe('changing a setting', () => {
  test('the new value is in force when the answer comes', async () => {
    expect((await set('Livechat_Routing_Method', 'Manual_Selection')).body).toEqual({ success: true })
    expect(await get('Livechat_Routing_Method')).toBe('Manual_Selection')
    expect((await inForce()).Livechat_Routing_Method).toBe('Manual_Selection')
  })

  test('a change is known to rules of the same transaction, and forgotten when that fails', async () => {
    const { transact } = desk.server.context
    const rule = transact(async (tx) => {
      await changeSettings(tx, systemActor, desk.server.context.config, [{ id: 'Livechat_title', value: 'Never seen' }])
      throw new Error((await readSettings(tx)).Livechat_title)
    })
    await expect(rule).rejects.toThrow('Never seen')
    expect((await inForce()).Livechat_title).toBe(settings.Livechat_title.default)
  })

  test('the value that is there already is a success and leaves the time of the last change alone', async () => {
    await set('Livechat_offline_title', 'Write to us')
    const before = await find('Livechat_offline_title')
    desk.clock.advance(60_000)
    expect((await set('Livechat_offline_title', 'Write to us')).status).toBe(200)
    expect(await find('Livechat_offline_title')).toEqual(before)
    await set('Livechat_offline_title', 'Leave us a line')
    expect(await find('Livechat_offline_title')).toMatchObject({
      createdAt: before?.createdAt,
      _updatedAt: new Date(desk.clock.now()).toISOString(),
    })
  })

  test('a colour may come with the editor that chose it', async () => {
    const body = { editor: 'color', value: '#00AA00' }
    await admin.call('POST /settings/:_id', { params: { _id: 'Livechat_title_color' }, body })
    expect(await get('Livechat_title_color')).toBe('#00AA00')
  })

  test('values survive a restart', async () => {
    await set('Livechat_hide_system_messages', ['uj'])
    await desk.restart()
    expect(await get('Livechat_hide_system_messages')).toEqual(['uj'])
    expect((await inForce()).Livechat_hide_system_messages).toEqual(['uj'])
  })

  // Only one process owns a SQLite file.
  test.runIf(engine === 'postgres')('it is in force at once in every process', async () => {
    const second = await startServer(desk.server.context.config, { log: pino({ level: 'silent' }) })
    try {
      expect((await readSettings(second.context.read)).Livechat_last_chatted_agent_routing).toBe(false)
      await set('Livechat_last_chatted_agent_routing', true)
      expect((await readSettings(second.context.read)).Livechat_last_chatted_agent_routing).toBe(true)
    } finally {
      await second.close()
    }
  })

  test('without the permission it stays as it is', async () => {
    const answer = await set('Livechat_enabled', false, agent)
    expect([answer.status, answer.body]).toEqual([403, refused])
    expect(await get('Livechat_enabled')).toBe(true)
  })

  test.each([
    ['an unknown one', 'No_Such_Setting', { value: 1 }],
    ['a hidden one', 'Livechat_Room_Count', { value: 1 }],
    ['without a value', 'Livechat_title', {}],
    ['without a body', 'Livechat_title', undefined],
    ['an action, of which there are none', 'Livechat_title', { execute: true }],
  ])('%s fails without words', async (_title, id, body) => {
    const answer = await admin.raw('POST /settings/:_id', { params: { _id: id }, body })
    expect([answer.status, answer.body]).toEqual([400, nothing])
  })

  test.each([
    ['a text in a switch is stored and counts as the default', 'Livechat_show_agent_info', 'a text', true],
    ['the text "false" in a switch counts as off', 'Livechat_registration_form', 'false', false],
    ['a number in a switch counts as the default', 'FileUpload_ProtectFiles', 1, true],
    ['nothing in a switch counts as the default', 'Livechat_enable_transcript', null, false],
    ['the text "true" in a switch counts as on', 'Livechat_waiting_queue', 'true', true],
    ['an option that no list offers', 'Livechat_business_hour_type', 'Sometimes', 'Sometimes'],
    ['a number as text counts as the number', 'Livechat_maximum_chats_per_agent', '3', 3],
    ['half a chat is none', 'Livechat_message_character_limit', 0.5, 0],
    ['a text in a number counts as the default', 'Livechat_http_timeout', 'soon', 5000],
    ['a number in a text counts as its digits', 'SMTP_Port', 2525, '2525'],
    ['null in a text counts as empty', 'Livechat_conversation_finished_text', null, ''],
    ['a list in a text counts as the default', 'API_CORS_Origin', ['https://a.example'], '*'],
    ['a text in a list counts as the default', 'Hide_System_Messages', 'uj', []],
    ['a list in a picture counts as the default', 'Assets_livechat_widget_logo', [1], {}],
  ] as const)('any value is accepted: %s', async (_title, id, value, counts) => {
    expect((await set(id, value)).status).toBe(200)
    expect(await get(id)).toEqual(value)
    expect((await inForce())[id]).toEqual(counts)
  })
})

describe('changing several settings', () => {
  const some = [
    { _id: 'Livechat_offline_message', value: 'Back at nine' },
    { _id: 'Livechat_display_offline_form', value: false },
  ]

  test('all take effect together', async () => {
    const answer = await admin.raw('POST /settings', { body: { settings: some } })
    expect([answer.status, answer.body]).toEqual([200, { success: true }])
    expect(await inForce()).toMatchObject({
      Livechat_offline_message: 'Back at nine',
      Livechat_display_offline_form: false,
    })
  })

  test.each([
    ['unknown', { _id: 'No_Such_Setting', value: 1 }],
    ['hidden', { _id: 'Livechat_guest_count', value: 1 }],
    ['without value', { _id: 'Livechat_offline_title' }],
  ])('none does where one is %s', async (_title, wrong) => {
    const list = [{ _id: 'Livechat_background', value: '#123456' }, wrong]
    const answer = await admin.raw('POST /settings', { body: { settings: list } })
    expect([answer.status, answer.body]).toEqual([400, nothing])
    expect(await get('Livechat_background')).toBe('')
  })

  test('the last of two values for one setting counts', async () => {
    const both = ['first', 'second'].map((value) => ({ _id: 'Livechat_agent_leave_comment', value }))
    for (const attempt of ['from the default', 'from the second']) {
      await admin.call('POST /settings', { body: { settings: both } })
      expect(await get('Livechat_agent_leave_comment'), attempt).toBe('second')
    }
  })

  test('it needs the permission and a list', async () => {
    const answer = await agent.raw('POST /settings', { body: { settings: some } })
    expect([answer.status, answer.body]).toEqual([
      403,
      { success: false, error: 'User does not have the permissions required for this action [error-unauthorized]' },
    ])
    const malformed = await admin.raw('POST /settings', { body: { settings: { _id: 'Livechat_title' } } })
    expect(malformed).toMatchObject({ status: 400, body: { success: false, errorType: 'invalid-params' } })
  })
})

describe('listing settings', () => {
  test('an administrator sees every one that is not hidden, the secret ones included', async () => {
    const listed = await listAll(admin)
    const hidden = ['Livechat_guest_count', 'Livechat_Room_Count', 'FileUpload_json_web_token_secret_for_files']
    const expected = Object.keys(settings).filter((id) => !hidden.includes(id))
    expect(listed.map(({ _id }) => _id)).toEqual(expected.toSorted())
  })

  test('everybody else sees the public ones', async () => {
    const listed = await listAll(agent)
    expect(listed.length).toBeGreaterThan(0)
    expect(listed.filter((setting) => !setting.public)).toEqual([])
    expect((await desk.anyone.raw('GET /settings')).status).toBe(401)
  })

  test('each comes with its type, its default, its place and what a select offers', async () => {
    await set('Livechat_widget_position', 'left')
    expect(await find('Livechat_widget_position')).toEqual({
      _id: 'Livechat_widget_position',
      type: 'select',
      value: 'left',
      packageValue: 'right',
      valueSource: 'packageValue',
      group: 'Omnichannel',
      section: 'Livechat',
      public: true,
      hidden: false,
      blocked: false,
      secret: false,
      sorter: expect.any(Number) as number,
      i18nLabel: 'Livechat_widget_position',
      i18nDescription: 'Livechat_widget_position_Description',
      autocomplete: true,
      values: ['left', 'right'].map((key) => ({ key, i18nLabel: key })),
      requiredOnWizard: false,
      env: false,
      ts: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      _updatedAt: expect.any(String) as string,
    })
    expect(await find('SMTP_Password')).toMatchObject({ type: 'password', secret: true, public: false })
  })

  test('without login the public ones are told, their values alone', async () => {
    await set('Livechat_secret_token', 'a very secret token')
    const pages = await Promise.all(
      ['0', '100'].map((offset) => desk.anyone.call('GET /settings.public', { query: { count: '100', offset } })),
    )
    const listed = pages.flatMap((page) => page.settings)
    expect(listed.length).toBe(pages[0]?.total)
    expect(JSON.stringify(listed)).not.toContain('a very secret token')
    expect(listed.every((setting) => Object.keys(setting).join() === '_id,value')).toBe(true)
    expect(listed.map(({ _id }) => _id)).toContain('Livechat_title')
  })

  test('the public list can be narrowed to ids, of which private and unknown ones are left out', async () => {
    const query = { _id: 'Site_Url,Livechat_secret_token,No_Such_Setting,Language', sort: '{"_id":-1}' }
    const answer = await desk.anyone.raw('GET /settings.public', { query })
    const listed = [
      { _id: 'Site_Url', value: '' },
      { _id: 'Language', value: '' },
    ]
    expect(answer.body).toEqual({ settings: listed, count: 2, offset: 0, total: 2, success: true })
  })

  test('pages follow one another and follow the settings that limit them', async () => {
    const page = (query: Record<string, string>) => admin.call('GET /settings', { query })
    const first = await page({})
    expect([first.count, first.offset, first.settings.length]).toEqual([50, 0, 50])
    const next = await page({ offset: '50', count: '3' })
    expect([next.count, next.offset, next.total]).toEqual([3, 50, first.total])
    expect(next.settings[0]?._id).toBe((await listAll(admin))[50]?._id)
    expect((await page({ count: '0' })).count).toBe(100)
    await set('API_Upper_Count_Limit', 7)
    expect((await page({ count: '0' })).count).toBe(7)
    await set('API_Upper_Count_Limit', 100)
    expect((await page({ offset: '9999' })).settings).toEqual([])
  })

  test('any mix of fields orders the list, settings never changed first by time', async () => {
    await set('Livechat_data_processing_consent_text', 'Do you agree?')
    const sort = '{"group":-1,"_updatedAt":-1,"_id":1}'
    const listed = (await admin.call('GET /settings', { query: { sort, count: '100' } })).settings
    const key = ({ group, _updatedAt = '', _id }: (typeof listed)[number]) => ({ group, _updatedAt, _id })
    const expected = listed.map(key).toSorted((one, other) => {
      if (one.group !== other.group) return one.group < other.group ? 1 : -1
      if (one._updatedAt !== other._updatedAt) return one._updatedAt < other._updatedAt ? 1 : -1
      return one._id < other._id ? -1 : 1
    })
    expect(listed.map(key)).toEqual(expected)
    const oldestFirst = await admin.call('GET /settings', { query: { sort: '{"_updatedAt":1}', count: '1' } })
    expect(oldestFirst.settings[0]).not.toHaveProperty('_updatedAt')
  })

  test.each([
    [{ sort: 'name' }, 'error-invalid-sort'],
    [{ sort: '{"_id":"1"}' }, 'error-invalid-sort'],
    [{ fields: 'value' }, 'error-invalid-fields'],
    [{ query: '[]' }, 'error-invalid-query'],
    [{ count: 'many' }, 'invalid-params'],
    [{ offset: '-1' }, 'invalid-params'],
  ])('a page that cannot be read is refused: %j', async (query, errorType) => {
    const answer = await desk.anyone.raw('GET /settings.public', { query })
    expect(answer).toMatchObject({ status: 400, body: { success: false, errorType } })
  })
})

describe('a setting that the environment decides', () => {
  let fixed: TestServer
  let boss: StaffMember
  beforeAll(async () => {
    fixed = await startTestServer({ config: { siteUrl: 'https://chat.example.org' } })
    boss = await fixed.administrator()
  })
  afterAll(() => fixed.stop())

  test('is shown as fixed and cannot be changed', async () => {
    const params = { _id: 'Site_Url' }
    const answer = await boss.raw('POST /settings/:_id', { params, body: { value: 'https://evil.example' } })
    expect([answer.status, answer.body]).toEqual([400, nothing])
    expect((await boss.call('GET /settings/:_id', { params })).value).toBe('https://chat.example.org')
    const { settings: listed } = await boss.call('GET /settings', { query: { sort: '{"_id":-1}', count: '100' } })
    expect(listed.find(({ _id }) => _id === 'Site_Url')).toMatchObject({
      value: 'https://chat.example.org',
      packageValue: '',
      blocked: true,
      env: true,
      valueSource: 'processEnvValue',
    })
  })

  test('is the mail server too, whose password nobody is shown', async () => {
    const smtpUrl = 'smtp://desk%40example.org:hunter22@mail.example.org:587'
    const mailing = await startTestServer({ config: { mail: { smtpUrl, from: 'desk@example.org' } } })
    const owner = await mailing.administrator()
    const listed = await listAll(owner)
    const shown = (id: string) => listed.find(({ _id }) => _id === id)
    const values = {
      SMTP_Host: 'mail.example.org',
      SMTP_Port: '587',
      SMTP_Username: 'desk@example.org',
      SMTP_Password: '',
    }
    for (const [id, value] of Object.entries({ ...values, From_Email: 'desk@example.org' })) {
      expect(shown(id)).toMatchObject({ value, blocked: true, valueSource: 'processEnvValue' })
      const answer = await owner.raw('POST /settings/:_id', { params: { _id: id }, body: { value: 'x' } })
      expect([answer.status, answer.body]).toEqual([400, nothing])
    }
    expect(JSON.stringify(listed)).not.toContain('hunter22')
    await mailing.stop()
  })
})

async function listAll(by: StaffMember) {
  const first = await by.call('GET /settings', { query: { count: '100' } })
  const rest = await by.call('GET /settings', { query: { count: '100', offset: '100' } })
  expect(first.settings.length + rest.settings.length).toBe(first.total)
  return [...first.settings, ...rest.settings]
}

async function find(id: string) {
  return (await listAll(admin)).find(({ _id }) => _id === id)
}
