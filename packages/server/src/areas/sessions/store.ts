import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

export interface Session {
  userId: string
  expiresAt: string
}

const byToken = statement((sql, p: { tokenHash: string }) =>
  sql.selectFrom('session').select(['userId', 'expiresAt']).where('tokenHash', '=', p.tokenHash),
)

export function findSession(reader: Reader, tokenHash: string): Promise<Session | undefined> {
  return byToken.first(reader, { tokenHash })
}

const HASHES_AT_ONCE = 500

/** Of these the hashes of tokens that are known. */
export async function listOpen(reader: Reader, tokenHashes: readonly string[]): Promise<ReadonlySet<string>> {
  const open = new Set<string>()
  for (let from = 0; from < tokenHashes.length; from += HASHES_AT_ONCE) {
    const some = tokenHashes.slice(from, from + HASHES_AT_ONCE)
    const query = reader.sql.selectFrom('session').select('tokenHash').where('tokenHash', 'in', some)
    for (const { tokenHash } of await reader.all(query)) open.add(tokenHash)
  }
  return open
}

export async function insertSession(tx: Transaction, session: Session & { tokenHash: string }): Promise<void> {
  await tx.run(tx.sql.insertInto('session').values({ ...session, createdAt: tx.now }))
}

export async function deleteSession(tx: Transaction, tokenHash: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('session').where('tokenHash', '=', tokenHash))
}

/** Removes sessions that ended before now; answers how many. */
export function deleteExpiredSessions(tx: Transaction): Promise<number> {
  return tx.run(tx.sql.deleteFrom('session').where('expiresAt', '<', tx.now))
}
