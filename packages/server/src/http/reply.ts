import type { Operation } from '@deskbell/contract/operation.ts'
import { busy, formOf, malformed, refusal, retryAfterOf, tooManyRequests } from '@deskbell/contract/refusals.ts'
import { ApiError } from '../api-error.ts'
import { QueueFull, RuleTooSlow, StartOver } from '../database/transaction.ts'
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

const saysBusy = [QueueFull, RuleTooSlow, StartOver, PatternsBusy, DiskNearlyFull]

/** What a thrown thing becomes on the wire, or `undefined` for a fault of ours. */
export function replyTo(error: unknown, operation: Operation): Reply | undefined {
  if (error instanceof Malformed) return malformed(error.style, error.message, error.field)
  // Nothing was written: the caller may come back. After a failed commit that is not sure, so it is not said there.
  if (saysBusy.some((kind) => error instanceof kind)) return { ...busy, headers: { 'retry-after': '1' } }
  if (!(error instanceof ApiError)) return undefined
  const form = formOf(operation, error.code)
  if (form === undefined) return undefined
  if (form === 'tooMany') return slowDown(retryAfterOf(error.details))
  return refusal(form, error)
}
