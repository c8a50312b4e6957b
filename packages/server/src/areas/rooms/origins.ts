import { ApiError } from '../../api-error.ts'
import type { Reader } from '../../database/transaction.ts'
import { originOf } from '../visitors/visitors.ts'
import { countUnanswered } from './origin-store.ts'

/** Enough for a whole school behind one address; a machine that opens chats meets it within minutes. */
const MOST_UNANSWERED = 100

/**
 * Where a room is opened from, as it is kept; keeps one address from filling the queue with chats that nobody gets to
 * (promises A14).
 * @throws `error-too-many-requests`
 */
export async function originOfOpening(
  reader: Reader,
  { address, isLimited = false }: { address?: string | undefined; isLimited?: boolean },
): Promise<string | null> {
  if (address === undefined) return null
  const origin = originOf(address)
  if (isLimited && (await countUnanswered(reader, origin, MOST_UNANSWERED)) >= MOST_UNANSWERED)
    throw new ApiError('error-too-many-requests', { details: { retryAfterSeconds: 60 } })
  return origin
}
