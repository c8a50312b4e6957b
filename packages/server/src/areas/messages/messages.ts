// What visitors and agents say. Every send is on disk when it is answered, and can be repeated with the same id.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import {
  findRoom,
  mayRead,
  noteStaffSpoke,
  noteVisitorSpoke,
  openRoom,
  requireOwnRoom,
  staffAuthor,
  visitorAuthor,
} from '../rooms/rooms.ts'
import type { Outside } from '../routing/routing.ts'
import type { Settings } from '../settings/catalogue.ts'
import { mostRows } from '../../page.ts'
import { readSettings, visitorTextLimit } from '../settings/settings.ts'
import { noteRead } from '../subscriptions/subscriptions.ts'
import {
  changeText,
  countBetween,
  deleteMessage,
  findFirstAfter,
  findMessage,
  takeOpenRoom,
  listHistory,
  writeMessage,
  type Author,
  type Message,
} from '../timeline/timeline.ts'
import {
  findVisitor,
  mayTellContact,
  noteAnswered,
  refuseBlocked,
  registerVisitor,
  requireVisitor,
  type Visitor,
} from '../visitors/visitors.ts'
import { attachedTo, quotesIn } from './attachments.ts'
import { readShownChanges, type ChangesPage } from './changes.ts'
import { isPlain, messageTree } from './message-tree.ts'

export type { Message } from '../timeline/timeline.ts'
export {
  readChangesSince,
  readRoomChanges,
  readRoomHistory,
  readRoomMessages,
  searchMessages,
} from './staff-reading.ts'

/** A text with what the parser made of it. Parsing takes milliseconds, so it happens before the transaction. */
export interface Composed {
  text: string
  /** Absent where the text is one plain paragraph. */
  tree: unknown[] | undefined
  /** Where links to messages lead, if the environment of the server says so. */
  siteUrl: string | undefined
}

/** Parses a text for storing. */
export function compose(text: string, { siteUrl }: { siteUrl?: string }): Composed {
  return { text, tree: isPlain(text) ? undefined : messageTree(text), siteUrl }
}

export interface Draft {
  id?: string | undefined
  roomId: string
  composed: Composed
  /** What the staff shows beside the text. */
  attachments?: readonly object[] | undefined
}

/**
 * Sends a visitor's message. The same id again from the same visitor in the same room answers the stored message
 * unchanged, also after the room was closed; from anybody else, or after it was taken back, it is refused without a word
 * of it (promises A7).
 * @throws `invalid-token`, `invalid-room`, `room-closed`, `message-length-exceeds-character-limit`, `invalid-message`,
 * `error-contact-channel-blocked`
 */
export async function sendVisitorMessage(tx: Transaction, token: string, draft: Draft): Promise<Message> {
  const visitor = await requireVisitor(tx, token)
  const author = visitorAuthor(visitor)
  const earlier = draft.id === undefined ? undefined : await findMessage(tx, draft.id)
  if (earlier !== undefined && isSameSend(earlier, draft, author)) return earlier

  const { text, tree, siteUrl } = draft.composed
  const quotes = await quotesIn(tx, { text, siteUrl, roomId: draft.roomId })
  const written = await writeMessage(tx, draft.roomId, { id: draft.id, text, tree, author, ...quotes })
  if (written === 'refused') throw await refusalFor(tx, visitor, draft.roomId)
  if (isTooLongForVisitor(text, await readSettings(tx))) throw new ApiError('message-length-exceeds-character-limit')
  if (written === 'taken') throw takenError(earlier)
  const { message, moved } = written
  await noteVisitorSpoke(tx, moved)
  if (mayTellContact(visitor, text)) tx.emit('contact.mentioned', { visitorId: visitor.id, messageId: message.id })
  return message
}

/**
 * Writes several messages as a visitor, in their order, all or none; registers the visitor and opens a room where there
 * is none (contract A.21).
 * @throws `error-livechat-visitor-registration`, and as `openRoom` and `sendVisitorMessage`
 */
