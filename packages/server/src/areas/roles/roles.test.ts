import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { defaultPermissions } from './catalogue.ts'

let desk: TestServer
let admin: StaffMember
let agent: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  agent = await desk.staff({ roles: ['user', 'livechat-agent'] })
})
afterAll(() => desk.stop())

function update(permissions: unknown, by = admin) {
  return by.raw('POST /permissions.update', { body: { permissions } })
}

async function everyPermission() {
  return (await agent.call('GET /permissions.listAll')).update
}

async function rolesOf(id: string): Promise<string[] | undefined> {
  return (await everyPermission()).find(({ _id }) => _id === id)?.roles
}

function readsSettings(by: StaffMember): Promise<number> {
  return by.raw('GET /settings/:_id', { params: { _id: 'Livechat_enabled' } }).then(({ status }) => status)
}

describe('roles', () => {
  test('are told to everybody who signed in', async () => {
    const { roles } = await agent.call('GET /roles.list')
    expect(roles.map(({ _id }) => _id)).toEqual([
      'admin',
      'user',
      'bot',
      'livechat-agent',
      'livechat-manager',
      'livechat-monitor',
    ])
    expect(roles.find(({ _id }) => _id === 'livechat-agent')).toEqual({
      _id: 'livechat-agent',
      name: 'livechat-agent',
      scope: 'Users',
      description: expect.any(String) as string,
      protected: true,
      mandatory2fa: false,
    })
    expect((await desk.anyone.raw('GET /roles.list')).status).toBe(401)
  })
})

describe('listing permissions', () => {
  test('everybody who signed in sees each with the roles that hold it', async () => {
    const { update: listed, remove } = await agent.call('GET /permissions.listAll')
    expect(listed.map(({ _id }) => _id).toSorted()).toEqual(Object.keys(defaultPermissions).toSorted())
    expect(await rolesOf('view-agent-canned-responses')).toEqual(['livechat-agent'])
    expect(remove).toEqual([])
    expect((await desk.anyone.raw('GET /permissions.listAll')).status).toBe(401)
  })

  test('since a moment: those changed after it', async () => {
    const before = new Date(desk.clock.now()).toISOString()
    desk.clock.advance(1_000)
    await update([{ _id: 'view-statistics', roles: ['admin', 'bot'] }])
    const changed = (updatedSince: string) => agent.call('GET /permissions.listAll', { query: { updatedSince } })
    expect(await changed(before)).toMatchObject({
      update: [{ _id: 'view-statistics', roles: ['admin', 'bot'] }],
      remove: [],
    })
    expect((await changed(new Date(desk.clock.now()).toISOString())).update).toEqual([])
    expect((await changed('')).update).toHaveLength(Object.keys(defaultPermissions).length)
  })

  test('a moment that is no date is refused', async () => {
    const answer = await agent.raw('GET /permissions.listAll', { query: { updatedSince: 'yesterday' } })
    expect([answer.status, answer.body]).toEqual([
      400,
      {
        success: false,
        error: 'The "updatedSince" query parameter must be a valid date. [invalid-params]',
        errorType: 'invalid-params',
      },
    ])
  })
})

