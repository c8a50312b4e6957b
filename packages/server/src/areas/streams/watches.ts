// The rooms that somebody listens to, and how far each was told. Messages are never taken from events: an event only says
// that a room has moved, and what was said since is read from the database, in order. So a lost event, a doubled one and
// one that came late change nothing, and a hole cannot be (docs/architecture.md, continuity).
import type { Logger } from 'pino'
import type { Reader } from '../../database/transaction.ts'
import { findRoom } from '../rooms/rooms.ts'
import { listChanges, type Message } from '../timeline/timeline.ts'
import { listMoved } from './store.ts'

interface Watch {
  /** The latest change that was told. */
  seq: number
  visitorToken?: string
  /** What is being told, in order. */
  work: Promise<void>
  /** A look into the database is due already. */
  isDue: boolean
}

export interface WatchOptions {
  read: Reader
  log: Logger
  /** Whether anybody listens to this room. */
  isHeard: (roomId: string) => boolean
  /** Tells a message, with the token that its room's visitor has shown. */
  tell: (message: Message, visitorToken: string | undefined) => Promise<void>
}

const READ_AT_ONCE = 100

export class Watches {
  readonly #watches = new Map<string, Watch>()
  readonly #options: WatchOptions

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Watches a room from its latest change on. */
  async begin(roomId: string, visitorToken: string | undefined): Promise<void> {
    const known = this.#watches.get(roomId)
    if (known !== undefined) {
      if (visitorToken !== undefined) known.visitorToken = visitorToken
      return
    }
    // Nothing is told before we know from where on.
    const watch = makeWatch(Infinity, visitorToken)
    this.#watches.set(roomId, watch)
    const room = await findRoom(this.#options.read, roomId)
    watch.seq = room?.seq ?? 0
    // What was committed while we looked.
    this.#tellMoved(roomId, watch)
  }

  /** Watches a room from this change on, where it is not watched yet. */
  beginAt(roomId: string, seq: number): void {
    if (!this.#watches.has(roomId)) this.#watches.set(roomId, makeWatch(seq - 1, undefined))
  }

  /** A room has moved to this change. */
  move(roomId: string, seq: number): void {
    const watch = this.#find(roomId)
    if (watch !== undefined && seq > watch.seq) this.#tellMoved(roomId, watch)
  }

  /** Does something for those of a room after everything that was said before. Nothing where nobody listens. */
  after(roomId: string, task: () => Promise<void>): void {
    const watch = this.#find(roomId)
    if (watch === undefined) return
    this.#tellMoved(roomId, watch)
    this.#inOrder(watch, task)
  }

  /** Tells what was said in watched rooms without our hearing of it: a lost tail leaves no hole to notice. */
  async sweep(): Promise<void> {
    for (const roomId of [...this.#watches.keys()]) this.#find(roomId)
    const known = new Map([...this.#watches].map(([roomId, { seq }]) => [roomId, seq]))
    for (const roomId of await listMoved(this.#options.read, known)) {
      const watch = this.#watches.get(roomId)
      if (watch !== undefined) this.#tellMoved(roomId, watch)
    }
  }

  /** Answers once everything that was begun is told. */
  async settled(): Promise<void> {
    await Promise.all([...this.#watches.values()].map(({ work }) => work))
  }

  /** The watch of a room; one that nobody listens to any more is forgotten. */
  #find(roomId: string): Watch | undefined {
    const watch = this.#watches.get(roomId)
    if (watch === undefined || this.#options.isHeard(roomId)) return watch
    this.#watches.delete(roomId)
    return undefined
  }

  #tellMoved(roomId: string, watch: Watch): void {
    if (watch.isDue) return
    watch.isDue = true
    this.#inOrder(watch, async () => {
      watch.isDue = false
      await this.#tellChanges(roomId, watch)
    })
  }

  async #tellChanges(roomId: string, watch: Watch): Promise<void> {
    const { read, tell } = this.#options
    for (;;) {
      const changes = await listChanges(read, roomId, watch.seq, READ_AT_ONCE)
      for (const message of changes) {
        watch.seq = message.seq
        await tell(message, watch.visitorToken)
      }
      if (changes.length < READ_AT_ONCE) return
    }
  }

  #inOrder(watch: Watch, task: () => Promise<void>): void {
    watch.work = watch.work.then(task).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'Listeners could not be told.')
    })
  }
}

function makeWatch(seq: number, visitorToken: string | undefined): Watch {
  return { seq, work: Promise.resolve(), isDue: false, ...(visitorToken !== undefined && { visitorToken }) }
}
