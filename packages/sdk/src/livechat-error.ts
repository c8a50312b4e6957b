import { Failed, isPassing, wordsOf } from './failure.ts'
import type { Failure } from './failure.ts'
import type { WireErrorCode } from './answers.ts'

/** What goes wrong without an answer of the server, or where its answer has no code. */
export type OwnErrorCode =
  /** An argument that cannot be sent. */
  | 'invalid-argument'
  /** The network failed, or the server could not be reached. */
  | 'no-answer'
  /** No answer in time. */
  | 'timeout'
  /** The caller's signal ended it. */
  | 'aborted'
  /** What needs the live connection was asked for while there is none, or it broke before the answer. */
  | 'not-connected'
  /** Something was asked of a session that has ended. */
  | 'session-ended'
  /** The server no longer takes the credentials: token, password. */
  | 'signed-out'
  /** There is no conversation to do this in. */
  | 'no-room'
  /** The server refused in words that hold no code; `message` has them. */
  | 'refused'
  /** The server failed (a status from 500 on). */
  | 'server-failed'

/** Every code that is known; a server of another kind or age may send others. */
export type LivechatErrorCode = OwnErrorCode | WireErrorCode | (string & Record<never, never>)

/** What is known of a failure beside its code and words. */
export interface ErrorDetails {
  /** HTTP status; 0 when no answer came or there was no HTTP. */
  status?: number
  /** Whether the same call may succeed later without anything being changed. */
  retryable?: boolean
  /** Under which the server's log tells more. */
  requestId?: string | undefined
  /** How long the server asked to wait, in milliseconds. */
  retryAfterMs?: number | undefined
  /** The body of the server's answer. */
  details?: unknown
  cause?: unknown
}

/** Every failure of a session. */
export class LivechatError extends Error {
  override readonly name = 'LivechatError'
  readonly code: LivechatErrorCode
  readonly status: number = 0
  readonly retryable: boolean = false
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined
  readonly details: unknown

  constructor(code: LivechatErrorCode, message: string, { cause, ...known }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, known)
  }
}

/** Also of errors that another copy of this library made: a page may hold both of its formats. */
export function isLivechatError(error: unknown): error is LivechatError {
  return error instanceof Error && error.name === 'LivechatError'
}

/** A failure of a call in the words of a session; what is one already, or something else, stays what it is. */
export function asLivechatError(thrown: unknown): unknown {
  return thrown instanceof Failed ? livechatErrorOf(thrown.failure) : thrown
}

function livechatErrorOf(failure: Failure): LivechatError {
  if (failure.kind !== 'refused') {
    const { kind, message, cause } = failure
    return new LivechatError(kind, message, { retryable: kind === 'no-answer' || kind === 'timeout', cause })
  }
  const { status, body, requestId, retryAfterMs } = failure
  const retryable = isPassing(status) || status === 408 || status >= 500
  const code = status === 401 ? 'signed-out' : (codeOf(body) ?? (status >= 500 ? 'server-failed' : 'refused'))
  return new LivechatError(code, wordsOf(body), { status, retryable, requestId, retryAfterMs, details: body })
}

/** The code in an answer: as `errorType`, at the end of the sentence in brackets, or as the whole text (contract §G.3). */
function codeOf(body: unknown): string | undefined {
  const { errorType, error, reason } = Object(body) as Record<string, unknown>
  if (typeof errorType === 'string') return errorType
  const text = [error, reason].find((value) => typeof value === 'string')
  return typeof text === 'string' ? (/\[([\w-]+)\]$/.exec(text)?.[1] ?? /^[\w-]+$/.exec(text)?.[0]) : undefined
}
