// Rooms change hands: from agent to agent, to another department, back into the queue, to another visitor.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import type { Department } from '../departments/departments.ts'
import { findRoom, mayRead, requireOwnRoom, staffAuthor, visitorAuthor, type Room } from '../rooms/rooms.ts'
import { findEnabled, giveToAgent, returnToQueue, type Outside } from '../routing/routing.ts'
import { findOpenRoomOf, takeOpenRoom, takeRoom, updateRoom } from '../timeline/timeline.ts'
import {
  keepVisits,
  noteDepartment,
  noteLatestChat,
  refuseBlocked,
  requireVisitor,
  takeVisitorById,
  type Visitor,
} from '../visitors/visitors.ts'
import { forwardToDepartment } from './forward.ts'

export { findLastMessage, findRoom, type Room } from '../rooms/rooms.ts'
export { listTransfers } from './store.ts'

/**
 * A visitor moves the own room to another department. The pages that the visitor looked at are kept for the next room
 * (contract A.13).
 * @throws `invalid-token`, `invalid-room`, `error-transferring-inquiry` for a room that has ended, and as `forwardToDepartment`
 */
export async function transferByVisitor(
  tx: Transaction,
  { token, roomId, departmentId }: { token: string; roomId: string; departmentId: string },
  outside: Outside,
): Promise<Room> {
  const visitor = await requireVisitor(tx, token)
  await requireOwnRoom(tx, visitor, roomId)
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('error-transferring-inquiry')
  // Given to another visitor since we looked.
  if (room.visitor.id !== visitor.id) throw new ApiError('invalid-room')
  await moveToDepartment(tx, room, { departmentId, by: visitorAuthor(visitor), outside })
  await keepVisits(tx, token)
  return (await findRoom(tx, roomId)) ?? room
}

export interface Forwarding {
  roomId: string
  agentId?: string | undefined
  departmentId?: string | undefined
  comment?: string | undefined
  /** A person clicked: the reason why the agent cannot take it is told. */
  isClientAction: boolean
}

/**
 * Hands a room over to an agent, or to a department, there to this agent first (contract A.15).
 * @throws `error-invalid-room`, `This_conversation_is_already_closed`, `error-forwarding-chat`, `error-room-onHold`,
 * `error-selected-agent-room-agent-are-same`, `error-user-is-offline`, `error-max-number-simultaneous-chats-reached`,
 * and as `forwardToDepartment`
 */
export async function forwardByStaff(
  tx: Transaction,
  user: SignedIn,
  forwarding: Forwarding,
  outside: Outside,
): Promise<void> {
  const { roomId, agentId, departmentId, comment } = forwarding
  if ((await findRoom(tx, roomId)) === undefined) throw new ApiError('error-invalid-room')
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('This_conversation_is_already_closed')
  const by = staffAuthor(user)
  if (departmentId !== undefined) await moveToDepartment(tx, room, { departmentId, agentId, comment, by, outside })
  else if (agentId !== undefined) await forwardToAgent(tx, room, { by, agentId, forwarding })
  else throw new ApiError('error-forwarding-chat')
}

/**
 * Puts a room back into the queue, of another department if one is named (contract §D.8). Answers false where nobody serves
 * it. A room that the caller may not see is none.
 * @throws `error-invalid-room`, `room-closed`, `error-room-onHold`, `error-invalid-department`
 */
export async function returnAsInquiry(
  tx: Transaction,
  user: SignedIn,
  { roomId, departmentId }: { roomId: string; departmentId?: string | undefined },
): Promise<boolean> {
  const found = await findRoom(tx, roomId)
  if (found === undefined || !(await mayRead(tx, user, found))) throw new ApiError('error-invalid-room')
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('room-closed')
  if (room.isOnHold) throw new ApiError('error-room-onHold')
  const department = await findOther(tx, room, departmentId)
  return returnToQueue(tx, room, { by: staffAuthor(user), scope: 'queue', department })
}

