import { Type as t, type TSchema } from 'typebox'

/** An opaque id in a path, a query or a body. */
export const Id = t.String({ minLength: 1, maxLength: 256 })

/** A message id that a client may choose (promises A8). */
export const MessageId = t.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })

/** The visitor's bearer secret, chosen by the client. */
export const Token = t.String({ maxLength: 256 })

/** ISO-8601 UTC with milliseconds. */
export const Time = t.String({ description: 'ISO-8601 UTC with milliseconds' })

/** A field that may be missing or null. */
export function Maybe<Schema extends TSchema>(schema: Schema) {
  return t.Optional(t.Union([schema, t.Null()]))
}

// A number, because the wire calls it so where it is none: `must be number` (contract §G.4).
const Rows = t.Number({ minimum: 0, multipleOf: 1 })

/** What every list takes (contract §G.4). */
export const pageQuery = {
  offset: t.Optional(Rows),
  count: t.Optional(Rows),
  sort: t.Optional(t.String({ maxLength: 1_000, description: 'JSON: fields and 1 or -1, in this order' })),
  fields: t.Optional(
    t.String({ maxLength: 1_000, description: 'JSON: fields and 1 to show only these, or 0 to leave them out' }),
  ),
  query: t.Optional(t.String({ maxLength: 1_000, description: 'JSON; accepted for old clients, and not applied' })),
}

/** What every list answers beside its rows. */
export const pageAnswer = { count: t.Integer(), offset: t.Integer(), total: t.Integer() }

/** An answer that says nothing but `success`. */
export const Nothing = t.Object({})

/** A person as others see them. */
export const Person = t.Object({ _id: t.String(), username: t.String(), name: t.Optional(t.String()) })

/** Of an agent in answers to visitors. */
export const AgentName = t.Optional(
  t.String({ description: 'Not for visitors while `Livechat_show_agent_info` is off' }),
)
