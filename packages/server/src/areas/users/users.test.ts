import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Static } from 'typebox'
import type { User } from '@deskbell/contract/entities/user.ts'
import {
  makeClient,
  startTestServer,
  type CallInput,
  type Client,
  type StaffMember,
  type TestServer,
} from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
})
afterAll(() => desk.stop())

interface Answer {
  status: number
  body: { error?: string; errorType?: string; user: Static<typeof User>; data: { authToken: string } }
}
const raw = (by: Client, key: string, input?: CallInput): Promise<Answer> => by.raw(key, input)

let names = 0
const freshName = () => `fresh${String(++names)}`

function draft(given: object = {}) {
  const username = freshName()
  return {
    username,
    name: `Name of ${username}`,
    email: `${username}@example.com`,
    password: 'a long secret',
    ...given,
  }
}

async function create(given: object = {}) {
  const { user } = await admin.call('POST /users.create', { body: draft(given) })
  return user
}

function update(userId: string, data: object, by = admin) {
  return raw(by, 'POST /users.update', { body: { userId, data } })
}

async function infoOf(userId: string) {
  const { user } = await admin.call('GET /users.info', { query: { userId } })
  return user
}

function signIn(user: string, password = 'a long secret') {
  return raw(desk.anyone, 'POST /login', { body: { user, password } })
}

/** Somebody with these permissions and no more: managers get them, taken back after the test. */
async function holderOf(...permissions: string[]): Promise<StaffMember> {
  await setPermissions(permissions, ['admin', 'livechat-manager'])
  given.push(...permissions)
  return desk.staff({ roles: ['user', 'livechat-manager'] })
}
const given: string[] = []
const setPermissions = (ids: string[], roles: string[]) =>
  admin.call('POST /permissions.update', { body: { permissions: ids.map((_id) => ({ _id, roles })) } })
afterEach(async () => {
  if (given.length > 0) await setPermissions(given.splice(0), ['admin'])
})

const notPermitted = {
  status: 403,
  body: { success: false, error: 'User does not have the permissions required for this action [error-unauthorized]' },
}
const refusal = (code: string, reason: string) => ({
  status: 400,
  body: { success: false, error: `${reason} [${code}]`, errorType: code },
})
const unknownUser = refusal('error-invalid-user', 'Invalid user')
const rolesRefused = refusal('error-action-not-allowed', 'Assigning roles is not allowed')
const adminsOnly = refusal('error-action-not-allowed', 'Only administrators change administrators')
const lastAdministrator = refusal('error-last-administrator', 'One administrator must remain')

describe('every operation on accounts', () => {
  test('asks for a sign-in', async () => {
    for (const key of ['GET /users.info', 'GET /users.list'])
      expect((await raw(desk.anyone, key)).status, key).toBe(401)
    for (const name of ['create', 'update', 'delete', 'setStatus', 'setActiveStatus'])
      expect((await raw(desk.anyone, `POST /users.${name}`, { body: {} })).status, name).toBe(401)
  })

  test('asks for its permission', async () => {
    const person = await desk.staff()
    const key = { userId: admin.id }
    expect(await raw(person, 'POST /users.create', { body: draft() })).toMatchObject(notPermitted)
    expect(await raw(person, 'GET /users.list')).toMatchObject(notPermitted)
    expect(await update(person.id, { name: 'Other' }, person)).toMatchObject(notPermitted)
    expect(await raw(person, 'POST /users.delete', { body: key })).toMatchObject(notPermitted)
    const off = { ...key, activeStatus: false }
    expect(await raw(person, 'POST /users.setActiveStatus', { body: off })).toMatchObject(notPermitted)
  })
})

