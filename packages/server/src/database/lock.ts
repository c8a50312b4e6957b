import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/** Another process works in the data folder. */
export class DataFolderInUse extends Error {
  override name = 'DataFolderInUse'
  /** Undefined in the instant between taking the lock and saying who did. */
  readonly pid: number | undefined

  constructor(dataDir: string, pid: number | undefined) {
    const owner = pid === undefined ? 'another process' : `process ${pid}`
    super(`The data folder ${dataDir} is in use by ${owner}. Stop it first, or use another folder (--data).`)
    this.pid = pid
  }
}

export interface DataFolderLock {
  release(): void
}

/**
 * Makes this process the only one that works in a data folder; creates the folder when absent.
 * The lock is the operating system's, on the file `deskbell.lock`: it ends with the process, however that ends, so none is
 * ever stale, and a process id that was given out anew fools nobody. The file also tells the id, for people.
 * @throws DataFolderInUse
 */
export function lockDataFolder(dataDir: string): DataFolderLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const connection = new Sqlite(lockFile(dataDir), { timeout: 0 })
  try {
    connection.pragma('synchronous = OFF')
    connection.exec('create table if not exists owner (pid integer not null)')
    // Readers see committed rows only, so the id is committed first. Whoever comes between the two wins the lock.
    connection
      .transaction(() => {
        connection.exec('delete from owner')
        connection.prepare('insert into owner values (?)').run(process.pid)
      })
      .immediate()
    connection.exec('begin immediate')
  } catch (error) {
    const pid = isBusy(error) ? ownerOf(connection) : undefined
    connection.close()
    throw isBusy(error) ? new DataFolderInUse(dataDir, pid) : error
  }
  return { release: () => void connection.close() }
}

/** Who works in the data folder: a process id, `unknown`, or nobody. Changes nothing. */
export function findDataFolderOwner(dataDir: string): number | 'unknown' | undefined {
  if (!existsSync(lockFile(dataDir))) return undefined
  const connection = new Sqlite(lockFile(dataDir), { timeout: 0 })
  try {
    connection.exec('begin immediate; rollback')
    return undefined
  } catch (error) {
    if (isBusy(error)) return ownerOf(connection) ?? 'unknown'
    throw error
  } finally {
    connection.close()
  }
}

function lockFile(dataDir: string): string {
  return join(dataDir, 'deskbell.lock')
}

function ownerOf(connection: Sqlite.Database): number | undefined {
  try {
    return connection.prepare<[], { pid: number }>('select pid from owner').get()?.pid
  } catch (error) {
    if (isBusy(error)) return undefined
    throw error
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
