import type { Insertable, Selectable } from 'kysely'
import { fromJson, withoutNulls } from '../../database/columns.ts'
import type { RoomTable } from '../../database/schema.ts'
import { keptByColumns, pick, statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { forgetRoom } from '../ledger/ledger.ts'
import { deleteFilesOf } from './file-store.ts'
import { metricsOf, type Metrics } from './metrics-store.ts'

/** One conversation. */
export interface Room {
  id: string
  visitor: RoomVisitor
  departmentId?: string
  source: { type: string; destination?: string }
  openedAt: string
  queuedAt?: string
  servedBy?: { id: string; username: string; at: string }
  closed?: { at: string; by: { id: string; username: string }; closer: 'visitor' | 'user' }
  memberCount: number
  messageCount: number
  lastMessageId?: string
  lastMessageAt: string
  seq: number
  isWaitingResponse: boolean
  response?: { by: { id: string; username: string }; firstAt: string; lastAt: string }
  isOnHold: boolean
  /** When a member of the staff last wrote. */
  staffSpokeAt?: string
  /** When the visitor counts as gone, if nothing more is said. */
  abandonsAt?: string
  /** Once in a room's life it is taken from an agent who does not answer. */
  autoTransferredAt?: string
  metrics: Metrics
  /** What the visitor thinks of the conversation, by question. */
  survey?: Record<string, string>
  /** A transcript to mail when the room is closed. */
  transcriptRequest?: TranscriptWish
  /** The state of a call, as the visitor's client tells it. */
  callStatus?: string
  topic?: string
  tags: string[]
  fields?: Record<string, string>
  updatedAt: string
}

/** The visitor as the room knows one. */
interface RoomVisitor {
  id: string
  username: string
  name?: string
  status: string
  spokeAt?: string
  /** The months in which an agent answered, `YYYY-MM`: before this room, and in it. */
  activity?: string[]
  contactId?: string
}

/** The letter that a member of the staff wants sent when the room is closed, as it is stored. */
export interface TranscriptRequest {
  requestedAt: string
  requestedBy: { _id: string; username: string; name?: string }
  email: string
  subject: string
}

/** What somebody asked for; or that no transcript is mailed, whatever the settings say. */
export type TranscriptWish = TranscriptRequest | { suppressed: true }

/** A name or a text for searching and sorting, whatever its case; SQL's own folding knows only ASCII on one database. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/** A text folded for searching, where SQL cannot do it: it knows the case of ASCII letters only. */
export function foldedOf(text: string): string | null {
  if (!/[\u0080-\uffff]/.test(text)) return null
  const folded = foldName(text)
  return folded === text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) ? null : folded
}

type RoomRow = Selectable<RoomTable>

const roomById = statement((db, p: { id: string }) => db.selectFrom('room').selectAll().where('id', '=', p.id))
const openRoomOf = statement((db, p: { visitorId: string }) =>
  db.selectFrom('room').selectAll().where('visitorId', '=', p.visitorId).where('closedAt', 'is', null),
)
export async function findRoom(reader: Reader, id: string): Promise<Room | undefined> {
  const row = await roomById.first(reader, { id })
  return row && roomFromRow(row)
}

/** The rooms with these ids, by their ids. */
export async function findRooms(reader: Reader, ids: readonly string[]): Promise<Map<string, Room>> {
  if (ids.length === 0) return new Map()
  const rows = await reader.all(
    reader.sql
      .selectFrom('room')
      .selectAll()
      .where('id', 'in', [...ids]),
  )
  return new Map(rows.map((row) => [row.id, roomFromRow(row)]))
}

/** The room a visitor talks in now; there is at most one. */
export async function findOpenRoomOf(reader: Reader, visitorId: string): Promise<Room | undefined> {
  const row = await openRoomOf.first(reader, { visitorId })
  return row && roomFromRow(row)
}

const insertOf = keptByColumns((columns) =>
  statement((db, p: Insertable<RoomTable>) =>
    db
      .insertInto('room')
      .values(pick(p, columns))
      .onConflict((conflict) => conflict.doNothing())
      .returning('id'),
  ),
)

/** Inserts a room; answers false where the visitor has an open one already. */
export async function insertRoom(tx: Transaction, row: Insertable<RoomTable>): Promise<boolean> {
  return (await insertOf(row).first(tx, row)) !== undefined
}

/** Takes the row of an open room for this transaction and answers it; `undefined` where it is closed or missing. */
export async function takeOpenRoom(tx: Transaction, id: string): Promise<Room | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('room')
      .set({ updatedAt: tx.now })
      .where('id', '=', id)
      .where('closedAt', 'is', null)
      .returningAll(),
  )
  return row && roomFromRow(row)
}

/** Takes the row of a room, open or closed, for this transaction and answers it. */
export async function takeRoom(tx: Transaction, id: string): Promise<Room | undefined> {
  const row = await tx.first(tx.sql.updateTable('room').set({ updatedAt: tx.now }).where('id', '=', id).returningAll())
  return row && roomFromRow(row)
}

/** Columns of a room to write. */
export type RoomChange = Partial<Omit<Insertable<RoomTable>, 'id' | 'updatedAt'>>

const updateOf = keptByColumns((columns) =>
  statement((db, p: RoomChange & { id: string; updatedAt: string }) =>
    db
      .updateTable('room')
      .set({ ...pick(p, columns), updatedAt: p.updatedAt })
      .where('id', '=', p.id)
      .returning('id'),
  ),
)

/** Writes columns of a room that is taken. */
export async function updateRoom(tx: Transaction, id: string, change: RoomChange): Promise<void> {
  await updateOf(change).first(tx, { ...change, id, updatedAt: tx.now })
}

