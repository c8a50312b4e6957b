import type { Clock } from './clock.ts'
import { Failed } from './failure.ts'

/** The time one call may take, its retries and pauses included, and everybody who may end it sooner. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Throws a `Failed` when the time is over or somebody has ended it. Polyfilled signals carry no reason. */
  check(): void
  /** Milliseconds since 1970; `Infinity` without a limit. */
  readonly endsAt: number
  /** Frees the timer and the listeners; without it a signal that outlives its calls would keep all of them. */
  close(): void
}

/** A longer timer would fire at once: setTimeout keeps its delay in 31 bits. */
export const longestTimerMs = 2_147_483_647

/** Starts the clock. `timeoutMs` of `Infinity` means no limit. */
export function openDeadline(clock: Clock, timeoutMs: number, signals: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController()
  const endsAt = clock.now() + timeoutMs
  const listened = signals.filter((signal) => signal !== undefined)
  let failed: Failed | undefined

  function fail(kind: 'aborted' | 'timeout', message: string, cause: unknown) {
    if (failed !== undefined) return
    failed = new Failed({ kind, message, cause })
    controller.abort(failed)
  }
  function onAbort(this: AbortSignal) {
    fail('aborted', 'The call was aborted.', this.reason)
  }
  function onTimeout() {
    const message = `No answer within ${timeoutMs} ms.`
    // Not a `DOMException`, which React Native has not.
    fail('timeout', message, Object.assign(new Error(message), { name: 'TimeoutError' }))
  }

  for (const signal of listened) {
    if (signal.aborted) onAbort.call(signal)
    signal.addEventListener('abort', onAbort)
  }
  const timer = timeoutMs <= longestTimerMs ? clock.setTimeout(onTimeout, timeoutMs) : undefined

  return {
    signal: controller.signal,
    check() {
      if (failed !== undefined) throw failed
    },
    endsAt,
    close() {
      clock.clearTimeout(timer)
      for (const signal of listened) signal.removeEventListener('abort', onAbort)
    },
  }
}
