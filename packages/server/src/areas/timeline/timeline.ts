// What is said in a room, in one order that never changes: every message and system line takes the room's row, its next
// number and its next time, in the transaction that writes it.
import type { Events } from '@deskbell/contract/events.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import { note, type Actor } from '../ledger/ledger.ts'
import { deleteFilesOf } from './file-store.ts'
import {
  findLatestShown,
  findMessage,
  findMessages,
  insertMessage,
  insertVersion,
  SHOWN_TYPES,
  updateMessage,
  type Author,
  type Message,
} from './message-store.ts'
import { advanceRoom, advanceRoomBy, takeNextNumber, type Advanced, type Mover } from './advance-store.ts'
import { countDeleted, updateRoom, type Room, type RoomChange } from './room-store.ts'

export type { Author, Message, SaidPage } from './message-store.ts'
export type { Advanced } from './advance-store.ts'
export type { Room, TranscriptRequest, TranscriptWish } from './room-store.ts'
export { forgetDepartment, forgetDepartmentOfClosed } from './department-store.ts'
export { opensFile, signFile } from './file-links.ts'
export { HIDDEN_AGENT } from './hidden-agents.ts'
export {
  deleteRoom,
  foldName,
  foldedOf,
  findOpenRoomOf,
  findRoom,
  findRooms,
  insertRoom,
  listRoomsOf,
  replaceFields,
  replaceTags,
  roomFromRow,
  takeOpenRoom,
  takeRoom,
  updateOpenRoomsOf,
  updateRoom,
} from './room-store.ts'
export {
  countBetween,
  findFirstAfter,
  findMessage,
  listChanges,
  listChangesSince,
  listHistory,
  listSaid,
} from './message-store.ts'

/** The system itself, as author of lines that nobody wrote. */
export const systemAuthor: Author = { kind: 'system', id: 'rocket.cat', username: 'rocket.cat', name: 'Rocket.Cat' }

/** What is to be written; number and time come from the room. */
export interface Draft {
  id?: string | undefined
  text: string
  type?: string
  author: Author
  tree?: unknown[] | undefined
  extra?: Record<string, unknown> | undefined
}

/** Writes a message where its writer may write; `'refused'` where the room is closed or not theirs, `'taken'` where the id is in use. */
export async function writeMessage(
  tx: Transaction,
  roomId: string,
  draft: Draft,
): Promise<{ message: Message; moved: Advanced } | 'refused' | 'taken'> {
  const id = draft.id ?? tx.newId()
  const room = await advanceRoom(tx, roomId, id, moverOf(draft))
  if (room === undefined) return 'refused'
  const message: Message = {
    id,
    roomId,
    seq: room.seq,
    sentAt: new Date(room.clockMs).toISOString(),
    text: draft.text,
    ...(draft.type !== undefined && { type: draft.type }),
    author: draft.author,
    ...(draft.tree !== undefined && { tree: draft.tree }),
    ...(draft.extra !== undefined && { extra: draft.extra }),
    updatedAt: tx.now,
  }
  if (!(await insertMessage(tx, message))) return 'taken'
  emitCreated(tx, message)
  return { message, moved: room }
}

/** Writes a system line into a room that this transaction has taken, open or just closed. */
export async function writeLine(tx: Transaction, roomId: string, line: Draft & { type: string }): Promise<Message> {
  const written = await writeMessage(tx, roomId, line)
  if (typeof written === 'string') throw new Error(`A line could not be written into room ${roomId}: ${written}`)
  return written.message
}

/**
 * Writes lines that the room does not show as its latest message, one after the other, and columns of the room with them:
 * what always comes together takes the row once. The room must be taken by this transaction.
 */
export async function writeLines(
  tx: Transaction,
  roomId: string,
  lines: readonly (Draft & { type: string })[],
  change: RoomChange,
): Promise<void> {
  const last = await advanceRoomBy(tx, roomId, lines.length, change)
  for (const [index, { text, type, author }] of lines.entries()) {
    const back = lines.length - 1 - index
    const sentAt = new Date(last.clockMs - back).toISOString()
    const line = { id: tx.newId(), roomId, seq: last.seq - back, sentAt, text, type, author, updatedAt: tx.now }
    await insertMessage(tx, line)
    emitCreated(tx, line)
  }
}

/** Events of this process, with what they tell of; those of other processes are others. */
const created = new WeakMap<object, Message>()

function emitCreated(tx: Transaction, message: Message): void {
  const data = { roomId: message.roomId, messageId: message.id, seq: message.seq }
  created.set(data, message)
  tx.emit('message.created', data)
}

/**
 * The message that an event tells of, as it was committed with that number: what reading it would find, unless it was
 * changed since. Absent where another process wrote it.
 */
export function createdMessage(event: Events['message.created']): Message | undefined {
  return created.get(event)
}

/** Gives a message another text, keeping what it said before. Its file and its reactions stay. */
export async function changeText(
  tx: Transaction,
  message: Message,
  change: {
    text: string
    tree: unknown[] | undefined
    extra?: Record<string, unknown> | undefined
    by: { id: string; username: string }
  },
): Promise<Message> {
  const { seq, current } = await takeForChange(tx, message)
  await keepVersion(tx, current, change.by, 'edited')
  const extra = withReactionsOf(current.extra, withOwnOf(current.extra, change.extra))
  const changed: Message = {
    ...bareOf(current),
    seq,
    text: change.text,
    ...(change.tree !== undefined && { tree: change.tree }),
    ...(extra !== undefined && { extra }),
    edited: { at: tx.now, by: change.by },
    updatedAt: tx.now,
  }
  await updateMessage(tx, changed)
  tx.emit('message.changed', { roomId: message.roomId, messageId: message.id, seq })
  return changed
}

