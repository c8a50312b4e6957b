import type { Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

/** Who of the staff is connected to which process, so that several processes agree on who is there. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await db.schema
    .createTable('process')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('seenAt', kind.time, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('connection')
    .addColumn('processId', kind.id, (c) => c.notNull().references('process.id').onDelete('cascade'))
    .addColumn('userId', kind.id, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('status', kind.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('connectionKey', ['processId', 'userId'])
    .execute()
  await db.schema.createIndex('connectionByUser').on('connection').column('userId').execute()
}
