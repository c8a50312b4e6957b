import { sql, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

/** What searching and listing need beside what is stored. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await db.schema
    .createIndex('agentLeft')
    .on('message')
    .columns(['authorId', 'sentAt'])
    .where(sql.ref('type'), '=', sql.lit('ul'))
    .execute()
  await db.schema
    .createIndex('agentJoined')
    .on('message')
    .columns(['roomId', 'authorId'])
    .where(sql.ref('type'), '=', sql.lit('uj'))
    .execute()
  // Only where it differs from what SQL makes of the text: nearly always nothing is stored.
  await db.schema.alterTable('message').addColumn('textFolded', kind.text).execute()
  await listsOfRooms(db)
}

/**
 * Each list is a walk through one index in its order; what filters ask for lies in the index, so that no row is fetched
 * that is not shown. Columns without a value sort as empty texts, on both databases alike.
 */
async function listsOfRooms(db: Kysely<unknown>): Promise<void> {
  for (const name of ['roomByOpening', 'roomByAgentName']) await db.schema.dropIndex(name).execute()
  const filtered = ['closedAt', 'servedById', 'isOnHold', 'nameFolded']
  await db.schema
    .createIndex('roomByOpening')
    .on('room')
    .columns(['openedAt', 'id', ...filtered])
    .execute()
  await db.schema
    .createIndex('openRoom')
    .on('room')
    .columns(['openedAt', 'id', 'closedAt', 'servedById', 'isOnHold'])
    .where(sql.ref('closedAt'), 'is', null)
    .execute()
  // A message moves an open room to another place in this order; those are few, and sorted when somebody asks.
  await db.schema
    .createIndex('closedRoomByLastMessage')
    .on('room')
    .columns(['lastMessageMs', 'id'])
    .where(sql.ref('closedAt'), 'is not', null)
    .execute()
  await db.schema.createIndex('roomByName').on('room').columns(['nameFolded', 'id']).execute()
  await db.schema.createIndex('roomByServing').on('room').columns(['servedById', 'openedAt', 'id']).execute()
  await db.schema.createIndex('roomByAgentName').on('room').columns(['servedByUsername', 'servedById']).execute()
  for (const [index, column] of [
    ['roomSortedByClosing', 'closedAt'],
    ['roomSortedByDepartment', 'departmentId'],
    ['roomSortedByAgent', 'servedByUsername'],
  ] as const)
    await db.schema
      .createIndex(index)
      .on('room')
      .columns([sql`coalesce(${sql.ref(column)}, '')`, 'id'])
      .execute()
}
