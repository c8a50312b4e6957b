import { hash } from 'node:crypto'
import type { Insertable, Selectable } from 'kysely'
import { fromJson, toJson, withoutNulls } from '../../database/columns.ts'
import type { VisitorTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { foldedOf } from '../timeline/timeline.ts'

/** A person chatting from outside. */
export interface Visitor {
  id: string
  username: string
  /** The bearer secret: in answers to the visitor and nowhere else. */
  token: string
  name?: string
  email?: string
  phone?: string
  /** What the visitor wrote in messages: shown where nothing was registered, and never taken for who somebody is. */
  found?: { email?: string; phone?: string }
  status?: string
  departmentId?: string
  /** The agent who looks after this visitor. */
  manager?: { id: string; username: string }
  contactId?: string
  fields?: Record<string, string>
  lastChat?: { id: string; at: string }
  /** Who took the latest chat, where chats go to the last agent. */
  lastAgent?: { id: string; username: string; at: string }
  /** The months in which an agent answered, `YYYY-MM`, the last twelve. */
  activity?: string[]
  createdAt: string
  updatedAt: string
}

/** Tokens are looked up by their hash, so that the time of a lookup tells nothing about tokens that exist (promises A1). */
export function hashOf(token: string): string {
  return hash('sha256', token, 'base64url')
}

const byTokenHash = statement((sql, p: { tokenHash: string }) =>
  sql.selectFrom('visitor').selectAll().where('tokenHash', '=', p.tokenHash),
)
const byId = statement((sql, p: { id: string }) =>
  sql.selectFrom('visitor').selectAll().where('id', '=', p.id).where('disabledAt', 'is', null),
)
const nextOf = statement((sql, p: { name: string }) =>
  sql
    .insertInto('counter')
    .values({ name: p.name, value: 1 })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((eb) => ({ value: eb('counter.value', '+', 1) })))
    .returning('value'),
)

export async function findVisitorByToken(reader: Reader, token: string): Promise<Visitor | undefined> {
  const row = await byTokenHash.first(reader, { tokenHash: hashOf(token) })
  return row && visitorFromRow(row)
}

export async function findVisitorById(reader: Reader, id: string): Promise<Visitor | undefined> {
  const row = await byId.first(reader, { id })
  return row && visitorFromRow(row)
}

/** The visitor who gave this phone number or this address; which first gave it decides. */
export async function findVisitorBy(
  reader: Reader,
  column: 'phone' | 'email',
  value: string,
): Promise<Visitor | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('visitor')
      .selectAll()
      .where(column, '=', value)
      .where('disabledAt', 'is', null)
      .orderBy('createdAt')
      .limit(1),
  )
  return row && visitorFromRow(row)
}

/** Whether a visitor, a removed one included, or a member of the staff has this id. */
export async function isIdTaken(reader: Reader, id: string): Promise<boolean> {
  const visitor = await reader.first(reader.sql.selectFrom('visitor').select('id').where('id', '=', id))
  const user = await reader.first(reader.sql.selectFrom('user').select('id').where('id', '=', id))
  return visitor !== undefined || user !== undefined
}

/** Whether a visitor or a member of the staff goes by this name. */
export async function isUsernameTaken(reader: Reader, username: string): Promise<boolean> {
  const visitor = await reader.first(reader.sql.selectFrom('visitor').select('id').where('username', '=', username))
  const user = await reader.first(
    reader.sql.selectFrom('user').select('id').where('usernameFolded', '=', username.normalize('NFKC').toLowerCase()),
  )
  return visitor !== undefined || user !== undefined
}

/** The next number of a counter, beginning with 1. */
export async function nextNumber(tx: Transaction, name: string): Promise<number> {
  return (await nextOf.first(tx, { name }))?.value ?? 1
}

export interface NewVisitor {
  id: string
  token: string
  username: string
  contactId: string
  userAgent: string | null
  address: string | null
  host: string | null
}

