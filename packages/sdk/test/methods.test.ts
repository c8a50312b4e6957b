import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { APIError, RocketChatLivechat } from '../src/sdk.ts'
import { json, startServer } from './server.ts'
import type { Arrival, Server } from './server.ts'

let server: Server
let livechat: RocketChatLivechat

beforeEach(async () => {
  server = await startServer()
  livechat = new RocketChatLivechat({ serverURL: server.url })
})
afterEach(() => server.close())

/** The only request that arrived, without what `fetch` adds by itself. */
function arrived() {
  expect(server.arrivals).toHaveLength(1)
  const { method, path, headers, body } = server.arrivals[0] as Arrival
  const content = body === '' ? undefined : (JSON.parse(body) as unknown)
  return { request: `${method} ${path}`, type: headers['content-type'], content }
}

const typed = 'application/json'
const untyped = { type: undefined, content: undefined }

describe('what each method sends', () => {
  test('getConfig asks for the configuration, nothing more', async () => {
    await livechat.config.getConfig()
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/config', ...untyped })
  })

  test('getConfig names the visitor and the department', async () => {
    await livechat.config.getConfig('tok', 'sales')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/config?token=tok&department=sales', ...untyped })
  })

  test('getConfig leaves out a token that is not given', async () => {
    await livechat.config.getConfig(undefined, 'sales')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/config?department=sales', ...untyped })
  })

  test('getAgentInfo', async () => {
    await livechat.agents.getAgentInfo('room1', 'tok')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/agent.info/room1/tok', ...untyped })
  })

  test('getNextAgent', async () => {
    await livechat.agents.getNextAgent('tok')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/agent.next/tok', ...untyped })
  })

  test('registerVisitor wraps the visitor', async () => {
    const visitor = {
      name: 'Ana',
      email: 'ana@example.org',
      token: 'tok',
      phone: '+351',
      department: 'sales',
      customFields: [{ key: 'plan', value: 'gold', overwrite: true }],
    }
    await livechat.visitor.registerVisitor(visitor)
    expect(arrived()).toEqual({ request: 'POST /api/v1/livechat/visitor', type: typed, content: { visitor } })
  })

  test('getVisitor', async () => {
    await livechat.visitor.getVisitor('tok')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/visitor/tok', ...untyped })
  })

  test('deleteVisitor', async () => {
    await livechat.visitor.deleteVisitor('tok')
    expect(arrived()).toEqual({ request: 'DELETE /api/v1/livechat/visitor/tok', ...untyped })
  })

  test('getRoom', async () => {
    await livechat.room.getRoom('tok')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/room?token=tok', ...untyped })
  })

  test('getRoom names a room and an agent', async () => {
    await livechat.room.getRoom('tok', 'room1', 'agent1')
    expect(arrived()).toEqual({
      request: 'GET /api/v1/livechat/room?token=tok&rid=room1&agentId=agent1',
      ...untyped,
    })
  })

  test('closeRoom', async () => {
    await livechat.room.closeRoom('room1', 'tok')
    expect(arrived()).toEqual({
      request: 'POST /api/v1/livechat/room.close',
      type: typed,
      content: { rid: 'room1', token: 'tok' },
    })
  })

  test('submitSurvey', async () => {
    const data = [{ name: 'satisfaction', value: '5' }]
    await livechat.room.submitSurvey('room1', 'tok', data)
    expect(arrived()).toEqual({
      request: 'POST /api/v1/livechat/room.survey',
      type: typed,
      content: { rid: 'room1', token: 'tok', data },
    })
  })

  test('sendMessage', async () => {
    await livechat.messages.sendMessage('tok', 'room1', 'Olá')
    const { content, ...rest } = arrived()
    expect(rest).toEqual({ request: 'POST /api/v1/livechat/message', type: typed })
    expect(content).toEqual({ token: 'tok', rid: 'room1', msg: Buffer.from('Olá').toString('latin1') })
  })

  test('sendMessage passes on an id and an agent', async () => {
    await livechat.messages.sendMessage('tok', 'room1', 'Hi', 'm1', { agentId: 'agent1', username: 'rui' })
    expect(arrived().content).toEqual({
      token: 'tok',
      rid: 'room1',
      msg: 'Hi',
      _id: 'm1',
      agent: { agentId: 'agent1', username: 'rui' },
    })
  })

  test('updateMessage', async () => {
    await livechat.messages.updateMessage('m1', 'tok', 'room1', 'Hello')
    expect(arrived()).toEqual({
      request: 'PUT /api/v1/livechat/message/m1',
      type: typed,
      content: { token: 'tok', rid: 'room1', msg: 'Hello' },
    })
  })

  test('getMessage', async () => {
    await livechat.messages.getMessage('m1', 'tok', 'room1')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/message/m1?token=tok&rid=room1', ...untyped })
  })

  test('deleteMessage proves itself in the body and, for servers that read no body here, in the query', async () => {
    await livechat.messages.deleteMessage('m1', 'tok', 'room1')
    expect(arrived()).toEqual({
      request: 'DELETE /api/v1/livechat/message/m1?token=tok&rid=room1',
      type: typed,
      content: { token: 'tok', rid: 'room1' },
    })
  })

  test('getMessageHistory', async () => {
    await livechat.messages.getMessageHistory('room1', 'tok')
    expect(arrived()).toEqual({ request: 'GET /api/v1/livechat/messages.history/room1?token=tok', ...untyped })
  })

  test('getMessageHistory narrows to a time and a number', async () => {
    await livechat.messages.getMessageHistory('room1', 'tok', '2025-04-01T08:00:00.000Z', '2025-04-02T08:00:00.000Z', 0)
    const query = 'token=tok&ls=2025-04-01T08%3A00%3A00.000Z&end=2025-04-02T08%3A00%3A00.000Z&limit=0'
    expect(arrived()).toEqual({ request: `GET /api/v1/livechat/messages.history/room1?${query}`, ...untyped })
  })

  test('sendOfflineMessage', async () => {
    await livechat.messages.sendOfflineMessage('Ana', 'ana@example.org', 'Call me', 'sales', 'null')
    expect(arrived()).toEqual({
      request: 'POST /api/v1/livechat/offline.message',
      type: typed,
      content: { name: 'Ana', email: 'ana@example.org', message: 'Call me', department: 'sales', host: 'null' },
    })
  })
})

