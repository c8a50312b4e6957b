import { errors, type ErrorCode } from '@deskbell/contract/errors.ts'

interface Detail {
  /** The sentence for people, where the table of codes has none or a general one. */
  reason?: string
  details?: unknown
  cause?: unknown
}

/** A refusal: a code from the contract's table. The operation decides how it travels. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: ErrorCode
  readonly reason: string | undefined
  readonly details: unknown

  constructor(code: ErrorCode, { reason, details, cause }: Detail = {}) {
    const known: { reason?: string } = errors[code]
    super(code, { cause })
    this.code = code
    this.reason = reason ?? known.reason
    this.details = details
  }
}
