import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withSettings } from '../../../testing/conversation.ts'
import { makeClient, startTestServer, type TestServer } from '../../../testing/testing.ts'
import { findPasswordHash } from '../users/users.ts'
import { openSession } from './sessions.ts'

describe('signing in', () => {
  let desk: TestServer
  beforeAll(async () => void (desk = await startTestServer()))
  afterAll(() => desk.stop())

  test('a password may be sent plain or as its SHA-256', async () => {
    const ann = await desk.staff({ username: 'ann', password: 'a long secret' })
    const digest = createHash('sha256').update('a long secret').digest('hex')
    const body = { user: 'ann', password: { digest, algorithm: 'sha-256' } }
    const answer = await desk.anyone.raw('POST /login', { body })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ status: 'success', data: { userId: ann.id, me: { username: 'ann' } } })
    expect(answer.body).not.toHaveProperty('success')
  })

  test('tells where the own picture is, from the address of this server on', async () => {
    const zoe = await desk.staff({ username: 'zoë.m' })
    const path = `/avatar/${encodeURIComponent(zoe.username)}`
    expect((await zoe.call('GET /me')).avatarUrl).toBe(path)
    await withSettings(desk, { Site_Url: 'https://chat.example.org/' }, async () => {
      expect((await zoe.call('GET /me')).avatarUrl).toBe(`https://chat.example.org${path}`)
      const { data } = await desk.anyone.call('POST /login', {
        body: { user: zoe.username, password: 'correct horse' },
      })
      expect(data.me.avatarUrl).toBe(`https://chat.example.org${path}`)
    })
    expect((await desk.server.http.inject(path)).statusCode).toBe(200)
  })

  test('an unknown account and a wrong password get the same answer', async () => {
    await desk.staff({ username: 'bob' })
    const wrong = await desk.anyone.raw('POST /login', { body: { user: 'bob', password: 'nope' } })
    const unknown = await desk.anyone.raw('POST /login', { body: { user: 'nobody', password: 'nope' } })
    expect(wrong.status).toBe(401)
    expect(wrong.body).toEqual({ status: 'error', error: 'Unauthorized', message: 'Unauthorized' })
    expect(unknown.body).toEqual(wrong.body)
    expect(unknown.status).toBe(401)
  })

  test('a token signs in again, and is worth nothing after sign-out', async () => {
    const cleo = await desk.staff({ username: 'cleo' })
    const token = cleo.headers['x-auth-token'] ?? ''
    const resumed = await desk.anyone.call('POST /login', { body: { resume: token } })
    expect(resumed.data.authToken).toBe(token)
    await cleo.call('POST /logout')
    expect((await cleo.raw('GET /me')).status).toBe(401)
    expect((await desk.anyone.raw('POST /login', { body: { resume: token } })).status).toBe(401)
  })

  test('signing out has an older spelling', async () => {
    const hugo = await desk.staff({ username: 'hugo' })
    const answer = await hugo.raw('GET /logout')
    expect(answer.body).toEqual({ status: 'success', data: { message: "You've been logged out!" } })
    expect((await hugo.raw('GET /me')).status).toBe(401)
  })

  test('the session ends after ninety days', async () => {
    const dora = await desk.staff({ username: 'dora' })
    desk.clock.advance(91 * 86_400_000)
    expect((await dora.raw('GET /me')).status).toBe(401)
  })

  test('a password that was changed while it was being checked opens no session', async () => {
    const gil = await desk.staff({ username: 'gil' })
    const { read, transact } = desk.server.context
    const proven = { userId: gil.id, passwordHash: (await findPasswordHash(read, gil.id)) ?? '' }
    const admin = await desk.administrator()
    await admin.call('POST /users.update', { body: { userId: gil.id, data: { password: 'another secret' } } })
    await expect(transact((tx) => openSession(tx, proven))).rejects.toThrow('sign-in-failed')
  })

  test('without both headers nobody is signed in', async () => {
    const eve = await desk.staff({ username: 'eve' })
    const half = makeClient(() => desk.server, { 'x-user-id': eve.id })
    const answer = await half.raw('GET /me')
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ status: 'error', message: 'You must be logged in to do this.' })
    expect(answer.headers['content-type']).toBe('application/json')
  })

  test('the database holds no token that signs in', async () => {
    const finn = await desk.staff({ username: 'finn' })
    const { read } = desk.server.context
    const rows = await read.all(read.sql.selectFrom('session').selectAll())
    expect(JSON.stringify(rows)).not.toContain(finn.headers['x-auth-token'])
  })
})
