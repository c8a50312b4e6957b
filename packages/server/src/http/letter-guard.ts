import { createBoundedTable } from './bounded-table.ts'
import { drawFrom, lettersPerRecipient, type Bucket } from './rate-limit.ts'

/** Letters that strangers may have sent to one address: what they typed as theirs may be anybody's. */
export interface LetterGuard {
  /** Counts a letter, or answers after how many seconds one may go there again. */
  take(recipient: string): { retryAfterSeconds: number } | undefined
}

export interface LetterGuardOptions {
  /** Milliseconds since the epoch. */
  now: () => number
  maxEntries?: number
}

/** A guard in the memory of this process. */
export function createLetterGuard({ now, maxEntries = 50_000 }: LetterGuardOptions): LetterGuard {
  const recipients = createBoundedTable<Bucket>(maxEntries)
  return {
    take(recipient) {
      const draw = drawFrom(recipients, recipient.toLowerCase(), lettersPerRecipient, now())
      const taken = draw.isEmpty ? draw.refused() : draw.taken()
      return taken.allowed ? undefined : { retryAfterSeconds: taken.retryAfterSeconds }
    },
  }
}
