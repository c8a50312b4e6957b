import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import {
  findRoom,
  foldName,
  replaceFields,
  replaceTags,
  takeRoom,
  updateRoom,
  type Room,
} from '../timeline/timeline.ts'
import { mergeFields } from '../custom-fields/custom-fields.ts'
import { correctVisitor } from '../visitors/visitors.ts'

/** What a member of the staff writes down about a room and its visitor; absent keys stay as they are. */
export interface Details {
  guest: { id: string; name?: string | undefined; email?: string | undefined; phone?: string | undefined }
  topic?: string | undefined
  tags?: readonly string[] | undefined
  /** Custom fields that may be stored; an empty value removes one. */
  guestFields: Readonly<Record<string, string>>
  roomFields: Readonly<Record<string, string>>
}

/**
 * A room whose details this member of the staff may change: one who serves it, or a holder of `save-others-livechat-room-info`.
 * @throws `error-invalid-room`, `unauthorized`
 */
export async function requireEditableRoom(reader: Reader, user: SignedIn, roomId: string): Promise<Room> {
  const room = await findRoom(reader, roomId)
  if (room === undefined) throw new ApiError('error-invalid-room')
  if (room.servedBy?.id !== user.id && !user.can('save-others-livechat-room-info')) throw new ApiError('unauthorized')
  return room
}

/**
 * Writes details down, open or closed (contract §D.3). The visitor must be that of the room.
 * @throws as `requireEditableRoom`, and `error-invalid-visitor`, `error-invalid-email`
 */
export async function saveDetails(tx: Transaction, user: SignedIn, roomId: string, details: Details): Promise<void> {
  const { guest, guestFields, roomFields, topic, tags } = details
  await requireEditableRoom(tx, user, roomId)
  // The room before its visitor, as everywhere.
  const room = await takeRoom(tx, roomId)
  if (room === undefined) throw new ApiError('error-invalid-room')
  const corrected = room.visitor.id === guest.id && (await correctVisitor(tx, guest.id, guest, guestFields))
  if (corrected === false) throw new ApiError('error-invalid-visitor')
  const { name } = corrected
  await updateRoom(tx, roomId, {
    ...(topic !== undefined && { topic: topic === '' ? null : topic }),
    ...(name !== undefined && { visitorName: name, nameFolded: foldName(name) }),
  })
  if (tags !== undefined) await replaceTags(tx, roomId, [...new Set(tags)])
  if (Object.keys(roomFields).length > 0) await replaceFields(tx, roomId, mergeFields(room.fields, roomFields) ?? {})
  tx.emit('room.changed', { roomId })
}
