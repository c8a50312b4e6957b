import type { Message } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { MessageChangedEvent, MessageDeletedEvent, MessageEvent } from './events.ts'
import { isLivechatError } from './livechat-error.ts'
import { openPersistence } from './persistence.ts'
import { runWhenDue } from './run-when-due.ts'
import type { HistoryOptions } from './visitor.ts'

/** One change of a room: a message as it is now, or that it is no more. */
export interface Change {
  readonly _id: string
  readonly seq: number
  readonly message?: Message
}

/** What is read about a room over HTTP. */
export interface RoomSource {
  /**
   * Every change later than `after`, in order (`GET livechat/messages.sync/:rid`). Absent, or rejecting with a status of
   * 404 or 405, where the server does not number changes: then history is read anew after a reconnect.
   */
  readChanges?: (after: number, signal: AbortSignal) => Promise<{ changes: Change[]; next: number; more: boolean }>
  /** Messages before a time, or the newest; newest first. */
  readHistory(page: { before?: string | undefined; limit: number }, signal?: AbortSignal): Promise<Message[]>
}

/** What a feed tells of a message. */
export type FeedEvent = MessageEvent | MessageChangedEvent | MessageDeletedEvent

export interface RoomFeedOptions {
  rid: string
  connection: Connection
  source: RoomSource
  /** Goes with each subscription: `{ token, visitorToken }` for visitors, nothing for the staff. */
  proof?: object | undefined
  clock: Clock
  /** What is found in it is news: it was opened just now. */
  isNew?: boolean | undefined
  /** Each message once, in order, and what becomes of it; no event for one that goes and was never told. */
  onNews: (id: string, event: FeedEvent | undefined) => void
  /** The list is another. */
  onList: (messages: readonly Message[]) => void
  /** The server refuses, and not only for now: the room is gone, or the token. */
  onRefused: (error: unknown) => void
}

/** What is said in one room, without holes, doubles or disorder, over any number of connections. */
export interface RoomFeed {
  /** As far as loaded, oldest first. */
  readonly messages: readonly Message[]
  /** Takes in what was heard of in another way, such as the answer to a send. */
  take(message: Message): void
  /** As `take`, of a message that was deleted. */
  drop(id: string): void
  /** Reads what has changed, now; answers when it is told. Rejects only when the signal or `end` says so. */
  sync(): Promise<void>
  /** A page of what was said before, oldest first; it joins `messages` where nothing is missing between. */
  readPage(
    page: { before?: string | undefined; limit: number },
    signal?: AbortSignal,
  ): Promise<{ messages: Message[]; isLast: boolean }>
  end(): void
}

/** What was heard on the socket, or answered to a send. */
interface Heard {
  readonly _id: string
  readonly seq: number | undefined
  /** Absent: it was deleted. */
  readonly message?: Message
}

const pageSize = 50

/** What was said in a room, page by page, from the newest backwards. `feed` throws where there is none to read any more. */
export async function* readPages(
  feed: () => RoomFeed,
  { before, pageSize: limit = pageSize, signal }: HistoryOptions = {},
): AsyncGenerator<Message[], void, undefined> {
  for (let end = before, isLast = false; !isLast;) {
    const page = await feed().readPage({ before: end, limit }, signal)
    if (page.messages.length > 0) yield page.messages
    isLast = page.isLast
    end = page.messages[0]?.ts
  }
}

/** Follows a room from now on. */
export function openRoomFeed(options: RoomFeedOptions): RoomFeed {
  return new LiveFeed(options)
}

class LiveFeed implements RoomFeed {
  messages: readonly Message[] = []
  readonly #options: RoomFeedOptions
  readonly #persistence
  readonly #endSubscriptions: (() => void)[]
  /** Messages by id, also changed ones that are older than the list. */
  readonly #known = new Map<string, Message>()
  readonly #deleted = new Set<string>()
  /** The list has everything that was said since; '' where it goes back to the beginning. */
  #startsAt = ''
  /** When the latest was said that was read or heard live, where changes are not numbered: what we said ourselves proves nothing. */
  #liveUntil = ''
  /** Everything up to this change is taken in; undefined before the first look. */
  #seq: number | undefined
  #isNumbered: boolean
  #buffer: Heard[] = []
  /** What is to be told when the list is up to date. */
  #told: (() => void)[] = []
  #unready = new Set<string>()
  readonly #syncWhenDue = runWhenDue(
    () => this.#syncOnce(),
    (error) => {
      if (!this.#hasEnded) this.#options.onRefused(error)
    },
  )
  #isSyncing = false
  #hasEnded = false