describe('creating an account', () => {
  test('the person can sign in at once', async () => {
    const user = await create({ username: 'Ünal.B-1', verified: true, requirePasswordChange: true })
    expect(user).toMatchObject({
      username: 'Ünal.B-1',
      active: true,
      roles: ['user'],
      status: 'offline',
      emails: [{ address: expect.stringContaining('@example.com') as string, verified: true }],
      requirePasswordChange: true,
    })
    expect((await signIn('ünal.b-1')).status).toBe(200)
  })

  test('an account may start deactivated, and with fields of the administrator', async () => {
    const user = await create({ active: false, customFields: { desk: 'B2' } })
    expect(user).toMatchObject({ active: false, customFields: { desk: 'B2' } })
    expect((await signIn(user.username)).status).toBe(401)
  })

  test('an agent is created switched off, because nobody is there yet', async () => {
    const agent = await create({ roles: ['user', 'livechat-agent'] })
    expect(agent).toMatchObject({ statusLivechat: 'not-available', operator: true })
    expect(await create()).not.toHaveProperty('statusLivechat')
  })

  test('a name or address in use is refused, also in another case', async () => {
    const { username, emails } = await create()
    const address = emails?.[0]?.address ?? ''
    for (const [taken, given] of [
      [username, { username: username.toUpperCase() }],
      [address.toUpperCase(), { email: address.toUpperCase() }],
    ] as const) {
      const answer = await raw(admin, 'POST /users.create', { body: draft(given) })
      expect(answer.status).toBe(400)
      expect(String(answer.body.error).toLowerCase()).toBe(
        `${taken} is already in use :( [error-field-unavailable]`.toLowerCase(),
      )
      expect(answer.body.errorType).toBe('error-field-unavailable')
    }
  })

  test('bad names, addresses, passwords and roles are refused', async () => {
    const create = (given: object) => raw(admin, 'POST /users.create', { body: draft(given) })
    const badName = refusal('error-invalid-username', 'Invalid username')
    for (const username of ['', 'a b', 'a@b', 'x'.repeat(65)]) expect(await create({ username })).toMatchObject(badName)
    const badEmail = refusal('error-invalid-email', 'Invalid email')
    for (const email of ['', 'nobody', '@example.org', 'a b@c']) expect(await create({ email })).toMatchObject(badEmail)
    const badPassword = refusal('error-password-policy', 'The password is too short')
    expect(await create({ password: 'seven77' })).toMatchObject(badPassword)
    const badRole = refusal('error-invalid-role', 'Invalid role')
    for (const role of ['emperor', 'constructor']) expect(await create({ roles: [role] })).toMatchObject(badRole)
  })

  test('name, address, password and username are required', async () => {
    for (const missing of ['name', 'email', 'password', 'username']) {
      const answer = await raw(admin, 'POST /users.create', { body: draft({ [missing]: undefined }) })
      expect(answer.body).toEqual({
        success: false,
        error: `must have required property '${missing}' [invalid-params]`,
        errorType: 'invalid-params',
      })
    }
    expect((await raw(admin, 'POST /users.create', { body: draft({ name: '  ' }) })).body.errorType).toBe(
      'invalid-params',
    )
  })

  test('whoever may only create accounts hands out no role but user', async () => {
    const clerk = await holderOf('create-user')
    const create = (given: object) => raw(clerk, 'POST /users.create', { body: draft(given) })
    expect((await create({ roles: ['user'] })).status).toBe(200)
    expect((await create({})).status).toBe(200)
    for (const role of ['admin', 'livechat-manager', 'livechat-agent'])
      expect(await create({ roles: ['user', role] })).toMatchObject(rolesRefused)
  })

  test('whoever edits permissions hands out every role', async () => {
    const deputy = await holderOf('create-user', 'access-permissions')
    const { user } = await deputy.call('POST /users.create', { body: draft({ roles: ['user', 'bot'] }) })
    expect(user.roles).toEqual(['bot', 'user'])
  })
})

describe('looking at an account', () => {
  test('everybody sees their own in full', async () => {
    const person = await desk.staff()
    const { user } = await person.call('GET /users.info', { query: { userId: person.id } })
    expect(user).toMatchObject({ _id: person.id, roles: ['user'], emails: [{ verified: false }], active: true })
  })

  test('others see of somebody what everybody may see', async () => {
    const [person, other] = [await desk.staff(), await desk.staff()]
    const { user } = await person.call('GET /users.info', { query: { username: other.username } })
    expect(Object.keys(user).toSorted()).toEqual(
      ['_id', 'active', 'name', 'status', 'statusText', 'type', 'username', 'utcOffset'].toSorted(),
    )
    const full = await (
      await holderOf('view-full-other-user-info')
    ).call('GET /users.info', {
      query: { userId: other.id },
    })
    expect(full.user).toMatchObject({ roles: ['user'], emails: [{ address: `${other.username}@example.org` }] })
  })

  test('no answer holds anything of a password', async () => {
    const { user } = await admin.call('GET /users.info', { query: { userId: admin.id } })
    expect(JSON.stringify(user)).not.toMatch(/argon2|hash/i)
  })

  test('nobody asked for, or nobody known, is refused', async () => {
    const text = 'The required "userId" or "username" param was not provided'
    expect(await raw(admin, 'GET /users.info')).toMatchObject(refusal('error-user-param-not-provided', text))
    const unknown = await raw(admin, 'GET /users.info', { query: { username: 'nobody' } })
    expect(unknown).toMatchObject({ status: 400, body: { success: false, error: 'User not found' } })
  })
})

