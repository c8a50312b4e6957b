// What is loaded outside the API is limited like calls: nobody tries addresses and tokens there by the thousand.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openChat } from '../../testing/conversation.ts'
import { sendForm } from '../../testing/forms.ts'
import { startTestServer, type TestServer } from '../../testing/testing.ts'
import { limits, unknownTokens } from './rate-limit.ts'

let desk: TestServer
beforeAll(async () => {
  desk = await startTestServer({ rateLimits: true })
  await desk.administrator()
  await desk.agent()
})
afterAll(() => desk.stop())

async function load(url: string, remoteAddress: string, method: 'GET' | 'POST' = 'GET') {
  const answer = await desk.server.http.inject({ method, url, remoteAddress })
  return { status: answer.statusCode, wait: answer.headers['retry-after'], headers: answer.headers }
}

async function times(count: number, work: () => Promise<{ status: number }>): Promise<Set<number>> {
  const statuses = new Set<number>()
  for (let time = 0; time < count; time++) statuses.add((await work()).status)
  return statuses
}

test('an address loads so many files, pictures and pages in a minute', async () => {
  const { calls } = limits.resource.perAddress
  expect(await times(calls, () => load('/avatar/anna', '192.0.2.1'))).toEqual(new Set([200]))
  for (const url of ['/avatar/anna', '/file-upload/x/y', '/account/x', '/setup']) {
    const refused = await load(url, '192.0.2.1')
    expect([refused.status, refused.wait]).toEqual([429, '1'])
    expect(refused.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  }
  expect((await load('/avatar/anna', '192.0.2.2')).status).toBe(200)
  desk.clock.advance(60_000)
  expect((await load('/avatar/anna', '192.0.2.1')).status).toBe(200)
})

test('a token is guessed so often, and then a right one is not told from a wrong one', async () => {
  const chat = await openChat(desk)
  const part = { name: 'file', fileName: 'a.txt', type: 'text/plain', content: 'words' }
  const sent = await sendForm(desk, `/livechat/upload/${chat.rid}`, [part], { 'x-visitor-token': chat.token })
  const address = (token: string) =>
    `${String(sent.body.attachments[0].title_link)}?rc_room_type=l&rc_rid=${chat.rid}&rc_token=${token}`
  const guess = () => load(address('no-such-token'), '192.0.2.3')
  expect(await times(unknownTokens.calls, guess)).toEqual(new Set([403]))
  expect((await guess()).status).toBe(429)
  expect((await load(address(chat.token), '192.0.2.3')).status).toBe(429)
  // Whoever is known at an address goes on there, whatever its neighbours try.
  const neighbour = () => load(address('no-such-token'), '127.0.0.1')
  expect(await times(unknownTokens.calls, neighbour)).toEqual(new Set([403]))
  expect((await neighbour()).status).toBe(429)
  expect((await load(address(chat.token), '127.0.0.1')).status).toBe(200)
})

test('links are guessed so often, and forms sent', async () => {
  expect(await times(unknownTokens.calls, () => load('/account/no-such-link', '192.0.2.4'))).toEqual(new Set([404]))
  const refused = await load('/account/no-such-link', '192.0.2.4')
  expect([refused.status, refused.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8'])
  expect(Number(refused.wait)).toBeGreaterThan(0)
  const { calls } = limits.letter.perAddress
  expect(await times(calls, () => load('/setup', '192.0.2.5', 'POST'))).not.toContain(429)
  expect((await load('/setup', '192.0.2.5', 'POST')).status).toBe(429)
})
