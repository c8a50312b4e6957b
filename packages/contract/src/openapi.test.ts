import { describe, expect, test } from 'vitest'
import { areas } from './contract.ts'
import { openApiDocument, operationIdOf, placeOf } from './openapi.ts'
import { operations as area, type Operation, type OperationTable } from './operation.ts'
import { Type as t } from 'typebox'

interface Described {
  operationId: string
  summary: string
  deprecated?: true
  responses: Record<string, unknown>
  security: object[]
  [key: `x-${string}`]: unknown
}

const document = openApiDocument(areas, { version: '1.2.3' })
const tables: readonly OperationTable[] = Object.values(areas)
const all = tables.flatMap((table): [string, Operation][] => Object.entries(table))

function described(spelling: string): Described | undefined {
  const { path, method } = placeOf(spelling)
  return document.paths[path]?.[method] as Described | undefined
}

describe('the API document', () => {
  test.each(all)('has %s under every spelling', (key, operation) => {
    expect(described(key)).toMatchObject({ summary: operation.summary, 'x-rate-limit-class': operation.limit })
    for (const alias of operation.aliases ?? [])
      expect(described(alias)).toMatchObject({ deprecated: true, 'x-alias-of': key })
  })

  test('has nothing that the contract has not', () => {
    const spellings = all.flatMap(([key, { aliases = [] }]) => [key, ...aliases])
    const written = Object.values(document.paths).flatMap((methods) => Object.keys(methods))
    expect(written).toHaveLength(new Set(spellings).size)
  })

  test('gives every spelling a name of its own', () => {
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((operation) => (operation as Described).operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(operationIdOf('GET /livechat/agent.info/:rid/:token')).toBe('getLivechatAgentInfoByRidByToken')
    expect(operationIdOf('PUT /livechat/message/:_id')).toBe('putLivechatMessageById')
  })

  test.each(all)('asks for credentials where the server does: %s', (key, operation) => {
    const asked = described(key)?.security.some((scheme) => 'authToken' in scheme)
    expect(asked).toBe(operation.caller !== 'anyone')
    expect('401' in (described(key)?.responses ?? {})).toBe(operation.caller !== 'anyone' || key === 'POST /login')
  })

  test('refers to nothing that is not there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
    expect(references.length).toBeGreaterThan(100)
    const components = document.components as unknown as Record<string, Record<string, object>>
    for (const [, kind, name] of references) expect(components[kind!]).toHaveProperty(name!)
  })

  test('is the same every time', () => {
    expect(JSON.stringify(openApiDocument(areas, { version: '1.2.3' }))).toBe(JSON.stringify(document))
  })

  test('says of an operation what its contract says, and no more', () => {
    const tags = area('Tags', {
      'GET /tags/:_id': {
        summary: 'One tag',
        caller: { permission: 'view-tags' },
        limit: 'staff',
        params: t.Object({ _id: t.String({ description: 'Its id' }) }),
        query: t.Object({ full: t.Optional(t.Boolean()) }),
        returns: t.Object({ name: t.String() }),
        errors: { 'invalid-room': 'notFound' },
      },
    })
    const { paths } = openApiDocument({ tags }, { version: '0' })
    expect(paths['/api/v1/tags/{_id}']?.['get']).toMatchObject({
      operationId: 'getTagsById',
      tags: ['Tags'],
      description: 'Needs the permission `view-tags`.',
      parameters: [
        { name: '_id', in: 'path', required: true, description: 'Its id', schema: { type: 'string' } },
        { name: 'full', in: 'query', required: false, schema: { type: 'boolean' } },
      ],
      security: [{ userId: [], authToken: [] }],
      responses: {
        200: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['name', 'success'],
                properties: { name: { type: 'string' }, success: { const: true } },
              },
            },
          },
        },
        404: {
          content: {
            'application/json': { examples: { 'invalid-room': { value: { success: false, error: 'invalid-room' } } } },
          },
        },
      },
    })
  })
})
