// Values of the shapes that operations take, made from the contract.

/** What this looks at of a schema. */
export interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  const?: unknown
  minLength?: number
}

/** The first alternative that is not null. */
export function plain(schema: Schema): Schema {
  return schema.anyOf?.find(({ type }) => type !== 'null') ?? schema
}

/** A value of this shape. */
export function exampleOf(given: Schema): unknown {
  const schema = plain(given)
  if (schema.enum) return schema.enum[0]
  if (schema.const !== undefined) return schema.const
  if (schema.type === 'object')
    return Object.fromEntries((schema.required ?? []).map((name) => [name, exampleOf(schema.properties![name]!)]))
  return { string: 'x', boolean: true, integer: 1, number: 1, array: [] }[schema.type ?? 'string']
}
