import type { Message } from './answers.ts'
import type { Clock } from './clock.ts'
import type { OutboxError, OutboxEvent, OutboxItem } from './events.ts'
import { isSame } from './is-same.ts'
import { isLivechatError } from './livechat-error.ts'
import type { LivechatError } from './livechat-error.ts'
import { openPersistence } from './persistence.ts'
import type { Persistence } from './persistence.ts'
import { randomId } from './random-id.ts'
import type { KeyValueStorage } from './storage.ts'
import { openTabs } from './tabs.ts'
import type { Tabs } from './tabs.ts'
import type { Logger } from './visitor.ts'

export interface OutboxOptions {
  storage: KeyValueStorage
  /** Under which the storage keeps it, e.g. `deskbell:<server>:<token>:outbox`. Tabs with the same key share it. */
  key: string
  clock: Clock
  logger?: Logger | undefined
  /**
   * The room for items that have none; opens one where there is none. Where it is given, everything goes one after the
   * other, and what a closed room refused is retried in another.
   */
  requireRoom?: (signal: AbortSignal) => Promise<string>
  /** Hands one message to the server. What it rejects with as `retryable` is tried again with the same `_id`. */
  deliver(item: { _id: string; rid: string; msg: string }, signal: AbortSignal): Promise<Message>
  /** The server has it. */
  onDelivered(message: Message): void
  /**
   * The list is another: what is pending, failed, and sent but not `settled` yet. The news is of an item that is new, has
   * come further, or was discarded.
   */
  onItems(items: readonly OutboxItem[], news?: ItemNews): void
}

/** What is told of one item. */
type ItemNews = Omit<OutboxEvent, 'type'>

/** Messages on their way to the server: kept until it answers, in order within a room, shared by the tabs of a browser. */
export interface Outbox {
  readonly items: readonly OutboxItem[]
  /** Reads what an earlier program left, and begins to send. */
  begin(): Promise<void>
  add(item: { msg: string; rid?: string | undefined }): OutboxItem
  /** Nothing where no failed item has this id. */
  retry(id: string): void
  discard(id: string): void
  /** The message is among those of the room now, so its item goes. */
  settle(id: string): void
  /** Stops pauses and begins anew what waits for an answer: the network may be another now. */
  wake(): void
  /** Fails what is pending and everything that comes: the server does not take these credentials. */
  refuseAll(error: LivechatError): void
  end(): void
}

/** What tabs say to each other. */
type Told =
  /** The kept list is another: these are new or have come further, and those are no more, some of them discarded. */
  | { kind: 'changed'; items: OutboxItem[]; gone: [id: string, isDiscarded: boolean][] }
  | { kind: 'sent'; id: string; message: Message }

/**
 * How long the tab that leads leaves an item to the tab that took it, and the others leave it to both. Those may be frozen,
 * or gone; where two send, the server knows the message by its id.
 */
const orphanedAfterMs = 5_000
const leftAfterMs = 10_000

/** Makes an outbox, which waits for `begin()`. */
export function openOutbox(options: OutboxOptions): Outbox {
  return new LiveOutbox(options)
}

