import { sql, type CreateTableBuilder, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

type Table = CreateTableBuilder<string>

/** What a conversation measures and remembers, pages that visitors looked at, fields that administrators define, blocks. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  const add = (table: string, kindOf: ColumnKinds[keyof ColumnKinds], ...names: string[]) =>
    names.reduce(async (earlier, name) => {
      await earlier
      await db.schema.alterTable(table).addColumn(name, kindOf).execute()
    }, Promise.resolve())
  await add('room', kind.count, 'askedMs', 'repliedMs', 'responseCount')
  await add('room', kind.real, 'responseSeconds', 'firstResponseSeconds', 'reactionSeconds', 'firstReactionSeconds')
  await add('room', kind.real, 'inactivitySeconds')
  await add('room', kind.time, 'firstResponseDoneAt', 'firstReactionAt', 'abandonsAt', 'autoTransferredAt')
  await add('room', kind.json, 'survey', 'transcriptRequest')
  await add('room', kind.text, 'callStatus')
  await add('subscription', kind.time, 'readAt')
  await add('visitor', kind.text, 'managerUsername', 'lastAgentId', 'lastAgentUsername')
  await add('visitor', kind.time, 'lastAgentAt')
  await add('room', kind.time, 'heldAt', 'visitorStatusAt')
  await add('room', kind.text, 'openedFrom')
  await add('visitor', kind.text, 'foundEmail', 'foundPhone')
  await add('user', kind.time, 'awaySince')
  await roomsInTime(db, kind)
  await pages(db, kind)
  await fieldsAndBlocks(db, kind)
}

/** What timers, limits and lists look for in rooms. */
async function roomsInTime(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  for (const [name, column] of [
    ['openRoomByAbandonment', 'abandonsAt'],
    ['openRoomByHold', 'heldAt'],
    ['openRoomByOrigin', 'openedFrom'],
  ] as const)
    await db.schema.createIndex(name).on('room').column(column).where(sql.ref('closedAt'), 'is', null).execute()
  await db.schema.createIndex('roomBySource').on('room').column('sourceType').execute()
  await db.schema
    .createTable('roomField')
    .addColumn('roomId', kind.id, (c) => c.notNull().references('room.id').onDelete('cascade'))
    .addColumn('key', kind.text, (c) => c.notNull())
    .addColumn('folded', kind.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('roomFieldKey', ['roomId', 'key'])
    .execute()
  await db.schema.createIndex('roomByField').on('roomField').columns(['key', 'roomId']).execute()
}

async function pages(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let page: Table = db.schema
    .createTable('pageVisit')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('tokenHash', kind.text, (c) => c.notNull())
    .addColumn('roomId', kind.id)
  for (const name of ['change', 'title', 'href', 'address']) page = page.addColumn(name, kind.text, (c) => c.notNull())
  await page
    .addColumn('visitedAt', kind.time, (c) => c.notNull())
    .addColumn('expiresAt', kind.time)
    .execute()
  await db.schema.createIndex('pageVisitByToken').on('pageVisit').columns(['tokenHash', 'visitedAt']).execute()
  await db.schema.createIndex('pageVisitByRoom').on('pageVisit').columns(['roomId', 'visitedAt']).execute()

  // Pages that belong to no room yet: the newest of an address, and those that are over.
  for (const [name, column] of [
    ['loosePageByAddress', 'address'],
    ['loosePageByExpiry', 'expiresAt'],
  ] as const)
    await db.schema
      .createIndex(name)
      .on('pageVisit')
      .columns([column, 'visitedAt'])
      .where(sql.ref('roomId'), 'is', null)
      .execute()
}

async function fieldsAndBlocks(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let field: Table = db.schema
    .createTable('customField')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('updatedAt', kind.time, (c) => c.notNull())
  for (const name of ['label', 'scope', 'visibility']) field = field.addColumn(name, kind.text, (c) => c.notNull())
  for (const name of ['pattern', 'type', 'defaultValue', 'options']) field = field.addColumn(name, kind.text)
  for (const name of ['isSearchable', 'isRequired', 'isPublic']) field = field.addColumn(name, kind.flag)
  await field.execute()
  await db.schema
    .createTable('visitorField')
    .addColumn('visitorId', kind.id, (c) => c.notNull().references('visitor.id').onDelete('cascade'))
    .addColumn('key', kind.text, (c) => c.notNull())
    .addColumn('folded', kind.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('visitorFieldKey', ['visitorId', 'key'])
    .execute()

  await db.schema
    .createTable('block')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('kind', kind.text, (c) => c.notNull())
    .addColumn('value', kind.text, (c) => c.notNull())
    .addColumn('visitorId', kind.id)
    .addColumn('reason', kind.text, (c) => c.notNull())
    .addColumn('createdById', kind.id, (c) => c.notNull())
    .addColumn('createdAt', kind.time, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('blockOnce').unique().on('block').columns(['kind', 'value']).execute()
}
