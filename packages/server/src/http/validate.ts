import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Operation, ValidationStyle } from '@deskbell/contract/operation.ts'

/** A request that does not have the documented shape; `text` is the answer in the operation's style (contract §G.3). */
export class Malformed extends Error {
  override name = 'Malformed'
  readonly style: ValidationStyle
  /** Where in the request, as `message.rid`; absent where the request as a whole is meant. */
  readonly field: string | undefined

  constructor(text: string, style: ValidationStyle, field?: string) {
    super(text)
    this.style = style
    this.field = field
  }
}

export interface RawInput {
  params: unknown
  query: unknown
  body: unknown
}

/** Objects and lists inside one another, in a query or a body. */
export const maxDepth = 16

// Unknown keys are dropped everywhere, so no rule ever sees one (promises A10).
const exact = new Ajv({ removeAdditional: 'all', strict: false, allowUnionTypes: true })
const coercing = new Ajv({ removeAdditional: 'all', coerceTypes: true, strict: false, allowUnionTypes: true })
const checking = new Ajv({ strict: false, allErrors: false })

const compiled = new WeakMap<object, ValidateFunction>()
const answers = new WeakMap<object, ValidateFunction>()

// Compiled on first use: compiling every schema at start would cost half of the allowed second.
function validatorFor(ajv: Ajv, schema: object, kept = compiled): ValidateFunction {
  let validate = kept.get(schema)
  if (validate === undefined) {
    validate = ajv.compile(schema)
    kept.set(schema, validate)
  }
  return validate
}

/**
 * Checks a request against its operation, drops unknown keys and coerces what came as text in path and query.
 * @throws Malformed
 */
export function validateInput(operation: Operation, raw: RawInput): RawInput {
  const style = operation.validation ?? 'schema'
  const params = checkPart(coercing, operation.params, raw.params ?? {}, style)
  const query = checkPart(coercing, operation.query, foldArrays(raw.query), style)
  const body = checkPart(exact, operation.body, raw.body ?? {}, style)
  for (const part of [params, query, body]) refuseUnstorable(part, style, 0)
  return { params, query, body }
}

/**
 * The same for the texts of a form.
 * @throws Malformed
 */
export function validateFields(operation: Operation, raw: unknown): never {
  const style = operation.validation ?? 'schema'
  const fields = checkPart(exact, operation.upload?.fields, raw, style)
  refuseUnstorable(fields, style, 0)
  // The contract's types say what has passed its schema.
  return fields as never
}

/** What is wrong with an answer, or `undefined`: the server checks its own honesty in development and tests. */
export function describeWrongAnswer(operation: Operation, answer: unknown): string | undefined {
  const validate = validatorFor(checking, operation.returns, answers)
  if (validate(JSON.parse(JSON.stringify(answer ?? null)))) return undefined
  return checking.errorsText(validate.errors)
}

function checkPart(ajv: Ajv, schema: object | undefined, value: unknown, style: ValidationStyle): unknown {
  if (schema === undefined) return undefined
  const validate = validatorFor(ajv, schema)
  if (validate(value)) return value
  const found = validate.errors ?? []
  throw new Malformed(style === 'match' ? matchText(found, value) : schemaText(found), style, fieldOf(found[0]))
}

/** The words that clients compare as a whole (contract §G.3), so the field is told beside them. */
function schemaText(found: ErrorObject[]): string {
  return found.map(({ message = 'is not valid' }) => message).join('\n ')
}

function fieldOf(error: ErrorObject | undefined): string | undefined {
  return error?.instancePath.split('/').filter(Boolean).join('.') || undefined
}

/** The texts of the old `check` package, which clients of these operations recognise. */
function matchText(found: ErrorObject[], value: unknown): string {
  const error = found[0]
  if (error === undefined) return 'Match error'
  const path = error.instancePath
    .slice(1)
    .replaceAll(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
  if (error.keyword === 'required') {
    const { missingProperty } = error.params as { missingProperty: string }
    return `Match error: Missing key '${missingProperty}'${path === '' ? '' : ` in field ${path}`}`
  }
  const inField = path === '' ? '' : ` in field ${path}`
  if (error.keyword === 'type') {
    const expected = String((error.params as { type: unknown }).type)
    return `Match error: Expected ${expected}, got ${kindOf(valueAt(value, error.instancePath))}${inField}`
  }
  return `Match error: ${error.message ?? 'Failed validation'}${inField}`
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split('/')
    .filter(Boolean)
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/**
 * `agents[]=a` means the array `agents`, also with a single value (contract §D.3). Without a prototype, so that
 * `__proto__[]` is a key like any other.
 */
function foldArrays(query: unknown): Record<string, unknown> {
  const folded = Object.create(null) as Record<string, unknown>
  for (const [key, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    if (key.endsWith('[]')) folded[key.slice(0, -2)] = Array.isArray(value) ? value : [value]
    else folded[key] = value
  }
  return folded
}

/** PostgreSQL cannot store NUL, and a lone surrogate would not come back as it was sent (promises A38). */
function refuseUnstorable(value: unknown, style: ValidationStyle, depth: number): void {
  if (depth > maxDepth)
    throw new Malformed(style === 'match' ? 'Match error: too deep' : 'must not be nested so deeply', style)
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed())
      throw new Malformed(
        style === 'match' ? 'Match error: text is not well-formed' : 'must be well-formed text',
        style,
      )
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, part] of Object.entries(value)) {
      refuseUnstorable(key, style, depth)
      refuseUnstorable(part, style, depth + 1)
    }
  }
}