describe('listing accounts', () => {
  let office: TestServer
  let chief: StaffMember
  beforeAll(async () => {
    office = await startTestServer()
    chief = await office.staff({ username: 'chief', name: 'Zoe', roles: ['user', 'admin'] })
    for (const username of ['adam', 'Berta', 'carl']) await office.staff({ username })
  })
  afterAll(() => office.stop())
  const list = async (query: Record<string, string>) => {
    const { users, ...page } = await chief.call('GET /users.list', { query })
    return { names: users.map(({ username }) => username), page, users }
  }

  test('comes in pages, with the number of all', async () => {
    const { names, page } = await list({ count: '2', offset: '1' })
    expect(names).toEqual(['adam', 'carl'])
    expect(page).toEqual({ count: 2, offset: 1, total: 4, success: true })
    expect((await list({ offset: '9' })).page).toMatchObject({ count: 0, offset: 9, total: 4 })
  })

  test('is sorted as asked, upper case before lower case', async () => {
    expect((await list({ sort: '{"username":-1}' })).names).toEqual(['chief', 'carl', 'adam', 'Berta'])
    expect((await list({ sort: '{"name":1}' })).names.at(-1)).toBe('chief')
    expect((await list({ sort: '{"emails.address":1}' })).names[0]).toBe('Berta')
    for (const field of ['_id', 'status', 'active', 'createdAt', 'passwordHash'])
      expect((await list({ sort: `{"${field}":1}` })).names, field).toHaveLength(4)
  })

  test('says of each account its own roles', async () => {
    const { users } = await list({})
    expect(users.map(({ username, roles }) => [username, roles])).toEqual([
      ['Berta', ['user']],
      ['adam', ['user']],
      ['carl', ['user']],
      ['chief', ['admin', 'user']],
    ])
  })

  test('shows in full only to whoever may see that', async () => {
    const permissions = [{ _id: 'view-d-room', roles: ['user'] }]
    await chief.call('POST /permissions.update', { body: { permissions } })
    const person = await office.staff({ username: 'dora' })
    const { users } = await person.call('GET /users.list')
    const withEmails = users.filter(({ emails }) => emails !== undefined)
    expect(withEmails.map(({ username }) => username)).toEqual(['dora'])
  })

  test('a bad order is refused', async () => {
    const answer = await raw(chief, 'GET /users.list', { query: { sort: 'name' } })
    expect(answer).toMatchObject(refusal('error-invalid-sort', 'Invalid sort parameter provided: "name"'))
    const fields = await raw(chief, 'GET /users.list', { query: { fields: '[' } })
    expect(fields.body.errorType).toBe('error-invalid-fields')
    const query = await raw(chief, 'GET /users.list', { query: { query: '[' } })
    expect(query.body.errorType).toBe('error-invalid-query')
  })
})

