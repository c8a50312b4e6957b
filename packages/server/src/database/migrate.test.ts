import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engine, makeEmptyDatabase, type TestDatabase } from '../../testing/database.ts'
import { openBareDatabase, listMarks, writeMark } from '../../testing/bare-database.ts'
import { migrations } from './migrations/index.ts'
import { inspectDatabase, sqliteFile, type Database } from './open.ts'

const isSqlite = engine === 'sqlite'
const all = migrations.map(({ name }) => name)

let location: TestDatabase
beforeEach(async () => void (location = await makeEmptyDatabase()))
afterEach(() => location.remove())

/** The database, opened as often as a test needs; the data stays. */
const open = () => openBareDatabase({}, location)

/** Opens the database, works with it and closes it. */
async function use<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
  const database = await open()
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** Writes what migrations have run, as another program would have. */
function pretend(change: 'add 9999-from-the-future' | 'forget the last one'): Promise<void> {
  const last = all.at(-1) ?? ''
  return run(
    change === 'forget the last one'
      ? `delete from "migration" where "name" = '${last}'`
      : `insert into "migration" ("name", "appliedAt") values ('9999-from-the-future', '2030-01-01T00:00:00.000Z')`,
  )
}

/** Runs statements as they are written. */
async function run(...statements: string[]): Promise<void> {
  await use((database) =>
    database.transact(async (tx) => {
      const any = tx.sql.selectFrom('job').compile()
      for (const text of statements) await tx.run({ compile: () => ({ ...any, sql: text }) })
    }),
  )
}

describe('an empty database', () => {
  test('gets every table', async () => {
    const migrated = await use((database) => Promise.resolve(database.migrated))
    expect(migrated).toEqual({ names: all })
    expect(await inspectDatabase(location)).toMatchObject({ pending: [], strangers: [] })
  })

  test('that is opened a second time is left as it is', async () => {
    await use((database) => database.transact((tx) => writeMark(tx, 'kept')))
    await use(async (database) => {
      expect(database.migrated).toEqual({ names: [] })
      expect(await listMarks(database)).toEqual(['kept'])
    })
    expect(readdirSync(location.dataDir).filter((file) => file.includes('.before-'))).toEqual([])
  })

  test.skipIf(isSqlite)('may lie beside another Deskbell in the same server', async () => {
    const neighbour = await makeEmptyDatabase()
    const other = await openBareDatabase({}, neighbour)
    try {
      await use((database) => database.transact((tx) => writeMark(tx, 'ours')))
      expect(await listMarks(other)).toEqual([])
    } finally {
      await other.remove()
    }
  })
})

test('names of visitors who were there before are found in any case as well', async () => {
  const visitor = (id: string, name: string) =>
    `insert into "visitor" ("id", "username", "name", "updatedAt") values ('${id}', 'guest-${id}', '${name}', '')`
  await run(
    ...Array.from({ length: 1_001 }, (_, n) =>
      visitor(`v${String(n).padStart(4, '0')}`, n % 1_000 === 0 ? 'МАРИЯ' : 'Ana'),
    ),
    ...['usernameFolded', 'nameFolded'].map((column) => `alter table "visitor" drop column "${column}"`),
    `delete from "migration" where "name" = '0011-folded-names'`,
  )
  const folded = await use(({ transact }) =>
    transact((tx) =>
      tx.all(
        tx.sql.selectFrom('visitor').select(['id', 'nameFolded']).where('nameFolded', 'is not', null).orderBy('id'),
      ),
    ),
  )
  expect(folded).toEqual(['v0000', 'v1000'].map((id) => ({ id, nameFolded: 'мария' })))
})

describe('a database of a newer program', () => {
  test('is refused before anything is changed, and the error names what is unknown', async () => {
    await use((database) => database.transact((tx) => writeMark(tx, 'kept')))
    await pretend('add 9999-from-the-future')
    await expect(open()).rejects.toThrow('written by a newer Deskbell (it knows 9999-from-the-future)')
    expect(await inspectDatabase(location)).toMatchObject({ strangers: ['9999-from-the-future'] })
    expect(readdirSync(location.dataDir).filter((file) => file.includes('.before-'))).toEqual([])
  })
})

describe.runIf(isSqlite)('a SQLite file that must change', () => {
  test('is copied whole before, and nothing is changed where the change fails', async () => {
    await use((database) => database.transact((tx) => writeMark(tx, 'precious')))
    // The tables of the migration are there already: it fails halfway, as a broken one would.
    await pretend('forget the last one')
    await expect(open()).rejects.toThrow(/already exists|duplicate column/)

    const [copy = ''] = readdirSync(location.dataDir).filter((file) => file.includes('.before-'))
    expect(copy).toBe(`deskbell.sqlite.before-${all.at(-1) ?? ''}.2026-01-05T10-00-00.000Z`)
    for (const file of [join(location.dataDir, copy), sqliteFile(location.dataDir)]) {
      const connection = new Sqlite(file, { readonly: true })
      expect(connection.prepare('select name from counter').all()).toEqual([{ name: 'precious' }])
      expect(connection.pragma('integrity_check', { simple: true })).toBe('ok')
      connection.close()
    }
    expect(await inspectDatabase(location)).toMatchObject({ pending: all.slice(-1) })
  })

  test('is readable by its owner alone', async () => {
    await use(() => Promise.resolve())
    expect(existsSync(sqliteFile(location.dataDir))).toBe(true)
    expect(statSync(location.dataDir).mode & 0o077).toBe(0)
  })
})

describe.skipIf(isSqlite)('processes that start at once on an empty PostgreSQL database', () => {
  const opener = new URL('../../testing/open-once.ts', import.meta.url)

  async function openInProcess(): Promise<{ code: number | null; said: string }> {
    const child = spawn(process.execPath, [opener.pathname, location.url ?? ''], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, said }
  }

  test('all succeed, and each migration runs once', async () => {
    const outcomes = await Promise.all([openInProcess(), openInProcess(), openInProcess()])
    expect(outcomes.map(({ code, said }) => (code === 0 ? 'opened' : said))).toEqual(['opened', 'opened', 'opened'])
    const ran = outcomes.flatMap(({ said }) => JSON.parse(said) as string[])
    expect(ran.sort()).toEqual(all)
  })

  test('all succeed within one process as well, where they meet more closely', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, open))
    const ran = opened.flatMap(({ migrated }) => migrated.names)
    for (const database of opened) await database.close()
    expect(ran.sort()).toEqual(all)
  })
})
