import type { BlockTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { hashOf } from './store.ts'

/** Somebody who may not chat, and who says so. */
export interface Block {
  kind: BlockTable['kind']
  visitorId: string
  username?: string
  name?: string
  reason: string
  byId: string
  at: string
}

// Two looks into the index, one after the other: joined by `or`, SQLite takes ten times as long for them.
const blockOf = statement((sql, p: { tokenHash: string; origin: string }) =>
  sql
    .selectFrom('block')
    .select('id')
    .where('kind', '=', 'visitor')
    .where('value', '=', p.tokenHash)
    .unionAll(sql.selectFrom('block').select('id').where('kind', '=', 'address').where('value', '=', p.origin))
    .limit(1),
)

/** Whether a token or the place a call came from is blocked. */
export async function isBlocked(
  reader: Reader,
  { token, origin }: { token: string; origin: string },
): Promise<boolean> {
  return (await blockOf.first(reader, { tokenHash: hashOf(token), origin })) !== undefined
}

/** Blocks a token or a place; what is blocked already stays so. */
export async function insertBlock(
  tx: Transaction,
  block: { visitorId: string; reason: string; byId: string } & ({ token: string } | { origin: string }),
): Promise<void> {
  const target =
    'token' in block
      ? { kind: 'visitor' as const, value: hashOf(block.token) }
      : { kind: 'address' as const, value: block.origin }
  const { visitorId, reason, byId } = block
  await tx.run(
    tx.sql
      .insertInto('block')
      .values({ id: tx.newId(), ...target, visitorId, reason, createdById: byId, createdAt: tx.now })
      .onConflict((conflict) => conflict.doNothing()),
  )
}

/** Takes away what was blocked with a visitor; answers false where nothing was. */
export async function deleteBlocksOf(tx: Transaction, visitorId: string): Promise<boolean> {
  return (await tx.run(tx.sql.deleteFrom('block').where('visitorId', '=', visitorId))) > 0
}

/** What is blocked, and how much in all. */
export async function listBlocks(
  reader: Reader,
  page: { offset: number; limit: number; order: readonly { direction: 'asc' | 'desc' }[] },
): Promise<{ blocks: Block[]; total: number }> {
  const direction = page.order[0]?.direction ?? 'desc'
  const rows = await reader.all(
    reader.sql
      .selectFrom('block')
      .leftJoin('visitor', 'visitor.id', 'block.visitorId')
      .select(['block.kind', 'block.visitorId', 'block.reason', 'block.createdById', 'block.createdAt'])
      .select(['visitor.username', 'visitor.name'])
      .orderBy('block.createdAt', direction)
      .orderBy('block.id', direction)
      .limit(page.limit)
      .offset(page.offset),
  )
  const counted = await reader.first(
    reader.sql.selectFrom('block').select((eb) => eb.fn.countAll<number>().as('total')),
  )
  const blocks = rows.map(({ kind, visitorId, username, name, reason, createdById, createdAt }) => ({
    kind,
    visitorId: visitorId ?? '',
    ...(username !== null && { username }),
    ...(name !== null && { name }),
    reason,
    byId: createdById,
    at: createdAt,
  }))
  return { blocks, total: counted?.total ?? 0 }
}