export async function sendManyAsVisitor(
  tx: Transaction,
  token: string,
  texts: readonly Composed[],
  outside: Outside,
): Promise<Message[]> {
  if ((await findVisitor(tx, token)) === undefined)
    await registerVisitor(tx, { token }, {}).catch((error: unknown) => {
      const isTheirs = error instanceof ApiError && error.code === 'error-invalid-token'
      throw isTheirs ? new ApiError('error-livechat-visitor-registration', { cause: error }) : error
    })
  const { room, isNew } = await openRoom(tx, { token, source: { type: 'api' } }, outside)
  // Closed at this moment: started over, another one is opened.
  if (!isNew && (await takeOpenRoom(tx, room.id)) === undefined) throw new StartOver()
  const sent: Message[] = []
  for (const composed of texts) sent.push(await sendVisitorMessage(tx, token, { roomId: room.id, composed }))
  return sent
}

/**
 * A message of the visitor's own room.
 * @throws `invalid-token`, `invalid-room`, `invalid-message`
 */
export async function requireVisitorMessage(
  reader: Reader,
  { token, roomId, id }: { token: string; roomId: string; id: string },
): Promise<{ visitor: Visitor; message: Message }> {
  const visitor = await requireVisitor(reader, token)
  const room = await requireOwnRoom(reader, visitor, roomId)
  const message = await findMessage(reader, id)
  if (message?.roomId !== room.id || message.deletedAt !== undefined) throw new ApiError('invalid-message')
  return { visitor, message }
}

export interface Place {
  token: string
  roomId: string
  id: string
}

/**
 * Edits a visitor's own message; also in a closed room, as old clients do (contract A.19).
 * @throws as `requireVisitorMessage`, and `error-action-not-allowed`, `message-length-exceeds-character-limit`,
 * `error-contact-channel-blocked`
 */
export async function editVisitorMessage(tx: Transaction, place: Place, composed: Composed): Promise<Message> {
  const { visitor, message } = await requireVisitorMessage(tx, place)
  await refuseBlocked(tx, place)
  const settings = await readSettings(tx)
  const author = visitorAuthor(visitor)
  if (!settings.Message_AllowEditing || !isOwn(message, author)) throw new ApiError('error-action-not-allowed')
  if (isTooLongForVisitor(composed.text, settings)) throw new ApiError('message-length-exceeds-character-limit')
  const quotes = await quotesIn(tx, { ...composed, roomId: message.roomId })
  return changeText(tx, message, { ...composed, ...quotes, by: { id: author.id, username: author.username } })
}

/**
 * Takes a visitor's own message back.
 * @throws as `requireVisitorMessage`, and `error-action-not-allowed`
 */
export async function deleteVisitorMessage(tx: Transaction, place: Place): Promise<Message> {
  const { visitor, message } = await requireVisitorMessage(tx, place)
  const settings = await readSettings(tx)
  const author = visitorAuthor(visitor)
  if (!settings.Message_AllowDeleting || !isOwn(message, author)) throw new ApiError('error-action-not-allowed')
  const by = { id: author.id, username: author.username }
  await deleteMessage(tx, message, { by, leavesPlaceholder: leavesPlaceholder(settings) })
  return message
}

/** A line that is hidden from everybody would tell nobody that the message is gone: then it leaves none. */
function leavesPlaceholder({ Message_ShowDeletedStatus, Hide_System_Messages }: Settings): boolean {
  return Message_ShowDeletedStatus && !Hide_System_Messages.includes('rm')
}

export interface HistoryRequest {
  token: string
  roomId: string
  /** ISO time; messages before it. */
  before: string | undefined
  /** ISO time up to which the reader has read. */
  readUntil: string | undefined
  limit: number | undefined
  offset: number
}

export interface History {
  messages: Message[]
  firstUnread?: Message
  unreadNotLoaded?: number
}

// Later than any message; text compares byte by byte.
const END_OF_TIME = '9999-12-31T23:59:59.999Z'

