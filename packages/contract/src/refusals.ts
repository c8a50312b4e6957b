import { errors, type ErrorCode } from './errors.ts'
import type { ErrorForm, Operation, ValidationStyle } from './operation.ts'

/** A refused call on the wire. The server sends these and the API document shows them: one table for both. */
export interface Refusal {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** A code with what one occasion adds to it. */
export interface Refused {
  code: ErrorCode
  /** The sentence for people; absent: that of the table of codes, where it has one. */
  reason?: string | undefined
  details?: unknown
}

/** Errors that any operation may answer without declaring them: they come from the plumbing. */
const everywhere: Partial<Record<ErrorCode, ErrorForm>> = {
  'error-unauthorized': 'withCode',
  unauthorized: 'forbidden',
  'error-invalid-sort': 'withCode',
  'error-invalid-fields': 'withCode',
  'error-invalid-query': 'withCode',
}

/** How the operation declares this code to travel, or `undefined` where it does not declare it. */
export function formOf(operation: Operation, code: ErrorCode): ErrorForm | undefined {
  return operation.errors[code] ?? everywhere[code]
}

/** A code in one of the wire's forms (contract §G.3). */
export function refusal(form: ErrorForm, refused: Refused): Refusal {
  return forms[form]({ ...refused, reason: refused.reason ?? infoOf(refused.code).reason })
}

/** The answer to a call whose credentials are missing or wrong (contract §G.2). */
export const notSignedIn: Refusal = {
  status: 401,
  body: { success: false, status: 'error', message: 'You must be logged in to do this.' },
}

/** The answer to a caller without the permission an operation names. */
export const notPermitted: Refusal = failure(403, {
  error: 'User does not have the permissions required for this action [error-unauthorized]',
})

/** The answer over a rate limit (contract §G.3, §G.5). */
export function tooManyRequests(retryAfterSeconds: number): Refusal {
  const error =
    `Error, too many requests. Please slow down. You must wait ${retryAfterSeconds} seconds before trying this ` +
    'endpoint again. [error-too-many-requests]'
  return failure(429, { error, errorType: 'error-too-many-requests' })
}

/** The seconds that the details of `error-too-many-requests` ask for; a minute where they ask for nothing. */
export function retryAfterOf(details: unknown): number {
  return (details as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds ?? 60
}

/** The answer to a request that does not have the documented shape; `text` says what is wrong with it, and `field` where. */
export function malformed(style: ValidationStyle, text: string, field?: string): Refusal {
  if (style === 'match') return failure(400, { error: text })
  return failure(400, {
    error: style === 'schema' ? `${text} [invalid-params]` : text,
    errorType: 'invalid-params',
    ...(field !== undefined && { details: { field } }),
  })
}

/** The answer while more wait for the disk than the server lets in. */
export const busy: Refusal = failure(503, { error: 'The server is busy. Try again.' })

/** The answer while the disk takes no more: nothing was written, and what only reads is answered. */
export const noSpace: Refusal = failure(503, {
  error: 'The server cannot store anything at the moment. Try again later.',
})

/** The answer to a fault of the server: nothing of it but the id under which its log tells the rest. */
export function internalError(requestId: string): Refusal {
  // The spelling is upstream's; there may be clients that compare it.
  return failure(500, { error: 'Internal error occured', requestId })
}

const forms: Record<ErrorForm, (refused: Refused) => Refusal> = {
  bare: ({ code }) => failure(400, { error: code }),
  withCode: ({ code, reason, details }) =>
    failure(400, {
      error: reason === undefined ? `[${typeOf(code)}]` : `${reason} [${typeOf(code)}]`,
      errorType: typeOf(code),
      ...(details !== undefined && { details }),
    }),
  text: ({ code, reason }) => failure(400, { error: reason ?? code }),
  textWithType: ({ code, reason }) => failure(400, { error: reason ?? code, errorType: typeOf(code) }),
  empty: () => failure(400, {}),
  reason: ({ code, details }) => failure(400, { reason: code, ...(details as object | undefined) }),
  forbidden: ({ code }) => failure(403, { error: code }),
  notFound: ({ code, reason }) => failure(404, { error: reason ?? code }),
  tooMany: ({ details }) => tooManyRequests(retryAfterOf(details)),
  signIn: () => ({ status: 401, body: { status: 'error', error: 'Unauthorized', message: 'Unauthorized' } }),
}

function failure(status: number, rest: Record<string, unknown>): Refusal {
  return { status, body: { success: false, ...rest } }
}

function typeOf(code: ErrorCode): string {
  return infoOf(code).type ?? code
}

function infoOf(code: ErrorCode): { reason?: string; type?: string } {
  return errors[code]
}
