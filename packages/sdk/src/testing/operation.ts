import type { Contract } from '@deskbell/contract/contract.ts'
import type { Input, Output } from '@deskbell/contract/operation.ts'
import type { DeskAgent } from './desk-model.ts'
import { Refused } from './refusal.ts'

/** A file that came in. */
export interface ReceivedFile {
  name: string
  type: string
  size: number
  description: string | undefined
}

/** What came with a call. */
export type Given<Key extends keyof Contract> = Input<Contract[Key]> & {
  /** Of operations that take one. */
  file: ReceivedFile | undefined
  headers: Headers
  /** Who is signed in; only of operations of the staff. */
  caller: DeskAgent
}

/** An operation as the fake server serves it. The contract's types hold its answer against the real one's. */
export interface Served<Key extends keyof Contract> {
  /** Whether only the staff may call it. */
  isStaffs?: true
  /** Keys of query or body without which it is refused. */
  requires?: readonly string[]
  /** Sent as it is, without `success`. */
  isPlain?: true
  answer: (given: Given<Key>) => Output<Contract[Key]>
}

export type Table<Keys extends keyof Contract> = { [Key in Keys]: Served<Key> }

/** A request without a key that it must have. */
export function missing(key: string): Refused {
  const error = `must have required property '${key}' [invalid-params]`
  return new Refused(400, { success: false, error, errorType: 'invalid-params' })
}

/** A page of a list, with what every list answers beside its rows. */
export function pageOf<Name extends string, Row>(
  { offset = 0, count = 50 }: { offset?: number; count?: number },
  name: Name,
  rows: readonly Row[],
) {
  const shown = rows.slice(offset, offset + count)
  return { [name]: shown, count: shown.length, offset, total: rows.length } as Record<Name, Row[]> & {
    count: number
    offset: number
    total: number
  }
}
