import { statement } from '../../database/statement.ts'
import type { Reader } from '../../database/transaction.ts'

const unansweredFrom = statement((sql, p: { origin: string; most: number }) =>
  sql
    .selectFrom('room')
    .select('id')
    .where('openedFrom', '=', p.origin)
    .where('closedAt', 'is', null)
    .where('firstResponseAt', 'is', null)
    .limit(p.most),
)

/** How many open chats from one place nobody has answered, counted up to a number. */
export async function countUnanswered(reader: Reader, origin: string, most: number): Promise<number> {
  return (await unansweredFrom.all(reader, { origin, most })).length
}
