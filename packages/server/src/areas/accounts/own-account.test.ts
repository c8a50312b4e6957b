import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, refusal, withSettings } from '../../../testing/conversation.ts'
import { makeClient, startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer

beforeAll(async () => {
  desk = await startTestServer()
})
afterAll(() => desk.stop())

const change = (by: StaffMember, data: object) => by.raw('POST /users.updateOwnBasicInfo', { body: { data } })
const withCode = (code: string) => ({ status: 400, body: { success: false, errorType: code } })
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const signIn = async (user: string, password: string) =>
  (await desk.anyone.raw('POST /login', { body: { user, password } })).status

describe('one’s own profile', () => {
  test('is changed without a password, and shown', async () => {
    const person = await desk.staff()
    const { user } = await person.call('POST /users.updateOwnBasicInfo', {
      body: {
        data: {
          name: ' Ada L. ',
          username: 'ada',
          nickname: 'Countess',
          bio: 'Writes programs',
          statusText: 'at work',
          statusType: 'busy',
        },
      },
    })
    expect(user).toMatchObject({
      name: 'Ada L.',
      username: 'ada',
      nickname: 'Countess',
      bio: 'Writes programs',
      statusText: 'at work',
      status: 'busy',
    })
    expect(await person.call('GET /me')).toMatchObject({
      username: 'ada',
      nickname: 'Countess',
      bio: 'Writes programs',
    })
    expect(await signIn('ada', person.password)).toBe(200)
  })

  test('empty texts change nothing, but clear what may be empty', async () => {
    const person = await desk.staff()
    const before = await person.call('GET /me')
    await change(person, { nickname: 'Nick', bio: 'Bio', statusText: 'Text' })
    const empty = { name: ' ', username: '', email: '', newPassword: '', statusType: '', currentPassword: '' }
    expect((await change(person, { ...empty, nickname: ' ', bio: '', statusText: '' })).status).toBe(200)
    const after = await person.call('GET /me')
    expect(after).toMatchObject({ name: before.name, username: before.username, emails: before.emails, statusText: '' })
    expect(after).not.toHaveProperty('nickname')
    expect(after).not.toHaveProperty('bio')
    expect((await change(person, {})).status).toBe(200)
  })

  test('an address that stays the same needs no password', async () => {
    const person = await desk.staff()
    expect((await change(person, { email: `${person.username}@example.org`, name: 'Other' })).status).toBe(200)
  })

  test('is nobody else’s, and no role comes with it', async () => {
    const person = await desk.staff()
    const other = await desk.staff()
    const body = { userId: other.id, data: { name: 'Taken over', roles: ['admin'], active: false, verified: true } }
    const { user } = await person.call('POST /users.updateOwnBasicInfo', { body })
    expect(user).toMatchObject({ _id: person.id, roles: ['user'], active: true })
    expect((await other.call('GET /me')).name).not.toBe('Taken over')
    expect((await desk.anyone.raw('POST /users.updateOwnBasicInfo', { body: { data: {} } })).status).toBe(401)
  })

  test('names and addresses in use, and bad ones, are refused, and nothing is changed', async () => {
    const person = await desk.staff()
    const other = await desk.staff()
    const { password: currentPassword } = person
    const before = await allRows(desk)
    for (const [data, code] of [
      [{ username: other.username.toUpperCase(), name: 'New' }, 'error-field-unavailable'],
      [{ username: 'a b', statusText: 'New' }, 'error-invalid-username'],
      [{ email: 'nobody', currentPassword }, 'error-invalid-email'],
      [{ email: `${other.username}@example.org`, currentPassword }, 'error-field-unavailable'],
      [{ statusType: 'asleep', name: 'New' }, 'error-invalid-status'],
      [{ newPassword: 'short', currentPassword }, 'error-password-policy'],
      [{ newPassword: currentPassword, currentPassword }, 'error-password-same-as-current'],
      [{ nickname: 'n'.repeat(121) }, 'invalid-params'],
      [{ bio: 'b'.repeat(261) }, 'invalid-params'],
    ] as const)
      expect(await change(person, data), code).toMatchObject(withCode(code))
    expect(await allRows(desk)).toEqual(before)
    await withSettings(desk, { Accounts_AllowInvisibleStatusOption: false }, async () => {
      expect(await change(person, { statusType: 'offline' })).toMatchObject(withCode('error-status-not-allowed'))
    })
  })
})

describe('one’s own address and password', () => {
  test('need the current password, plain or as SHA-256', async () => {
    for (const spelled of [(text: string) => text, sha256, (text: string) => sha256(text).toUpperCase()]) {
      const person = await desk.staff()
      const before = await allRows(desk)
      for (const wrong of [undefined, 'wrong', sha256('wrong'), sha256(sha256(person.password))])
        for (const data of [{ newPassword: 'a new secret' }, { email: 'other@example.com' }])
          expect(refusal(await change(person, { ...data, currentPassword: wrong }))).toEqual([
            400,
            { success: false, error: 'Invalid password [error-invalid-password]', errorType: 'error-invalid-password' },
          ])
      expect(await allRows(desk)).toEqual(before)
      const email = `${person.username}@elsewhere.example`
      const data = { newPassword: 'a new secret', email, currentPassword: spelled(person.password) }
      expect(await change(person, data)).toMatchObject({
        status: 200,
        body: { user: { emails: [{ address: email, verified: false }] } },
      })
      expect(await signIn(email, 'a new secret')).toBe(200)
      expect(await signIn(email, person.password)).toBe(401)
    }
  })

  test('a password that looks like a SHA-256 is one nevertheless', async () => {
    const person = await desk.staff({ password: sha256('anything') })
    expect((await change(person, { newPassword: 'a new secret', currentPassword: person.password })).status).toBe(200)
  })

  test('a new password ends the other sessions and the duty to choose one', async () => {
    const admin = await desk.administrator()
    const person = await desk.staff()
    await admin.call('POST /users.update', { body: { userId: person.id, data: { requirePasswordChange: true } } })
    const login = { user: person.username, password: person.password }
    const { data } = await desk.anyone.call('POST /login', { body: login })
    const phone = makeClient(() => desk.server, { 'x-user-id': person.id, 'x-auth-token': data.authToken })
    expect((await phone.call('GET /me')).requirePasswordChange).toBe(true)
    await change(person, { newPassword: 'a new secret', currentPassword: person.password })
    expect((await phone.raw('GET /me')).status).toBe(401)
    expect(await person.call('GET /me')).not.toHaveProperty('requirePasswordChange')
  })

  test('of two changes with the same current password one is made', async () => {
    const person = await desk.staff()
    const { password: currentPassword } = person
    const answers = await Promise.all(
      ['first secret', 'second secret'].map((newPassword) => change(person, { newPassword, currentPassword })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
  })

  test('are not guessed with a stolen session', async () => {
    const guarded = await startTestServer({ rateLimits: true })
    const person = await guarded.staff()
    const body = (currentPassword: string) => ({ body: { data: { newPassword: 'a new secret', currentPassword } } })
    const statuses = []
    for (let times = 0; times < 12; times++)
      statuses.push((await person.raw('POST /users.updateOwnBasicInfo', body(`guess ${String(times)}`))).status)
    expect(statuses).toEqual([...Array<number>(10).fill(400), 429, 429])
    expect((await person.raw('POST /users.updateOwnBasicInfo', body(person.password))).status).toBe(429)
    guarded.clock.advance(60_000)
    expect((await person.raw('POST /users.updateOwnBasicInfo', body(person.password))).status).toBe(200)
    await guarded.stop()
  })
})
