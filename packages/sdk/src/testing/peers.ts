// The server's side of the sockets: frames in and out, who listens to what, and what is told.
import type { Clock } from '../clock.ts'
import type { Desk } from './desk.ts'
import type { DeskAgent, DeskMessage, DeskRoom, Notice } from './desk-model.ts'
import { agentDocument, inquiryDocument, messageDocument, type Reader } from './documents.ts'
import { toEjson } from './ejson.ts'
import { MY_MESSAGES, Peer, type Activity } from './peer.ts'
import type { ServerEnd, Visit } from './sockets.ts'
import { makeStaffFeed } from './staff-feed.ts'
import { placeInQueue } from './visitor-operations.ts'

export interface Peers {
  readonly accept: (end: ServerEnd) => Visit
  /** Tells whoever listens what happened. */
  hear(notice: Notice): void
  /** Somebody types, as both old and new clients call it. */
  tellTyping(rid: string, activity: Activity, except?: object): void
}

const QUEUE = 'livechat-inquiry-queue-observer'

/** The keys under which a chat is told to those who show a queue. */
function queuesOf({ departmentId }: Pick<DeskRoom, 'departmentId'>): string[] {
  return departmentId === undefined ? ['public'] : ['public', `department/${departmentId}`]
}

/** The sockets of a desk. */
export function makePeers(desk: Desk, clock: Clock): Peers {
  const peers = new Set<Peer>()
  const staff = makeStaffFeed(tell)
  /** What was told last of each agent. */
  const presences = new Map<string, string>(desk.agents.map(({ id, status, statusText }) => [id, status + statusText]))

  /** Tells everybody who listens to a key and still may, once each. */
  function tell(
    stream: string,
    key: string,
    argsFor: (reader: Reader) => unknown[] | undefined,
    except?: object,
  ): void {
    for (const peer of peers) {
      if (peer === except) continue
      const place = [...peer.subscriptions.values()].find((each) => each?.stream === stream && each.key === key)
      const args = place && argsFor(place.reader)
      if (args !== undefined) peer.say(changed(stream, key, args))
    }
  }

  function tellMine(room: DeskRoom, args: unknown[]): void {
    for (const peer of peers) {
      const { agent } = peer
      const listens = [...peer.subscriptions.values()].some((each) => each?.key === MY_MESSAGES)
      if (agent === undefined || !listens || !desk.mayRead(agent, room)) continue
      const isMember = room.servedBy?.agent === agent
      peer.say(changed('room-messages', MY_MESSAGES, [...args, { roomParticipant: isMember, roomType: 'l' }]))
    }
  }

  /** A chat that begins to wait, changes, or leaves the queue, for consoles that show it. */
  function tellQueue(room: DeskRoom, { isNew = false } = {}): void {
    const isShown = room.servedBy === undefined && desk.options.routing === 'manual'
    const entry = inquiryDocument(room, { withLast: isShown })
    for (const type of isNew ? ['added', 'changed'] : ['changed'])
      for (const key of queuesOf(room)) tell(QUEUE, key, () => [{ ...entry, type }])
    tell(QUEUE, room.inquiryId, () => [{ ...entry, clientAction: isNew ? 'inserted' : 'updated' }])
  }

  function tellGone({ inquiryId: _id, id: rid, ...room }: DeskRoom): void {
    for (const key of queuesOf(room)) tell(QUEUE, key, () => [{ _id, rid, type: 'removed' }])
    tell(QUEUE, _id, () => [{ _id, clientAction: 'removed' }])
  }

  /** The room is another now; whoever may not listen any more hears nothing from now on. */
  function tellRoom(room: DeskRoom): void {
    staff.tellRoom(room)
    for (const { subscriptions } of peers)
      for (const [id, each] of subscriptions) if (each?.isAllowed() === false) subscriptions.delete(id)
  }

  function tellMessage(room: DeskRoom, message: DeskMessage): void {
    staff.admit(room)
    tell('room-messages', room.id, (reader) => [messageDocument(message, room, reader)])
    tellMine(room, [messageDocument(message, room, 'staff')])
    tellMoved(room)
  }

  /** Something was said, or taken back. */
  function tellMoved(room: DeskRoom): void {
    // Several lines that are said together are told of once.
    queueMicrotask(() => staff.tellRoom(room))
    const waits = room.servedBy === undefined && room.closed === undefined
    if (waits && room.messages.length > 1) tellQueue(room)
  }

  const ears: { [Type in Notice['type']]: (notice: Extract<Notice, { type: Type }>) => void } = {
    message: ({ room, message }) => tellMessage(room, message),
    deleted: ({ room, message }) => {
      tell('notify-room', `${room.id}/deleteMessage`, () => [{ _id: message.id, seq: message.seq }])
      tellMoved(room)
    },
    queued: ({ room, isNew }) => tellAssigned(room, { isNew }),
    taken: ({ room }) => tellAssigned(room),
    changed: ({ room }) => tellRoom(room),
    closed: ({ room }) => {
      tellRoom(room)
      tellGone(room)
    },
    place: ({ room, spot }) => tell('livechat-room', room.id, () => [{ type: 'queueData', data: placeInQueue(spot) }]),
    presence: ({ agent }) => {
      staff.tellAccount(agent)
      tellPresence(agent)
    },
    'signed-out': (notice) => {
      for (const peer of [...peers]) peer.letGo(notice)
    },
    desk: () => {
      for (const key of ['all', ...desk.options.departments.map(({ _id }) => _id)])
        tell('livechat-desk', key, () => [{ online: desk.isOnline() }])
    },
  }

  function hear(notice: Notice): void {
    // The table pairs each type with a function of its own notice; the union of pairs hides that from the compiler.
    const listen = ears[notice.type] as (notice: Notice) => void
    listen(notice)
  }

  function tellAssigned(room: DeskRoom, note: { isNew?: boolean } = {}): void {
    const agent = room.servedBy?.agent
    tell('livechat-room', room.id, () => [{ type: 'agentData', ...(agent && { data: agentDocument(agent) }) }])
    tellRoom(room)
    tellQueue(room, note)
  }

  function tellPresence(agent: DeskAgent): void {
    const { id, username, status, statusText, name } = agent
    if (presences.get(id) === status + statusText) return
    presences.set(id, status + statusText)
    const code = ['offline', 'online', 'away', 'busy'].indexOf(status)
    tell('notify-logged', 'user-status', () => [[id, username, code, statusText, name, ['livechat-agent', 'user']]])
    for (const room of desk.rooms.values())
      if (room.servedBy?.agent === agent && room.closed === undefined)
        tell('livechat-room', room.id, () => [{ type: 'agentStatus', status }])
  }

  function tellTyping(rid: string, { name, activities, extras }: Activity, except?: object): void {
    const activity = extras === undefined ? [name, activities] : [name, activities, extras]
    tell('notify-room', `${rid}/user-activity`, () => activity, except)
    tell('notify-room', `${rid}/typing`, () => [name, activities.includes('user-typing')], except)
  }

  function accept(end: ServerEnd): Visit {
    const peer = new Peer({ desk, clock, end, tellTyping, onEnd: () => void peers.delete(peer) })
    peers.add(peer)
    return peer
  }

  return { accept, hear, tellTyping }
}

function changed(stream: string, eventName: string, args: readonly unknown[]): object {
  return {
    msg: 'changed',
    collection: `stream-${stream}`,
    id: 'id',
    fields: { eventName, args: args.map((each) => toEjson(each)) },
  }
}
