import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { APIError, RocketChatLivechat } from '../src/sdk.ts'
import type { UploadSource } from '../src/sdk.ts'
import { json, silence, startServer } from './server.ts'
import type { Arrival, Server } from './server.ts'

let server: Server
let livechat: RocketChatLivechat

beforeEach(async () => {
  server = await startServer()
  livechat = new RocketChatLivechat({ serverURL: server.url })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await server.close()
})

/** The form that arrived, read by the platform's own parser. */
async function formThatArrived() {
  expect(server.arrivals).toHaveLength(1)
  const { headers, body } = server.arrivals[0] as Arrival
  const type = headers['content-type'] ?? ''
  const form = await new Response(Buffer.from(body, 'latin1'), { headers: { 'Content-Type': type } }).formData()
  const file = form.get('file') as File
  return {
    parts: [...form.keys()],
    description: form.get('description'),
    name: file.name,
    type: file.type,
    bytes: new Uint8Array(await file.arrayBuffer()),
  }
}

const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256)

async function* inPieces() {
  await Promise.resolve()
  yield bytes.subarray(0, 100)
  yield bytes.subarray(100)
}

function unreadableByLoops() {
  const stream = new Blob([bytes]).stream()
  return { getReader: () => stream.getReader() } as ReadableStream<Uint8Array>
}

/** Never at its end, but always at work; says when it was let go of. */
function endless(onPiece: () => void) {
  let released: () => void
  const isReleased = new Promise<void>((resolve) => (released = resolve))
  async function* pieces() {
    try {
      for (;;) {
        yield new Uint8Array(1024)
        await new Promise((resolve) => setTimeout(resolve, 5))
        onPiece()
      }
    } finally {
      released()
    }
  }
  return { source: pieces(), isReleased }
}

const sources: [string, () => UploadSource][] = [
  ['a Blob', () => new Blob([bytes])],
  ['a File', () => new File([bytes], 'data.bin')],
  ['a ReadableStream', () => new Blob([bytes]).stream()],
  ['a ReadableStream that is not iterable, as in Safari', unreadableByLoops],
  ['an async iterable', inPieces],
  ['a Node stream', () => Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])],
]

describe.each(sources)('%s', (_, source) => {
  test('arrives as the part `file` with the token in the header', async () => {
    await livechat.room.uploadFile('room 1', source(), 'tok', 'My bill')
    const { method, path, headers } = server.arrivals[0] as Arrival
    expect([method, path]).toEqual(['POST', '/api/v1/livechat/upload/room%201'])
    expect(headers['x-visitor-token']).toBe('tok')
    expect(await formThatArrived()).toMatchObject({ parts: ['description', 'file'], description: 'My bill', bytes })
  })

  test('arrives without a description where none is given', async () => {
    await livechat.room.uploadFile('room1', source(), 'tok')
    expect(await formThatArrived()).toMatchObject({ parts: ['file'], bytes })
  })

  test('takes the name and type it is given', async () => {
    const options = { fileName: 'bill "2".pdf', fileType: 'application/pdf' }
    await livechat.room.uploadFile('room1', source(), 'tok', undefined, options)
    expect(await formThatArrived()).toMatchObject({ type: 'application/pdf', bytes })
    expect(server.arrivals[0]?.body).toContain('filename="bill %222%22.pdf"')
  })

  test('is read to its end first in a browser', async () => {
    vi.stubGlobal('document', {})
    await livechat.room.uploadFile('room1', source(), 'tok')
    expect(server.arrivals[0]?.headers).toHaveProperty('content-length')
    expect(await formThatArrived()).toMatchObject({ parts: ['file'], bytes })
  })
})

describe('the name and type of a file', () => {
  test('are its own', async () => {
    await livechat.room.uploadFile('room1', new File(['a,b'], 'list.csv', { type: 'text/csv' }), 'tok')
    expect(await formThatArrived()).toMatchObject({ name: 'list.csv', type: 'text/csv' })
  })

  test('are plain where the source has none', async () => {
    await livechat.room.uploadFile('room1', inPieces(), 'tok')
    expect(await formThatArrived()).toMatchObject({ name: 'file', type: 'application/octet-stream' })
  })

  test('cannot add lines to the form', async () => {
    const options = { fileName: 'a"\r\nX: 1', fileType: 'text/plain\r\nX: 1' }
    await livechat.room.uploadFile('room1', inPieces(), 'tok', undefined, options)
    expect(server.arrivals[0]?.body).toContain('filename="a%22%0D%0AX: 1"\r\nContent-Type: text/plain X: 1\r\n\r\n')
  })
})

test('a stream of any pieces arrives byte by byte', { timeout: 60_000 }, async () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }))
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
      server.arrivals.length = 0
      // eslint-disable-next-line @typescript-eslint/require-await -- an async source whose pieces are all there
      async function* source() {
        yield* pieces
      }
      await livechat.room.uploadFile('room1', source(), 'tok')
      const whole = Buffer.concat(pieces.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
      expect(Buffer.from((await formThatArrived()).bytes)).toEqual(whole)
    }),
    { numRuns: 50 },
  )
})

test('an upload is not bound by the time limit of other calls, but by its own', async () => {
  const hurried = new RocketChatLivechat({ serverURL: server.url, timeoutMs: 1 })
  server.answers = [(response, arrival) => setTimeout(() => json({ success: true })(response, arrival), 50)]
  expect(await hurried.room.uploadFile('room1', inPieces(), 'tok')).toEqual({ success: true })

  server.answers = [silence]
  const late = await hurried.room.uploadFile('room1', inPieces(), 'tok', undefined, { timeoutMs: 20 }).catch(String)
  expect(late).toContain('No answer within 20 ms.')
})

test('an aborted upload lets go of its source', async () => {
  const controller = new AbortController()
  const { source, isReleased } = endless(() => controller.abort('enough'))
  const options = { signal: controller.signal }
  const error: unknown = await livechat.room
    .uploadFile('room1', source, 'tok', undefined, options)
    .catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 0, errorType: 'SDK', cause: 'enough' })
  await isReleased
})

test('a refused upload lets go of its source', async () => {
  const refusing = createServer((_, response) => response.writeHead(403).end('{"error":"unauthorized"}')).listen(
    0,
    '127.0.0.1',
  )
  await once(refusing, 'listening')
  const { port } = refusing.address() as AddressInfo
  const { source, isReleased } = endless(() => undefined)

  const strict = new RocketChatLivechat({ serverURL: `http://127.0.0.1:${port}` })
  const error: unknown = await strict.room.uploadFile('room1', source, 'tok').catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 403, message: 'unauthorized' })
  await isReleased
  refusing.closeAllConnections()
  refusing.close()
})

test('a source that fails is the cause of the failure', async () => {
  const broken = new Error('the disk is gone')
  async function* failing() {
    await Promise.resolve()
    yield new Uint8Array(10)
    throw broken
  }
  const error: unknown = await livechat.room.uploadFile('room1', failing(), 'tok').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(APIError)
  expect(error).toMatchObject({ code: 0, errorType: 'SDK' })
  expect(server.arrivals).toEqual([])
})

test('a token that a header cannot hold is refused before anything is sent', async () => {
  const error: unknown = await livechat.room.uploadFile('room1', new Blob(), 'tok-€').catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 400, errorType: 'SDK' })
  expect(server.arrivals).toEqual([])
})