/**
 * Messages of the visitor's room, newest first, open or closed.
 * @throws `invalid-token`, `invalid-room`
 */
export async function readHistory(reader: Reader, request: HistoryRequest): Promise<History> {
  const visitor = await requireVisitor(reader, request.token)
  const room = await requireOwnRoom(reader, visitor, request.roomId)
  const settings = await readSettings(reader)
  const hiddenTypes = settings.Hide_System_Messages
  const messages = await listHistory(reader, {
    roomId: room.id,
    before: request.before ?? END_OF_TIME,
    limit: clamp(request.limit, 20, settings),
    offset: request.offset,
    hiddenTypes,
  })
  if (request.readUntil === undefined) return { messages }
  const oldest = messages.at(-1)?.sentAt ?? END_OF_TIME
  const span = { roomId: room.id, after: request.readUntil, before: oldest, hiddenTypes }
  const unreadNotLoaded = await countBetween(reader, span)
  const firstUnread = await findFirstAfter(reader, span)
  return { messages, unreadNotLoaded, ...(firstUnread !== undefined && { firstUnread }) }
}

/**
 * What changed in the visitor's room since a change number, in the order of the changes (docs/architecture.md, continuity).
 * @throws `invalid-token`, `invalid-room`
 */
export async function readChanges(
  reader: Reader,
  request: { token: string; roomId: string; after: number; count: number | undefined },
): Promise<ChangesPage> {
  const visitor = await requireVisitor(reader, request.token)
  const room = await requireOwnRoom(reader, visitor, request.roomId)
  const settings = await readSettings(reader)
  const limit = clamp(request.count, 100, settings)
  return readShownChanges(reader, settings, { roomId: room.id, after: request.after, limit })
}

/**
 * Sends a message as a member of the staff; repeatable with the same id.
 * @throws `error-invalid-room`, `error-not-allowed`, `room-closed`, `error-message-size-exceeded`, `invalid-message`
 */
export async function sendStaffMessage(tx: Transaction, user: SignedIn, draft: Draft): Promise<Message> {
  const author = staffAuthor(user)
  const earlier = draft.id === undefined ? undefined : await findMessage(tx, draft.id)
  if (earlier !== undefined && isSameSend(earlier, draft, author)) return earlier
  const room = await findRoom(tx, draft.roomId)
  if (room === undefined) throw new ApiError('error-invalid-room')
  if (!(await mayRead(tx, user, room))) throw new ApiError('error-not-allowed')

  const { text, tree } = draft.composed
  refuseTooLong(text, await readSettings(tx))
  const beside = await attachedTo(tx, draft)
  const written = await writeMessage(tx, room.id, { id: draft.id, text, tree, author, ...beside })
  if (written === 'refused') throw new ApiError('room-closed')
  if (written === 'taken') throw takenError(earlier)
  await noteAnswered(tx, room.visitor.id)
  await noteRead(tx, { userId: user.id, roomId: room.id, until: written.message.sentAt })
  await noteStaffSpoke(tx, written.moved)
  return written.message
}

/**
 * A message that the caller may read; one that the caller may not is the same as none.
 * @throws `message-not-found`
 */
export async function requireStaffMessage(reader: Reader, user: SignedIn, id: string): Promise<Message> {
  const message = await findMessage(reader, id)
  const room = message === undefined ? undefined : await findRoom(reader, message.roomId)
  if (
    message === undefined ||
    message.deletedAt !== undefined ||
    room === undefined ||
    !(await mayRead(reader, user, room))
  )
    throw new ApiError('message-not-found', { reason: `No message found with the id of "${id}".` })
  return message
}

export interface StaffPlace {
  roomId: string
  id: string
}

/**
 * Edits a message of one's own.
 * @throws `message-not-found`, `message-of-other-room`, `error-action-not-allowed`, `error-message-size-exceeded`
 */
