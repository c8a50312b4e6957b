import { sql, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

/** Open rooms are few: with their names in the index, searching among them looks at no other room. */
export async function up(db: Kysely<unknown>, _kind: ColumnKinds): Promise<void> {
  await db.schema
    .createIndex('openRoomByOpening')
    .on('room')
    .columns(['openedAt', 'id', 'closedAt', 'servedById', 'isOnHold', 'nameFolded'])
    .where(sql.ref('closedAt'), 'is', null)
    .execute()
  await db.schema.dropIndex('openRoom').execute()
}
