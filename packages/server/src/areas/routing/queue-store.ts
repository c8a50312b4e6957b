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
  /** The agent who put it back, or was taken from it: gets it again only when nobody else can take it. */
  returnedById?: string
  updatedAt: string
}

const byRoom = statement((sql, p: { roomId: string }) =>
  sql.selectFrom('inquiry').selectAll().where('roomId', '=', p.roomId),
)
const byId = statement((sql, p: { id: string }) => sql.selectFrom('inquiry').selectAll().where('id', '=', p.id))
const firstOfAll = statement((sql) =>
  sql
    .selectFrom('inquiry')
    .selectAll()
    .where('status', '=', 'queued')
    .where('departmentId', 'is', null)
    .orderBy('waitingSince')
    .orderBy('id')
    .limit(1),
)
const firstOf = statement((sql, p: { departmentId: string }) =>
  sql
    .selectFrom('inquiry')
    .selectAll()
    .where('status', '=', 'queued')
    .where('departmentId', '=', p.departmentId)
    .orderBy('waitingSince')
    .orderBy('id')
    .limit(1),
)
const queues = statement((sql) =>
  sql
    .selectFrom('inquiry')
    .select((eb) => ['departmentId', eb.fn.min('waitingSince').as('since')])
    .where('status', '=', 'queued')
    .groupBy('departmentId')
    .orderBy('since'),
)

export async function findInquiryOf(reader: Reader, roomId: string): Promise<Inquiry | undefined> {
  const row = await byRoom.first(reader, { roomId })
  return row && fromRow(row)
}

export async function findInquiry(reader: Reader, id: string): Promise<Inquiry | undefined> {
  const row = await byId.first(reader, { id })
  return row && fromRow(row)
}

/** The chat that waits longest in the queue of a department, or in that of no department. */
export async function findFirstWaiting(reader: Reader, departmentId: string | undefined): Promise<Inquiry | undefined> {
  const row =
    departmentId === undefined ? await firstOfAll.first(reader, {}) : await firstOf.first(reader, { departmentId })
  return row && fromRow(row)
}

/** The departments in whose queues chats wait, longest waiting first; `undefined` stands for no department. */
export async function listQueues(reader: Reader): Promise<(string | undefined)[]> {
  return (await queues.all(reader, {})).map(({ departmentId }) => departmentId ?? undefined)
}

export interface QueuePage {
  offset: number
  limit: number
  order: readonly { column: 'waitingSince' | 'status' | 'departmentId'; direction: 'asc' | 'desc' }[]
}

/** Which chats of the queue to list. Absent keys filter nothing. */
export interface QueueFilter {
  departmentId?: string | undefined
  /** What this agent may take: chats of these departments and of none, and those that wait for the agent. */
  forAgent?: { id: string; departmentIds: readonly string[] } | undefined
}

/** The queue, a page at a time. */
export async function listQueued(
  reader: Reader,
  { departmentId, forAgent }: QueueFilter,
  page: QueuePage,
): Promise<{ inquiries: Inquiry[]; total: number }> {
  let waiting = reader.sql.selectFrom('inquiry').where('status', '=', 'queued')
  if (departmentId !== undefined) waiting = waiting.where('departmentId', '=', departmentId)
  if (forAgent !== undefined)
    waiting = waiting.where((eb) =>
      eb.or([
        eb('departmentId', 'is', null),
        eb('defaultAgentId', '=', forAgent.id),
        ...(forAgent.departmentIds.length > 0 ? [eb('departmentId', 'in', [...forAgent.departmentIds])] : []),
      ]),
    )
  let sorted = waiting.selectAll()
  for (const { column, direction } of page.order) sorted = sorted.orderBy(column, direction)
  const rows = await reader.all(sorted.orderBy('id').limit(page.limit).offset(page.offset))
  const counted = await reader.first(waiting.select((eb) => eb.fn.countAll<number>().as('total')))
  return { inquiries: rows.map(fromRow), total: counted?.total ?? 0 }
}

