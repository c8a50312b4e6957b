// Who may call what: a loop over the whole contract, so that an operation that comes later is held against its permission too.
import { contract } from '@deskbell/contract/contract.ts'
import type { Caller, Operation } from '@deskbell/contract/operation.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type StaffMember, type TestServer } from '../../testing/testing.ts'
import { exampleOf } from '../../testing/examples.ts'

const noPermission = {
  status: 403,
  body: { success: false, error: 'User does not have the permissions required for this action [error-unauthorized]' },
}

const all = Object.entries(contract as Readonly<Record<string, Operation>>)
const ofStaff = all.filter(([, { caller }]) => caller !== 'anyone')
const guarded = all.flatMap(([key, operation]) => {
  const { caller } = operation
  return typeof caller === 'string' ? [] : [[key, operation, caller] as const]
})

/** Each set of permissions with which somebody may call. */
function waysIn(caller: Exclude<Caller, string>): readonly (readonly string[])[] {
  if ('permission' in caller) return [[caller.permission]]
  return 'anyOf' in caller ? caller.anyOf.map((permission) => [permission]) : [caller.allOf]
}

/** Each set of permissions that is one too few. */
function waysOut(caller: Exclude<Caller, string>): readonly (readonly string[])[] {
  return 'allOf' in caller ? caller.allOf.map((missing) => caller.allOf.filter((each) => each !== missing)) : [[]]
}

let desk: TestServer
let bot: StaffMember
let admin: StaffMember
const params = { rid: 'x', roomId: 'x', _id: 'x', token: 'x', type: 'agent', fileId: 'x', agentId: 'x', visitorId: 'x' }

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  // Nobody gives this role a permission: it has those that a test gives it.
  bot = await desk.staff({ roles: ['user', 'bot'] })
})
afterAll(() => desk.stop())

/** A well-formed call, which need not succeed. */
function ask(by: StaffMember, key: string, { query, body }: Operation) {
  return by.raw(key, {
    params,
    ...(query !== undefined && { query: exampleOf(query) as Record<string, string> }),
    ...(body !== undefined && { body: exampleOf(body) }),
  })
}

async function give(role: 'bot' | 'admin', permissions: readonly string[]): Promise<void> {
  const changes = permissions.map((_id) => ({ _id, roles: [role] }))
  await admin.call('POST /permissions.update', { body: { permissions: changes } })
}

async function having(permissions: readonly string[], key: string, operation: Operation) {
  await give('bot', permissions)
  const answer = await ask(bot, key, operation)
  await give('admin', permissions)
  return answer
}

test.each(ofStaff)('%s is for people with an account', async (key, operation) => {
  const answer = await desk.anyone.raw(key, { params, ...(operation.body !== undefined && { body: {} }) })
  expect(answer).toMatchObject({ status: 401, body: { message: 'You must be logged in to do this.' } })
})

describe('with an account alone, or with a permission too few,', () => {
  test.each(guarded)('%s is refused', async (key, operation, caller) => {
    expect(await ask(bot, key, operation)).toMatchObject(noPermission)
    for (const permissions of waysOut(caller))
      expect(await having(permissions, key, operation)).toMatchObject(noPermission)
  })
})

describe('with its permission, and no role that usually has it,', () => {
  test.each(guarded)('%s is open', async (key, operation, caller) => {
    for (const permissions of waysIn(caller)) {
      const { status, body } = await having(permissions, key, operation)
      expect([status, body]).not.toEqual([403, noPermission.body])
      expect(status).toBeLessThan(500)
    }
  })
})
