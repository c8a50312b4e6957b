// The book of who changed what, for administrators; areas/ledger writes it.
import { fromJson } from '../../database/columns.ts'
import type { Reader } from '../../database/transaction.ts'
import { listEntries, type AuditFilter, type AuditPage, type AuditRow } from './store.ts'

export type { AuditFilter } from './store.ts'

type Fields = Record<string, unknown>

/** Who changed what, and when. */
export interface AuditEntry {
  id: string
  at: string
  actor: { id: string; username: string }
  action: string
  subject: { kind: string; id: string }
  roomId?: string
  /** A message has its `text` here, as long as its room is kept. */
  before?: Fields
  after?: Fields
}

/** A page of the book, and how many entries match. */
export async function listAudit(
  reader: Reader,
  filter: AuditFilter,
  page: AuditPage,
): Promise<{ entries: AuditEntry[]; total: number }> {
  const { rows, total } = await listEntries(reader, filter, page)
  return { entries: rows.map(entryOf), total }
}

function entryOf(row: AuditRow): AuditEntry {
  const before = beforeOf(row)
  const after = fromJson<Fields>(row.after)
  return {
    id: row.id,
    at: row.at,
    actor: { id: row.actorId, username: row.actorUsername },
    action: row.action,
    subject: { kind: row.subjectKind, id: row.subjectId },
    ...(row.roomId !== null && { roomId: row.roomId }),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  }
}

function beforeOf({ before, original }: AuditRow): Fields | undefined {
  const fields = fromJson<Fields>(before)
  return original === null ? fields : { ...fields, text: original }
}
