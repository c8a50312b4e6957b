import type { Reader, Transaction } from '../../database/transaction.ts'

/** Since when an agent has been away; `undefined` for one who is there, and for who is no agent. */
export async function awaySinceOf(reader: Reader, userId: string): Promise<string | undefined> {
  const row = await reader.first(reader.sql.selectFrom('user').select('awaySince').where('id', '=', userId))
  return row?.awaySince ?? undefined
}

/** Writes down since when an agent is away, and answers it. Bots are never away: nobody sees them come. */
export async function noteAvailability(tx: Transaction, userId: string): Promise<string | undefined> {
  const user = await tx.first(
    tx.sql
      .selectFrom('user')
      .leftJoin('userRole as bot', (join) => join.onRef('bot.userId', '=', 'user.id').on('bot.role', '=', 'bot'))
      .select(['user.serviceStatus', 'user.presence', 'user.awaySince', 'bot.role as bot'])
      .where('user.id', '=', userId),
  )
  if (user === undefined) return undefined
  const isAbsent = user.presence === 'offline' && user.bot === null
  const isAway = user.serviceStatus !== null && (user.serviceStatus !== 'available' || isAbsent)
  const awaySince = isAway ? (user.awaySince ?? tx.now) : null
  if (awaySince !== user.awaySince) await tx.run(tx.sql.updateTable('user').set({ awaySince }).where('id', '=', userId))
  return awaySince ?? undefined
}
