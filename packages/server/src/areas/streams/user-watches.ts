import type { Peer } from '../../realtime/hub.ts'

/** People that one socket may watch: more than anybody shows. */
const MOST_WATCHED = 10_000

/** Whose presence each socket wants to hear of (contract §C.14.1, `user-presence`). */
export class UserWatches {
  readonly #watched = new WeakMap<Peer, Set<string>>()

  /** A socket begins anew. */
  begin(peer: Peer, { added }: { added: readonly string[] }): void {
    this.#watched.set(peer, new Set(added.slice(0, MOST_WATCHED)))
  }

  /** A socket that listens already wants to hear of others. */
  change(peer: Peer, { added, removed }: { added: readonly string[]; removed: readonly string[] }): void {
    const watched = this.#watched.get(peer) ?? new Set<string>()
    for (const userId of removed) watched.delete(userId)
    for (const userId of added) if (watched.size < MOST_WATCHED) watched.add(userId)
    this.#watched.set(peer, watched)
  }

  isWatched(peer: Peer, userId: string): boolean {
    return this.#watched.get(peer)?.has(userId) === true
  }
}