describe('changing who holds a permission', () => {
  beforeEach(() => update([{ _id: 'view-privileged-setting', roles: ['admin'] }]))

  test('takes effect with the answer, for sessions that are open', async () => {
    expect(await readsSettings(agent)).toBe(403)
    const answer = await update([{ _id: 'view-privileged-setting', roles: ['admin', 'livechat-agent'] }])
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ success: true, permissions: await everyPermission() })
    expect(await rolesOf('view-privileged-setting')).toEqual(['admin', 'livechat-agent'])
    expect(await readsSettings(agent)).toBe(200)
    expect(await readsSettings(admin)).toBe(200)
  })

  test('an emptied permission is held by nobody, administrators included', async () => {
    expect((await update([{ _id: 'view-privileged-setting', roles: [] }])).status).toBe(200)
    expect(await readsSettings(admin)).toBe(403)
    expect(await rolesOf('view-privileged-setting')).toEqual([])
  })

  test('the operations that name a permission themselves obey as well', async () => {
    const list = { body: { settings: [] } }
    await update([{ _id: 'edit-privileged-setting', roles: ['livechat-agent'] }])
    expect((await agent.raw('POST /settings', list)).status).toBe(200)
    const refused = await admin.raw('POST /settings', list)
    expect([refused.status, refused.body]).toEqual([
      403,
      { success: false, error: 'User does not have the permissions required for this action [error-unauthorized]' },
    ])
    await update([{ _id: 'edit-privileged-setting', roles: ['admin'] }])
    expect((await admin.raw('POST /settings', list)).status).toBe(200)
  })

  test('survives a restart', async () => {
    await update([{ _id: 'transfer-livechat-guest', roles: ['livechat-manager'] }])
    await desk.restart()
    expect(await rolesOf('transfer-livechat-guest')).toEqual(['livechat-manager'])
    expect(await rolesOf('view-l-room')).toEqual([...defaultPermissions['view-l-room']])
  })

  test('a role named twice holds it once, and the last of two entries counts', async () => {
    const twice = [
      { _id: 'view-livechat-reports', roles: ['admin'] },
      { _id: 'view-livechat-reports', roles: ['bot', 'bot', 'admin'] },
    ]
    expect((await update(twice)).status).toBe(200)
    expect(await rolesOf('view-livechat-reports')).toEqual(['bot', 'admin'])
  })

  test('an empty list changes nothing and is a success', async () => {
    const before = await everyPermission()
    const answer = await update([])
    expect([answer.status, answer.body]).toEqual([200, { success: true, permissions: before }])
  })
})

describe('a refused change', () => {
  const good = { _id: 'view-livechat-triggers', roles: [] }

  test('of somebody who may not edit permissions', async () => {
    const answer = await update([good], agent)
    expect([answer.status, answer.body]).toEqual([
      400,
      {
        success: false,
        error: 'Editing permissions is not allowed',
        errorType: 'error-edit-permissions-not-allowed',
      },
    ])
    expect(await rolesOf(good._id)).toEqual([...defaultPermissions['view-livechat-triggers']])
    expect((await desk.anyone.raw('POST /permissions.update', { body: { permissions: [good] } })).status).toBe(401)
  })

  test.each([
    ['no list', undefined, 'Invalid body params', 'error-invalid-body-params'],
    ['an object for the list', { ...good }, 'Invalid body params', 'error-invalid-body-params'],
    ['null in the list', [good, null], 'Invalid body params', 'error-invalid-body-params'],
    ['no roles', [good, { _id: 'view-l-room' }], 'Invalid body params', 'error-invalid-body-params'],
    [
      'roles as text',
      [good, { _id: 'view-l-room', roles: 'admin' }],
      'Invalid body params',
      'error-invalid-body-params',
    ],
    [
      'a role that is no text',
      [good, { _id: 'view-l-room', roles: [1] }],
      'Invalid body params',
      'error-invalid-body-params',
    ],
    ['a query for the id', [good, { _id: { $ne: '' }, roles: [] }], 'Invalid body params', 'error-invalid-body-params'],
    [
      'an unknown permission',
      [good, { _id: 'fly', roles: ['nobody'] }],
      'Invalid permission',
      'error-invalid-permission',
    ],
    [
      'a name that all objects have',
      [{ _id: 'toString', roles: [] }],
      'Invalid permission',
      'error-invalid-permission',
    ],
    ['an unknown role', [good, { _id: 'view-l-room', roles: ['nobody'] }], 'Invalid role', 'error-invalid-role'],
    ['a role that all objects have', [{ ...good, roles: ['constructor'] }], 'Invalid role', 'error-invalid-role'],
  ])('of %s changes nothing', async (_title, permissions, error, errorType) => {
    const answer = await update(permissions)
    expect([answer.status, answer.body]).toEqual([400, { success: false, error, errorType }])
    expect(await rolesOf(good._id)).toEqual([...defaultPermissions['view-livechat-triggers']])
  })
})
