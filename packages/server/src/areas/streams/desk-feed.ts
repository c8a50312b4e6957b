// Widgets learn at once that somebody is there to answer, or nobody any more. It is the answer of `GET livechat/config`, told
// on a stream of our own.
import type { DeskEvent, EventName } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Hub, Peer } from '../../realtime/hub.ts'
import { isDeskOnline } from '../widget-settings/widget-settings.ts'
import { deskSaid } from './wire.ts'

/** The stream whose keys are departments, and this one. */
export const DESK = 'livechat-desk'
/** The key of visitors who have chosen no department. */
export const WHOLE_DESK = 'all'

/** Agents come and go together, when a shift begins: what happens within this time is told once. */
const COALESCE_MS = 250

/** Whatever may bring somebody to the desk or take somebody away. */
const causes: ReadonlySet<EventName> = new Set([
  'agent.changed',
  'user.changed',
  'user.removed',
  'department.changed',
  'department.removed',
  'settings.changed',
])

export interface DeskFeedOptions {
  read: Reader
  hub: Hub
  onError: (error: unknown) => void
}

export class DeskFeed {
  readonly #options: DeskFeedOptions
  /** What was told last, by key. */
  readonly #told = new Map<string, boolean>()
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(options: DeskFeedOptions) {
    this.#options = options
  }

  /** Takes in what happened. */
  hear({ name }: Pick<DeskEvent, 'name'>): void {
    if (causes.has(name)) this.note()
  }

  /** Something may have changed. */
  note(): void {
    // Keys that nobody listens to any more are known too, until they are looked at.
    if (this.#told.size === 0 && this.#options.hub.keys(DESK).length === 0) return
    this.#timer ??= setTimeout(() => void this.flush(), COALESCE_MS).unref()
  }

  /** Tells somebody who has just begun to listen. */
  welcome(key: string, peer: Peer): void {
    this.#next(async () => {
      const before = this.#told.get(key)
      const isAsTold = before !== undefined && this.#timer === undefined
      const isOnline = isAsTold ? before : await this.#isOnline(key)
      this.#told.set(key, isOnline)
      // Those who were told otherwise are told now, and not once more when their time comes.
      const isNews = before !== undefined && before !== isOnline
      this.#options.hub.say(DESK, key, deskSaid(isOnline), isNews ? {} : { only: peer })
    })
  }

  /** Tells at once what would be told in a moment. */
  flush(): Promise<void> {
    if (this.#timer !== undefined) {
      this.close()
      this.#next(() => this.#look())
    }
    return this.#work
  }

  /** Tells nothing more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    const { hub } = this.#options
    for (const key of this.#told.keys()) if (!hub.isHeard(DESK, key)) this.#told.delete(key)
    for (const [key, before] of this.#told) {
      const isOnline = await this.#isOnline(key)
      if (isOnline === before) continue
      this.#told.set(key, isOnline)
      hub.say(DESK, key, deskSaid(isOnline))
    }
  }

  #isOnline(key: string): Promise<boolean> {
    return isDeskOnline(this.#options.read, key === WHOLE_DESK ? undefined : key)
  }

  #next(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch(this.#options.onError)
  }
}
