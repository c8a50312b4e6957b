import type { Reader, Transaction } from '../../database/transaction.ts'

export type ConnectionStatus = 'online' | 'away'

/** Takes a user's row and answers what decides whether the person is there; `undefined` where there is no such user. */
export async function takeUser(
  tx: Transaction,
  id: string,
): Promise<{ presence: string; presenceChosen: string; connection: string; isActive: boolean } | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('user')
      .set((eb) => ({ connection: eb.ref('connection') }))
      .where('id', '=', id)
      .returning(['presence', 'presenceChosen', 'connection', 'isActive']),
  )
  return row && { ...row, isActive: row.isActive === 1 }
}

/** Says that a process is alive. */
export async function upsertProcess(tx: Transaction, id: string): Promise<void> {
  await tx.run(
    tx.sql
      .insertInto('process')
      .values({ id, seenAt: tx.now })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ seenAt: tx.now })),
  )
}

/** Says that a process is still alive; answers false where it is not known any more. */
export async function updateProcess(tx: Transaction, id: string): Promise<boolean> {
  return (await tx.run(tx.sql.updateTable('process').set({ seenAt: tx.now }).where('id', '=', id))) === 1
}

export async function upsertConnection(
  tx: Transaction,
  processId: string,
  userId: string,
  status: ConnectionStatus,
): Promise<void> {
  await tx.run(
    tx.sql
      .insertInto('connection')
      .values({ processId, userId, status })
      .onConflict((conflict) => conflict.columns(['processId', 'userId']).doUpdateSet({ status })),
  )
}

export async function deleteConnection(tx: Transaction, processId: string, userId: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('connection').where('processId', '=', processId).where('userId', '=', userId))
}

export async function listConnectionsOf(reader: Reader, userId: string): Promise<string[]> {
  const rows = await reader.all(reader.sql.selectFrom('connection').select('status').where('userId', '=', userId))
  return rows.map(({ status }) => status)
}

/** Processes that have not been heard of since a moment. */
export async function listSilent(reader: Reader, since: string): Promise<string[]> {
  const rows = await reader.all(reader.sql.selectFrom('process').select('id').where('seenAt', '<', since).limit(100))
  return rows.map(({ id }) => id)
}

/** Some of those who were connected to a process. */
export async function listConnectedTo(reader: Reader, processId: string, limit: number): Promise<string[]> {
  const rows = await reader.all(
    reader.sql.selectFrom('connection').select('userId').where('processId', '=', processId).limit(limit),
  )
  return rows.map(({ userId }) => userId)
}

/** Forgets a process, unless it has been heard of since. */
export async function deleteSilent(tx: Transaction, id: string, since: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('process').where('id', '=', id).where('seenAt', '<', since))
}
