import type { Insertable, Selectable } from 'kysely'
import { withoutNulls } from '../../database/columns.ts'
import type { UploadTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

/** A file that somebody sent, or has stored to send. */
export interface Upload {
  id: string
  roomId: string
  visitorId?: string
  userId?: string
  /** Absent until the file is sent. */
  messageId?: string
  name: string
  type: string
  extension: string
  etag: string
  size: number
  width?: number
  height?: number
  description?: string
  createdAt: string
}

const uploadById = statement((db, p: { id: string }) => db.selectFrom('upload').selectAll().where('id', '=', p.id))

export async function findUpload(reader: Reader, id: string): Promise<Upload | undefined> {
  const row = await uploadById.first(reader, { id })
  return row && uploadFromRow(row)
}

export async function insertUpload(tx: Transaction, row: Insertable<UploadTable>): Promise<void> {
  await tx.run(tx.sql.insertInto('upload').values(row))
}

/** Notes the message that carries a file; false where the file has one, or is gone. */
export async function claimUpload(
  tx: Transaction,
  id: string,
  sent: { messageId: string; description: string | undefined },
): Promise<boolean> {
  const claimed = await tx.run(
    tx.sql
      .updateTable('upload')
      .set({ messageId: sent.messageId, description: sent.description ?? null })
      .where('id', '=', id)
      .where('messageId', 'is', null),
  )
  return claimed === 1
}

/** Deletes the row of a file that no message carries; false where there is none. */
export async function deleteUnsent(tx: Transaction, id: string): Promise<boolean> {
  const deleted = await tx.run(tx.sql.deleteFrom('upload').where('id', '=', id).where('messageId', 'is', null))
  return deleted === 1
}

/** What a visitor sent since a moment. */
export interface Sent {
  files: number
  bytes: number
  /** When the first of them was sent. */
  firstAt: string | undefined
}

export async function sumSentSince(reader: Reader, visitorId: string, since: string): Promise<Sent> {
  const row = await reader.first(
    reader.sql
      .selectFrom('upload')
      .select(({ fn }) => [
        fn.countAll<number>().as('files'),
        fn.sum<string | null>('size').as('bytes'),
        fn.min('createdAt').as('firstAt'),
      ])
      .where('visitorId', '=', visitorId)
      .where('createdAt', '>', since),
  )
  // A sum is text on one database and a number on the other.
  return { files: row?.files ?? 0, bytes: Number(row?.bytes ?? 0), firstAt: row?.firstAt ?? undefined }
}

/** Which of these ids are files. */
export async function listKnownIds(reader: Reader, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await reader.all(
    reader.sql
      .selectFrom('upload')
      .select('id')
      .where('id', 'in', [...ids]),
  )
  return rows.map(({ id }) => id)
}

function uploadFromRow(row: Selectable<UploadTable>): Upload {
  const { id, roomId, name, type, extension, etag, size, createdAt } = row
  const { visitorId, userId, messageId, width, height, description } = row
  return {
    ...{ id, roomId, name, type, extension, etag, size, createdAt },
    ...withoutNulls({ visitorId, userId, messageId, width, height, description }),
  }
}
