import type { CreateTableBuilder, Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

type Table = CreateTableBuilder<string>

/** Departments and who works in them. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let department: Table = db.schema
    .createTable('department')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('name', kind.text, (c) => c.notNull())
    .addColumn('nameFolded', kind.text, (c) => c.notNull())
    .addColumn('email', kind.text, (c) => c.notNull())
    .addColumn('agentCount', kind.count, (c) => c.notNull())
  for (const name of ['isEnabled', 'showOnRegistration', 'showOnOfflineForm'])
    department = department.addColumn(name, kind.flag, (c) => c.notNull())
  for (const name of ['asksForTags', 'receivesWhileOffline']) department = department.addColumn(name, kind.flag)
  for (const name of ['description', 'offlineChannel', 'fallbackId', 'abandonedMessage', 'waitingMessage'])
    department = department.addColumn(name, kind.text)
  for (const name of ['closingTags', 'forwardsTo', 'chatLimit', 'inactivityTimeout'])
    department = department.addColumn(name, kind.json)
  await department
    .addColumn('archivedAt', kind.time)
    .addColumn('createdAt', kind.time, (c) => c.notNull())
    .addColumn('updatedAt', kind.time, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('departmentByName').on('department').columns(['nameFolded', 'id']).execute()

  await db.schema
    .createTable('departmentAgent')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('departmentId', kind.id, (c) => c.notNull().references('department.id').onDelete('cascade'))
    .addColumn('agentId', kind.id, (c) => c.notNull())
    .addColumn('rotation', kind.count, (c) => c.notNull())
    .addColumn('position', kind.count, (c) => c.notNull())
    .addColumn('isEnabled', kind.flag, (c) => c.notNull())
    .addColumn('createdAt', kind.time, (c) => c.notNull())
    .addColumn('updatedAt', kind.time, (c) => c.notNull())
    .execute()
  const agents = 'departmentAgent'
  await db.schema.createIndex('departmentAgentOnce').unique().on(agents).columns(['departmentId', 'agentId']).execute()
  await db.schema.createIndex('departmentAgentByAgent').on(agents).column('agentId').execute()
  await db.schema.alterTable('inquiry').addColumn('returnedById', kind.text).execute()
  const queue = ['status', 'departmentId', 'waitingSince']
  await db.schema.createIndex('inquiryByQueue').on('inquiry').columns(queue).execute()
  await db.schema.createIndex('roomByDepartment').on('room').columns(['departmentId', 'openedAt']).execute()
}
