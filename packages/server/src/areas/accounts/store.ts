import type { AccountLinkTable } from '../../database/schema.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

export type LinkPurpose = AccountLinkTable['purpose']

export async function insertLink(tx: Transaction, link: Omit<AccountLinkTable, 'createdAt'>): Promise<void> {
  await tx.run(tx.sql.insertInto('accountLink').values({ ...link, createdAt: tx.now }))
}

/** Whose link this is, if it is still good. */
export async function findLinkOwner(reader: Reader, tokenHash: string, now: string): Promise<string | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('accountLink')
      .select('userId')
      .where('tokenHash', '=', tokenHash)
      .where('expiresAt', '>', now),
  )
  return row?.userId
}

/** Takes a link away and answers whose it was; `undefined` where it is not good, or somebody was faster. */
export async function takeLink(tx: Transaction, tokenHash: string): Promise<string | undefined> {
  const row = await tx.first(
    tx.sql
      .deleteFrom('accountLink')
      .where('tokenHash', '=', tokenHash)
      .where('expiresAt', '>', tx.now)
      .returning('userId'),
  )
  return row?.userId
}

/** How many links of an account are good now. */
export async function countLinks(tx: Transaction, userId: string, purpose: LinkPurpose): Promise<number> {
  const row = await tx.first(
    tx.sql
      .selectFrom('accountLink')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('userId', '=', userId)
      .where('purpose', '=', purpose)
      .where('expiresAt', '>', tx.now),
  )
  return row?.count ?? 0
}

export async function deleteLinks(tx: Transaction, userId: string, purpose: LinkPurpose): Promise<void> {
  await tx.run(tx.sql.deleteFrom('accountLink').where('userId', '=', userId).where('purpose', '=', purpose))
}

export async function deleteExpiredLinks(tx: Transaction): Promise<void> {
  await tx.run(tx.sql.deleteFrom('accountLink').where('expiresAt', '<=', tx.now))
}
