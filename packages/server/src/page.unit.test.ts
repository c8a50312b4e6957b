import { describe, expect, test } from 'vitest'
import { ApiError } from './api-error.ts'
import { readPage, type PageQuery } from './page.ts'

const settings = { API_Default_Count: 50, API_Upper_Count_Limit: 100, API_Allow_Infinite_Count: true }
const columns = { name: 'name', ts: 'openedAt' } as const
const newestFirst = [{ column: 'openedAt', direction: 'desc' }] as const

function page(query: PageQuery, changed: Partial<typeof settings> = {}) {
  return readPage(query, { ...settings, ...changed }, columns, newestFirst)
}

function refusal(query: PageQuery): unknown {
  try {
    return page(query)
  } catch (error) {
    return error
  }
}

describe('how many rows a page has', () => {
  test.each([
    ['50 when nobody asks', {}, {}, 50],
    ['as many as asked', { count: 7 }, {}, 7],
    ['never more than the upper limit', { count: 1e9 }, {}, 100],
    ['the upper limit for count=0, never everything', { count: 0 }, {}, 100],
    ['the usual number for count=0 where that is switched off', { count: 0 }, { API_Allow_Infinite_Count: false }, 50],
    ['the usual number is under the upper limit too', {}, { API_Upper_Count_Limit: 20 }, 20],
    ['an upper limit of nothing counts as the default one', { count: 500 }, { API_Upper_Count_Limit: 0 }, 100],
    ['a usual number below one counts as the default one', {}, { API_Default_Count: -3 }, 50],
  ])('%s', (_title, query, changed, limit) => {
    expect(page(query, changed).limit).toBe(limit)
  })

  test('an offset beyond every number a database knows is still a number', () => {
    expect(page({ offset: 1e300 }).offset).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('the order of a list', () => {
  test('fields in the order given, under the names of the columns', () => {
    expect(page({ sort: '{"ts":1,"name":-1}' }).order).toEqual([
      { column: 'openedAt', direction: 'asc' },
      { column: 'name', direction: 'desc' },
    ])
  })

  test.each([undefined, '', '{}', '{"password":1}', '{"__proto__":1}', '{"constructor":-1}'])(
    'without a known field the list keeps its own order: %s',
    (sort) => {
      expect(page({ sort }).order).toEqual(newestFirst)
    },
  )

  test.each(['name', '[]', 'null', '1', '{"name":2}', '{"name":"1"}', '{"name":{"$ne":1}}', '{name:1}'])(
    'anything but an object of 1 and -1 is refused: %s',
    (sort) => {
      const error = refusal({ sort })
      expect(error).toBeInstanceOf(ApiError)
      expect(error).toMatchObject({
        code: 'error-invalid-sort',
        reason: `Invalid sort parameter provided: "${sort}"`,
      })
    },
  )
})

test.each([
  [{ fields: '{"name":1}', query: '{"name":"Ann"}' }, undefined],
  [{ fields: 'name' }, 'error-invalid-fields'],
  [{ fields: '{"name":2}' }, 'error-invalid-fields'],
  [{ query: '[1]' }, 'error-invalid-query'],
])('fields and query must be what they claim to be: %j', (query, code) => {
  expect((refusal(query) as { code?: string }).code).toBe(code)
})
