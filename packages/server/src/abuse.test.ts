// Ways around limits and permissions that must stay shut.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeByVisitor, configure, openChat, say } from '../testing/conversation.ts'
import { startTestServer, type TestServer } from '../testing/testing.ts'
import { findUrls } from './areas/timeline/urls.ts'

describe('whose call it is', () => {
  let desk: TestServer
  beforeAll(async () => {
    const http = { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true }
    desk = await startTestServer({ rateLimits: true, config: { http } })
  })
  afterAll(() => desk.stop())

  const from = (address: string) => ({ 'x-forwarded-for': address })
  const register = (token: string, address: string) =>
    desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token } }, headers: from(address) })

  test('a known token in a place that the operation does not read buys no further guesses', async () => {
    await register('the-token-of-somebody-else', '203.0.113.9')
    await register('a-token-of-my-own', '203.0.113.1')
    const guess = async (token: string) => {
      const query = { token: 'a-token-of-my-own' }
      const body = { token, status: 'online' }
      const headers = from('203.0.113.1')
      return (await desk.anyone.raw('POST /livechat/visitor.status', { query, body, headers })).status
    }
    for (let n = 0; n < 20; n++) expect(await guess(`guess-${n}`)).toBe(400)
    expect(await guess('one-more-guess')).toBe(429)
    expect(await guess('the-token-of-somebody-else')).toBe(429)
  })
})

describe('what agents see of the queue', () => {
  let desk: TestServer
  beforeAll(async () => void (desk = await startTestServer()))
  afterAll(() => desk.stop())

  test('the text of a chat that somebody else serves is not told', async () => {
    await desk.agent()
    const chat = await openChat(desk)
    await say(desk, chat, 'a secret of mine')
    const other = await desk.agent()
    const { inquiry } = await other.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
    expect(inquiry).toMatchObject({ rid: chat.rid, status: 'taken' })
    expect(JSON.stringify(inquiry)).not.toContain('a secret of mine')
  })

  test('while agents choose for themselves, they look into the chats that wait', async () => {
    const agent = await desk.agent()
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    const chat = await openChat(desk)
    await say(desk, chat, 'anybody there?')
    const { inquiry } = await agent.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
    expect(inquiry?.lastMessage?.msg).toBe('anybody there?')
    await closeByVisitor(desk, chat)
  })
})

describe('limits that an administrator sets to nothing', () => {
  let desk: TestServer
  beforeAll(async () => {
    desk = await startTestServer()
    await desk.agent()
  })
  afterAll(() => desk.stop())

  test.each([0, -1])('a list of at most %i rows still answers rows', async (most) => {
    const chat = await openChat(desk)
    await say(desk, chat, 'hello')
    await configure(desk, { API_Upper_Count_Limit: most })
    const { changes, more } = await desk.anyone.call('GET /livechat/messages.sync/:rid', {
      params: { rid: chat.rid },
      query: { token: chat.token },
    })
    expect(changes.length).toBeGreaterThan(0)
    expect(more).toBe(false)
  })

  test('without any figure there is no limit of characters', async () => {
    await configure(desk, { Livechat_enable_message_character_limit: true, Message_MaxAllowedSize: 0 })
    const chat = await openChat(desk)
    await say(desk, chat, 'still heard')
    const { config } = await desk.anyone.call('GET /livechat/config')
    expect(config.settings).toMatchObject({ limitTextLength: false })
  })
})

test('a text full of one address is looked at only so far', () => {
  const text = `${'https://a.example '.repeat(40)}https://b.example`
  expect(findUrls(text)).toEqual([{ url: 'https://a.example' }])
})
