// Secrets as canaries: a whole conversation, then nothing that the staff is answered, no event and no line of the log at
// debug level contains one (promises A2, A3).
import { contract } from '@deskbell/contract/contract.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeBy, configure, newToken } from '../../testing/conversation.ts'
import { sendForm } from '../../testing/forms.ts'
import {
  startTestServer,
  type Client,
  type RawAnswer,
  type StaffMember,
  type TestServer,
} from '../../testing/testing.ts'

// Signs that a path or a query encodes, around a word that stays as it is.
const canary = (word: string) => `${word}canary/ä +%"${newToken()}`
const secrets = { first: canary('kakapo'), second: canary('quetzal'), wrong: canary('dodo') }
const words = ['kakapo', 'quetzal', 'dodo']
const password = 'cassowary-password'
const email = 'hoatzin@example.org'
const text = 'the words of a shoebill'

let desk: TestServer
let anna: StaffMember
let admin: StaffMember
const lines: string[] = []
const events: string[] = []
const answers: { key: string; text: string }[] = []
const ids: Record<string, string> = {}

/** Remembers whatever this person is answered. */
function watched<Person extends Client>(person: Person): Person {
  const raw: Client['raw'] = async (key, input) => noted(key, await person.raw(key, input))
  return { ...person, raw, call: async (key: never, input: never) => (await raw(key, input)).body as never }
}

function noted(key: string, answer: RawAnswer): RawAnswer {
  answers.push({ key, text: JSON.stringify(answer) })
  return answer
}

async function converse(token: string): Promise<{ rid: string; id: string }> {
  const { anyone } = desk
  const headers = { 'x-visitor-token': token }
  await anyone.call('POST /livechat/visitor', {
    body: { visitor: { token, name: 'Ana', email, phone: '+34 600' } },
    headers,
  })
  const { room } = await anyone.call('GET /livechat/room', { query: { token } })
  const rid = room._id
  const { message } = await anyone.call('POST /livechat/message', { body: { token, rid, msg: text } })
  const at = { params: { _id: message._id }, query: { token, rid } }
  await anyone.call('GET /livechat/message/:_id', at)
  await anyone.call('PUT /livechat/message/:_id', { ...at, body: { token, rid, msg: `${text}, edited` } })
  await anyone.call('GET /livechat/visitor/:token', { params: { token } })
  await anyone.raw('GET /livechat/agent.info/:rid/:token', { params: { rid, token } })
  await anyone.raw('GET /livechat/agent.next/:token', { params: { token } })
  await anyone.call('GET /livechat/config', { query: { token } })
  await anyone.call('GET /livechat/messages.history/:rid', { params: { rid }, query: { token } })
  await anyone.call('GET /livechat/messages.sync/:rid', { params: { rid }, query: { token } })
  await anyone.call('POST /livechat/visitor.status', { body: { token, status: 'away' } })
  await sendAFile(token, rid)
  await anyone.call('POST /livechat/visitor.callStatus', { body: { token, rid, callStatus: 'ringing', callId: 'x' } })
  const pageInfo = { change: 'url', title: 'Shop', location: { href: 'https://shop.example/' } }
  await anyone.call('POST /livechat/page.visited', { body: { token, rid, pageInfo } })
  await anyone.raw('POST /livechat/custom.field', { body: { token, key: 'unknown', value: text, overwrite: true } })
  await anyone.raw('POST /livechat/custom.fields', { body: { token, customFields: [] } })
  const visitorId = room.v._id
  Object.assign(ids, {
    roomId: rid,
    rid,
    msgId: message._id,
    visitorId,
    contactId: visitorId,
    selector: '{}',
    term: '',
  })
  return { rid, id: room.v._id }
}

/** The visitor sends a file and reads it; the token is in a part of the form, in the query and in a cookie. */
async function sendAFile(token: string, rid: string): Promise<void> {
  const parts = [
    { name: 'token', content: token },
    { name: 'file', fileName: 'a.txt', type: 'text/plain', content: text },
  ]
  const sent = await sendForm(desk, `/livechat/upload/${rid}`, parts)
  expect(sent.status).toBe(200)
  const url = String(sent.body.attachments[0].title_link)
  const query = new URLSearchParams({ rc_room_type: 'l', rc_rid: rid, rc_token: token }).toString()
  const cookie = query.replaceAll('&', '; ')
  for (const how of [{ url: `${url}?${query}` }, { url, headers: { cookie } }])
    await desk.server.http.inject({ method: 'GET', ...how })
  await desk.server.http.inject({ method: 'GET', url: `${url}?${query}`, headers: { 'x-user-id': token } })
}

/** Everything a visitor can get wrong with a secret in hand. */
async function stumble(token: string): Promise<void> {
  const { anyone } = desk
  const rid = 'no-such-room'
  await anyone.raw('POST /livechat/message', { body: { token, rid, msg: text } })
  await anyone.raw('POST /livechat/message', { body: `{"token":"${secrets.wrong}","rid"` })
  await anyone.raw('POST /livechat/visitor', { body: { visitor: { token, email: 'nonsense' } } })
  await anyone.raw('POST /livechat/visitor', { body: { visitor: { token: 'x'.repeat(300) + secrets.wrong } } })
  await anyone.raw('GET /livechat/room', { query: { token, rid } })
  await anyone.raw('GET /livechat/nonsense', { query: { token } })
  await anyone.raw('PATCH /livechat/visitor/:token', { params: { token } })
  await anyone.raw('GET /livechat/visitor/:token/nonsense', { params: { token } })
  await anyone.raw('GET /livechat/visitor/:token', {
    params: { token },
    headers: { 'x-user-id': token, 'x-auth-token': token },
  })
  await desk.server.http.inject({ method: 'GET', url: '/api/v1/livechat/visitor/%E0%A4%Adodo' })
  await anyone.raw('POST /login', { body: { user: 'anna', password: `${password} but wrong` } })
  await anyone.raw('GET /me', { headers: { 'x-user-id': anna.id, 'x-auth-token': secrets.wrong } })
}

