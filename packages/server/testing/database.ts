import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { sqliteFile } from '../src/database/open.ts'

/** Which database this run of a test file uses; vitest.config.ts runs every file on each. */
export const engine = process.env['DESKBELL_TEST_ENGINE'] === 'postgres' ? 'postgres' : 'sqlite'

export interface TestDatabase {
  dataDir: string
  url?: string
  remove(): Promise<void>
}

/**
 * A database of one's own with the tables of the product and nothing in them: a copy of the one that the setup of this run
 * has migrated, which costs a tenth of migrating another.
 */
export async function makeTestDatabase(): Promise<TestDatabase> {
  const { dataDir, removeFolder } = makeFolder()
  if (engine === 'sqlite') {
    copyFileSync(given('DESKBELL_TEST_SQLITE_TEMPLATE'), sqliteFile(dataDir))
    return { dataDir, remove: removeFolder }
  }
  const base = given('DESKBELL_TEST_POSTGRES_URL')
  const template = given('DESKBELL_TEST_POSTGRES_TEMPLATE')
  const name = `${template}_${randomBytes(8).toString('hex')}`
  await withClient(base, (client) => client.query(`create database ${name} template ${template}`))
  const url = new URL(base)
  url.pathname = `/${name}`
  return {
    dataDir,
    url: url.href,
    async remove() {
      await withClient(base, (client) => client.query(`drop database ${name} with (force)`))
      await removeFolder()
    },
  }
}

/** An empty place without a table: a folder, or a schema of the test server that is dropped afterwards. */
export async function makeEmptyDatabase(): Promise<TestDatabase> {
  const { dataDir, removeFolder } = makeFolder()
  if (engine === 'sqlite') return { dataDir, remove: removeFolder }

  const base = given('DESKBELL_TEST_POSTGRES_URL')
  const schema = `deskbell_${randomBytes(8).toString('hex')}`
  await withClient(base, (client) => client.query(`create schema ${schema}`))
  const url = new URL(base)
  url.searchParams.set('options', `-c search_path=${schema}`)
  return {
    dataDir,
    url: url.href,
    async remove() {
      await withClient(base, (client) => client.query(`drop schema ${schema} cascade`))
      await removeFolder()
    },
  }
}

function makeFolder() {
  const dataDir = mkdtempSync(join(tmpdir(), 'deskbell-test-'))
  const removeFolder = () => {
    rmSync(dataDir, { recursive: true, force: true })
    return Promise.resolve()
  }
  return { dataDir, removeFolder }
}

/** What the setup of this run has found, started or made. */
function given(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error('Run the tests through vitest: it prepares their databases first.')
  return value
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
