// What visitors do besides talking: pages they look at, calls, coming and going, and what they let slip in messages.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeskEvent } from '@deskbell/contract/events.ts'
import {
  allRows,
  answer,
  bare,
  closeByVisitor,
  configure,
  errorOf,
  historyOf,
  makeDepartment,
  newToken,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomOf,
  roomSeenBy,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { insertJobs } from '../../jobs/store.ts'

const DAY = 24 * 3_600_000

const logged: string[] = []
const heard: DeskEvent[] = []
let desk: TestServer
let anna: StaffMember

beforeAll(async () => {
  desk = await startTestServer({ onLog: (line) => logged.push(line) })
  desk.server.bus.subscribe((event) => heard.push(event))
  anna = await desk.agent({ username: 'anna' })
})
afterAll(() => desk.stop())

describe('a page that a visitor looks at', () => {
  const href = 'https://shop.example/'
  const see = (token: string, more: { rid?: string | null; change?: string; title?: string; href?: string } = {}) => {
    const { rid, change = 'url', title = 'Shop', href: at = href } = more
    return desk.anyone.raw('POST /livechat/page.visited', {
      body: { token, rid, pageInfo: { change, title, location: { href: at } } },
    })
  }
  const kept = async () =>
    (await allRows(desk)).get('pageVisit')!.map((row) => JSON.parse(row) as { title: string; address: string })
  const pagesOf = async (rid: string) => {
    const answer = await anna.call('GET /livechat/visitors.pagesVisited/:roomId', { params: { roomId: rid } })
    return answer.pages.map(({ msg }) => msg)
  }

  test('is answered as it is kept, also for a token of nobody', async () => {
    const token = newToken()
    const page = { change: 'url', title: 'Shop', location: { href } }
    const answer = await see(token)
    expect(answer.body).toEqual({ success: true, page: { msg: `Shop - ${href}`, navigation: { page, token } } })
    expect(JSON.stringify(await kept())).not.toContain(token)
    expect(JSON.stringify(await kept())).not.toContain('127.0.0.1')
  })

  test('is not kept where it is of another kind than the setting names, or no page of the web', async () => {
    const before = await kept()
    expect((await see(newToken(), { change: 'title' })).body).toEqual({ success: true })
    for (const at of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'about:blank', ' https://x', ''])
      expect([at, (await see(newToken(), { href: at })).body]).toEqual([at, { success: true }])
    expect(await kept()).toEqual(before)
    await withSettings(desk, { Livechat_history_monitor_type: 'title' }, async () => {
      expect((await see(newToken(), { change: 'title' })).body).toHaveProperty('page')
    })
  })

  test('before the chat is claimed by it; afterwards it is the room’s', async () => {
    const visitor = await register(desk)
    await see(visitor.token, { title: 'Before' })
    const chat = await openRoomOf(desk, visitor)
    desk.clock.advance(1_000)
    await see(visitor.token, { title: 'During', rid: chat.rid })
    expect(await pagesOf(chat.rid)).toEqual([`During - ${href}`, `Before - ${href}`])
    expect((await historyOf(desk, chat)).map(({ t }) => t)).not.toContain('livechat_navigation_history')
    await closeByVisitor(desk, chat)
  })

  test('is a line of the room where the setting says so', async () => {
    await withSettings(desk, { Livechat_Visitor_navigation_as_a_message: true }, async () => {
      const chat = await openChat(desk)
      await see(chat.token, { rid: chat.rid })
      const [line] = await historyOf(desk, chat)
      expect(line).toMatchObject({
        t: 'livechat_navigation_history',
        msg: `Shop - ${href}`,
        u: { username: 'rocket.cat' },
        navigation: { page: { change: 'url', title: 'Shop', location: { href } } },
      })
      expect((await roomSeenBy(anna, chat.rid)).lastMessage?.t).toBe('livechat-started')
      const before = (await historyOf(desk, chat)).length
      await see(chat.token, { rid: chat.rid })
      expect(await historyOf(desk, chat)).toHaveLength(before)
      await closeByVisitor(desk, chat)
    })
  })

  test('never lands in the room of another', async () => {
    const [mine, other] = [await openChat(desk), await openChat(desk)]
    for (const token of [mine.token, newToken()]) {
      const answer = await see(token, { rid: other.rid, title: 'Forged' })
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual((await see(token, { rid: 'no-such-room', title: 'Forged' })).body)
    }
    expect(await pagesOf(other.rid)).toEqual([])
    await closeByVisitor(desk, mine)
    await closeByVisitor(desk, other)
  })

  test('takes the place of one less than a second older', async () => {
    const chat = await openChat(desk)
    for (const title of ['One', 'Two', 'Three']) await see(chat.token, { rid: chat.rid, title })
    expect(await pagesOf(chat.rid)).toEqual([`Three - ${href}`])
    await closeByVisitor(desk, chat)
  })

  test('is one of the latest fifty of its visitor, and not longer than is shown', async () => {
    const chat = await openChat(desk)
    for (let n = 0; n < 55; n++) {
      desk.clock.advance(1_000)
      await see(chat.token, { rid: chat.rid, title: `Page ${n}` })
    }
    expect((await kept()).filter(({ title }) => title.startsWith('Page '))).toHaveLength(50)
    expect((await pagesOf(chat.rid))[0]).toBe(`Page 54 - ${href}`)
    desk.clock.advance(1_000)
    const long = await see(chat.token, { title: `${'x'.repeat(299)}😀`, href: `${href}${'y'.repeat(3_000)}` })
    const { page } = long.body.page.navigation
    expect([page.title.length, page.location.href.length, page.title.isWellFormed()]).toEqual([300, 2_000, true])
    await closeByVisitor(desk, chat)
  })

  test('is forgotten after a month without a chat, and one of a chat is not', async () => {
    const visitor = await register(desk)
    await see(visitor.token, { title: 'Kept' })
    const chat = await openRoomOf(desk, visitor)
    await see(newToken(), { title: 'Forgotten' })
    const titles = async () => (await kept()).map(({ title }) => title)
    const { transact } = desk.server.context
    // As every recurring job it is written when a server begins to listen.
    const sweep = async () => {
      await transact((tx) => insertJobs(tx, [{ name: 'remove-expired-visits', data: null }]))
      await desk.server.worker.drain()
    }
    desk.clock.advance(29 * DAY)
    await sweep()
    expect(await titles()).toEqual(expect.arrayContaining(['Kept', 'Forgotten']))
    desk.clock.advance(2 * DAY)
    await sweep()
    expect(await titles()).toContain('Kept')
    expect(await titles()).not.toContain('Forgotten')
    await closeByVisitor(desk, chat)
  })

  test('is kept where its visitor has moved to another department, until the next chat', async () => {
    const chat = await openChat(desk)
    await see(chat.token, { title: 'Before the move' })
    const bob = await desk.agent({ username: 'bob' })
    const department = await makeDepartment(desk, { agents: [bob], showOnRegistration: 0 })
    const body = { rid: chat.rid, token: chat.token, department }
    await desk.anyone.call('POST /livechat/visitor/department.transfer', { body })
    await bob.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    desk.clock.advance(31 * DAY)
    await desk.server.context.transact((tx) => insertJobs(tx, [{ name: 'remove-expired-visits', data: null }]))
    await desk.server.worker.drain()
    await closeByVisitor(desk, chat)
    const next = await openRoomOf(desk, chat)
    expect(await pagesOf(next.rid)).toEqual([`Before the move - ${href}`])
    await closeByVisitor(desk, next)
  })

  test('goes with its visitor', async () => {
    const chat = await openChat(desk)
    await see(chat.token, { rid: chat.rid, title: 'Of a chat' })
    await see(chat.token, { title: 'Loose' })
    await closeByVisitor(desk, chat)
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: chat.token } })
    expect((await kept()).filter(({ title }) => title === 'Of a chat' || title === 'Loose')).toEqual([])
  })

  test('of invented tokens is bounded for one address', async () => {
    await see('invented-first', { title: 'First of the flood' })
    const { address } = (await kept()).find(({ title }) => title === 'First of the flood')!
    await desk.server.context.transact((tx) => {
      const visit = { roomId: null, change: 'url', title: 'Flood', href, address, expiresAt: null }
      const visitedAt = new Date(tx.nowMs + 1).toISOString()
      const rows = Array.from({ length: 1_000 }, (_, n) => ({
        id: tx.newId(),
        tokenHash: `n${n}`,
        ...visit,
        visitedAt,
      }))
      return tx.run(tx.sql.insertInto('pageVisit').values(rows))
    })
    desk.clock.advance(1_000)
    for (let n = 0; n < 10; n++) await see(`invented-${n}`, { title: 'Last of the flood' })
    const { read } = desk.server.context
    const loose = await read.all(read.sql.selectFrom('pageVisit').select('id').where('roomId', 'is', null))
    expect(loose).toHaveLength(1_000)
    expect((await kept()).map(({ title }) => title)).not.toContain('First of the flood')
  })

  test.each([
    [{}, `Match error: Missing key 'token'`],
    [{ token: 'x' }, `Match error: Missing key 'pageInfo'`],
    [{ token: 'x', pageInfo: { change: 'url', title: 't' } }, `Match error: Missing key 'location' in field pageInfo`],
    [
      { token: { $ne: '' }, pageInfo: { change: 'url', title: 't', location: { href } } },
      'Match error: Expected string, got object in field token',
    ],
  ])('of a wrong shape is refused: %#', async (body, error) => {
    expect(errorOf(await desk.anyone.raw('POST /livechat/page.visited', { body }))).toBe(error)
  })
})

