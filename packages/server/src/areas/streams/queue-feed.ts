// Visitors who wait are told their place in the queue whenever it is another one (contract §C.14.2, `queueData`).
import type { Reader } from '../../database/transaction.ts'
import { findDepartment } from '../departments/departments.ts'
import { estimateWait } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { listSpots, type Spot } from './store.ts'
import { queueSaid } from './wire.ts'
import type { Said } from '../../realtime/hub.ts'

/** Every take and every close moves everybody behind: what happens within this time is told once. */
const COALESCE_MS = 250

export interface QueueFeedOptions {
  read: Reader
  /** The rooms whose visitors listen. */
  heardRooms: () => readonly string[]
  /** Tells a room in its turn, after all that was said there; `isStillSo` is asked then. */
  tell: (roomId: string, said: Said, isStillSo: () => boolean) => void
  onError: (error: unknown) => void
}

/** What all who wait in a queue are told alike. */
interface Queue {
  text: string
  waitOf: ((spot: number) => number) | undefined
}

export class QueueFeed {
  readonly #options: QueueFeedOptions
  /** The place that each room was told last. */
  readonly #told = new Map<string, number>()
  /** Rooms that have moved since the queue was looked at: what was read of them is not so any more. */
  readonly #moved = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(options: QueueFeedOptions) {
    this.#options = options
  }

  /** The queue has moved. The room that is named, if one is, has forgotten its place. */
  note(roomId?: string): void {
    if (roomId !== undefined) {
      this.#told.delete(roomId)
      this.#moved.add(roomId)
    }
    this.#timer ??= setTimeout(() => void this.flush(), COALESCE_MS).unref()
  }

  /** Tells at once what would be told in a moment. */
  flush(): Promise<void> {
    if (this.#timer !== undefined) {
      this.close()
      this.#work = this.#work.then(() => this.#look()).catch(this.#options.onError)
    }
    return this.#work
  }

  /** Tells nothing more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    const { read, heardRooms } = this.#options
    this.#moved.clear()
    const settings = await readSettings(read)
    const isTold = settings.Livechat_waiting_queue || settings.Omnichannel_calculate_dispatch_service_queue_statistics
    const spots = isTold ? await listSpots(read, heardRooms()) : []
    const news = spots.filter(({ roomId, spot }) => !this.#moved.has(roomId) && this.#told.get(roomId) !== spot)
    const queues = new Map<string | undefined, Queue>()
    for (const { departmentId } of news)
      if (!queues.has(departmentId))
        queues.set(departmentId, await this.#describe(departmentId, settings.Livechat_waiting_queue_message))
    const waiting = new Set(spots.map(({ roomId }) => roomId))
    for (const roomId of this.#told.keys()) if (!waiting.has(roomId)) this.#told.delete(roomId)
    for (const spot of news) this.#tell(spot, queues.get(spot.departmentId))
  }

  #tell({ roomId, spot }: Spot, queue: Queue | undefined): void {
    if (queue === undefined || this.#moved.has(roomId)) return
    this.#told.set(roomId, spot)
    const said = queueSaid({ spot, text: queue.text, waitSeconds: queue.waitOf?.(spot) })
    this.#options.tell(roomId, said, () => this.#told.get(roomId) === spot)
  }

  /** A department has words of its own, or those of the desk. */
  async #describe(departmentId: string | undefined, usual: string): Promise<Queue> {
    const { read } = this.#options
    const department = departmentId === undefined ? undefined : await findDepartment(read, departmentId)
    return { text: department?.waitingMessage || usual, waitOf: await estimateWait(read, departmentId) }
  }
}
