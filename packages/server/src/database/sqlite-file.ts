// One connection to an SQLite file, and how statements run on it.
import Sqlite from 'better-sqlite3'
import type { Executor } from './transaction.ts'

const KEPT_STATEMENTS = 600

/** Opens a file the way every acknowledged write needs it: WAL, and a flush to disk in each commit. */
export function openSqliteFile(file: string, options: { readonly: boolean }): Sqlite.Database {
  const connection = new Sqlite(file, { readonly: options.readonly, timeout: 0 })
  if (!options.readonly) connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  // Where a plain flush leaves the bytes in the drive's cache (macOS), ask for the one that does not.
  connection.pragma('fullfsync = ON')
  connection.pragma('foreign_keys = ON')
  connection.pragma('temp_store = MEMORY')
  connection.pragma('cache_size = -16000')
  // Moving the log into the file stops everybody for tens of milliseconds. Four times as rarely, most of its pages were
  // written again meanwhile and move once; the log stays below about 20 MB.
  connection.pragma('wal_autocheckpoint = 4000')
  return connection
}

/** Runs statements on one connection, keeping the prepared ones by their text; with `readsOnly` it refuses to write. */
export function sqliteExecutor(connection: Sqlite.Database, { readsOnly = false } = {}): Executor {
  const kept = new Map<string, Sqlite.Statement>()

  function prepare(sql: string): Sqlite.Statement {
    let found = kept.get(sql)
    if (found === undefined) {
      found = connection.prepare(sql)
      if (readsOnly && !found.readonly) throw new Error('A readonly connection was asked to write.')
      if (kept.size >= KEPT_STATEMENTS) kept.delete(kept.keys().next().value ?? '')
      kept.set(sql, found)
    }
    return found
  }

  return {
    all: (sql, values) =>
      attempt(() => {
        const prepared = prepare(sql)
        return prepared.reader ? prepared.all(...values) : (prepared.run(...values), [])
      }),
    run: (sql, values) => attempt(() => prepare(sql).run(...values).changes),
  }
}

/** A rule that forgot an `await` must see a rejected promise, as it would on a database that answers later. */
function attempt<Result>(action: () => Result): Promise<Result> {
  return new Promise((resolve) => resolve(action()))
}