describe('changing an account', () => {
  test('what is named changes and the rest stays', async () => {
    const user = await create({ verified: true })
    const data = { name: 'New Name', statusText: 'back soon', language: 'de', customFields: { desk: 'C' } }
    expect((await update(user._id, data)).body.user).toMatchObject({
      ...user,
      ...data,
      _updatedAt: expect.any(String) as string,
    })
    expect((await update(user._id, { requirePasswordChange: true })).body.user.requirePasswordChange).toBe(true)
  })

  test('a new username is the one to sign in with', async () => {
    const user = await create()
    const username = freshName()
    expect((await update(user._id, { username })).body.user.username).toBe(username)
    expect((await signIn(username)).status).toBe(200)
    expect((await signIn(user.username)).status).toBe(401)
    expect((await update(user._id, { username: username.toUpperCase() })).status).toBe(200)
  })

  test('a new address is unverified until somebody says otherwise', async () => {
    const user = await create({ verified: true })
    const first = await update(user._id, { email: `${freshName()}@example.com` })
    expect(first.body.user.emails?.[0]?.verified).toBe(false)
    const second = await update(user._id, { email: `${freshName()}@example.com`, verified: true })
    expect(second.body.user.emails?.[0]?.verified).toBe(true)
    const same = await update(user._id, { email: second.body.user.emails?.[0]?.address })
    expect(same.body.user.emails?.[0]?.verified).toBe(true)
  })

  test('names and addresses of others are refused', async () => {
    const [user, other] = [await create(), await create()]
    const address = other.emails?.[0]?.address ?? ''
    const taken = (what: string) => refusal('error-field-unavailable', `${what} is already in use :(`)
    expect(await update(user._id, { username: other.username })).toMatchObject(taken(other.username))
    expect(await update(user._id, { email: address })).toMatchObject(taken(address))
  })

  test('of two people who take one name at once, one gets it', async () => {
    const people = await Promise.all([create(), create(), create(), create()])
    const username = freshName()
    const answers = await Promise.all([
      ...people.map(({ _id }) => update(_id, { username })),
      raw(admin, 'POST /users.create', { body: draft({ username }) }),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400, 400])
    const refused = answers.filter(({ status }) => status === 400)
    for (const { body } of refused) expect(body.errorType).toBe('error-field-unavailable')
  })

  test('what creating refuses is refused here as well, and nothing is changed', async () => {
    const user = await create()
    const name = 'Half'
    for (const [code, data] of [
      ['error-invalid-username', { username: 'a b' }],
      ['error-invalid-email', { email: 'nobody' }],
      ['error-password-policy', { password: 'short' }],
      ['error-invalid-role', { roles: ['emperor'] }],
    ] as const)
      expect((await update(user._id, { name, ...data })).body.errorType).toBe(code)
    expect((await infoOf(user._id)).name).toBe(user.name)
    expect(await update('nobody', { name })).toMatchObject(unknownUser)
  })

  test('a password that somebody else changed signs the person out everywhere', async () => {
    const agent = await desk.agent()
    expect((await update(agent.id, { password: 'another secret' })).status).toBe(200)
    expect((await raw(agent, 'GET /me')).status).toBe(401)
    expect(await infoOf(agent.id)).toMatchObject({ status: 'offline', statusLivechat: 'not-available' })
    expect((await signIn(agent.username, agent.password)).status).toBe(401)
    expect((await signIn(agent.username, 'another secret')).status).toBe(200)
    expect((await infoOf(agent.id)).statusLivechat).toBe('available')
  })

  test('changing one’s own password ends every session but this one', async () => {
    const boss = await desk.administrator()
    const elsewhere = (await signIn(boss.username, boss.password)).body.data.authToken
    const there = makeClient(() => desk.server, { 'x-user-id': boss.id, 'x-auth-token': elsewhere })
    expect((await raw(there, 'GET /me')).status).toBe(200)
    expect((await update(boss.id, { password: 'another secret' }, boss)).status).toBe(200)
    expect((await raw(boss, 'GET /me')).status).toBe(200)
    expect((await raw(there, 'GET /me')).status).toBe(401)
  })

  test('a password is stored only as a slow hash', async () => {
    const user = await create({ password: 'find me if you can' })
    const { read } = desk.server.context
    const rows = await read.all(read.sql.selectFrom('user').selectAll().where('id', '=', user._id))
    expect(JSON.stringify(rows)).not.toContain('find me if you can')
    expect(rows[0]?.passwordHash).toMatch(/^\$argon2id\$/)
  })
})

