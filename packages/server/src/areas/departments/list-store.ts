import { sql, type Expression, type ExpressionBuilder, type SqlBool } from 'kysely'
import { escapeLike, likeAnywhere } from '../../database/like.ts'
import type { Tables } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader } from '../../database/transaction.ts'
import { foldName } from '../timeline/timeline.ts'
import { fromRow, type Department } from './store.ts'

/** Which departments a list shows; what is absent excludes none. */
export interface DepartmentFilter {
  isArchived?: boolean | undefined
  enabledOnly?: boolean | undefined
  /** Part of the name, whatever its case. */
  text?: string | undefined
  /** How the name begins, whatever its case. */
  prefix?: string | undefined
  exceptIds?: readonly string[] | undefined
  ids?: readonly string[] | undefined
  /** Only those this agent works in. */
  ofAgentId?: string | undefined
}

export type DepartmentColumn = 'id' | 'name' | 'isEnabled' | 'agentCount' | 'createdAt' | 'updatedAt'

export interface DepartmentPage {
  offset: number
  limit: number
  order: readonly { column: DepartmentColumn; direction: 'asc' | 'desc' }[]
}

/** Departments, a page at a time, and how many there are in all. */
export async function listDepartments(
  reader: Reader,
  filter: DepartmentFilter,
  page: DepartmentPage,
): Promise<{ departments: Department[]; total: number }> {
  const chosen = reader.sql.selectFrom('department').where((eb) => eb.and(conditionsOf(eb, filter)))
  let sorted = chosen.selectAll()
  for (const { column, direction } of page.order) sorted = sorted.orderBy(column, direction)
  const rows = await reader.all(sorted.orderBy('id').limit(page.limit).offset(page.offset))
  const counted = await reader.first(chosen.select((eb) => eb.fn.countAll<number>().as('total')))
  return { departments: rows.map(fromRow), total: counted?.total ?? 0 }
}

/** The most departments that a visitor is offered. */
const MOST_SHOWN = 500

const staffed = statement((db) =>
  db
    .selectFrom('department')
    .selectAll()
    .where('isEnabled', '=', 1)
    .where('archivedAt', 'is', null)
    .where('agentCount', '>', 0)
    .orderBy('name')
    .orderBy('id')
    .limit(MOST_SHOWN),
)

/** The departments that take chats and have somebody to answer, by name. */
export async function listStaffedDepartments(reader: Reader): Promise<Department[]> {
  return (await staffed.all(reader, {})).map(fromRow)
}

function conditionsOf(eb: ExpressionBuilder<Tables, 'department'>, filter: DepartmentFilter): Expression<SqlBool>[] {
  const { isArchived, enabledOnly, text, prefix, exceptIds, ids, ofAgentId } = filter
  return [
    ...(isArchived === undefined ? [] : [eb('archivedAt', isArchived ? 'is not' : 'is', null)]),
    ...(enabledOnly === true ? [eb('isEnabled', '=', 1)] : []),
    ...(text === undefined ? [] : [isNamed(eb, likeAnywhere(foldName(text)))]),
    ...(prefix === undefined ? [] : [isNamed(eb, `${escapeLike(foldName(prefix))}%`)]),
    ...(exceptIds === undefined || exceptIds.length === 0 ? [] : [eb('id', 'not in', [...exceptIds])]),
    ...(ids === undefined ? [] : [eb('id', 'in', [...ids])]),
    ...(ofAgentId === undefined ? [] : [hasMember(eb, ofAgentId)]),
  ]
}

function isNamed(eb: ExpressionBuilder<Tables, 'department'>, pattern: string): Expression<SqlBool> {
  return sql<SqlBool>`${eb.ref('nameFolded')} like ${pattern} escape '\\'`
}

function hasMember(eb: ExpressionBuilder<Tables, 'department'>, agentId: string): Expression<SqlBool> {
  return eb.exists(
    eb
      .selectFrom('departmentAgent')
      .select('departmentAgent.id')
      .whereRef('departmentAgent.departmentId', '=', 'department.id')
      .where('departmentAgent.agentId', '=', agentId),
  )
}
