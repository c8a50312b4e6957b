import type { Clock } from './clock.ts'

// As the clients in the wild do: renewed at most this often, and stopped after some rest.
const renewAfterMs = 4_500
const restMs = 5_000
/** Who has not said so again for this long does not type any more. */
const forgetAfterMs = 15_000

/** Tells that one types: as seldom as possible, and that one stopped. */
export interface OwnTyping {
  note(isTyping: boolean): void
  end(): void
}

/** `say` passes it on. */
export function openOwnTyping(clock: Clock, say: (isTyping: boolean) => void): OwnTyping {
  let saidAtMs: number | undefined
  let rest: unknown

  function stop(): void {
    clock.clearTimeout(rest)
    if (saidAtMs !== undefined) say(false)
    saidAtMs = undefined
  }

  return {
    note(isTyping) {
      if (!isTyping) {
        stop()
        return
      }
      clock.clearTimeout(rest)
      rest = clock.setTimeout(stop, restMs)
      if (saidAtMs !== undefined && clock.now() - saidAtMs < renewAfterMs) return
      saidAtMs = clock.now()
      say(true)
    },
    end: () => clock.clearTimeout(rest),
  }
}

/** Who else types, by username. */
export interface OthersTyping {
  note(username: string, isTyping: boolean): void
  /** Nobody types any more. */
  clear(): void
}

/** `onChange` hears who began or stopped, and who types now. */
export function openOthersTyping(
  clock: Clock,
  onChange: (change: { username: string; isTyping: boolean; typing: readonly string[] }) => void,
): OthersTyping {
  const timers = new Map<string, unknown>()

  function note(username: string, isTyping: boolean): void {
    const wasTyping = timers.has(username)
    clock.clearTimeout(timers.get(username))
    timers.delete(username)
    if (isTyping)
      timers.set(
        username,
        clock.setTimeout(() => note(username, false), forgetAfterMs),
      )
    if (isTyping !== wasTyping) onChange({ username, isTyping, typing: [...timers.keys()] })
  }

  return {
    note,
    clear() {
      for (const username of [...timers.keys()]) note(username, false)
    },
  }
}
