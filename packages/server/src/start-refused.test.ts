// A server that cannot start says why in a sentence, with what to do, and leaves what it found as it was.
import { chmodSync, openSync, readdirSync, readFileSync, closeSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engine, makeTestDatabase, type TestDatabase } from '../testing/database.ts'
import { canLimitFiles } from '../testing/file-limit.ts'
import { runCommand, startServerProcess, type ServerProcessOptions } from '../testing/process.ts'
import { canLackRights, withoutOverride } from '../testing/rights.ts'
import { openBareDatabase } from '../testing/bare-database.ts'
import { canMakeDisk, onSmallDisk } from '../testing/small-disk.ts'
import { sqliteFile } from './database/open.ts'

const LONG = { timeout: 60_000 }

let database: TestDatabase
beforeEach(async () => void (database = await makeTestDatabase()))
afterEach(() => database.remove())

/** Starts a server that cannot start; answers its sentence. */
async function refusal(options: ServerProcessOptions & { at?: TestDatabase } = {}): Promise<string> {
  const { code, output, errors } = await runCommand(options.at ?? database, ['serve'], options)
  expect([code, output]).toEqual([1, ''])
  // One line, and so no stack.
  const [, sentence = ''] = /^deskbell: (.+)\n$/.exec(errors) ?? []
  expect(sentence, errors).not.toBe('')
  return sentence
}

/** Has the migrations of another program in the place of ours. */
function pretend(change: string): void {
  const file = new Sqlite(sqliteFile(database.dataDir))
  file.exec(change)
  file.close()
}

describe.runIf(engine === 'sqlite')('a data folder', () => {
  test('of another server is named with who has it; what a killed one leaves is no hindrance', LONG, async () => {
    const server = await startServerProcess(database)
    expect(await refusal()).toBe(
      `The data folder ${database.dataDir} is in use by process ${String(server.pid)}. ` +
        'Stop it first, or use another folder (--data).',
    )
    expect((await server.call('GET /livechat/config')).status).toBe(200)
    await server.kill()
    const next = await startServerProcess(database)
    expect((await next.call('GET /livechat/config')).status).toBe(200)
    expect(await next.stop()).toBe(0)
  })

  test('whose lock says nothing that makes sense, as after a power cut, is usable', LONG, async () => {
    for (const bytes of [0, 4_096]) {
      writeFileSync(join(database.dataDir, 'deskbell.lock'), '')
      writeFileSync(join(database.dataDir, 'deskbell.pid'), Buffer.alloc(bytes))
      expect(await (await startServerProcess(database)).stop()).toBe(0)
    }
  })

  test.runIf(canLackRights)('in which somebody may not write is named, and nobody works there', LONG, async () => {
    await (await startServerProcess(database)).stop()
    const written = ['deskbell.lock', 'deskbell.sqlite', '.']
    for (const name of written) {
      const path = join(database.dataDir, name)
      chmodSync(path, name === '.' ? 0o500 : 0o400)
      expect(await refusal({ under: withoutOverride })).toMatch(
        name === '.'
          ? /^\S+ or its folder cannot be written by this user\. Give the folder, with what is in it, to the user that/
          : new RegExp(`^${path} or its folder cannot be written by this user`),
      )
      chmodSync(path, 0o700)
    }
    const { code, output } = await runCommand(database, ['doctor'], { under: withoutOverride })
    expect([code, output]).toEqual([0, expect.stringContaining('is free: no server is running')])
  })

  test.runIf(canLackRights)('that cannot be made is named', LONG, async () => {
    chmodSync(database.dataDir, 0o500)
    const at = { ...database, dataDir: join(database.dataDir, 'deeper', 'still') }
    expect(await refusal({ at, under: withoutOverride })).toContain('cannot be written by this user')
    chmodSync(database.dataDir, 0o700)
  })

  test('that is a file is none', LONG, async () => {
    const at = { ...database, dataDir: sqliteFile(database.dataDir) }
    expect(await refusal({ at })).toBe(`${at.dataDir} is no folder. Choose another one with --data.`)
  })
})