describe('the roles of an account', () => {
  test('who becomes an agent takes chats at once if present', async () => {
    const [here, away] = [await desk.staff(), await desk.staff()]
    await here.call('POST /users.setStatus', { body: { status: 'busy' } })
    for (const { id } of [here, away]) await update(id, { roles: ['user', 'livechat-agent'] })
    expect((await infoOf(here.id)).statusLivechat).toBe('available')
    expect((await infoOf(away.id)).statusLivechat).toBe('not-available')
  })

  test('who is no agent any more has no switch and no limit', async () => {
    const agent = await desk.agent()
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('user').set({ chatLimit: '"3"' }).where('id', '=', agent.id)),
    )
    expect((await infoOf(agent.id)).livechat).toEqual({ maxNumberSimultaneousChat: '3' })
    const { user } = (await update(agent.id, { roles: ['user'] })).body
    expect(user).toMatchObject({ roles: ['user'] })
    for (const key of ['statusLivechat', 'livechat', 'operator']) expect(user).not.toHaveProperty(key)
  })

  test('roles that stay the same leave an agent’s switch alone', async () => {
    const agent = await desk.agent()
    await agent.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await update(agent.id, { roles: ['livechat-agent', 'user', 'livechat-manager'] })
    expect((await infoOf(agent.id)).statusLivechat).toBe('not-available')
  })

  test('are in force at once', async () => {
    const person = await desk.staff()
    expect((await raw(person, 'GET /users.list')).status).toBe(403)
    await update(person.id, { roles: ['user', 'admin'] })
    expect((await raw(person, 'GET /users.list')).status).toBe(200)
    await update(person.id, { roles: ['user'] })
    expect((await raw(person, 'GET /users.list')).status).toBe(403)
  })

  test('are changed by administrators alone, one’s own included', async () => {
    const clerk = await holderOf('edit-other-user-info')
    const person = await desk.staff()
    expect(await update(clerk.id, { roles: ['user', 'admin'] }, clerk)).toMatchObject(rolesRefused)
    expect(await update(person.id, { roles: [] }, clerk)).toMatchObject(rolesRefused)
    expect((await update(person.id, { name: 'Same roles', roles: ['user'] }, clerk)).status).toBe(200)
  })

  test('whoever may edit accounts cannot take over an administrator’s', async () => {
    const clerk = await holderOf('edit-other-user-info', 'delete-user', 'edit-other-user-active-status')
    const userId = admin.id
    expect(await update(userId, { password: 'taken over' }, clerk)).toMatchObject(adminsOnly)
    expect(await raw(clerk, 'POST /users.delete', { body: { userId } })).toMatchObject(adminsOnly)
    const body = { userId, activeStatus: false }
    expect(await raw(clerk, 'POST /users.setActiveStatus', { body })).toMatchObject(adminsOnly)
  })
})

describe('a deactivated account', () => {
  const setActive = (userId: string, activeStatus: boolean) =>
    raw(admin, 'POST /users.setActiveStatus', { body: { userId, activeStatus, confirmRelinquish: true } })

  test('is signed out everywhere and cannot sign in until it is active again', async () => {
    const person = await desk.staff()
    const { body } = await setActive(person.id, false)
    expect(body).toEqual({ user: { _id: person.id, active: false }, success: true })
    expect((await raw(person, 'GET /me')).status).toBe(401)
    expect((await signIn(person.username, person.password)).body).toEqual(
      (await signIn('nobody', person.password)).body,
    )
    expect((await setActive(person.id, true)).body.user.active).toBe(true)
    expect((await raw(person, 'GET /me')).status).toBe(401)
    expect((await signIn(person.username, person.password)).status).toBe(200)
  })

  test('takes no chats, and an agent stays switched off when active again', async () => {
    const agent = await desk.agent()
    await setActive(agent.id, false)
    expect(await infoOf(agent.id)).toMatchObject({ status: 'offline', statusLivechat: 'not-available' })
    await setActive(agent.id, true)
    await signIn(agent.username, agent.password)
    expect((await infoOf(agent.id)).statusLivechat).toBe('not-available')
  })

  test('deactivating twice, or somebody who is no agent, changes no more than that', async () => {
    const person = await desk.staff()
    for (const activeStatus of [false, false, true, true])
      expect((await setActive(person.id, activeStatus)).body.user.active).toBe(activeStatus)
    expect(await infoOf(person.id)).not.toHaveProperty('statusLivechat')
    expect(await setActive('nobody', false)).toMatchObject(unknownUser)
  })

  test('can be deactivated through users.update by whoever may do that', async () => {
    const clerk = await holderOf('edit-other-user-info')
    const person = await desk.staff()
    expect(await update(person.id, { active: false }, clerk)).toMatchObject({
      status: 403,
      body: { success: false, error: 'unauthorized' },
    })
    expect((await update(person.id, { active: false })).body.user.active).toBe(false)
    expect((await raw(person, 'GET /me')).status).toBe(401)
  })
})

