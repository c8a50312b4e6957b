// The queue as consoles show it: which chats begin to wait, change and leave it (contract §C.14.1, §C.14.4). Managers hear
// of every chat; agents of those that they might be given: of no department, of their own, and those that wait for them.
import type { DeskEvent } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Hub, Said } from '../../realtime/hub.ts'
import { findLastMessage, findRoom, type Room } from '../rooms/rooms.ts'
import { findInquiryOf, routingFlags, type Inquiry } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { listDepartmentMembers, listWaiting } from './membership-store.ts'
import { QUEUE, QUEUE_OF_AGENT } from './places.ts'
import { entryForQueue, goneFromQueue } from './wire.ts'

export interface QueueObserverOptions {
  read: Reader
  hub: Hub
}

/** Waiting chats that are compared with what was told; nobody looks further. */
const MOST_WAITING = 1_000

/** What is to be told of a chat. */
export interface Note {
  /** It waits for the first time. */
  isNew?: boolean
  /** Nobody but those who wait is of interest. */
  whileQueued?: boolean
  /** The department that it came from, null for none; absent: it stays where it was. */
  from?: string | null
}

interface Waiting {
  id: string
  departmentId: string | null
  updatedAt: string
}

export class QueueObserver {
  readonly #options: QueueObserverOptions
  /** Chats that wait as they were told, by room; absent while nobody listens. */
  #waiting: Map<string, Waiting> | undefined
  /** Rooms that were opened and have not come into the queue yet. */
  readonly #opened = new Set<string>()

  constructor(options: QueueObserverOptions) {
    this.#options = options
  }

