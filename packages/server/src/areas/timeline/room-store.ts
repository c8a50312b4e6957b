import type { ExpressionBuilder, Insertable, Selectable } from 'kysely'
import { fromJson, withoutNulls } from '../../database/columns.ts'
import type { RoomTable, Tables } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import { forgetRoom } from '../ledger/ledger.ts'
import { deleteFilesOf } from './file-store.ts'
import { countQuestion, countReply, metricsOf, nextClock, type Metrics } from './metrics-store.ts'

/** One conversation. */
export interface Room {
  id: string
  visitor: { id: string; username: string; name?: string; status: string; spokeAt?: string; contactId?: string }
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

/** The letter that a member of the staff wants sent when the room is closed, as it is stored. */
export interface TranscriptRequest {
  requestedAt: string
  requestedBy: { _id: string; username: string; name?: string }
  email: string
  subject: string
}

/** What somebody asked for; or that no transcript is mailed, whatever the settings say. */
export type TranscriptWish = TranscriptRequest | { suppressed: true }

/** What a message in a room has moved: the number and the time it got, and who listens. */
export interface Advanced {
  id: string
  seq: number
  clockMs: number
  servedById: string | null
  departmentId: string | null
  /** When the agent answered the visitor's latest question. */
  firstResponseAt: string | null
  /** When the visitor's latest question was asked; null before the first. */
  askedMs: number | null
  isOnHold: number
}

/** A name or a text for searching and sorting, whatever its case; SQL's own folding knows only ASCII on one database. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

type RoomRow = Selectable<RoomTable>

const roomById = statement((db, p: { id: string }) => db.selectFrom('room').selectAll().where('id', '=', p.id))
const openRoomOf = statement((db, p: { visitorId: string }) =>
  db.selectFrom('room').selectAll().where('visitorId', '=', p.visitorId).where('closedAt', 'is', null),
)
type Move = { id: string; now: string; nowMs: number; messageId: string }
const advanced = [
  'id',
  'seq',
  'clockMs',
  'servedById',
  'departmentId',
  'firstResponseAt',
  'askedMs',
  'isOnHold',
] as const

const advanceForVisitor = statement((db, p: Move & { visitorId: string }) =>
  db
    .updateTable('room')
    .set((eb) => ({
      ...advanceBy(eb, p),
      ...countQuestion(eb, p),
      lastMessageId: p.messageId,
      lastMessageMs: nextClock(p.nowMs),
      visitorSpokeAt: p.now,
      isWaitingResponse: 1,
      abandonsAt: null,
      // The first message after an answer opens a new question: the answer to the last one is forgotten.
      respondedById: eb.case().when('isWaitingResponse', '=', 1).then(eb.ref('respondedById')).else(null).end(),
    }))
    .where('id', '=', p.id)
    .where('visitorId', '=', p.visitorId)
    .where('closedAt', 'is', null)
    .returning(advanced),
)

const advanceForStaff = statement((db, p: Move & { userId: string; username: string }) =>
  db
    .updateTable('room')
    .set((eb) => ({
      ...advanceBy(eb, p),
      ...countReply(eb, p),
      lastMessageId: p.messageId,
      lastMessageMs: nextClock(p.nowMs),
      respondedById: eb.case().when('isWaitingResponse', '=', 1).then(p.userId).else(eb.ref('respondedById')).end(),
      respondedByUsername: eb
        .case()
        .when('isWaitingResponse', '=', 1)
        .then(p.username)
        .else(eb.ref('respondedByUsername'))
        .end(),
      firstResponseAt: eb.case().when('isWaitingResponse', '=', 1).then(p.now).else(eb.ref('firstResponseAt')).end(),
      lastResponseAt: p.now,
      isWaitingResponse: 0,
    }))
    .where('id', '=', p.id)
    .where('closedAt', 'is', null)
    .returning(advanced),
)

const advanceQuietly = statement((db, p: Move) =>
  db
    .updateTable('room')
    .set((eb) => advanceBy(eb, p))
    .where('id', '=', p.id)
    .returning(advanced),
)

const advanceVisibly = statement((db, p: Move) =>
  db
    .updateTable('room')
    .set((eb) => ({ ...advanceBy(eb, p), lastMessageId: p.messageId, lastMessageMs: nextClock(p.nowMs) }))
    .where('id', '=', p.id)
    .returning(advanced),
)

const takeNumber = statement((db, p: { id: string; now: string }) =>
  db
    .updateTable('room')
    .set((eb) => ({ seq: eb('seq', '+', 1), updatedAt: p.now }))
    .where('id', '=', p.id)
    .returning(['seq', 'lastMessageId']),
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

/** Inserts a room; answers false where the visitor has an open one already. */
export async function insertRoom(tx: Transaction, row: Insertable<RoomTable>): Promise<boolean> {
  const inserted = await tx.run(
    tx.sql
      .insertInto('room')
      .values(row)
      .onConflict((conflict) => conflict.doNothing()),
  )
  return inserted === 1
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

/** Writes columns of a room that is taken. */
export async function updateRoom(tx: Transaction, id: string, change: Partial<Insertable<RoomTable>>): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('room')
      .set({ ...change, updatedAt: tx.now })
      .where('id', '=', id),
  )
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

/** Removes a room with everything in it, and with what the book knows of its messages. */
export async function deleteRoom(tx: Transaction, id: string): Promise<void> {
  // The row first: a message written beside the removal would stay behind.
  await updateRoom(tx, id, {})
  await forgetRoom(tx, id)
  await tx.run(tx.sql.deleteFrom('messageVersion').where('roomId', '=', id))
  await tx.run(tx.sql.deleteFrom('message').where('roomId', '=', id))
  await deleteFilesOf(tx, { roomId: id })
  await tx.run(tx.sql.deleteFrom('pageVisit').where('roomId', '=', id))
  await tx.run(tx.sql.deleteFrom('room').where('id', '=', id))
}

/** How a message moves its room on: who wrote it decides what the room remembers. */
export type Mover =
  | { by: 'visitor'; visitorId: string }
  | { by: 'staff'; userId: string; username: string }
  | { by: 'system'; isShown: boolean }

/** Takes the room's row, its next number and its next time; `undefined` where the writer may not write in it. */
export async function advanceRoom(
  tx: Transaction,
  id: string,
  messageId: string,
  mover: Mover,
): Promise<Advanced | undefined> {
  const move = { id, now: tx.now, nowMs: tx.nowMs, messageId }
  switch (mover.by) {
    case 'visitor':
      return advanceForVisitor.first(tx, { ...move, visitorId: mover.visitorId })
    case 'staff':
      return advanceForStaff.first(tx, { ...move, userId: mover.userId, username: mover.username })
    case 'system':
      return (mover.isShown ? advanceVisibly : advanceQuietly).first(tx, move)
  }
}

/** Takes the room's next number for a change of one of its messages; also after it was closed. */
export async function takeNextNumber(
  tx: Transaction,
  roomId: string,
): Promise<{ seq: number; lastMessageId: string | null }> {
  const row = await takeNumber.first(tx, { id: roomId, now: tx.now })
  // Removed with its visitor since the caller looked.
  if (row === undefined) throw new StartOver()
  return row
}

type RoomUpdate = ExpressionBuilder<Tables, 'room'>

function advanceBy(eb: RoomUpdate, p: Move) {
  return {
    seq: eb('seq', '+', 1),
    clockMs: nextClock(p.nowMs),
    messageCount: eb('messageCount', '+', 1),
    updatedAt: p.now,
  }
}

/** A room as the rules see it. */
export function roomFromRow(row: RoomRow): Room {
  const { departmentId, queuedAt, lastMessageId, callStatus, topic, abandonsAt, autoTransferredAt } = row
  const fields = fromJson<Record<string, string>>(row.fields) ?? null
  const survey = fromJson<Record<string, string>>(row.survey) ?? null
  const transcriptRequest = fromJson<TranscriptWish>(row.transcriptRequest) ?? null
  return {
    id: row.id,
    visitor: {
      id: row.visitorId,
      username: row.visitorUsername,
      status: row.visitorStatus,
      ...withoutNulls({ name: row.visitorName, spokeAt: row.visitorSpokeAt, contactId: row.contactId }),
    },
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
