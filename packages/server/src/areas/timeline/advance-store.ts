// A room moves on: its next number and its next time, taken with its row by whatever is written into it.
import { sql, type ExpressionBuilder } from 'kysely'
import type { Tables } from '../../database/schema.ts'
import { keptByColumns, pick, statement } from '../../database/statement.ts'
import { StartOver, type Transaction } from '../../database/transaction.ts'
import { countQuestion, countReply, nextClock } from './metrics-store.ts'
import type { RoomChange } from './room-store.ts'

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
  /** The months in which an agent answered the visitor, as JSON. */
  visitorActivity: string | null
}

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
  'visitorActivity',
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

const advanceOf = keptByColumns((columns) =>
  statement((db, p: RoomChange & { id: string; now: string; nowMs: number; by: number; apart: number }) =>
    db
      .updateTable('room')
      .set((eb) => ({
        ...pick(p, columns),
        seq: eb('seq', '+', p.by),
        clockMs: sql<number>`${nextClock(p.nowMs)} + ${p.apart}`,
        messageCount: eb('messageCount', '+', p.by),
        updatedAt: p.now,
      }))
      .where('id', '=', p.id)
      .returning(['seq', 'clockMs']),
  ),
)

/** Takes several numbers of a room, and a time for each, a millisecond apart; answers the last. Writes columns with it. */
export async function advanceRoomBy(
  tx: Transaction,
  id: string,
  by: number,
  change: RoomChange,
): Promise<{ seq: number; clockMs: number }> {
  const given = { ...change, id, now: tx.now, nowMs: tx.nowMs, by, apart: by - 1 }
  const row = await advanceOf(change).first(tx, given)
  if (row === undefined) throw new Error(`Room ${id} is not taken.`)
  return row
}
