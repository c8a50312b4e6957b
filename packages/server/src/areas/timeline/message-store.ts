import { sql, type Expression, type ExpressionBuilder, type Insertable, type Selectable, type SqlBool } from 'kysely'
import { fromJson, toJson } from '../../database/columns.ts'
import { likeAnywhere } from '../../database/like.ts'
import type { MessageTable, Tables } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { foldName, foldedOf } from './room-store.ts'

/** Something said in a room, or a line of the system. */
export interface Message {
  id: string
  roomId: string
  /** The number of its latest change among the changes of its room. */
  seq: number
  sentAt: string
  text: string
  /** The wire's `t`; absent for what people wrote. */
  type?: string
  author: Author
  /** The parsed text where it is more than one plain paragraph. */
  tree?: unknown[]
  /** Further wire fields of system lines and attachments. */
  extra?: Record<string, unknown>
  edited?: { at: string; by: { id: string; username: string } }
  deletedAt?: string
  updatedAt: string
}

export interface Author {
  kind: 'visitor' | 'user' | 'system'
  id: string
  username: string
  name?: string
}

const messageById = statement((db, p: { id: string }) => db.selectFrom('message').selectAll().where('id', '=', p.id))

const insertKept = statement((db, p: Insertable<MessageTable>) =>
  db
    .insertInto('message')
    .values({
      id: p.id,
      roomId: p.roomId,
      seq: p.seq,
      sentAt: p.sentAt,
      text: p.text,
      textFolded: p.textFolded,
      type: p.type,
      authorKind: p.authorKind,
      authorId: p.authorId,
      authorUsername: p.authorUsername,
      authorName: p.authorName,
      tree: p.tree,
      extra: p.extra,
      editedAt: null,
      editedById: null,
      editedByUsername: null,
      deletedAt: null,
      updatedAt: p.updatedAt,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id'),
)

const historyOf = statement((db, p: { roomId: string; before: string; limit: number; offset: number }) =>
  db
    .selectFrom('message')
    .selectAll()
    .where('roomId', '=', p.roomId)
    .where('sentAt', '<', p.before)
    .where('deletedAt', 'is', null)
    .orderBy('sentAt', 'desc')
    .limit(p.limit)
    .offset(p.offset),
)

const changesAfter = statement((db, p: { roomId: string; after: number; limit: number }) =>
  db
    .selectFrom('message')
    .selectAll()
    .where('roomId', '=', p.roomId)
    .where('seq', '>', p.after)
    .orderBy('seq')
    .limit(p.limit),
)

const latestChanges = statement((db, p: { roomId: string; since: string; among: number }) =>
  db
    .selectFrom(
      db
        .selectFrom('message')
        .selectAll()
        .where('roomId', '=', p.roomId)
        .orderBy('seq', 'desc')
        .limit(p.among)
        .as('latest'),
    )
    .selectAll()
    .where('updatedAt', '>', p.since)
    .orderBy('seq'),
)

/** Inserts a message; answers false where the id is in use. */
export async function insertMessage(tx: Transaction, message: Message): Promise<boolean> {
  return (await insertKept.first(tx, messageToRow(message))) !== undefined
}

/** Writes what a change made of a message. */
export async function updateMessage(tx: Transaction, message: Message): Promise<void> {
  const row = messageToRow(message)
  await tx.run(tx.sql.updateTable('message').set(row).where('id', '=', row.id))
}

/** Keeps what a message said before it is changed. */
export async function insertVersion(
  tx: Transaction,
  message: Message,
  replaced: { id: string; byId: string; reason: 'edited' | 'deleted' },
): Promise<void> {
  await tx.run(
    tx.sql.insertInto('messageVersion').values({
      id: replaced.id,
      messageId: message.id,
      roomId: message.roomId,
      text: message.text,
      replacedAt: tx.now,
      replacedById: replaced.byId,
      reason: replaced.reason,
    }),
  )
}

export async function findMessage(reader: Reader, id: string): Promise<Message | undefined> {
  const row = await messageById.first(reader, { id })
  return row && messageFromRow(row)
}

/** The messages with these ids, in no order. */
export async function findMessages(reader: Reader, ids: readonly string[]): Promise<Message[]> {
  if (ids.length === 0) return []
  return (
    await reader.all(
      reader.sql
        .selectFrom('message')
        .selectAll()
        .where('id', 'in', [...ids]),
    )
  ).map(messageFromRow)
}

/** The latest shown message of a room, not counting one: what the room's last message becomes when that one goes. */
export async function findLatestShown(reader: Reader, roomId: string, exceptId: string): Promise<Message | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('message')
      .selectAll()
      .where('roomId', '=', roomId)
      .where('id', '!=', exceptId)
      .where('deletedAt', 'is', null)
      .where((eb) => eb.or([eb('type', 'is', null), eb('type', 'in', SHOWN_TYPES)]))
      .orderBy('sentAt', 'desc')
      .limit(1),
  )
  return row && messageFromRow(row)
}

/** System lines that count as a room's last message (contract §B.4). */
export const SHOWN_TYPES = ['livechat-started', 'livechat_transfer_history', 'livechat-close']

export interface HistoryPage {
  roomId: string
  /** ISO time; messages sent before it. */
  before: string
  limit: number
  offset: number
  /** System types that nobody is shown. */
  hiddenTypes: readonly string[]
}

