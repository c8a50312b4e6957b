// The queue as consoles show it: which chats begin to wait, change and leave it (contract §C.14.1, §C.14.4). Managers hear
// of every chat; agents of those that they might be given: of no department, of their own, and those that wait for them.
import type { DeskEvent } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Hub, Said } from '../../realtime/hub.ts'
import { findLastMessage, findRoom, type Room } from '../rooms/rooms.ts'
import { findInquiryOf, routingFlags, type Inquiry } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { digestOf } from './digest.ts'
import { listDepartmentMembers, listWaiting } from './membership-store.ts'
import { QUEUE, QUEUE_OF_AGENT } from './places.ts'
import { entryForQueue, goneFromQueue } from './wire.ts'

export interface QueueObserverOptions {
  read: Reader
  hub: Hub
}

/** Waiting chats that are compared with what was told; nobody looks further. */
const MOST_WAITING = 1_000

/** Why a chat is told of. */
export interface Note {
  /** It waits for the first time. */
  isNew?: boolean
  /** Nothing but a line of it may be another: told only while it waits, and where it is told otherwise then. */
  isDetail?: boolean
  /** That line is what was said last. */
  isMessage?: boolean
  /** The department that it came from, null for none; absent: it stays where it was. */
  from?: string | null
}

interface Waiting {
  id: string
  departmentId: string | null
  updatedAt: string
  /** What was told; absent while nothing was. */
  digest?: string
}

export class QueueObserver {
  readonly #options: QueueObserverOptions
  /** Chats that wait as they were told, by room; absent while nobody listens. */
  #waiting: Map<string, Waiting> | undefined
  readonly #noted = new Map<string, Note>()
  /** Rooms that were opened and have not come into the queue yet. */
  readonly #opened = new Set<string>()

  constructor(options: QueueObserverOptions) {
    this.#options = options
  }

  /** Takes in what happened; answers the room of which there is something to be told now, if there is. */
  hear({ name, data }: DeskEvent): string | undefined {
    // What was told to nobody is not known to whoever comes next.
    if (!this.isHeard) this.#waiting = undefined
    if (name === 'room.opened') this.#opened.add(data.roomId)
    if (name === 'inquiry.queued') return this.#note(data.roomId, { isNew: this.#opened.delete(data.roomId) })
    if (name === 'inquiry.taken') {
      this.#opened.delete(data.roomId)
      return this.#note(data.roomId, {})
    }
    if (name === 'room.transferred' && data.fromDepartmentId !== data.toDepartmentId)
      return this.#note(data.roomId, { from: data.fromDepartmentId })
    if (name === 'room.changed') return this.#note(data.roomId, { isDetail: true })
    // Only changes of messages are numbered.
    if ('seq' in data) return this.#note(data.roomId, { isDetail: true, isMessage: true })
    return undefined
  }

  get isHeard(): boolean {
    const { hub } = this.#options
    return hub.isStreamHeard(QUEUE) || hub.isStreamHeard(QUEUE_OF_AGENT)
  }

  /** Somebody listens from now on: what waits already is known to whoever asked for the list. */
  async begin(): Promise<void> {
    if (this.#waiting !== undefined) return
    const waiting = (this.#waiting = new Map<string, Waiting>())
    for (const entry of await listWaiting(this.#options.read, MOST_WAITING))
      if (!waiting.has(entry.roomId)) waiting.set(entry.roomId, entry)
  }

  /** Tells how a chat stands now, once for everything that was heard of it. */
  async tell(roomId: string): Promise<void> {
    const note = this.#noted.get(roomId)
    this.#noted.delete(roomId)
    if (note === undefined || !this.isHeard) return
    if (note.isMessage === true && !(await this.#showsMessages())) return
    const { read } = this.#options
    const inquiry = await findInquiryOf(read, roomId)
    const room = inquiry && (await findRoom(read, roomId))
    if (inquiry !== undefined && room !== undefined) await this.#tellEntry(inquiry, room, note)
  }

  async #tellEntry(inquiry: Inquiry, room: Room, { isNew, isDetail, from }: Note): Promise<void> {
    const { hub } = this.#options
    const entry = await this.#entryOf(inquiry, room)
    const isKnown = this.#remember(inquiry, digestOf(entry.changed))
    if (isDetail === true && (isKnown || inquiry.status !== 'queued')) return
    if (from !== undefined) this.#tellGone(from, inquiry)
    if (isNew === true && inquiry.status === 'queued') await this.#say(inquiry, entry.added, { isNew })
    await this.#say(inquiry, entry.changed, { isNew: false })
    hub.say(QUEUE, inquiry.id, isNew === true ? entry.inserted : entry.updated)
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
      if (known.get(roomId)?.updatedAt !== updatedAt) await this.#tellNow(roomId, { isNew: !known.has(roomId) })
    // A list that was cut short says nothing of those behind.
    if (waiting.length === MOST_WAITING) return
    for (const { roomId } of waiting) known.delete(roomId)
    for (const [roomId, { id, departmentId }] of known)
      if ((await findInquiryOf(this.#options.read, roomId)) !== undefined) await this.#tellNow(roomId, {})
      else this.tellRemoved({ inquiryId: id, roomId, departmentId })
  }

  async #tellNow(roomId: string, note: Note): Promise<void> {
    this.#note(roomId, note)
    await this.tell(roomId)
  }

  /** What is told of a room in a moment says all that was heard of it until then. */
  #note(roomId: string, note: Note): string | undefined {
    if (!this.isHeard) return undefined
    const { isNew, isDetail = true, isMessage = true, from } = this.#noted.get(roomId) ?? {}
    this.#noted.set(roomId, {
      isNew: isNew === true || note.isNew === true,
      isDetail: isDetail && note.isDetail === true,
      isMessage: isMessage && note.isMessage === true,
      ...(from !== undefined ? { from } : note.from !== undefined && { from: note.from }),
    })
    return roomId
  }

  /** Answers whether just this was told. */
  #remember({ id, roomId, status, departmentId, updatedAt }: Inquiry, digest: string): boolean {
    const isKnown = this.#waiting?.get(roomId)?.digest === digest
    if (status === 'queued') this.#waiting?.set(roomId, { id, departmentId: departmentId ?? null, updatedAt, digest })
    else this.#waiting?.delete(roomId)
    return isKnown
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
    const shown = inquiry.status === 'queued' && (await this.#showsMessages())
    return entryForQueue(inquiry, room, shown ? await findLastMessage(read, room) : undefined)
  }

  /** Whether the queue shows what was said last. */
  async #showsMessages(): Promise<boolean> {
    const settings = await readSettings(this.#options.read)
    return routingFlags(settings).showQueue && settings.Store_Last_Message
  }
}
