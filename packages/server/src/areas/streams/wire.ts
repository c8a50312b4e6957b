// What listeners are told, as it travels.
import type { Events } from '@deskbell/contract/events.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Said } from '../../realtime/hub.ts'
import { agentInfo } from '../agents/agents.ts'
import { agentInfoToWire } from '../agents/wire.ts'
import type { Permission } from '../roles/roles.ts'
import type { Inquiry } from '../routing/routing.ts'
import { inquiryToWire } from '../routing/wire.ts'
import type { Setting } from '../settings/settings.ts'
import { settingToWire } from '../settings/wire.ts'
import type { Subscription } from '../subscriptions/subscriptions.ts'
import { lostToWire, subscriptionToWire } from '../subscriptions/wire.ts'
import { systemAuthor, type Message, type Room } from '../timeline/timeline.ts'
import type { User } from '../users/users.ts'
import { userToWire } from '../users/wire.ts'
import type { Visitor } from '../visitors/visitors.ts'
import { messageToWire, roomToWire, staff, type Audience } from '../timeline/wire.ts'

/** A message for both sides; each visitor who listens to a room is its visitor. */
export function messageSaid(message: Message, visitor: Audience): Said {
  return { staff: () => [messageToWire(message, staff)], visitor: () => [messageToWire(message, visitor)] }
}

/** A message for those who listen to all their rooms at once. */
export function ownMessageSaid(message: Message, isParticipant: boolean): Said {
  return { staff: [messageToWire(message, staff), { roomParticipant: isParticipant, roomType: 'l' }] }
}

export function deletionSaid(message: Message): Said {
  // The change number, so that a deletion leaves no hole that would have to be read (architecture §8).
  const args = [{ _id: message.id, seq: message.seq }]
  return { staff: args, visitor: args }
}

/** Who serves now; nobody where the room went back into the queue (contract §C.14.2). */
export async function agentSaid(reader: Reader, agentId: string | undefined): Promise<Said> {
  if (agentId === undefined) return { visitor: [{ type: 'agentData' }] }
  const info = await agentInfo(reader, agentId)
  return { visitor: [{ type: 'agentData', data: info && agentInfoToWire(info) }] }
}

/** Whose room it is now, for the one whose it was: never the token, nor a name (contract §C.14.2). */
export function visitorSaid({ id, username }: Visitor): Said {
  return { visitor: [{ type: 'visitorData', visitor: { _id: id, username } }] }
}

export function agentStatusSaid(status: string): Said {
  return { visitor: [{ type: 'agentStatus', status }] }
}

const statusCodes: Readonly<Record<string, number>> = { offline: 0, online: 1, away: 2, busy: 3 }

/** Whether a member of the staff is there, for the others: one argument, a list (contract §C.14.1). */
export function userStatusSaid({ id, username, presence, statusText, name, roles }: User): Said {
  return { staff: [[id, username, statusCodes[presence] ?? 0, statusText, name, [...roles]]] }
}

/** A place in the queue, 1 for the next, with the words that go with it and, where it is known, the time. */
export function queueSaid({
  spot,
  text,
  waitSeconds,
}: {
  spot: number
  text: string
  waitSeconds?: number | undefined
}): Said {
  const user = { _id: systemAuthor.id, username: systemAuthor.username }
  const data = { spot, message: { text, user }, estimatedWaitTimeSeconds: waitSeconds }
  return { visitor: [{ type: 'queueData', data }] }
}

/** Whether somebody is there to answer. */
export function deskSaid(isOnline: boolean): Said {
  const args = [{ online: isOnline }]
  return { visitor: args, staff: args }
}

/** A chat in the queue, as each kind of listener is told (contract §C.14.1). `lastMessage` only where agents may look into it. */
export function entryForQueue(inquiry: Inquiry, room: Room, lastMessage: Message | undefined) {
  const entry = inquiryToWire(inquiry, room, lastMessage)
  const said = (more: object): Said => ({ staff: [{ ...entry, ...more }] })
  return {
    added: said({ type: 'added' }),
    changed: said({ type: 'changed' }),
    inserted: said({ clientAction: 'inserted' }),
    updated: said({ clientAction: 'updated' }),
  }
}

/** A chat that is in the queue no more: for lists, and for those who look at it alone. */
export function goneFromQueue({ id: _id, roomId: rid }: { id: string; roomId: string }): { removed: Said; gone: Said } {
  return { removed: { staff: [{ _id, rid, type: 'removed' }] }, gone: { staff: [{ _id, clientAction: 'removed' }] } }
}

/** A room as the staff sees it. */
export function roomForStaff(room: Room, lastMessage: Message | undefined) {
  return roomToWire(room, lastMessage, staff)
}

/** An agent's place in a room. */
export function subscriptionForAgent(subscription: Subscription, who: Pick<SignedIn, 'id' | 'username' | 'name'>) {
  return subscriptionToWire(subscription, who)
}

/** The same once the agent has left. */
export function leftSubscription(roomId: string, { id, username }: { id: string; username: string }) {
  const { _id, rid, t } = lostToWire({ roomId, at: '' }, { id })
  return { _id, rid, t, u: { _id: id, username } }
}

/** Somebody's account as its owner sees it. */
export function accountForOwner(user: User): Record<string, unknown> {
  return userToWire(user)
}

/** A message for those who look elsewhere (contract §C.14.3). */
export function messageNotice(message: Message, room: Room): Said {
  const { id, author, text, extra } = message
  const name = nameOf(room)
  const { name: fileName } = (extra?.['file'] ?? {}) as { name?: string }
  return noticeSaid(name, text === '' ? (fileName ?? '') : text, {
    _id: id,
    rid: room.id,
    sender: { _id: author.id, username: author.username, name: author.name },
    message: { msg: text },
    name,
  })
}

/** A chat that begins to wait. */
export function queueNotice(room: Room): Said {
  const { id, username, name } = room.visitor
  return noticeSaid(NEW_CHAT, `${nameOf(room)} started a new conversation`, {
    _id: '',
    sender: { _id: id, username, name },
    message: { msg: '' },
    name: NEW_CHAT,
  })
}

const NEW_CHAT = 'New chat in queue'

function noticeSaid(title: string, text: string, payload: object): Said {
  return { staff: [{ title: `[Omnichannel] ${title}`, text, payload: { ...payload, type: 'l' } }] }
}

function nameOf({ visitor }: Room): string {
  return visitor.name ?? visitor.username
}

/** A permission with the roles that hold it. */
export function permissionForStaff({ id, roles }: Permission) {
  return { _id: id, roles: [...roles] }
}

/** A setting that anybody may read. */
export function publicSetting({ id, value }: Setting) {
  return { _id: id, value }
}

/** A setting with all that is known of it. */
export function privateSetting(setting: Setting, sorter: number) {
  return settingToWire(setting, sorter)
}

/** Why a message was not taken: a line of the desk that nobody else sees (contract §C.14.3). */
export function refusedSaid({ roomId, reason, at }: Events['message.refused']): Said {
  const { id: _id, username } = systemAuthor
  const line = { _id: `refused-${String(Date.parse(at))}`, rid: roomId, msg: reason, ts: at, u: { _id, username } }
  return { staff: [{ ...line, private: true, groupable: false }] }
}

/** Up to when a member of the staff has read a room. */
export function readSaid(until: string): Said {
  const args = [{ until }]
  return { staff: args, visitor: args }
}

/** Whether somebody is there, for those who watch just that person: name, code and words. */
export function presenceSaid({ username, presence, statusText }: User): Said {
  return { staff: [[username, statusCodes[presence] ?? 0, statusText]] }
}
