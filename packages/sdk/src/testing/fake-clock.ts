import type { Clock } from '../clock.ts'

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves on by so many milliseconds, and runs what falls due on the way, each at its own time. */
  advance(ms: number): Promise<void>
  /** Answers once everything that needs no time has happened: promises and frames under way. */
  settle(): Promise<void>
  /** Timers that wait: none are left where everything was ended properly. */
  readonly pendingTimers: number
}

export interface FakeClockOptions {
  /** Where time begins, in milliseconds since 1970; 2026-01-05 10:00 UTC unless given. */
  startMs?: number
  /** What chance there is; the same seed gives the same numbers. */
  seed?: number
}

interface Timer {
  dueMs: number
  callback: () => void
}

/** A clock for tests: sessions and the fake server on it wait for nothing that the test does not let pass. */
export function fakeClock({ startMs = Date.UTC(2026, 0, 5, 10), seed = 1 }: FakeClockOptions = {}): FakeClock {
  let nowMs = startMs
  let ids = 0
  const timers = new Map<number, Timer>()

  /** The timer that is due first; of several at one time the one that was set first. */
  function findDue(untilMs: number): number | undefined {
    let found: [number, Timer] | undefined
    for (const [id, timer] of timers)
      if (timer.dueMs <= untilMs && (found === undefined || timer.dueMs < found[1].dueMs)) found = [id, timer]
    return found?.[0]
  }

  async function advance(ms: number): Promise<void> {
    const untilMs = nowMs + ms
    await settle()
    for (let id = findDue(untilMs); id !== undefined; id = findDue(untilMs)) {
      const { dueMs, callback } = timers.get(id) as Timer
      timers.delete(id)
      nowMs = Math.max(nowMs, dueMs)
      callback()
      await settle()
    }
    nowMs = untilMs
  }

  return {
    now: () => nowMs,
    setTimeout(callback, ms) {
      const id = ++ids
      timers.set(id, { dueMs: nowMs + Math.max(0, ms), callback })
      return id
    },
    clearTimeout(timer) {
      timers.delete(timer as number)
    },
    random: randomFrom(seed),
    advance,
    settle,
    get pendingTimers() {
      return timers.size
    },
  }
}

// Streams of the platform take a few turns of the event loop; nothing else needs more than one.
const TURNS = 4

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn()
}

/** Not a timer: browsers hold timers back that follow each other, and tests may have replaced them. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

/** Numbers that look like chance and are the same each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
