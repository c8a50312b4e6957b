import type { InsertObject, Selectable, UpdateObject } from 'kysely'
import { fromJson, toFlag, toJson, withoutNulls } from '../../database/columns.ts'
import type { DepartmentTable, Tables } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { foldName } from '../timeline/timeline.ts'

/** A part of the desk with agents and rules of its own. */
export interface Department {
  id: string
  name: string
  /** Where messages go while nobody is there. */
  email: string
  /** Takes chats. Archived ones never do. */
  isEnabled: boolean
  showOnRegistration: boolean
  showOnOfflineForm: boolean
  agentCount: number
  description?: string
  /** Chats are closed with a tag only. */
  asksForTags?: boolean
  /** Put on every chat that is closed here. */
  closingTags?: string[]
  offlineChannel?: string
  /** The department asked while nobody is here. */
  fallbackId?: string
  /** The only departments that chats may be forwarded to from here; empty: all. */
  forwardsTo?: string[]
  /** Chats may be forwarded to it while nobody is there: they wait. */
  receivesWhileOffline?: boolean
  /** As it was given: a number, or the text of one. */
  chatLimit?: number | string
  /** Seconds, as it was given. */
  inactivityTimeout?: number | string
  abandonedMessage?: string
  waitingMessage?: string
  archivedAt?: string
  createdAt: string
  updatedAt: string
}

/** What an administrator says of a department; absent keys stay as they are, null ones go. */
export interface DepartmentDraft {
  name: string
  email: string
  isEnabled: boolean
  showOnRegistration: boolean
  showOnOfflineForm: boolean
  description?: string | null | undefined
  asksForTags?: boolean | null | undefined
  closingTags?: readonly string[] | null | undefined
  offlineChannel?: string | null | undefined
  fallbackId?: string | null | undefined
  forwardsTo?: readonly string[] | null | undefined
  receivesWhileOffline?: boolean | null | undefined
  chatLimit?: number | string | null | undefined
  inactivityTimeout?: number | string | null | undefined
  abandonedMessage?: string | null | undefined
  waitingMessage?: string | null | undefined
}

const byId = statement((sql, p: { id: string }) => sql.selectFrom('department').selectAll().where('id', '=', p.id))
const byName = statement((sql, p: { name: string }) =>
  sql.selectFrom('department').selectAll().where('name', '=', p.name).orderBy('id').limit(1),
)

const openByName = statement((sql, p: { name: string }) =>
  sql
    .selectFrom('department')
    .selectAll()
    .where('name', '=', p.name)
    .where('isEnabled', '=', 1)
    .where('archivedAt', 'is', null)
    .orderBy('id')
    .limit(1),
)

/**
 * Lets the changes of departments run one after the other until this transaction ends: what is checked of other
 * departments (nobody falls back in a circle) and of agents is still so when it commits.
 */
export async function takeDepartments(tx: Transaction): Promise<void> {
  await tx.run(
    tx.sql
      .insertInto('counter')
      .values({ name: 'departments', value: 1 })
      .onConflict((conflict) => conflict.column('name').doUpdateSet((eb) => ({ value: eb('counter.value', '+', 1) }))),
  )
}

export async function findDepartment(reader: Reader, id: string): Promise<Department | undefined> {
  const row = await byId.first(reader, { id })
  return row && fromRow(row)
}

/** The names of the departments with these ids. Id → name. */
export async function findDepartmentNames(reader: Reader, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await reader.all(
    reader.sql
      .selectFrom('department')
      .select(['id', 'name'])
      .where('id', 'in', [...new Set(ids)]),
  )
  return new Map(rows.map(({ id, name }) => [id, name]))
}

export async function findDepartmentByName(reader: Reader, name: string): Promise<Department | undefined> {
  const row = await byName.first(reader, { name })
  return row && fromRow(row)
}

/** A department of this name that takes chats, should an archived one be called the same. */
export async function findOpenDepartmentByName(reader: Reader, name: string): Promise<Department | undefined> {
  const row = await openByName.first(reader, { name })
  return row && fromRow(row)
}

/** Department → its fallback. */
export async function listFallbacks(reader: Reader): Promise<Map<string, string>> {
  const rows = await reader.all(
    reader.sql.selectFrom('department').select(['id', 'fallbackId']).where('fallbackId', 'is not', null),
  )
  return new Map(rows.map(({ id, fallbackId }) => [id, fallbackId ?? '']))
}

