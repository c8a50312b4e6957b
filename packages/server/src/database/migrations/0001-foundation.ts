import { sql, type CreateTableBuilder, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

type Table = CreateTableBuilder<string>

/** Visitors, rooms, messages, users, settings and jobs. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await people(db, kind)
  await conversations(db, kind)
  await accounts(db, kind)
  await machinery(db, kind)
}

async function people(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let visitor: Table = db.schema.createTable('visitor').addColumn('id', kind.id, (c) => c.primaryKey())
  for (const name of [
    'token',
    'tokenHash',
    'username',
    'name',
    'email',
    'phone',
    'status',
    'departmentId',
    'contactId',
  ])
    visitor = visitor.addColumn(name, kind.text)
  for (const name of ['fields', 'activity']) visitor = visitor.addColumn(name, kind.json)
  for (const name of ['lastChatId', 'userAgent', 'address', 'host']) visitor = visitor.addColumn(name, kind.text)
  for (const name of ['lastChatAt', 'createdAt', 'disabledAt']) visitor = visitor.addColumn(name, kind.time)
  await visitor.addColumn('updatedAt', kind.time, required).execute()
  await db.schema.createIndex('visitorByToken').unique().on('visitor').column('tokenHash').execute()
  await db.schema.createIndex('visitorByUsername').unique().on('visitor').column('username').execute()
  await db.schema.createIndex('visitorByPhone').on('visitor').column('phone').execute()
  await db.schema.createIndex('visitorByEmail').on('visitor').column('email').execute()

  await db.schema
    .createTable('contact')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('name', kind.text, required)
    .addColumn('isUnknown', kind.flag, required)
    .addColumn('createdAt', kind.time, required)
    .addColumn('updatedAt', kind.time, required)
    .execute()
}

async function conversations(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await rooms(db, kind)
  await messages(db, kind)

  await db.schema
    .createTable('inquiry')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('roomId', kind.id, (c) => c.notNull().unique().references('room.id').onDelete('cascade'))
    .addColumn('status', kind.text, required)
    .addColumn('departmentId', kind.text)
    .addColumn('waitingSince', kind.time, required)
    .addColumn('queuedAt', kind.time)
    .addColumn('takenAt', kind.time)
    .addColumn('defaultAgentId', kind.text)
    .addColumn('defaultAgentUsername', kind.text)
    .addColumn('updatedAt', kind.time, required)
    .execute()
  await db.schema.createIndex('inquiryByStatus').on('inquiry').columns(['status', 'waitingSince']).execute()

  await db.schema
    .createTable('subscription')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('roomId', kind.id, (c) => c.notNull().references('room.id').onDelete('cascade'))
    .addColumn('userId', kind.id, required)
    .addColumn('joinedAt', kind.time, required)
    .addColumn('updatedAt', kind.time, required)
    .execute()
  await db.schema.createIndex('subscriptionByRoom').unique().on('subscription').columns(['roomId', 'userId']).execute()
  await db.schema.createIndex('subscriptionByUser').on('subscription').column('userId').execute()
}

async function rooms(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let room: Table = db.schema
    .createTable('room')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('visitorId', kind.id, required)
    .addColumn('visitorUsername', kind.text, required)
    .addColumn('nameFolded', kind.text, required)
    .addColumn('visitorStatus', kind.text, required)
    .addColumn('sourceType', kind.text, required)
    .addColumn('openedAt', kind.time, required)
    .addColumn('updatedAt', kind.time, required)
  for (const name of [
    'visitorName',
    'contactId',
    'departmentId',
    'sourceDestination',
    'closedById',
    'closedByUsername',
  ])
    room = room.addColumn(name, kind.text)
  for (const name of [
    'closer',
    'servedById',
    'servedByUsername',
    'lastMessageId',
    'respondedById',
    'respondedByUsername',
  ])
    room = room.addColumn(name, kind.text)
  for (const name of ['visitorSpokeAt', 'queuedAt', 'closedAt', 'servedAt', 'firstResponseAt', 'lastResponseAt'])
    room = room.addColumn(name, kind.time)
  for (const name of ['memberCount', 'messageCount', 'lastMessageMs', 'seq', 'clockMs'])
    room = room.addColumn(name, kind.count, required)
  for (const name of ['isWaitingResponse', 'isOnHold']) room = room.addColumn(name, kind.flag, required)
  for (const name of ['tags', 'fields']) room = room.addColumn(name, kind.json)
  await room.addColumn('topic', kind.text).execute()

  // At most one open room per visitor, whatever races (contract §B.2).
  await db.schema
    .createIndex('openRoomOfVisitor')
    .unique()
    .on('room')
    .column('visitorId')
    .where(sql.ref('closedAt'), 'is', null)
    .execute()
  await db.schema
    .createTable('roomTag')
    .addColumn('roomId', kind.id, (c) => c.notNull().references('room.id').onDelete('cascade'))
    .addColumn('tag', kind.text, required)
    .addPrimaryKeyConstraint('roomTagKey', ['roomId', 'tag'])
    .execute()
  await db.schema.createIndex('roomByTag').on('roomTag').columns(['tag', 'roomId']).execute()
  await db.schema.createIndex('roomByVisitor').on('room').columns(['visitorId', 'openedAt']).execute()
  await db.schema.createIndex('roomByOpening').on('room').columns(['openedAt', 'id']).execute()
  await db.schema.createIndex('roomByAgent').on('room').columns(['servedById', 'closedAt']).execute()
  await db.schema.createIndex('roomByAgentName').on('room').column('servedByUsername').execute()
}

async function messages(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let message: Table = db.schema
    .createTable('message')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('roomId', kind.id, required)
    .addColumn('seq', kind.count, required)
    .addColumn('sentAt', kind.time, required)
  for (const name of ['text', 'authorKind', 'authorId', 'authorUsername'])
    message = message.addColumn(name, kind.text, required)
  for (const name of ['type', 'authorName', 'editedById', 'editedByUsername'])
    message = message.addColumn(name, kind.text)
  for (const name of ['tree', 'extra']) message = message.addColumn(name, kind.json)
  for (const name of ['editedAt', 'deletedAt']) message = message.addColumn(name, kind.time)
  await message.addColumn('updatedAt', kind.time, required).execute()
  await db.schema.createIndex('messageByTime').unique().on('message').columns(['roomId', 'sentAt']).execute()
  await db.schema.createIndex('messageBySeq').unique().on('message').columns(['roomId', 'seq']).execute()

  await db.schema
    .createTable('messageVersion')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('messageId', kind.id, required)
    .addColumn('roomId', kind.id, required)
    .addColumn('text', kind.text, required)
    .addColumn('replacedAt', kind.time, required)
    .addColumn('replacedById', kind.id, required)
    .addColumn('reason', kind.text, required)
    .execute()
  await db.schema.createIndex('messageVersionByRoom').on('messageVersion').columns(['roomId', 'messageId']).execute()
}

async function accounts(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  let user: Table = db.schema.createTable('user').addColumn('id', kind.id, (c) => c.primaryKey())
  for (const name of ['username', 'usernameFolded', 'name', 'nameFolded'])
    user = user.addColumn(name, kind.text, required)
  for (const name of ['presence', 'presenceChosen', 'connection', 'statusText'])
    user = user.addColumn(name, kind.text, required)
  for (const name of ['email', 'emailFolded', 'passwordHash', 'serviceStatus', 'chatLimit', 'language'])
    user = user.addColumn(name, kind.text)
  for (const name of ['emailVerified', 'isActive', 'mustChangePassword', 'serviceStatusBySystem'])
    user = user.addColumn(name, kind.flag, required)
  for (const name of ['openChats', 'rotation']) user = user.addColumn(name, kind.count, required)
  for (const name of ['preferences', 'customFields']) user = user.addColumn(name, kind.json)
  await user
    .addColumn('lastRoutedAt', kind.time)
    .addColumn('createdAt', kind.time, required)
    .addColumn('updatedAt', kind.time, required)
    .execute()
  await db.schema.createIndex('userByUsername').unique().on('user').column('usernameFolded').execute()
  await db.schema.createIndex('userByEmail').unique().on('user').column('emailFolded').execute()

  await db.schema
    .createTable('userRole')
    .addColumn('userId', kind.id, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('role', kind.text, required)
    .addPrimaryKeyConstraint('userRoleKey', ['userId', 'role'])
    .execute()
  await db.schema.createIndex('userByRole').on('userRole').columns(['role', 'userId']).execute()

  await db.schema
    .createTable('session')
    .addColumn('tokenHash', kind.text, (c) => c.primaryKey())
    .addColumn('userId', kind.id, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('createdAt', kind.time, required)
    .addColumn('expiresAt', kind.time, required)
    .execute()
  await db.schema.createIndex('sessionByUser').on('session').column('userId').execute()
}

async function machinery(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  await db.schema
    .createTable('setting')
    .addColumn('id', kind.text, (c) => c.primaryKey())
    .addColumn('value', kind.json, required)
    .addColumn('createdAt', kind.time, required)
    .addColumn('updatedAt', kind.time, required)
    .execute()
  await db.schema
    .createTable('permission')
    .addColumn('id', kind.text, (c) => c.primaryKey())
    .addColumn('roles', kind.json, required)
    .addColumn('updatedAt', kind.time, required)
    .execute()
  await db.schema
    .createTable('version')
    .addColumn('name', kind.text, (c) => c.primaryKey())
    .addColumn('stamp', kind.id, required)
    .execute()
  await db.schema
    .createTable('counter')
    .addColumn('name', kind.text, (c) => c.primaryKey())
    .addColumn('value', kind.count, required)
    .execute()

  await db.schema
    .createTable('job')
    .addColumn('id', kind.id, (c) => c.primaryKey())
    .addColumn('name', kind.text, required)
    .addColumn('data', kind.json, required)
    .addColumn('runAt', kind.time, required)
    .addColumn('uniqueKey', kind.text, (c) => c.unique())
    .addColumn('attempts', kind.count, required)
    .addColumn('leaseUntil', kind.time)
    .addColumn('parkedAt', kind.time)
    .addColumn('lastError', kind.text)
    .addColumn('createdAt', kind.time, required)
    .execute()
  await db.schema.createIndex('jobByTime').on('job').columns(['parkedAt', 'runAt']).execute()
}

function required<Column extends { notNull(): Column }>(column: Column): Column {
  return column.notNull()
}
