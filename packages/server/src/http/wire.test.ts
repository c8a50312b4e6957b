// The transport as clients of ten years know it (contract §G.1–G.3), and as attackers try it. Loops run over the whole
// contract, so an operation that comes later is tried too.
import { connect } from 'node:net'
import { contract } from '@deskbell/contract/contract.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, newToken, openChat, register, say, type Chat } from '../../testing/conversation.ts'
import { exampleOf, plain, type Schema } from '../../testing/examples.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../testing/testing.ts'
import { bodyLimitBytes } from './body.ts'

let desk: TestServer
let admin: StaffMember
let chat: Chat
let port: number

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  await desk.agent({ username: 'anna' })
  chat = await openChat(desk)
  port = Number(new URL(await desk.server.listen()).port)
})
afterAll(() => desk.stop())

const operations = Object.entries(contract as Readonly<Record<string, Operation>>)
/** Every spelling of every operation. */
const spellings = operations.flatMap(([key, operation]) => [key, ...(operation.aliases ?? [])])

interface Sent {
  method: string
  url: string
  headers?: Record<string, string>
  payload?: string
}

async function inject(sent: Sent): Promise<RawAnswer> {
  const { statusCode, payload, headers } = await desk.server.http.inject(sent as { method: 'GET'; url: string })
  return { status: statusCode, headers, body: payload === '' ? undefined : JSON.parse(payload) }
}

function pathOf(key: string): { method: string; url: string } {
  const [method, path] = key.split(' ') as [string, string]
  return { method, url: `/api/v1${path.replaceAll(/:\w+/g, 'x')}` }
}

function patternOf(key: string): RegExp {
  return new RegExp(
    `^/api/v1${key
      .slice(key.indexOf(' ') + 1)
      .replaceAll(/:\w+/g, '[^/]+')
      .replaceAll('.', '\\.')}$`,
  )
}

function post(path: string, payload: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return inject({ method: 'POST', url: `/api/v1/livechat/${path}`, payload, headers })
}