describe('the answer', () => {
  test('is the whole body', async () => {
    server.answers = [json({ room: { _id: 'room1' }, newRoom: false, success: true })]
    expect(await livechat.room.getRoom('tok')).toEqual({ room: { _id: 'room1' }, newRoom: false, success: true })
  })
})

describe('the address', () => {
  test.each(['/', '//', ''])('is found with "%s" behind the server URL', async (end) => {
    await new RocketChatLivechat({ serverURL: `${server.url}${end}` }).config.getConfig()
    expect(arrived().request).toBe('GET /api/v1/livechat/config')
  })

  test('may have a path of its own', async () => {
    await new RocketChatLivechat({ serverURL: `${server.url}/support/` }).config.getConfig()
    expect(arrived().request).toBe('GET /support/api/v1/livechat/config')
  })

  test('is what a given fetch is asked for', async () => {
    const asked: unknown[] = []
    const fetch = (input: unknown) => {
      asked.push(input)
      return Promise.resolve(Response.json({ success: true }))
    }
    await new RocketChatLivechat({ serverURL: 'https://chat.example.com', fetch }).visitor.getVisitor('tok')
    expect(asked).toEqual(['https://chat.example.com/api/v1/livechat/visitor/tok'])
  })
})

describe('ids and tokens of any characters', () => {
  const odd = 'a/b?c=d&e#f %2F+ü\u0000"'

  test('keep their place in a path', async () => {
    await livechat.agents.getAgentInfo(odd, odd)
    const { path } = server.arrivals[0] as Arrival
    expect(path.split('/').slice(5).map(decodeURIComponent)).toEqual([odd, odd])
  })

  test('keep their place in a query', async () => {
    await livechat.messages.getMessage(odd, odd, odd)
    const { pathname, searchParams } = new URL((server.arrivals[0] as Arrival).path, server.url)
    expect(decodeURIComponent(pathname.split('/')[5] ?? '')).toBe(odd)
    expect(Object.fromEntries(searchParams)).toEqual({ token: odd, rid: odd })
  })

  test.each(['.', '..', 'half \ud800'])('that no path can hold are refused: %j', async (token) => {
    const error = await livechat.visitor.deleteVisitor(token).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ code: 400, errorType: 'SDK' })
    expect(server.arrivals).toEqual([])
  })
})