describe('the state of a call', () => {
  const note = (body: object) =>
    desk.anyone.raw('POST /livechat/visitor.callStatus', { body: { callId: 'c', ...body } })

  test('is noted in the visitor’s own open room and told to the widget', async () => {
    const chat = await openChat(desk)
    const body = { token: chat.token, rid: chat.rid, callStatus: 'ringing' }
    expect((await note(body)).body).toEqual({ success: true, token: chat.token, callStatus: 'ringing' })
    expect((await roomOf(desk, chat)).callStatus).toBe('ringing')
    const { config } = await desk.anyone.call('GET /livechat/config', { query: { token: chat.token } })
    expect(config.room?.callStatus).toBe('ringing')

    const other = await openChat(desk)
    const foreign = await note({ ...body, rid: other.rid })
    expect(refusal(foreign)).toEqual(bare('invalid-room'))
    expect(refusal(await note({ ...body, rid: 'none' }))).toEqual(refusal(foreign))
    expect(errorOf(await note({ ...body, token: 'nobody' }))).toBe('[invalid-token]')
    expect(errorOf(await note({ token: 'x', rid: 'x' }))).toBe(`Match error: Missing key 'callStatus'`)
    await closeByVisitor(desk, chat)
    expect(refusal(await note(body))).toEqual(bare('invalid-room'))
    await closeByVisitor(desk, other)
  })
})

