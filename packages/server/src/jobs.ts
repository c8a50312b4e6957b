import { offerWaitingChats } from './areas/routing/routing.ts'
import { removeExpiredSessions } from './areas/sessions/sessions.ts'
import type { Context } from './context.ts'
import type { JobFunction, Recurring } from './jobs/worker.ts'

/** Job name → what it does. */
export function jobFunctions({ transact }: Context): Readonly<Record<string, JobFunction>> {
  return {
    // Many at once would hold the writer for long, so they are offered a few in each transaction.
    'offer-waiting-chats': async () => {
      while ((await transact(offerWaitingChats)) > 0);
    },
    'remove-expired-sessions': () => transact(removeExpiredSessions),
  }
}

const SECOND_MS = 1_000

/** What runs again and again. */
export const schedule: readonly Recurring[] = [
  { name: 'offer-waiting-chats', everyMs: 5 * SECOND_MS },
  { name: 'remove-expired-sessions', everyMs: 3_600 * SECOND_MS },
]
