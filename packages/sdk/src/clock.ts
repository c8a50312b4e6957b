/** Time and chance. Tests give their own, so that nothing waits. */
export interface Clock {
  /** Milliseconds since 1970. */
  now: () => number
  /** The answer is what `clearTimeout` takes. */
  setTimeout: (callback: () => void, ms: number) => unknown
  clearTimeout: (timer: unknown) => void
  /** From 0 up to, not including, 1. */
  random: () => number
}

/** The clock of the platform. */
export const platformClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as number),
  random: () => Math.random(),
}
