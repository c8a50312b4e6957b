import { hash } from 'node:crypto'
import type { LimitClass } from '@deskbell/contract/operation.ts'
import { addressKey } from '../address-key.ts'
import { createBoundedTable, type BoundedTable } from './bounded-table.ts'

/** A bucket that holds `calls` and fills up evenly in `windowMs`: a burst of that size, then that many per window. */
export interface Budget {
  readonly calls: number
  readonly windowMs: number
}

export interface Limit {
  /** Per visitor token or per user. */
  readonly perCaller: Budget
  /** Per address, wider: an office behind one address shares it. */
  readonly perAddress: Budget
  /** All callers together; absent: no limit. */
  readonly perServer?: Budget
  /** Each operation of the class has buckets of its own. */
  readonly perOperation?: true
  /** Answers only to a visitor token that is known: closed to strangers whose address has guessed too many. */
  readonly needsKnownToken?: true
  /** What counts here, for the documents. */
  readonly meaning: string
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Every limit on calls. Sized so that fifty people who chat behind one address never meet one. */
export const limits: Readonly<Record<LimitClass | 'resource', Limit>> = {
  lookup: {
    // Any token is answered here, so this also bounds guessing tokens and collecting agents (promises A25).
    perCaller: { calls: 60, windowMs: MINUTE_MS },
    perAddress: { calls: 600, windowMs: MINUTE_MS },
    meaning: 'What a page asks before anybody is registered: the configuration, the next agent',
  },
  open: {
    // 5 in 60 s is contract §G.5; existing widgets stay below it.
    perCaller: { calls: 5, windowMs: MINUTE_MS },
    perAddress: { calls: 60, windowMs: MINUTE_MS },
    perOperation: true,
    meaning: 'Registering a visitor, opening a room',
  },
  send: {
    perCaller: { calls: 100, windowMs: MINUTE_MS },
    perAddress: { calls: 2000, windowMs: MINUTE_MS },
    needsKnownToken: true,
    meaning: 'A visitor sends messages',
  },
  write: {
    perCaller: { calls: 120, windowMs: MINUTE_MS },
    perAddress: { calls: 3000, windowMs: MINUTE_MS },
    needsKnownToken: true,
    meaning: 'A visitor changes something else: edits, status, closing',
  },
  read: {
    perCaller: { calls: 240, windowMs: MINUTE_MS },
    perAddress: { calls: 6000, windowMs: MINUTE_MS },
    needsKnownToken: true,
    meaning: 'A visitor reads: history, agent, room',
  },
  remove: {
    // Promises A13: five per address, however many tokens it shows.
    perCaller: { calls: 5, windowMs: MINUTE_MS },
    perAddress: { calls: 5, windowMs: MINUTE_MS },
    needsKnownToken: true,
    meaning: 'Deleting a visitor with everything they said',
  },
  login: {
    perCaller: { calls: 20, windowMs: MINUTE_MS },
    perAddress: { calls: 120, windowMs: MINUTE_MS },
    meaning: 'Signing in; failures slow down further attempts besides',
  },
  letter: {
    // Each call may put a letter into somebody's box; an office that sets up its desk behind one address passes.
    perCaller: { calls: 20, windowMs: MINUTE_MS },
    perAddress: { calls: 20, windowMs: MINUTE_MS },
    perOperation: true,
    meaning: 'What writes a letter: invitations, forgotten passwords; forms of pages, that set a password',
  },
  resource: {
    // Browsers load a page's pictures at once and keep them; an office does so at the same hour.
    perCaller: { calls: 1200, windowMs: MINUTE_MS },
    perAddress: { calls: 1200, windowMs: MINUTE_MS },
    meaning: 'What a browser loads outside the API: files, pictures, pages',
  },
  staff: {
    perCaller: { calls: 600, windowMs: MINUTE_MS },
    perAddress: { calls: 6000, windowMs: MINUTE_MS },
    meaning: 'Calls of signed-in staff and integrations',
  },
  mail: {
    // Promises A18: what strangers may have mailed, so that the desk's own mailbox is not flooded.
    perCaller: { calls: 5, windowMs: HOUR_MS },
    perAddress: { calls: 5, windowMs: HOUR_MS },
    perServer: { calls: 100, windowMs: HOUR_MS },
    perOperation: true,
    meaning: 'Leaving a message while nobody is there, which is mailed',
  },
  transcript: {
    // The address that a visitor registered with is what a stranger typed (promises A17): one who would have letters
    // sent to others has to move slowly, from everywhere together too.
    perCaller: { calls: 5, windowMs: HOUR_MS },
    perAddress: { calls: 10, windowMs: HOUR_MS },
    perServer: { calls: 200, windowMs: HOUR_MS },
    needsKnownToken: true,
    meaning: 'A visitor has a conversation mailed',
  },
}

/**
 * Transcripts that go to one address, whichever rooms they are of (promises A17): those that visitors ask for, and those
 * that are always sent when a chat ends. An address is what a visitor typed, and whoever has it may be a stranger.
 */
export const lettersPerRecipient = {
  asked: { calls: 3, windowMs: HOUR_MS },
  always: { calls: 10, windowMs: HOUR_MS },
} as const satisfies Record<string, Budget>

/** Unknown visitor tokens an address may show (promises A1): tokens are chosen by clients, so some can be guessed. */
export const unknownTokens: Budget = { calls: 20, windowMs: MINUTE_MS }

/**
 * Unknown tokens that an address may show where that is no error: every page that is loaded for the first time shows one,
 * and a whole town may sit behind one address. Apart from guesses, so that new visitors shut nobody out.
 */
export const newTokens: Budget = { calls: 120, windowMs: MINUTE_MS }

export interface LimitedCall {
  limitClass: keyof typeof limits
  /** The operation's key in the contract, whichever spelling was called. */
  operation: string
  /** The visitor token as sent, or the id of the *authenticated* user: a claimed one would let strangers drain it. */
  caller?: string
  address: string
}

/** `resetAtMs` is when the bucket is full again; limit and remaining are those of the tighter bucket. */
export type Taken =
  | { allowed: true; limit: number; remaining: number; resetAtMs: number }
  | { allowed: false; limit: number; remaining: 0; resetAtMs: number; retryAfterSeconds: number }

export interface RateLimiter {
  /** Counts a call, or refuses it; refused calls are not counted. */
  take(call: LimitedCall): Taken
  /**
   * Counts an answer that said a visitor token is unknown. Once refused, that answer becomes a 429 too, and `take`
   * refuses calls that need a known token from this address, *before* anybody looks: else every guess would still
   * be told right from wrong. Callers whom `recognise` has named go on undisturbed.
   */
  penalise(address: string, kind: 'unknown-token'): Taken
  /**
   * The same where an unknown token is no error. A page shows the token that it has chosen whenever it is loaded, so the
   * same one costs an address once a day.
   */
  noteUnknown(call: LimitedCall): void
  /** Whether the token of this call may still be looked up: not after too many guesses, but for recognised callers. */
  mayGuess(call: LimitedCall): boolean
  /**
   * Notes that a call with this token succeeded from this address, so that guessing neighbours do not shut it out.
   * Success in `lookup` proves nothing and is not noted.
   */
  recognise(call: LimitedCall): void
  /** From now on every number of calls is multiplied by this; at least one call stays. Guesses are not. */
  scaleTo(scale: number): void
}

export interface RateLimiterOptions {
  /** Milliseconds since the epoch. When the clock is set back, refilling goes on from there. */
  now: () => number
  /** Entries held in each table; a forgotten bucket starts full. */
  maxEntries?: number
}

const RECOGNISED_FOR_MS = 24 * 60 * MINUTE_MS

export interface Bucket {
  level: number
  atMs: number
  /** Full again, and so the same as none. */
  endsAtMs: number
}

/** A limiter in the memory of this process. */
export function createRateLimiter({ now, maxEntries = 50_000 }: RateLimiterOptions): RateLimiter {
  let scale = 1
  // Apart, so that a flood of invented tokens cannot push the addresses out that limit it.
  const callers = createBoundedTable<Bucket>(maxEntries)
  const addresses = createBoundedTable<Bucket>(maxEntries)
  // Apart too: there are fewer operations than this, so none of their buckets is ever forgotten.
  const together = createBoundedTable<Bucket>(1_000)
  const known = createTokenBook(now, maxEntries)

  function draw(table: BoundedTable<Bucket>, key: string, { calls, windowMs }: Budget): Draw {
    const budget = { calls: Math.max(1, Math.floor(calls * scale)), windowMs }
    return drawFrom(table, key, budget, now())
  }

  function guesses(place: string): Draw {
    return drawFrom(addresses, `unknown-token ${place}`, unknownTokens, now())
  }

  /** The spent budget of guesses that shuts this caller out. */
  function guessedTooMany(place: string, person: string | undefined): Draw | undefined {
    if (person !== undefined && known.isRecognised(place, person)) return undefined
    const guessed = guesses(place)
    return guessed.isEmpty ? guessed : undefined
  }

  return {
    take({ limitClass, operation, caller, address }) {
      const limit = limits[limitClass]
      const place = addressKey(address)
      const person = caller === undefined ? undefined : digest(caller)
      const bucket = limit.perOperation ? `${limitClass} ${operation}` : limitClass

      const draws = [draw(addresses, `${bucket} ${place}`, limit.perAddress)]
      if (limit.perServer !== undefined) draws.push(draw(together, bucket, limit.perServer))
      if (person !== undefined) draws.push(draw(callers, `${bucket} ${person}`, limit.perCaller))
      const empty = draws.find(({ isEmpty }) => isEmpty) ?? (limit.needsKnownToken && guessedTooMany(place, person))
      if (empty) return empty.refused()
      return draws.map((each) => each.taken()).reduce((a, b) => (a.remaining < b.remaining ? a : b))
    },
    penalise(address) {
      const guessed = guesses(addressKey(address))
      return guessed.isEmpty ? guessed.refused() : guessed.taken()
    },
    noteUnknown: ({ caller = '', address }) => known.noteNew(addressKey(address), digest(caller)),
    mayGuess({ caller = '', address }) {
      const place = addressKey(address)
      const person = digest(caller)
      return guessedTooMany(place, person) === undefined && known.mayLook(place, person)
    },
    recognise({ limitClass, caller, address }) {
      if (caller !== undefined && limitClass !== 'lookup') known.recognise(addressKey(address), digest(caller))
    },
    scaleTo: (wanted) => void (scale = wanted),
  }
}

/** Which tokens were used at which address, and how many new ones it has shown. */
function createTokenBook(now: () => number, maxEntries: number) {
  const recognised = createBoundedTable<{ endsAtMs: number }>(maxEntries)
  const shown = createBoundedTable<{ endsAtMs: number }>(maxEntries)
  const places = createBoundedTable<Bucket>(maxEntries)
  const newAt = (place: string) => drawFrom(places, place, newTokens, now())
  const entry = () => ({ endsAtMs: now() + RECOGNISED_FOR_MS })
  const isRecognised = (place: string, person: string) => recognised.get(`${place} ${person}`, now()) !== undefined

  return {
    isRecognised,
    recognise: (place: string, person: string) => recognised.set(`${place} ${person}`, entry(), now()),
    noteNew(place: string, person: string) {
      if (shown.get(`${place} ${person}`, now())) return
      shown.set(`${place} ${person}`, entry(), now())
      newAt(place).taken()
    },
    mayLook: (place: string, person: string) => isRecognised(place, person) || !newAt(place).isEmpty,
  }
}

interface Draw {
  readonly isEmpty: boolean
  taken(): Taken & { allowed: true }
  refused(): Taken & { allowed: false }
}

/** Looks into a bucket; only `taken()` changes it. */
export function drawFrom(table: BoundedTable<Bucket>, key: string, { calls, windowMs }: Budget, nowMs: number): Draw {
  const held = table.get(key, nowMs)
  if (held && held.atMs > nowMs) held.atMs = nowMs
  const msPerCall = windowMs / calls
  const level = held ? Math.min(calls, held.level + (nowMs - held.atMs) / msPerCall) : calls
  const fullAtMs = (after: number) => Math.ceil(nowMs + (calls - after) * msPerCall)
  return {
    // A bucket refilled in many small steps may miss a whole call by rounding.
    isEmpty: level < 1 - 1e-9,
    taken() {
      const after = Math.max(0, level - 1)
      table.set(key, { level: after, atMs: nowMs, endsAtMs: fullAtMs(after) }, nowMs)
      return { allowed: true, limit: calls, remaining: Math.floor(after + 1e-9), resetAtMs: fullAtMs(after) }
    },
    refused() {
      const waitMs = (1 - level) * msPerCall
      const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000))
      return { allowed: false, limit: calls, remaining: 0, resetAtMs: fullAtMs(level), retryAfterSeconds }
    },
  }
}

/** Fixed in length, whatever was sent, and no token stays in memory. */
function digest(caller: string): string {
  return hash('sha256', caller, 'base64')
}
