// The rooms that somebody listens to, and how far each was told. An event says that a room has moved; what was said since
// is read from the database, in order. Only a message that this process has just committed under the very next number is
// told as it is. So a lost event, a doubled one and one that came late change nothing, and a hole cannot be
// (docs/architecture.md, continuity).
import type { Logger } from 'pino'
import type { Reader } from '../../database/transaction.ts'
import { listChanges, type Message } from '../timeline/timeline.ts'
import { listStates, type RoomState } from './store.ts'

interface Watch {
  /** The latest change that was told. */
  seq: number
  visitorToken: string | undefined
  /** How the room stood when we looked last; undefined where nobody has looked. */
  state: RoomState | undefined
  /** What is being told, in order. */
  work: Promise<void>
  /** It is looked at soon. */
  isDue: boolean
  /** How many wait for it to be decided anew who may listen: nothing is told until then. */
  held: number
  /** What was committed since it was told, as far as we have it. */
  given: Message[]
  /** There is something that only the database has. */
  mustRead: boolean
  /** Over once it is known from where on is told. */
  begun: Promise<void>
}

export interface WatchOptions {
  read: Reader
  log: Logger
  /** Whether anybody listens to this room. */
  isHeard: (roomId: string) => boolean
  /** Tells who has come into the room, before the line that says so. */
  tellComing: (roomId: string) => Promise<void>
  /** Tells a message to all or, where it fails, to nobody; with the token that its room's visitor has shown. */
  tell: (message: Message, visitorToken: string | undefined) => Promise<void>
  /** Looks up again who may listen to a room. */
  recheck: (roomId: string) => Promise<void>
  /** The token of a room's visitor. */
  findToken: (roomId: string) => Promise<string | undefined>
}

const READ_AT_ONCE = 100

export class Watches {
  readonly #watches = new Map<string, Watch>()
  readonly #options: WatchOptions

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Watches a room from its latest change on. Whoever comes while that is looked up waits for it, too. */
  begin(roomId: string, visitorToken: string | undefined): Promise<void> {
    const known = this.#watches.get(roomId)
    if (known !== undefined) {
      if (visitorToken !== undefined) this.#note(roomId, known, visitorToken)
      return known.begun
    }
    // Nothing is told before we know from where on.
    const watch = makeWatch(Infinity, visitorToken)
    this.#watches.set(roomId, watch)
    watch.begun = this.#look(roomId, watch)
    return watch.begun
  }

