import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresDialect,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteDialect,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type DatabaseIntrospector,
  type Dialect,
} from 'kysely'
import type { Pool } from 'pg'
import type { ColumnKinds } from './columns.ts'
import { inspect, type Inspection } from './inspect.ts'
import { migrate, requirePending } from './migrate.ts'
import type { Tables } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import type { Reader, Restarts, Transact, TransactionHooks } from './transaction.ts'
import { DatabaseUnusable } from './unusable.ts'

/** Where the data lives: a SQLite file in the data folder, or a PostgreSQL database. */
export interface DatabaseLocation {
  dataDir: string
  url?: string | undefined
}

/** One database, the same to everything outside this folder whichever it is. */
export interface Database {
  kind: 'sqlite' | 'postgres'
  /** Answers when the writes are on disk. */
  transact: Transact
  /** Sees what is committed. */
  reader: Reader
  /** The same for what may go through many rows: nobody else waits for it. */
  scanner: Reader
  /** The migrations that opening it ran, and the backup made before them. */
  migrated: { names: string[]; backup?: string }
  /** Rules and queries that wait for their turn. */
  waiting(): number
  /** How often rules were run again, and why. */
  restarts(): Restarts
  /** Whether writes were refused just now because the disk is full. */
  lacksSpace(): boolean
  close(): Promise<void>
}

const sqliteKinds: ColumnKinds = {
  id: 'text',
  text: 'text',
  time: 'text',
  count: 'integer',
  real: 'real',
  flag: 'integer',
  json: 'text',
}

// Byte order, as SQLite has it, whatever the database's locale.
const bytewise = sql`text collate "C"`

const postgresKinds: ColumnKinds = {
  id: bytewise,
  text: bytewise,
  time: bytewise,
  count: 'bigint',
  real: 'double precision',
  flag: 'integer',
  json: 'text',
}

/**
 * Opens the database, backs an existing SQLite file up if it must change, and brings its tables up to date.
 * @throws DatabaseUnusable when the database comes from a newer program, or there is no room for the backup.
 */
export function openDatabase(location: DatabaseLocation, hooks: TransactionHooks): Promise<Database> {
  return location.url === undefined
    ? openSqliteDatabase(location.dataDir, hooks)
    : openPostgresDatabase(location.url, hooks)
}

/** The SQLite file of a data folder. */
export function sqliteFile(dataDir: string): string {
  return join(dataDir, 'deskbell.sqlite')
}

/** What `doctor` asks: can it be opened, is it whole, would a start migrate it? Changes nothing; throws where it is not there. */
export async function inspectDatabase(location: DatabaseLocation): Promise<Inspection> {
  const { db, findDamage, end } =
    location.url === undefined ? inspectSqlite(location.dataDir) : await inspectPostgres(location.url)
  try {
    const damage = findDamage()
    return damage === undefined ? await inspect(db) : { pending: [], strangers: [], parked: [], letters: 0, damage }
  } finally {
    await end()
  }
}

async function openSqliteDatabase(dataDir: string, hooks: TransactionHooks): Promise<Database> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = sqliteFile(dataDir)
  const now = new Date(hooks.clock()).toISOString()
  const migrated = await migrateSqlite(file, now)
  const database = openSqlite(file, builderFor(sqliteBuilder), hooks)
  return { kind: 'sqlite', migrated, ...database }
}

async function migrateSqlite(file: string, now: string): Promise<Database['migrated']> {
  const existed = existsSync(file)
  const connection = new Sqlite(file)
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: connection }) })
  try {
    const pending = await requirePending(db)
    if (pending.length === 0) return { names: [] }
    const backup = existed ? `${file}.before-${pending[0] ?? ''}.${now.replaceAll(':', '-')}` : undefined
    if (backup !== undefined) await writeBackup(connection, backup)
    return { names: await migrate(db, sqliteKinds, now), ...(backup !== undefined && { backup }) }
  } finally {
    await db.destroy()
  }
}

/** A copy that did not become whole must not be there to be restored, or take the room that it did not find. */
async function writeBackup(connection: Sqlite.Database, backup: string): Promise<void> {
  const unfinished = `${backup}.unfinished`
  try {
    await connection.backup(unfinished)
    renameSync(unfinished, backup)
  } catch (error) {
    rmSync(unfinished, { force: true })
    const megabytes = Math.ceil(statSync(connection.name).size / 1_000_000)
    throw new DatabaseUnusable(
      `The tables are to be changed, and the backup before it could not be written to ${dirname(backup)} ` +
        `(${(error as Error).message}). Is there room for ${String(megabytes)} MB? Nothing was changed.`,
      { cause: error },
    )
  }
}

async function openPostgresDatabase(url: string, hooks: TransactionHooks): Promise<Database> {
  // Loaded only where it is used: most servers have no PostgreSQL, and its client takes memory and time to start.
  const { openPool, openPostgres } = await import('./postgres.ts')
  const db = new Kysely<unknown>({ dialect: postgresDialect(openPool(url, 'migration')) })
  try {
    const names = await migrate(db, postgresKinds, new Date(hooks.clock()).toISOString())
    return { kind: 'postgres', migrated: { names }, ...openPostgres(url, builderFor(postgresBuilder), hooks) }
  } finally {
    await db.destroy()
  }
}

function inspectSqlite(dataDir: string) {
  const connection = new Sqlite(sqliteFile(dataDir), { readonly: true, fileMustExist: true })
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
  const findDamage = () => {
    const found = connection.pragma('quick_check(1)', { simple: true })
    return found === 'ok' ? undefined : String(found)
  }
  return { db, findDamage, end: () => db.destroy() }
}

async function inspectPostgres(url: string) {
  const { openPool } = await import('./postgres.ts')
  const db = new Kysely<Tables>({ dialect: postgresDialect(openPool(url, 'migration')) })
  return { db, findDamage: () => undefined, end: () => db.destroy() }
}

/** For migrations and `doctor`: one connection of its own. */
function postgresDialect(pool: Pool): Dialect {
  const dialect = new PostgresDialect({ pool })
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => dialect.createDriver(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => ({
      getSchemas: () => dialect.createIntrospector(db).getSchemas(),
      getTables: () => listOwnTables(db),
    }),
  }
}

/** A server may hold other programs' schemas, and other Deskbells': only the tables of ours are ours. */
async function listOwnTables(db: Kysely<unknown>): ReturnType<DatabaseIntrospector['getTables']> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = current_schema()`.execute(db)
  return rows.map(({ name }) => ({ name, isView: false, isForeign: false, columns: [] }))
}

/** Builds and compiles only: running is the business of our own connections, which keep prepared statements. */
function builderFor(dialect: Dialect): Kysely<Tables> {
  return new Kysely<Tables>({ dialect })
}

const sqliteBuilder: Dialect = {
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => new DummyDriver(),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
}

const postgresBuilder: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new DummyDriver(),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
}
