import type { ErrorCode } from '@deskbell/contract/errors.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import { ApiError } from '../api-error.ts'
import type { SignedIn, TokenGuard } from '../context.ts'
import type { Call } from './dispatch.ts'
import type { LimitedCall, RateLimiter, Taken } from './rate-limit.ts'
import { slowDown, type Reply } from './reply.ts'

/** The limiter at this moment; `undefined` while limits are off. */
export type LimiterNow = () => Promise<RateLimiter | undefined>

export interface LimiterOptions {
  limiter: RateLimiter | undefined
  /** How much the settings widen or narrow the limits now; `undefined` where they switch them off. Absent: as they are. */
  limitScale?: (() => Promise<number | undefined>) | undefined
}

/** The limiter as the settings want it. */
export function makeLimiterNow({ limiter, limitScale }: LimiterOptions): LimiterNow {
  return async () => {
    if (limiter === undefined || limitScale === undefined) return limiter
    const scale = await limitScale()
    if (scale === undefined) return undefined
    limiter.scaleTo(scale)
    return limiter
  }
}

/** How one call stands with the limiter. */
export interface Limited {
  /** The answer, where the call is refused. */
  refusal?: Reply
  /** What the caller is told of the limit with any other answer. */
  headers: Record<string, string>
  /** Told how the call ended: a wrong visitor token costs the address, a right one vouches for the caller. */
  note: (error: unknown) => Reply | undefined
  tokens: TokenGuard
}

const unguarded: TokenGuard = { mayLookUp: () => true, noteUnknown: () => undefined }
const unlimited: Limited = { headers: {}, note: () => undefined, tokens: unguarded }

/** What operations for visitors say of an unknown token (contract §G.3: each has its own words). */
const saysUnknown = new Set<ErrorCode>(['invalid-token', 'unauthorized', 'error-invalid-visitor'])

/** Counts a call, per visitor token or user and per address (contract §G.5, promises A1 and A14). */
export function limitCall(
  limiter: RateLimiter | undefined,
  operation: Operation,
  call: Call,
  user: SignedIn | undefined,
): Limited {
  if (limiter === undefined || user?.can('api-bypass-rate-limit') === true) return unlimited
  const caller = user?.id ?? visitorTokenOf(operation, call)
  const counted: LimitedCall = {
    limitClass: operation.limit,
    operation: call.key,
    address: call.request.address,
    ...(caller !== undefined && { caller }),
  }
  const taken = limiter.take(counted)
  const headers = headersOf(taken)
  if (!taken.allowed) return { refusal: refusalFrom(taken), headers, note: () => undefined, tokens: unguarded }
  return {
    headers,
    tokens: { mayLookUp: () => limiter.mayGuess(counted), noteUnknown: () => limiter.noteUnknown(counted) },
    note(error) {
      if (error === undefined && user === undefined) limiter.recognise(counted)
      if (!isGuess(error, user)) return undefined
      const penalty = limiter.penalise(call.request.address, 'unknown-token')
      return penalty.allowed ? undefined : refusalFrom(penalty)
    },
  }
}

/** Staff are told `unauthorized` for many reasons, none of which is a visitor's token. */
function isGuess(error: unknown, user: SignedIn | undefined): boolean {
  if (!(error instanceof ApiError)) return false
  return user === undefined ? saysUnknown.has(error.code) : error.code === 'invalid-token'
}

function refusalFrom(taken: Taken & { allowed: false }): Reply {
  const reply = slowDown(taken.retryAfterSeconds)
  return { ...reply, headers: { ...headersOf(taken), ...reply.headers } }
}

function headersOf(taken: Taken): Record<string, string> {
  return {
    'x-ratelimit-limit': String(taken.limit),
    'x-ratelimit-remaining': String(taken.remaining),
    'x-ratelimit-reset': String(taken.resetAtMs),
  }
}

/** The visitor token that the handler will go by: other places that carry one must not decide whose call this is. */
function visitorTokenOf(operation: Operation, { input, request }: Call): string | undefined {
  const { visitor } = (input.body ?? {}) as { visitor?: unknown }
  const places: [schema: object | undefined, part: unknown][] = [
    [operation.params, input.params],
    [operation.body, input.body],
    [operation.query, input.query],
    [operation.wrapper === 'visitor' ? { properties: { token: true } } : undefined, visitor],
  ]
  for (const [schema, part] of places) {
    const token = declaresToken(schema) ? (part as { token?: unknown } | null | undefined)?.token : undefined
    if (typeof token === 'string' && token !== '') return token
  }
  return request.visitorToken
}

function declaresToken(schema: object | undefined): boolean {
  return 'token' in ((schema as { properties?: object } | undefined)?.properties ?? {})
}
