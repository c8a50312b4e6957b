import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBareDatabase, writeMark, type BareDatabase } from '../../testing/bare-database.ts'
import { engine } from '../../testing/database.ts'
import { QueueFull } from './transaction.ts'

let database: BareDatabase
beforeEach(async () => void (database = await openBareDatabase()))
afterEach(() => database.remove())

const marks = () => database.scanner.sql.selectFrom('counter').select('name').orderBy('name')

/** A query that takes as long as it takes to count. */
function counting(to: number) {
  const text = `with recursive c(n) as (select 1 union all select n + 1 from c where n < ${to}) select count(*) as n from c`
  return { compile: () => sql<{ n: number }>`${sql.raw(text)}`.compile(database.scanner.sql) }
}

test('a scan sees what was on disk when it was asked for', async () => {
  for (const name of ['a', 'b', 'c']) {
    await database.transact((tx) => writeMark(tx, name))
    expect((await database.scanner.all(marks())).at(-1)).toEqual({ name })
  }
  expect(await database.scanner.first(marks())).toEqual({ name: 'a' })
})

test('nobody waits for a scan: what was asked for later is written and read before it ends', async () => {
  const order: string[] = []
  await database.scanner.first(counting(1))
  const scan = database.scanner.first(counting(3_000_000)).then((row) => {
    order.push('scanned')
    return row
  })
  await database.transact((tx) => writeMark(tx, 'meanwhile'))
  order.push('written')
  await database.reader.all(marks())
  order.push('read')
  expect(await scan).toEqual({ n: 3_000_000 })
  expect(order).toEqual(['written', 'read', 'scanned'])
})

test('a scan that fails says why, and the next one is answered', async () => {
  const broken = { compile: () => sql`select 1 from nowhere`.compile(database.scanner.sql) }
  await expect(database.scanner.all(broken)).rejects.toThrow(/nowhere/)
  expect(await database.scanner.all(marks())).toEqual([])
})

describe.runIf(engine === 'sqlite')('the thread of the scans', () => {
  test('cannot write', async () => {
    const write = { compile: () => sql`delete from counter`.compile(database.scanner.sql) }
    await expect(database.scanner.all(write)).rejects.toThrow(/readonly/)
  })

  test('answers what it was asked before the database is closed, and nothing later', async () => {
    const last = database.scanner.all(marks())
    await database.close()
    expect(await last).toEqual([])
    await expect(database.scanner.all(marks())).rejects.toThrow('closed')
  })

  test('asks the next ones to come back when too many wait', async () => {
    const settled = await Promise.allSettled(Array.from({ length: 510 }, () => database.scanner.all(marks())))
    const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    expect(refused).toHaveLength(10)
    expect(refused.every((reason) => reason instanceof QueueFull)).toBe(true)
  })
})
