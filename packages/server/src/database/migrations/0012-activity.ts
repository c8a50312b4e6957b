import type { Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

/** The months in which an agent answered, in the room's picture of its visitor (contract §B.9). */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await db.schema.alterTable('room').addColumn('visitorActivity', kind.json).execute()
}