/** Messages of a room, newest first, without deleted ones. */
export async function listHistory(reader: Reader, page: HistoryPage): Promise<Message[]> {
  const { hiddenTypes, ...parameters } = page
  if (hiddenTypes.length === 0) return (await historyOf.all(reader, parameters)).map(messageFromRow)
  const rows = await reader.all(
    reader.sql
      .selectFrom('message')
      .selectAll()
      .where('roomId', '=', page.roomId)
      .where('sentAt', '<', page.before)
      .where('deletedAt', 'is', null)
      .where((eb) => isOfOtherType(eb, hiddenTypes))
      .orderBy('sentAt', 'desc')
      .limit(page.limit)
      .offset(page.offset),
  )
  return rows.map(messageFromRow)
}

/** Messages whose latest change is later than `after`, in the order of these changes, deleted ones included. */
export async function listChanges(reader: Reader, roomId: string, after: number, limit: number): Promise<Message[]> {
  return (await changesAfter.all(reader, { roomId, after, limit })).map(messageFromRow)
}

/** Which of the latest changes of a room were made after a moment, deletions included; looks at so many. */
export async function listChangesSince(
  reader: Reader,
  roomId: string,
  since: string,
  among: number,
): Promise<Message[]> {
  return (await latestChanges.all(reader, { roomId, since, among })).map(messageFromRow)
}

/** How many messages were sent between two moments, both excluded; those not counted that nobody is shown. */
export async function countBetween(
  reader: Reader,
  span: { roomId: string; after: string; before: string; hiddenTypes: readonly string[] },
): Promise<number> {
  const row = await reader.first(
    reader.sql
      .selectFrom('message')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('roomId', '=', span.roomId)
      .where('sentAt', '>', span.after)
      .where('sentAt', '<', span.before)
      .where('deletedAt', 'is', null)
      .where((eb) => isOfOtherType(eb, span.hiddenTypes)),
  )
  return row?.count ?? 0
}

/** The first message sent after a moment that readers are shown. */
export async function findFirstAfter(
  reader: Reader,
  from: { roomId: string; after: string; hiddenTypes: readonly string[] },
): Promise<Message | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('message')
      .selectAll()
      .where('roomId', '=', from.roomId)
      .where('sentAt', '>', from.after)
      .where('deletedAt', 'is', null)
      .where((eb) => isOfOtherType(eb, from.hiddenTypes))
      .orderBy('sentAt')
      .limit(1),
  )
  return row && messageFromRow(row)
}

/** What people wrote is of no type. */
function isOfOtherType(eb: ExpressionBuilder<Tables, 'message'>, types: readonly string[]): Expression<SqlBool> {
  return types.length === 0 ? eb.lit(true) : eb.or([eb('type', 'is', null), eb('type', 'not in', [...types])])
}

export interface SaidPage {
  roomId: string
  offset: number
  limit: number
  order: 'asc' | 'desc'
  /** ISO times; only what was sent before the one and after the other. */
  before?: string | undefined
  after?: string | undefined
  /** Part of the text, any case. */
  containing?: string | undefined
}

/** What people said in a room, and how it ended: what agents read. */
export async function listSaid(reader: Reader, page: SaidPage): Promise<{ messages: Message[]; total: number }> {
  let query = reader.sql
    .selectFrom('message')
    .where('roomId', '=', page.roomId)
    .where('deletedAt', 'is', null)
    .where((eb) => eb.or([eb('type', 'is', null), eb('type', '=', 'livechat-close')]))
  const { containing, before, after } = page
  if (before !== undefined) query = query.where('sentAt', '<', before)
  if (after !== undefined) query = query.where('sentAt', '>', after)
  if (containing !== undefined && containing !== '')
    // Messages of before there was a folded text are found as they are written.
    query = query.where(
      sql<boolean>`(coalesce(${sql.ref('textFolded')}, lower(${sql.ref('text')})) like ${likeAnywhere(foldName(containing))} escape '\\'
        or ${sql.ref('text')} like ${likeAnywhere(containing)} escape '\\')`,
    )
  const rows = await reader.all(query.selectAll().orderBy('sentAt', page.order).limit(page.limit).offset(page.offset))
  const counted = await reader.first(query.select((eb) => eb.fn.countAll<number>().as('total')))
  return { messages: rows.map(messageFromRow), total: counted?.total ?? 0 }
}

function messageToRow(message: Message): Selectable<MessageTable> {
  return {
    id: message.id,
    roomId: message.roomId,
    seq: message.seq,
    sentAt: message.sentAt,
    text: message.text,
    textFolded: foldedOf(message.text),
    type: message.type ?? null,
    authorKind: message.author.kind,
    authorId: message.author.id,
    authorUsername: message.author.username,
    authorName: message.author.name ?? null,
    tree: toJson(message.tree),
    extra: toJson(message.extra),
    editedAt: message.edited?.at ?? null,
    editedById: message.edited?.by.id ?? null,
    editedByUsername: message.edited?.by.username ?? null,
    deletedAt: message.deletedAt ?? null,
    updatedAt: message.updatedAt,
  }
}

function messageFromRow(row: Selectable<MessageTable>): Message {
  const { authorName, editedAt, deletedAt } = row
  const tree = fromJson<unknown[]>(row.tree)
  const extra = fromJson<Record<string, unknown>>(row.extra)
  return {
    id: row.id,
    roomId: row.roomId,
    seq: row.seq,
    sentAt: row.sentAt,
    text: row.text,
    ...(row.type !== null && { type: row.type }),
    author: {
      kind: row.authorKind,
      id: row.authorId,
      username: row.authorUsername,
      ...(authorName !== null && { name: authorName }),
    },
    ...(tree !== undefined && { tree }),
    ...(extra !== undefined && { extra }),
    ...(editedAt !== null && {
      edited: { at: editedAt, by: { id: row.editedById ?? '', username: row.editedByUsername ?? '' } },
    }),
    ...(deletedAt !== null && { deletedAt }),
    updatedAt: row.updatedAt,
  }
}
