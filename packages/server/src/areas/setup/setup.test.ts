import { afterEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer, type TestServerOptions } from '../../../testing/testing.ts'

let desk: TestServer
afterEach(() => desk.stop())

async function start(options?: TestServerOptions): Promise<void> {
  desk = await startTestServer(options)
}

function keyNow(): string {
  return new URL(desk.server.setupPath ?? '/', 'http://deskbell').searchParams.get('key') ?? ''
}

const complete = {
  username: 'ada',
  name: 'Ada',
  email: 'ada@example.org',
  password: 'correct horse',
  repeated: 'correct horse',
}

function open(key: string) {
  return desk.server.http.inject({ method: 'GET', url: `/setup?key=${key}` })
}

function submit(fields: Record<string, string>) {
  return desk.server.http.inject({
    method: 'POST',
    url: '/setup',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(fields).toString(),
  })
}

describe('the set-up link', () => {
  test('opens a form that creates the first administrator, once', async () => {
    await start()
    const key = keyNow()
    expect(key).toMatch(/^[\w-]{32}$/)
    expect((await open(key)).statusCode).toBe(200)

    expect((await submit({ key, ...complete })).statusCode).toBe(200)
    const { data } = await desk.anyone.call('POST /login', { body: { user: 'ada', password: 'correct horse' } })
    expect(data.me.roles).toEqual(expect.arrayContaining(['admin', 'user']))

    expect((await open(key)).statusCode).toBe(404)
    expect((await submit({ key, ...complete, username: 'eve', email: 'eve@example.org' })).statusCode).toBe(404)
    expect((await desk.anyone.raw('POST /login', { body: { user: 'eve', password: 'correct horse' } })).status).toBe(
      401,
    )
  })

  test('creates one administrator however often the form is sent at the same time', async () => {
    await start()
    const key = keyNow()
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((username) => submit({ key, ...complete, username, email: `${username}@example.org` })),
    )
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
  })

  test('does nothing with a wrong key or none', async () => {
    await start()
    for (const key of ['', 'x', `${keyNow()}x`]) {
      expect((await open(key)).statusCode).toBe(404)
      expect((await submit({ key, ...complete })).statusCode).toBe(404)
    }
    expect((await submit(complete)).statusCode).toBe(404)
    expect((await desk.anyone.raw('POST /login', { body: { user: 'ada', password: 'correct horse' } })).status).toBe(
      401,
    )
  })

  test('dies when an administrator comes to be in another way', async () => {
    await start()
    const key = keyNow()
    await desk.administrator()
    expect((await open(key)).statusCode).toBe(404)
    expect((await submit({ key, ...complete })).statusCode).toBe(404)
  })

  test('is a new one after every start, and none where an administrator exists', async () => {
    await start()
    const first = keyNow()
    await desk.restart()
    expect(keyNow()).not.toBe(first)
    expect((await open(first)).statusCode).toBe(404)
    await desk.administrator()
    await desk.restart()
    expect(desk.server.setupPath).toBeUndefined()
  })

  test('an administrator who is switched off does not count', async () => {
    await start()
    const admin = await desk.administrator()
    const { transact } = desk.server.context
    await transact((tx) => tx.run(tx.sql.updateTable('user').set({ isActive: 0 }).where('id', '=', admin.id)))
    await desk.restart()
    expect(desk.server.setupPath).toBeDefined()
  })
})

describe('the set-up form', () => {
  test('names every mistake beside its field, keeps what was typed, and never sends a password back', async () => {
    await start()
    const key = keyNow()
    const typed = { username: 'a b', name: '<i>Ada"</i>', email: 'ada', password: 'secret7', repeated: 'secret8' }
    const answer = await submit({ key, ...typed })
    expect(answer.statusCode).toBe(400)
    for (const field of ['username', 'email', 'password', 'repeated'])
      expect(answer.payload).toMatch(
        new RegExp(`id="${field}"[^>]* aria-invalid="true" aria-describedby="${field}-problem`),
      )
    expect(answer.payload).toContain('value="&#60;i&#62;Ada&#34;&#60;/i&#62;"')
    expect(answer.payload).not.toMatch(/secret7|secret8|<i>/)
  })

  test('a username that is taken is a mistake like any other', async () => {
    await start()
    await desk.staff({ username: 'ada' })
    const answer = await submit({ key: keyNow(), ...complete, email: 'other@example.org' })
    expect(answer.statusCode).toBe(400)
    expect(answer.payload).toContain('ada is already in use')
  })

  test('works without scripts, on a phone, and in no frame', async () => {
    await start()
    const { headers, payload } = await open(keyNow())
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    })
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/)
    expect(payload).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(payload).not.toMatch(/<script|\son\w+=|javascript:/i)
    const labels = [...payload.matchAll(/<label for="(\w+)"/g)].map(([, field]) => field)
    const inputs = [...payload.matchAll(/<input id="(\w+)"/g)].map(([, field]) => field)
    expect(labels).toEqual(inputs)
  })
})

describe('the configured administrator', () => {
  const firstAdmin = { username: 'root', password: 'pa55word', email: 'root@example.org', id: 'root-id' }

  test('is created on an empty database, under the given id, and no link is printed', async () => {
    await start({ config: { firstAdmin } })
    expect(desk.server.setupPath).toBeUndefined()
    const { data } = await desk.anyone.call('POST /login', { body: { user: 'root', password: 'pa55word' } })
    expect(data.userId).toBe('root-id')
    expect(data.me.roles).toContain('admin')
  })

  test('is left alone at the next start, a changed password included', async () => {
    const changing = { ...firstAdmin }
    await start({ config: { firstAdmin: changing } })
    changing.password = 'another one'
    await desk.restart()
    expect((await desk.anyone.raw('POST /login', { body: { user: 'root', password: 'pa55word' } })).status).toBe(200)
    expect((await desk.anyone.raw('POST /login', { body: { user: 'root', password: 'another one' } })).status).toBe(401)
  })
})
