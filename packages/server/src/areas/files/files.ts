// Files that visitors and agents send: who may send what, and how much. Their bytes are in files/, outside transactions.
import { randomBytes } from 'node:crypto'
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import { uploadsAtOnce, type UploadQuota } from '../../http/upload-guard.ts'
import type { Composed } from '../messages/messages.ts'
import { mayRead, noteStaffSpoke, noteVisitorSpoke, staffAuthor, visitorAuthor } from '../rooms/rooms.ts'
import { routingFlags } from '../routing/routing.ts'
import type { Settings } from '../settings/catalogue.ts'
import { keepSecret, readSettings, visitorTextLimit } from '../settings/settings.ts'
import { noteRead } from '../subscriptions/subscriptions.ts'
import { findOpenRoomOf, findRoom, writeMessage, type Author, type Message, type Room } from '../timeline/timeline.ts'
import { findVisitor, noteAnswered, type Visitor } from '../visitors/visitors.ts'
import {
  claimUpload,
  deleteUnsent,
  findUpload,
  insertUpload,
  listKnownIds,
  sumSentSince,
  type Upload,
} from './store.ts'

export { findUpload, type Upload } from './store.ts'

/** What a visitor may send within a day (promises A21). A single file may be as large as the settings allow. */
export const visitorQuota: UploadQuota = {
  uploads: uploadsAtOnce.perVisitor,
  files: 20,
  bytes: 104_857_600,
  withinMs: 86_400_000,
}

/** How much of a file is taken, and what it is refused with when there is more. */
export interface Allowance {
  maxBytes: number
  tooLarge: () => ApiError
  settings: Settings
}

/** A file that has come in, with what its first bytes say of it. */
export interface FoundFile {
  id: string
  name: string
  type: string
  extension: string
  /** Hash of the bytes. */
  etag: string
  size: number
  width?: number | undefined
  height?: number | undefined
}

/** What goes with a file into the room. `extra` is what the wire shows of it. */
export interface Sending {
  roomId: string
  file: FoundFile
  composed: Composed
  description: string | undefined
  extra: Record<string, unknown>
}

/**
 * Whether the visitor with this token may send a file into this room, before a byte of it is read (contract A.17: the
 * order of the checks). No token, an unknown one, and a room that is foreign, closed or missing are the same.
 * @throws `unauthorized`, `error-file-upload-disabled`, `error-too-many-requests`
 */
export async function permitVisitor(
  reader: Reader,
  token: string,
  roomId: string,
  nowMs: number,
): Promise<{ allowance: Allowance; visitorId: string }> {
  if (token === '') throw new ApiError('unauthorized')
  const settings = await readSettings(reader)
  if (!settings.Livechat_fileupload_enabled || !settings.FileUpload_Enabled)
    throw new ApiError('error-file-upload-disabled')
  const visitor = await requireInOpenRoom(reader, token, roomId)
  // Where the settings name no limit, there is one all the same for strangers.
  const maxBytes = Number.isFinite(largest(settings)) ? largest(settings) : visitorQuota.bytes
  const left = await bytesLeft(reader, visitor, nowMs)
  const allowance =
    left.bytes < maxBytes
      ? { maxBytes: left.bytes, tooLarge: () => tooMany(left.waitSeconds), settings }
      : { maxBytes, tooLarge: () => tooLargeForVisitor(maxBytes), settings }
  return { allowance, visitorId: visitor.id }
}

/**
 * Sends a file that has come in as a visitor. Everything is held against the rules once more: the upload took its time.
 * @throws `unauthorized`, `error-too-many-requests`, `message-length-exceeds-character-limit`
 */
export async function sendVisitorFile(
  tx: Transaction,
  token: string,
  sending: Sending,
): Promise<{ message: Message; showConnecting: boolean }> {
  const { roomId, file, composed } = sending
  const visitor = await requireInOpenRoom(tx, token, roomId)
  const settings = await readSettings(tx)
  const limit = visitorTextLimit(settings)
  if (limit !== undefined && composed.text.length > limit) throw new ApiError('message-length-exceeds-character-limit')
  const message = await writeFileMessage(tx, sending, visitorAuthor(visitor))
  if (message === undefined) throw new ApiError('unauthorized')
  // Under the room's lock: of several uploads that end at once each sees those before it.
  const left = await bytesLeft(tx, visitor, tx.nowMs)
  if (file.size > left.bytes) throw tooMany(left.waitSeconds)
  await insertFile(tx, sending, { visitorId: visitor.id, messageId: message.id })
  return { message, showConnecting: routingFlags(settings).showConnecting }
}

/**
 * Whether a member of the staff may send a file into this room, before a byte of it is read.
 * @throws `unauthorized`, `room-closed`, `error-file-upload-disabled`
 */
export async function permitStaff(reader: Reader, user: SignedIn, roomId: string): Promise<Allowance> {
  const room = await requireReadable(reader, user, roomId)
  if (room.closed !== undefined) throw new ApiError('room-closed')
  const settings = await readSettings(reader)
  if (!settings.FileUpload_Enabled) throw new ApiError('error-file-upload-disabled')
  return { maxBytes: largest(settings), tooLarge: () => new ApiError('error-file-too-large'), settings }
}

/**
 * Sends a file that has come in as a member of the staff.
 * @throws `unauthorized`, `room-closed`, `error-message-size-exceeded`
 */
export async function sendStaffFile(tx: Transaction, user: SignedIn, sending: Sending): Promise<Message> {
  const message = await writeStaffMessage(tx, user, sending)
  await insertFile(tx, sending, { userId: user.id, messageId: message.id })
  return message
}

/**
 * Notes a file that a message will carry.
 * @throws `unauthorized`, `room-closed`
 */
