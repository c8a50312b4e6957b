// From what happened to what is told: read `#ears` to know which event reaches whom (contract §C.14.4).
import type { Logger } from 'pino'
import type { DeskEvent, EventName, Events } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Config } from '../../config.ts'
import type { Place } from '../../realtime/connection.ts'
import type { Hub, Peer } from '../../realtime/hub.ts'
import { readSettings } from '../settings/settings.ts'
import { createdMessage, type Message } from '../timeline/timeline.ts'
import { findUserById } from '../users/users.ts'
import { findRoom } from '../rooms/rooms.ts'
import { findVisitorById, type Visitor } from '../visitors/visitors.ts'
import { MINE, MY_MESSAGES, notices } from './places.ts'
import { QueueFeed } from './queue-feed.ts'
import { StaffFeed } from './staff-feed.ts'
import { listHeardOf, listUnserved } from './store.ts'
import { Watches } from './watches.ts'
import {
  agentSaid,
  agentStatusSaid,
  deletionSaid,
  messageSaid,
  ownMessageSaid,
  userStatusSaid,
  visitorSaid,
} from './wire.ts'

export interface FeedOptions {
  read: Reader
  hub: Hub
  log: Logger
  config: Config
  /** Who listens to all their rooms at once and may read this one. */
  findOwners: (roomId: string) => Promise<readonly Owner[]>
}

/** Somebody who listens to all rooms that are open to that person. */
export interface Owner {
  userId: string
  /** Whether the person is in the room. */
  isParticipant: boolean
}

/** Streams whose key is a room. */
const ROOM_STREAMS = ['room-messages', 'livechat-room', 'room-data'] as const

