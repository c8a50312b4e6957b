import { backoffMs } from './call.ts'
import type { Clock } from './clock.ts'
import { isLivechatError } from './livechat-error.ts'

const firstPauseMs = 500
const mostPauseMs = 15_000

// An answer of a failing server may be about this one request, so that no further attempt changes it.
const mostFaults = 5

/** Tries until the server answers, however long that takes. */
export interface Persistence {
  /** The answer, or the refusal. Rejects with whatever the work rejects with once `end` was called. */
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Ends the pauses. */
  wake(): void
  /** Ends the pauses, and begins anew what waits for an answer: it may wait on a line that is dead. */
  restart(): void
  end(): void
}

/** Work that is repeated must have the effect of doing it once. */
export function openPersistence(clock: Clock): Persistence {
  const attempts = new Set<AbortController>()
  const pauses = new Set<() => void>()
  let hasEnded = false

  async function attempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    attempts.add(controller)
    try {
      if (hasEnded) controller.abort()
      return await work(controller.signal)
    } finally {
      attempts.delete(controller)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer)
        pauses.delete(end)
        resolve()
      }
      const timer = clock.setTimeout(end, ms)
      pauses.add(end)
    })
  }

  function wake(): void {
    for (const end of [...pauses]) end()
  }

  function restart(): void {
    for (const controller of [...attempts]) controller.abort()
    wake()
  }

  return {
    async run(work) {
      for (let count = 1, faults = 0; ; count++) {
        try {
          return await attempt(work)
        } catch (error) {
          if (hasEnded || !isLivechatError(error)) throw error
          if (error.code === 'aborted') continue
          if (error.status === 500) faults++
          if (!error.retryable || faults >= mostFaults) throw error
          await pause(error.retryAfterMs ?? backoffMs(firstPauseMs, count, clock, mostPauseMs))
        }
      }
    },
    wake,
    restart,
    end() {
      hasEnded = true
      restart()
    },
  }
}
