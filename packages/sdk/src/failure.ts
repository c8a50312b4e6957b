/** What went wrong with a call, before the two kinds of callers are told in their own words (errors.ts, livechat-error.ts). */
export type Failure =
  /** It could not be sent. */
  | { kind: 'invalid-argument'; message: string; cause?: unknown }
  /** No answer came. */
  | { kind: 'no-answer' | 'timeout' | 'aborted'; message: string; cause: unknown }
  /** The server answered something else than success. */
  | {
      kind: 'refused'
      status: number
      body: unknown
      requestId?: string | undefined
      retryAfterMs?: number | undefined
    }

/** A failure on its way through the code; it never reaches a caller. */
export class Failed extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.kind)
    this.failure = failure
  }
}

/** Arguments that cannot be sent. */
export function refusedArgument(message: string, cause?: unknown): Failed {
  return new Failed({ kind: 'invalid-argument', message, cause })
}

/** What the server said. Staff routes say `message`, visitor routes `error`, uploads `reason` (contract §G.3). */
export function wordsOf(body: unknown): string {
  const isObject = typeof body === 'object' && body !== null
  const { message, error, reason } = (isObject ? body : {}) as Record<string, unknown>
  const said = [message, error, reason].find((text) => typeof text === 'string' && text !== '')
  if (typeof said === 'string') return said
  return isObject ? 'The server gave no reason.' : 'The server did not answer with a JSON object.'
}

/** Statuses of a failure that may pass. */
export function isPassing(status: number): boolean {
  return [429, 502, 503, 504].includes(status)
}
