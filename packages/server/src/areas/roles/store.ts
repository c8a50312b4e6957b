import { fromJson, toJson } from '../../database/columns.ts'
import { touchVersion } from '../../database/versioned.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

/** The permissions whose roles an administrator changed. */
export async function listStoredPermissions(
  reader: Reader,
): Promise<{ id: string; roles: string[]; updatedAt: string }[]> {
  const rows = await reader.all(reader.sql.selectFrom('permission').selectAll())
  return rows.map((row) => ({ ...row, roles: fromJson<string[]>(row.roles) ?? [] }))
}

/** Stores the roles of permissions and makes every process read them anew. */
export async function savePermissions(
  tx: Transaction,
  changed: readonly { id: string; roles: string[] }[],
): Promise<void> {
  for (const { id, roles } of changed) {
    const stored = toJson(roles) ?? '[]'
    await tx.run(
      tx.sql
        .insertInto('permission')
        .values({ id, roles: stored, updatedAt: tx.now })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ roles: stored, updatedAt: tx.now })),
    )
  }
  await touchVersion(tx, 'permissions')
}