/** Calls whatever the staff can read, with the ids of the conversation. */
async function readEverything(by: Client): Promise<void> {
  for (const [key, operation] of Object.entries(contract as Readonly<Record<string, Operation>>)) {
    if (!key.startsWith('GET ') || operation.caller === 'anyone') continue
    const names = [...Object.keys(propertiesOf(operation.params)), ...Object.keys(propertiesOf(operation.query))]
    const params = Object.fromEntries(names.map((name) => [name, ids[name] ?? (name === 'type' ? 'agent' : anna.id)]))
    const query = Object.fromEntries(Object.entries(ids).filter(([name]) => name in propertiesOf(operation.query)))
    await by.raw(key, { params, query })
  }
}

function propertiesOf(schema: unknown): Record<string, unknown> {
  return (schema as { properties?: Record<string, unknown> } | undefined)?.properties ?? {}
}

beforeAll(async () => {
  desk = await startTestServer({ onLog: (line) => lines.push(line) })
  desk.server.bus.subscribe((event) => events.push(JSON.stringify(event)))
  anna = watched(await desk.agent({ username: 'anna', password }))
  admin = watched(await desk.administrator())
  await desk.anyone.call('POST /login', { body: { user: 'anna', password } })

  const first = await converse(secrets.first)
  await anna.call('POST /chat.sendMessage', { body: { message: { rid: first.rid, msg: 'hello' } } })
  await anna.call('POST /chat.postMessage', { body: { roomId: first.rid, text: 'hello again' } })
  await readEverything(anna)
  await readEverything(admin)
  await closeBy(anna, first.rid)
  await readEverything(admin)

  await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
  const second = await converse(secrets.second)
  await readEverything(anna)
  const { inquiry } = await anna.call('GET /livechat/inquiries.getOne', { query: { roomId: second.rid } })
  await anna.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry!._id } })
  await admin.call('GET /livechat/room.join', { query: { roomId: second.rid } })
  await readEverything(admin)
  await stumble(secrets.first)
  await desk.anyone.call('POST /livechat/room.close', { body: { rid: second.rid, token: secrets.second } })
  await readEverything(anna)
  await stumble(secrets.wrong)
  await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: secrets.second } })
  await anna.call('POST /logout')
})
afterAll(() => desk.stop())

describe('a secret', () => {
  test('of a visitor is in no answer to the staff', () => {
    expect(answers.filter(({ text: body }) => body.includes('"status":200')).length).toBeGreaterThan(30)
    const seen = new Set(answers.map(({ key }) => key))
    for (const key of [
      'GET /rooms.info',
      'GET /livechat/rooms',
      'GET /livechat/messages/:rid',
      'GET /chat.getMessage',
      'GET /livechat/inquiries.list',
      'GET /livechat/visitors.info',
      'GET /livechat/visitors.search',
      'GET /livechat/visitors.pagesVisited/:roomId',
      'GET /livechat/visitors.chatHistory/room/:roomId/visitor/:visitorId',
    ])
      expect(seen).toContain(key)
    // The conversation itself is in them: the readings above did read.
    expect(answers.some(({ text: body }) => body.includes('shoebill'))).toBe(true)
    const leaks = answers.filter(({ text: body }) => words.some((word) => body.includes(word)))
    expect(leaks.map(({ key }) => key)).toEqual([])
  })

  test('of anybody is in no line of the log', () => {
    expect(lines.length).toBeGreaterThan(50)
    const log = lines.join('')
    const sessions = [anna, admin].map(({ headers }) => headers['x-auth-token']!)
    for (const secret of [...words, ...sessions, 'cassowary', email, 'hoatzin', 'shoebill', '+34 600'])
      expect([secret, log.includes(secret) || log.includes(encodeURIComponent(secret))]).toEqual([secret, false])
  })

  test('of anybody is in no event', () => {
    expect(events.length).toBeGreaterThan(20)
    for (const event of events)
      for (const secret of [...words, 'hoatzin', 'shoebill', 'cassowary']) expect(event).not.toContain(secret)
  })

  test('of a session or a password is stored as a hash alone', async () => {
    const { read } = desk.server.context
    const sessions = await read.all(read.sql.selectFrom('session').selectAll())
    const users = await read.all(read.sql.selectFrom('user').selectAll())
    expect(sessions.length).toBeGreaterThan(0)
    const stored = JSON.stringify([sessions, users])
    expect(stored).not.toContain(password)
    for (const { headers } of [anna, admin]) expect(stored).not.toContain(headers['x-auth-token'])
    expect(users.find(({ username }) => username === 'anna')?.passwordHash).toMatch(/^\$argon2id\$/)
  })
})