describe('every answer', () => {
  test.each<[string, Sent]>([
    ['200', { method: 'GET', url: '/api/v1/livechat/config' }],
    ['400', { method: 'GET', url: '/api/v1/livechat/visitor/nobody' }],
    ['401', { method: 'GET', url: '/api/v1/livechat/rooms' }],
    ['404', { method: 'GET', url: '/api/v1/nonsense' }],
    ['405', { method: 'PATCH', url: '/api/v1/livechat/message' }],
  ])('%s is exactly application/json, for every origin, and kept by nobody', async (status, sent) => {
    const { status: found, headers } = await inject({ ...sent, headers: { origin: 'https://shop.example.org' } })
    expect([String(found), headers['content-type']]).toEqual([status, 'application/json'])
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
    expect(headers['referrer-policy']).toBe('no-referrer')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  test('tells nothing of what the server is made of', async () => {
    const { headers } = await inject({ method: 'GET', url: '/api/v1/livechat/config' })
    for (const name of ['server', 'x-powered-by', 'set-cookie']) expect(headers).not.toHaveProperty(name)
  })
})

describe('preflight', () => {
  test.each(spellings)('%s', async (key) => {
    const { method, url } = pathOf(key)
    const { statusCode, headers } = await desk.server.http.inject({
      method: 'OPTIONS',
      url,
      headers: {
        origin: 'https://shop.example.org',
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type,x-visitor-token',
      },
    })
    expect([200, 204]).toContain(statusCode)
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['access-control-allow-methods']).toBe('GET, POST, PUT, DELETE, HEAD, PATCH')
    const allowed = String(headers['access-control-allow-headers']).toLowerCase().split(', ')
    expect(allowed).toEqual(
      expect.arrayContaining([
        'origin',
        'x-requested-with',
        'content-type',
        'accept',
        'x-user-id',
        'x-auth-token',
        'x-visitor-token',
        'authorization',
      ]),
    )
  })
})

describe('a preflight for a path that there is not', () => {
  const ask = (url: string) =>
    desk.server.http.inject({ method: 'OPTIONS', url, headers: { origin: 'https://shop.example.org' } })

  test('is answered like any other of the API, so that the 404 can be read', async () => {
    const { statusCode, headers } = await ask('/api/v1/livechat/of.a.newer.server')
    expect([statusCode, headers['access-control-allow-origin']]).toEqual([200, '*'])
  })

  test('is not found outside the API', async () => {
    for (const url of ['/nonsense', '/api/v2/livechat/config', '/metrics']) {
      const { statusCode, headers } = await ask(url)
      expect([statusCode, headers['access-control-allow-origin']]).toEqual([404, undefined])
    }
  })
})

describe('paths', () => {
  test.each(['/api/v1/nonsense', '/api/v1/', '/api/v1/livechat', '/api/v1/livechat/message/a/b', '/api/v1/__proto__'])(
    '%s is not found',
    async (url) => {
      const answer = await inject({ method: 'GET', url })
      expect([answer.status, answer.body]).toEqual([404, { success: false, error: 'API endpoint not found' }])
    },
  )

  test.each(spellings)('%s: another method is 405 and says which there are', async (key) => {
    const { url, method } = pathOf(key)
    const known = spellings.filter((one) => patternOf(one).test(url)).map((one) => pathOf(one).method)
    for (const other of ['PATCH', 'PUT', 'POST', 'DELETE', 'GET'].filter((one) => !known.includes(one))) {
      const { status, body, headers } = await inject({ method: other, url })
      expect([other, status, body]).toEqual([other, 405, { status: 'error', message: 'API endpoint does not exist' }])
      expect(known).toEqual(expect.arrayContaining(String(headers['allow']).replace(', OPTIONS', '').split(', ')))
      expect(known).toContain(method)
    }
  })

  test('PATCH is no method of any path', async () => {
    for (const key of spellings) expect((await inject({ method: 'PATCH', url: pathOf(key).url })).status).toBe(405)
  })

  test('parameters have up to 256 characters, however long they are when encoded', async () => {
    const token = '€'.repeat(256)
    await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token } } })
    const { visitor } = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token } })
    expect(visitor.token).toBe(token)
    const tooLong = await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token: 'x'.repeat(257) } })
    expect([400, 404, 414]).toContain(tooLong.status)
    expect(tooLong.body).toMatchObject({ success: false })
  })

  test.each(['%', '%E0%A4%A', '%ED%A0%80', '%FF', '%00'])('a path that is no text is refused: %s', async (part) => {
    for (const url of [`/api/v1/livechat/visitor/${part}`, `/api/v1/livechat/messages.history/${part}?token=x`]) {
      const { status, body } = await inject({ method: 'GET', url })
      expect([400, 404]).toContain(status)
      expect(body).toMatchObject({ success: false })
    }
  })
})

