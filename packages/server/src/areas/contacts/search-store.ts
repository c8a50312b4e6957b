import { sql, type Expression, type ExpressionBuilder, type SqlBool } from 'kysely'
import { escapeLike, likeAnywhere } from '../../database/like.ts'
import type { Tables } from '../../database/schema.ts'
import type { Reader } from '../../database/transaction.ts'
import { foldName } from '../timeline/timeline.ts'
import { visitorFromRow, type Visitor } from '../visitors/visitors.ts'

type Builder = ExpressionBuilder<Tables, 'visitor'>

export type VisitorColumn = 'createdAt' | 'name' | 'username' | 'lastChatAt'

export interface VisitorPage {
  offset: number
  limit: number
  order: readonly { column: VisitorColumn; direction: 'asc' | 'desc' }[]
}

/** Visitors who are known by a term, and how many there are; all of them for an empty term. */
export async function searchVisitors(
  reader: Reader,
  { term, searchable }: { term: string; searchable: readonly string[] },
  page: VisitorPage,
): Promise<{ visitors: Visitor[]; total: number }> {
  const known = reader.sql.selectFrom('visitor').where('disabledAt', 'is', null)
  const chosen = term === '' ? known : known.where((eb) => eb.or(meanings(eb, term, searchable)))
  let sorted = chosen.selectAll()
  for (const { column, direction } of page.order)
    // Visitors without a value sort before the others, on both databases.
    sorted = sorted.orderBy((eb) => eb.fn.coalesce(column, sql.lit('')), direction)
  const rows = await reader.all(sorted.orderBy('id', 'desc').limit(page.limit).offset(page.offset))
  const counted = await reader.first(chosen.select((eb) => eb.fn.countAll<number>().as('total')))
  return { visitors: rows.map(visitorFromRow), total: counted?.total ?? 0 }
}

/** The first visitors by name whose name begins like this. */
export async function listByPrefix(
  reader: Reader,
  { term, exceptIds, most }: { term: string; exceptIds: readonly string[]; most: number },
): Promise<Visitor[]> {
  let chosen = reader.sql
    .selectFrom('visitor')
    .selectAll()
    .where('disabledAt', 'is', null)
    .where((eb) => isLike(eb, 'name', `${escapeLike(foldName(term))}%`))
  if (exceptIds.length > 0) chosen = chosen.where('id', 'not in', [...exceptIds])
  return (await reader.all(chosen.orderBy('name').orderBy('id').limit(most))).map(visitorFromRow)
}

/** What must be true of a visitor; absent keys ask for nothing. */
export interface Criteria {
  email?: string | undefined
  phone?: string | undefined
  /** Field → part of its value. */
  fields: Readonly<Record<string, string>>
}

/** The first visitor of whom all criteria are true. */
export async function findByCriteria(reader: Reader, { email, phone, fields }: Criteria): Promise<Visitor | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('visitor')
      .selectAll()
      .where('disabledAt', 'is', null)
      .where((eb) =>
        eb.and([
          ...(email === undefined ? [] : [hasAddress(eb, email)]),
          ...(phone === undefined ? [] : [hasNumber(eb, phone)]),
          ...Object.entries(fields).map(([key, part]) => hasField(eb, [key], part)),
        ]),
      )
      .orderBy('createdAt')
      .orderBy('id')
      .limit(1),
  )
  return row && visitorFromRow(row)
}

function meanings(eb: Builder, term: string, searchable: readonly string[]): Expression<SqlBool>[] {
  const anywhere = likeAnywhere(foldName(term))
  return [
    hasAddress(eb, term),
    hasNumber(eb, term),
    isLike(eb, 'name', anywhere),
    isLike(eb, 'username', anywhere),
    ...(searchable.length === 0 ? [] : [hasField(eb, searchable, term)]),
  ]
}

/** What agents see as the address: that of the registration, else one the visitor wrote. */
function hasAddress(eb: Builder, email: string): Expression<SqlBool> {
  return eb.or([eb('email', '=', email), eb.and([eb('email', 'is', null), eb('foundEmail', '=', email)])])
}

function hasNumber(eb: Builder, phone: string): Expression<SqlBool> {
  return eb.or([eb('phone', '=', phone), eb.and([eb('phone', 'is', null), eb('foundPhone', '=', phone)])])
}

function hasField(eb: Builder, keys: readonly string[], part: string): Expression<SqlBool> {
  return eb.exists(
    eb
      .selectFrom('visitorField')
      .select('visitorField.key')
      .whereRef('visitorField.visitorId', '=', 'visitor.id')
      .where('visitorField.key', 'in', [...keys])
      .where(
        (field) => sql<SqlBool>`${field.ref('visitorField.folded')} like ${likeAnywhere(foldName(part))} escape '\\'`,
      ),
  )
}

/** Whether a name, folded, is like a pattern. SQL folds ASCII alone: where that would not do, the folded name is kept. */
function isLike(eb: Builder, column: 'name' | 'username', pattern: string): Expression<SqlBool> {
  const folded = sql`coalesce(${eb.ref(`${column}Folded`)}, lower(${eb.ref(column)}))`
  return sql<SqlBool>`${folded} like ${pattern} escape '\\'`
}
