import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows } from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer

beforeAll(async () => {
  // Nobody listens there: letters wait in their table, where the links are read.
  const mail = { smtpUrl: 'smtp://127.0.0.1:1', from: 'noreply@desk.example' }
  desk = await startTestServer({ config: { siteUrl: 'https://desk.example', mail } })
  await desk.administrator()
})
afterAll(() => desk.stop())

/** Somebody who forgot the password, and the token of the link. */
async function forgetful(): Promise<{ person: StaffMember; token: string }> {
  const person = await desk.staff()
  const recipient = `${person.username}@example.org`
  await desk.anyone.call('POST /users.forgotPassword', { body: { email: recipient } })
  await desk.server.worker.drain()
  const { read } = desk.server.context
  const letter = await read.first(read.sql.selectFrom('mail').select('text').where('recipient', '=', recipient))
  const [, token = ''] = /\/account\/([\w-]{43})$/m.exec(letter?.text ?? '') ?? []
  return { person, token }
}

function open(token: string) {
  return desk.server.http.inject({ method: 'GET', url: `/account/${token}` })
}

function submit(token: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  return desk.server.http.inject({
    method: 'POST',
    url: `/account/${token}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(fields).toString(),
  })
}

const chosen = { password: 'a new secret', repeated: 'a new secret' }

async function signIn(person: StaffMember, password: string): Promise<number> {
  return (await desk.anyone.raw('POST /login', { body: { user: person.username, password } })).status
}

describe('the page behind a one-time link', () => {
  test('asks for a password and sets it, once', async () => {
    const { person, token } = await forgetful()
    const page = await open(token)
    expect(page.statusCode).toBe(200)
    expect(page.payload).toContain(`<strong><bdi>${person.username}</bdi></strong>`)

    const done = await submit(token, chosen)
    expect(done.statusCode).toBe(200)
    expect(done.payload).toContain('Your password is set')
    expect(done.headers).not.toHaveProperty('set-cookie')
    expect(await signIn(person, 'a new secret')).toBe(200)
    expect((await open(token)).statusCode).toBe(404)
    expect((await submit(token, { password: 'another secret', repeated: 'another secret' })).statusCode).toBe(404)
    expect(await signIn(person, 'a new secret')).toBe(200)
  })

  test('changes nothing when it is only looked at, however often', async () => {
    const { token } = await forgetful()
    const before = await allRows(desk)
    for (let times = 0; times < 3; times++) expect((await open(token)).statusCode).toBe(200)
    expect((await desk.server.http.inject({ method: 'HEAD', url: `/account/${token}` })).statusCode).toBe(200)
    expect(await allRows(desk)).toEqual(before)
    expect((await submit(token, chosen)).statusCode).toBe(200)
  })

  test('says the same of every link that does not work', async () => {
    const { token } = await forgetful()
    await submit(token, chosen)
    const { token: late } = await forgetful()
    desk.clock.advance(3_600_000)
    const pages = await Promise.all(['x', token, late, '%00', `${late}x`, 'a'.repeat(900)].map(open))
    for (const { statusCode, payload } of pages) expect([statusCode, payload]).toEqual([404, pages[0]?.payload])
    const posts = await Promise.all(['x', token, late].map((each) => submit(each, chosen)))
    for (const { statusCode, payload } of posts) expect([statusCode, payload]).toEqual([404, pages[0]?.payload])
  })

  test('names what is wrong beside the field, and never sends a password back', async () => {
    const { person, token } = await forgetful()
    const before = await allRows(desk)
    const wrong: [Record<string, string>, RegExp][] = [
      [
        { password: 'secret7', repeated: 'secret7' },
        /id="password"[^>]* aria-invalid="true" aria-describedby="password-/,
      ],
      [{ password: 'secret number', repeated: 'secret nubmer' }, /id="repeated"[^>]* aria-invalid="true"/],
      [{ password: 'secret'.repeat(200), repeated: 'secret'.repeat(200) }, /1024 characters at most/],
      [{}, /id="password"[^>]* aria-invalid="true"/],
    ]
    for (const [fields, expected] of wrong) {
      const { statusCode, payload } = await submit(token, fields)
      expect(statusCode).toBe(400)
      expect(payload).toMatch(expected)
      expect(payload).not.toMatch(/secret/)
    }
    expect(await allRows(desk)).toEqual(before)
    expect(await signIn(person, person.password)).toBe(200)
  })

  test('works without scripts and cookies, on a phone, in no frame, and tells nobody its address', async () => {
    const { token } = await forgetful()
    const { headers, payload } = await open(token)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/)
    expect(payload).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(payload).not.toMatch(/<script|\son\w+=|javascript:|https?:/i)
    expect(payload).not.toContain(token)
  })

  test('lends nobody the authority of a session: without the token a form of another site does nothing', async () => {
    const { person, token } = await forgetful()
    const cookie = `rc_uid=${person.id}; rc_token=${person.headers['x-auth-token'] ?? ''}`
    const forged = await submit('', { ...chosen, token }, { ...person.headers, cookie, origin: 'https://evil.example' })
    expect(forged.statusCode).toBe(404)
    expect(await signIn(person, person.password)).toBe(200)
  })

  test('sets one password, however often it is sent at the same time', async () => {
    const { person, token } = await forgetful()
    const passwords = ['first secret', 'second secret', 'third secret']
    const answers = await Promise.all(passwords.map((password) => submit(token, { password, repeated: password })))
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 404, 404])
    const winner = passwords[answers.findIndex(({ statusCode }) => statusCode === 200)] ?? ''
    expect(await signIn(person, winner)).toBe(200)
  })

  test('does not look at what the request says of where it was sent', async () => {
    const { token } = await forgetful()
    const page = await desk.server.http.inject({
      method: 'GET',
      url: `/account/${token}`,
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
    })
    expect(page.payload).not.toContain('evil')
  })
})