  constructor(options: RoomFeedOptions) {
    const { rid, connection, proof, source } = options
    this.#options = options
    this.#persistence = openPersistence(options.clock)
    this.#isNumbered = source.readChanges !== undefined
    const subscribe = (name: string, key: string, onEvent: (args: readonly unknown[]) => void) => {
      this.#unready.add(key)
      const onAnswer = () => this.#ready(key)
      const onLost = () => void this.#unready.add(key)
      return connection.subscribe({ name, key, proof }, { onEvent, onReady: onAnswer, onRefused: onAnswer, onLost })
    }
    this.#endSubscriptions = [
      subscribe('stream-room-messages', rid, ([message]) => this.#hearLive(message as Message)),
      subscribe('stream-notify-room', `${rid}/deleteMessage`, ([deletion]) => this.#hear(deletion as Heard)),
    ]
  }

  take(message: Message): void {
    this.#hear(heardOf(message))
  }

  sync(): Promise<void> {
    this.#persistence.wake()
    return this.#syncWhenDue()
  }

  drop(id: string): void {
    this.#hear({ _id: id, seq: undefined })
  }

  async readPage(
    { before, limit }: { before?: string | undefined; limit: number },
    signal?: AbortSignal,
  ): Promise<{ messages: Message[]; isLast: boolean }> {
    const page = await this.#options.source.readHistory({ before, limit }, signal)
    const isLast = page.length < limit
    page.reverse()
    // Only what goes on without a gap from what is there.
    if (this.#seq !== undefined && (before === undefined || before >= this.#startsAt)) this.#join(page, isLast)
    return { messages: page, isLast }
  }

  end(): void {
    this.#hasEnded = true
    this.#persistence.end()
    for (const endOne of this.#endSubscriptions) endOne()
  }

  /** Subscribed first, then read: what is said between waits in the buffer. */
  #ready(key: string): void {
    this.#unready.delete(key)
    if (this.#unready.size > 0) return
    // What was asked for over the old network may never be answered.
    this.#persistence.restart()
    void this.sync()
  }

  #hearLive(message: Message): void {
    if (message.ts > this.#liveUntil) this.#liveUntil = message.ts
    this.take(message)
  }

  #hear(heard: Heard): void {
    if (this.#hasEnded) return
    if (this.#seq === undefined || this.#isSyncing || this.#isBeyondHole(heard)) {
      this.#buffer.push(heard)
      // A hole: something was lost on the way here.
      if (this.#seq !== undefined && !this.#isSyncing) void this.sync()
      return
    }
    this.#takeNext(heard)
    this.#publish()
  }

  #isBeyondHole({ seq }: Heard): boolean {
    return this.#isNumbered && seq !== undefined && seq > (this.#seq ?? 0) + 1
  }

  /** Takes in what follows what is known; what came before is known already. */
  #takeNext(heard: Heard): void {
    const { _id, seq = Infinity, message } = heard
    if (this.#isNumbered && seq <= (this.#seq ?? 0)) {
      // What is not known although it came before is older than the list.
      if (this.#known.has(_id)) return
    } else if (this.#isNumbered && seq !== Infinity) this.#seq = seq
    if (message === undefined) this.#remove(_id)
    else this.#add(message)
  }

  async #syncOnce(): Promise<void> {
    if (this.#hasEnded) return
    this.#isSyncing = true
    try {
      const heardBefore = new Set(this.#buffer)
      await this.#read()
      this.#drain(heardBefore)
    } finally {
      this.#isSyncing = false
    }
    this.#publish()
  }

  async #read(): Promise<void> {
    if (this.#seq === undefined) return this.#load()
    if (!this.#isNumbered) return this.#reload()
    try {
      await this.#readChanges(this.#seq)
    } catch (error) {
      if (!isLivechatError(error) || (error.status !== 404 && error.status !== 405)) throw error
      this.#isNumbered = false
      await this.#reload()
    }
  }

  /** The newest messages, when the room is found. */
  async #load(): Promise<void> {
    const page = await this.#readPersistently()
    // A room in which nothing was said may be one of either kind.
    if (page.length > 0) this.#isNumbered &&= page.some(({ seq }) => seq !== undefined)
    this.#seq = Math.max(0, ...page.map(({ seq = 0 }) => seq))
    this.#startsAt = page.length < pageSize ? '' : (page.at(-1)?.ts ?? '')
    const isEarlier = this.#options.isNew !== true
    this.#liveUntil = page[0]?.ts ?? ''
    for (const message of page.reverse()) this.#add(message, { isEarlier })
  }

  async #readChanges(after: number): Promise<void> {
    const { readChanges } = this.#options.source
    const changes: Change[] = []
    for (let from = after, isMore = true; isMore;) {
      const page = await this.#persistence.run((signal) =>
        (readChanges as NonNullable<typeof readChanges>)(from, signal),
      )
      changes.push(...page.changes)
      isMore = page.more && page.next > from
      from = page.next
      this.#seq = Math.max(this.#seq ?? 0, from)
    }
    // An edit moves a message to the end of the changes; it is told where it was said. What was deleted is told before it goes.
    const said = changes.flatMap(({ message }) => message ?? [])
    for (const message of said.sort(byTime)) this.#add(message)
    for (const { _id, message } of changes) if (message === undefined) this.#remove(_id)
  }

  /** Reads history until it meets what is known; what is known and not there any more was deleted. */
  async #reload(): Promise<void> {
    const { found, from } = await this.#readBackTo(this.#liveUntil)
    if (this.messages.length === 0) this.#startsAt = from
    const ids = new Set(found.map(({ _id }) => _id))
    for (const { _id, ts } of this.messages) if (ts >= from && !ids.has(_id)) this.#remove(_id)
    for (const message of found) this.#add(message)
    const newest = found.at(-1)?.ts ?? ''
    if (newest > this.#liveUntil) this.#liveUntil = newest
  }

  /** What was said since a time and some before it, oldest first; only the newest page without a time. */
  async #readBackTo(time: string): Promise<{ found: Message[]; from: string }> {
    const found: Message[] = []
    for (let before: string | undefined; ;) {
      const page = await this.#readPersistently(before)
      found.unshift(...page.reverse())
      before = page[0]?.ts
      if (before === undefined || page.length < pageSize) return { found, from: '' }
      if (time === '' || before <= time) return { found, from: before }
    }
  }

  #readPersistently(before?: string): Promise<Message[]> {
    return this.#persistence.run((signal) => this.#options.source.readHistory({ before, limit: pageSize }, signal))
  }

  /** Takes in what was heard meanwhile, in order. */
  #drain(heardBefore: ReadonlySet<Heard>): void {
    const waiting = this.#buffer.sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0))
    this.#buffer = []
    for (const heard of waiting) {
      // What was heard before we asked was in the answer, or nothing ever fills the hole in front of it.
      if (this.#isBeyondHole(heard) && !heardBefore.has(heard)) {
        this.#buffer.push(heard)
        void this.sync()
      } else this.#takeNext(heard)
    }
  }

