// What belongs to another visitor and what does not exist at all are answered with the same bytes (promises A4, A5), by
// every operation of the contract that anybody may call.
import { contract } from '@deskbell/contract/contract.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, answer, closeByVisitor, openChat, openRoomOf, say, type Chat } from '../../testing/conversation.ts'
import { startTestServer, type CallInput, type RawAnswer, type TestServer } from '../../testing/testing.ts'

let desk: TestServer
let victim: Chat & { messageId: string; agentMessageId: string; lineId: string }
let attacker: Chat & { messageId: string }
let closed: Chat & { messageId: string }

beforeAll(async () => {
  desk = await startTestServer()
  const anna = await desk.agent({ username: 'anna' })
  const chat = await openChat(desk, { name: 'Victim' })
  const own = await say(desk, chat, 'secret words', { _id: 'victims-message' })
  const fromAgent = await answer(anna, chat.rid, 'secret answer')
  victim = { ...chat, messageId: own._id, agentMessageId: fromAgent._id, lineId: chat.room.lastMessage!._id }
  const other = await openChat(desk, { name: 'Attacker' })
  attacker = { ...other, messageId: (await say(desk, other, 'mine', { _id: 'attackers-message' }))._id }
  const over = await openChat(desk, { name: 'Over' })
  closed = { ...over, messageId: (await say(desk, over, 'old secret'))._id }
  await closeByVisitor(desk, over)
})
afterAll(() => desk.stop())

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
}

/** The named places of an operation, wherever they are. */
function namesOf({ params, query, body }: Operation): Set<string> {
  return new Set([params, query, body].flatMap((part) => Object.keys((part as Schema | undefined)?.properties ?? {})))
}

const answers = [{ name: 'satisfaction', value: '5' }]

/** A call with these values where the operation has a place for them; text for whatever else it needs. */
function inputOf(operation: Operation, values: Record<string, string>): CallInput {
  const fill = (part: unknown, all: string[] | undefined) => {
    const { properties = {}, required = [] } = (part ?? {}) as Schema
    const names = Object.keys(properties).filter((name) => name in values || required.includes(name))
    return all === undefined && names.length === 0
      ? undefined
      : Object.fromEntries(names.map((name) => [name, values[name] ?? (name === 'data' ? answers : 'text')]))
  }
  return {
    params: fill(operation.params, []) as Record<string, string>,
    query: fill(operation.query, []) as Record<string, string>,
    ...(operation.body && { body: fill(operation.body, []) }),
    ...(operation.upload && { headers: { 'x-visitor-token': values['token'] ?? '' } }),
  }
}

const open = Object.entries(contract as Readonly<Record<string, Operation>>).filter(
  ([, { caller }]) => caller === 'anyone',
)
// A page is answered alike for every token and every room, and never lands in a foreign one: visitor-activity.test.ts.
const withRoom = open.filter(
  ([key, operation]) => namesOf(operation).has('rid') && key !== 'POST /livechat/page.visited',
)
const withMessage = withRoom.filter(([, operation]) => namesOf(operation).has('_id'))

/** Operations that have one word of their own for both (contract A.24). */
const ownWords: Readonly<Record<string, string>> = { 'POST /livechat/transcript': 'error-invalid-visitor' }

/** Uploads have one word for whatever is not the caller's (contract A.17). */
function refusalOf(
  key: string,
  { upload, errors }: Operation,
  code: 'invalid-token' | 'invalid-room',
): [number, unknown] {
  if (upload !== undefined) return [403, { success: false, error: 'unauthorized' }]
  if (errors[code] === 'withCode') return [400, { success: false, error: `[${code}]`, errorType: code }]
  return [400, { success: false, error: ownWords[key] ?? code }]
}

/** All that tells two answers apart. */
function bytes({ status, body, headers }: RawAnswer): string {
  const { 'x-request-id': _request, date: _date, ...rest } = headers
  return JSON.stringify([status, body, Object.entries(rest).sort()])
}

