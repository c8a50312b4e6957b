import { ApiError } from '../../api-error.ts'
import type { Transact, Transaction } from '../../database/transaction.ts'
import { deleteRoom, takeRoom } from '../timeline/timeline.ts'
import { forgetChats } from '../visitors/visitors.ts'
import { listClosedRooms } from './list-store.ts'

/**
 * Removes a closed room with everything in it.
 * @throws `error-invalid-room`, `error-room-is-not-closed`
 */
export async function removeRoom(tx: Transaction, roomId: string): Promise<void> {
  const room = await takeRoom(tx, roomId)
  if (room === undefined) throw new ApiError('error-invalid-room')
  if (room.closed === undefined) throw new ApiError('error-room-is-not-closed')
  await removeAll(tx, [roomId])
}

/** Rooms removed in one transaction: others want to write as well. */
const REMOVED_AT_ONCE = 20

/**
 * Removes every room that is closed when it is asked for, of these departments or of all; answers how many. It goes in
 * steps: what is removed stays removed, whatever becomes of the rest.
 */
export async function removeClosedRooms(
  transact: Transact,
  { departmentIds, nowMs }: { departmentIds: readonly string[] | undefined; nowMs: number },
): Promise<number> {
  if (departmentIds?.length === 0) return 0
  const until = new Date(nowMs).toISOString()
  let removed = 0
  for (;;) {
    const step = await transact(async (tx) => {
      const roomIds = await listClosedRooms(tx, { departmentIds, until, limit: REMOVED_AT_ONCE })
      if (roomIds.length > 0) await removeAll(tx, roomIds)
      return roomIds.length
    })
    removed += step
    if (step < REMOVED_AT_ONCE) return removed
  }
}

/** Removes rooms, then looks after their visitors, each in the order of ids (docs/decisions/0009-lock-order.md). */
async function removeAll(tx: Transaction, roomIds: readonly string[]): Promise<void> {
  const visitorIds = new Set<string>()
  for (const id of roomIds.toSorted()) {
    const visitorId = await deleteRoom(tx, id)
    if (visitorId !== undefined) visitorIds.add(visitorId)
  }
  for (const id of [...visitorIds].sort()) await forgetChats(tx, id, roomIds)
  tx.emit('room.removed', { roomIds: [...roomIds] })
}
