import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backoffMs, retryAfterMs } from '../src/call.ts'
import { APIError, RocketChatLivechat } from '../src/sdk.ts'
import type { ServerOptions } from '../src/sdk.ts'
import { brokenLine, json, silence, startServer } from './server.ts'
import type { Server } from './server.ts'

let server: Server

beforeEach(async () => {
  server = await startServer()
})
afterEach(() => server.close())

function connect(options: Partial<ServerOptions> = {}) {
  return new RocketChatLivechat({ serverURL: server.url, retry: { delayMs: 1 }, ...options })
}

const busy = json({ success: false, error: 'busy' }, 503)
const fine = json({ message: { _id: 'm1', token: 'tok' }, success: true })
const wordless = json({ success: false }, 400)

async function failureOf(call: Promise<unknown>): Promise<APIError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(APIError)
  return error as APIError
}

describe('a failure that may pass', () => {
  test('of a read is tried again until it has passed', async () => {
    server.answers = [brokenLine, busy, fine]
    expect(await connect().messages.getMessage('m1', 'tok', 'room1')).toMatchObject({ success: true })
    expect(server.arrivals).toHaveLength(3)
  })

  test.each([429, 502, 503, 504])('is a status %i', async (status) => {
    server.answers = [json({ error: 'busy' }, status), fine]
    await connect().room.getRoom('tok')
    expect(server.arrivals).toHaveLength(2)
  })

  test.each([400, 401, 403, 404, 500])('is not a status %i', async (status) => {
    server.answers = [json({ error: 'no' }, status), fine]
    expect(await failureOf(connect().room.getRoom('tok'))).toMatchObject({ code: status })
    expect(server.arrivals).toHaveLength(1)
  })

  test('is reported as the server worded it when it does not pass', async () => {
    server.answers = [brokenLine, busy]
    expect(await failureOf(connect().room.getRoom('tok'))).toMatchObject({ code: 503, message: 'busy' })
    expect(server.arrivals).toHaveLength(3)
  })

  test('is tried as often as the caller wants', async () => {
    server.answers = [busy]
    await failureOf(connect({ retry: { times: 4, delayMs: 1 } }).room.getRoom('tok'))
    expect(server.arrivals).toHaveLength(5)
  })

  test('is final where retries are off', async () => {
    server.answers = [busy, fine]
    await failureOf(connect({ retry: false }).room.getRoom('tok'))
    expect(server.arrivals).toHaveLength(1)
  })

  test('of a message with an id of its own is sent again with that id', async () => {
    server.answers = [brokenLine, busy, fine]
    await connect().messages.sendMessage('tok', 'room1', 'Hi', 'm1')
    expect(server.arrivals.map(({ body }) => (JSON.parse(body) as { _id: string })._id)).toEqual(['m1', 'm1', 'm1'])
  })

  const once: [string, (chat: RocketChatLivechat) => Promise<unknown>][] = [
    ['a message without an id', (chat) => chat.messages.sendMessage('tok', 'room1', 'Hi')],
    ['an edit', (chat) => chat.messages.updateMessage('m1', 'tok', 'room1', 'Hi')],
    ['a deletion', (chat) => chat.messages.deleteMessage('m1', 'tok', 'room1')],
    ['a registration', (chat) => chat.visitor.registerVisitor({ name: 'Ana', email: 'a@b', token: 'tok' })],
    ['a removal', (chat) => chat.visitor.deleteVisitor('tok')],
    ['a closing', (chat) => chat.room.closeRoom('room1', 'tok')],
    ['a rating', (chat) => chat.room.submitSurvey('room1', 'tok', [{ name: 'satisfaction', value: '5' }])],
    ['an upload', (chat) => chat.room.uploadFile('room1', new Blob(['x']), 'tok')],
    ['an offline message', (chat) => chat.messages.sendOfflineMessage('Ana', 'a@b', 'Hi', '', '')],
  ]
  test.each(once)('is final for %s', async (_, call) => {
    server.answers = [busy, fine]
    await failureOf(call(connect()))
    expect(server.arrivals).toHaveLength(1)
  })
})