describe('a visitor who comes and goes', () => {
  test('many times in a second is told to agents twice: at once, and how it ended', async () => {
    const chat = await openChat(desk)
    desk.clock.advance(5_000)
    const from = heard.length
    const told = () =>
      heard.slice(from).filter(({ name, data }) => name === 'room.changed' && data.roomId === chat.rid).length
    const set = (status: string) =>
      desk.anyone.call('POST /livechat/visitor.status', { body: { token: chat.token, status } })
    for (const status of ['away', 'online', 'away', 'away', 'busy', 'offline']) await set(status)
    expect(told()).toBe(1)
    expect((await roomOf(desk, chat)).v.status).toBe('offline')
    await desk.server.worker.drain()
    expect(told()).toBe(1)
    desk.clock.advance(1_000)
    await desk.server.worker.drain()
    expect(told()).toBe(2)
    desk.clock.advance(1_000)
    await set('offline')
    expect(told()).toBe(2)
    await set('online')
    expect(told()).toBe(3)
    await closeByVisitor(desk, chat)
  })
})

describe('what a visitor writes of an address or a number', () => {
  const seen = async ({ id }: { id: string }) => {
    const { visitor } = await anna.call('GET /livechat/visitors.info', { query: { visitorId: id } })
    return [visitor.visitorEmails?.[0]?.address, visitor.phone?.[0]?.phoneNumber]
  }
  const told = async (chat: Chat, text: string) => {
    await say(desk, chat, text)
    await desk.server.worker.drain()
    return seen(chat)
  }

  test('is shown to agents where nothing was known, the first of each, and never overwritten', async () => {
    const chat = await openChat(desk)
    expect(await told(chat, 'nothing here, not even in 1 or 2 words')).toEqual([undefined, undefined])
    expect(await told(chat, 'Write to Ana@Example.org or eve@example.org')).toEqual(['ana@example.org', undefined])
    expect(await told(chat, 'or call 11 98765-4321, not eve@example.org')).toEqual(['ana@example.org', '11 98765-4321'])
    await closeByVisitor(desk, chat)
    const known = await openChat(desk, { email: 'mine@example.org', phone: '1' })
    expect(await told(known, 'other@example.org 11 98765-4321')).toEqual(['mine@example.org', '1'])
    await closeByVisitor(desk, known)
  })

  test('gives way to what is registered', async () => {
    const chat = await openChat(desk)
    await told(chat, 'found@example.org')
    const visitor = { token: chat.token, email: 'registered@example.org' }
    await desk.anyone.call('POST /livechat/visitor', { body: { visitor } })
    expect((await seen(chat))[0]).toBe('registered@example.org')
    await closeByVisitor(desk, chat)
  })

  test('of an agent is not the visitor’s', async () => {
    const chat = await openChat(desk)
    await answer(anna, chat.rid, 'write to desk@example.org, 11 98765-4321')
    await desk.server.worker.drain()
    expect(await seen(chat)).toEqual([undefined, undefined])
    await closeByVisitor(desk, chat)
  })

  test('never says who somebody is', async () => {
    const chat = await openChat(desk)
    await told(chat, 'I am victim@example.org, 11 90000-4321')
    await withSettings(desk, { Livechat_visitor_matching: 'compatible' }, async () => {
      const other = await register(desk, { email: 'victim@example.org', phone: '11 90000-4321' })
      expect(other.id).not.toBe(chat.id)
    })
    await closeByVisitor(desk, chat)
  })

  test('is looked for with patterns that may be broken or too slow: then nothing is found, and jobs go on', async () => {
    const slow = { Livechat_lead_email_regex: '^(a+)+$', Livechat_lead_phone_regex: '(' }
    await withSettings(desk, slow, async () => {
      const chat = await openChat(desk)
      const trap = `${'a'.repeat(60)}@ 123456789`
      expect(await told(chat, trap)).toEqual([undefined, undefined])
      expect((await allRows(desk)).get('job')!.filter((row) => row.includes('capture-contact'))).toEqual([])
      expect(logged.join('')).not.toContain('aaaa')
      await closeByVisitor(desk, chat)
    })
  })

  test('that was taken back before anybody looked is not kept', async () => {
    const chat = await openChat(desk)
    const { _id } = await say(desk, chat, 'oops@example.org')
    await desk.anyone.call('DELETE /livechat/message/:_id', {
      params: { _id },
      body: { token: chat.token, rid: chat.rid },
    })
    await desk.server.worker.drain()
    expect((await seen(chat))[0]).toBeUndefined()
    await closeByVisitor(desk, chat)
  })
})

