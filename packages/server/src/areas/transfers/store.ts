import { fromJson } from '../../database/columns.ts'
import type { Reader } from '../../database/transaction.ts'

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