describe('a server that refuses the second copy of a message without a word', () => {
  test('is asked for the first one', async () => {
    server.answers = [brokenLine, wordless, fine]
    const sent = await connect().messages.sendMessage('tok', 'room1', 'Hi', 'm1')
    expect(sent.message._id).toBe('m1')
    expect(server.arrivals.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET'])
  })

  test('is believed when it has no such message', async () => {
    server.answers = [wordless, json({ success: false, error: 'invalid-message' }, 400)]
    expect(await failureOf(connect().messages.sendMessage('tok', 'room1', 'Hi', 'm1'))).toMatchObject({
      code: 400,
      details: { success: false },
    })
  })

  test('is believed when the message is somebody else’s', async () => {
    server.answers = [wordless, json({ message: { _id: 'm1' }, success: true })]
    expect(await failureOf(connect().messages.sendMessage('tok', 'room1', 'Hi', 'm1'))).toMatchObject({ code: 400 })
  })

  test('is not asked when the refusal has words', async () => {
    server.answers = [json({ success: false, error: 'room-closed' }, 400)]
    expect(await failureOf(connect().messages.sendMessage('tok', 'room1', 'Hi', 'm1'))).toMatchObject({
      message: 'room-closed',
    })
    expect(server.arrivals).toHaveLength(1)
  })
})

describe('Retry-After', () => {
  // A pause of this length would outlast the test, so only the header can be what ended it.
  const never = { delayMs: 1e9 }

  test.each(['0', 'Thu, 01 Jan 2015 00:00:00 GMT'])('decides when the next attempt is made: %s', async (header) => {
    server.answers = [json({ error: 'slow down' }, 429, { 'Retry-After': header }), fine]
    await connect({ retry: never }).room.getRoom('tok')
    expect(server.arrivals).toHaveLength(2)
  })

  test.each(['3600', 'Thu, 01 Jan 2099 00:00:00 GMT'])(
    'beyond the time of the call ends it at once: %s',
    async (header) => {
      server.answers = [json({ error: 'slow down' }, 429, { 'Retry-After': header }), fine]
      expect(await failureOf(connect().room.getRoom('tok'))).toMatchObject({ code: 429, message: 'slow down' })
      expect(server.arrivals).toHaveLength(1)
    },
  )

  test('beyond what a timer can hold ends a call that has no limit', async () => {
    server.answers = [json({ error: 'slow down' }, 429, { 'Retry-After': '9999999999' }), fine]
    expect(await failureOf(connect({ timeoutMs: Infinity }).room.getRoom('tok'))).toMatchObject({ code: 429 })
    expect(server.arrivals).toHaveLength(1)
  })

  test.each([
    ['120', 120_000],
    ['0', 0],
    ['Wed, 01 Jan 2025 00:00:05 GMT', 5_000],
    ['Tue, 31 Dec 2024 23:00:00 GMT', 0],
  ])('%s is read as %i ms, up to a tenth longer', (header, ms) => {
    const read = retryAfterMs(header, { now: () => Date.parse('2025-01-01T00:00:00Z'), random: Math.random })
    expect(read).toBeGreaterThanOrEqual(ms)
    expect(read).toBeLessThanOrEqual(ms * 1.1)
  })

  test.each([null, '', 'soon', 'NaN'])('%j is not readable', (header) => {
    expect(retryAfterMs(header, { now: () => 0, random: Math.random })).toBeUndefined()
  })
})

describe('the pause before the next attempt', () => {
  test('lies between nothing and a bound that doubles, up to ten seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 1, max: 1_000 }), (delayMs, attempt) => {
        const ms = backoffMs(delayMs, attempt)
        return ms >= 0 && ms <= Math.min(10_000, delayMs * 2 ** (attempt - 1))
      }),
    )
  })

  test('differs from client to client', () => {
    expect(new Set(Array.from({ length: 20 }, () => backoffMs(1_000, 1))).size).toBeGreaterThan(1)
  })
})

describe('a call ends', () => {
  test('when its time is over', async () => {
    server.answers = [silence]
    const error = await failureOf(connect().room.getRoom('tok', undefined, undefined, { timeoutMs: 20 }))
    expect(error).toMatchObject({ code: 0, errorType: 'SDK', message: 'No answer within 20 ms.' })
    expect(error.cause).toMatchObject({ name: 'TimeoutError' })
  })

  test('when the time that the constructor gives every call is over', async () => {
    server.answers = [silence]
    const error = await failureOf(connect({ timeoutMs: 20 }).config.getConfig())
    expect(error.cause).toMatchObject({ name: 'TimeoutError' })
  })

  test('when its time is over amid the answer', async () => {
    server.answers = [(response) => response.writeHead(200).write('{"room":')]
    const error = await failureOf(connect({ timeoutMs: 20 }).room.getRoom('tok'))
    expect(error.cause).toMatchObject({ name: 'TimeoutError' })
  })

  test('when its signal says so', async () => {
    const controller = new AbortController()
    server.answers = [() => controller.abort('the page was left')]
    const error = await failureOf(connect().config.getConfig(undefined, undefined, { signal: controller.signal }))
    expect(error).toMatchObject({ code: 0, errorType: 'SDK', message: 'The call was aborted.' })
    expect(error.cause).toBe('the page was left')
  })

  test('when the signal of the constructor says so', async () => {
    const controller = new AbortController()
    server.answers = [() => controller.abort('the page was left')]
    const error = await failureOf(connect({ signal: controller.signal }).room.getRoom('tok'))
    expect(error.cause).toBe('the page was left')
  })

  test('before it begins when its signal had spoken already', async () => {
    const error = await failureOf(connect({ signal: AbortSignal.abort('gone') }).room.getRoom('tok'))
    expect(error.cause).toBe('gone')
    expect(server.arrivals).toEqual([])
  })

  test('when its signal speaks during a pause', async () => {
    const controller = new AbortController()
    server.answers = [
      (response, arrival) => {
        json({ error: 'slow down' }, 429, { 'Retry-After': '20' })(response, arrival)
        setTimeout(() => controller.abort('gone'), 50)
      },
    ]
    const error = await failureOf(connect({ signal: controller.signal }).room.getRoom('tok'))
    expect(error.cause).toBe('gone')
    expect(server.arrivals).toHaveLength(1)
  })
})

test('a signal that outlives its calls does not collect their listeners', async () => {
  const { signal } = new AbortController()
  const livechat = connect({ signal })
  await livechat.room.getRoom('tok')
  server.answers = [wordless]
  await failureOf(livechat.room.getRoom('tok'))
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
