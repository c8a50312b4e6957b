/** Something remembered for a while: worth nothing from `endsAtMs` on. */
export interface Remembered {
  endsAtMs: number
}

export interface BoundedTable<Value extends Remembered> {
  /** What is remembered under a key and has not ended. Changing it in place is fine. */
  get(key: string, nowMs: number): Value | undefined
  set(key: string, value: Value, nowMs: number): void
  /** Entries held, ended ones that were not met yet included. */
  readonly size: number
}

const LOOKED_AT_PER_ENTRY = 8

/**
 * A table that strangers may fill: never more than `maxEntries`, and every call costs the same however full it is.
 * Each new entry clears ended ones among the next few, so ended entries go first. When the table is full and none of
 * those has ended, the one of them that ends soonest is forgotten.
 */
export function createBoundedTable<Value extends Remembered>(maxEntries: number): BoundedTable<Value> {
  interface Slot {
    key: string
    value: Value
    index: number
  }
  const byKey = new Map<string, Slot>()
  // Dense, so that a hand can go round it: a Map has no cheap way to visit its next few entries.
  const slots: Slot[] = []
  let hand = 0

  function remove(slot: Slot): void {
    byKey.delete(slot.key)
    const last = slots.pop()
    if (last === undefined || last === slot) return
    last.index = slot.index
    slots[slot.index] = last
  }

  function clearEnded(nowMs: number): void {
    for (let looked = 0; looked < LOOKED_AT_PER_ENTRY; looked += 1) {
      if (hand >= slots.length) hand = 0
      const slot = slots[hand]
      if (slot === undefined) return
      if (slot.value.endsAtMs <= nowMs) remove(slot)
      else hand += 1
    }
  }

  function forgetOne(): void {
    let soonest: Slot | undefined
    for (let looked = 0; looked < LOOKED_AT_PER_ENTRY; looked += 1) {
      const slot = slots[(hand + looked) % slots.length]
      if (slot && (soonest === undefined || slot.value.endsAtMs < soonest.value.endsAtMs)) soonest = slot
    }
    if (soonest) remove(soonest)
  }

  return {
    get(key, nowMs) {
      const value = byKey.get(key)?.value
      return value !== undefined && value.endsAtMs > nowMs ? value : undefined
    },
    set(key, value, nowMs) {
      const held = byKey.get(key)
      if (held) {
        held.value = value
        return
      }
      clearEnded(nowMs)
      if (slots.length >= maxEntries) forgetOne()
      const slot = { key, value, index: slots.length }
      slots.push(slot)
      byKey.set(key, slot)
    },
    get size() {
      return slots.length
    },
  }
}
