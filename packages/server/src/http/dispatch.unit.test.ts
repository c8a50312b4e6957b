import { Type as t } from 'typebox'
import type { Operation } from '@deskbell/contract/operation.ts'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import type { Context } from '../context.ts'
import { makeLog } from '../log.ts'
import { makeDispatch } from './dispatch.ts'

const operation: Operation = {
  summary: 'One tag',
  caller: 'anyone',
  limit: 'read',
  returns: t.Object({ name: t.String(), uses: t.Optional(t.Integer()) }),
  errors: { 'invalid-room': 'bare' },
}

/** Calls one operation that answers so; tells the reply and what the log says of a fault. */
async function callOf(handler: () => Promise<unknown>, checksAnswers = true) {
  const lines: string[] = []
  const log = makeLog('error', { write: (line) => lines.push(line) })
  const dispatch = makeDispatch({
    // The plumbing needs nothing else of it.
    context: { log } as Context,
    operations: new Map([['GET /tag', { operation, handler }]]),
    authenticate: () => Promise.resolve(undefined),
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
    const { reply } = await callOf(() => Promise.resolve({ uses: 3 }), false)
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