describe('removing an account', () => {
  test('it is gone, and its sessions with it', async () => {
    const person = await desk.staff()
    const token = person.headers['x-auth-token'] ?? ''
    const { body } = await raw(admin, 'POST /users.delete', { body: { userId: person.id, confirmRelinquish: true } })
    expect(body).toEqual({ success: true })
    expect((await raw(person, 'GET /me')).status).toBe(401)
    expect((await raw(desk.anyone, 'POST /login', { body: { resume: token } })).status).toBe(401)
    expect((await raw(admin, 'GET /users.info', { query: { userId: person.id } })).body.error).toBe('User not found')
  })

  test('takes a username as well, which is free then', async () => {
    const { username } = await create()
    expect((await raw(admin, 'POST /users.delete', { body: { username } })).status).toBe(200)
    expect((await create({ username })).username).toBe(username)
  })

  test('nobody named, or nobody known, is refused', async () => {
    const text = 'The required "userId" or "username" param was not provided'
    const unnamed = await raw(admin, 'POST /users.delete', { body: {} })
    expect(unnamed).toMatchObject(refusal('error-user-param-not-provided', text))
    expect(await raw(admin, 'POST /users.delete', { body: { userId: 'nobody' } })).toMatchObject(unknownUser)
  })
})

describe('the last active administrator', () => {
  let office: TestServer
  let chief: StaffMember
  beforeAll(async () => {
    office = await startTestServer()
    chief = await office.administrator()
  })
  afterAll(() => office.stop())
  const off = (userId: string) => ({ body: { userId, activeStatus: false } })

  test('can be neither deactivated, removed nor made somebody else', async () => {
    const userId = chief.id
    expect(await raw(chief, 'POST /users.setActiveStatus', off(userId))).toMatchObject(lastAdministrator)
    expect(await raw(chief, 'POST /users.delete', { body: { userId } })).toMatchObject(lastAdministrator)
    for (const data of [{ roles: ['user'] }, { active: false }])
      expect(await raw(chief, 'POST /users.update', { body: { userId, data } })).toMatchObject(lastAdministrator)
    const { user } = await chief.call('GET /users.info', { query: { userId } })
    expect(user).toMatchObject({ active: true, roles: ['admin', 'user'] })
  })

  test('is not replaced by one who is deactivated', async () => {
    const second = await office.administrator()
    await chief.call('POST /users.setActiveStatus', off(second.id))
    expect(await raw(chief, 'POST /users.setActiveStatus', off(chief.id))).toMatchObject(lastAdministrator)
    expect((await raw(chief, 'POST /users.delete', { body: { userId: second.id } })).status).toBe(200)
  })

  test('remains when two administrators deactivate each other at once', async () => {
    for (let round = 0; round < 5; round++) {
      const second = await office.administrator()
      const answers = await Promise.all([
        raw(chief, 'POST /users.setActiveStatus', off(second.id)),
        raw(second, 'POST /users.setActiveStatus', off(chief.id)),
      ])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      const survivor = answers[0].status === 200 ? chief : second
      const { users } = await survivor.call('GET /users.list')
      expect(users.filter(({ active, roles }) => active && roles?.includes('admin'))).toHaveLength(1)
      chief = survivor
    }
  })
})

