import { Validator } from '@seriousme/openapi-schema-validator'
import { areas } from '@deskbell/contract/contract.ts'
import { openApiDocument, placeOf } from '@deskbell/contract/openapi.ts'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type StaffMember, type TestServer } from '../testing/testing.ts'
import { operationsWith } from './routes.ts'

const operations = operationsWith(() => Promise.reject(new Error('No method is called')))

type Examples = Record<string, { value: Record<string, unknown> }>
interface Answer {
  content: { 'application/json': { schema: { $ref: string }; examples: Examples } }
}

const document = openApiDocument(areas, { version: '0.0.0' })
const shared = document.components as unknown as {
  schemas: Record<string, object>
  responses: Record<string, Answer>
}

/** The refusals that an operation documents, by status and name. */
function refusalsOf(key: string): { status: number; name: string; schema: string; body: Record<string, unknown> }[] {
  const { path, method } = placeOf(key)
  const { responses } = document.paths[path]?.[method] as { responses: Record<string, Answer | { $ref: string }> }
  return Object.entries(responses)
    .filter(([status]) => status !== '200')
    .flatMap(([status, answer]) => {
      const resolved = '$ref' in answer ? shared.responses[answer.$ref.split('/').at(-1) ?? ''] : answer
      const { schema, examples } = resolved!.content['application/json']
      return Object.entries(examples).map(([name, { value }]) => ({
        status: Number(status),
        name,
        schema: schema.$ref.split('/').at(-1) ?? '',
        body: value,
      }))
    })
}

describe('the API document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  test.each([...operations.keys()])('shows refusals of the shape it says: %s', (key) => {
    const ajv = new Ajv({ strict: false })
    const refusals = refusalsOf(key)
    expect(refusals.length).toBeGreaterThan(2)
    for (const { schema, body } of refusals) expect(ajv.validate(shared.schemas[schema]!, body)).toBe(true)
  })

  test.each([...operations])('lists every error that the contract declares: %s', (key, { operation }) => {
    const names = refusalsOf(key).map(({ name }) => name)
    for (const code of Object.keys(operation.errors)) expect(names).toContain(code)
  })
})

describe('the server', () => {
  let desk: TestServer
  let administrator: StaffMember

  beforeAll(async () => {
    desk = await startTestServer()
    administrator = await desk.administrator()
  })
  afterAll(() => desk.stop())

  const withRequiredKeys = [...operations].filter(([, { operation }]) =>
    [operation.query, operation.body].some(
      (part) => ((part as { required?: string[] } | undefined)?.required ?? []).length > 0,
    ),
  )

  test.each(withRequiredKeys)('answers a request without its keys as the document says: %s', async (key, served) => {
    const { body } = refusalsOf(key).find(({ name }) => name === 'invalid-params')!
    const caller = served.operation.caller === 'anyone' ? desk.anyone : administrator
    const params = { _id: 'x', rid: 'x', token: 'x', type: 'agent' }
    const answer = await caller.raw(key, { params, ...(served.operation.query === undefined && { body: {} }) })
    expect(answer).toMatchObject({ status: 400, body })
  })

  test.each([...operations].filter(([, { operation }]) => operation.caller !== 'anyone'))(
    'answers strangers as the document says: %s',
    async (key) => {
      const { status, body } = refusalsOf(key).find(({ name }) => name === 'not-signed-in')!
      const params = { _id: 'x', rid: 'x', type: 'agent' }
      expect(await desk.anyone.raw(key, { params })).toMatchObject({ status, body })
    },
  )
})
