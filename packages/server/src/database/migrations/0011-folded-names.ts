import { sql, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

const AT_ONCE = 1_000

/** Names of visitors as agents search for them, where SQL cannot fold them: it knows the case of ASCII letters only. */
export async function up(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  for (const name of ['usernameFolded', 'nameFolded'])
    await db.schema.alterTable('visitor').addColumn(name, kind.text).execute()
  for (let after = ''; ;) {
    const { rows } = await sql<{ id: string; name: string | null; username: string | null }>`
      select "id", "name", "username" from "visitor" where "id" > ${after} order by "id" limit ${AT_ONCE}`.execute(db)
    for (const { id, name, username } of rows) {
      const [nameFolded, usernameFolded] = [foldedOf(name), foldedOf(username)]
      if (nameFolded === null && usernameFolded === null) continue
      await sql`update "visitor" set "nameFolded" = ${nameFolded}, "usernameFolded" = ${usernameFolded}
        where "id" = ${id}`.execute(db)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < AT_ONCE) return
    after = last.id
  }
}

/** As it was when this migration was written; a migration never changes. */
function foldedOf(name: string | null): string | null {
  if (name === null || !/[\u0080-\uffff]/.test(name)) return null
  return name.normalize('NFKC').toLowerCase()
}
