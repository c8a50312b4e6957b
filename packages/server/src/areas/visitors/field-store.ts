import { toJson } from '../../database/columns.ts'
import type { Transaction } from '../../database/transaction.ts'
import { foldName } from '../timeline/timeline.ts'

/** Makes the custom fields of a visitor exactly these, also where agents search in them. */
export async function writeFields(
  tx: Transaction,
  visitorId: string,
  fields: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('visitor')
      .set({ fields: toJson(fields), updatedAt: tx.now })
      .where('id', '=', visitorId),
  )
  await tx.run(tx.sql.deleteFrom('visitorField').where('visitorId', '=', visitorId))
  const rows = Object.entries(fields ?? {}).map(([key, value]) => ({ visitorId, key, folded: foldName(value) }))
  if (rows.length > 0) await tx.run(tx.sql.insertInto('visitorField').values(rows))
}