export async function storeStaffFile(
  tx: Transaction,
  user: SignedIn,
  { roomId, file }: { roomId: string; file: FoundFile },
): Promise<void> {
  const room = await requireReadable(tx, user, roomId)
  if (room.closed !== undefined) throw new ApiError('room-closed')
  await insertFile(tx, { roomId, file, description: undefined }, { userId: user.id, messageId: null })
}

/**
 * A file that the caller has stored and not sent yet.
 * @throws `invalid-file`
 */
export async function requireUnsentFile(
  reader: Reader,
  user: SignedIn,
  { roomId, fileId }: { roomId: string; fileId: string },
): Promise<Upload> {
  const upload = await findUpload(reader, fileId)
  if (upload === undefined || upload.roomId !== roomId || upload.userId !== user.id || upload.messageId !== undefined)
    throw new ApiError('invalid-file')
  return upload
}

/**
 * Sends a file that the caller has stored.
 * @throws `unauthorized`, `invalid-file`, `room-closed`, `error-message-size-exceeded`
 */
export async function sendStoredFile(tx: Transaction, user: SignedIn, sending: Sending): Promise<Message> {
  const { roomId, file, description } = sending
  await requireUnsentFile(tx, user, { roomId, fileId: file.id })
  const message = await writeStaffMessage(tx, user, sending)
  // Sent by another call of the same person at this moment.
  if (!(await claimUpload(tx, file.id, { messageId: message.id, description }))) throw new StartOver()
  return message
}

/** Job: a file that nobody sent within a day goes. */
export async function forgetUnsentFile(tx: Transaction, fileId: string): Promise<void> {
  if (await deleteUnsent(tx, fileId)) tx.emit('files.removed', { fileIds: [fileId] })
}

/** Which of these files somebody knows. */
export async function findKnownFiles(reader: Reader, ids: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set(await listKnownIds(reader, ids))
}

async function requireInOpenRoom(reader: Reader, token: string, roomId: string): Promise<Visitor> {
  const visitor = await findVisitor(reader, token)
  const room = visitor && (await findOpenRoomOf(reader, visitor.id))
  if (visitor === undefined || room?.id !== roomId) throw new ApiError('unauthorized')
  return visitor
}

async function requireReadable(reader: Reader, user: SignedIn, roomId: string): Promise<Room> {
  const room = await findRoom(reader, roomId)
  if (room === undefined || !(await mayRead(reader, user, room))) throw new ApiError('unauthorized')
  return room
}

/** `undefined` where the room is not open to its author any more. */
async function writeFileMessage(tx: Transaction, sending: Sending, author: Author): Promise<Message | undefined> {
  const { text, tree } = sending.composed
  const written = await writeMessage(tx, sending.roomId, { text, tree, author, extra: sending.extra })
  if (typeof written === 'string') return undefined
  await (author.kind === 'visitor' ? noteVisitorSpoke : noteStaffSpoke)(tx, written.moved)
  return written.message
}

async function writeStaffMessage(tx: Transaction, user: SignedIn, sending: Sending): Promise<Message> {
  const room = await requireReadable(tx, user, sending.roomId)
  const { Message_MaxAllowedSize: most } = await readSettings(tx)
  if (most > 0 && sending.composed.text.length > most) throw new ApiError('error-message-size-exceeded')
  const message = await writeFileMessage(tx, sending, staffAuthor(user))
  if (message === undefined) throw new ApiError('room-closed')
  await noteAnswered(tx, room.visitor.id)
  await noteRead(tx, { userId: user.id, roomId: room.id, until: message.sentAt })
  return message
}

async function insertFile(
  tx: Transaction,
  { roomId, file, description }: Pick<Sending, 'roomId' | 'file' | 'description'>,
  by: { visitorId?: string; userId?: string; messageId: string | null },
): Promise<void> {
  const { width = null, height = null, ...known } = file
  await insertUpload(tx, {
    ...known,
    ...{ width, height, roomId },
    description: description ?? null,
    visitorId: by.visitorId ?? null,
    userId: by.userId ?? null,
    messageId: by.messageId,
    createdAt: tx.now,
  })
  await keepSecret(tx, 'FileUpload_json_web_token_secret_for_files', randomBytes(32).toString('base64url'))
  tx.emit('file.received', { fileId: file.id, messageId: by.messageId })
}

function largest({ FileUpload_MaxFileSize: most }: Settings): number {
  return most < 0 ? Infinity : most
}

/** What a visitor may send now; the first file of a day is never too much. @throws `error-too-many-requests` */
async function bytesLeft(
  reader: Reader,
  visitor: Visitor,
  nowMs: number,
): Promise<{ bytes: number; waitSeconds: number }> {
  const since = new Date(nowMs - visitorQuota.withinMs).toISOString()
  const { files, bytes, firstAt } = await sumSentSince(reader, visitor.id, since)
  const waitSeconds = firstAt === undefined ? 0 : Math.ceil((Date.parse(firstAt) - Date.parse(since)) / 1_000)
  if (files >= visitorQuota.files || bytes >= visitorQuota.bytes) throw tooMany(waitSeconds)
  return { bytes: files === 0 ? Infinity : visitorQuota.bytes - bytes, waitSeconds }
}

function tooMany(retryAfterSeconds: number): ApiError {
  return new ApiError('error-too-many-requests', { details: { retryAfterSeconds } })
}

function tooLargeForVisitor(bytes: number): ApiError {
  const units = bytes >= 1_048_576 ? ([1_048_576, 'MB'] as const) : ([1_024, 'KB'] as const)
  const sizeAllowed = `${String(Math.round((bytes / units[0]) * 100) / 100)} ${units[1]}`
  return new ApiError('error-size-not-allowed', { details: { sizeAllowed } })
}
