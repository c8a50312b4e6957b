import { sql, type Kysely, type Transaction } from 'kysely'
import type { ColumnKinds } from './columns.ts'
import { migrations } from './migrations/index.ts'
import { DatabaseUnusable } from './unusable.ts'

const TABLE = 'migration'

/** The names of migrations that have run, oldest first; none on an empty database. */
export async function appliedMigrations(db: Kysely<unknown>): Promise<string[]> {
  if (!(await hasTable(db))) return []
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(TABLE)} order by name`.execute(db)
  return rows.map((row) => row.name)
}

/**
 * The names of the migrations that this program has and the database has not seen.
 * @throws DatabaseUnusable when the database comes from a newer program.
 */
export async function requirePending(db: Kysely<unknown>): Promise<string[]> {
  const applied = await appliedMigrations(db)
  const { pending, strangers } = compare(applied)
  if (strangers.length > 0)
    throw new DatabaseUnusable(
      `This database was written by a newer Deskbell (it knows ${strangers.join(', ')}): upgrade the program.`,
    )
  return pending
}

/** The names of the migrations that this program has and the database has not seen. */
export async function pendingMigrations(db: Kysely<unknown>): Promise<string[]> {
  return compare(await appliedMigrations(db)).pending
}

/**
 * Brings the database to this program's tables, all in one transaction: either every pending migration has run or none.
 * Of several processes that start at once, one runs them and the others wait.
 * @throws DatabaseUnusable when the database comes from a newer program.
 */
export async function migrate(db: Kysely<unknown>, kind: ColumnKinds, now: string): Promise<string[]> {
  const pending = await requirePending(db)
  if (pending.length === 0) return []
  await ensureTable(db, kind)
  return db.transaction().execute(async (tx) => {
    const ran: string[] = []
    for (const { name, up } of migrations) {
      if (!pending.includes(name) || !(await claim(tx, name, now))) continue
      await up(tx, kind)
      ran.push(name)
    }
    return ran
  })
}

/** Writes the name first: a second process waits at the unique key until the first has committed, and then skips it. */
async function claim(tx: Transaction<unknown>, name: string, now: string): Promise<boolean> {
  const { rows } = await sql`
    insert into ${sql.table(TABLE)} (name, "appliedAt") values (${name}, ${now})
    on conflict do nothing returning name`.execute(tx)
  return rows.length > 0
}

async function ensureTable(db: Kysely<unknown>, kind: ColumnKinds): Promise<void> {
  try {
    await db.schema
      .createTable(TABLE)
      .ifNotExists()
      .addColumn('name', kind.text, (c) => c.primaryKey())
      .addColumn('appliedAt', kind.time, (c) => c.notNull())
      .execute()
  } catch (error) {
    // `if not exists` looks first and creates afterwards: of two processes that start at once, one may fail.
    if (!(await hasTable(db))) throw error
  }
}

async function hasTable(db: Kysely<unknown>): Promise<boolean> {
  return (await db.introspection.getTables()).some((table) => table.name === TABLE)
}

function compare(applied: readonly string[]): { pending: string[]; strangers: string[] } {
  const known = migrations.map((migration) => migration.name)
  return {
    pending: known.filter((name) => !applied.includes(name)),
    strangers: applied.filter((name) => !known.includes(name)),
  }
}
