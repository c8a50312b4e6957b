import { ApiError } from '../../api-error.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { findDepartment, type Department } from '../departments/departments.ts'
import type { Room } from '../rooms/rooms.ts'
import {
  findEnabled,
  giveToNextAgent,
  giveToQueue,
  memberStanding,
  routingFlags,
  standingOf,
  type Outside,
  type Transfer,
} from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import type { Author } from '../timeline/timeline.ts'

/** Where a room is to move, and who says so. */
export interface ToDepartment {
  departmentId: string
  /** Asked first there. */
  agentId?: string | undefined
  by: Author
  comment?: string | undefined
  outside: Outside
}

/**
 * Moves a room, which this transaction has taken, to another department, or to the one that it falls back to while nobody
 * there can take it (contract §C.7). Answers the department that took it. Disabled departments are refused like unknown
 * ones (promises A24).
 * @throws `error-room-onHold`, `error-invalid-department`, `error-forwarding-department-target-not-allowed`,
 * `error-forwarding-chat-same-department`, `error-user-is-offline`, `error-user-not-belong-to-department`,
 * `error-no-agents-online-in-department`
 */
export async function forwardToDepartment(tx: Transaction, room: Room, forward: ToDepartment): Promise<Department> {
  if (room.isOnHold) throw new ApiError('error-room-onHold')
  const target = await requireTarget(tx, room, forward.departmentId)
  if (forward.agentId !== undefined) await requireMember(tx, target.id, forward.agentId)
  const { Omnichannel_max_fallback_forward_depth: mostHops } = await readSettings(tx)
  let transfer: Transfer = { by: forward.by, scope: 'department', comment: forward.comment }
  // Back where it comes from, or in a circle, there is nobody either.
  const asked = new Set([room.departmentId])
  let next: Department | undefined = target
  while (next !== undefined && !asked.has(next.id) && asked.size <= mostHops + 1) {
    asked.add(next.id)
    transfer = { ...transfer, department: next }
    if (await moveTo(tx, room, next, { transfer, forward })) return next
    transfer = { ...transfer, insteadOf: next.name }
    next = await findEnabled(tx, next.fallbackId)
  }
  throw new ApiError('error-no-agents-online-in-department')
}

async function requireTarget(reader: Reader, room: Room, departmentId: string): Promise<Department> {
  const target = await findEnabled(reader, departmentId)
  if (target === undefined) throw new ApiError('error-invalid-department')
  const current = room.departmentId === undefined ? undefined : await findDepartment(reader, room.departmentId)
  const allowed = current?.forwardsTo ?? []
  if (allowed.length > 0 && !allowed.includes(target.id))
    throw new ApiError('error-forwarding-department-target-not-allowed')
  if (current?.id === target.id) throw new ApiError('error-forwarding-chat-same-department')
  return target
}

async function requireMember(reader: Reader, departmentId: string, agentId: string): Promise<void> {
  switch (await memberStanding(reader, departmentId, agentId)) {
    case 'offline':
      throw new ApiError('error-user-is-offline')
    case 'elsewhere':
      throw new ApiError('error-user-not-belong-to-department')
    case 'online':
      return
  }
}

interface Move {
  transfer: Transfer
  forward: ToDepartment
}

/** Moves a room to one department; answers false, and changes nothing, where nobody there can take it. */
async function moveTo(
  tx: Transaction,
  room: Room,
  department: Department,
  { transfer, forward: { agentId, outside } }: Move,
): Promise<boolean> {
  const standing = await standingOf(tx, department.id, room.servedBy?.id)
  const { autoAssignAgent } = routingFlags(await readSettings(tx))
  const waits = !autoAssignAgent || (standing === 'nobody' && department.receivesWhileOffline === true)
  if (!waits && (await giveToNextAgent(tx, room, transfer, { preferredId: agentId, outside }))) return true
  // A room that nobody served waits there as it did here.
  if (!waits && standing !== 'full' && room.servedBy !== undefined) return false
  await giveToQueue(tx, room, transfer)
  return true
}
