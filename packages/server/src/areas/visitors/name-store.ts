import type { Transaction } from '../../database/transaction.ts'
import { foldName } from '../timeline/timeline.ts'

/** Gives every room of a visitor the visitor's new name, those that ended included. */
export async function renameRooms(tx: Transaction, visitorId: string, name: string): Promise<void> {
  const rows = await tx.all(
    tx.sql
      .updateTable('room')
      .set({ visitorName: name, nameFolded: foldName(name), updatedAt: tx.now })
      .where('visitorId', '=', visitorId)
      .returning(['id', 'closedAt']),
  )
  for (const { id, closedAt } of rows) if (closedAt === null) tx.emit('room.changed', { roomId: id })
}
