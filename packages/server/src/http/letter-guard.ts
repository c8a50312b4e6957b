import { createBoundedTable } from './bounded-table.ts'
import { drawFrom, lettersPerRecipient, type Bucket } from './rate-limit.ts'

/** Letters that strangers may have sent to one address: what they typed as theirs may be anybody's. */
export interface LetterGuard {
  /** Counts a letter, or answers after how many seconds one may go there again. Each cause is counted by itself. */
  take(recipient: string, cause: LetterCause): { retryAfterSeconds: number } | undefined
}

/** Why a letter goes out: a visitor asked for it, or it always does. */
export type LetterCause = keyof typeof lettersPerRecipient

export interface LetterGuardOptions {
  /** Milliseconds since the epoch. */
  now: () => number
  maxEntries?: number
}

/** A guard in the memory of this process. */
export function createLetterGuard({ now, maxEntries = 50_000 }: LetterGuardOptions): LetterGuard {
  const recipients = createBoundedTable<Bucket>(maxEntries)
  return {
    take(recipient, cause) {
      const key = `${cause} ${recipient.toLowerCase()}`
      const draw = drawFrom(recipients, key, lettersPerRecipient[cause], now())
      const taken = draw.isEmpty ? draw.refused() : draw.taken()
      return taken.allowed ? undefined : { retryAfterSeconds: taken.retryAfterSeconds }
    },
  }
}