describe('what old clients send', () => {
  const typed = { 'content-type': 'application/json' }

  test.each(spellings.filter((key) => /^(GET|DELETE) /.test(key)))(
    '%s with a JSON content type and no body',
    async (key) => {
      const { method, url } = pathOf(key)
      const [plain, withType] = [await inject({ method, url }), await inject({ method, url, headers: typed })]
      expect([withType.status, withType.body]).toEqual([plain.status, plain.body])
    },
  )

  test('a GET with a body of nothing but braces', async () => {
    const { status } = await inject({ method: 'GET', url: '/api/v1/livechat/config', headers: typed, payload: '{}' })
    expect(status).toBe(200)
    const gone = await inject({
      method: 'DELETE',
      url: '/api/v1/livechat/visitor/nobody',
      headers: typed,
      payload: '{}',
    })
    expect(gone.body).toMatchObject({ errorType: 'invalid-token' })
  })

  test.each<[string, Record<string, string>]>([
    ['text/plain', { 'content-type': 'text/plain;charset=UTF-8' }],
    ['no content type', {}],
    ['a charset', { 'content-type': 'application/json; charset=utf-8' }],
    ['capitals', { 'content-type': 'Application/JSON' }],
  ])('JSON as %s', async (_name, headers) => {
    const token = newToken()
    const flat = await post('visitor', JSON.stringify({ token, name: 'Flat', email: 'flat@example.org' }), headers)
    expect(flat.body).toMatchObject({ success: true, visitor: { token, name: 'Flat' } })
    const sent = await post('message', JSON.stringify({ token: chat.token, rid: chat.rid, msg: 'héllo' }), headers)
    expect(sent.body).toMatchObject({ success: true, message: { msg: 'héllo' } })
    expect((await post('room.close', JSON.stringify({ token, rid: 'x' }), headers)).body).toMatchObject({
      error: 'invalid-room',
    })
    const status = await post('visitor.status', JSON.stringify({ token, status: 'away' }), headers)
    expect(status.body).toMatchObject({ status: 'away' })
  })

  test('JSON as text/plain on PUT and DELETE', async () => {
    const headers = { 'content-type': 'text/plain;charset=UTF-8' }
    const { _id } = await say(desk, chat, 'frist')
    const url = `/api/v1/livechat/message/${_id}`
    const at = { token: chat.token, rid: chat.rid }
    const edited = await inject({ method: 'PUT', url, headers, payload: JSON.stringify({ ...at, msg: 'first' }) })
    expect(edited.body).toMatchObject({ message: { msg: 'first' } })
    const removed = await inject({ method: 'DELETE', url, headers, payload: JSON.stringify(at) })
    expect(removed.body).toMatchObject({ success: true, message: { _id } })
  })

  test('a body wrapped into `payload`', async () => {
    const inner = JSON.stringify({ token: chat.token, rid: chat.rid, msg: 'wrapped' })
    expect((await post('message', JSON.stringify({ payload: inner }))).body).toMatchObject({
      message: { msg: 'wrapped' },
    })
    expect((await post('message', JSON.stringify({ payload: '{"broken' }))).status).toBe(400)
    expect((await post('message', JSON.stringify({ payload: inner, more: 1 }))).status).toBe(400)
    expect((await post('message', JSON.stringify({ payload: { token: chat.token } }))).status).toBe(400)
  })

  test('a form', async () => {
    const form = new URLSearchParams({ token: chat.token, rid: chat.rid, msg: 'from a form & more' }).toString()
    const sent = await post('message', form, { 'content-type': 'application/x-www-form-urlencoded' })
    expect(sent.body).toMatchObject({ message: { msg: 'from a form & more' } })
    const forged = await post('message', 'token[$ne]=x&rid[]=y&msg=z', {
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(forged.status).toBe(400)
  })
})

describe('bodies that are none', () => {
  test.each([
    '{',
    '{"token":',
    'nonsense',
    '{"a":1}}',
    "{'token':'x'}",
    '\u0000',
    '{"token":"\\ud800"}',
    '[1,',
    '{"token":"x",}',
  ])('malformed JSON is refused: %j', async (payload) => {
    for (const path of ['message', 'visitor', 'room.close']) {
      const { status, body, headers } = await post(path, payload)
      expect([status, headers['content-type']]).toEqual([400, 'application/json'])
      expect(body).toMatchObject({ success: false, error: expect.any(String) as string })
    }
  })

  test.each(['', ' ', '7', 'null', 'true', '"text"', '[]', '[{}]', '{}'])(
    'JSON without the fields is refused: %j',
    async (payload) => {
      for (const path of ['message', 'visitor', 'room.close', 'visitor.status'])
        expect((await post(path, payload)).status).toBe(400)
    },
  )

  test('too large ones are refused before anything else, and only those', async () => {
    const fits = JSON.stringify({ token: 'nobody', rid: 'x', msg: 'y'.repeat(90_000) })
    expect((await post('message', fits)).body).toMatchObject({ error: 'invalid-token' })
    const tooLarge = JSON.stringify({ token: 'nobody', rid: 'x', msg: 'y'.repeat(bodyLimitBytes) })
    const { status, body, headers } = await post('message', tooLarge)
    expect([status, headers['content-type']]).toEqual([413, 'application/json'])
    expect(body).toMatchObject({ success: false })
  })

  test('JSON nested ten thousand deep takes nothing down', async () => {
    const deep = `{"visitor":{"token":"x","name":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`
    expect((await post('visitor', deep)).status).toBe(400)
  })

  test.each([
    'APPLICATION/JSON ;a=b', 'application/json;', 'application/json\t; charset=utf-16', ' application/json', 'application/jsonx',
    'application/vnd.api+json', 'text/html', 'text/plain', 'multipart/form-data', 'multipart/form-data; boundary=x',
    'application/xml', 'application/octet-stream', ';', '/', 'application/json, text/plain', 'application/x-www-form-urlencoded',
  ])('the shape is checked whatever the content type says: %j', async (type) => {
    const before = await allRows(desk)
    const wrong = { token: { $ne: null }, rid: ['x'], msg: { $gt: '' }, visitor: { token: { $regex: '.' } }, status: {} }
    for (const path of ['message', 'visitor', 'room.close', 'visitor.status']) {
      const { status } = await post(path, JSON.stringify(wrong), { 'content-type': type })
      expect([400, 415]).toContain(status)
    }
    expect(await allRows(desk)).toEqual(before)
  }) // prettier-ignore
})

describe('a field of another kind', () => {
  test.each([
    ['GET /livechat/rooms', { query: { count: 'many' } }, 'must be number', 'count'],
    ['GET /livechat/rooms', { query: { offset: '-1' } }, 'must be >= 0', 'offset'],
    ['GET /livechat/rooms', { query: { count: '1.5' } }, 'must be multiple of 1', 'count'],
    ['GET /livechat/rooms', { query: { open: 'perhaps' } }, 'must be boolean', 'open'],
    ['GET /livechat/rooms', { query: { agents: 'anna' } }, 'must be array', 'agents'],
    ['POST /livechat/message', { body: { token: 'x', rid: 'x', msg: 7 } }, 'must be string', 'msg'],
    [
      'POST /livechat/agent.status',
      { body: { status: 'away' } },
      'must be equal to one of the allowed values',
      'status',
    ],
    ['POST /chat.sendMessage', { body: { message: {} } }, "must have required property 'rid'", 'message'],
  ])(
    '%s %j: is told in the words that clients compare, and which it is beside them',
    async (key, input, text, field) => {
      const { status, body } = await admin.raw(key, input)
      const error = `${text} [invalid-params]`
      expect([status, body]).toEqual([400, { success: false, error, errorType: 'invalid-params', details: { field } }])
    },
  )

  test('is told without details where it is missing altogether', async () => {
    const { body } = await admin.raw('GET /livechat/inquiries.getOne')
    const error = "must have required property 'roomId' [invalid-params]"
    expect(body).toEqual({ success: false, error, errorType: 'invalid-params' })
  })
})

describe('prototypes', () => {
  test.each([
    '{"visitor":{"token":"p1","__proto__":{"polluted":1}}}',
    '{"__proto__":{"polluted":1},"visitor":{"token":"p2"}}',
    '{"visitor":{"token":"p3"},"constructor":{"prototype":{"polluted":1}}}',
    '{"visitor":{"token":"p4","customFields":[{"key":"__proto__","value":"polluted","overwrite":true}]}}',
    '{"visitor":{"token":"p5","customFields":[{"__proto__":{"polluted":1},"key":"k","value":"v","overwrite":true}]}}',
    '{"payload":"{\\"visitor\\":{\\"token\\":\\"p6\\",\\"__proto__\\":{\\"polluted\\":1}}}"}',
  ])('are out of reach of a body: %s', async (payload) => {
    expect([200, 400]).toContain((await post('visitor', payload)).status)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test.each([
    '__proto__[polluted]=1',
    'a[__proto__][polluted]=1',
    'constructor[prototype][polluted]=1',
    '__proto__=x',
    'constructor=x',
  ])('are out of reach of a query: %s', async (query) => {
    const { status } = await inject({ method: 'GET', url: `/api/v1/livechat/config?${query}` })
    expect([200, 400]).toContain(status)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

function takesSeveral({ anyOf = [] }: Schema): boolean {
  return anyOf.some(({ type }) => type === 'array')
}

/** Where the strings are. */
function stringsIn(given: Schema, path: string[] = []): string[][] {
  const schema = plain(given)
  if (schema.type === 'object')
    return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => stringsIn(inner, [...path, name]))
  if (schema.type === 'array' && schema.items) return stringsIn(schema.items, [...path, '0'])
  return schema.type === 'string' || schema.enum ? [path] : []
}

function withValue(example: unknown, [step, ...rest]: string[], value: unknown): unknown {
  if (step === undefined) return value
  if (step === '0') return [withValue(undefined, rest, value)]
  const object = (example ?? {}) as Record<string, unknown>
  return { ...object, [step]: withValue(object[step], rest, value) }
}

describe('whatever is put where a text belongs', () => {
  const withBody = operations.flatMap(([key, operation]) =>
    stringsIn((operation.body ?? {}) as Schema).map((path) => [key, path.join('.'), operation, path] as const),
  )
  const params = { rid: 'x', _id: 'x', token: 'x', type: 'agent' }

  test.each(withBody)('%s: %s of the body', async (key, _name, operation, path) => {
    const before = await allRows(desk)
    const values = [
      { $regex: '^A' },
      { $ne: null },
      { $gt: '' },
      ['x'],
      [],
      {},
      7,
      true,
      'a\u0000b',
      '\ud800',
      'x\udfff',
    ]
    for (const value of values) {
      const body = withValue(exampleOf(operation.body as Schema), path, value)
      const { status } = await admin.raw(key, { params, body })
      expect([value, status]).toEqual([value, 400])
    }
    expect(await allRows(desk)).toEqual(before)
  })

  const withQuery = operations.flatMap(([key, operation]) =>
    Object.entries(((operation.query ?? {}) as Schema).properties ?? {})
      // Where several are allowed a repeated parameter is no fault.
      .filter(([, schema]) => plain(schema).type === 'string' && !takesSeveral(schema))
      .map(([name]) => [key, name, operation] as const),
  )

  test.each(withQuery)('%s: %s of the query', async (key, name, operation) => {
    const { method, url } = pathOf(key)
    const example = exampleOf(operation.query as Schema) as Record<string, string>
    const others = Object.entries(example)
      .filter(([other]) => other !== name)
      .map(([other, value]) => `&${other}=${value}`)
    for (const bad of [`${name}=a&${name}=b`, `${name}[]=a`, `${name}=%00`, `${name}=%ED%A0%80`, `${name}=%`]) {
      const { status } = await inject({ method, url: `${url}?${bad}${others.join('')}`, headers: admin.headers })
      // Bytes that are no text are read as the signs that they are written with.
      const isText = /%(ED|$)/.test(bad)
      expect([bad, isText ? [200, 400] : [400]]).toEqual([bad, expect.arrayContaining([status]) as number[]])
    }
    for (const suffix of ['[$regex]=^A', '[$ne]=', '[$where]=sleep(5000)']) {
      const { status } = await inject({
        method,
        url: `${url}?${name}${suffix}${others.join('')}`,
        headers: admin.headers,
      })
      expect([suffix, status < 500]).toEqual([suffix, true])
    }
  })

  const withNumber = operations.flatMap(([key, operation]) =>
    Object.entries(((operation.query ?? {}) as Schema).properties ?? {})
      .filter(([, schema]) => ['integer', 'number'].includes(plain(schema).type ?? ''))
      .map(([name]) => [key, name, operation] as const),
  )

  test.each(withNumber)('%s: a %s beyond all measure brings no database down', async (key, name, operation) => {
    const { method, url } = pathOf(key)
    const path = url.replace(/x$/, chat.rid)
    const example = { ...(exampleOf(operation.query as Schema) as Record<string, string>), token: chat.token }
    for (const value of [
      '0',
      '2147483648',
      '9007199254740993',
      '99999999999999999999',
      '1e308',
      '-0',
      '1e-9',
      '0x10',
      'Infinity',
      '1.5',
    ]) {
      const query = new URLSearchParams({ ...example, [name]: value }).toString()
      const { status } = await inject({ method, url: `${path}?${query}`, headers: admin.headers })
      expect([value, status < 500]).toEqual([value, true])
    }
  })

  test('operators as text are text', async () => {
    const { token } = await register(desk)
    for (const text of ['{"$regex":".*"}', '{"$ne":null}', '.*', "' or ''='", '"; drop table room; --', '$where'])
      expect((await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token: text } })).status).toBe(400)
    expect((await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token } })).status).toBe(200)
  })
})

/** Writes a request by hand: clients that merge or drop headers cannot send these. */
function sendRaw(lines: string[]): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.on('end', () =>
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), body: text.split('\r\n\r\n').slice(1).join('') }),
    )
    socket.on('error', reject)
    socket.write([...lines, 'Host: localhost', 'Connection: close', '', ''].join('\r\n'))
  })
}