/** How many chats wait before this one, in the same department. */
export async function countWaitingBefore(reader: Reader, inquiry: Inquiry): Promise<number> {
  const { departmentId } = inquiry
  const row = await reader.first(
    reader.sql
      .selectFrom('inquiry')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('status', '=', 'queued')
      .where('departmentId', departmentId === undefined ? 'is' : '=', departmentId ?? null)
      .where((eb) =>
        eb.or([
          eb('waitingSince', '<', inquiry.waitingSince),
          eb.and([eb('waitingSince', '=', inquiry.waitingSince), eb('id', '<', inquiry.id)]),
        ]),
      ),
  )
  return row?.count ?? 0
}

type NewInquiry = Omit<Selectable<InquiryTable>, 'status' | 'returnedById'>

const insertKept = statement((sql, p: NewInquiry & { status: string }) =>
  sql
    .insertInto('inquiry')
    .values({
      id: p.id,
      roomId: p.roomId,
      status: p.status,
      departmentId: p.departmentId,
      waitingSince: p.waitingSince,
      queuedAt: p.queuedAt,
      takenAt: p.takenAt,
      defaultAgentId: p.defaultAgentId,
      defaultAgentUsername: p.defaultAgentUsername,
      updatedAt: p.updatedAt,
    })
    .returning('id'),
)

/** Puts a room into the queue. */
export async function insertInquiry(tx: Transaction, inquiry: Inquiry): Promise<void> {
  await insertKept.first(tx, {
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
  })
}

const takeKept = statement((sql, p: { id: string; now: string }) =>
  sql
    .updateTable('inquiry')
    .set({
      status: 'taken',
      takenAt: p.now,
      queuedAt: null,
      defaultAgentId: null,
      defaultAgentUsername: null,
      returnedById: null,
      updatedAt: p.now,
    })
    .where('id', '=', p.id)
    .where('status', '=', 'queued')
    .returning('id'),
)

/** Takes an inquiry out of the queue; answers false where somebody else was faster. */
export async function takeIfQueued(tx: Transaction, id: string): Promise<boolean> {
  return (await takeKept.first(tx, { id, now: tx.now })) !== undefined
}

/** Hands the inquiry of a room that this transaction has taken to another agent, whoever had it; it may move to another department. Answers its id. */
export async function retake(
  tx: Transaction,
  roomId: string,
  departmentId: string | undefined,
): Promise<string | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('inquiry')
      .set({
        status: 'taken',
        departmentId: departmentId ?? null,
        takenAt: tx.now,
        queuedAt: null,
        defaultAgentId: null,
        defaultAgentUsername: null,
        returnedById: null,
        updatedAt: tx.now,
      })
      .where('roomId', '=', roomId)
      .returning('id'),
  )
  return row?.id
}

/**
 * Puts the inquiry of a room that this transaction has taken back into the queue of a department. It keeps its place:
 * the visitor has waited since then. Answers its id.
 */
export async function requeue(
  tx: Transaction,
  roomId: string,
  { departmentId, returnedById }: { departmentId: string | undefined; returnedById: string | undefined },
): Promise<string | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('inquiry')
      .set({
        status: 'queued',
        departmentId: departmentId ?? null,
        queuedAt: tx.now,
        takenAt: null,
        defaultAgentId: null,
        defaultAgentUsername: null,
        returnedById: returnedById ?? null,
        updatedAt: tx.now,
      })
      .where('roomId', '=', roomId)
      .returning('id'),
  )
  return row?.id
}

/** A closed room waits no more. Answers what is gone, where there was something. */
export async function deleteInquiryOf(
  tx: Transaction,
  roomId: string,
): Promise<{ id: string; departmentId: string | null } | undefined> {
  return tx.first(tx.sql.deleteFrom('inquiry').where('roomId', '=', roomId).returning(['id', 'departmentId']))
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
    ...(row.returnedById !== null && { returnedById: row.returnedById }),
    updatedAt: row.updatedAt,
  }
}
