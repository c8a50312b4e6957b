import type { Operation } from '@deskbell/contract/operation.ts'
import {
  busy,
  formOf,
  malformed,
  noSpace,
  refusal,
  retryAfterOf,
  tooManyRequests,
  type Refusal,
} from '@deskbell/contract/refusals.ts'
import { ApiError } from '../api-error.ts'
import { DiskFull, QueueFull, RuleTooSlow, StartOver } from '../database/transaction.ts'
import { DiskNearlyFull } from '../files/files.ts'
import { PatternsBusy } from '../patterns/patterns.ts'
import { Malformed } from './validate.ts'

/** What goes back over the wire. */
export interface Reply {
  status: number
  headers?: Record<string, string>
  body: unknown
}

/** The answer over a rate limit, with the header that says when to come back. */
export function slowDown(retryAfterSeconds: number): Reply {
  return { ...tooManyRequests(retryAfterSeconds), headers: { 'retry-after': String(retryAfterSeconds) } }
}

const saysBusy = [QueueFull, RuleTooSlow, StartOver, PatternsBusy]
const saysNoSpace = [DiskFull, DiskNearlyFull]

/** Space takes a person to make. */
const NO_SPACE_PAUSE_SECONDS = 5

/**
 * What is wrong with the whole server at this moment becomes an answer that one may come back with the same call; `undefined`
 * for everything else. Nothing was written; after a failed commit that is not sure, so it is not said there.
 */
export function replyWhenUnable(error: unknown): Reply | undefined {
  if (saysBusy.some((kind) => error instanceof kind)) return comeBack(busy, 1)
  if (saysNoSpace.some((kind) => error instanceof kind)) return comeBack(noSpace, NO_SPACE_PAUSE_SECONDS)
  return undefined
}

function comeBack(refused: Refusal, afterSeconds: number): Reply {
  return { ...refused, headers: { 'retry-after': String(afterSeconds) } }
}

/** What a thrown thing becomes on the wire, or `undefined` for a fault of ours. */
export function replyTo(error: unknown, operation: Operation): Reply | undefined {
  if (error instanceof Malformed) return malformed(error.style, error.message, error.field)
  if (!(error instanceof ApiError)) return replyWhenUnable(error)
  const form = formOf(operation, error.code)
  if (form === undefined) return undefined
  if (form === 'tooMany') return slowDown(retryAfterOf(error.details))
  return refusal(form, error)
}