const insertKept = statement((sql, p: Insertable<VisitorTable>) =>
  sql
    .insertInto('visitor')
    .values({
      id: p.id,
      token: p.token,
      tokenHash: p.tokenHash,
      username: p.username,
      name: p.name,
      usernameFolded: p.usernameFolded,
      nameFolded: p.nameFolded,
      email: p.email,
      phone: p.phone,
      status: 'online',
      departmentId: p.departmentId,
      contactId: p.contactId,
      fields: null,
      lastChatId: null,
      lastChatAt: null,
      activity: null,
      userAgent: p.userAgent,
      address: p.address,
      host: p.host,
      createdAt: p.createdAt,
      updatedAt: p.updatedAt,
      disabledAt: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id'),
)

/** Inserts a visitor; answers false where the token, the id or the name is in use. */
export async function insertVisitor(
  tx: Transaction,
  visitor: NewVisitor & Pick<VisitorChange, 'name' | 'email' | 'phone' | 'departmentId'>,
): Promise<boolean> {
  const row = {
    ...visitor,
    name: visitor.name ?? null,
    usernameFolded: foldedOf(visitor.username),
    nameFolded: foldedOf(visitor.name ?? ''),
    email: visitor.email ?? null,
    phone: visitor.phone ?? null,
    departmentId: visitor.departmentId ?? null,
    tokenHash: hashOf(visitor.token),
    createdAt: tx.now,
    updatedAt: tx.now,
  }
  return (await insertKept.first(tx, row)) !== undefined
}

/** What may be set of a visitor; absent keys stay as they are, null takes away. */
export interface VisitorChange {
  token?: string
  name?: string
  email?: string | null
  phone?: string | null
  foundEmail?: null
  foundPhone?: null
  status?: string
  departmentId?: string
  managerId?: string | null
  managerUsername?: string | null
}

/** Changes a visitor; answers false where the visitor was removed meanwhile. */
export async function updateVisitor(tx: Transaction, id: string, change: VisitorChange): Promise<boolean> {
  const updated = await tx.run(
    tx.sql
      .updateTable('visitor')
      .set({
        ...change,
        ...(change.name !== undefined && { nameFolded: foldedOf(change.name) }),
        ...(change.token !== undefined && { tokenHash: hashOf(change.token) }),
        updatedAt: tx.now,
      })
      .where('id', '=', id)
      .where('disabledAt', 'is', null),
  )
  return updated === 1
}

const noteChatKept = statement((sql, p: { id: string; roomId: string; now: string }) =>
  sql
    .updateTable('visitor')
    .set({ lastChatId: p.roomId, lastChatAt: p.now, updatedAt: p.now })
    .where('id', '=', p.id)
    .where('disabledAt', 'is', null)
    .returning('id'),
)

/** Notes the visitor's latest room; answers false where the visitor was removed meanwhile. */
export async function noteChat(tx: Transaction, id: string, roomId: string): Promise<boolean> {
  return (await noteChatKept.first(tx, { id, roomId, now: tx.now })) !== undefined
}

/** Where the latest room of a visitor is one of those that were removed, the latest that is left takes its place, if any is. */
export async function forgetChats(tx: Transaction, id: string, roomIds: readonly string[]): Promise<void> {
  await tx.run(setLatestChat(tx, id).where('lastChatId', 'in', [...roomIds]))
}

/** Makes the latest of the rooms that are the visitor's now the latest chat; none where no room is. */
export async function noteLatestChat(tx: Transaction, id: string): Promise<void> {
  await tx.run(setLatestChat(tx, id))
}

function setLatestChat(tx: Transaction, id: string) {
  return tx.sql
    .updateTable('visitor')
    .set((eb) => {
      const latest = eb.selectFrom('room').where('visitorId', '=', id).orderBy('openedAt', 'desc').limit(1)
      return { lastChatId: latest.select('room.id'), lastChatAt: latest.select('room.openedAt'), updatedAt: tx.now }
    })
    .where('id', '=', id)
}

const MONTHS_KEPT = 12

const activityKept = statement((sql, p: { id: string }) =>
  sql.selectFrom('visitor').select('activity').where('id', '=', p.id).where('disabledAt', 'is', null),
)

/** Notes that an agent answered this visitor this month (contract §B.1). */
export async function noteAnswered(tx: Transaction, id: string): Promise<void> {
  const row = await activityKept.first(tx, { id })
  const activity = row && withMonth(fromJson<string[]>(row.activity), tx.now)
  if (activity === undefined) return
  await tx.run(
    tx.sql
      .updateTable('visitor')
      .set({ activity: toJson(activity), updatedAt: tx.now })
      .where('id', '=', id),
  )
}

/** The latest months with the one of `now` (ISO time); `undefined` where it is among them. */
export function withMonth(months: readonly string[] = [], now: string): string[] | undefined {
  const month = now.slice(0, 'YYYY-MM'.length)
  return months.includes(month) ? undefined : [...months, month].slice(-MONTHS_KEPT)
}

/** Takes the visitor's row for this transaction: nothing of the visitor's can be written beside it. */
export async function takeVisitor(tx: Transaction, token: string): Promise<Visitor | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('visitor')
      .set({ updatedAt: tx.now })
      .where('tokenHash', '=', hashOf(token))
      .where('disabledAt', 'is', null)
      .returningAll(),
  )
  return row && visitorFromRow(row)
}

