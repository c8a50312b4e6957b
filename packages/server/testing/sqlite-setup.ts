// Migrates one SQLite file before the tests; each test takes a copy of it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteFile } from '../src/database/open.ts'
import { migrateOnce } from './template.ts'

let folder: string | undefined

/** Before the tests of this database: says in the environment where the file lies. */
export async function setup(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'deskbell-template-'))
  await migrateOnce({ dataDir: folder })
  process.env['DESKBELL_TEST_SQLITE_TEMPLATE'] = sqliteFile(folder)
}

/** After the tests. */
export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
