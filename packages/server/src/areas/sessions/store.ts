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
