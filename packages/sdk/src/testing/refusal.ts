import type { ErrorCode } from '@deskbell/contract/errors.ts'

/** A refused call, as it travels (contract §G.3). */
export class Refused extends Error {
  override name = 'Refused'
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(JSON.stringify(body))
    this.status = status
    this.body = body
  }
}

export function bare(code: ErrorCode): Refused {
  return new Refused(400, { success: false, error: code })
}

export function withCode(code: ErrorCode, reason?: string): Refused {
  const error = reason === undefined ? `[${code}]` : `${reason} [${code}]`
  return new Refused(400, { success: false, error, errorType: code })
}

export function forbidden(code: ErrorCode): Refused {
  return new Refused(403, { success: false, error: code })
}

export function inWords(reason: string): Refused {
  return new Refused(400, { success: false, error: reason })
}

export const notSignedIn = new Refused(401, {
  success: false,
  status: 'error',
  message: 'You must be logged in to do this.',
})

export const signInFailed = new Refused(401, { status: 'error', error: 'Unauthorized', message: 'Unauthorized' })

export const notPermitted = new Refused(403, {
  success: false,
  error: 'User does not have the permissions required for this action [error-unauthorized]',
})

export const noFile = new Refused(400, {
  success: false,
  error: '[No file uploaded]',
  errorType: 'No file uploaded',
})

export const noSuchOperation = new Refused(404, { success: false, error: 'API endpoint not found' })
