// Which pages may read what the server answers (promises A34): the API for all unless it is narrowed, everything else only
// for pages of the server itself. Nothing is answered by cookies, so none is ever asked for.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat } from '../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  await desk.agent()
})
afterAll(() => desk.stop())

const shop = 'https://shop.example'

/** What a browser is told of who may read the answer: the origin, and whether cookies are taken. */
async function toldTo(origin: string, url: string, method: 'GET' | 'OPTIONS' = 'GET'): Promise<unknown[]> {
  const headers = { origin, ...(method === 'OPTIONS' && { 'access-control-request-method': 'GET' }) }
  const answer = await desk.server.http.inject({ method, url, headers })
  return [answer.headers['access-control-allow-origin'], answer.headers['access-control-allow-credentials']]
}

const change = (id: string, value: unknown) =>
  admin.call('POST /settings/:_id', { params: { _id: id }, body: { value } })

describe('answers to pages of other origins (A34)', () => {
  test.each(['GET', 'OPTIONS'] as const)('are for all from the API (%s), without credentials', async (method) => {
    expect(await toldTo(shop, '/api/v1/livechat/config', method)).toEqual(['*', undefined])
  })

  test('are for those of the API that the setting names, and for nobody where it is off', async () => {
    await change('API_CORS_Origin', 'https://shop.example, https://other.example')
    expect(await toldTo(shop, '/api/v1/livechat/config')).toEqual([shop, undefined])
    expect(await toldTo(shop, '/api/v1/livechat/config', 'OPTIONS')).toEqual([shop, undefined])
    for (const origin of ['https://hostile.example', 'https://shop.example.hostile.example', 'null'])
      for (const method of ['GET', 'OPTIONS'] as const)
        expect(await toldTo(origin, '/api/v1/livechat/config', method)).toEqual([undefined, undefined])
    await change('API_Enable_CORS', false)
    expect(await toldTo(shop, '/api/v1/livechat/config')).toEqual([undefined, undefined])
    await change('API_Enable_CORS', true)
    await change('API_CORS_Origin', '*')
  })

  test('are for nobody from files, pages and figures', async () => {
    const chat = await openChat(desk)
    const file = `/file-upload/none/none.txt?rc_room_type=l&rc_rid=${chat.rid}&rc_token=${chat.token}`
    for (const url of [
      file,
      '/metrics',
      '/setup?key=x',
      '/account/x',
      '/docs',
      '/openapi.json',
      '/healthz',
      '/websocket',
    ])
      for (const method of ['GET', 'OPTIONS'] as const)
        expect([url, method, ...(await toldTo(shop, url, method))]).toEqual([url, method, undefined, undefined])
  })

  test('never set a cookie, so no page can borrow anybody’s', async () => {
    const body = { user: admin.username, password: admin.password }
    const answer = await desk.anyone.raw('POST /login', { body, headers: { origin: shop } })
    expect(answer.status).toBe(200)
    expect(answer.headers).not.toHaveProperty('set-cookie')
    // Nor would one be taken: authority stands in headers only (A33).
    const cookie = `rc_uid=${admin.id}; rc_token=${String(admin.headers['x-auth-token'])}`
    expect((await desk.anyone.raw('GET /me', { headers: { cookie } })).status).toBe(401)
  })
})