class LiveOutbox implements Outbox {
  items: readonly OutboxItem[] = []
  readonly #options: OutboxOptions
  readonly #tabs: Tabs
  readonly #persistence: Persistence
  /** Items that the storage was seen to hold: where one of these is gone, another tab has removed it. */
  #kept = new Set<string>()
  /** Items that this tab has changed or removed and not written yet. */
  readonly #unwritten = new Set<string>()
  /** Items that are no more, and whether they were discarded. */
  readonly #gone = new Map<string, boolean>()
  /** Items that this tab sends: its own, and what others left. */
  readonly #mine = new Set<string>()
  /** Lanes in which something is being sent. */
  readonly #running = new Set<string>()
  readonly #timers = new Set<unknown>()
  #leads = false
  #hasEnded = false
  #refusal: LivechatError | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#tabs = openTabs(options.key, options.storage)
    this.#persistence = openPersistence(options.clock)
  }

  async begin(): Promise<void> {
    this.#tabs.onTold((message) => this.#hear(message as Told))
    await this.#exchange()
    this.#tabs.onLead(() => {
      this.#leads = true
      // Whoever led before is gone.
      for (const { _id } of this.items) this.#mine.add(_id)
      void this.#exchange()
    })
  }

  add({ msg, rid }: { msg: string; rid?: string | undefined }): OutboxItem {
    const { clock } = this.#options
    const ts = new Date(clock.now()).toISOString()
    const item: OutboxItem = { _id: randomId(16), msg, ts, rid, state: 'pending' }
    this.#put(item)
    this.#send(item._id)
    return item
  }

  retry(id: string): void {
    const item = this.#find(id)
    if (item?.state !== 'failed') return
    const isElsewhere = this.#options.requireRoom !== undefined && roomIsGone(item.error)
    this.#put({ ...item, rid: isElsewhere ? undefined : item.rid, state: 'pending', error: undefined })
    this.#send(id)
  }

  discard(id: string): void {
    const item = this.#find(id)
    if (item === undefined || item.state === 'sent') return
    this.#take(id, { item, isDiscarded: true })
    void this.#exchange([id])
  }

  settle(id: string): void {
    const item = this.#find(id)
    if (item === undefined) return
    this.#take(id, item.state === 'sent' ? undefined : { item: { ...item, state: 'sent' }, isDiscarded: false })
    void this.#exchange([id])
  }

  wake(): void {
    this.#persistence.restart()
  }

  refuseAll(error: LivechatError): void {
    this.#refusal = error
    for (const item of this.items) if (item.state === 'pending') this.#fail(item, error)
  }

  end(): void {
    this.#hasEnded = true
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer)
    this.#persistence.end()
    this.#tabs.end()
  }

  #send(id: string): void {
    const item = this.#find(id)
    if (item !== undefined && this.#refusal !== undefined) {
      this.#fail(item, this.#refusal)
      return
    }
    this.#mine.add(id)
    void this.#exchange([id])
    this.#run()
  }

  #hear(told: Told): void {
    if (told.kind === 'sent') {
      this.#delivered(told.id, told.message)
      return
    }
    for (const item of told.items) this.#adopt(item)
    for (const [id, isDiscarded] of told.gone) {
      const item = this.#find(id)
      if (item !== undefined && item.state !== 'sent')
        this.#take(id, { item: isDiscarded ? item : { ...item, state: 'sent' }, isDiscarded })
    }
    void this.#exchange()
  }

  /** Another tab has taken it, which sends it if it can. */
  #watch(id: string): void {
    const { clock } = this.#options
    const timer = clock.setTimeout(
      () => {
        this.#timers.delete(timer)
        this.#mine.add(id)
        this.#run()
      },
      this.#leads ? orphanedAfterMs : leftAfterMs,
    )
    this.#timers.add(timer)
  }

  /** Starts what may be sent: one message after the other within a room. */
  #run(): void {
    for (const item of this.items) {
      const lane = this.#laneOf(item)
      if (this.#nextIn(lane) === undefined || this.#running.has(lane)) continue
      this.#running.add(lane)
      void this.#runLane(lane)
    }
  }

  /** Never rejects: what goes wrong is written to the item. */
  async #runLane(lane: string): Promise<void> {
    for (let item = this.#nextIn(lane); item !== undefined; item = this.#nextIn(lane)) await this.#deliver(item)
    this.#running.delete(lane)
  }

  #nextIn(lane: string): OutboxItem | undefined {
    if (this.#hasEnded) return undefined
    const isNext = (item: OutboxItem) =>
      item.state === 'pending' && this.#mine.has(item._id) && this.#laneOf(item) === lane
    return this.items.find(isNext)
  }

  /** A visitor has one room at a time, which may not be open yet. */
  #laneOf({ rid }: OutboxItem): string {
    return this.#options.requireRoom === undefined ? (rid ?? '') : ''
  }

  async #deliver({ _id }: OutboxItem): Promise<void> {
    try {
      const message = await this.#persistence.run(async (signal) => {
        const item = this.#find(_id)
        // Discarded meanwhile, or sent by another tab.
        if (item?.state !== 'pending') return undefined
        const rid = item.rid ?? (await this.#options.requireRoom?.(signal)) ?? ''
        // From now on it is offered to this room only: another could take it a second time.
        if (item.rid === undefined && this.#find(_id)?.state === 'pending') this.#put({ ...item, rid })
        if (item.rid === undefined) void this.#exchange([_id])
        return this.#options.deliver({ _id, rid, msg: item.msg }, signal)
      })
      if (message === undefined) return
      this.#tabs.tell({ kind: 'sent', id: _id, message } satisfies Told)
      this.#delivered(_id, message)
    } catch (error) {
      const item = this.#find(_id)
      if (!this.#hasEnded && item?.state === 'pending') this.#fail(item, asOutboxError(error))
    }
  }

  #delivered(id: string, message: Message): void {
    const item = this.#find(id)
    if (item !== undefined && item.state !== 'sent') {
      this.#put({ ...item, rid: message.rid, state: 'sent', error: undefined })
      void this.#exchange([id])
    }
    this.#options.onDelivered(message)
  }

  #fail(item: OutboxItem, { code, message, status, requestId }: OutboxError): void {
    this.#put({ ...item, state: 'failed', error: { code, message, status, requestId } })
    void this.#exchange([item._id])
  }

  #find(id: string): OutboxItem | undefined {
    return this.items.find(({ _id }) => _id === id)
  }

  /** A new item, or what has become of one. */
  #put(item: OutboxItem): void {
    const isNew = this.#find(item._id) === undefined
    Object.freeze(item)
    this.items = isNew ? [...this.items, item] : this.items.map((each) => (each._id === item._id ? item : each))
    this.#options.onItems(this.items, { item, isDiscarded: false })
  }

  #take(id: string, news: ItemNews | undefined): void {
    this.#gone.set(id, news?.isDiscarded === true)
    this.items = this.items.filter(({ _id }) => _id !== id)
    this.#options.onItems(this.items, news)
  }

  /**
   * Reads the kept list, to which other tabs may have added and in which they may have changed and removed items, and
   * writes what has become of ours. A storage that fails costs what a reload would have brought back, and nothing else.
   */
  async #exchange(changed: readonly string[] = []): Promise<void> {
    const { storage, key, logger } = this.#options
    for (const id of changed) this.#unwritten.add(id)
    try {
      await this.#tabs.exclusively(async () => {
        const kept = readItems(await storage.get(key))
        const ids = new Set(kept.map(({ _id }) => _id))
        this.#merge(kept, ids)
        const worthKeeping = this.items.filter(({ state }) => state !== 'sent')
        const isKept = worthKeeping.length === ids.size && worthKeeping.every(({ _id }) => ids.has(_id))
        if (changed.length === 0 && (isKept || !this.#tabs.canTell)) return
        // What changes from now on is not in what we write.
        for (const id of changed) this.#unwritten.delete(id)
        this.#tellChanged(changed, ids)
        await (worthKeeping.length === 0 ? storage.remove(key) : storage.set(key, JSON.stringify(worthKeeping)))
        this.#kept = new Set(worthKeeping.map(({ _id }) => _id))
      })
    } catch (error) {
      for (const id of changed) this.#unwritten.add(id)
      logger?.warn('The storage of the outbox failed.', error)
    }
    this.#run()
  }

  #tellChanged(changed: readonly string[], ids: ReadonlySet<string>): void {
    if (this.#hasEnded) return
    const items = this.items.filter(({ _id, state }) => changed.includes(_id) && state !== 'sent')
    const gone = [...this.#gone].filter(([id]) => changed.includes(id) || ids.has(id))
    this.#tabs.tell({ kind: 'changed', items, gone } satisfies Told)
  }

  /**
   * What is kept adds to what is known, and takes nothing away where tabs tell each other: a browser shows a tab for a
   * moment what its `localStorage` held before another tab wrote, locks or not. Whoever finds that an item is missing, or
   * there again, writes what it knows.
   */
  #merge(kept: readonly OutboxItem[], ids: ReadonlySet<string>): void {
    const { canTell } = this.#tabs
    for (const item of kept) if (!canTell || this.#find(item._id) === undefined) this.#adopt(item)
    const isRemoved = ({ _id, state }: OutboxItem) =>
      state !== 'sent' && this.#kept.has(_id) && !ids.has(_id) && !this.#unwritten.has(_id)
    if (canTell) return
    for (const item of this.items.filter(isRemoved)) this.#take(item._id, { item, isDiscarded: true })
    this.#kept = new Set(ids)
  }

  /** Another tab has added or changed it. */
  #adopt(item: OutboxItem): void {
    const own = this.#find(item._id)
    if (own?.state === 'sent' || isSame(own, item) || this.#unwritten.has(item._id) || this.#gone.has(item._id)) return
    this.#put(item)
    if (own === undefined) this.#watch(item._id)
  }
}

/** What an earlier program wrote, perhaps another version of this one. */
function readItems(text: string | null | undefined): OutboxItem[] {
  try {
    const items: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(items) ? items.filter(isItem) : []
  } catch {
    return []
  }
}

function isItem(value: unknown): value is OutboxItem {
  const { _id, msg, state } = Object(value) as Partial<OutboxItem>
  return typeof _id === 'string' && typeof msg === 'string' && (state === 'pending' || state === 'failed')
}

function roomIsGone(error: OutboxError | undefined): boolean {
  return error?.code === 'room-closed' || error?.code === 'invalid-room'
}

function asOutboxError(error: unknown): OutboxError {
  if (isLivechatError(error)) return error
  return { code: 'refused', message: String(error), status: 0, requestId: undefined }
}
