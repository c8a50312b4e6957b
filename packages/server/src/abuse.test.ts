// Ways around limits and permissions that must stay shut.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeByVisitor, configure, openChat, say } from '../testing/conversation.ts'
import { startTestServer, type TestServer } from '../testing/testing.ts'
import { findUrls } from './areas/timeline/urls.ts'
import { newTokens } from './http/rate-limit.ts'

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

describe('guessing tokens where an unknown one has other words', () => {
  let desk: TestServer
  beforeAll(async () => {
    const http = { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true }
    desk = await startTestServer({ rateLimits: true, config: { http } })
    await desk.agent()
  })
  afterAll(() => desk.stop())

  const victim = 'the-token-of-somebody-else'
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const configFor = async (token: string, address: string) => {
    const answer = await desk.anyone.raw('GET /livechat/config', { query: { token }, headers: from(address) })
    expect(answer.status).toBe(200)
    return (answer.body as { config: { guest?: { token: string }; room?: object; agent?: object } }).config
  }
  const open = async (token: string, address: string) => {
    await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token } }, headers: from(address) })
    return (await desk.anyone.call('GET /livechat/room', { query: { token }, headers: from(address) })).room._id
  }
  const statusOf = async (token: string, address: string) => {
    const answer = { body: { token, status: 'online' }, headers: from(address) }
    return (await desk.anyone.raw('POST /livechat/visitor.status', answer)).status
  }

  test('the configuration tells no more than some hundred, and nobody is shut out who is known there', async () => {
    await open(victim, '203.0.113.9')
    await open('a-token-of-my-own', '203.0.113.1')
    for (let n = 0; n < newTokens.calls - 1; n++)
      expect(await configFor(`guess-${n}`, '203.0.113.1')).not.toHaveProperty('guest')
    expect((await configFor(victim, '203.0.113.1')).guest?.token).toBe(victim)
    await configFor('the-last-guess', '203.0.113.1')
    const told = await configFor(victim, '203.0.113.1')
    for (const part of ['guest', 'room', 'agent']) expect(told).not.toHaveProperty(part)
    // New pages shut nobody out who has a token that is known.
    expect(await statusOf(victim, '203.0.113.1')).toBe(200)
    expect((await configFor('a-token-of-my-own', '203.0.113.1')).guest?.token).toBe('a-token-of-my-own')
    expect((await configFor(victim, '203.0.113.9')).guest?.token).toBe(victim)
    desk.clock.advance(60_000)
    expect((await configFor(victim, '203.0.113.1')).guest?.token).toBe(victim)
  })

  test('a page that is loaded again with its own new token guesses nothing', async () => {
    for (let n = 0; n < 30; n++) await configFor('a-page-that-nobody-registered', '203.0.113.2')
    expect(await statusOf('yet-another-token', '203.0.113.2')).toBe(400)
  })

  test.each([
    ['a transcript', 'transcript', 'error-invalid-visitor', '203.0.113.3'],
    ['an upload', 'upload', 'unauthorized', '203.0.113.4'],
  ])('%s tells no more than the others', async (_, what, code, address) => {
    const rid = await open(`of-${what}`, '203.0.113.10')
    const ask = (token: string, nth: number) =>
      what === 'transcript'
        ? desk.anyone.raw('POST /livechat/transcript', {
            body: { token, rid, email: 'a@b.example' },
            headers: from(address),
          })
        : desk.anyone.raw('POST /livechat/upload/:rid', {
            params: { rid },
            headers: {
              ...from(address),
              'x-visitor-token': token,
              'content-type': `multipart/form-data; boundary=${nth}`,
            },
          })
    expect((await ask('guess', 0)).body).toMatchObject({ error: code })
    for (let n = 0; n < 19; n++) await statusOf(`guess-${n}`, address)
    expect(await statusOf('guess-20', address)).toBe(429)
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
