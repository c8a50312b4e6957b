import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withSettings } from '../../../testing/conversation.ts'
import { startTestServer, type TestServer } from '../../../testing/testing.ts'

const named = 'https://chat.example.org/desk'

let desk: TestServer
let proxied: TestServer
let fixed: TestServer

beforeAll(async () => {
  desk = await startTestServer()
  const http = { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true }
  proxied = await startTestServer({ config: { http } })
  fixed = await startTestServer({ config: { siteUrl: named } })
})
afterAll(() => Promise.all([desk.stop(), proxied.stop(), fixed.stop()]))

describe('where a widget finds the sound of a message (clients.md §1)', () => {
  async function soundOf(server: TestServer, headers: Record<string, string>) {
    return (await server.anyone.call('GET /livechat/config', { headers })).config.resources?.sound
  }

  test('is at the address under which it reached the server', async () => {
    expect(await soundOf(desk, { host: 'desk.example:3000' })).toBe('http://desk.example:3000/sounds/chime.mp3')
  })

  test('is at the address that a trusted proxy tells, and no other', async () => {
    const headers = { host: 'inside:3000', 'x-forwarded-host': 'desk.example', 'x-forwarded-proto': 'https' }
    expect(await soundOf(proxied, headers)).toBe('https://desk.example/sounds/chime.mp3')
    expect(await soundOf(desk, headers)).toBe('http://inside:3000/sounds/chime.mp3')
  })

  test('is where the operator or the administrator says, whatever the request claims', async () => {
    const headers = { host: 'evil.example' }
    expect(await soundOf(fixed, headers)).toBe(`${named}/sounds/chime.mp3`)
    await withSettings(desk, { Site_Url: `${named}/` }, async () => {
      expect(await soundOf(desk, headers)).toBe(`${named}/sounds/chime.mp3`)
    })
  })

  test.each(['evil.example/x', 'me@evil.example', '"><script>'])('is not at %s, which is no host', async (host) => {
    expect(await soundOf(desk, { host })).toBe('/sounds/chime.mp3')
  })
})
