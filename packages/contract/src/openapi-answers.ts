import { errors, type ErrorCode } from './errors.ts'
import { asJson, partsOf, type JsonSchema } from './openapi-schemas.ts'
import type { ErrorForm, Operation } from './operation.ts'
import {
  busy,
  formOf,
  internalError,
  malformed,
  noSpace,
  notPermitted,
  notSignedIn,
  refusal,
  tooManyRequests,
  type Refusal,
} from './refusals.ts'

/** One way to be refused, for the document. */
interface Shown {
  name: string
  meaning: string
  refusal: Refusal
}

const statusText: Readonly<Record<number, string>> = {
  400: 'The request was refused.',
  401: 'Nobody is signed in with these credentials.',
  403: 'The caller may not do this.',
  404: 'There is no such thing.',
}

const limitHeaders = {
  'X-RateLimit-Limit': { $ref: '#/components/headers/RateLimitLimit' },
  'X-RateLimit-Remaining': { $ref: '#/components/headers/RateLimitRemaining' },
  'X-RateLimit-Reset': { $ref: '#/components/headers/RateLimitReset' },
}

/** Answers and headers that every operation shares. */
export const sharedAnswers = {
  responses: {
    TooManyRequests: {
      description: 'A rate limit was met: that of the caller, or the wider one of the address.',
      headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' }, ...limitHeaders },
      content: contentOf([shownOf('error-too-many-requests', tooManyRequests(12))]),
    },
    InternalError: {
      description: 'A fault of the server.',
      content: contentOf([
        {
          name: 'internal-error',
          meaning: 'Nothing of the fault is told.',
          refusal: internalError('8Hq2vLkWcNpXrT4mYb7d'),
        },
      ]),
    },
    Busy: {
      description: 'The server cannot do it at the moment. Nothing was written: the same call may be made again.',
      headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
      content: contentOf([
        { name: 'busy', meaning: 'More writes wait for the disk than the server lets in.', refusal: busy },
        { name: 'no-space', meaning: 'The disk is full, or has no room for this file.', refusal: noSpace },
      ]),
    },
  },
  headers: {
    RetryAfter: header('Seconds until the call may be made again'),
    RateLimitLimit: header('Calls that the tighter bucket holds; absent where limits are off'),
    RateLimitRemaining: header('Calls left in it'),
    RateLimitReset: header('When it is full again, in milliseconds since 1970'),
  },
}

/** Every answer of an operation, by status. */
export function answersOf(operation: Operation): Record<string, object> {
  const answers: Record<string, object> = { 200: success(operation) }
  const byStatus = Map.groupBy(refusalsOf(operation), (shown) => shown.refusal.status)
  for (const status of [...byStatus.keys()].filter((known) => known !== 429).sort())
    answers[status] = refusedAnswer(status, byStatus.get(status) ?? [])
  return {
    ...answers,
    429: { $ref: '#/components/responses/TooManyRequests' },
    500: { $ref: '#/components/responses/InternalError' },
    503: { $ref: '#/components/responses/Busy' },
  }
}

function success({ returns, envelope }: Operation): object {
  const schema = asJson(returns)
  return {
    description: 'Done.',
    headers: limitHeaders,
    content: { 'application/json': { schema: envelope === 'plain' ? schema : withSuccess(schema) } },
  }
}

function withSuccess(schema: JsonSchema): object {
  if ('$ref' in schema)
    return { allOf: [schema, { type: 'object', required: ['success'], properties: { success: { const: true } } }] }
  const { properties, required } = partsOf(schema)
  return { ...schema, required: [...required, 'success'], properties: { ...properties, success: { const: true } } }
}

function refusalsOf(operation: Operation): Shown[] {
  const fromShape = missingKey(operation)
  const declared = Object.entries(operation.errors) as [ErrorCode, ErrorForm][]
  return [
    ...(operation.caller === 'anyone'
      ? []
      : [shown('not-signed-in', 'The credentials are missing or wrong.', notSignedIn)]),
    ...(typeof operation.caller === 'string' ? [] : [shownOf('error-unauthorized', notPermitted)]),
    ...(fromShape === undefined ? [] : [shownOf('invalid-params', fromShape)]),
    ...declared
      .filter(([code]) => fromShape === undefined || code !== 'invalid-params')
      .map(([code, form]) => shownOf(code, refusal(form, { code }))),
    ...pageRefusals(operation),
  ]
}

/** What a list answers to unreadable `sort`, `fields` and `query`. */
function pageRefusals(operation: Operation): Shown[] {
  const { properties } = partsOf(operation.query)
  return (['sort', 'fields', 'query'] as const).flatMap((name) => {
    const code = `error-invalid-${name}` as const
    const form = formOf(operation, code)
    if (form === undefined || !(name in properties) || code in operation.errors) return []
    return [shownOf(code, refusal(form, { code, reason: `Invalid ${name} parameter provided: "name"` }))]
  })
}

/** The answer to a request without its first required key; `undefined` where any request has the right shape. */
function missingKey(operation: Operation): Refusal | undefined {
  const style = operation.validation ?? 'schema'
  for (const part of [operation.query, operation.body]) {
    const [key] = partsOf(part).required
    if (key === undefined) continue
    return malformed(
      style,
      style === 'match' ? `Match error: Missing key '${key}'` : `must have required property '${key}'`,
    )
  }
  for (const part of [operation.params, operation.query, operation.body]) {
    const [first] = Object.entries(partsOf(part).properties)
    if (first !== undefined) return malformed(style, wrongType(first[1]['type']), first[0])
  }
  return undefined
}

function wrongType(type: unknown): string {
  return `must be ${type === 'number' || type === 'integer' ? type : 'string'}`
}

function refusedAnswer(status: number, shownHere: readonly Shown[]): object {
  const list = shownHere.map(({ name, meaning }) => `- \`${name}\`: ${meaning}`)
  return {
    description: [statusText[status] ?? 'Refused.', '', ...list].join('\n'),
    content: contentOf(shownHere),
  }
}

function contentOf(shownHere: readonly Shown[]): object {
  const status = shownHere[0]?.refusal.status
  const examples = shownHere.map(({ name, meaning, refusal: { body } }) => [name, { summary: meaning, value: body }])
  const schema = { $ref: `#/components/schemas/${status === 401 ? 'NotSignedIn' : 'Refusal'}` }
  return { 'application/json': { schema, examples: Object.fromEntries(examples) as Record<string, object> } }
}

function shownOf(code: ErrorCode, refused: Refusal): Shown {
  return shown(code, errors[code].meaning, refused)
}

function shown(name: string, meaning: string, refused: Refusal): Shown {
  return { name, meaning, refusal: refused }
}

function header(description: string): object {
  return { description, schema: { type: 'integer' } }
}
