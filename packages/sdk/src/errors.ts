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

/** Arguments that cannot be sent: code 400, as existing callers expect from their own mistakes. */
export function refusedArgument(message: string, cause?: unknown): APIError {
  return new APIError(400, message, 'SDK', undefined, cause === undefined ? undefined : { cause })
}

/** No answer came: code 0, and what went wrong in `cause`. */
export function noAnswer(message: string, cause: unknown): APIError {
  return new APIError(0, message, 'SDK', undefined, { cause })
}

/** An answer other than success. Staff routes say `message`, visitor routes `error`, uploads `reason` (contract §G.3). */
export function refusedByServer(status: number, body: unknown): APIError {
  const isObject = typeof body === 'object' && body !== null
  const { message, error, reason } = (isObject ? body : {}) as Record<string, unknown>
  const said = [message, error, reason].find((text) => typeof text === 'string' && text !== '')
  const unsaid = isObject ? 'The server gave no reason.' : 'The server did not answer with a JSON object.'
  return new APIError(status, typeof said === 'string' ? said : unsaid, 'API', body)
}
