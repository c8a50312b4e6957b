import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { findRoom, mayRead } from '../rooms/rooms.ts'
import { listChangesSince, listSaid, type Message, type SaidPage } from '../timeline/timeline.ts'

/**
 * What was said in a room, for agents who may read it (contract §D.3).
 * @throws `invalid-room`, `not-allowed`
 */
export async function readRoomMessages(
  reader: Reader,
  user: SignedIn,
  page: SaidPage,
): Promise<{ messages: Message[]; total: number }> {
  const room = await findRoom(reader, page.roomId)
  if (room === undefined) throw new ApiError('invalid-room')
  if (!(await mayRead(reader, user, room))) throw new ApiError('not-allowed')
  return listSaid(reader, page)
}

/** Changes of a room looked through for those since a moment; who was away for longer reads the room anew. */
const CHANGES_LOOKED_THROUGH = 500

/**
 * What changed in a room after a moment (contract §E.4): messages as they are now, those taken back included.
 * @throws `error-not-allowed`
 */
export async function readChangesSince(
  reader: Reader,
  user: SignedIn,
  { roomId, since }: { roomId: string; since: string },
): Promise<Message[]> {
  await requireReadable(reader, user, roomId)
  return listChangesSince(reader, roomId, since, CHANGES_LOOKED_THROUGH)
}

/**
 * What was said in a room with this text in it, newest first.
 * @throws `error-not-allowed`
 */
export async function searchMessages(
  reader: Reader,
  user: SignedIn,
  search: { roomId: string; containing: string; offset: number; limit: number },
): Promise<Message[]> {
  await requireReadable(reader, user, search.roomId)
  const { messages } = await listSaid(reader, { ...search, order: 'desc' })
  return messages
}

/** A room that the caller may not read and a missing one are the same. */
async function requireReadable(reader: Reader, user: SignedIn, roomId: string): Promise<void> {
  const room = await findRoom(reader, roomId)
  if (room === undefined || !(await mayRead(reader, user, room)))
    throw new ApiError('error-not-allowed', { reason: 'Not allowed' })
}
