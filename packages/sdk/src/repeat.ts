import { backoffMs } from './call.ts'
import type { CallSetup, RetryOptions } from './call.ts'
import { platformClock } from './clock.ts'
import type { Deadline } from './deadline.ts'

/** Sends again what failed for now, with pauses, as often as told and as long as the deadline lets it. */
export function repeating(retry: RetryOptions | false | undefined): NonNullable<CallSetup['repeat']> {
  const { times = 2, delayMs = 300 } = retry === false ? { times: 0 } : (retry ?? {})
  return async (send, deadline) => {
    for (let attempt = 1; ; attempt++) {
      const outcome = await send()
      if ('answer' in outcome) return outcome
      const pauseMs = outcome.retryAfterMs ?? backoffMs(delayMs, attempt)
      if (!outcome.mayPass || attempt > times || pauseMs >= deadline.leftMs()) return outcome
      await pause(pauseMs, deadline)
      deadline.check()
    }
  }
}

/** Ends early when the deadline does. */
function pause(ms: number, { signal }: Deadline): Promise<void> {
  return new Promise((resolve) => {
    const timer = platformClock.setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      platformClock.clearTimeout(timer)
      resolve()
    })
  })
}
