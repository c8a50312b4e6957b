// A database without a server around it, for tests of the transaction layer and the jobs.
import type { DeskEvent } from '@deskbell/contract/events.ts'
import { openDatabase, type Database } from '../src/database/open.ts'
import type { Transaction, TransactionHooks } from '../src/database/transaction.ts'
import { makeNewId } from '../src/ids.ts'
import { insertJobs } from '../src/jobs/store.ts'
import { makeTestDatabase, type TestDatabase } from './database.ts'

export interface BareDatabase extends Database {
  location: TestDatabase
  /** What was published, in order. */
  heard: DeskEvent[]
  /** Time stands still at 2026-01-05 10:00 UTC until a test moves it. */
  clock: { now: () => number; advance: (ms: number) => void }
  /** Another connection to the same data, as a second process would have; closed by `remove`. */
  openAgain(hooks?: Partial<TransactionHooks>): Promise<Database>
  /** Closes everything and removes the data. */
  remove(): Promise<void>
}

/** Opens an empty database with the tables of the product; `hooks` replaces the usual ones. */
export async function openBareDatabase(
  hooks: Partial<TransactionHooks> = {},
  location?: TestDatabase,
): Promise<BareDatabase> {
  const place = location ?? (await makeTestDatabase())
  let nowMs = Date.UTC(2026, 0, 5, 10)
  const clock = { now: () => nowMs, advance: (ms: number) => void (nowMs += ms) }
  const heard: DeskEvent[] = []
  const usual: TransactionHooks = {
    clock: clock.now,
    newId: makeNewId(clock.now),
    reactions: {},
    enqueue: insertJobs,
    publish: (events) => void heard.push(...events),
  }
  const open = (changed: Partial<TransactionHooks>) => openDatabase(place, { ...usual, ...changed })
  const database = await open(hooks)
  const others: Database[] = []
  return {
    ...database,
    location: place,
    heard,
    clock,
    async openAgain(changed = {}) {
      const other = await open({ ...hooks, ...changed })
      others.push(other)
      return other
    },
    async remove() {
      for (const other of others) await other.close()
      await database.close()
      await place.remove()
    },
  }
}

/** Writes a row that tests look for. */
export async function writeMark(tx: Transaction, name: string): Promise<void> {
  await tx.run(tx.sql.insertInto('counter').values({ name, value: 1 }))
}

/** The names of the rows that `writeMark` wrote and that are committed, sorted. */
export async function listMarks({ reader }: Pick<Database, 'reader'>): Promise<string[]> {
  const rows = await reader.all(reader.sql.selectFrom('counter').select('name').orderBy('name'))
  return rows.map(({ name }) => name)
}
