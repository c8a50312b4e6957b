import type { Transaction } from '../../database/transaction.ts'

/** Open rooms of a department that is gone belong to none. Answers their ids. */
export async function forgetDepartment(tx: Transaction, departmentId: string): Promise<string[]> {
  const rows = await tx.all(
    tx.sql
      .updateTable('room')
      .set({ departmentId: null, updatedAt: tx.now })
      .where('departmentId', '=', departmentId)
      .where('closedAt', 'is', null)
      .returning('id'),
  )
  return rows.map(({ id }) => id)
}

/** The same for up to `most` of its closed rooms. Answers how many. */
export function forgetDepartmentOfClosed(tx: Transaction, departmentId: string, most: number): Promise<number> {
  const some = tx.sql
    .selectFrom('room')
    .select('id')
    .where('departmentId', '=', departmentId)
    .where('closedAt', 'is not', null)
    .limit(most)
  return tx.run(tx.sql.updateTable('room').set({ departmentId: null, updatedAt: tx.now }).where('id', 'in', some))
}
