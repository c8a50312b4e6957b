import type { Session } from '../../realtime/connection.ts'
import type { Peer } from '../../realtime/hub.ts'

/** The sockets on which members of the staff are signed in, by user. */
export class StaffSockets {
  readonly #byUser = new Map<string, Map<Session, Peer>>()

  came(userId: string, session: Session, peer: Peer): void {
    const sockets = this.#byUser.get(userId) ?? new Map<Session, Peer>()
    this.#byUser.set(userId, sockets.set(session, peer))
  }

  /** Forgets a socket, whoever it is of. */
  left(session: Session): void {
    const userId = session.credentials?.userId
    const sockets = userId === undefined ? undefined : this.#byUser.get(userId)
    if (userId === undefined || sockets === undefined) return
    sockets.delete(session)
    if (sockets.size === 0) this.#byUser.delete(userId)
  }

  of(userId: string): readonly (readonly [Session, Peer])[] {
    return [...(this.#byUser.get(userId) ?? [])]
  }

  users(): readonly string[] {
    return [...this.#byUser.keys()]
  }
}
