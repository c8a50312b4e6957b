import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { APIError, RocketChatLivechat } from '../src/sdk.ts'
import { json, startServer, text } from './server.ts'
import type { Server } from './server.ts'

let server: Server
let livechat: RocketChatLivechat

beforeEach(async () => {
  server = await startServer()
  livechat = new RocketChatLivechat({ serverURL: server.url, retry: false })
})
afterEach(() => server.close())

async function failureOf(call: Promise<unknown>): Promise<APIError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(APIError)
  return error as APIError
}

describe('an answer other than success', () => {
  const cases = [
    { title: 'a bare code', status: 400, body: { success: false, error: 'invalid-token' }, message: 'invalid-token' },
    {
      title: 'a message, which goes before the error',
      status: 401,
      body: { status: 'error', error: 'Unauthorized', message: 'You must be logged in to do this.' },
      message: 'You must be logged in to do this.',
    },
    {
      title: 'a reason, as uploads have it',
      status: 400,
      body: { success: false, reason: 'error-type-not-allowed' },
      message: 'error-type-not-allowed',
    },
    { title: 'no word at all', status: 400, body: { success: false }, message: 'The server gave no reason.' },
    {
      title: 'an error that is no text',
      status: 500,
      body: { error: { a: 1 } },
      message: 'The server gave no reason.',
    },
  ]
  test.each(cases)('becomes an APIError: $title', async ({ status, body, message }) => {
    server.answers = [json(body, status)]
    const error = await failureOf(livechat.visitor.getVisitor('tok'))
    expect(error).toMatchObject({ name: 'APIError', code: status, errorType: 'API', message, details: body })
  })

  test('of a proxy that speaks HTML keeps the text', async () => {
    server.answers = [text('<h1>Bad gateway</h1>', 502)]
    const error = await failureOf(livechat.visitor.getVisitor('tok'))
    expect(error).toMatchObject({ code: 502, errorType: 'API', details: '<h1>Bad gateway</h1>' })
  })

  test.each(['<html>', 'null', '1', ''])('is also a 200 whose body is no object: %j', async (body) => {
    server.answers = [text(body, 200)]
    const error = await failureOf(livechat.visitor.getVisitor('tok'))
    expect(error).toMatchObject({
      code: 200,
      errorType: 'API',
      message: 'The server did not answer with a JSON object.',
    })
  })
})

describe('no answer', () => {
  test('from a closed port is an SDK error of code 0 that says why', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    await new Promise((resolve) => other.close(resolve))

    const unreachable = new RocketChatLivechat({ serverURL: `http://127.0.0.1:${port}`, retry: false })
    const error = await failureOf(unreachable.config.getConfig())
    expect(error).toMatchObject({ code: 0, errorType: 'SDK', details: undefined })
    expect((error.cause as Error).cause).toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('after half of it is an SDK error of code 0', async () => {
    server.answers = [
      (response) => {
        response.writeHead(200, { 'Content-Length': '1000' }).write('{"room":')
        response.socket?.end()
      },
    ]
    expect(await failureOf(livechat.room.getRoom('tok'))).toMatchObject({ code: 0, errorType: 'SDK' })
  })

  test('at an address that is none is an SDK error of code 0', async () => {
    const nowhere = new RocketChatLivechat({ serverURL: 'chat example', retry: false })
    expect(await failureOf(nowhere.config.getConfig())).toMatchObject({ code: 0, errorType: 'SDK' })
  })
})

describe('arguments that are missing', () => {
  const cases: [string, (chat: RocketChatLivechat) => Promise<unknown>, string][] = [
    ['getAgentInfo', (chat) => chat.agents.getAgentInfo('', 'tok'), 'Room id is required.'],
    ['getAgentInfo', (chat) => chat.agents.getAgentInfo('room1', ''), 'Visitor token is required.'],
    ['getNextAgent', (chat) => chat.agents.getNextAgent(''), 'Visitor token is required.'],
    [
      'registerVisitor',
      (chat) => chat.visitor.registerVisitor({ name: '', email: 'a@b', token: 'tok' }),
      'Visitor name is required.',
    ],
    [
      'registerVisitor',
      (chat) => chat.visitor.registerVisitor({ name: 'Ana', email: '', token: 'tok' }),
      'Visitor email is required.',
    ],
    [
      'registerVisitor',
      (chat) => chat.visitor.registerVisitor({ name: 'Ana', email: 'a@b', token: '' }),
      'Visitor token is required.',
    ],
    ['registerVisitor', (chat) => chat.visitor.registerVisitor(undefined as never), 'Visitor name is required.'],
    ['getVisitor', (chat) => chat.visitor.getVisitor(''), 'Visitor token is required.'],
    ['getVisitor', (chat) => chat.visitor.getVisitor(7 as never), 'Visitor token is required.'],
    ['deleteVisitor', (chat) => chat.visitor.deleteVisitor(''), 'Visitor token is required.'],
    ['getRoom', (chat) => chat.room.getRoom(''), 'Visitor token is required.'],
    ['closeRoom', (chat) => chat.room.closeRoom('', 'tok'), 'Room id is required.'],
    ['submitSurvey', (chat) => chat.room.submitSurvey('room1', 'tok', []), 'Survey data is required.'],
    ['uploadFile', (chat) => chat.room.uploadFile('room1', undefined as never, 'tok'), 'File is required.'],
    ['uploadFile', (chat) => chat.room.uploadFile('room1', null as never, 'tok'), 'File is required.'],
    ['uploadFile', (chat) => chat.room.uploadFile('room1', new Blob(), ''), 'Visitor token is required.'],
    ['sendMessage', (chat) => chat.messages.sendMessage('tok', 'room1', ''), 'Message is required.'],
    ['updateMessage', (chat) => chat.messages.updateMessage(''), 'Message id is required.'],
    ['getMessage', (chat) => chat.messages.getMessage('', 'tok', 'room1'), 'Message id is required.'],
    ['deleteMessage', (chat) => chat.messages.deleteMessage('m1', 'tok', ''), 'Room id is required.'],
    ['getMessageHistory', (chat) => chat.messages.getMessageHistory('room1', ''), 'Visitor token is required.'],
    ['sendOfflineMessage', (chat) => chat.messages.sendOfflineMessage('Ana', '', 'Hi', '', ''), 'Email is required.'],
  ]
  test.each(cases)('stop %s before anything is sent: %s', async (_, call, message) => {
    const error = await failureOf(call(livechat))
    expect(error).toMatchObject({ code: 400, errorType: 'SDK', message })
    expect(server.arrivals).toEqual([])
  })

  test.each(['', undefined])('stop the constructor: serverURL %j', (serverURL) => {
    expect(() => new RocketChatLivechat({ serverURL: serverURL as string })).toThrow(
      expect.objectContaining({ code: 400, errorType: 'SDK', message: 'Server URL is required.' }) as Error,
    )
  })
})