  /** A room has one visitor: where another token opens it now, who listens with the one before must not read this one. */
  #note(roomId: string, watch: Watch, visitorToken: string): void {
    const isAnother = watch.visitorToken !== undefined && watch.visitorToken !== visitorToken
    watch.visitorToken = isAnother ? undefined : visitorToken
    if (!isAnother) return
    this.before(roomId, async () => {
      await this.#options.recheck(roomId)
      // Of two who come at once the later one need not be the right one.
      watch.visitorToken = await this.#options.findToken(roomId)
    })
  }

  async #look(roomId: string, watch: Watch): Promise<void> {
    try {
      const [state] = await listStates(this.#options.read, [roomId])
      watch.seq = state?.seq ?? 0
      watch.state = state
    } catch (error) {
      // From nowhere on nothing would ever be told: who comes next looks again.
      if (this.#watches.get(roomId) === watch) this.#watches.delete(roomId)
      throw error
    }
    // What was committed while we looked.
    this.#tellMoved(roomId, watch)
  }

  /** Watches a room from this change on, where it is not watched yet. */
  beginAt(roomId: string, seq: number): void {
    if (!this.#watches.has(roomId)) this.#watches.set(roomId, makeWatch(seq - 1, undefined))
  }

  /** Rooms that somebody listens to. */
  roomIds(): readonly string[] {
    return [...this.#watches.keys()]
  }

  /** A room has moved to this change; the message is given where this process has just committed it. */
  move(roomId: string, seq: number, message?: Message): void {
    const watch = this.#find(roomId)
    if (watch === undefined || seq <= watch.seq) return
    if (message === undefined) watch.mustRead = true
    else watch.given.push(message)
    this.#tellLater(roomId, watch)
  }

  /** Does something for those of a room after everything that was said before. Answers false, and does nothing, where nobody listens. */
  after(roomId: string, task: () => Promise<void>): boolean {
    const watch = this.#find(roomId)
    if (watch === undefined) return false
    this.#tellMoved(roomId, watch)
    this.#inOrder(watch, task)
    return true
  }

  /** The same where it decides who may listen: what is said from now on is not told before. */
  before(roomId: string, task: () => Promise<void>): void {
    const watch = this.#find(roomId)
    if (watch === undefined) return
    watch.held += 1
    this.#inOrder(watch, async () => {
      await task().finally(() => (watch.held -= 1))
      await this.#tellChanges(roomId, watch)
    })
  }

  /**
   * Tells what was said in watched rooms without our hearing of it: a lost tail leaves no hole to notice. Who lost a right
   * without our hearing of it loses the ear as well.
   */
  async sweep(): Promise<void> {
    for (const roomId of [...this.#watches.keys()]) this.#find(roomId)
    for (const state of await listStates(this.#options.read, [...this.#watches.keys()])) {
      const watch = this.#watches.get(state.roomId)
      if (watch !== undefined) this.#compare(watch, state)
    }
  }

  #compare(watch: Watch, now: RoomState): void {
    const { roomId } = now
    const before = watch.state
    watch.state = now
    const recheck = () => this.#options.recheck(roomId)
    if (before !== undefined && before.visitorId !== now.visitorId) this.before(roomId, recheck)
    // Who leaves hears the last lines.
    else if (before !== undefined && before.access !== now.access) this.after(roomId, recheck)
    else if (now.seq > watch.seq) this.#tellMoved(roomId, watch)
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
    watch.mustRead = true
    this.#tellLater(roomId, watch)
  }

  #tellLater(roomId: string, watch: Watch): void {
    if (watch.isDue) return
    watch.isDue = true
    this.#inOrder(watch, async () => {
      watch.isDue = false
      await this.#tellGiven(roomId, watch)
      if (watch.mustRead) await this.#tellChanges(roomId, watch)
    })
  }

  /** Tells what is given as long as one follows the other; at the first hole the database is asked. */
  async #tellGiven(roomId: string, watch: Watch): Promise<void> {
    const given = watch.given.splice(0)
    if (given.some(isComing)) await this.#options.tellComing(roomId)
    for (const message of given) {
      if (watch.mustRead || message.seq <= watch.seq || !this.#isCurrent(roomId, watch)) continue
      watch.mustRead = watch.held > 0 || message.seq !== watch.seq + 1
      if (!watch.mustRead) await this.#tellOne(message, watch)
    }
  }

  /** What could not be told was not told: it is looked for again. */
  async #tellOne(message: Message, watch: Watch): Promise<void> {
    await this.#options.tell(message, watch.visitorToken)
    watch.seq = message.seq
  }

  async #tellChanges(roomId: string, watch: Watch): Promise<void> {
    const { read, tellComing } = this.#options
    for (;;) {
      // Before the look: what is committed meanwhile may be in it or not.
      watch.mustRead = false
      const changes = await listChanges(read, roomId, watch.seq, READ_AT_ONCE)
      if (changes.some(isComing)) await tellComing(roomId)
      for (const message of changes) {
        if (watch.held > 0 || !this.#isCurrent(roomId, watch)) return
        await this.#tellOne(message, watch)
      }
      if (changes.length < READ_AT_ONCE) return
    }
  }

  /** Where nobody listened in between, another one tells. */
  #isCurrent(roomId: string, watch: Watch): boolean {
    return this.#watches.get(roomId) === watch
  }

  #inOrder(watch: Watch, task: () => Promise<void>): void {
    watch.work = watch.work.then(task).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'Listeners could not be told.')
    })
  }
}

/** The line that says that somebody has come into the room. */
function isComing({ type }: Message): boolean {
  return type === 'uj'
}

function makeWatch(seq: number, visitorToken: string | undefined): Watch {
  return {
    seq,
    work: Promise.resolve(),
    isDue: false,
    state: undefined,
    held: 0,
    given: [],
    mustRead: false,
    begun: Promise.resolve(),
    visitorToken,
  }
}
