import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { foldName } from '../timeline/timeline.ts'

const othersOf = statement((sql, p: { visitorId: string; name: string }) =>
  sql
    .selectFrom('room')
    .select('id')
    .where('visitorId', '=', p.visitorId)
    .where((eb) => eb.or([eb('visitorName', 'is', null), eb('visitorName', '!=', p.name)]))
    .orderBy('id'),
)
const rename = statement((sql, p: { id: string; visitorId: string; name: string; folded: string; now: string }) =>
  sql
    .updateTable('room')
    .set({ visitorName: p.name, nameFolded: p.folded, updatedAt: p.now })
    .where('id', '=', p.id)
    .where('visitorId', '=', p.visitorId)
    .returning(['id', 'closedAt']),
)

/**
 * Gives every room of a visitor the visitor's new name, those that ended included. They are taken one by one, in the order
 * of their ids (docs/decisions/0009-lock-order.md).
 */
export async function renameRooms(tx: Transaction, visitorId: string, name: string): Promise<void> {
  for (const { id } of await othersOf.all(tx, { visitorId, name })) {
    const renamed = await rename.first(tx, { id, visitorId, name, folded: foldName(name), now: tx.now })
    if (renamed?.closedAt === null) tx.emit('room.changed', { roomId: id })
  }
}

/** Whether some room of a visitor has another name. */
export async function hasRoomNamedOtherwise(reader: Reader, visitorId: string, name: string): Promise<boolean> {
  return (await othersOf.first(reader, { visitorId, name })) !== undefined
}
