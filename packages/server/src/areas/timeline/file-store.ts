import type { Transaction } from '../../database/transaction.ts'

/** So many files are removed by one job. */
const REMOVED_AT_ONCE = 200

/** Forgets the files of a room, or of one of its messages; their bytes go with the jobs that follow. */
export async function deleteFilesOf(tx: Transaction, owner: { roomId: string; messageId?: string }): Promise<void> {
  const ofRoom = tx.sql.deleteFrom('upload').where('roomId', '=', owner.roomId)
  const theirs = owner.messageId === undefined ? ofRoom : ofRoom.where('messageId', '=', owner.messageId)
  const ids = (await tx.all(theirs.returning('id'))).map(({ id }) => id)
  for (let from = 0; from < ids.length; from += REMOVED_AT_ONCE)
    tx.emit('files.removed', { fileIds: ids.slice(from, from + REMOVED_AT_ONCE) })
}