export async function editStaffMessage(
  tx: Transaction,
  user: SignedIn,
  place: StaffPlace,
  composed: Composed,
): Promise<Message> {
  const message = await requireInRoom(tx, user, place)
  const settings = await readSettings(tx)
  const { Message_AllowEditing: mayEdit, Message_AllowEditing_BlockEditInMinutes: minutes } = settings
  if (!mayEdit || !isOwn(message, staffAuthor(user)) || isPast(message, minutes, tx.nowMs))
    throw new ApiError('error-action-not-allowed')
  refuseTooLong(composed.text, settings)
  const quotes = await quotesIn(tx, { ...composed, roomId: message.roomId })
  return changeText(tx, message, { ...composed, ...quotes, by: { id: user.id, username: user.username } })
}

/**
 * Takes a message of one's own back.
 * @throws `message-not-found`, `message-of-other-room`, `error-action-not-allowed`
 */
export async function deleteStaffMessage(tx: Transaction, user: SignedIn, place: StaffPlace): Promise<Message> {
  const message = await requireInRoom(tx, user, place)
  const settings = await readSettings(tx)
  const { Message_AllowDeleting: mayDelete, Message_AllowDeleting_BlockDeleteInMinutes: minutes } = settings
  if (!mayDelete || !isOwn(message, staffAuthor(user)) || isPast(message, minutes, tx.nowMs))
    throw new ApiError('error-action-not-allowed')
  const by = { id: user.id, username: user.username }
  await deleteMessage(tx, message, { by, leavesPlaceholder: leavesPlaceholder(settings) })
  return message
}

async function requireInRoom(tx: Transaction, user: SignedIn, { roomId, id }: StaffPlace): Promise<Message> {
  const message = await requireStaffMessage(tx, user, id)
  if (message.roomId !== roomId) throw new ApiError('message-of-other-room')
  return message
}

/** What was taken back is gone, so sending it again neither shows it nor brings it back; its placeholder is shown. */
function isSameSend(earlier: Message, draft: Draft, author: Author): boolean {
  const { type, author: writer, deletedAt } = earlier
  const wasWritten = deletedAt === undefined && (type === undefined || type === 'rm')
  return earlier.roomId === draft.roomId && wasWritten && writer.kind === author.kind && writer.id === author.id
}

/** Whether somebody wrote this: system lines are nobody's to change, whoever caused them. */
function isOwn(message: Message, author: Author): boolean {
  return message.type === undefined && message.author.kind === author.kind && message.author.id === author.id
}

/** Whether the staff may change a message no longer; 0 minutes are no limit, and visitors have none (contract A.19). */
function isPast({ sentAt }: Message, minutes: number, nowMs: number): boolean {
  return minutes > 0 && nowMs - Date.parse(sentAt) > minutes * 60_000
}

/** The id is in use: by a message we saw and must not show, or by one that was written since we looked. */
function takenError(earlier: Message | undefined): Error {
  return earlier === undefined ? new StartOver() : new ApiError('invalid-message')
}

/** Why a visitor could not write: the room is not theirs, or it has ended, perhaps since the visitor is blocked. */
async function refusalFor(tx: Transaction, visitor: Visitor, roomId: string): Promise<ApiError> {
  const room = await findRoom(tx, roomId)
  if (room?.visitor.id !== visitor.id) return new ApiError('invalid-room')
  await refuseBlocked(tx, visitor)
  return new ApiError('room-closed')
}

function isTooLongForVisitor(text: string, settings: Settings): boolean {
  const limit = visitorTextLimit(settings)
  return limit !== undefined && text.length > limit
}

function refuseTooLong(text: string, { Message_MaxAllowedSize: most }: Settings): void {
  if (most > 0 && text.length > most) throw new ApiError('error-message-size-exceeded')
}

/** 0 asks for as many as are given at once (promises A37). */
function clamp(asked: number | undefined, usual: number, settings: Settings): number {
  const most = mostRows(settings)
  return asked === 0 ? most : Math.min(asked ?? usual, most)
}
