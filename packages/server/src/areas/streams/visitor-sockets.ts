/** A visitor who loads a page anew is back within this time, and was never away. */
const GONE_AFTER_MS = 3_000

/** The sockets of each visitor: with the last one the visitor is away, after a moment (contract §C.14.5). */
export class VisitorSockets {
  readonly #counts = new Map<string, number>()
  readonly #leaving = new Map<string, NodeJS.Timeout>()
  readonly #noteGone: (token: string) => void

  constructor(noteGone: (token: string) => void) {
    this.#noteGone = noteGone
  }

  came(token: string): void {
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1)
    clearTimeout(this.#leaving.get(token))
    this.#leaving.delete(token)
  }

  left(token: string): void {
    const rest = (this.#counts.get(token) ?? 1) - 1
    if (rest > 0) {
      this.#counts.set(token, rest)
      return
    }
    this.#counts.delete(token)
    const timer = setTimeout(() => {
      this.#leaving.delete(token)
      this.#noteGone(token)
    }, GONE_AFTER_MS)
    this.#leaving.set(token, timer.unref())
  }

  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer)
    this.#leaving.clear()
  }
}
