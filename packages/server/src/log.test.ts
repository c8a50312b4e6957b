import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/testing.ts'

const token = 'visitor-token-3f9b1c7d5e2a4860b1c7d5e2a4860'
const password = 'staff-password-zanzibar'
const text = 'the-text-of-a-message-quokka'

let desk: TestServer
let lines: string[]

beforeEach(async () => {
  lines = []
  desk = await startTestServer({ onLog: (line) => lines.push(line) })
})

afterEach(async () => {
  await desk.stop()
})

/** What is in the log, and that nothing is in it that somebody sent. */
function expectSilence(...more: string[]): void {
  const log = lines.join('')
  for (const secret of [token, password, text, ...more]) expect(log).not.toContain(secret)
}

/** Everything a stranger may write to the port; answers what came back until the connection ended. */
async function sendRaw(request: string): Promise<string> {
  const { port } = desk.server.http.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  socket.write(request)
  await once(socket, 'close')
  return received
}

describe('the log, at debug level', () => {
  test('names the operation, the status and the request of each call', async () => {
    const { headers } = await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token } })
    const answered = lines.map((line) => JSON.parse(line) as object).find((line) => 'operation' in line)
    expect(answered).toMatchObject({
      operation: 'GET /livechat/visitor/:token',
      status: 400,
      requestId: headers['x-request-id'],
    })
    expectSilence()
  })

  test('has no token, password or text of a conversation', async () => {
    const agent = await desk.agent({ password })
    await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token, name: text } } })
    const { room } = await desk.anyone.call('GET /livechat/room', { query: { token } })
    const said = await desk.anyone.call('POST /livechat/message', { body: { token, rid: room._id, msg: text } })
    await desk.anyone.call('PUT /livechat/message/:_id', {
      params: { _id: said.message._id },
      body: { token, rid: room._id, msg: text },
    })
    await agent.call('POST /chat.sendMessage', { body: { message: { rid: room._id, msg: text } } })
    await desk.anyone.call('GET /livechat/messages.history/:rid', { params: { rid: room._id }, query: { token } })
    await agent.call('GET /livechat/messages/:rid', { params: { rid: room._id }, query: { searchTerm: text } })
    await agent.call('POST /logout')
    expect(lines.length).toBeGreaterThan(8)
    expectSilence(String(agent.headers['x-auth-token']))
  })

  test('has nothing of a refused or unreadable request', async () => {
    await desk.anyone.raw('POST /login', { body: { user: 'nobody', password } })
    await desk.anyone.raw('POST /login', { body: `{"password":"${password}",` })
    await desk.anyone.raw('POST /livechat/message', { body: { token, msg: text } })
    await desk.anyone.raw('GET /livechat/nothing', { query: { token } })
    await desk.anyone.raw('GET /me', { headers: { 'x-user-id': 'me', 'x-auth-token': token } })
    expectSilence()
  })

  test('has nothing of what is no HTTP at all', async () => {
    await desk.server.listen()
    const requests = [
      `GET /api/v1/livechat/visitor/${token} HTTP/1.1\r\nno header at all ${token}\r\n\r\n`,
      `${token}\r\n\r\n`,
      `GET /api/v1/livechat/visitor/${token} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token.repeat(1_000)}\r\n\r\n`,
    ]
    for (const request of requests) expect(await sendRaw(request)).toMatch(/^HTTP\/1\.1 4\d\d /)
    expectSilence()
  })

  test('tells of a fault of ours, and still not what was sent', async () => {
    const failing = () => Promise.reject(faultWith(token))
    desk.server.context.read.all = failing
    desk.server.context.read.first = failing
    desk.server.context.read.runKept = failing
    const answer = await desk.anyone.raw('GET /livechat/visitor/:token', { params: { token } })
    expect(answer.status).toBe(500)
    const failure = lines.map((line) => JSON.parse(line) as object).find((line) => 'err' in line)
    expect(failure).toMatchObject({
      err: { type: 'DatabaseError', message: 'A constraint refused the row.', code: '23505' },
      requestId: (answer.body as { requestId: string }).requestId,
    })
    expectSilence()
  })
})

/** An error as database drivers make them, with the refused row in it. */
function faultWith(secret: string): Error {
  const fault = new Error('A constraint refused the row.')
  fault.name = 'DatabaseError'
  return Object.assign(fault, { code: '23505', detail: `Key (token)=(${secret}) already exists.`, where: secret })
}
