import { backoffMs } from './call.ts'
import type { CallSetup, RetryOptions } from './call.ts'
import { platformClock } from './clock.ts'
import { longestTimerMs } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { Failed, isPassing } from './failure.ts'
import type { Failure } from './failure.ts'

/** Sends again what failed for now, with pauses, as often as told and as long as the deadline lets it. */
export function repeating(retry: RetryOptions | false | undefined): NonNullable<CallSetup['repeat']> {
  const { times = 2, delayMs = 300 } = retry === false ? { times: 0 } : (retry ?? {})
  return async (send, deadline) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send()
      } catch (error) {
        const failure = error instanceof Failed ? error.failure : undefined
        const pauseMs = retryAfterOf(failure) ?? backoffMs(delayMs, attempt)
        if (!mayPass(failure) || attempt > times || pauseMs >= leftMs(deadline)) throw error
        await pause(pauseMs, deadline)
        deadline.check()
      }
    }
  }
}

function retryAfterOf(failure: Failure | undefined): number | undefined {
  return failure?.kind === 'refused' ? failure.retryAfterMs : undefined
}

function mayPass(failure: Failure | undefined): boolean {
  return failure?.kind === 'no-answer' || (failure?.kind === 'refused' && isPassing(failure.status))
}

function leftMs({ endsAt }: Deadline): number {
  return Math.min(endsAt - platformClock.now(), longestTimerMs)
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
