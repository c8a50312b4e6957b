import type { Transaction } from '../../database/transaction.ts'

/** Notes what a visitor wrote of where to reach them, where nothing was known; answers false where it was. */
export async function noteFound(
  tx: Transaction,
  visitorId: string,
  kind: 'email' | 'phone',
  value: string,
): Promise<boolean> {
  const column = kind === 'email' ? 'foundEmail' : 'foundPhone'
  const updated = await tx.run(
    tx.sql
      .updateTable('visitor')
      .set({ [column]: value, updatedAt: tx.now })
      .where('id', '=', visitorId)
      .where('disabledAt', 'is', null)
      .where(kind, 'is', null)
      .where(column, 'is', null),
  )
  return updated === 1
}