describe('several messages at once', () => {
  const send = (token: string, texts: unknown[]): Promise<RawAnswer> =>
    anna.raw('POST /livechat/messages', { body: { visitor: { token }, messages: texts.map((msg) => ({ msg })) } })

  test('register a visitor, open a room and stand in it in their order', async () => {
    const token = newToken()
    const texts = Array.from({ length: 20 }, (_, n) => `message ${n}`)
    const { messages } = (await send(token, texts)).body as {
      messages: { msg: string; username: string; ts: string }[]
    }
    expect(messages.map(({ msg }) => msg)).toEqual(texts)
    expect(messages[0]?.username).toMatch(/^guest-/)
    expect([...messages].map(({ ts }) => ts).sort()).toEqual(messages.map(({ ts }) => ts))
    const again = await send(token, ['one more'])
    expect(again.status).toBe(200)
    const { room } = await desk.anyone.call('GET /livechat/room', { query: { token } })
    const chat = { token, id: room.v._id, rid: room._id, room }
    expect((await historyOf(desk, chat)).map(({ msg }) => msg)[0]).toBe('one more')
    await closeByVisitor(desk, chat)
  })

  test('are all refused where one is', async () => {
    const token = newToken()
    const before = await allRows(desk)
    await withSettings(
      desk,
      { Livechat_enable_message_character_limit: true, Livechat_message_character_limit: 5 },
      async () => {
        expect(errorOf(await send(token, ['short', 'too long']))).toBe('message-length-exceeds-character-limit')
      },
    )
    const after = await allRows(desk)
    for (const table of ['visitor', 'room', 'message'])
      expect([table, after.get(table)]).toEqual([table, before.get(table)])
    expect(errorOf(await send(' ', ['x']))).toBe('error-livechat-visitor-registration')
    for (const texts of [[], [7], Array.from({ length: 101 }, () => 'x')])
      expect((await send(token, texts)).body).toMatchObject({ success: false, errorType: 'invalid-params' })
    const body = { visitor: { token }, messages: [{ msg: 'x' }] }
    expect((await desk.anyone.raw('POST /livechat/messages', { body })).status).toBe(401)
  })

  test('open no room where a visitor could not', async () => {
    await anna.call('POST /users.setStatus', { body: { status: 'offline' } })
    expect(errorOf(await send(newToken(), ['x']))).toContain('[no-agent-online]')
    await anna.call('POST /users.setStatus', { body: { status: 'online' } })
    await withSettings(desk, { Livechat_enabled: false }, async () => {
      expect(errorOf(await send(newToken(), ['x']))).toContain('[error-omnichannel-is-disabled]')
    })
    await withSettings(desk, { Livechat_Routing_Method: 'Nonsense' }, async () => {
      expect(errorOf(await send(newToken(), ['x']))).toContain('[error-routing-method-not-available]')
    })
  })
})

test('one address may have a hundred chats that nobody has answered', async () => {
  const http = { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true }
  const limited = await startTestServer({ rateLimits: true, config: { http } })
  const agent = await limited.agent()
  await configure(limited, { Livechat_Routing_Method: 'Manual_Selection' })
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const enter = async (address: string) => {
    // The rate limits would come first.
    limited.clock.advance(60_000)
    const token = newToken()
    const headers = from(address)
    await limited.anyone.call('POST /livechat/visitor', { body: { visitor: { token } }, headers })
    return { token, ...(await limited.anyone.raw('GET /livechat/room', { query: { token }, headers })) }
  }
  const rooms = []
  for (let n = 0; n < 100; n++) rooms.push((await enter('203.0.113.1')).body.room._id as string)
  const refused = await enter('203.0.113.1')
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60'])
  expect((await enter('203.0.113.2')).status).toBe(200)
  const { inquiry } = await agent.call('GET /livechat/inquiries.getOne', { query: { roomId: rooms[0]! } })
  await agent.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry!._id } })
  await answer(agent, rooms[0]!, 'hello')
  expect((await enter('203.0.113.1')).status).toBe(200)
  await limited.stop()
})
