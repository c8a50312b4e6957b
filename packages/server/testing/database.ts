import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** Which database this run of a test file uses; vitest.config.ts runs every file on each. */
export const engine = process.env['DESKBELL_TEST_ENGINE'] === 'postgres' ? 'postgres' : 'sqlite'

export interface TestDatabase {
  dataDir: string
  url?: string
  remove(): Promise<void>
}

/** A database of one's own: a temporary folder, or a schema of the test server that is dropped afterwards. */
export async function makeTestDatabase(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'deskbell-test-'))
  const removeFolder = () => {
    rmSync(dataDir, { recursive: true, force: true })
    return Promise.resolve()
  }
  if (engine === 'sqlite') return { dataDir, remove: removeFolder }

  const base = postgresUrl()
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

/** The PostgreSQL server of the tests; postgres-setup.ts has found or started it. */
function postgresUrl(): string {
  const url = process.env['DESKBELL_TEST_POSTGRES_URL']
  if (url === undefined) throw new Error('Run the tests through vitest: it looks for PostgreSQL first.')
  return url
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
