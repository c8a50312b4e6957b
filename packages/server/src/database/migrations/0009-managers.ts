import { sql, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

/** The agent who looks after a visitor, by id: a name may change, and then be somebody else's. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await db.schema.alterTable('visitor').addColumn('managerId', kind.text).execute()
  await sql`
    update "visitor" set "managerId" = (select "id" from "user" where "user"."username" = "visitor"."managerUsername")
    where "managerUsername" is not null`.execute(db)
  await db.schema
    .createIndex('visitorByManager')
    .on('visitor')
    .column('managerId')
    .where(sql.ref('managerId'), 'is not', null)
    .execute()
}
