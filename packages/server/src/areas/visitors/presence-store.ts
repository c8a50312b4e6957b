import type { Transaction } from '../../database/transaction.ts'

/**
 * Writes a status into the visitor's open room where it differs; answers the room and whether its agents are to be told
 * now, which is so where they were not since `toldBefore`; `undefined` where nothing changed.
 */
export async function writeStatus(
  tx: Transaction,
  visitorId: string,
  status: string,
  toldBefore: string,
): Promise<{ roomId: string; isDue: boolean } | undefined> {
  const write = (change: { visitorStatusAt?: string }) =>
    tx.sql
      .updateTable('room')
      .set({ visitorStatus: status, updatedAt: tx.now, ...change })
      .where('visitorId', '=', visitorId)
      .where('closedAt', 'is', null)
      .where('visitorStatus', '!=', status)
      .returning('id')
  const told = await tx.first(
    write({ visitorStatusAt: tx.now }).where((eb) =>
      eb.or([eb('visitorStatusAt', 'is', null), eb('visitorStatusAt', '<=', toldBefore)]),
    ),
  )
  if (told !== undefined) return { roomId: told.id, isDue: true }
  const held = await tx.first(write({}))
  return held && { roomId: held.id, isDue: false }
}
