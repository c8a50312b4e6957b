import { fromJson } from '../../database/columns.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

export interface TransferPage {
  offset: number
  limit: number
  order: readonly { column: 'sentAt'; direction: 'asc' | 'desc' }[]
}

/** What the lines of a room say of its transfers, as it travels; a page at a time. */
export async function listTransfers(
  reader: Reader,
  roomId: string,
  page: TransferPage,
): Promise<{ transfers: unknown[]; total: number }> {
  const lines = reader.sql
    .selectFrom('message')
    .where('roomId', '=', roomId)
    .where('type', '=', 'livechat_transfer_history')
    .where('deletedAt', 'is', null)
  let sorted = lines.select('extra')
  for (const { column, direction } of page.order) sorted = sorted.orderBy(column, direction)
  const rows = await reader.all(sorted.limit(page.limit).offset(page.offset))
  const counted = await reader.first(lines.select((eb) => eb.fn.countAll<number>().as('total')))
  const transfers = rows.map(({ extra }) => fromJson<{ transferData?: unknown }>(extra)?.transferData)
  return { transfers, total: counted?.total ?? 0 }
}

/** The pages that a visitor looked at during conversations are not forgotten; those of no conversation are, in their time. */
export async function keepPages(tx: Transaction, visitorId: string): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('pageVisit')
      .set({ expiresAt: null })
      .where('roomId', 'is not', null)
      .where('tokenHash', '=', (eb) => eb.selectFrom('visitor').select('tokenHash').where('id', '=', visitorId)),
  )
}
