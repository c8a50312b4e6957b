import type { Session } from './events.ts'
import type { Logger } from './visitor.ts'

/** The state of a session and those who listen to it. */
export interface SessionStore<State, Event extends { readonly type: string }> extends Omit<
  Session<State, Event>,
  'end'
> {
  /** Puts these fields into a new snapshot where one of them is another value, and tells that. */
  update(changes: Partial<State>): void
  emit(event: Event): void
  /** Nobody hears anything from now on. */
  close(): void
}

/** Keeps a state and tells what happens to it. A listener that throws is logged and stops nobody else. */
export function openStore<State extends object, Event extends { readonly type: string }>(
  initial: State,
  logger: Logger | undefined,
): SessionStore<State, Event> {
  let state = initial
  const subscribers = new Set<() => void>()
  const listeners = new Map<string, Set<(event: never) => void>>()

  function tell<T>(audience: Iterable<(event: T) => void>, event: T): void {
    for (const listener of [...audience]) {
      try {
        listener(event)
      } catch (error) {
        logger?.warn('A listener failed.', error)
      }
    }
  }

  return {
    get state() {
      return state
    },
    subscribe(listener) {
      // Two subscriptions of one function are two.
      const own = () => listener()
      subscribers.add(own)
      return () => void subscribers.delete(own)
    },
    on(type, listener) {
      const own = (event: never) => listener(event)
      const ofType = listeners.get(type) ?? new Set()
      listeners.set(type, ofType.add(own))
      return () => void ofType.delete(own)
    },
    update(changes) {
      const keys = Object.keys(changes) as (keyof State)[]
      if (keys.every((key) => Object.is(state[key], changes[key]))) return
      state = Object.freeze({ ...state, ...changes })
      tell(subscribers, undefined)
    },
    emit(event) {
      tell((listeners.get(event.type) ?? []) as Iterable<(event: Event) => void>, event)
    },
    close() {
      subscribers.clear()
      listeners.clear()
    },
  }
}