describe.runIf(engine === 'sqlite')('a database file', () => {
  const file = () => sqliteFile(database.dataDir)

  test('that is none is left alone', LONG, async () => {
    writeFileSync(file(), 'these are my diaries'.repeat(1_000))
    const before = readFileSync(file())
    expect(await refusal()).toBe(`${file()} is damaged (file is not a database). Move it away and restore a backup.`)
    expect(readFileSync(file()).equals(before)).toBe(true)
    expect((await runCommand(database, ['doctor'])).code).toBe(1)
  })

  test('with a torn page is damaged', LONG, async () => {
    const at = openSync(file(), 'r+')
    // The second page on: what the tables are is on the first ones.
    writeSync(at, Buffer.alloc(16_384, 0xff), 0, 16_384, 100)
    closeSync(at)
    expect(await refusal()).toContain(`${file()} is damaged (`)
    const { code, output, errors } = await runCommand(database, ['doctor'])
    expect([code, errors]).toEqual([1, ''])
    expect(output).toMatch(/^fail {2}database /m)
  })

  test('of a newer Deskbell is left alone', LONG, async () => {
    pretend(`insert into migration values ('9999-from-the-future', '2030-01-01T00:00:00.000Z')`)
    expect(await refusal()).toBe(
      'This database was written by a newer Deskbell (it knows 9999-from-the-future): upgrade the program.',
    )
  })
})

describe.runIf(engine === 'sqlite' && canLimitFiles)('a disk that is full when the server starts', () => {
  const noRoom = () =>
    `The disk of ${database.dataDir} has no room for what is to be written there. Make room, and start again.`

  test('is told', LONG, async () => {
    expect(await refusal({ under: ['prlimit', '--fsize=1:', '--'] })).toBe(noRoom())
  })

  test('where a backup is to be made before a migration keeps neither a part of it nor its data', LONG, async () => {
    pretend(`delete from migration where name = (select max(name) from migration)`)
    pretend('create table filler as select zeroblob(3000000) as bytes')
    const before = readFileSync(sqliteFile(database.dataDir))
    expect(await refusal({ under: ['prlimit', '--fsize=2000000:', '--'] })).toMatch(
      /the backup before it could not be written to \S+ \(.+\)\. Is there room for 4 MB\? Nothing was changed\.$/,
    )
    expect(readdirSync(database.dataDir).filter((name) => name.includes('before'))).toEqual([])
    expect(readFileSync(sqliteFile(database.dataDir)).equals(before)).toBe(true)
  })
})

describe.skipIf(engine === 'sqlite')('a PostgreSQL', () => {
  const at = (change: (url: URL) => void): TestDatabase => {
    const url = new URL(database.url ?? '')
    change(url)
    return { ...database, url: url.href }
  }

  test('that is not there is named without its password', LONG, async () => {
    const said = await refusal({
      at: at((url) => {
        url.port = '1'
        url.password = 'hunter22'
      }),
    })
    expect(said).toMatch(/^PostgreSQL at \S+:1 cannot be reached: .*ECONNREFUSED/)
    expect(said).not.toContain('hunter22')
  })

  test('without this database is named', LONG, async () => {
    const said = await refusal({ at: at((url) => (url.pathname = '/nowhere_to_be_found')) })
    expect(said).toMatch(/^PostgreSQL at \S+ does not let us in: database "nowhere_to_be_found" does not exist/)
  })

  test('of a newer Deskbell is left alone', LONG, async () => {
    const bare = await openBareDatabase({}, database)
    await bare.transact((tx) =>
      tx.run({
        compile: () => ({
          ...tx.sql.selectFrom('job').compile(),
          sql: `insert into "migration" values ('9999-from-the-future', '2030-01-01T00:00:00.000Z')`,
        }),
      }),
    )
    await bare.close()
    expect(await refusal()).toContain('This database was written by a newer Deskbell')
  })
})

describe('an address', () => {
  test('that is none of this machine is named', LONG, async () => {
    const said = await refusal({ environment: { DESKBELL_HOST: '192.0.2.1' } })
    expect(said).toBe('The address is none of this machine. Choose another with --host.')
  })
})

describe.runIf(engine === 'sqlite' && canMakeDisk)('deskbell doctor on a disk that is full', () => {
  test('says so, with a database on it and without', LONG, async () => {
    const other = await makeTestDatabase()
    for (const copy of ['true', `cp '${sqliteFile(other.dataDir)}' .`]) {
      const under = onSmallDisk(database.dataDir, {
        megabytes: 8,
        prepare: `{ ${copy}; cat /dev/zero 2>&- >ballast; true; }`,
      })
      const { code, output, errors } = await runCommand(database, ['doctor'], { under })
      expect([code, errors]).toEqual([1, ''])
      expect(output).toMatch(/^fail {2}disk space +0\.0 GB free$/m)
      if (copy !== 'true') expect(output).toMatch(/^fail {2}database .*\n +The disk of \S+ has no room/m)
    }
    await other.remove()
  })

  test('says so too where it is full of files that hold nothing', LONG, async () => {
    const under = onSmallDisk(database.dataDir, { megabytes: 512, files: 3, prepare: 'touch a b' })
    const { code, output } = await runCommand(database, ['doctor'], { under })
    expect(code).toBe(1)
    expect(output).toMatch(/^fail {2}disk space +0\.5 GB free, and no file more fits on it$/m)
  })
})
