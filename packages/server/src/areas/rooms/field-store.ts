import type { Reader } from '../../database/transaction.ts'

/** The names of the custom fields that an administrator defined for visitors or for rooms. */
export async function listFieldIds(reader: Reader, scope: 'visitor' | 'room'): Promise<Set<string>> {
  const rows = await reader.all(reader.sql.selectFrom('customField').select('id').where('scope', '=', scope))
  return new Set(rows.map(({ id }) => id))
}
