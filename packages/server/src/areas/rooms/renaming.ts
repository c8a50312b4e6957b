import type { Reader, Transact, Transaction } from '../../database/transaction.ts'
import { findUserById } from '../users/users.ts'
import { listRoomNames, renameInInquiries, renameInRoom, renameInVisitors, type RoomNames } from './renaming-store.ts'

/** Rooms looked at, and rooms changed, at a time: neither holds anybody up. */
const WINDOW = 500
const CHUNK = 50

/**
 * Job: rooms name a member of the staff as that person is called now, where they say who serves, answered or closed
 * them; visitors, who looks after them. What was said keeps the name it was said under.
 */
export async function renameInRooms(reader: Reader, transact: Transact, userId: string): Promise<void> {
  const user = await findUserById(reader, userId)
  if (user === undefined) return
  await transact((tx) => renameInInquiries(tx, user))
  while ((await transact((tx) => renameInVisitors(tx, user, CHUNK))) > 0);
  let afterId = ''
  for (;;) {
    const rooms = await listRoomNames(reader, afterId, WINDOW)
    const stale = rooms.filter((room) => isStale(room, user))
    for (let done = 0; done < stale.length; done += CHUNK) {
      const chunk = stale.slice(done, done + CHUNK)
      await transact((tx) => renameIn(tx, chunk, user))
    }
    const last = rooms.at(-1)
    if (last === undefined || rooms.length < WINDOW) return
    afterId = last.id
  }
}

interface Named {
  id: string
  username: string
}

function isStale(room: RoomNames, { id, username }: Named): boolean {
  const isOld = (otherId: string | null, name: string | null) => otherId === id && name !== username
  return (
    isOld(room.servedById, room.servedByUsername) ||
    isOld(room.closedById, room.closedByUsername) ||
    isOld(room.respondedById, room.respondedByUsername)
  )
}

async function renameIn(tx: Transaction, rooms: readonly RoomNames[], user: Named): Promise<void> {
  for (const { id, closedAt } of rooms) {
    await renameInRoom(tx, id, user)
    if (closedAt === null) tx.emit('room.changed', { roomId: id })
  }
}
