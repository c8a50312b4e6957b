import { noAnswer } from './errors.ts'

/** The time one call may take, its retries and pauses included, and everybody who may end it sooner. */
export interface Deadline {
  /** Aborts with an `APIError` as its reason. */
  readonly signal: AbortSignal
  leftMs(): number
  /** Frees the timer and the listeners; without it a signal that outlives its calls would keep all of them. */
  close(): void
}

// A longer timer would fire at once: setTimeout keeps its delay in 31 bits.
const longestTimerMs = 2 ** 31 - 1

/** Starts the clock. `timeoutMs` of `Infinity` means no limit. */
export function openDeadline(timeoutMs: number, signals: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController()
  const endsAt = performance.now() + timeoutMs
  const listened = signals.filter((signal) => signal !== undefined)

  function onAbort(this: AbortSignal) {
    controller.abort(noAnswer('The call was aborted.', this.reason))
  }
  function onTimeout() {
    const cause = new DOMException(`${timeoutMs} ms have passed`, 'TimeoutError')
    controller.abort(noAnswer(`No answer within ${timeoutMs} ms.`, cause))
  }

  for (const signal of listened) {
    if (signal.aborted) onAbort.call(signal)
    signal.addEventListener('abort', onAbort)
  }
  const timer = timeoutMs <= longestTimerMs ? setTimeout(onTimeout, timeoutMs) : undefined

  return {
    signal: controller.signal,
    leftMs: () => Math.min(endsAt - performance.now(), longestTimerMs),
    close() {
      clearTimeout(timer)
      for (const signal of listened) signal.removeEventListener('abort', onAbort)
    },
  }
}
