// The rooms that agents are in, as their consoles list them: that a room came, how it is now, that it is gone (contract
// §C.14.3). What an agent was told is remembered, and what the database says is told against it: so an event that was lost
// or came twice changes nothing.
import type { Logger } from 'pino'
import type { Reader } from '../../database/transaction.ts'
import type { Hub } from '../../realtime/hub.ts'
import { findLastMessage, findRoom, type Room } from '../rooms/rooms.ts'
import { findSubscription } from '../subscriptions/subscriptions.ts'
import { findUserById } from '../users/users.ts'
import { digestOf } from './digest.ts'
import { listMembershipsOf, listMembersOf, markOf } from './membership-store.ts'
import { leftSubscription, roomForStaff, subscriptionForAgent } from './wire.ts'

export interface StaffRoomsOptions {
  read: Reader
  hub: Hub
  log: Logger
}

/** An agent whose console listens. */
interface Own {
  who: { id: string; username: string; name: string }
  roomIds: Set<string>
}

/** What an agent was told of a room, each as a digest; absent while nothing was. */
interface Told {
  subscription?: string
  room?: string
  /** The state of the room and of the agent's place in it that was told last. */
  mark?: string
}

const SUBSCRIPTIONS = 'subscriptions-changed'
const ROOMS = 'rooms-changed'

export class StaffRooms {
  readonly #options: StaffRoomsOptions
  readonly #users = new Map<string, Own>()
  /** Agents of whom it is not known yet which rooms they are in. */
  readonly #learning = new Map<string, Promise<void>>()
  readonly #told = new Map<string, Map<string, Told>>()
  /** What was told last to those who listen to a room's document. */
  readonly #documents = new Map<string, string>()
  /** Rooms that somebody may have come into, or left. */
  readonly #moved = new Set<string>()
  readonly #turns = new Map<string, Promise<void>>()

  constructor(options: StaffRoomsOptions) {
    this.#options = options
  }