/** The department to move to; nothing where the room is there already. */
async function findOther(
  reader: Reader,
  room: Room,
  departmentId: string | undefined,
): Promise<Department | undefined> {
  if (departmentId === undefined || departmentId === room.departmentId) return undefined
  const department = await findEnabled(reader, departmentId)
  if (department === undefined) throw new ApiError('error-invalid-department')
  return department
}

export interface NewVisitor {
  roomId: string
  visitorId: string | undefined
  /** Whose room it is now, for clients that say so. */
  oldVisitorId?: string | undefined
}

/**
 * Gives a room, open or closed, to another visitor, who reads all of it from now on (contract A.16).
 * @throws `visitor-not-found`, `invalid-room`, `invalid-room-visitor`, `error-not-allowed`,
 * `visitor-has-open-rooms`: a visitor has at most one open room
 */
export async function replaceVisitor(
  tx: Transaction,
  user: SignedIn,
  { roomId, visitorId, oldVisitorId }: NewVisitor,
): Promise<Room> {
  // The room before its visitor, as everywhere.
  const room = await takeRoom(tx, roomId)
  const visitor = await takeVisitors(tx, visitorId, room?.visitor.id)
  if (room === undefined) throw new ApiError('invalid-room')
  if (oldVisitorId !== undefined && oldVisitorId !== room.visitor.id) throw new ApiError('invalid-room-visitor')
  if (!(await mayRead(tx, user, room))) throw new ApiError('error-not-allowed')
  await refuseSecondOpen(tx, room, visitor)
  await updateRoom(tx, room.id, { visitorId: visitor.id, visitorUsername: visitor.username })
  for (const id of [room.visitor.id, visitor.id]) await noteLatestChat(tx, id)
  tx.emit('visitor.replaced', { roomId: room.id, visitorId: visitor.id })
  tx.emit('room.changed', { roomId: room.id })
  return (await findRoom(tx, room.id)) ?? room
}

/**
 * The new visitor, whose row is taken so that no room is opened beside this one, and the row of the old one, in the order of
 * their ids (docs/decisions/0009-lock-order.md).
 */
async function takeVisitors(tx: Transaction, newId: string | undefined, oldId: string | undefined): Promise<Visitor> {
  const taken = new Map<string, Visitor | undefined>()
  for (const id of [newId, oldId].filter((each) => each !== undefined).sort())
    taken.set(id, await takeVisitorById(tx, id))
  const visitor = newId === undefined ? undefined : taken.get(newId)
  if (visitor === undefined) throw new ApiError('visitor-not-found')
  await refuseBlocked(tx, visitor)
  return visitor
}

async function refuseSecondOpen(tx: Transaction, room: Room, visitor: Visitor): Promise<void> {
  const open = room.closed === undefined ? await findOpenRoomOf(tx, visitor.id) : undefined
  if (open !== undefined && open.id !== room.id) throw new ApiError('visitor-has-open-rooms')
}

/** Moves a room and, where a fallback took it, its visitor as well (contract A.13). */
async function moveToDepartment(
  tx: Transaction,
  room: Room,
  forward: Parameters<typeof forwardToDepartment>[2],
): Promise<void> {
  const taken = await forwardToDepartment(tx, room, forward)
  if (taken.id !== forward.departmentId) await noteDepartment(tx, room.visitor.id, taken.id)
}

interface ToAgent {
  by: ReturnType<typeof staffAuthor>
  agentId: string
  forwarding: Forwarding
}

async function forwardToAgent(
  tx: Transaction,
  room: Room,
  { by, agentId, forwarding: { comment, isClientAction } }: ToAgent,
): Promise<void> {
  if (room.isOnHold) throw new ApiError('error-room-onHold')
  switch (await giveToAgent(tx, room, agentId, { by, scope: 'agent', comment })) {
    case 'offline':
      throw new ApiError('error-user-is-offline')
    case 'same':
      throw new ApiError('error-selected-agent-room-agent-are-same')
    case 'at-limit':
      throw new ApiError(isClientAction ? 'error-max-number-simultaneous-chats-reached' : 'error-forwarding-chat')
    case undefined:
      return
  }
}
