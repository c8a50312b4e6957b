// Routing by a service outside (contract §C.4, `External`).
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  configure,
  errorTypeOf,
  makeDepartment,
  openChat,
  openRoomOf,
  refusal,
  register,
  roomOf,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let service: Server
let asked: IncomingMessage[]
let reply: (request: IncomingMessage, response: ServerResponse) => void
let anna: StaffMember
let bob: StaffMember

const names =
  (username: unknown): typeof reply =>
  (_request, response) =>
    void response.setHeader('content-type', 'application/json').end(JSON.stringify({ username }))

beforeEach(async () => {
  asked = []
  reply = names('bob')
  service = createServer((request, response) => {
    asked.push(request)
    reply(request, response)
  })
  await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve))
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.agent({ username: 'bob' })
  await configure(desk, {
    Livechat_Routing_Method: 'External',
    Livechat_External_Queue_URL: `${addressOf(service)}/queue?site=1`,
    Livechat_External_Queue_Token: 'the-secret',
  })
})
afterEach(async () => {
  await desk.stop()
  service.closeAllConnections()
  await new Promise((resolve) => service.close(resolve))
})

function addressOf(server: Server): string {
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

/** Asks for the room of a new visitor. */
async function ask(query: Record<string, string> = {}) {
  const { token } = await register(desk)
  return desk.anyone.raw('GET /livechat/room', { query: { token, ...query } })
}

const noAgent = [
  400,
  { success: false, error: 'Sorry, no online agents [no-agent-online]', errorType: 'no-agent-online' },
]

describe('a new chat', () => {
  test('is given to the agent whom the service names', async () => {
    expect((await openChat(desk)).room.servedBy?.username).toBe('bob')
    expect(asked).toHaveLength(1)
    expect(asked[0]!.url).toBe('/queue?site=1')
    expect(asked[0]!.headers).toMatchObject({
      'x-rocketchat-secret-token': 'the-secret',
      accept: 'application/json',
      'user-agent': 'RocketChat Server',
    })
  })

  test('tells the service its department; the agent need not work in it', async () => {
    const sales = await makeDepartment(desk, { agents: [anna] })
    const { room } = await openChat(desk)
    expect([room.departmentId, room.servedBy?.username]).toEqual([sales, 'bob'])
    expect(new URL(asked[0]!.url!, 'http://x').searchParams.get('departmentId')).toBe(sales)
  })

  test('of a visitor who asks for an agent who is there goes there, and nobody is asked', async () => {
    expect((await ask({ agentId: anna.id })).body.room.servedBy.username).toBe('anna')
    expect(asked).toEqual([])
  })

  test('is refused, and nothing is kept of it, where the service names nobody who is there in ten attempts', async () => {
    const visitor = await register(desk)
    await anna.call('POST /users.setStatus', { body: { status: 'offline' } })
    for (const named of ['anna', 'no-such', null, 42, { $ne: null }]) {
      asked = []
      reply = names(named)
      const before = await allRows(desk)
      const { token } = visitor
      expect(refusal(await desk.anyone.raw('GET /livechat/room', { query: { token } }))).toEqual(noAgent)
      expect(asked).toHaveLength(10)
      expect(await allRows(desk)).toEqual(before)
    }
  })

  test('is given to the agent named at last', async () => {
    reply = (request, response) => names(asked.length < 4 ? 'no-such' : 'bob')(request, response)
    expect((await openChat(desk)).room.servedBy?.username).toBe('bob')
    expect(asked).toHaveLength(4)
  })

  test.each<[string, typeof reply]>([
    ['an error', (_request, response) => void response.writeHead(500).end('{"username":"bob"}')],
    ['no JSON', (_request, response) => void response.end('<html>')],
    ['the word null', (_request, response) => void response.end('null')],
    [
      'a body without end',
      (_request, response) => void response.end(`{"username":"bob","x":"${'x'.repeat(100_000)}"}`),
    ],
    ['a broken connection', (request) => void request.socket.destroy()],
  ])('is refused where the service answers with %s', async (_answer, answer) => {
    reply = answer
    expect(refusal(await ask())).toEqual(noAgent)
  })

  test('is refused where the service sends elsewhere: nobody goes there, nor does the secret', async () => {
    const elsewhere: string[] = []
    const other = createServer((request, response) => {
      elsewhere.push(request.url ?? '')
      names('bob')(request, response)
    })
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
    reply = (_request, response) => void response.writeHead(302, { location: addressOf(other) }).end()
    expect(refusal(await ask())).toEqual(noAgent)
    expect(elsewhere).toEqual([])
    await new Promise((resolve) => other.close(resolve))
  })

  test('is refused where the service does not answer in time, or no address is set', async () => {
    reply = () => undefined
    await configure(desk, { Livechat_http_timeout: 20 })
    expect(refusal(await ask())).toEqual(noAgent)
    for (const Livechat_External_Queue_URL of ['', 'file:///etc/passwd', 'http://']) {
      await configure(desk, { Livechat_External_Queue_URL })
      expect(refusal(await ask())).toEqual(noAgent)
    }
  })

  test('is refused before anybody is asked where nobody is there', async () => {
    for (const agent of [anna, bob]) await agent.call('POST /users.setStatus', { body: { status: 'offline' } })
    expect(errorTypeOf(await ask())).toBe('no-agent-online')
    expect(asked).toEqual([])
  })
})

describe('a chat that waits', () => {
  test('is opened though the service names nobody where chats may wait, and offered until it does', async () => {
    await configure(desk, { Livechat_waiting_queue: true })
    reply = names('no-such')
    const chat = await openChat(desk)
    expect(chat.room.servedBy).toBeUndefined()
    reply = names('bob')
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('bob')
  })

  test('because an agent put it back is offered with the wish for another', async () => {
    const chat = await openChat(desk)
    reply = (request, response) => names(request.url!.includes(bob.id) ? 'anna' : 'bob')(request, response)
    await bob.call('POST /livechat/inquiries.returnAsInquiry', { body: { roomId: chat.rid } })
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('anna')
    expect(new URL(asked.at(-1)!.url!, 'http://x').searchParams.get('ignoreAgentId')).toBe(bob.id)
  })
})

describe('the service is asked', () => {
  test('for a room that moves to another department, and for each that this falls back to', async () => {
    const manager = await desk.staff({ roles: ['user', 'livechat-manager'] })
    const chat = await openChat(desk)
    const support = await makeDepartment(desk, { agents: [anna] })
    const first = await makeDepartment(desk, { agents: [anna], fallbackId: support })
    reply = (request, response) => names(request.url!.includes(support) ? 'anna' : undefined)(request, response)
    const body = { roomId: chat.rid, departmentId: first }
    expect((await manager.raw('POST /livechat/room.forward', { body })).status).toBe(200)
    expect(await roomOf(desk, chat)).toMatchObject({ departmentId: support, servedBy: { username: 'anna' } })
  })

  test('a limited number of things for one room: to the rest it names nobody', async () => {
    await configure(desk, { Omnichannel_max_fallback_forward_depth: 20 })
    const manager = await desk.staff({ roles: ['user', 'livechat-manager'] })
    const chat = await openChat(desk)
    let target: string | undefined
    for (let n = 0; n < 13; n++) target = await makeDepartment(desk, { agents: [anna], fallbackId: target ?? null })
    asked = []
    reply = names('no-such')
    const body = { roomId: chat.rid, departmentId: target }
    const refused = await manager.raw('POST /livechat/room.forward', { body })
    expect(refusal(refused)).toEqual(bare('error-no-agents-online-in-department'))
    expect(new Set(asked.map(({ url }) => url)).size).toBe(10)
    expect((await roomOf(desk, chat)).servedBy?.username).toBe('bob')
  })

  test('who would be next', async () => {
    const next = () => desk.anyone.raw('GET /livechat/agent.next/:token', { params: { token: 'anything' } })
    expect((await next()).body.agent.username).toBe('bob')
    reply = names('no-such')
    expect(refusal(await next())).toEqual(noAgent)
  })

  test('in no transaction: others write while it thinks', async () => {
    const visitor = await register(desk)
    let answerIt = () => {}
    reply = (request, response) => void (answerIt = () => names('bob')(request, response))
    const opening = openRoomOf(desk, visitor)
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await register(desk)
    answerIt()
    expect((await opening).room.servedBy?.username).toBe('bob')
  })
})
