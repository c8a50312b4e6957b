import type { DeskEvent } from '@deskbell/contract/events.ts'

/** Carries what happened to everybody who listens, after commit. It may lose everything: the database is the truth. */
export interface Bus {
  publish(events: readonly DeskEvent[]): void
  /** Listens; the answer ends it. */
  subscribe(listener: (event: DeskEvent) => void): () => void
}

/** Takes events to other processes. */
export interface Carrier {
  send(events: readonly DeskEvent[]): void
}

export interface LocalBus extends Bus {
  /** Tells only those who listen in this process: for what another one has published. */
  deliver(events: readonly DeskEvent[]): void
  /** From now on what is published here is carried to other processes too. */
  carryWith(carrier: Carrier): void
}

/** The bus of this process. A listener that throws is reported and disturbs nobody else. */
export function makeBus(onError: (error: unknown) => void): LocalBus {
  const listeners = new Set<(event: DeskEvent) => void>()
  let carrier: Carrier | undefined
  const bus: LocalBus = {
    publish(events) {
      bus.deliver(events)
      carrier?.send(events)
    },
    deliver(events) {
      for (const event of events) for (const listener of listeners) attempt(listener, event)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    carryWith: (given) => void (carrier = given),
  }
  return bus

  function attempt(listener: (event: DeskEvent) => void, event: DeskEvent): void {
    try {
      listener(event)
    } catch (error) {
      onError(error)
    }
  }
}