/** The same by id. */
export async function takeVisitorById(tx: Transaction, id: string): Promise<Visitor | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('visitor')
      .set({ updatedAt: tx.now })
      .where('id', '=', id)
      .where('disabledAt', 'is', null)
      .returningAll(),
  )
  return row && visitorFromRow(row)
}

/** Moves a visitor to another department: the next chat begins there. */
export async function noteDepartment(tx: Transaction, id: string, departmentId: string): Promise<void> {
  await tx.run(tx.sql.updateTable('visitor').set({ departmentId, updatedAt: tx.now }).where('id', '=', id))
}

const insertContactKept = statement((sql, p: { id: string; name: string; now: string }) =>
  sql
    .insertInto('contact')
    .values({ id: p.id, name: p.name, isUnknown: 1, createdAt: p.now, updatedAt: p.now })
    .returning('id'),
)

/** A person nobody knows yet, behind a new visitor (contract §B.17). */
export async function insertContact(tx: Transaction, id: string, name: string): Promise<void> {
  await insertContactKept.first(tx, { id, name, now: tx.now })
}

/** Forgets everything personal of a visitor; the bare row stays, so that monthly counts do not shrink (contract A.6). */
export async function disableVisitor(tx: Transaction, visitor: Visitor): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('visitor')
      .set({
        token: null,
        tokenHash: null,
        username: null,
        name: null,
        usernameFolded: null,
        nameFolded: null,
        email: null,
        phone: null,
        foundEmail: null,
        foundPhone: null,
        status: null,
        departmentId: null,
        contactId: null,
        fields: null,
        lastChatId: null,
        lastChatAt: null,
        userAgent: null,
        address: null,
        host: null,
        managerId: null,
        managerUsername: null,
        lastAgentId: null,
        lastAgentUsername: null,
        lastAgentAt: null,
        createdAt: null,
        disabledAt: tx.now,
        updatedAt: tx.now,
      })
      .where('id', '=', visitor.id),
  )
  await tx.run(tx.sql.deleteFrom('visitorField').where('visitorId', '=', visitor.id))
  await tx.run(tx.sql.deleteFrom('pageVisit').where('tokenHash', '=', hashOf(visitor.token)))
  if (visitor.contactId !== undefined) await tx.run(tx.sql.deleteFrom('contact').where('id', '=', visitor.contactId))
}

/** A visitor as the rules see one. */
export function visitorFromRow(row: Selectable<VisitorTable>): Visitor {
  const { name, email, phone, status, departmentId, contactId } = row
  const fields = fromJson<Record<string, string>>(row.fields) ?? null
  const activity = fromJson<string[]>(row.activity) ?? null
  const found = withoutNulls({ email: row.foundEmail, phone: row.foundPhone })
  return {
    id: row.id,
    username: row.username ?? '',
    token: row.token ?? '',
    ...withoutNulls({ name, email, phone, status, departmentId, contactId, fields, activity }),
    ...latestOf(row),
    ...(Object.keys(found).length > 0 && { found }),
    createdAt: row.createdAt ?? row.updatedAt,
    updatedAt: row.updatedAt,
  }
}

/** The latest room, who took it, and who looks after the visitor. */
function latestOf(row: Selectable<VisitorTable>): Pick<Visitor, 'lastChat' | 'lastAgent' | 'manager'> {
  const { managerId, lastChatId, lastAgentId, lastAgentUsername, updatedAt } = row
  return {
    ...(lastChatId !== null && { lastChat: { id: lastChatId, at: row.lastChatAt ?? updatedAt } }),
    ...(managerId !== null && { manager: { id: managerId, username: row.managerUsername ?? '' } }),
    ...(lastAgentId !== null && {
      lastAgent: { id: lastAgentId, username: lastAgentUsername ?? '', at: row.lastAgentAt ?? updatedAt },
    }),
  }
}