/** Makes the tags of a room exactly these. */
export async function replaceTags(tx: Transaction, id: string, tags: readonly string[]): Promise<void> {
  await updateRoom(tx, id, { tags: tags.length === 0 ? null : JSON.stringify(tags) })
  await tx.run(tx.sql.deleteFrom('roomTag').where('roomId', '=', id))
  for (const tag of new Set(tags)) await tx.run(tx.sql.insertInto('roomTag').values({ roomId: id, tag }))
}

/** Makes the custom fields of a room exactly these, without the empty ones. */
export async function replaceFields(
  tx: Transaction,
  id: string,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  const filled = Object.entries(fields).filter(([, value]) => value !== '')
  await updateRoom(tx, id, { fields: filled.length === 0 ? null : JSON.stringify(Object.fromEntries(filled)) })
  await tx.run(tx.sql.deleteFrom('roomField').where('roomId', '=', id))
  const rows = filled.map(([key, value]) => ({ roomId: id, key, folded: foldName(value) }))
  if (rows.length > 0) await tx.run(tx.sql.insertInto('roomField').values(rows))
}

/** Writes columns of all open rooms of a visitor and answers their ids. */
export async function updateOpenRoomsOf(
  tx: Transaction,
  visitorId: string,
  change: Partial<Insertable<RoomTable>>,
): Promise<string[]> {
  const rows = await tx.all(
    tx.sql
      .updateTable('room')
      .set({ ...change, updatedAt: tx.now })
      .where('visitorId', '=', visitorId)
      .where('closedAt', 'is', null)
      .returning('id'),
  )
  return rows.map(({ id }) => id)
}

/** Every room of a visitor, oldest first. */
export async function listRoomsOf(reader: Reader, visitorId: string): Promise<Room[]> {
  const rows = await reader.all(
    reader.sql.selectFrom('room').selectAll().where('visitorId', '=', visitorId).orderBy('openedAt'),
  )
  return rows.map(roomFromRow)
}

/** Removes a room with everything in it, and with what the book knows of its messages. Answers whose it was. */
export async function deleteRoom(tx: Transaction, id: string): Promise<string | undefined> {
  // The row first: a message written beside the removal would stay behind.
  await updateRoom(tx, id, {})
  await forgetRoom(tx, id)
  await tx.run(tx.sql.deleteFrom('messageVersion').where('roomId', '=', id))
  await tx.run(tx.sql.deleteFrom('message').where('roomId', '=', id))
  await deleteFilesOf(tx, { roomId: id })
  await tx.run(tx.sql.deleteFrom('pageVisit').where('roomId', '=', id))
  return (await tx.first(tx.sql.deleteFrom('room').where('id', '=', id).returning('visitorId')))?.visitorId
}

/** A room as the rules see it. */
export function roomFromRow(row: RoomRow): Room {
  const { departmentId, queuedAt, lastMessageId, callStatus, topic, abandonsAt, autoTransferredAt } = row
  const fields = fromJson<Record<string, string>>(row.fields) ?? null
  const survey = fromJson<Record<string, string>>(row.survey) ?? null
  const transcriptRequest = fromJson<TranscriptWish>(row.transcriptRequest) ?? null
  return {
    id: row.id,
    visitor: visitorOf(row),
    source: { type: row.sourceType, ...withoutNulls({ destination: row.sourceDestination }) },
    openedAt: row.openedAt,
    ...servedOf(row),
    ...closedOf(row),
    memberCount: row.memberCount,
    messageCount: row.messageCount,
    ...withoutNulls({ departmentId, queuedAt, lastMessageId, callStatus, topic, fields, survey, transcriptRequest }),
    ...withoutNulls({ abandonsAt, autoTransferredAt, staffSpokeAt: row.lastResponseAt }),
    metrics: metricsOf(row),
    lastMessageAt: new Date(row.lastMessageMs).toISOString(),
    seq: row.seq,
    isWaitingResponse: row.isWaitingResponse === 1,
    ...responseOf(row),
    isOnHold: row.isOnHold === 1,
    tags: fromJson<string[]>(row.tags) ?? [],
    updatedAt: row.updatedAt,
  }
}

function visitorOf(row: RoomRow): RoomVisitor {
  const { visitorName: name, visitorSpokeAt: spokeAt, contactId } = row
  const activity = fromJson<string[]>(row.visitorActivity) ?? null
  return {
    id: row.visitorId,
    username: row.visitorUsername,
    status: row.visitorStatus,
    ...withoutNulls({ name, spokeAt, activity, contactId }),
  }
}

function servedOf(row: RoomRow): Pick<Room, 'servedBy'> {
  if (row.servedById === null) return {}
  return { servedBy: { id: row.servedById, username: row.servedByUsername ?? '', at: row.servedAt ?? row.openedAt } }
}

function closedOf(row: RoomRow): Pick<Room, 'closed'> {
  if (row.closedAt === null) return {}
  const by = { id: row.closedById ?? '', username: row.closedByUsername ?? '' }
  return { closed: { at: row.closedAt, by, closer: row.closer === 'visitor' ? 'visitor' : 'user' } }
}

function responseOf(row: RoomRow): Pick<Room, 'response'> {
  if (row.respondedById === null || row.firstResponseAt === null) return {}
  const by = { id: row.respondedById, username: row.respondedByUsername ?? '' }
  return { response: { by, firstAt: row.firstResponseAt, lastAt: row.lastResponseAt ?? row.firstResponseAt } }
}

/** One message fewer in a room. */
export async function countDeleted(tx: Transaction, roomId: string): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('room')
      .set((eb) => ({ messageCount: eb('messageCount', '-', 1) }))
      .where('id', '=', roomId),
  )
}
