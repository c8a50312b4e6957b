// What the sockets of one address share (promises A31, A32). An office behind one address is many people: the figures leave
// room for fifty who chat at once, and whoever goes beyond is refused alone, while the others go on.
import { Allowance } from './allowance.ts'

/** Sockets, subscriptions and requests of an address. Who has signed in is not counted by frames. */
export const addressLimits = {
  sockets: 1_000,
  /** Sockets that listen to nothing and are nobody's. */
  idleSockets: 20,
  subscriptions: 8_000,
  framesPerMinute: 6_000,
} as const

export interface Neighbour {
  /** Whether it listens to anything or is somebody's. */
  readonly isIdle: boolean
}

export class Neighbours {
  readonly #scale: () => number
  readonly #there = new Set<Neighbour>()
  #subscriptions = 0
  readonly #requests = new Allowance()

  /** `scale` widens or narrows every figure, as the settings say at that moment. */
  constructor(scale: () => number) {
    this.#scale = scale
  }

  /** Whether nobody is there and nothing is counted any more. */
  isForgotten(nowMs: number): boolean {
    return this.#there.size === 0 && nowMs - (this.#requests.takenAtMs ?? -Infinity) > 60_000
  }

  /** Whether there may be one socket more. */
  hasRoom(): boolean {
    const scale = this.#scale()
    if (this.#there.size >= addressLimits.sockets * scale) return false
    const idle = [...this.#there].filter(({ isIdle }) => isIdle)
    return idle.length < addressLimits.idleSockets * scale
  }

  came(neighbour: Neighbour): void {
    this.#there.add(neighbour)
  }

  left(neighbour: Neighbour): void {
    this.#there.delete(neighbour)
  }

  /** Counts a request, or refuses it. */
  takeFrame(nowMs: number): boolean {
    const most = addressLimits.framesPerMinute * this.#scale()
    return most === Infinity || this.#requests.take(nowMs, most)
  }

  /** Counts a subscription, or refuses it. */
  takeSubscription(): boolean {
    if (this.#subscriptions >= addressLimits.subscriptions * this.#scale()) return false
    this.#subscriptions += 1
    return true
  }

  /** As many subscriptions are no more. */
  giveBack(subscriptions: number): void {
    this.#subscriptions -= subscriptions
  }
}

export interface Addresses {
  /** Who else is at an address. */
  neighboursAt(address: string): Neighbours
  /** Reads again how far the settings widen or narrow the figures. */
  refresh(): Promise<void>
  /** Forgets addresses where nothing is counted any more. */
  forget(nowMs: number): void
}

export interface AddressOptions {
  /** The name under which an address is counted. */
  keyOf: (address: string) => string
  /** What every figure is multiplied by; undefined where nothing is counted. */
  limitScale: () => Promise<number | undefined>
  onError: (error: unknown) => void
}

/** Every address with sockets, in the memory of this process. */
export function makeAddresses({ keyOf, limitScale, onError }: AddressOptions): Addresses {
  const byKey = new Map<string, Neighbours>()
  let scale = 1
  return {
    neighboursAt(address) {
      const key = keyOf(address)
      const neighbours = byKey.get(key) ?? new Neighbours(() => scale)
      byKey.set(key, neighbours)
      return neighbours
    },
    async refresh() {
      try {
        scale = (await limitScale()) ?? Infinity
      } catch (error) {
        // What the settings said last holds.
        onError(error)
      }
    },
    forget(nowMs) {
      for (const [key, neighbours] of byKey) if (neighbours.isForgotten(nowMs)) byKey.delete(key)
    },
  }
}
