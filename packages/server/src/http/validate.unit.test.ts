import { Type as t } from 'typebox'
import { expect, test } from 'vitest'
import type { Operation } from '@deskbell/contract/operation.ts'
import { validateInput } from './validate.ts'

const operation: Operation = {
  summary: 'A list of agents',
  caller: 'anyone',
  limit: 'lookup',
  query: t.Object({ agents: t.Optional(t.Array(t.String())), length: t.Optional(t.Unknown()) }),
  returns: t.Object({}),
  errors: {},
}

function queryFrom(query: object): object {
  return validateInput(operation, { params: undefined, query, body: undefined }).query as object
}

test('a key that ends with [] is a list, also with one value', () => {
  expect({ ...queryFrom({ 'agents[]': 'a' }) }).toEqual({ agents: ['a'] })
  expect({ ...queryFrom({ 'agents[]': ['a', 'b'] }) }).toEqual({ agents: ['a', 'b'] })
})

test.each(['__proto__[]', '__proto__'])('%s gives a query nothing that it did not have', (key) => {
  const query = queryFrom(Object.fromEntries([[key, ['x', 'y']]]))
  expect('length' in query).toBe(false)
  expect('map' in query).toBe(false)
  expect(Object.keys(query)).toEqual([])
})
