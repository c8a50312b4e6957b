import type { ExpressionBuilder } from 'kysely'
import type { RoomTable, Tables } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

/** Whom a room names. */
export type RoomNames = Pick<
  RoomTable,
  | 'id'
  | 'closedAt'
  | 'servedById'
  | 'servedByUsername'
  | 'closedById'
  | 'closedByUsername'
  | 'respondedById'
  | 'respondedByUsername'
>

const byId = statement((db, p: { afterId: string; limit: number }) =>
  db
    .selectFrom('room')
    .select([
      'id',
      'closedAt',
      'servedById',
      'servedByUsername',
      'closedById',
      'closedByUsername',
      'respondedById',
      'respondedByUsername',
    ])
    .where('id', '>', p.afterId)
    .orderBy('id')
    .limit(p.limit),
)

/** Rooms in the order of their ids, after one of them. */
export function listRoomNames(reader: Reader, afterId: string, limit: number): Promise<RoomNames[]> {
  return byId.all(reader, { afterId, limit })
}

/** Writes a name wherever a room has this id beside it. Looks at the ids again: they may have changed. */
export async function renameInRoom(tx: Transaction, roomId: string, user: { id: string; username: string }) {
  const nameBeside = (eb: ExpressionBuilder<Tables, 'room'>, by: 'servedBy' | 'closedBy' | 'respondedBy') =>
    eb
      .case()
      .when(`${by}Id`, '=', user.id)
      .then(user.username)
      .else(eb.ref(`${by}Username`))
      .end()
  await tx.run(
    tx.sql
      .updateTable('room')
      .set((eb) => ({
        servedByUsername: nameBeside(eb, 'servedBy'),
        closedByUsername: nameBeside(eb, 'closedBy'),
        respondedByUsername: nameBeside(eb, 'respondedBy'),
        updatedAt: tx.now,
      }))
      .where('id', '=', roomId),
  )
}

/** Writes a name wherever a visitor has this agent as manager; some at a time, answers how many. */
export async function renameInVisitors(
  tx: Transaction,
  { id, username }: { id: string; username: string },
  most: number,
): Promise<number> {
  const stale = await tx.all(
    tx.sql
      .selectFrom('visitor')
      .select('id')
      .where('managerId', '=', id)
      .where('managerUsername', '!=', username)
      .orderBy('id')
      .limit(most),
  )
  for (const visitor of stale)
    await tx.run(
      tx.sql
        .updateTable('visitor')
        .set({ managerUsername: username, updatedAt: tx.now })
        .where('id', '=', visitor.id)
        .where('managerId', '=', id),
    )
  return stale.length
}

/** Writes a name wherever a room that waits asks for this agent. */
export async function renameInInquiries(tx: Transaction, { id, username }: { id: string; username: string }) {
  await tx.run(
    tx.sql
      .updateTable('inquiry')
      .set({ defaultAgentUsername: username })
      .where('defaultAgentId', '=', id)
      .where('defaultAgentUsername', '!=', username),
  )
}
