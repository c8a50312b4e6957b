import type { Kysely } from 'kysely'
import { appliedMigrations, pendingMigrations } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import type { Tables } from './schema.ts'

/** What `doctor` looks at. */
export interface Inspection {
  /** Migrations that the next start would run. */
  pending: string[]
  /** Migrations that only a newer program knows. */
  strangers: string[]
  /** Jobs that were given up, by name. */
  parked: { name: string; count: number; lastError: string | null }[]
  /** Letters that wait for the mail server, given up or not. */
  letters: number
  /** The latest moment that the data knows of, ISO-8601; absent in an empty database. */
  newestAt?: string
  /** What the database itself found wrong with its file; absent: nothing. */
  damage?: string
}

/** Reads what `doctor` reports. Changes nothing. */
export async function inspect(db: Kysely<Tables>): Promise<Inspection> {
  const untyped = db as unknown as Kysely<unknown>
  const known = new Set(migrations.map((migration) => migration.name))
  const applied = await appliedMigrations(untyped)
  const found = {
    pending: await pendingMigrations(untyped),
    strangers: applied.filter((name) => !known.has(name)),
    parked: [],
    letters: 0,
  }
  // Tables that are not there yet, or have changed since, cannot be asked.
  if (found.pending.length > 0 || found.strangers.length > 0) return found
  const newestAt = await findNewest(db)
  const letters = await db
    .selectFrom('mail')
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirst()
  const counted = { parked: await listParked(db), letters: Number(letters?.count ?? 0) }
  return { ...found, ...counted, ...(newestAt !== undefined && { newestAt }) }
}

async function listParked(db: Kysely<Tables>): Promise<Inspection['parked']> {
  const rows = await db
    .selectFrom('job')
    .select((eb) => ['name', eb.fn.countAll().as('count'), eb.fn.max('lastError').as('lastError')])
    .where('parkedAt', 'is not', null)
    .groupBy('name')
    .orderBy('name')
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

/** Every column here is at an end of an index or in a small table: a large database answers at once. */
async function findNewest(db: Kysely<Tables>): Promise<string | undefined> {
  const room = await db.selectFrom('room').select('openedAt as at').orderBy('openedAt', 'desc').limit(1).execute()
  const session = await db
    .selectFrom('session')
    .select('createdAt as at')
    .orderBy('createdAt', 'desc')
    .limit(1)
    .execute()
  const user = await db.selectFrom('user').select('updatedAt as at').orderBy('updatedAt', 'desc').limit(1).execute()
  return [...room, ...session, ...user]
    .map(({ at }) => at)
    .sort()
    .at(-1)
}
