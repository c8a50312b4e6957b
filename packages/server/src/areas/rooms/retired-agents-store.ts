import type { Reader, Transaction } from '../../database/transaction.ts'

/** The rooms that wait for this agent. */
export async function listWaitingFor(reader: Reader, agentId: string): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('inquiry')
      .select('roomId')
      .where('status', '=', 'queued')
      .where('defaultAgentId', '=', agentId),
  )
  return rows.map(({ roomId }) => roomId)
}

/** Lets the inquiry of a room that this transaction has taken wait for anybody; false where it did not wait for this agent. */
export async function forgetWaitedFor(tx: Transaction, roomId: string, agentId: string): Promise<boolean> {
  const changed = await tx.run(
    tx.sql
      .updateTable('inquiry')
      .set({ defaultAgentId: null, defaultAgentUsername: null, updatedAt: tx.now })
      .where('roomId', '=', roomId)
      .where('defaultAgentId', '=', agentId),
  )
  return changed === 1
}

/**
 * Takes this manager from visitors, some at a time, in the order of their ids (docs/decisions/0009-lock-order.md). Answers
 * how many had this one.
 */
export async function forgetManager(tx: Transaction, userId: string, most: number): Promise<number> {
  const managed = await tx.all(
    tx.sql.selectFrom('visitor').select('id').where('managerId', '=', userId).orderBy('id').limit(most),
  )
  for (const { id } of managed)
    await tx.run(
      tx.sql
        .updateTable('visitor')
        .set({ managerId: null, managerUsername: null, updatedAt: tx.now })
        .where('id', '=', id)
        .where('managerId', '=', userId),
    )
  return managed.length
}
