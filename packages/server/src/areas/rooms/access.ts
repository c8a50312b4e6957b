import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { findInquiryOf, isSubscribed, listDepartmentIdsOf, routingFlags } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { findRoom, type Room } from '../timeline/timeline.ts'
import type { Visitor } from '../visitors/visitors.ts'

/**
 * The visitor's room with this id, open or closed. A room of somebody else and a missing one are refused alike.
 * @throws `invalid-room`
 */
export async function requireOwnRoom(reader: Reader, visitor: Visitor, roomId: string): Promise<Room> {
  const room = await findRoom(reader, roomId)
  if (room?.visitor.id !== visitor.id) throw new ApiError('invalid-room')
  return room
}

/** Whether a staff member may read a room (contract §C.10). */
export async function mayRead(reader: Reader, user: SignedIn, room: Room): Promise<boolean> {
  if (user.can('view-livechat-rooms') || room.servedBy?.id === user.id) return true
  if (await isSubscribed(reader, room.id, user.id)) return true
  if (room.closed === undefined) return user.can('view-l-room') && (await isInSight(reader, user, room))
  if (user.can('view-livechat-room-closed-by-another-agent')) return true
  if (!user.can('view-livechat-room-closed-same-department') || room.departmentId === undefined) return false
  // Also after the department was closed or put away: what was said there is still its agents'.
  return (await listDepartmentIdsOf(reader, user.id)).includes(room.departmentId)
}

/** While agents choose for themselves, they may look into the chats that wait. */
async function isInSight(reader: Reader, user: SignedIn, room: Room): Promise<boolean> {
  const { previewRoom } = routingFlags(await readSettings(reader))
  if (!previewRoom) return false
  const inquiry = await findInquiryOf(reader, room.id)
  if (inquiry?.status !== 'queued') return false
  const { defaultAgent, departmentId } = inquiry
  if (defaultAgent !== undefined) return defaultAgent.id === user.id
  if (departmentId === undefined) return true
  return (await listDepartmentIdsOf(reader, user.id, { enabledOnly: true })).includes(departmentId)
}
