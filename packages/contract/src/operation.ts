import type { Static, TSchema } from 'typebox'
import type { ErrorCode } from './errors.ts'

/**
 * How an error code travels (contract §G.3). The wire has several forms for historical reasons; clients of ten years
 * match on them, so each operation names the form of each of its errors.
 *
 * | form | status | body |
 * |---|---|---|
 * | `bare` | 400 | `{success:false, error:"<code>"}` |
 * | `withCode` | 400 | `{success:false, error:"<reason> [<code>]", errorType:"<code>"}` |
 * | `text` | 400 | `{success:false, error:"<reason>"}` |
 * | `textWithType` | 400 | `{success:false, error:"<reason>", errorType:"<code>"}` |
 * | `empty` | 400 | `{success:false}` |
 * | `reason` | 400 | `{success:false, reason:"<code>"}` and what the details name |
 * | `forbidden` | 403 | `{success:false, error:"<code>"}` |
 * | `notFound` | 404 | `{success:false, error:"<reason>"}` |
 * | `tooMany` | 429 | `{success:false, error:"Error, too many requests. … [error-too-many-requests]"}` |
 * | `signIn` | 401 | `{status:"error", error:"Unauthorized", message:"Unauthorized"}` |
 */
export type ErrorForm =
  'bare' | 'withCode' | 'text' | 'textWithType' | 'empty' | 'reason' | 'forbidden' | 'notFound' | 'tooMany' | 'signIn'

/** Who may call: anyone, any signed-in user, a holder of one permission, of any of several, or of all of several. */
export type Caller =
  'anyone' | 'user' | { permission: string } | { anyOf: readonly string[] } | { allOf: readonly string[] }

/**
 * How a malformed request is answered (contract §G.3): `schema` as `<messages> [invalid-params]`, `typed` the same
 * without the suffix, `match` as the old `Match error: …` texts.
 */
export type ValidationStyle = 'schema' | 'typed' | 'match'

/** Which bucket of the rate limiter a call is counted in; the figures are in the server's `limits` table. */
export type LimitClass =
  'open' | 'send' | 'write' | 'read' | 'lookup' | 'login' | 'staff' | 'remove' | 'letter' | 'mail' | 'transcript'

export interface Operation {
  readonly summary: string
  readonly description?: string
  readonly caller: Caller
  readonly limit: LimitClass
  /** Older and newer spellings of the same operation. Parameters keep their names. */
  readonly aliases?: readonly string[]
  readonly params?: TSchema
  readonly query?: TSchema
  readonly body?: TSchema
  /** Instead of a body: a form with one part `file`, and these texts beside it. */
  readonly upload?: { readonly fields: TSchema }
  readonly returns: TSchema
  readonly errors: Partial<Record<ErrorCode, ErrorForm>>
  readonly validation?: ValidationStyle
  /** A body without this key but with a top-level `token` is taken as the value of it (contract A.0.3). */
  readonly wrapper?: string
  /** `merged` adds `success: true` to the answer; `plain` sends it as it is (`login`, `logout`). */
  readonly envelope?: 'merged' | 'plain'
}

export type OperationTable = Readonly<Record<string, Operation>>

/** One area of the contract: the operations of one noun, and the heading they stand under in the API document. */
export function operations<const Table extends OperationTable>(tag: string, table: Table): Table {
  tags.set(table, tag)
  return table
}

const tags = new WeakMap<OperationTable, string>()

/** The heading given to `operations()`. */
export function tagOf(table: OperationTable): string {
  return tags.get(table) ?? 'Other'
}

type Part<Schema> = Schema extends TSchema ? Static<Schema> : undefined

/** What a handler of `Op` receives from the wire, validated and stripped of unknown keys. */
export interface Input<Op extends Operation> {
  readonly params: Part<Op['params']>
  readonly query: Part<Op['query']>
  readonly body: Part<Op['body']>
}

/** What an operation answers, without the envelope. */
export type Output<Op extends Operation> = Static<Op['returns']>
