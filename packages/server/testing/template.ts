// Databases that tests copy: migrated as a starting server does it, and empty.
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import pg from 'pg'
import { openDatabase, type DatabaseLocation } from '../src/database/open.ts'
import { makeNewId } from '../src/ids.ts'

/** Brings the tables of the product into an empty place. */
export async function migrateOnce(location: DatabaseLocation): Promise<void> {
  const database = await openDatabase(location, {
    clock: Date.now,
    newId: makeNewId(Date.now),
    reactions: {},
    enqueue: () => Promise.resolve(),
    publish: () => undefined,
  })
  await database.close()
}

const PREFIX = `deskbell_test_${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}_`

/**
 * Makes the database that the tests of this process copy; answers its name, with which the names of all copies begin. What
 * earlier processes of this machine left behind, because somebody killed them, goes.
 */
export async function makeTemplate(serverUrl: string): Promise<string> {
  const name = `${PREFIX}${String(process.pid)}`
  await dropTestDatabases(serverUrl, (ownerId) => ownerId === process.pid || !isAlive(ownerId))
  await withClient(serverUrl, (client) => client.query(`create database ${name} encoding 'UTF8' template template0`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await migrateOnce({ dataDir: '', url: url.href })
  // Nobody can be copied who is being talked to.
  await withClient(serverUrl, (client) => client.query(`alter database ${name} with allow_connections false`))
  return name
}

/** Removes what this process has made. */
export async function dropTemplate(serverUrl: string): Promise<void> {
  await dropTestDatabases(serverUrl, (ownerId) => ownerId === process.pid)
}

async function dropTestDatabases(serverUrl: string, isOurs: (ownerId: number) => boolean): Promise<void> {
  await withClient(serverUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>('select datname as name from pg_database')
    for (const { name } of rows) {
      const ownerId = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN
      // Another run may clean up at this moment.
      if (isOurs(ownerId)) await client.query(`drop database if exists ${name} with (force)`)
    }
  })
}

/** Whether a process of this machine is there. */
export function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId)) return true
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // There, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
