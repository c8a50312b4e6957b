import { Type as t } from 'typebox'
import type { Operation } from '@deskbell/contract/operation.ts'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import type { Context } from '../context.ts'
import { QueueFull } from '../database/transaction.ts'
import { makeLog } from '../log.ts'
import { makeDispatch } from './dispatch.ts'

const operation: Operation = {
  summary: 'One tag',
  caller: 'anyone',
  limit: 'read',
  returns: t.Object({ name: t.String(), uses: t.Optional(t.Integer()) }),
  errors: { 'invalid-room': 'bare' },
}

interface Given {
  checksAnswers: boolean
  caller: Operation['caller']
  authenticate: () => Promise<undefined>
}

/** Calls one operation that answers so; tells the reply and what the log says of a fault. */
async function callOf(
  handler: () => Promise<unknown>,
  { checksAnswers = true, caller = 'anyone', authenticate = () => Promise.resolve(undefined) }: Partial<Given> = {},
) {
  const lines: string[] = []
  const log = makeLog('error', { write: (line) => lines.push(line) })
  const dispatch = makeDispatch({
    // The plumbing needs nothing else of it.
    context: { log } as Context,
    operations: new Map([['GET /tag', { operation: { ...operation, caller }, handler }]]),
    authenticate,
    limiter: undefined,
    checksAnswers,
    onRefused: undefined,
  })
  const request = {
    id: 'request-1',
    address: '192.0.2.1',
    userAgent: undefined,
    host: undefined,
    isWidget: false,
    credentials: undefined,
    visitorToken: undefined,
  }
  const reply = await dispatch({ key: 'GET /tag', input: { params: {}, query: {}, body: undefined }, request })
  return { reply, fault: lines.join('') }
}

describe('the answer of a handler', () => {
  test('goes out as it is, with success', async () => {
    const { reply } = await callOf(() => Promise.resolve({ name: 'urgent', uses: 3 }))
    expect(reply).toMatchObject({ status: 200, body: { name: 'urgent', uses: 3, success: true } })
  })

  test.each([
    ['a missing key', { uses: 3 }, "must have required property 'name'"],
    ['a value of another type', { name: 'urgent', uses: '3' }, 'data/uses must be integer'],
    ['a null', { name: null }, 'data/name must be string'],
    ['nothing', undefined, 'data must be object'],
  ])('is a fault in development and tests when it has %s', async (_what, answer, complaint) => {
    const { reply, fault } = await callOf(() => Promise.resolve(answer))
    expect(reply.status).toBe(500)
    expect(fault).toContain(`The answer of 'GET /tag' is not what the contract says`)
    expect(fault).toContain(complaint)
  })

  test('is not held against the contract in production', async () => {
    const { reply } = await callOf(() => Promise.resolve({ uses: 3 }), { checksAnswers: false })
    expect(reply.status).toBe(200)
  })
})

describe('a refusal', () => {
  test('goes out in the form that the operation declares', async () => {
    const { reply } = await callOf(() => Promise.reject(new ApiError('invalid-room')))
    expect(reply).toMatchObject({ status: 400, body: { success: false, error: 'invalid-room' } })
  })

  test('that the operation does not declare is a fault', async () => {
    const { reply, fault } = await callOf(() => Promise.reject(new ApiError('room-closed')))
    expect(reply).toMatchObject({ status: 500, body: { success: false, requestId: 'request-1' } })
    expect(fault).toContain('"undeclared":true')
  })
})

describe('a sign-in that cannot be looked up', () => {
  const unread = () => Promise.resolve({ name: 'urgent' })

  test('is a fault with an answer like any other, so that it is counted', async () => {
    const authenticate = () => Promise.reject(new Error('no such table'))
    const { reply, fault } = await callOf(unread, { caller: 'user', authenticate })
    expect(reply).toMatchObject({ status: 500, body: { success: false, requestId: 'request-1' } })
    expect(fault).toContain('no such table')
  })

  test('asks to come back where too many wait for the database', async () => {
    const authenticate = () => Promise.reject(new QueueFull('Too many are waiting.'))
    const { reply } = await callOf(unread, { caller: 'user', authenticate })
    expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  })
})
