import type { CreateTableBuilder, Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

type Table = CreateTableBuilder<string>

/** One-time links into accounts, what people say of themselves, and the book of who changed what. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await db.schema
    .createTable('accountLink')
    .addColumn('tokenHash', kind.text, (c) => c.primaryKey())
    .addColumn('userId', kind.id, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('purpose', kind.text, (c) => c.notNull())
    .addColumn('createdAt', kind.time, (c) => c.notNull())
    .addColumn('expiresAt', kind.time, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('accountLinkByUser').on('accountLink').column('userId').execute()

  for (const name of ['nickname', 'bio']) await db.schema.alterTable('user').addColumn(name, kind.text).execute()

  let audit: Table = db.schema
    .createTable('audit')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('at', kind.time, (c) => c.notNull())
  for (const name of ['actorId', 'actorUsername', 'action', 'subjectKind', 'subjectId'])
    audit = audit.addColumn(name, kind.text, (c) => c.notNull())
  await audit.addColumn('roomId', kind.text).addColumn('before', kind.json).addColumn('after', kind.json).execute()
  await db.schema.createIndex('auditByTime').on('audit').columns(['at', 'id']).execute()
  await db.schema.createIndex('auditBySubject').on('audit').columns(['subjectKind', 'subjectId', 'at']).execute()
  await db.schema.createIndex('auditByRoom').on('audit').columns(['roomId', 'at']).execute()
  await db.schema.createIndex('auditByActor').on('audit').columns(['actorId', 'at']).execute()
}
