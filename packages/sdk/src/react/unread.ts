import type { VisitorSession } from '../sdk.ts'

/** Counts what was said by others since somebody last looked. */
export interface Unread {
  readonly count: number
  readonly subscribe: (listener: () => void) => () => void
  markRead(): void
  /** Counts from now on; the answer ends it. */
  begin(): () => void
}

/** A count for one session. */
export function openUnread(session: VisitorSession): Unread {
  const listeners = new Set<() => void>()
  let count = 0

  function set(next: number): void {
    if (next === count) return
    count = next
    for (const listener of [...listeners]) listener()
  }

  return {
    get count() {
      return count
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    markRead: () => set(0),
    begin: () =>
      session.on('message', ({ message, isEarlier }) => {
        // One's own carry the token; lines of the system have a type.
        if (!isEarlier && message.token === undefined && message.t === undefined) set(count + 1)
      }),
  }
}
