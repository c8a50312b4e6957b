import { fromJson, toJson } from '../../database/columns.ts'
import { touchVersion } from '../../database/versioned.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

/** A value that an administrator stored, and when. */
export interface StoredSetting {
  id: string
  value: unknown
  createdAt: string
  updatedAt: string
}

/** Every stored value. */
export async function listStoredSettings(reader: Reader): Promise<StoredSetting[]> {
  const rows = await reader.all(reader.sql.selectFrom('setting').selectAll())
  return rows.map((row) => ({ ...row, value: fromJson<unknown>(row.value) }))
}

/** Stores values and makes every process read them anew. */
export async function saveSettings(tx: Transaction, values: readonly { id: string; value: unknown }[]): Promise<void> {
  for (const { id, value } of values) {
    const stored = toJson(value) ?? 'null'
    await tx.run(
      tx.sql
        .insertInto('setting')
        .values({ id, value: stored, createdAt: tx.now, updatedAt: tx.now })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ value: stored, updatedAt: tx.now })),
    )
  }
  await touchVersion(tx, 'settings')
}
