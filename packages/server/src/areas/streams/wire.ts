// What listeners are told, as it travels.
import type { Reader } from '../../database/transaction.ts'
import type { Said } from '../../realtime/hub.ts'
import { agentInfo } from '../agents/agents.ts'
import { agentInfoToWire } from '../agents/wire.ts'
import { findLastMessage, type Room } from '../rooms/rooms.ts'
import type { Inquiry } from '../routing/routing.ts'
import { inquiryToWire } from '../routing/wire.ts'
import { systemAuthor, type Message } from '../timeline/timeline.ts'
import type { User } from '../users/users.ts'
import type { Visitor } from '../visitors/visitors.ts'
import { messageToWire, roomToWire, staff } from '../timeline/wire.ts'

/** A message for both sides; each visitor who listens to a room is its visitor. */
export function messageSaid(message: Message, visitorToken: string | undefined): Said {
  return {
    staff: [messageToWire(message, staff)],
    visitor: [messageToWire(message, { ...(visitorToken !== undefined && { visitorToken }) })],
  }
}

/** A message for those who listen to all their rooms at once. */
export function ownMessageSaid(message: Message, isParticipant: boolean): Said {
  return { staff: [messageToWire(message, staff), { roomParticipant: isParticipant, roomType: 'l' }] }
}

export function deletionSaid(message: Message): Said {
  const args = [{ _id: message.id }]
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

/** An entry of the queue, for the consoles that show it. */
export function inquirySaid(inquiry: Inquiry, room: Room, type: 'added' | 'changed'): Said {
  return { staff: [{ ...inquiryToWire(inquiry, room, undefined), type }] }
}

export async function roomSaid(reader: Reader, room: Room): Promise<Said> {
  return { staff: [roomToWire(room, await findLastMessage(reader, room), staff)] }
}
