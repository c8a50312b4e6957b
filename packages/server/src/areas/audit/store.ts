import type { Selectable } from 'kysely'
import type { AuditTable } from '../../database/schema.ts'
import type { Reader } from '../../database/transaction.ts'

/** Which entries to list. Absent keys filter nothing. */
export interface AuditFilter {
  actorId?: string | undefined
  action?: string | undefined
  subjectKind?: string | undefined
  subjectId?: string | undefined
  roomId?: string | undefined
  /** ISO times, both included. */
  from?: string | undefined
  to?: string | undefined
}

export interface AuditPage {
  offset: number
  limit: number
  order: readonly { column: 'at'; direction: 'asc' | 'desc' }[]
}

/** A row of the book; `original` is what a message said until then. */
export type AuditRow = Selectable<AuditTable> & { original: string | null }

/** A page of the book, and how many entries match. */
export async function listEntries(
  reader: Reader,
  filter: AuditFilter,
  page: AuditPage,
): Promise<{ rows: AuditRow[]; total: number }> {
  const matching = matches(reader, filter)
  const direction = page.order[0]?.direction ?? 'desc'
  // The id settles the order of entries of one moment, so that pages never overlap.
  const rows = await reader.all(
    matching
      .leftJoin('messageVersion', 'messageVersion.id', 'audit.id')
      .selectAll('audit')
      .select('messageVersion.text as original')
      .orderBy('audit.at', direction)
      .orderBy('audit.id', direction)
      .limit(page.limit)
      .offset(page.offset),
  )
  const counted = await reader.first(matching.select((eb) => eb.fn.countAll<number>().as('total')))
  return { rows, total: counted?.total ?? 0 }
}

const equals = ['actorId', 'action', 'subjectKind', 'subjectId', 'roomId'] as const

function matches(reader: Reader, filter: AuditFilter) {
  let query = reader.sql.selectFrom('audit')
  for (const column of equals) {
    const value = filter[column]
    if (value !== undefined) query = query.where(`audit.${column}`, '=', value)
  }
  if (filter.from !== undefined) query = query.where('audit.at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('audit.at', '<=', filter.to)
  return query
}