describe('credentials', () => {
  const whoAmI = 'GET /api/v1/me HTTP/1.1'
  const id = () => `X-User-Id: ${admin.id}`
  const token = () => `X-Auth-Token: ${admin.headers['x-auth-token'] ?? ''}`

  test('both headers are needed, once each', async () => {
    expect((await sendRaw([whoAmI, id(), token()])).status).toBe(200)
    expect((await sendRaw([whoAmI, id()])).status).toBe(401)
    expect((await sendRaw([whoAmI, token()])).status).toBe(401)
    for (const twice of [id(), token(), 'X-User-Id: somebody', 'X-Auth-Token: something'])
      expect((await sendRaw([whoAmI, id(), token(), twice])).status).toBe(400)
  })

  test('a visitor’s token sent twice is refused', async () => {
    const twice = ['GET /api/v1/livechat/config HTTP/1.1', 'x-visitor-token: a', 'X-Visitor-Token: b']
    expect((await sendRaw(twice)).status).toBe(400)
  })

  test('a call that needs a login is refused before its shape is looked at', async () => {
    for (const [key, operation] of operations.filter(([, { caller }]) => caller !== 'anyone')) {
      const { status, body } = await desk.anyone.raw(key, { ...(operation.body && { body: { nonsense: {} } }) })
      expect([key, status]).toEqual([key, 401])
      expect(body).toMatchObject({ status: 'error', message: 'You must be logged in to do this.' })
    }
  })

  test('a visitor’s token opens nothing of the staff, and a member of the staff nothing of a visitor', async () => {
    const headers = { 'x-visitor-token': chat.token, 'x-user-id': chat.id, 'x-auth-token': chat.token }
    for (const [key] of operations.filter(([, { caller }]) => caller !== 'anyone'))
      expect([key, (await desk.anyone.raw(key, { headers })).status]).toEqual([key, 401])
    const { _id } = await say(desk, chat, 'mine')
    const asAdmin = { params: { _id }, query: { rid: chat.rid, token: admin.headers['x-auth-token']! } }
    expect((await admin.raw('GET /livechat/message/:_id', asAdmin)).body).toMatchObject({ error: 'invalid-token' })
  })

  test('one thousand headers take nothing down', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => `X-Header-${String(n)}: ${'v'.repeat(10)}`)
    const { status } = await sendRaw([whoAmI, id(), token(), ...many])
    expect([200, 400, 431]).toContain(status)
    expect((await sendRaw([whoAmI, id(), token()])).status).toBe(200)
  })
})

