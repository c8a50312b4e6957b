import { sql, type ExpressionBuilder, type Expression, type SqlBool } from 'kysely'
import type { Tables } from '../../database/schema.ts'
import { likeAnywhere } from '../../database/like.ts'
import type { Reader } from '../../database/transaction.ts'
import { fold, fromRow, type User } from './store.ts'

/** Which accounts a list shows; what is absent excludes nobody. */
export interface UserFilter {
  role?: string | undefined
  /** Part of the username, the name or the address, whatever its case. */
  text?: string | undefined
  serviceStatus?: 'available' | undefined
  exceptId?: string | undefined
  /** Leaves out people who are offline; bots count as present. */
  presentOnly?: boolean | undefined
}

export type UserColumn = 'id' | 'username' | 'name' | 'email' | 'presence' | 'serviceStatus' | 'isActive' | 'createdAt'

export interface UserPage {
  offset: number
  limit: number
  order: readonly { column: UserColumn; direction: 'asc' | 'desc' }[]
}

/** Accounts, a page at a time, and how many there are in all. */
export async function listUsers(
  reader: Reader,
  filter: UserFilter,
  page: UserPage,
): Promise<{ users: User[]; total: number }> {
  const chosen = reader.sql.selectFrom('user').where((eb) => eb.and(conditionsOf(eb, filter)))
  let sorted = chosen.selectAll()
  for (const { column, direction } of page.order)
    // Accounts without a value sort before the others, on both databases.
    sorted = sorted.orderBy(
      (eb) => (isNullable(column) ? eb.fn.coalesce(column, sql.lit('')) : eb.ref(column)),
      direction,
    )
  const rows = await reader.all(sorted.orderBy('id').limit(page.limit).offset(page.offset))
  const counted = await reader.first(chosen.select((eb) => eb.fn.countAll<number>().as('total')))
  const roles = await rolesOf(
    reader,
    rows.map(({ id }) => id),
  )
  return { users: rows.map((row) => fromRow(row, roles.get(row.id) ?? [])), total: counted?.total ?? 0 }
}

function conditionsOf(eb: ExpressionBuilder<Tables, 'user'>, filter: UserFilter): Expression<SqlBool>[] {
  const { role, text, serviceStatus, exceptId, presentOnly } = filter
  return [
    ...(role === undefined ? [] : [hasRole(eb, role)]),
    ...(text === undefined || text === '' ? [] : [contains(eb, text)]),
    ...(serviceStatus === undefined ? [] : [eb('serviceStatus', '=', serviceStatus)]),
    ...(exceptId === undefined ? [] : [eb('user.id', '!=', exceptId)]),
    ...(presentOnly === true ? [eb.or([eb('presence', '!=', 'offline'), hasRole(eb, 'bot')])] : []),
  ]
}

function hasRole(eb: ExpressionBuilder<Tables, 'user'>, role: string): Expression<SqlBool> {
  return eb.exists(
    eb
      .selectFrom('userRole')
      .select('userRole.role')
      .whereRef('userRole.userId', '=', 'user.id')
      .where('userRole.role', '=', role),
  )
}

function contains(eb: ExpressionBuilder<Tables, 'user'>, text: string): Expression<SqlBool> {
  const pattern = likeAnywhere(fold(text))
  const isLike = (column: 'usernameFolded' | 'nameFolded' | 'emailFolded') =>
    sql<SqlBool>`${eb.ref(column)} like ${pattern} escape '\\'`
  return eb.or([isLike('usernameFolded'), isLike('nameFolded'), isLike('emailFolded')])
}

function isNullable(column: UserColumn): column is 'email' | 'serviceStatus' {
  return column === 'email' || column === 'serviceStatus'
}

async function rolesOf(reader: Reader, ids: readonly string[]): Promise<Map<string, string[]>> {
  const held = new Map<string, string[]>()
  if (ids.length === 0) return held
  const rows = await reader.all(
    reader.sql.selectFrom('userRole').selectAll().where('userId', 'in', ids).orderBy('role'),
  )
  for (const { userId, role } of rows) held.set(userId, [...(held.get(userId) ?? []), role])
  return held
}
