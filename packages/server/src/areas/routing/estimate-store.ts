import type { Reader } from '../../database/transaction.ts'

/** How long the chats of a department, or of none, lasted that were opened last and have ended: milliseconds. */
export async function listDurations(
  reader: Reader,
  departmentId: string | undefined,
  limit: number,
): Promise<number[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('room')
      .select(['openedAt', 'closedAt'])
      .where('departmentId', departmentId === undefined ? 'is' : '=', departmentId ?? null)
      .where('closedAt', 'is not', null)
      .orderBy('openedAt', 'desc')
      .limit(limit),
  )
  return rows.map(({ openedAt, closedAt }) => Date.parse(closedAt ?? openedAt) - Date.parse(openedAt))
}