  /** Answers what is to be told after an event, and of which room; `undefined` for nothing. */
  noteOf({ name, data }: DeskEvent): { roomId: string; note: Note } | undefined {
    if (name === 'room.opened') this.#opened.add(data.roomId)
    if (name === 'inquiry.queued') return { roomId: data.roomId, note: { isNew: this.#opened.delete(data.roomId) } }
    if (name === 'inquiry.taken') {
      this.#opened.delete(data.roomId)
      return { roomId: data.roomId, note: {} }
    }
    if (name === 'room.transferred' && data.fromDepartmentId !== data.toDepartmentId)
      return { roomId: data.roomId, note: { from: data.fromDepartmentId } }
    if (name === 'room.changed') return { roomId: data.roomId, note: { whileQueued: true } }
    return undefined
  }

  get isHeard(): boolean {
    const { hub } = this.#options
    return hub.isStreamHeard(QUEUE) || hub.isStreamHeard(QUEUE_OF_AGENT)
  }

  /** Whether the queue shows what was said last. */
  async showsMessages(): Promise<boolean> {
    if (!this.isHeard) return false
    const settings = await readSettings(this.#options.read)
    return routingFlags(settings).showQueue && settings.Store_Last_Message
  }

  /** Somebody listens from now on: what waits already is known to whoever asked for the list. */
  async begin(): Promise<void> {
    if (this.#waiting !== undefined) return
    const waiting = (this.#waiting = new Map<string, Waiting>())
    for (const entry of await listWaiting(this.#options.read, MOST_WAITING))
      if (!waiting.has(entry.roomId)) waiting.set(entry.roomId, entry)
  }

  /** Tells how a chat stands now. */
  async tell(roomId: string, note: Note): Promise<void> {
    if (!this.isHeard) return
    const { read } = this.#options
    const inquiry = await findInquiryOf(read, roomId)
    const room = inquiry && (await findRoom(read, roomId))
    if (inquiry === undefined || room === undefined) return
    this.#remember(inquiry)
    if (inquiry.status === 'queued' || note.whileQueued !== true) await this.#tellEntry(inquiry, room, note)
  }

  async #tellEntry(inquiry: Inquiry, room: Room, { isNew = false, from }: Note): Promise<void> {
    const { hub } = this.#options
    if (from !== undefined) this.#tellGone(from, inquiry)
    const entry = await this.#entryOf(inquiry, room)
    if (isNew && inquiry.status === 'queued') await this.#say(inquiry, entry.added, { isNew: true })
    await this.#say(inquiry, entry.changed, { isNew: false })
    hub.say(QUEUE, inquiry.id, isNew ? entry.inserted : entry.updated)
    // Who might have taken it may not look on when somebody else has.
    await hub.recheck(QUEUE, inquiry.id)
  }

  /** A chat has ended: it is in no queue any more. */
  tellRemoved({ inquiryId, roomId, departmentId }: { inquiryId: string; roomId: string; departmentId: string | null }) {
    this.#opened.delete(roomId)
    this.#waiting?.delete(roomId)
    this.#tellGone(departmentId, { id: inquiryId, roomId })
    if (departmentId === null) this.#options.hub.say(QUEUE, 'public', goneFromQueue({ id: inquiryId, roomId }).removed)
    this.#options.hub.say(QUEUE, inquiryId, goneFromQueue({ id: inquiryId, roomId }).gone)
  }

  /** Looks for what was not heard of, and tells it. */
  async sweep(): Promise<void> {
    if (!this.isHeard) {
      this.#waiting = undefined
      this.#opened.clear()
      return
    }
    const known = new Map(this.#waiting)
    const waiting = await listWaiting(this.#options.read, MOST_WAITING)
    for (const { roomId, updatedAt } of waiting)
      if (known.get(roomId)?.updatedAt !== updatedAt) await this.tell(roomId, { isNew: !known.has(roomId) })
    // A list that was cut short says nothing of those behind.
    if (waiting.length === MOST_WAITING) return
    for (const { roomId } of waiting) known.delete(roomId)
    for (const [roomId, { id, departmentId }] of known)
      if ((await findInquiryOf(this.#options.read, roomId)) !== undefined) await this.tell(roomId, {})
      else this.tellRemoved({ inquiryId: id, roomId, departmentId })
  }

  #remember({ id, roomId, status, departmentId, updatedAt }: Inquiry): void {
    if (status === 'queued') this.#waiting?.set(roomId, { id, departmentId: departmentId ?? null, updatedAt })
    else this.#waiting?.delete(roomId)
  }

  /** A new chat is told to one queue, a change to all who may have it on their lists. */
  async #say({ departmentId, defaultAgent }: Inquiry, said: Said, { isNew }: { isNew: boolean }): Promise<void> {
    const { hub, read } = this.#options
    if (departmentId !== undefined) hub.say(QUEUE, `department/${departmentId}`, said)
    if (departmentId !== undefined && isNew) return
    hub.say(QUEUE, 'public', said)
    const agentIds = hub.keys(QUEUE_OF_AGENT)
    if (departmentId === undefined) {
      for (const id of agentIds) this.#sayTo(id, said)
      return
    }
    const members = await listDepartmentMembers(read, departmentId, agentIds)
    const meant = new Set(members.filter(({ isEnabled }) => isEnabled).map(({ agentId }) => agentId))
    if (defaultAgent !== undefined) meant.add(defaultAgent.id)
    for (const id of meant) this.#sayTo(id, said)
  }

  /** Takes a chat off the lists on which it may stand: of a department, or of everybody who is not told of all. */
  #tellGone(departmentId: string | null, inquiry: { id: string; roomId: string }): void {
    const { hub } = this.#options
    const { removed } = goneFromQueue(inquiry)
    if (departmentId !== null) hub.say(QUEUE, `department/${departmentId}`, removed)
    else for (const id of hub.keys(QUEUE_OF_AGENT)) this.#sayTo(id, removed)
  }

  #sayTo(agentId: string, said: Said): void {
    this.#options.hub.say(QUEUE_OF_AGENT, agentId, said, { as: { stream: QUEUE, eventName: 'public' } })
  }

  async #entryOf(inquiry: Inquiry, room: Room) {
    const { read } = this.#options
    const shown = inquiry.status === 'queued' && (await this.showsMessages())
    return entryForQueue(inquiry, room, shown ? await findLastMessage(read, room) : undefined)
  }
}
