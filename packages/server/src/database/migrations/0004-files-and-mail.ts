import type { CreateTableBuilder, Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

type Table = CreateTableBuilder<string>

/** Files that people sent, and letters that wait to be sent. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let upload: Table = db.schema.createTable('upload').addColumn('id', kind.id, (c) => c.primaryKey())
  for (const name of ['roomId', 'name', 'type', 'extension', 'etag'])
    upload = upload.addColumn(name, kind.text, (c) => c.notNull())
  for (const name of ['visitorId', 'userId', 'messageId', 'description']) upload = upload.addColumn(name, kind.text)
  for (const name of ['width', 'height']) upload = upload.addColumn(name, kind.count)
  await upload
    .addColumn('size', kind.count, (c) => c.notNull())
    .addColumn('createdAt', kind.time, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('uploadByRoom').on('upload').columns(['roomId', 'createdAt']).execute()
  await db.schema.createIndex('uploadByVisitor').on('upload').columns(['visitorId', 'createdAt']).execute()

  let mail: Table = db.schema.createTable('mail').addColumn('id', kind.id, (c) => c.primaryKey())
  for (const name of ['recipient', 'subject', 'text', 'html', 'purpose'])
    mail = mail.addColumn(name, kind.text, (c) => c.notNull())
  for (const name of ['senderName', 'replyTo']) mail = mail.addColumn(name, kind.text)
  await mail
    .addColumn('attachments', kind.json)
    .addColumn('createdAt', kind.time, (c) => c.notNull())
    .execute()
}
