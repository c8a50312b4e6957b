import { statement } from '../../database/statement.ts'
import type { Transaction } from '../../database/transaction.ts'

const forget = statement((sql, p: { id: string; departmentId: string; now: string }) =>
  sql
    .updateTable('room')
    .set({ departmentId: null, updatedAt: p.now })
    .where('id', '=', p.id)
    .where('departmentId', '=', p.departmentId)
    .returning(['id', 'closedAt']),
)

/** Open rooms of a department that is gone belong to none. Answers their ids. */
export async function forgetDepartment(tx: Transaction, departmentId: string): Promise<string[]> {
  const rooms = await tx.all(
    tx.sql
      .selectFrom('room')
      .select('id')
      .where('departmentId', '=', departmentId)
      .where('closedAt', 'is', null)
      .orderBy('id'),
  )
  const forgotten = await forgetEach(tx, departmentId, rooms)
  return forgotten.flatMap(({ id, closedAt }) => (closedAt === null ? [id] : []))
}

/** The same for up to `most` of its closed rooms. Answers how many. */
export async function forgetDepartmentOfClosed(tx: Transaction, departmentId: string, most: number): Promise<number> {
  const rooms = await tx.all(
    tx.sql
      .selectFrom('room')
      .select('id')
      .where('departmentId', '=', departmentId)
      .where('closedAt', 'is not', null)
      .limit(most),
  )
  return (await forgetEach(tx, departmentId, rooms.sort(byId))).length
}

/** One after the other: a single statement takes the rows in whatever order it finds them. */
async function forgetEach(tx: Transaction, departmentId: string, rooms: readonly { id: string }[]) {
  const forgotten: { id: string; closedAt: string | null }[] = []
  for (const { id } of rooms) {
    const row = await forget.first(tx, { id, departmentId, now: tx.now })
    if (row !== undefined) forgotten.push(row)
  }
  return forgotten
}

function byId(left: { id: string }, right: { id: string }): number {
  return left.id < right.id ? -1 : 1
}
