import { Inquiry } from './entities/inquiry.ts'
import { Message } from './entities/message.ts'
import { Room } from './entities/room.ts'
import { Account, Agent, User } from './entities/user.ts'
import { AgentInfo, Visitor } from './entities/visitor.ts'

/** A schema as plain JSON, without what TypeBox hides in it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The shapes that the document names; everything else is written where it is used. */
const named: Readonly<Record<string, object>> = { Visitor, Room, Message, Inquiry, AgentInfo, Agent, User, Account }

/** What every refusal has in common; each operation lists its own. */
const refusals: Readonly<Record<string, JsonSchema>> = {
  Refusal: {
    type: 'object',
    required: ['success'],
    properties: {
      success: { const: false },
      error: { type: 'string', description: 'A code, or a sentence that may end in `[code]`' },
      errorType: { type: 'string', description: 'The code, where `error` is a sentence' },
      details: { description: 'What else is known of it' },
      requestId: { type: 'string', description: 'Under which the log of the server tells more' },
    },
  },
  NotSignedIn: {
    type: 'object',
    required: ['status', 'message'],
    properties: {
      success: { const: false },
      status: { const: 'error' },
      error: { type: 'string' },
      message: { type: 'string' },
    },
  },
}

const refOf: ReadonlyMap<string, string> = new Map(
  Object.entries(named).map(([name, schema]) => [JSON.stringify(schema), `#/components/schemas/${name}`]),
)

/** Every schema that the document names. */
export function componentSchemas(): Record<string, unknown> {
  const shapes = Object.entries(named).map(([name, schema]) => [name, referWithin(plain(schema))])
  return { ...(Object.fromEntries(shapes) as Record<string, unknown>), ...refusals }
}

/** A schema for the document: plain JSON, with named shapes by reference. */
export function asJson(schema: object): JsonSchema {
  return refer(plain(schema)) as JsonSchema
}

/** The properties of an object schema; none for no schema. */
export function partsOf(schema: object | undefined): {
  properties: Readonly<Record<string, JsonSchema>>
  required: readonly string[]
} {
  const { properties = {}, required = [] } = (schema === undefined ? {} : asJson(schema)) as {
    properties?: Record<string, JsonSchema>
    required?: string[]
  }
  return { properties, required }
}

function refer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(refer)
  if (typeof value !== 'object' || value === null) return value
  const known = refOf.get(JSON.stringify(value))
  if (known !== undefined) return { $ref: known }
  return referWithin(value)
}

function referWithin(schema: object): object {
  return Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, refer(part)]))
}

function plain(schema: object): object {
  return JSON.parse(JSON.stringify(schema)) as object
}