/** The columns that a draft sets. */
export function columnsOf(draft: DepartmentDraft) {
  const { isEnabled, showOnRegistration, showOnOfflineForm, asksForTags, receivesWhileOffline, ...rest } = draft
  const { closingTags, forwardsTo, chatLimit, inactivityTimeout, ...texts } = rest
  return {
    ...texts,
    nameFolded: foldName(draft.name),
    isEnabled: toFlag(isEnabled),
    showOnRegistration: toFlag(showOnRegistration),
    showOnOfflineForm: toFlag(showOnOfflineForm),
    asksForTags: orAbsent(asksForTags, toFlag),
    receivesWhileOffline: orAbsent(receivesWhileOffline, toFlag),
    closingTags: orAbsent(closingTags, toJson),
    forwardsTo: orAbsent(forwardsTo, toJson),
    chatLimit: orAbsent(chatLimit, toJson),
    inactivityTimeout: orAbsent(inactivityTimeout, toJson),
  }
}

/** A query leaves undefined columns as they are. */
function orAbsent<Value, Stored>(
  value: Value | null | undefined,
  store: (value: Value) => Stored,
): Stored | null | undefined {
  if (value === undefined) return undefined
  return value === null ? null : store(value)
}

/** Inserts a department. */
export async function insertDepartment(tx: Transaction, row: InsertObject<Tables, 'department'>): Promise<void> {
  await tx.run(tx.sql.insertInto('department').values(row))
}

/** Writes columns of a department; answers false where there is none. */
export async function updateDepartment(
  tx: Transaction,
  id: string,
  change: UpdateObject<Tables, 'department'>,
): Promise<boolean> {
  const updated = await tx.run(
    tx.sql
      .updateTable('department')
      .set({ ...change, updatedAt: tx.now })
      .where('id', '=', id),
  )
  return updated === 1
}

/** Removes a department, with whoever works in it. */
export async function deleteDepartment(tx: Transaction, id: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('department').where('id', '=', id))
}

/** Takes a department out of what other departments and chats that wait say of it. */
export async function forgetReferences(tx: Transaction, id: string): Promise<void> {
  const { sql, now: updatedAt } = tx
  await tx.run(sql.updateTable('department').set({ fallbackId: null, updatedAt }).where('fallbackId', '=', id))
  await tx.run(sql.updateTable('inquiry').set({ departmentId: null, updatedAt }).where('departmentId', '=', id))
  const forwarding = await tx.all(
    sql.selectFrom('department').select(['id', 'forwardsTo']).where('forwardsTo', 'is not', null),
  )
  for (const { id: from, forwardsTo } of forwarding) {
    const ids = fromJson<string[]>(forwardsTo) ?? []
    if (!ids.includes(id)) continue
    await updateDepartment(tx, from, { forwardsTo: toJson(ids.filter((each) => each !== id)) })
  }
}

/** Takes a department out of up to `most` visitors. Answers how many. */
export function forgetInVisitors(tx: Transaction, id: string, most: number): Promise<number> {
  const some = tx.sql.selectFrom('visitor').select('id').where('departmentId', '=', id).limit(most)
  return tx.run(tx.sql.updateTable('visitor').set({ departmentId: null, updatedAt: tx.now }).where('id', 'in', some))
}

/** Adds an agent to a department; answers false for one who belongs to it. */
export async function insertMember(
  tx: Transaction,
  member: { departmentId: string; agentId: string; rotation: number; position: number; isEnabled: number },
): Promise<boolean> {
  const inserted = await tx.run(
    tx.sql
      .insertInto('departmentAgent')
      .values({ id: tx.newId(), ...member, createdAt: tx.now, updatedAt: tx.now })
      .onConflict((conflict) => conflict.columns(['departmentId', 'agentId']).doNothing()),
  )
  return inserted === 1
}

/** Writes how many agents belong to a department now. */
export async function recountMembers(tx: Transaction, departmentId: string): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('department')
      .set((eb) => ({
        agentCount: eb
          .selectFrom('departmentAgent')
          .select((count) => count.fn.countAll<number>().as('count'))
          .where('departmentId', '=', departmentId),
        updatedAt: tx.now,
      }))
      .where('id', '=', departmentId),
  )
}

/** A department as the rules see it. */
export function fromRow(row: Selectable<DepartmentTable>): Department {
  const { description, offlineChannel, fallbackId, abandonedMessage, waitingMessage, archivedAt } = row
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    isEnabled: row.isEnabled === 1,
    showOnRegistration: row.showOnRegistration === 1,
    showOnOfflineForm: row.showOnOfflineForm === 1,
    agentCount: row.agentCount,
    ...withoutNulls({
      description,
      offlineChannel,
      fallbackId,
      abandonedMessage,
      waitingMessage,
      archivedAt,
      asksForTags: row.asksForTags === null ? null : row.asksForTags === 1,
      receivesWhileOffline: row.receivesWhileOffline === null ? null : row.receivesWhileOffline === 1,
      closingTags: fromJson<string[]>(row.closingTags) ?? null,
      forwardsTo: fromJson<string[]>(row.forwardsTo) ?? null,
      chatLimit: fromJson<number | string>(row.chatLimit) ?? null,
      inactivityTimeout: fromJson<number | string>(row.inactivityTimeout) ?? null,
    }),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}
