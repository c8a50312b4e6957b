// From what happened to what consoles of the staff are told beside messages: read `hear` to know which event reaches whom
// (contract §C.14.3, §C.14.4).
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import type { DeskEvent, EventName } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Place } from '../../realtime/connection.ts'
import type { Hub, Peer } from '../../realtime/hub.ts'
import { readSettings } from '../settings/settings.ts'
import type { User } from '../users/users.ts'
import { announce } from './announcements.ts'
import { notify } from './notifications.ts'
import { OwnDocuments } from './own-documents.ts'
import { QUEUE, QUEUE_OF_AGENT, USER_PRESENCE } from './places.ts'
import { QueueObserver } from './queue-observer.ts'
import { StaffRooms } from './staff-rooms.ts'
import { UserWatches } from './user-watches.ts'
import { presenceSaid, readSaid, refusedSaid } from './wire.ts'

export interface StaffFeedOptions {
  read: Reader
  hub: Hub
  log: Logger
  config: Config
  /** Does something for those of a room after everything that was said; answers false, and does nothing, where nobody listens to it. */
  after: (roomId: string, task: () => Promise<void>) => boolean
}

export class StaffFeed {
  readonly #options: StaffFeedOptions
  readonly #rooms: StaffRooms
  readonly #queue: QueueObserver
  readonly #own: OwnDocuments
  readonly #watches = new UserWatches()
  /** Rooms that will be told of in a moment, with everything that happens until then. */
  readonly #due = new Map<string, Promise<void>>()
  /** What is told beside rooms, in order. */
  #work: Promise<void> = Promise.resolve()

  constructor(options: StaffFeedOptions) {
    this.#options = options
    this.#rooms = new StaffRooms(options)
    this.#queue = new QueueObserver(options)
    this.#own = new OwnDocuments(options)
  }

  /** A console listens to this place from now on. */
  async joined({ stream, key, watched }: Place, peer: Peer): Promise<void> {
    if (stream === QUEUE || stream === QUEUE_OF_AGENT) await this.#queue.begin()
    if (stream === USER_PRESENCE && watched !== undefined) this.#watches.begin(peer, watched)
    if (stream !== 'notify-user') return
    const [userId = '', event = ''] = key.split('/')
    if (event === 'subscriptions-changed' || event === 'rooms-changed') await this.#rooms.begin(userId)
    await this.#own.begin(userId, event)
  }

  /** A socket watches other people from now on. */
  rewatched({ watched }: Place, peer: Peer): void {
    if (watched !== undefined) this.#watches.change(peer, watched)
  }

  /** Takes in what happened. */
  hear(event: DeskEvent): void {
    this.#hearOfRooms(event)
    this.#hearOfPeople(event)
    const { hub } = this.#options
    if (hub.isStreamHeard('notify-user')) this.#next(() => notify(this.#options, event))
    if (hub.isStreamHeard('notify-logged') || hub.isStreamHeard('notify-all'))
      this.#next(() => announce(this.#options, event))
  }

  /** Tells those who came into a room so, before what is said there next. */
  admit(roomId: string): Promise<void> {
    // Perhaps the database was quicker than the event.
    this.#rooms.move(roomId)
    return this.#rooms.admit(roomId)
  }

  /** Tells those who watch somebody how that person is now. */
  tellPresence(user: User): void {
    this.#options.hub.say(USER_PRESENCE, '', presenceSaid(user), {
      to: (peer) => this.#watches.isWatched(peer, user.id),
      as: { stream: USER_PRESENCE, eventName: user.id, uid: user.id },
    })
  }

  /** Looks for what was not heard of. */
  async sweep(): Promise<void> {
    for (const roomId of await this.#rooms.findMissed()) void this.#tellRoom(roomId)
    this.#next(() => this.#queue.sweep())
  }

  /** Answers once everything heard so far is told. */
  async settled(): Promise<void> {
    await Promise.all(this.#due.values())
    await this.#rooms.settled()
    await this.#work
  }

  #hearOfRooms(event: DeskEvent): void {
    for (const roomId of movedRooms(event)) {
      this.#rooms.move(roomId)
      void this.#tellRoom(roomId)
    }
    const { name, data } = event
    // Only changes of messages are numbered.
    if ('seq' in data) void this.#tellRoom(data.roomId)
    if (name === 'room.changed' || name === 'room.read') void this.#tellRoom(data.roomId)
    const queued = this.#queue.hear(event)
    if (queued !== undefined) this.#inQueue(queued, () => this.#queue.tell(queued))
    if (name === 'inquiry.removed') this.#inQueue(data.roomId, () => this.#queue.tellRemoved(data))
    if (name === 'room.read' && data.until !== null) this.#tellRead(data.roomId, data.until)
  }

  #hearOfPeople({ name, data }: DeskEvent): void {
    if (name === 'user.changed' || name === 'agent.changed') this.#next(() => this.#own.tellAccount(data.userId))
    if (name === 'user.name-changed') this.#next(() => this.#rooms.rename(data.userId))
    if (name === 'message.refused') this.#options.hub.say('notify-user', `${data.userId}/message`, refusedSaid(data))
    // At once: the sockets of whoever is removed are let go.
    if (name === 'user.removed') this.#own.tellAccountGone(data.userId)
    if (name === 'department.changed') {
      this.#next(() => this.#own.tellDepartment(data.departmentId))
      this.#next(() => this.#options.hub.recheck(QUEUE, `department/${data.departmentId}`))
    }
  }

  /** However often a room moves in a moment, it is told of once. */
  #tellRoom(roomId: string): Promise<void> {
    const due = this.#due.get(roomId)
    if (due !== undefined) return due
    if (!this.#rooms.concerns(roomId)) return Promise.resolve()
    const told = new Promise<void>((resolve) => {
      const tell = (): Promise<void> => {
        this.#due.delete(roomId)
        return this.#rooms.tell(roomId).finally(resolve)
      }
      if (!this.#options.after(roomId, tell)) queueMicrotask(() => void tell())
    })
    this.#due.set(roomId, told)
    return told
  }

  /** Consoles hear of their rooms first, and then of the queue. */
  #inQueue(roomId: string, task: () => Promise<void> | void): void {
    this.#next(async () => {
      await this.#due.get(roomId)
      await this.#rooms.told(roomId)
      await task()
    })
  }

  /** Visitors learn that they were read only where the administrator wants it. */
  #tellRead(roomId: string, until: string): void {
    const { hub, read } = this.#options
    const key = `${roomId}/messagesRead`
    if (!hub.isHeard('notify-room', key)) return
    this.#next(async () => {
      const { Message_Read_Receipt_Enabled: isWanted } = await readSettings(read)
      if (isWanted) hub.say('notify-room', key, readSaid(until))
    })
  }

  /** One after the other: what is read later is told later. */
  #next(task: () => Promise<void> | void): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'The staff could not be told.')
    })
  }
}

const movingEvents: ReadonlySet<string> = new Set<EventName>([
  'inquiry.taken',
  'inquiry.queued',
  'inquiry.removed',
  'agent.joined',
  'agent.left',
  'room.closed',
])

/** The rooms that somebody came into, or left, with an event. */
function movedRooms({ name, data }: DeskEvent): readonly string[] {
  if ('roomIds' in data) return data.roomIds
  return movingEvents.has(name) && 'roomId' in data ? [data.roomId] : []
}