  /** An agent's console listens from now on. */
  begin(userId: string): Promise<void> {
    if (this.#users.has(userId)) return this.#learning.get(userId) ?? Promise.resolve()
    const own: Own = { who: { id: userId, username: '', name: '' }, roomIds: new Set() }
    this.#users.set(userId, own)
    const learning = this.#learn(own).finally(() => this.#learning.delete(userId))
    this.#learning.set(userId, learning)
    return learning
  }

  /** Whether there is somebody to be told of this room. */
  concerns(roomId: string): boolean {
    if (this.#moved.has(roomId) || this.#told.has(roomId) || this.#learning.size > 0) return true
    return this.#options.hub.isHeard('room-data', roomId)
  }

  /** Somebody may have come into the room, or left it. */
  move(roomId: string): void {
    if (this.#users.size > 0) this.#moved.add(roomId)
  }

  /** Tells those who came into a room so, before what is said there next. */
  admit(roomId: string): Promise<void> {
    if (!this.#moved.has(roomId)) return Promise.resolve()
    return this.#inTurn(roomId, async () => {
      await this.#tellComing(roomId)
    })
  }

  /** Tells everybody how a room is now, where it is not as it was told. */
  tell(roomId: string): Promise<void> {
    if (!this.concerns(roomId)) return Promise.resolve()
    return this.#inTurn(roomId, async () => {
      if (this.#moved.delete(roomId)) this.#tellLeaving(roomId, await this.#tellComing(roomId))
      await this.#tellChanges(roomId)
    })
  }

  /** Answers once what is being told of a room is told. */
  async told(roomId: string): Promise<void> {
    await this.#turns.get(roomId)
  }

  /** Somebody is called otherwise now. */
  async rename(userId: string): Promise<void> {
    const own = this.#users.get(userId)
    const user = own && (await findUserById(this.#options.read, userId))
    if (own !== undefined && user !== undefined) own.who = { id: user.id, username: user.username, name: user.name }
  }

  /** Answers the rooms of which not everything was told. */
  async findMissed(): Promise<readonly string[]> {
    this.#forget()
    const missed = new Set<string>()
    const listed = new Set<string>()
    for (const { userId, roomId, mark } of await listMembershipsOf(this.#options.read, [...this.#users.keys()])) {
      listed.add(userId + roomId)
      if (this.#told.get(roomId)?.get(userId)?.mark !== mark) missed.add(roomId)
    }
    for (const [userId, { roomIds }] of this.#users)
      for (const roomId of roomIds) if (!listed.has(userId + roomId)) missed.add(roomId)
    for (const roomId of missed) this.move(roomId)
    return [...missed]
  }

  /** Answers once everything begun is told. */
  async settled(): Promise<void> {
    while (this.#turns.size > 0) await Promise.all(this.#turns.values())
  }

  async #learn(own: Own): Promise<void> {
    await this.rename(own.who.id)
    for (const { roomId, mark } of await listMembershipsOf(this.#options.read, [own.who.id]))
      this.#note(own, roomId, { mark })
  }

  /** Nobody listens for an agent whose consoles have gone. */
  #forget(): void {
    for (const [userId, { roomIds }] of this.#users) {
      if (this.#hears(userId, SUBSCRIPTIONS) || this.#hears(userId, ROOMS)) continue
      this.#users.delete(userId)
      for (const roomId of roomIds) this.#unnote(userId, roomId)
    }
    for (const roomId of this.#documents.keys())
      if (!this.#options.hub.isHeard('room-data', roomId)) this.#documents.delete(roomId)
  }

  /** Answers who is in the room now, of those who listen. */
  async #tellComing(roomId: string): Promise<ReadonlySet<string>> {
    const members = await listMembersOf(this.#options.read, roomId)
    for (const userId of members) {
      const own = this.#users.get(userId)
      if (own === undefined || own.roomIds.has(roomId)) continue
      this.#note(own, roomId, {})
      await this.#tellOne(roomId, userId, 'inserted')
    }
    return new Set(members)
  }

  #tellLeaving(roomId: string, members: ReadonlySet<string>): void {
    for (const userId of [...(this.#told.get(roomId)?.keys() ?? [])]) {
      const own = this.#users.get(userId)
      if (members.has(userId) || own === undefined) continue
      own.roomIds.delete(roomId)
      this.#unnote(userId, roomId)
      this.#say(userId, SUBSCRIPTIONS, ['removed', leftSubscription(roomId, own.who)])
    }
  }

  async #tellChanges(roomId: string): Promise<void> {
    const { hub } = this.#options
    for (const userId of [...(this.#told.get(roomId)?.keys() ?? [])]) await this.#tellOne(roomId, userId, 'updated')
    if (!hub.isHeard('room-data', roomId)) return
    const room = await findRoom(this.#options.read, roomId)
    if (room === undefined) return
    const document = await this.#documentOf(room)
    const digest = digestOf(document)
    if (this.#documents.get(roomId) !== digest) hub.say('room-data', roomId, { staff: [document] })
    this.#documents.set(roomId, digest)
  }

  /** The subscription first: consoles add the room to their lists by it. */
  async #tellOne(roomId: string, userId: string, what: 'inserted' | 'updated'): Promise<void> {
    const told = this.#told.get(roomId)?.get(userId)
    const own = this.#users.get(userId)
    if (told === undefined || own === undefined) return
    const subscription = await findSubscription(this.#options.read, own.who, roomId)
    // Has left meanwhile, and is told so in a moment.
    if (subscription === undefined) return
    told.mark = markOf(subscription.updatedAt, subscription.room.seq)
    if (this.#hears(userId, SUBSCRIPTIONS)) {
      const document = subscriptionForAgent(subscription, own.who)
      const digest = digestOf(document)
      if (told.subscription !== digest) this.#say(userId, SUBSCRIPTIONS, [what, document])
      told.subscription = digest
    }
    if (!this.#hears(userId, ROOMS)) return
    const document = await this.#documentOf(subscription.room)
    const digest = digestOf(document)
    if (told.room !== digest) this.#say(userId, ROOMS, [what, document])
    told.room = digest
  }

  async #documentOf(room: Room) {
    return roomForStaff(room, await findLastMessage(this.#options.read, room))
  }

  #say(userId: string, event: string, args: readonly unknown[]): void {
    this.#options.hub.say('notify-user', `${userId}/${event}`, { staff: args })
  }

  #hears(userId: string, event: string): boolean {
    return this.#options.hub.isHeard('notify-user', `${userId}/${event}`)
  }

  #note({ who, roomIds }: Own, roomId: string, told: Told): void {
    roomIds.add(roomId)
    const toldOf = this.#told.get(roomId) ?? new Map<string, Told>()
    this.#told.set(roomId, toldOf.set(who.id, told))
  }

  #unnote(userId: string, roomId: string): void {
    const told = this.#told.get(roomId)
    told?.delete(userId)
    if (told?.size === 0) this.#told.delete(roomId)
  }

  /** Of one room one after the other, so that what is read later is told later. */
  #inTurn(roomId: string, task: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(roomId) ?? Promise.resolve())
      .then(() => Promise.all(this.#learning.values()))
      .then(task)
      .catch((error: unknown) => {
        // Looked for again with the next sweep.
        this.#options.log.error({ err: error }, 'Agents could not be told of a room.')
      })
    this.#turns.set(roomId, turn)
    return turn.then(() => {
      if (this.#turns.get(roomId) === turn) this.#turns.delete(roomId)
    })
  }
}