  #remove(id: string): void {
    if (this.#deleted.has(id)) return
    this.#deleted.add(id)
    // One that was never told is gone without a word, unless older pages may show it.
    const isNews = this.#known.delete(id) || this.#startsAt !== ''
    this.#tell(id, isNews ? { type: 'message-deleted', rid: this.#options.rid, _id: id } : undefined)
  }

  #add(message: Message, { isEarlier } = news): void {
    const { _id } = message
    const known = this.#known.get(_id)
    if (this.#deleted.has(_id) || (known !== undefined && !isNewer(message, known))) return
    this.#known.set(_id, message)
    const { rid } = this.#options
    const isListed = known === undefined && message.ts >= this.#startsAt
    this.#tell(_id, isListed ? { type: 'message', rid, message, isEarlier } : { type: 'message-changed', rid, message })
  }

  #tell(id: string, event: FeedEvent | undefined): void {
    this.#told.push(() => this.#options.onNews(id, event))
  }

  #join(page: readonly Message[], isLast: boolean): void {
    if (this.#startsAt === '') return
    const isOlder = ({ _id, ts }: Message) => ts < this.#startsAt && !this.#deleted.has(_id) && !this.#known.has(_id)
    for (const message of page.filter(isOlder)) this.#known.set(message._id, message)
    const from = isLast ? '' : (page[0]?.ts ?? '')
    if (from < this.#startsAt) this.#startsAt = from
    this.#publish()
  }

  /** The list first, so that whoever hears of a message finds it there. */
  #publish(): void {
    const listed = [...this.#known.values()].filter(({ ts }) => ts >= this.#startsAt).sort(byTime)
    const isSame = listed.length === this.messages.length && listed.every((message, i) => message === this.messages[i])
    if (!isSame) {
      this.messages = listed
      this.#options.onList(listed)
    }
    const told = this.#told
    this.#told = []
    for (const tell of told) tell()
  }
}

const news = { isEarlier: false }

function heardOf(message: Message): Heard {
  return { _id: message._id, seq: message.seq, message }
}

/** Whether one is what the other has become. Where changes are not numbered, their time decides. */
function isNewer(one: Message, other: Message): boolean {
  const { seq = 0, _updatedAt, msg, t } = other
  if (one.seq !== other.seq) return (one.seq ?? 0) > seq
  // Within a millisecond the later news is right; answers and events differ in fields that nobody changes.
  return one._updatedAt > _updatedAt || (one._updatedAt === _updatedAt && (one.msg !== msg || one.t !== t))
}

function byTime(one: Message, other: Message): number {
  return one.ts < other.ts ? -1 : one.ts > other.ts ? 1 : 0
}
