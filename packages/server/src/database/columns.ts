import type { ColumnDataType, Expression } from 'kysely'

type ColumnType = ColumnDataType | Expression<unknown>

/**
 * The only kinds of column a migration may use: what both databases understand alike.
 * - `id`: ids we make ourselves, sortable by time
 * - `text`: anything else in words; compares byte by byte on both databases
 * - `time`: ISO-8601 UTC with milliseconds: sorts, reads and travels as it is
 * - `count`: whole numbers up to 2^53
 * - `real`: measured numbers
 * - `flag`: 0 or 1, turned into a boolean by the row reader
 * - `json`: stored and returned whole, never queried into
 */
export interface ColumnKinds {
  id: ColumnType
  text: ColumnType
  time: ColumnType
  count: ColumnType
  real: ColumnType
  flag: ColumnType
  json: ColumnType
}

/** 0 or 1, as a `flag` column stores it. */
export function toFlag(value: boolean): number {
  return value ? 1 : 0
}

/** The value of a `json` column, or `undefined` where nothing is stored. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- whoever stored the value knows its type
export function fromJson<Value>(stored: string | null): Value | undefined {
  return stored === null ? undefined : (JSON.parse(stored) as Value)
}

/** A value for a `json` column; nothing and empty are both stored as null. */
export function toJson(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value)
}

/** Columns without a value become absent keys: absence means something on the wire, null does not. */
export type WithoutNulls<Columns> = {
  [Key in keyof Columns as null extends Columns[Key] ? never : Key]: Columns[Key]
} & { [Key in keyof Columns as null extends Columns[Key] ? Key : never]?: NonNullable<Columns[Key]> }

/** Leaves out the keys whose value is null or undefined. */
export function withoutNulls<Columns extends object>(columns: Columns): WithoutNulls<Columns> {
  const present: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(columns)) if (value !== null && value !== undefined) present[key] = value
  return present as WithoutNulls<Columns>
}
