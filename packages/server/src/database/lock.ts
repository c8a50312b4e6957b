import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
 * ever stale, and a process id that was given out anew fools nobody. There is nothing in that file, so that neither a power
 * cut nor a full disk can make it unusable; `deskbell.pid` tells the id, for people.
 * @throws DataFolderInUse, and what the system says of a folder or file that cannot be written
 */
export function lockDataFolder(dataDir: string): DataFolderLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const connection = new Sqlite(lockFile(dataDir), { timeout: 0 })
  try {
    takeOn(connection)
  } catch (error) {
    connection.close()
    throw isBusy(error) ? new DataFolderInUse(dataDir, ownerOf(dataDir)) : error
  }
  noteOwner(dataDir)
  return {
    release() {
      rmSync(ownerFile(dataDir), { force: true })
      connection.close()
    },
  }
}

/** Who works in the data folder: a process id, `unknown`, or nobody. Changes nothing. */
export function findDataFolderOwner(dataDir: string): number | 'unknown' | undefined {
  if (!existsSync(lockFile(dataDir))) return undefined
  const connection = new Sqlite(lockFile(dataDir), { timeout: 0 })
  try {
    takeOn(connection)
    return undefined
  } catch (error) {
    if (isBusy(error)) return ownerOf(dataDir) ?? 'unknown'
    throw error
  } finally {
    connection.close()
  }
}

/** The file that a process holds which works in a data folder. */
export function lockFile(dataDir: string): string {
  return join(dataDir, 'deskbell.lock')
}

/** A file that may only be read is not locked by this, and nobody is told. */
function takeOn(connection: Sqlite.Database): void {
  accessSync(connection.name, constants.W_OK)
  connection.exec('begin immediate')
}

function ownerFile(dataDir: string): string {
  return join(dataDir, 'deskbell.pid')
}

/** A disk that has no room for it has none for a wrong one either. */
function noteOwner(dataDir: string): void {
  rmSync(ownerFile(dataDir), { force: true })
  try {
    writeFileSync(ownerFile(dataDir), `${process.pid}\n`)
  } catch {
    rmSync(ownerFile(dataDir), { force: true })
  }
}

function ownerOf(dataDir: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(ownerFile(dataDir), 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