describe('saying whether one is there', () => {
  const setStatus = (by: StaffMember, body: object) => raw(by, 'POST /users.setStatus', { body })

  test('status and message are set together or apart', async () => {
    const person = await desk.staff()
    for (const [body, expected] of [
      [{ status: 'away' }, { status: 'away', statusDefault: 'away', statusText: '' }],
      [{ message: 'lunch' }, { status: 'away', statusText: 'lunch' }],
      [{ message: '' }, { status: 'away', statusText: '' }],
      [
        { status: 'busy', message: 'in a call' },
        { status: 'busy', statusText: 'in a call' },
      ],
      [{ status: 'online' }, { status: 'online', statusText: 'in a call' }],
      [{ status: 'offline' }, { status: 'offline', statusDefault: 'offline' }],
    ] as const) {
      expect(await setStatus(person, body)).toMatchObject({ status: 200, body: { success: true } })
      expect(await person.call('GET /me')).toMatchObject(expected)
    }
  })

  test('neither of the two, and unknown words, are refused', async () => {
    const person = await desk.staff()
    expect(await setStatus(person, {})).toMatchObject(refusal('invalid-params', "must have required property 'status'"))
    const text = 'Valid status types include online, away, offline, and busy.'
    for (const status of ['', 'asleep', 'Online', 'constructor'])
      expect(await setStatus(person, { status })).toMatchObject(refusal('error-invalid-status', text))
    expect((await setStatus(person, { status: 7 })).body.errorType).toBe('invalid-params')
  })

  test('nobody hides where hiding is switched off', async () => {
    const person = await desk.staff()
    const setting = { params: { _id: 'Accounts_AllowInvisibleStatusOption' } }
    await admin.call('POST /settings/:_id', { ...setting, body: { value: false } })
    const hidden = await setStatus(person, { status: 'offline' })
    const online = await setStatus(person, { status: 'online' })
    await admin.call('POST /settings/:_id', { ...setting, body: { value: true } })
    expect(hidden).toMatchObject(refusal('error-status-not-allowed', 'Invisible status is disabled'))
    expect(online.status).toBe(200)
  })

  test('of others it is said only with the permission to edit them', async () => {
    const [person, other] = [await desk.staff(), await desk.staff()]
    expect(await setStatus(person, { userId: other.id, status: 'away' })).toMatchObject({
      status: 403,
      body: { success: false, error: 'unauthorized' },
    })
    expect((await setStatus(person, { userId: person.id, status: 'away' })).status).toBe(200)
    expect((await setStatus(admin, { userId: other.id, status: 'busy' })).status).toBe(200)
    expect((await infoOf(other.id)).status).toBe('busy')
    expect((await infoOf(admin.id)).status).toBe('offline')
    expect(await setStatus(admin, { userId: 'nobody', status: 'busy' })).toMatchObject(unknownUser)
  })
})

describe('preferences', () => {
  const prefer = (by: StaffMember, body: object) => by.raw('POST /users.setPreferences', { body })

  test('are kept, each until it is said otherwise', async () => {
    const person = await desk.staff()
    expect((await person.call('GET /users.getPreferences')).preferences).toEqual({})
    const first = { omnichannelTranscriptEmail: true, highlights: ['a', 'b'], clockMode: 2 }
    expect((await prefer(person, { data: first })).body).toEqual({
      user: { _id: person.id, settings: { preferences: first } },
      success: true,
    })
    await prefer(person, { data: { clockMode: 1 } })
    const all = { ...first, clockMode: 1 }
    expect((await person.call('GET /users.getPreferences')).preferences).toEqual(all)
    expect((await person.call('GET /me')).settings?.preferences).toEqual(all)
  })

  test('of others are kept only with the permission to edit them', async () => {
    const [person, other] = [await desk.staff(), await desk.staff()]
    const body = { userId: other.id, data: { a: true } }
    expect(await prefer(person, body)).toMatchObject({ status: 403, body: { success: false, error: 'unauthorized' } })
    expect((await prefer(admin, body)).status).toBe(200)
    expect((await other.call('GET /users.getPreferences')).preferences).toEqual({ a: true })
    expect(await prefer(admin, { ...body, userId: 'nobody' })).toMatchObject(unknownUser)
    expect((await desk.anyone.raw('GET /users.getPreferences')).status).toBe(401)
  })

  test('are short and few', async () => {
    const person = await desk.staff()
    const many = (from: number) => Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`p${from + n}`, n]))
    for (const data of [{ a: { b: 1 } }, { a: null }, { a: 'x'.repeat(1_001) }, { ...many(0), one: 1 }, 'x'])
      expect((await prefer(person, { data })).body).toMatchObject({ errorType: 'invalid-params' })
    for (const from of [0, 100]) expect((await prefer(person, { data: many(from) })).status).toBe(200)
    expect(await prefer(person, { data: { one: 1 } })).toMatchObject(
      refusal('invalid-params', 'There may be 200 preferences'),
    )
    expect((await prefer(person, { data: many(50) })).status).toBe(200)
  })
})
