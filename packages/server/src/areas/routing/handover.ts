import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import type { Department } from '../departments/departments.ts'
import { updateRoom, writeLine, type Author, type Room } from '../timeline/timeline.ts'
import { freePlace, listCandidates, outOfTurn, takePlace, type NamedCandidate, type Place } from './agent-store.ts'
import { choosePlace, readRouting, serve } from './assignment.ts'
import { chatLimitOf, isAtLimit, isOnline } from './choose-agent.ts'
import { deleteOtherSubscriptions } from './member-store.ts'
import { offerAfterwards } from './offers.ts'
import type { Outside } from './outside.ts'
import { requeue, retake } from './queue-store.ts'

/** What kind of transfer it was (contract §B.13). */
export type TransferScope =
  'agent' | 'department' | 'queue' | 'autoTransferUnansweredChatsToAgent' | 'autoTransferUnansweredChatsToQueue'

/** Who moves a room, and what its history says of it. */
export interface Transfer {
  by: Author
  scope: TransferScope
  comment?: string | undefined
  /** The department it moves to; absent: it stays in its own. */
  department?: Pick<Department, 'id' | 'name'> | undefined
  /** The name of the department that was meant, where its fallback takes the room. */
  insteadOf?: string | undefined
}

export type GiveRefusal = 'offline' | 'same' | 'at-limit'

/**
 * Gives a room, which this transaction has taken, to an agent who need not be the next. Everybody else leaves it. Limits
 * are those of no department (contract §C.7).
 */
export async function giveToAgent(
  tx: Transaction,
  room: Room,
  agentId: string,
  transfer: Transfer,
): Promise<GiveRefusal | undefined> {
  const agent = (await listCandidates(tx)).find(({ id }) => id === agentId)
  if (agent === undefined || !isOnline(agent)) return 'offline'
  if (agent.id === room.servedBy?.id) return 'same'
  const routing = await readRouting(tx, undefined)
  if (isAtLimit(agent, routing)) return 'at-limit'
  if (!(await movePlace(tx, room, agent.id, { ...outOfTurn, limit: chatLimitOf(agent, routing) }))) return 'at-limit'
  await handOver(tx, room, agent, { transfer, transferredTo: agent })
  return undefined
}

export interface NextAgent {
  /** Asked first, if it works in the department. */
  preferredId?: string | undefined
  outside?: Outside | undefined
}

/**
 * Gives a room, which this transaction has taken, to the next agent of its department, or of the one it moves to. Answers
 * false, and changes nothing, where nobody but the agent who serves it can take it.
 */
export async function giveToNextAgent(
  tx: Transaction,
  room: Room,
  transfer: Transfer,
  { preferredId, outside }: NextAgent = {},
): Promise<boolean> {
  const servedById = room.servedBy?.id
  const agent = await choosePlace(tx, {
    departmentId: transfer.department?.id ?? room.departmentId,
    preferences: preferredId === undefined ? [] : [{ agentId: preferredId, namedBy: 'visitor' }],
    outside,
    ...(servedById !== undefined && { returnedById: servedById }),
    isRefused: ({ id }) => id === servedById,
    reserve: ({ id }, place) => movePlace(tx, room, id, place),
  })
  if (agent === undefined) return false
  await handOver(tx, room, agent, {
    transfer,
    ...(transfer.scope !== 'department' && { transferredTo: agent }),
  })
  return true
}

/**
 * How a department stands for a room that this agent serves: nobody is online; those who are, the agent aside, serve as
 * many chats as allowed; or somebody could take it.
 */
export async function standingOf(
  reader: Reader,
  departmentId: string,
  exceptAgentId: string | undefined,
): Promise<'nobody' | 'full' | 'open'> {
  const routing = await readRouting(reader, departmentId)
  const candidates = await listCandidates(reader, departmentId)
  const online = candidates.filter((agent) => agent.isInDepartment && isOnline(agent))
  if (online.length === 0) return 'nobody'
  const others = online.filter(({ id }) => id !== exceptAgentId)
  return others.length > 0 && others.every((agent) => isAtLimit(agent, routing)) ? 'full' : 'open'
}

/** Whether an agent is online, and works in a department. */
export async function memberStanding(
  reader: Reader,
  departmentId: string,
  agentId: string,
): Promise<'offline' | 'elsewhere' | 'online'> {
  const agent = (await listCandidates(reader, departmentId)).find(({ id }) => id === agentId)
  if (agent === undefined || !isOnline(agent)) return 'offline'
  return agent.isInDepartment ? 'online' : 'elsewhere'
}

/** Puts a room, which this transaction has taken, into the queue, of another department if it moves to one. */
export async function giveToQueue(tx: Transaction, room: Room, transfer: Transfer): Promise<void> {
  await writeHistory(tx, room, transfer)
  await unassign(tx, room, { departmentId: transfer.department?.id ?? room.departmentId })
  emitTransferred(tx, room, transfer, undefined)
}

/**
 * Puts a room, which this transaction has taken, back into the queue (contract §C.7). Answers false where nobody serves it.
 * The agent who served it gets it again only when nobody else can take it.
 */
export async function returnToQueue(tx: Transaction, room: Room, transfer: Transfer): Promise<boolean> {
  if (room.servedBy === undefined) return false
  await giveToQueue(tx, room, transfer)
  return true
}

/**
 * Takes a room, which this transaction has taken, from whoever serves it; everybody leaves it and it waits again. A room
 * on hold is so no more. Its agent's place is free, if it had not been free while the room was on hold. Nothing is written
 * into its history but who left: that is the caller's.
 */