describe('limits on calls', () => {
  let guarded: TestServer
  let victim: Chat
  const from = (address: string) => ({ 'x-forwarded-for': address })

  beforeAll(async () => {
    guarded = await startTestServer({
      rateLimits: true,
      config: { http: { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true } },
    })
    await guarded.agent({ username: 'anna' })
    victim = await openChat(guarded)
  })
  afterAll(() => guarded.stop())

  const registerFrom = (address: string, token: string) =>
    guarded.anyone.raw('POST /livechat/visitor', { body: { visitor: { token } }, headers: from(address) })
  const historyFrom = (address: string, token: string, rid: string) =>
    guarded.anyone.raw('GET /livechat/messages.history/:rid', {
      params: { rid },
      query: { token },
      headers: from(address),
    })

  function expectRefusedForNow({ status, body, headers }: RawAnswer): number {
    expect(status).toBe(429)
    const seconds = Number(headers['retry-after'])
    expect(seconds).toBeGreaterThan(0)
    expect(body).toMatchObject({
      success: false,
      error: `Error, too many requests. Please slow down. You must wait ${String(seconds)} seconds before trying this endpoint again. [error-too-many-requests]`,
    })
    expect(headers['content-type']).toBe('application/json')
    return seconds
  }

  test('the sixth registration of one token within a minute is refused, until the time said has passed', async () => {
    const token = newToken()
    for (let n = 0; n < 5; n++) {
      const { status, headers } = await registerFrom('203.0.113.1', token)
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'x-ratelimit-limit': expect.anything() as string,
        'x-ratelimit-reset': expect.anything() as string,
      })
      expect(Number(headers['x-ratelimit-remaining'])).toBe(4 - n)
    }
    const seconds = expectRefusedForNow(await registerFrom('203.0.113.1', token))
    guarded.clock.advance(seconds * 1_000)
    expect((await registerFrom('203.0.113.1', token)).status).toBe(200)
  })

  test('twenty people of one office chat and meet no limit', async () => {
    const office = '203.0.113.2'
    for (let n = 0; n < 20; n++) {
      const token = newToken()
      const headers = from(office)
      expect((await registerFrom(office, token)).status).toBe(200)
      const { body } = (await guarded.anyone.raw('GET /livechat/room', { query: { token }, headers })) as {
        body: { room: { _id: string } }
      }
      for (let sent = 0; sent < 10; sent++) {
        const message = { token, rid: body.room._id, msg: 'hello' }
        expect((await guarded.anyone.raw('POST /livechat/message', { body: message, headers })).status).toBe(200)
        expect((await historyFrom(office, token, body.room._id)).status).toBe(200)
      }
    }
  })

  test('who guesses tokens is soon told nothing more, not even that a guess is right', async () => {
    const guesser = '203.0.113.3'
    let told = 0
    for (let n = 0; n < 40; n++)
      if ((await historyFrom(guesser, `guess-${String(n)}`, victim.rid)).status === 400) told += 1
    expect(told).toBeLessThanOrEqual(20)
    expectRefusedForNow(await historyFrom(guesser, 'guess-again', victim.rid))
    expectRefusedForNow(await historyFrom(guesser, victim.token, victim.rid))
    const more = { params: { token: 'more' }, headers: from(guesser) }
    expectRefusedForNow(await guarded.anyone.raw('GET /livechat/visitor/:token', more))
    expect((await historyFrom('203.0.113.4', victim.token, victim.rid)).status).toBe(200)
  })

  test('guessing does not shut out a neighbour who was there before', async () => {
    const shared = '203.0.113.5'
    const token = newToken()
    await registerFrom(shared, token)
    const headers = from(shared)
    const { body } = (await guarded.anyone.raw('GET /livechat/room', { query: { token }, headers })) as {
      body: { room: { _id: string } }
    }
    for (let n = 0; n < 40; n++) await historyFrom(shared, `guess-${String(n)}`, victim.rid)
    expect((await historyFrom(shared, token, body.room._id)).status).toBe(200)
  })

  test('five removals per address and minute, whatever the token', async () => {
    const answers: RawAnswer[] = []
    for (let n = 0; n < 6; n++) {
      const token = newToken()
      await registerFrom('203.0.113.60', token)
      answers.push(
        await guarded.anyone.raw('DELETE /livechat/visitor/:token', {
          params: { token },
          headers: from('203.0.113.6'),
        }),
      )
    }
    expect(answers.slice(0, 5).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expectRefusedForNow(answers[5]!)
  })

  test('an address is what the trusted proxy says, not what the visitor says before it', async () => {
    const token = newToken()
    for (let n = 0; n < 5; n++)
      expect((await registerFrom(`198.51.100.${String(n)}, 203.0.113.7`, token)).status).toBe(200)
    expectRefusedForNow(await registerFrom('198.51.100.99, 203.0.113.7', token))
  })

  test('without a trusted proxy the header is worth nothing', async () => {
    const alone = await startTestServer({ rateLimits: true })
    const remove = async (n: number) => {
      const headers = from(`198.51.100.${String(n)}`)
      return alone.anyone.raw('DELETE /livechat/visitor/:token', { params: { token: `nobody-${String(n)}` }, headers })
    }
    const statuses: number[] = []
    for (let n = 0; n < 7; n++) statuses.push((await remove(n)).status)
    expect(statuses.slice(0, 5)).toEqual([400, 400, 400, 400, 400])
    expect(statuses.slice(5)).toEqual([429, 429])
    await alone.stop()
  })

  test('who tries passwords is slowed down, for unknown accounts as for known ones', async () => {
    await guarded.staff({ username: 'zoe' })
    for (const user of ['zoe', 'no-such-person']) {
      const attempt = () =>
        guarded.anyone.raw('POST /login', { body: { user, password: 'wrong horse' }, headers: from('203.0.113.9') })
      const answers: RawAnswer[] = []
      while (answers.length < 30 && answers.at(-1)?.status !== 429) answers.push(await attempt())
      expectRefusedForNow(answers.at(-1)!)
      for (const { status, body } of answers.slice(0, -1))
        expect([status, body]).toEqual([401, { status: 'error', error: 'Unauthorized', message: 'Unauthorized' }])
    }
  })

  test('rooms are limited as registrations are', async () => {
    const { token } = victim
    const answers: RawAnswer[] = []
    for (let n = 0; n < 7; n++)
      answers.push(await guarded.anyone.raw('GET /livechat/room', { query: { token }, headers: from('203.0.113.8') }))
    expectRefusedForNow(answers.at(-1)!)
  })
  test('are widened and switched off by the settings, at once', async () => {
    const desk = await startTestServer({ rateLimits: true })
    const admin = await desk.administrator()
    const set = (_id: string, value: unknown) => admin.call('POST /settings/:_id', { params: { _id }, body: { value } })
    const person = await desk.staff()
    const limit = async () => (await person.raw('GET /me')).headers['x-ratelimit-limit']
    expect(await limit()).toBe('600')
    await set('API_Enable_Rate_Limiter_Limit_Calls_Default', 20)
    expect(await limit()).toBe('1200')
    await set('API_Enable_Rate_Limiter_Limit_Time_Default', 600_000)
    expect(await limit()).toBe('120')
    await set('API_Enable_Rate_Limiter', false)
    expect(await limit()).toBeUndefined()
    await desk.stop()
  })
})
