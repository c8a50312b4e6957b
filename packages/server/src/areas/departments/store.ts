import type { Insertable, Selectable } from 'kysely'
import { fromJson, withoutNulls } from '../../database/columns.ts'
import type { DepartmentTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'

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

const byId = statement((sql, p: { id: string }) => sql.selectFrom('department').selectAll().where('id', '=', p.id))
const byName = statement((sql, p: { name: string }) =>
  sql.selectFrom('department').selectAll().where('name', '=', p.name).orderBy('id').limit(1),
)

export async function findDepartment(reader: Reader, id: string): Promise<Department | undefined> {
  const row = await byId.first(reader, { id })
  return row && fromRow(row)
}

export async function findDepartmentByName(reader: Reader, name: string): Promise<Department | undefined> {
  const row = await byName.first(reader, { name })
  return row && fromRow(row)
}

/** Inserts a department. */
export async function insertDepartment(tx: Transaction, row: Insertable<DepartmentTable>): Promise<void> {
  await tx.run(tx.sql.insertInto('department').values(row))
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

function fromRow(row: Selectable<DepartmentTable>): Department {
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