export async function unassign(
  tx: Transaction,
  room: Room,
  { departmentId = room.departmentId }: { departmentId?: string | undefined } = {},
): Promise<void> {
  const inquiryId = await requeue(tx, room.id, { departmentId, returnedById: room.servedBy?.id })
  await updateRoom(tx, room.id, {
    departmentId: departmentId ?? null,
    servedById: null,
    servedByUsername: null,
    servedAt: null,
    ...(room.servedBy !== undefined && { queuedAt: tx.now }),
    isOnHold: 0,
    abandonsAt: null,
  })
  await removeOthers(tx, room, room.memberCount, undefined)
  if (room.servedBy !== undefined && !room.isOnHold) await freePlace(tx, room.servedBy.id)
  if (inquiryId !== undefined)
    tx.emit('inquiry.queued', { roomId: room.id, inquiryId, departmentId: departmentId ?? null })
}

interface Handing {
  transfer: Transfer
  /** Named in the history where an agent was meant, and not a department. */
  transferredTo?: NamedCandidate
}

/** The place is taken: the agent serves, the others leave, the history says so. */
async function handOver(
  tx: Transaction,
  room: Room,
  agent: NamedCandidate,
  { transfer, transferredTo }: Handing,
): Promise<void> {
  const departmentId = transfer.department?.id ?? room.departmentId
  const inquiryId = await retake(tx, room.id, departmentId)
  const memberCount = await serve(tx, room, agent)
  await updateRoom(tx, room.id, { departmentId: departmentId ?? null, abandonsAt: null })
  await writeHistory(tx, room, transfer, transferredTo)
  await removeOthers(tx, room, memberCount, agent.id)
  if (inquiryId !== undefined)
    tx.emit('inquiry.taken', { roomId: room.id, inquiryId, departmentId: departmentId ?? null, agentId: agent.id })
  emitTransferred(tx, room, transfer, agent.id)
  if (room.servedBy !== undefined) offerAfterwards(tx, room.servedBy.id)
}

/** Everybody but the one who serves now leaves the room. */
async function removeOthers(
  tx: Transaction,
  room: Room,
  memberCount: number,
  exceptId: string | undefined,
): Promise<void> {
  const left = await deleteOtherSubscriptions(tx, room.id, exceptId)
  if (left.length === 0) return
  await updateRoom(tx, room.id, { memberCount: memberCount - left.length })
  for (const { id, username, name } of left) {
    await writeLine(tx, room.id, { type: 'ul', text: username, author: { kind: 'user', id, username, name } })
    tx.emit('agent.left', { roomId: room.id, agentId: id })
  }
}

/**
 * Moves a room from its agent's places to another's. The rows are locked in the order of their ids, so that rooms handed
 * back and forth do not block each other.
 */
async function movePlace(tx: Transaction, room: Room, toId: string, place: Place): Promise<boolean> {
  const fromId = room.isOnHold ? undefined : room.servedBy?.id
  if (fromId === undefined) return takePlace(tx, toId, place)
  if (fromId < toId) {
    await freePlace(tx, fromId)
    if (await takePlace(tx, toId, place)) return true
    // Full since we looked. Another agent must not be asked with this one's row in hand.
    throw new StartOver()
  }
  if (!(await takePlace(tx, toId, place))) return false
  await freePlace(tx, fromId)
  return true
}

/** The lines that tell of a transfer (contract §B.4, §B.13); the last of them is the room's last message. */
async function writeHistory(
  tx: Transaction,
  room: Room,
  transfer: Transfer,
  transferredTo?: NamedCandidate,
): Promise<void> {
  const transferData = transferToWire(room, transfer, { at: tx.now, transferredTo })
  const { by: author, insteadOf } = transfer
  if (insteadOf !== undefined) {
    const extra = { transferData: { ...transferData, prevDepartment: insteadOf } }
    await writeLine(tx, room.id, { type: 'livechat_transfer_history_fallback', text: '', author, extra })
  }
  await writeLine(tx, room.id, { type: 'livechat_transfer_history', text: '', author, extra: { transferData } })
}

/** Stored as it travels, like all that is special about lines. Old clients read `type`, others `userType`. */
function transferToWire(
  room: Room,
  { by, scope, comment, department }: Transfer,
  { at, transferredTo }: { at: string; transferredTo: NamedCandidate | undefined },
) {
  const { id, username, name } = by
  const userType = userTypeOf(by, room)
  return {
    transferredBy: { _id: id, username, ...(name !== undefined && { name }), userType, type: userType },
    ts: at,
    scope,
    ...(comment !== undefined && { comment }),
    ...(room.departmentId !== undefined && { previousDepartment: room.departmentId }),
    ...(department !== undefined && { nextDepartment: { _id: department.id, name: department.name } }),
    ...(transferredTo !== undefined && {
      transferredTo: { _id: transferredTo.id, username: transferredTo.username, name: transferredTo.name },
    }),
  }
}

function userTypeOf({ kind, id }: Author, { servedBy }: Room): 'visitor' | 'agent' | 'user' {
  if (kind === 'visitor') return 'visitor'
  return id === servedBy?.id ? 'agent' : 'user'
}

function emitTransferred(tx: Transaction, room: Room, { department }: Transfer, toAgentId: string | undefined): void {
  tx.emit('room.transferred', {
    roomId: room.id,
    fromAgentId: room.servedBy?.id ?? null,
    toAgentId: toAgentId ?? null,
    fromDepartmentId: room.departmentId ?? null,
    toDepartmentId: department?.id ?? room.departmentId ?? null,
  })
}