describe('the same bytes', () => {
  test('the loops see the operations they are for', () => {
    expect(withRoom.length).toBeGreaterThanOrEqual(8)
    expect(withMessage.map(([key]) => key)).toEqual(
      expect.arrayContaining([
        'POST /livechat/message',
        'GET /livechat/message/:_id',
        'PUT /livechat/message/:_id',
        'DELETE /livechat/message/:_id',
      ]),
    )
  })

  test.each(withRoom)('%s: a room of another visitor', async (key, operation) => {
    const before = await allRows(desk)
    const ask = (rid: string) => desk.anyone.raw(key, inputOf(operation, { token: attacker.token, rid, msg: 'x' }))
    const missing = await ask('no-such-room-at-al')
    expect([missing.status, missing.body]).toEqual(refusalOf(key, operation, 'invalid-room'))
    for (const rid of [victim.rid, closed.rid, 'GENERAL', victim.id, victim.messageId])
      expect(bytes(await ask(rid))).toBe(bytes(missing))
    expect(await allRows(desk)).toEqual(before)
  })

  test.each(withMessage.filter(([key]) => !key.startsWith('POST')))(
    '%s: a message of another visitor',
    async (key, operation) => {
      const before = await allRows(desk)
      const ask = (_id: string, rid = attacker.rid) =>
        desk.anyone.raw(key, inputOf(operation, { token: attacker.token, rid, _id, msg: 'x' }))
      const missing = await ask('no-such-message')
      expect([missing.status, missing.body]).toEqual([400, { success: false, error: 'invalid-message' }])
      for (const _id of [victim.messageId, victim.agentMessageId, victim.lineId, closed.messageId])
        expect(bytes(await ask(_id))).toBe(bytes(missing))
      const elsewhere = await ask('no-such-message', 'no-such-room')
      for (const _id of [victim.messageId, victim.agentMessageId])
        expect(bytes(await ask(_id, victim.rid))).toBe(bytes(elsewhere))
      expect(await allRows(desk)).toEqual(before)
    },
  )

  test.each(withRoom)('%s: a token that is nobody’s', async (key, operation) => {
    const ask = (token: string, rid: string) =>
      desk.anyone.raw(key, inputOf(operation, { token, rid, msg: 'x', _id: victim.messageId }))
    const missing = await ask('no-such-token', 'no-such-room')
    expect([missing.status, missing.body]).toEqual(refusalOf(key, operation, 'invalid-token'))
    for (const token of [
      victim.id,
      victim.rid,
      victim.token.slice(0, -1),
      `${victim.token} `,
      victim.token.toUpperCase(),
    ])
      expect(bytes(await ask(token, victim.rid))).toBe(bytes(missing))
  })

  test('an id in use is not told from an id of an odd owner when sending', async () => {
    const send = (_id: string) =>
      desk.anyone.raw('POST /livechat/message', { body: { token: attacker.token, rid: attacker.rid, msg: 'x', _id } })
    const refused = await Promise.all(
      [victim.messageId, victim.agentMessageId, victim.lineId, closed.messageId].map(send),
    )
    expect(new Set(refused.map(bytes)).size).toBe(1)
    expect(refused[0]!.body).toEqual({ success: false, error: 'invalid-message' })
  })

  test('a visitor of two rooms cannot reach a message through the other of them', async () => {
    const again = await openRoomOf(desk, closed)
    const ask = (_id: string) =>
      desk.anyone.raw('GET /livechat/message/:_id', { params: { _id }, query: { token: closed.token, rid: again.rid } })
    expect(bytes(await ask(closed.messageId))).toBe(bytes(await ask('no-such-message')))
  })

  test('nothing of another visitor is in any answer to this one', async () => {
    for (const [key, operation] of open.filter(([name]) => name.startsWith('GET'))) {
      for (const rid of [victim.rid, attacker.rid]) {
        const { body } = await desk.anyone.raw(
          key,
          inputOf(operation, { token: attacker.token, rid, _id: victim.messageId, roomId: victim.rid }),
        )
        expect(JSON.stringify(body)).not.toMatch(new RegExp(`secret|Victim|${victim.token}|${victim.id}`))
      }
    }
  })
})

describe('a visitor’s token', () => {
  test.each(open.filter(([, operation]) => namesOf(operation).has('token')))(
    '%s: is not found by its parts, patterns or neighbours',
    async (key, operation) => {
      for (const token of ['%', '_', '*', '.*', victim.token.slice(0, 5), `${victim.token}\u200b`, `' or '1'='1`]) {
        const { body } = await desk.anyone.raw(
          key,
          inputOf(operation, { token, rid: victim.rid, _id: victim.messageId, msg: 'x' }),
        )
        expect(JSON.stringify(body)).not.toMatch(new RegExp(`secret|Victim|${victim.id}`))
      }
    },
  )

  test('may come in the header x-visitor-token, which no log and no history of a browser keeps', async () => {
    const { body } = await desk.anyone.raw('GET /livechat/messages.history/:rid', {
      params: { rid: victim.rid },
      headers: { 'x-visitor-token': victim.token },
    })
    expect(body).toMatchObject({ success: true })
    const wrong = await desk.anyone.raw('GET /livechat/messages.history/:rid', {
      params: { rid: victim.rid },
      headers: { 'x-visitor-token': attacker.token },
    })
    expect(wrong.body).toEqual({ success: false, error: 'invalid-room' })
  })
})
