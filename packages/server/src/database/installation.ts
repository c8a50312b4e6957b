import { findStamp } from './versioned.ts'
import type { Reader, Transact } from './transaction.ts'

/** The name of this database among all, made when it is first asked for: every process on it answers the same. */
export async function installationId(reader: Reader, transact: Transact): Promise<string> {
  const name = 'installation'
  await transact((tx) =>
    tx.run(
      tx.sql
        .insertInto('version')
        .values({ name, stamp: tx.newId() })
        .onConflict((conflict) => conflict.column('name').doNothing()),
    ),
  )
  return (await findStamp.first(reader, { name }))?.stamp ?? ''
}