export class Feed {
  readonly #options: FeedOptions
  readonly #watches: Watches
  readonly #queue: QueueFeed
  readonly #staff: StaffFeed
  /** What is told to the staff, in order. */
  #work: Promise<void> = Promise.resolve()
  /** Presence and words of each member of the staff as they were told last. */
  readonly #presences = new Map<string, string>()
  /** What is told when; nobody listens for the events that are missing here. */
  readonly #ears: { [Name in EventName]?: (data: Events[Name]) => void } = {
    'message.created': (data) => this.#hearMessage(data, createdMessage(data)),
    'message.changed': (data) => this.#hearMessage(data),
    'message.deleted': (data) => this.#hearMessage(data),
    'inquiry.taken': ({ roomId, agentId }) => this.#hearAssigned(roomId, agentId),
    'inquiry.queued': ({ roomId }) => this.#hearAssigned(roomId, undefined),
    'room.changed': ({ roomId }) => this.#hearRoom(roomId),
    'visitor.replaced': ({ roomId, visitorId }) => this.#hearReplaced(roomId, visitorId),
    'room.closed': ({ roomId }) => {
      this.#hearRoom(roomId)
      this.#queue.note()
    },
    'visitor.removed': ({ roomIds }) => {
      for (const roomId of roomIds) this.#hearRoom(roomId)
      this.#queue.note()
    },
    'department.changed': ({ departmentId }) => this.#next(() => this.#hearOfSight(departmentId)),
    'department.removed': () => this.#queue.note(),
    'settings.changed': ({ ids }) => {
      this.#queue.note()
      if (ids.includes('Livechat_Routing_Method')) this.#next(() => this.#hearOfSight(undefined))
    },
    'agent.changed': ({ userId }) => this.#next(() => this.#tellPresence(userId)),
  }

  constructor(options: FeedOptions) {
    this.#options = options
    this.#watches = new Watches({
      read: options.read,
      log: options.log,
      isHeard: (roomId) => this.#isHeard(roomId),
      tellComing: (roomId) => this.#staff.admit(roomId),
      tell: (message, visitorToken) => this.#tellMessage(message, visitorToken),
      recheck: (roomId) => this.#recheck(roomId),
      findToken: async (roomId) => (await findVisitorOf(options.read, roomId))?.token,
    })
    this.#staff = new StaffFeed({ ...options, after: (roomId, task) => this.#watches.after(roomId, task) })
    this.#queue = new QueueFeed({
      read: options.read,
      heardRooms: () => options.hub.keys('livechat-room'),
      tell: (roomId, said, isStillSo) => {
        this.#watches.after(roomId, () => {
          if (isStillSo()) options.hub.say('livechat-room', roomId, said)
          return Promise.resolve()
        })
      },
      onError: (error) => this.#complain(error),
    })
  }

  /** Somebody listens to this place from now on. */
  async joined(place: Place, peer: Peer): Promise<void> {
    const { stream, key, visitorToken } = place
    const roomId = stream === 'notify-room' ? key.split('/')[0] : key
    if (stream === 'notify-room' || ROOM_STREAMS.some((each) => each === stream))
      await this.#watches.begin(roomId ?? key, visitorToken)
    if (stream === 'livechat-room') this.#queue.note(key)
    await this.#staff.joined(place, peer)
  }

  /** Somebody who listens to a place wants to hear of others there. */
  rewatched(place: Place, peer: Peer): void {
    this.#staff.rewatched(place, peer)
  }

  /** Takes in what happened. */
  hear(event: DeskEvent): void {
    const { name, data } = event
    // Who listens to all rooms has named none, so a room is watched as soon as it moves.
    if ('seq' in data && this.#options.hub.isStreamHeard(MINE)) this.#watches.beginAt(data.roomId, data.seq)
    this.#staff.hear(event)
    // The table pairs each name with a function of its own data; the union of pairs hides that from the compiler.
    const take = this.#ears[name] as ((data: unknown) => void) | undefined
    take?.(data)
  }

  /** Looks whether watched rooms have moved without our hearing of it. */
  async sweep(): Promise<void> {
    this.#queue.note()
    await this.#watches.sweep()
    await this.#staff.sweep()
  }

  /** Answers once everything heard so far is told. */
  async settled(): Promise<void> {
    await this.#work
    await this.#queue.flush()
    await this.#watches.settled()
    await this.#staff.settled()
  }

  /** Tells nothing more. */
  close(): void {
    this.#queue.close()
  }

  #isHeard(roomId: string): boolean {
    const { hub } = this.#options
    return (
      ROOM_STREAMS.some((stream) => hub.isHeard(stream, roomId)) ||
      notices.some((notice) => hub.isHeard('notify-room', `${roomId}/${notice}`)) ||
      hub.isStreamHeard(MINE)
    )
  }

  #hearMessage({ roomId, seq }: { roomId: string; seq: number }, message?: Message): void {
    this.#watches.move(roomId, seq, message)
  }

  #hearAssigned(roomId: string, agentId: string | undefined): void {
    const { hub, read } = this.#options
    this.#watches.after(roomId, async () => {
      hub.say('livechat-room', roomId, await agentSaid(read, agentId))
    })
    // What tells who serves clears the place in the queue from the widget.
    this.#queue.note(roomId)
    this.#hearRoom(roomId)
  }

  /** The room is another now. Whoever may not listen any more leaves only after the last lines are out. */
  #hearRoom(roomId: string): void {
    this.#watches.after(roomId, () => this.#recheck(roomId))
  }

  /** Other agents may look into the chats of a department now, or of every one, that nobody serves. */
  async #hearOfSight(departmentId: string | undefined): Promise<void> {
    for (const roomId of await listUnserved(this.#options.read, this.#watches.roomIds(), departmentId))
      this.#hearRoom(roomId)
  }

  /** The old visitor is told that there is another, never the token of that one, and hears nothing from then on. */
  #hearReplaced(roomId: string, visitorId: string): void {
    const { hub, read } = this.#options
    this.#watches.before(roomId, async () => {
      const visitor = await findVisitorById(read, visitorId)
      if (visitor !== undefined) hub.say('livechat-room', roomId, visitorSaid(visitor))
      await this.#recheck(roomId)
    })
  }

  /** Everything is looked up first: what fails then is told to nobody, and tried again. */
  async #tellMessage(message: Message, visitorToken: string | undefined): Promise<void> {
    const { hub, read, findOwners } = this.#options
    const { roomId, type, deletedAt } = message
    const { Hide_System_Messages: hidden, Livechat_show_agent_info: showsAgents } = await readSettings(read)
    if (type !== undefined && hidden.includes(type)) return
    if (deletedAt !== undefined) {
      hub.say('notify-room', `${roomId}/deleteMessage`, deletionSaid(message))
      return
    }
    const owners = hub.isStreamHeard(MINE) ? await findOwners(roomId) : []
    if (hub.isHeard('room-messages', roomId))
      hub.say(
        'room-messages',
        roomId,
        messageSaid(message, { ...(visitorToken !== undefined && { visitorToken }), hidesAgents: !showsAgents }),
      )
    const as = { stream: 'room-messages', eventName: MY_MESSAGES }
    for (const { userId, isParticipant } of owners)
      hub.say(MINE, userId, ownMessageSaid(message, isParticipant), { as })
  }

  async #tellPresence(userId: string): Promise<void> {
    const { hub, read } = this.#options
    const agent = await findUserById(read, userId)
    // The service switch changes an agent too, and is nobody else's business.
    if (agent === undefined) return
    const now = `${agent.presence} ${agent.statusText}`
    if (this.#presences.get(userId) === now) return
    this.#presences.set(userId, now)
    hub.say('notify-logged', 'user-status', userStatusSaid(agent))
    this.#staff.tellPresence(agent)
    const { Livechat_show_agent_info: isShown } = await readSettings(read)
    if (!isShown) return
    for (const roomId of await listHeardOf(read, userId, hub.keys('livechat-room')))
      hub.say('livechat-room', roomId, agentStatusSaid(agent.presence))
  }

  async #recheck(roomId: string): Promise<void> {
    const { hub } = this.#options
    for (const stream of ROOM_STREAMS) await hub.recheck(stream, roomId)
    for (const notice of notices) await hub.recheck('notify-room', `${roomId}/${notice}`)
  }

  /** One after the other: what is read later is told later. */
  #next(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => this.#complain(error))
  }

  #complain(error: unknown): void {
    this.#options.log.error({ err: error }, 'Listeners could not be told.')
  }
}

async function findVisitorOf(reader: Reader, roomId: string): Promise<Visitor | undefined> {
  const room = await findRoom(reader, roomId)
  return room && findVisitorById(reader, room.visitor.id)
}
