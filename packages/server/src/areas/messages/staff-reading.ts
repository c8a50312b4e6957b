import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { findRoom, mayRead } from '../rooms/rooms.ts'
import { mostRows } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { listChangesSince, listHistory, listSaid, type Message, type SaidPage } from '../timeline/timeline.ts'
import { readShownChanges, withoutHidden, type ChangesPage } from './changes.ts'

/**
 * What was said in a room, for agents who may read it (contract §D.3).
 * @throws `invalid-room`, `not-allowed`
 */
export async function readRoomMessages(
  reader: Reader,
  user: SignedIn,
  page: SaidPage,
): Promise<{ messages: Message[]; total: number }> {
  await requireRoom(reader, user, page.roomId)
  return listSaid(reader, page)
}

// Later than any message; text compares byte by byte.
const END_OF_TIME = '9999-12-31T23:59:59.999Z'

/**
 * Everything that was written in a room, newest first, open or closed, for agents who may read it.
 * @throws `invalid-room`, `not-allowed`
 */
export async function readRoomHistory(
  reader: Reader,
  user: SignedIn,
  {
    roomId,
    before = END_OF_TIME,
    limit = 50,
  }: { roomId: string; before?: string | undefined; limit?: number | undefined },
): Promise<Message[]> {
  await requireRoom(reader, user, roomId)
  const settings = await readSettings(reader)
  const hiddenTypes = settings.Hide_System_Messages
  return listHistory(reader, { roomId, before, limit: Math.min(limit, mostRows(settings)), offset: 0, hiddenTypes })
}

/**
 * What changed in a room since a change number, in the order of the changes (docs/architecture.md, continuity), for agents
 * who may read it.
 * @throws `invalid-room`, `not-allowed`
 */
export async function readRoomChanges(
  reader: Reader,
  user: SignedIn,
  { roomId, after, count = 100 }: { roomId: string; after: number; count?: number | undefined },
): Promise<ChangesPage> {
  await requireRoom(reader, user, roomId)
  const settings = await readSettings(reader)
  const limit = Math.max(1, Math.min(count, mostRows(settings)))
  return readShownChanges(reader, settings, { roomId, after, limit })
}

/** Changes of a room looked through for those since a moment; who was away for longer reads the room anew. */
const CHANGES_LOOKED_THROUGH = 500

/**
 * What changed in a room after a moment (contract §E.4): messages as they are now, those taken back included, without the
 * kinds of lines that the server hides.
 * @throws `error-not-allowed`
 */
export async function readChangesSince(
  reader: Reader,
  user: SignedIn,
  { roomId, since }: { roomId: string; since: string },
): Promise<Message[]> {
  await requireReadable(reader, user, roomId)
  const changes = await listChangesSince(reader, roomId, since, CHANGES_LOOKED_THROUGH)
  return withoutHidden(changes, await readSettings(reader))
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

async function requireRoom(reader: Reader, user: SignedIn, roomId: string): Promise<void> {
  const room = await findRoom(reader, roomId)
  if (room === undefined) throw new ApiError('invalid-room')
  if (!(await mayRead(reader, user, room))) throw new ApiError('not-allowed')
}

/** A room that the caller may not read and a missing one are the same. */
async function requireReadable(reader: Reader, user: SignedIn, roomId: string): Promise<void> {
  const room = await findRoom(reader, roomId)
  if (room === undefined || !(await mayRead(reader, user, room)))
    throw new ApiError('error-not-allowed', { reason: 'Not allowed' })
}
