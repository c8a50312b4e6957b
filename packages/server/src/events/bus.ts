import type { DeskEvent } from '@deskbell/contract/events.ts'

/** Carries what happened to everybody who listens, after commit. It may lose everything: the database is the truth. */
export interface Bus {
  publish(events: readonly DeskEvent[]): void
  /** Listens; the answer ends it. */
  subscribe(listener: (event: DeskEvent) => void): () => void
}

/** The bus of a single process. A listener that throws is reported and disturbs nobody else. */
export function makeMemoryBus(onError: (error: unknown) => void): Bus {
  const listeners = new Set<(event: DeskEvent) => void>()
  return {
    publish(events) {
      for (const event of events) for (const listener of listeners) attempt(listener, event)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  function attempt(listener: (event: DeskEvent) => void, event: DeskEvent): void {
    try {
      listener(event)
    } catch (error) {
      onError(error)
    }
  }
}
