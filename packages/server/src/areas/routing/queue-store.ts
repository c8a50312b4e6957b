import type { Selectable } from 'kysely'
import type { InquiryTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

/** A room in the queue; it lives as long as the room is open. */
export interface Inquiry {
  id: string
  roomId: string
  status: 'queued' | 'taken'
  departmentId?: string
  /** Its place in the queue, ISO time. */
  waitingSince: string
  queuedAt?: string
  takenAt?: string
  /** The agent the chat waits for, if one was preferred. */
  defaultAgent?: { id: string; username: string }
  updatedAt: string
}

const byRoom = statement((sql, p: { roomId: string }) =>
  sql.selectFrom('inquiry').selectAll().where('roomId', '=', p.roomId),
)
const byId = statement((sql, p: { id: string }) => sql.selectFrom('inquiry').selectAll().where('id', '=', p.id))
const oldest = statement((sql, p: { limit: number }) =>
  sql
    .selectFrom('inquiry')
    .selectAll()
    .where('status', '=', 'queued')
    .orderBy('waitingSince')
    .orderBy('id')
    .limit(p.limit),
)

export async function findInquiryOf(reader: Reader, roomId: string): Promise<Inquiry | undefined> {
  const row = await byRoom.first(reader, { roomId })
  return row && fromRow(row)
}

export async function findInquiry(reader: Reader, id: string): Promise<Inquiry | undefined> {
  const row = await byId.first(reader, { id })
  return row && fromRow(row)
}

/** The chats that wait longest, oldest first. */
export async function listOldestWaiting(reader: Reader, limit: number): Promise<Inquiry[]> {
  return (await oldest.all(reader, { limit })).map(fromRow)
}

export interface QueuePage {
  offset: number
  limit: number
  order: readonly { column: 'waitingSince' | 'status' | 'departmentId'; direction: 'asc' | 'desc' }[]
}

/** The queue, a page at a time. */
export async function listQueued(reader: Reader, page: QueuePage): Promise<{ inquiries: Inquiry[]; total: number }> {
  const waiting = reader.sql.selectFrom('inquiry').where('status', '=', 'queued')
  let sorted = waiting.selectAll()
  for (const { column, direction } of page.order) sorted = sorted.orderBy(column, direction)
  const rows = await reader.all(sorted.orderBy('id').limit(page.limit).offset(page.offset))
  const counted = await reader.first(waiting.select((eb) => eb.fn.countAll<number>().as('total')))
  return { inquiries: rows.map(fromRow), total: counted?.total ?? 0 }
}

/** How many chats wait before this moment, in the same department. */
export async function countWaitingBefore(reader: Reader, inquiry: Inquiry): Promise<number> {
  const row = await reader.first(
    reader.sql
      .selectFrom('inquiry')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('status', '=', 'queued')
      .where((eb) =>
        eb.or([
          eb('waitingSince', '<', inquiry.waitingSince),
          eb.and([eb('waitingSince', '=', inquiry.waitingSince), eb('id', '<', inquiry.id)]),
        ]),
      )
      .where('departmentId', 'is not distinct from', inquiry.departmentId ?? null),
  )
  return row?.count ?? 0
}

/** Puts a room into the queue. */
export async function insertInquiry(tx: Transaction, inquiry: Inquiry): Promise<void> {
  await tx.run(
    tx.sql.insertInto('inquiry').values({
      id: inquiry.id,
      roomId: inquiry.roomId,
      status: inquiry.status,
      departmentId: inquiry.departmentId ?? null,
      waitingSince: inquiry.waitingSince,
      queuedAt: inquiry.queuedAt ?? null,
      takenAt: inquiry.takenAt ?? null,
      defaultAgentId: inquiry.defaultAgent?.id ?? null,
      defaultAgentUsername: inquiry.defaultAgent?.username ?? null,
      updatedAt: tx.now,
    }),
  )
}

/** Takes an inquiry out of the queue; answers false where somebody else was faster. */
export async function takeIfQueued(tx: Transaction, id: string): Promise<boolean> {
  const taken = await tx.run(
    tx.sql
      .updateTable('inquiry')
      .set({
        status: 'taken',
        takenAt: tx.now,
        queuedAt: null,
        defaultAgentId: null,
        defaultAgentUsername: null,
        updatedAt: tx.now,
      })
      .where('id', '=', id)
      .where('status', '=', 'queued'),
  )
  return taken === 1
}

/** A closed room waits no more. */
export async function deleteInquiryOf(tx: Transaction, roomId: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('inquiry').where('roomId', '=', roomId))
}

/** Adds an agent to a room; answers false where the agent is in it already. */
export async function insertSubscription(tx: Transaction, roomId: string, userId: string): Promise<boolean> {
  const inserted = await tx.run(
    tx.sql
      .insertInto('subscription')
      .values({ id: tx.newId(), roomId, userId, joinedAt: tx.now, updatedAt: tx.now })
      .onConflict((conflict) => conflict.columns(['roomId', 'userId']).doNothing()),
  )
  return inserted === 1
}

const subscriptionOf = statement((sql, p: { roomId: string; userId: string }) =>
  sql.selectFrom('subscription').select('id').where('roomId', '=', p.roomId).where('userId', '=', p.userId),
)

/** Whether an agent is in a room. */
export async function isSubscribed(reader: Reader, roomId: string, userId: string): Promise<boolean> {
  return (await subscriptionOf.first(reader, { roomId, userId })) !== undefined
}

/** Everybody leaves a room. */
export async function deleteSubscriptionsOf(tx: Transaction, roomId: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('subscription').where('roomId', '=', roomId))
}

function fromRow(row: Selectable<InquiryTable>): Inquiry {
  return {
    id: row.id,
    roomId: row.roomId,
    status: row.status === 'taken' ? 'taken' : 'queued',
    ...(row.departmentId !== null && { departmentId: row.departmentId }),
    waitingSince: row.waitingSince,
    ...(row.queuedAt !== null && { queuedAt: row.queuedAt }),
    ...(row.takenAt !== null && { takenAt: row.takenAt }),
    ...(row.defaultAgentId !== null && {
      defaultAgent: { id: row.defaultAgentId, username: row.defaultAgentUsername ?? '' },
    }),
    updatedAt: row.updatedAt,
  }
}
