import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'
import { statement } from './statement.ts'
import type { Reader, Transaction } from './transaction.ts'

/** The stamp under a name. */
export const findStamp = statement((sql, p: { name: string }) =>
  sql.selectFrom('version').select('stamp').where('name', '=', p.name),
)

/**
 * Something small that every request needs and that seldom changes: kept in memory under the stamp its last change left
 * in the database, which every call checks, so that a change is in force at once in every process. Stamps never recur:
 * what a transaction cached before rolling back is never found again.
 */
export function versioned<Value>(
  name: string,
  load: (reader: Reader) => Promise<Value>,
): (reader: Reader) => Promise<Value> {
  const cached = new WeakMap<Kysely<Tables>, { stamp: string; value: Value }>()
  return async (reader) => {
    const stamp = (await findStamp.first(reader, { name }))?.stamp ?? ''
    const known = cached.get(reader.sql)
    if (known?.stamp === stamp) return known.value
    const value = await load(reader)
    cached.set(reader.sql, { stamp, value })
    return value
  }
}

/** Says, in the transaction that changes it, that what `versioned(name)` keeps is out of date. */
export async function touchVersion(tx: Transaction, name: string): Promise<void> {
  const stamp = tx.newId()
  await tx.run(
    tx.sql
      .insertInto('version')
      .values({ name, stamp })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ stamp })),
  )
}
