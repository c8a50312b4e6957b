import type { AgentRoom, AgentSessionEvent } from './agent.ts'
import type { AgentCalls } from './agent-calls.ts'
import type { Message, PlacesAnswer, StaffRoomsAnswer } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import { LivechatError } from './livechat-error.ts'
import { openRoomFeed } from './room-feed.ts'
import type { RoomFeed } from './room-feed.ts'
import { openRoomTyping } from './room-typing.ts'
import type { RoomTyping } from './room-typing.ts'

/** An agent's place in a room, as the server tells it. */
export type Place = PlacesAnswer['update'][number]

/** A room as the server tells it to the staff. */
export type StaffRoom = StaffRoomsAnswer['update'][number]

export interface AgentRoomsOptions {
  connection: Connection
  clock: Clock
  calls: AgentCalls
  /** The agent's, where it is known. */
  username: () => string | undefined
  emit: (event: AgentSessionEvent) => void
  /** A message is among those of its room now, or was. */
  onListed: (id: string) => void
  /** The list is another. */
  onRooms: (rooms: readonly AgentRoom[]) => void
  onRefused: (error: unknown) => void
}

interface Followed {
  room: AgentRoom
  feed: RoomFeed
  typing: RoomTyping
  /** It is gone, and what was said last is being read. */
  isLeaving: boolean
}

/** The rooms that an agent is in, each with what is said there. */
export class AgentRooms {
  readonly #options: AgentRoomsOptions
  readonly #followed = new Map<string, Followed>()
  #hasEnded = false

  constructor(options: AgentRoomsOptions) {
    this.#options = options
  }

  find(rid: string): AgentRoom | undefined {
    return this.#followed.get(rid)?.room
  }

  /** What is said in a room; throws `no-room` where the agent is in none with this id. */
  feedOf(rid: string): RoomFeed {
    const followed = this.#followed.get(rid)
    if (followed === undefined) throw new LivechatError('no-room', 'You are not in this conversation.')
    return followed.feed
  }

  typing(rid: string, isTyping: boolean): void {
    this.#followed.get(rid)?.typing.say(isTyping)
  }

  /** Takes in what was heard of in another way, such as the answer to a send; answers false where nobody follows. */
  takeMessage(message: Message): boolean {
    const followed = this.#followed.get(message.rid)
    followed?.feed.take(message)
    return followed !== undefined
  }

  /** The agent is in just these rooms now. */
  takeAll(places: readonly Place[], rooms: readonly StaffRoom[], { isEarlier }: { isEarlier: boolean }): void {
    for (const place of places) this.takePlace(place, { isEarlier })
    for (const room of rooms) this.takeRoom(room)
    const ids = new Set(places.map(({ rid }) => rid))
    for (const rid of this.#followed.keys()) if (!ids.has(rid)) this.leave(rid)
  }

  /** The agent has this place in a room. */
  takePlace(place: Place, { isEarlier }: { isEarlier: boolean }): void {
    const followed = this.#followed.get(place.rid)
    if (followed === undefined) this.#follow(place, { isEarlier })
    else {
      followed.isLeaving = false
      this.#change(followed, factsOf(place))
    }
  }

  /** A room is so now; nothing where the agent is not in it. */
  takeRoom({ _id, ...room }: StaffRoom): void {
    const followed = this.#followed.get(_id)
    if (followed !== undefined && room.t === 'l') this.#change(followed, { servedBy: room.servedBy })
  }

  /** The agent is in a room no more: it goes as soon as it is known what was said last. */
  leave(rid: string): void {
    const followed = this.#followed.get(rid)
    if (followed === undefined || followed.isLeaving) return
    followed.isLeaving = true
    // Rejects with the end of the session only.
    followed.feed.sync().then(
      () => this.#remove(followed),
      () => undefined,
    )
  }

  /** Reads in every room what has changed; for where sockets do not come through. */
  sync(): void {
    for (const { feed } of this.#followed.values()) feed.sync().catch(() => undefined)
  }

  end(): void {
    this.#hasEnded = true
    for (const followed of this.#followed.values()) stop(followed)
  }

  #follow(place: Place, { isEarlier }: { isEarlier: boolean }): void {
    if (this.#hasEnded) return
    const { connection, clock, calls, username, emit, onRefused } = this.#options
    const { rid } = place
    const room: AgentRoom = Object.freeze({ ...factsOf(place), rid, servedBy: undefined, messages: [], typing: [] })
    const typing = openRoomTyping({
      rid,
      connection,
      clock,
      username,
      onTyping: ({ username: name, isTyping, typing: names }) => {
        this.#show(rid, { typing: names })
        emit({ type: 'typing', rid, username: name, isTyping })
      },
    })
    const feed = openRoomFeed({
      rid,
      connection,
      clock,
      source: calls.source(rid),
      onNews: (id, event) => {
        typing.hear(event)
        this.#options.onListed(id)
        if (event !== undefined) emit(event)
      },
      onList: (messages) => this.#show(rid, { messages }),
      // A room that is left may refuse to be read.
      onRefused: (error) => this.#followed.get(rid)?.isLeaving === true || onRefused(error),
    })
    this.#followed.set(rid, { room, feed, typing, isLeaving: false })
    this.#publish()
    emit({ type: 'room', change: 'added', room, isEarlier })
    // Without a socket nothing else begins to read.
    if (connection.state.status !== 'online') feed.sync().catch(() => undefined)
  }

  #remove(followed: Followed): void {
    const { room } = followed
    // Came back meanwhile.
    if (!followed.isLeaving || this.#followed.get(room.rid) !== followed) return
    this.#followed.delete(room.rid)
    stop(followed)
    this.#publish()
    this.#options.emit({ type: 'room', change: 'removed', room: followed.room, isEarlier: false })
  }

  #change(followed: Followed, facts: Partial<AgentRoom>): void {
    const { rid } = followed.room
    if (this.#show(rid, facts))
      this.#options.emit({ type: 'room', change: 'changed', room: followed.room, isEarlier: false })
  }

  /** Puts these facts into a new object where one of them is another; answers whether. */
  #show(rid: string, facts: Partial<AgentRoom>): boolean {
    const followed = this.#followed.get(rid)
    if (followed === undefined) return false
    const keys = Object.keys(facts) as (keyof AgentRoom)[]
    if (keys.every((key) => isSame(followed.room[key], facts[key]))) return false
    followed.room = Object.freeze({ ...followed.room, ...facts })
    this.#publish()
    return true
  }

  #publish(): void {
    if (this.#hasEnded) return
    const rooms = [...this.#followed.values()].map(({ room }) => room)
    this.#options.onRooms(rooms.sort((one, other) => (one.joinedAt < other.joinedAt ? -1 : 1)))
  }
}

function stop({ feed, typing }: Followed): void {
  feed.end()
  typing.end()
}

function factsOf({ fname, v, department, onHold, ts, unread }: Place) {
  return {
    name: fname,
    visitor: { id: v._id, username: v.username, status: v.status },
    departmentId: department,
    isOnHold: onHold === true,
    joinedAt: ts,
    unread,
  }
}

/** Lists are new when they are others; small facts are compared by what is in them. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || (!Array.isArray(one) && JSON.stringify(one) === JSON.stringify(other))
}
