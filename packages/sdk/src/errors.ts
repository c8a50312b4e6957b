import { Failed, wordsOf } from './failure.ts'
import type { Failure } from './failure.ts'

/** Where a failure was decided: by the server's answer (`API`), or before or instead of an answer (`SDK`). */
export type ErrorType = 'API' | 'SDK'

/**
 * Every failure of a call. `code` is the HTTP status of an answer, 400 for arguments refused before sending, 0 when no
 * answer came (then `cause` says why). `details` is the whole body of the server's answer.
 */
export class APIError extends Error {
  override readonly name = 'APIError'
  code: number
  errorType: ErrorType
  // Callers of `rocketchat-livechat-sdk` read properties of it without narrowing first.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  details?: any

  // eslint-disable-next-line max-params -- the first four are the signature existing callers know
  constructor(code: number, message: string, errorType: ErrorType, details?: unknown, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.errorType = errorType
    this.details = details
  }
}

/** A failure in the words of `RocketChatLivechat`; what is no failure of a call stays what it is. */
export function asAPIError(thrown: unknown): unknown {
  return thrown instanceof Failed ? apiErrorOf(thrown.failure) : thrown
}

function apiErrorOf(failure: Failure): APIError {
  if (failure.kind === 'refused') return new APIError(failure.status, wordsOf(failure.body), 'API', failure.body)
  const { kind, message, cause } = failure
  // 400, as existing callers expect from their own mistakes.
  const code = kind === 'invalid-argument' ? 400 : 0
  return new APIError(code, message, 'SDK', undefined, cause === undefined ? undefined : { cause })
}
