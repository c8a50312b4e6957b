/** So many at once, and as many again evenly within a minute. */
export class Allowance {
  #left: { count: number; atMs: number } | undefined

  /** When something was taken last; undefined where nothing was. */
  get takenAtMs(): number | undefined {
    return this.#left?.atMs
  }

  /** Takes one, where `perMinute` leaves one: another figure counts from now on. */
  take(nowMs: number, perMinute: number): boolean {
    const { count, atMs } = this.#left ?? { count: perMinute, atMs: nowMs }
    const sinceMs = Math.max(0, nowMs - atMs)
    const left = Math.min(perMinute, count + (sinceMs / 60_000) * perMinute)
    this.#left = { count: left >= 1 ? left - 1 : left, atMs: nowMs }
    return left >= 1
  }
}