/** Changes what goes with a message beside its text; who wrote it and what it says stay. */
export async function changeExtra(
  tx: Transaction,
  message: Message,
  change: (extra: Readonly<Record<string, unknown>>) => Record<string, unknown>,
): Promise<Message> {
  const { seq, current } = await takeForChange(tx, message)
  const extra = change(current.extra ?? {})
  const { extra: _before, ...rest } = current
  const changed: Message = { ...rest, seq, ...(Object.keys(extra).length > 0 && { extra }), updatedAt: tx.now }
  await updateMessage(tx, changed)
  tx.emit('message.changed', { roomId: message.roomId, messageId: message.id, seq })
  return changed
}

/**
 * Takes a message back: its text goes, its number and place stay as a tombstone, so that readers who were away learn of
 * it. With `leavesPlaceholder` a line of type `rm` stays in sight.
 */
export async function deleteMessage(
  tx: Transaction,
  message: Message,
  deletion: { by: { id: string; username: string }; leavesPlaceholder: boolean },
): Promise<void> {
  const { seq, lastMessageId, current } = await takeForChange(tx, message)
  await keepVersion(tx, current, deletion.by, 'deleted')
  if (current.extra?.['file'] !== undefined) await deleteFilesOf(tx, { roomId: current.roomId, messageId: current.id })
  const rest = bareOf(current)
  const edited = { at: tx.now, by: deletion.by }
  if (deletion.leavesPlaceholder) {
    await updateMessage(tx, { ...rest, seq, text: '', type: 'rm', edited, updatedAt: tx.now })
    tx.emit('message.changed', { roomId: message.roomId, messageId: message.id, seq })
    return
  }
  await updateMessage(tx, { ...rest, seq, text: '', edited, deletedAt: tx.now, updatedAt: tx.now })
  await countDeleted(tx, message.roomId)
  await forgetLast(tx, message, lastMessageId)
  tx.emit('message.deleted', { roomId: message.roomId, messageId: message.id, seq })
}

/**
 * Takes the room's next number for a change of a message, and the message as it is now that nobody else can change it.
 * Somebody may have changed it since the caller looked; where somebody took it back, the caller starts over.
 */
async function takeForChange(
  tx: Transaction,
  seen: Message,
): Promise<{ seq: number; lastMessageId: string | null; current: Message }> {
  const taken = await takeNextNumber(tx, seen.roomId)
  const current = await findMessage(tx, seen.id)
  if (current === undefined || current.deletedAt !== undefined || current.type !== seen.type) throw new StartOver()
  return { ...taken, current }
}

/** Keeps what a message said, and who replaced it, under one id. */
async function keepVersion(tx: Transaction, message: Message, by: Actor, reason: 'edited' | 'deleted'): Promise<void> {
  const id = tx.newId()
  await insertVersion(tx, message, { id, byId: by.id, reason })
  const { kind, id: authorId, username } = message.author
  await note(tx, {
    id,
    actor: by,
    action: `message.${reason}`,
    subject: { kind: 'message', id: message.id },
    roomId: message.roomId,
    before: { author: { kind, id: authorId, username } },
  })
}

/** What goes with a new text, and the reactions that the message had. */
function withReactionsOf(before: Extra | undefined, given: Extra | undefined): Extra | undefined {
  return before?.['reactions'] === undefined ? given : { ...given, reactions: before['reactions'] }
}

/** What goes with a new text, and what the message showed beside the old one: its file, its cards; quotes are of the text. */
function withOwnOf(before: Extra | undefined, given: Extra | undefined): Extra | undefined {
  const { groupable, file, files, attachments = [] } = (before ?? {}) as Extra & { attachments?: object[] }
  const own = attachments.filter((attachment) => !('message_link' in attachment))
  if (own.length === 0) return given
  const { attachments: quotes = [], ...rest } = (given ?? {}) as Extra & { attachments?: unknown[] }
  return {
    ...rest,
    ...(groupable !== undefined && { groupable }),
    ...(file !== undefined && { file, files }),
    attachments: [...own, ...quotes],
  }
}

type Extra = Record<string, unknown>

/** A message without what goes with its text. */
function bareOf({ id, roomId, seq, sentAt, text, type, author, updatedAt }: Message): Message {
  return { id, roomId, seq, sentAt, text, ...(type !== undefined && { type }), author, updatedAt }
}

/** Which rule of the room applies to a writer: system lines never count as an answer. */
function moverOf({ type, author }: Draft): Mover {
  if (type !== undefined) return { by: 'system', isShown: SHOWN_TYPES.includes(type) }
  if (author.kind === 'visitor') return { by: 'visitor', visitorId: author.id }
  return { by: 'staff', userId: author.id, username: author.username }
}

async function forgetLast(tx: Transaction, deleted: Message, lastMessageId: string | null): Promise<void> {
  if (lastMessageId !== deleted.id) return
  const latest = await findLatestShown(tx, deleted.roomId, deleted.id)
  if (latest !== undefined)
    await updateRoom(tx, deleted.roomId, { lastMessageId: latest.id, lastMessageMs: Date.parse(latest.sentAt) })
}

/** The room's latest message, for documents that show it. */
export async function findLastMessage(reader: Reader, room: Room): Promise<Message | undefined> {
  return room.lastMessageId === undefined ? undefined : findMessage(reader, room.lastMessageId)
}

/** The same for many rooms, in one query. Room id → message. */
export async function findLastMessages(reader: Reader, rooms: readonly Room[]): Promise<Map<string, Message>> {
  const ids = rooms.flatMap(({ lastMessageId }) => lastMessageId ?? [])
  return new Map((await findMessages(reader, ids)).map((message) => [message.roomId, message]))
}
