import { settings as catalogue, type Settings } from './areas/settings/catalogue.ts'
import { ApiError } from './api-error.ts'
import { readFields } from './fields.ts'

/** What a caller asks of a list (contract §G.4), as it comes off the wire. */
export interface PageQuery {
  offset?: number | undefined
  count?: number | undefined
  /** JSON: `{"field": 1 or -1, …}`. */
  sort?: string | undefined
  fields?: string | undefined
  query?: string | undefined
}

export interface Order<Column extends string> {
  column: Column
  direction: 'asc' | 'desc'
}

/** Which rows of a list to answer. Stores add the id as the last column, so that pages never overlap. */
export interface Page<Column extends string> {
  offset: number
  limit: number
  /** Rows without a value come first ascending and last descending (contract §G.4). */
  order: readonly Order<Column>[]
}

type CountSettings = Pick<Settings, 'API_Default_Count' | 'API_Upper_Count_Limit' | 'API_Allow_Infinite_Count'>

/**
 * The page that `query` asks for. `columns` says which wire field is which column; other fields are ignored, and where
 * none is left `fallback` is the order. `count` never passes `API_Upper_Count_Limit`: `count=0` asks for that many
 * (promises A37). `fields` and `query` must be what they claim to be; `fields` is applied to the answer (http/dispatch.ts),
 * and `query` is ignored, as on newer servers: what a list can be asked has parameters of its own.
 * @throws `error-invalid-sort`, `error-invalid-fields`, `error-invalid-query`
 */
export function readPage<Column extends string>(
  query: PageQuery,
  settings: CountSettings,
  columns: Readonly<Record<string, Column>>,
  fallback: readonly Order<NoInfer<Column>>[],
): Page<Column> {
  const order = readOrder(query.sort, columns)
  refuseUnreadable(query)
  return {
    offset: Math.min(query.offset ?? 0, Number.MAX_SAFE_INTEGER),
    limit: limitOf(query.count, settings),
    order: order.length > 0 ? order : fallback,
  }
}

/** The most rows that any list answers. */
export function mostRows(settings: Pick<Settings, 'API_Upper_Count_Limit'>): number {
  return positive(settings.API_Upper_Count_Limit, catalogue.API_Upper_Count_Limit.default)
}

function limitOf(count: number | undefined, settings: CountSettings): number {
  const most = mostRows(settings)
  const usual = Math.min(positive(settings.API_Default_Count, catalogue.API_Default_Count.default), most)
  if (count === undefined) return usual
  if (count === 0) return settings.API_Allow_Infinite_Count ? most : usual
  return Math.min(count, most)
}

/** A limit that an administrator set to nothing would answer nothing: the default counts instead. */
function positive(value: number, fallback: number): number {
  return value >= 1 ? Math.floor(value) : fallback
}

function readOrder<Column extends string>(
  raw: string | undefined,
  columns: Readonly<Record<string, Column>>,
): Order<Column>[] {
  if (isBlank(raw)) return []
  const asked = parseObject(raw)
  if (asked === undefined || !Object.values(asked).every((way) => way === 1 || way === -1))
    throw new ApiError('error-invalid-sort', { reason: `Invalid sort parameter provided: "${raw}"` })
  return Object.entries(asked).flatMap(([field, way]) => {
    const column = Object.hasOwn(columns, field) ? columns[field] : undefined
    return column === undefined ? [] : [{ column, direction: way === 1 ? 'asc' : 'desc' }]
  })
}

function refuseUnreadable({ fields, query }: PageQuery): void {
  if (!isBlank(fields) && readFields(fields) === undefined)
    throw new ApiError('error-invalid-fields', { reason: `Invalid fields parameter provided: "${fields}"` })
  if (!isBlank(query) && parseObject(query) === undefined)
    throw new ApiError('error-invalid-query', { reason: `Invalid query parameter provided: "${query}"` })
}

/** A parameter without a value asks for nothing. */
function isBlank(raw: string | undefined): raw is '' | undefined {
  return raw === undefined || raw === ''
}

/** The JSON object in a text, or `undefined`. */
function parseObject(text: string): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : undefined
}
