import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openBareDatabase, writeMark, type BareDatabase } from '../../testing/bare-database.ts'
import type { Database } from '../database/open.ts'
import type { NewJob, Transact } from '../database/transaction.ts'
import { claimJob, insertJobs } from './store.ts'
import { makeWorker, type JobFunction, type Recurring, type Worker } from './worker.ts'

const SECOND = 1_000
const LEASE = 60 * SECOND

let database: BareDatabase
beforeEach(async () => void (database = await openBareDatabase()))
afterEach(() => database.remove())

/** A worker of one process. `on` is another process's connection. */
function workerWith(
  functions: Record<string, JobFunction>,
  { schedule = [], on = database }: { schedule?: readonly Recurring[]; on?: Database } = {},
): Worker {
  const { transact, reader } = on
  const log = pino({ level: 'silent' })
  return makeWorker({ transact, reader, clock: database.clock.now, log, functions, schedule })
}

function write(...jobs: NewJob[]): Promise<void> {
  return database.transact((tx) => insertJobs(tx, jobs))
}

function rows() {
  const { reader } = database
  return reader.all(
    reader.sql
      .selectFrom('job')
      .select(['name', 'attempts', 'uniqueKey', 'lastError', 'parkedAt', 'runAt', 'leaseUntil'])
      .orderBy('runAt'),
  )
}

/** A job that notes what it was given, and fails as long as it is told to. */
function noting() {
  const done: unknown[] = []
  let failures = 0
  return {
    done,
    failNext: (count: number) => void (failures = count),
    run: (data: unknown) => {
      if (failures > 0) {
        failures -= 1
        return Promise.reject(new Error('The other side is down.'))
      }
      done.push(data)
      return Promise.resolve()
    },
  }
}

function later(ms: number): string {
  return new Date(database.clock.now() + ms).toISOString()
}

function signal(): { reached: Promise<void>; reach: () => void } {
  let reach = () => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, reach }
}

describe('a job', () => {
  test('is done once with its data, and its row goes', async () => {
    const mail = noting()
    await write({ name: 'mail', data: { to: 'ann' } })
    await workerWith({ mail: mail.run }).drain()
    await workerWith({ mail: mail.run }).drain()
    expect(mail.done).toEqual([{ to: 'ann' }])
    expect(await rows()).toEqual([])
  })

  test('waits for its time, and jobs are done in the order of their times', async () => {
    const mail = noting()
    const worker = workerWith({ mail: mail.run })
    await write(
      { name: 'mail', data: 'late', runAt: later(10 * SECOND) },
      { name: 'mail', data: 'soon', runAt: later(5) },
    )
    await worker.drain()
    expect(mail.done).toEqual([])
    database.clock.advance(10 * SECOND)
    await worker.drain()
    expect(mail.done).toEqual(['soon', 'late'])
  })

  test('that was written before a restart is done after it', async () => {
    const mail = noting()
    await write({ name: 'mail', data: 'kept' })
    const { location, clock } = database
    await database.close()
    database = await openBareDatabase({ clock: clock.now }, location)
    await workerWith({ mail: mail.run }).drain()
    expect(mail.done).toEqual(['kept'])
  })

  test('may open transactions of its own', async () => {
    await write({ name: 'mark', data: null })
    await workerWith({ mark: () => database.transact((tx) => writeMark(tx, 'by a job')) }).drain()
    const { reader } = database
    expect(await reader.all(reader.sql.selectFrom('counter').select('name'))).toEqual([{ name: 'by a job' }])
  })
})

describe('a job that fails', () => {
  test('is tried again after pauses that double', async () => {
    const mail = noting()
    mail.failNext(3)
    const worker = workerWith({ mail: mail.run })
    await write({ name: 'mail', data: 'hello' })
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 3; attempt++) {
      await worker.drain()
      const [row] = await rows()
      expect(row).toMatchObject({ attempts: attempt, lastError: 'The other side is down.', leaseUntil: null })
      const pause = Date.parse(row!.runAt) - database.clock.now()
      pauses.push(pause)
      database.clock.advance(pause - 1)
      await worker.drain()
      expect(await rows()).toMatchObject([{ attempts: attempt }])
      database.clock.advance(1)
    }
    await worker.drain()
    expect(pauses).toEqual([2 * SECOND, 4 * SECOND, 8 * SECOND])
    expect(mail.done).toEqual(['hello'])
    expect(await rows()).toEqual([])
  })

  test('is tried for longer than the ten minutes a receiver may be down', async () => {
    const mail = noting()
    const worker = workerWith({ mail: mail.run })
    mail.failNext(Infinity)
    await write({ name: 'mail', data: 'important' })
    for (let minute = 0; minute < 10; minute++) {
      await worker.drain()
      database.clock.advance(60 * SECOND)
    }
    mail.failNext(0)
    database.clock.advance(20 * 60 * SECOND)
    await worker.drain()
    expect(mail.done).toEqual(['important'])
  })

  test('is parked after the tenth try, for a person to look at, and disturbs no other job', async () => {
    const bad = noting()
    const good = noting()
    bad.failNext(Infinity)
    const worker = workerWith({ bad: bad.run, good: good.run })
    await write({ name: 'bad', data: null })
    for (let attempt = 1; attempt <= 12; attempt++) {
      await worker.drain()
      database.clock.advance(3_600 * SECOND)
    }
    const parked = [{ name: 'bad', attempts: 10, lastError: 'The other side is down.', leaseUntil: null }]
    expect(await rows()).toMatchObject(parked)
    expect((await rows())[0]?.parkedAt).not.toBeNull()
    await write({ name: 'good', data: 'still done' })
    await worker.drain()
    expect(good.done).toEqual(['still done'])
  })

  test('because nobody knows its name is kept, like any other that fails', async () => {
    await write({ name: 'unheard-of', data: null })
    await workerWith({}).drain()
    expect(await rows()).toMatchObject([{ attempts: 1, lastError: `No job is named 'unheard-of'.` }])
  })

  test('by ending the process every time is parked too', async () => {
    const deadly = noting()
    await write({ name: 'deadly', data: null })
    for (let attempt = 1; attempt <= 10; attempt++) {
      await claimAndDie()
      database.clock.advance(LEASE + 1)
    }
    await workerWith({ deadly: deadly.run }).drain()
    expect(deadly.done).toEqual([])
    expect(await rows()).toMatchObject([{ lastError: 'The process ended during the last attempt.' }])
    expect((await rows())[0]?.parkedAt).not.toBeNull()
  })
})

/** What a process that dies in the middle of its job leaves behind. */
async function claimAndDie(): Promise<void> {
  const { reader } = database
  const row = await reader.first(reader.sql.selectFrom('job').select('id'))
  const claimed = await database.transact((tx) => claimJob(tx, row!.id, later(LEASE)))
  expect(claimed).toBeDefined()
}

describe('a lease', () => {
  test('keeps the job of a dead worker until it has run out, then another takes it over', async () => {
    const mail = noting()
    const worker = workerWith({ mail: mail.run })
    await write({ name: 'mail', data: 'taken over' })
    await claimAndDie()
    database.clock.advance(LEASE)
    await worker.drain()
    expect(mail.done).toEqual([])
    database.clock.advance(1)
    await worker.drain()
    expect(mail.done).toEqual(['taken over'])
    expect(await rows()).toEqual([])
  })

  test.each(['ends well', 'fails'] as const)(
    'of a job that %s while the database is away is given back as soon as it is there',
    async (ending) => {
      let isAway = false
      const transact: Transact = (rule) => (isAway ? Promise.reject(new Error('away')) : database.transact(rule))
      let runs = 0
      const mail = () => {
        runs += 1
        isAway = true
        return ending === 'fails' ? Promise.reject(new Error('The other side is down.')) : Promise.resolve()
      }
      const worker = workerWith({ mail }, { on: { ...database, transact } })
      await write({ name: 'mail', data: null })
      for (let attempt = 0; attempt < 2; attempt++) await expect(worker.drain()).rejects.toThrow('away')
      isAway = false
      await worker.drain()
      const left = ending === 'fails' ? [{ leaseUntil: null, lastError: 'The other side is down.' }] : []
      expect(await rows()).toMatchObject(left)
      expect(runs).toBe(1)
    },
  )

  test('keeps two workers from doing one job at once', async () => {
    const count = 30
    const begun: unknown[] = []
    const work = async (data: unknown) => {
      begun.push(data)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await write(...Array.from({ length: count }, (_, data) => ({ name: 'work', data })))
    // Two processes share a PostgreSQL database; a SQLite file has one, which may still have two workers.
    const other = database.location.url === undefined ? database : await database.openAgain()
    await Promise.all([workerWith({ work }).drain(), workerWith({ work }, { on: other }).drain()])
    expect(begun.sort()).toEqual(Array.from({ length: count }, (_, data) => data).sort())
    expect(await rows()).toEqual([])
  })

  test.each([
    { ending: 'ends well', isAskedAgain: false },
    { ending: 'fails', isAskedAgain: false },
    { ending: 'ends well', isAskedAgain: true },
    { ending: 'fails', isAskedAgain: true },
  ])('that ran out is not given back by a slow worker ($ending, $isAskedAgain)', async ({ ending, isAskedAgain }) => {
    const isWorking = signal()
    const goOn = signal()
    const slow = workerWith({
      mail: async () => {
        isWorking.reach()
        await goOn.reached
        if (ending === 'fails') throw new Error('too late')
      },
    })
    await write({ name: 'mail', data: null, uniqueKey: 'k' })
    const slowly = slow.drain()
    await isWorking.reached
    if (isAskedAgain) await write({ name: 'mail', data: null, uniqueKey: 'k' })
    database.clock.advance(LEASE + 1)
    await claimAndDie()
    goOn.reach()
    await slowly
    expect(await rows()).toMatchObject([{ leaseUntil: later(LEASE), lastError: null, uniqueKey: 'k' }])
  })
})

describe('a unique key', () => {
  test('lets one job wait at a time; a second one is dropped', async () => {
    const mail = noting()
    await write(
      { name: 'mail', data: 'first', uniqueKey: 'k' },
      { name: 'mail', data: 'second', uniqueKey: 'k' },
      { name: 'mail', data: 'other', uniqueKey: 'other' },
      { name: 'mail', data: 'none' },
      { name: 'mail', data: 'none' },
    )
    await workerWith({ mail: mail.run }).drain()
    expect(mail.done).toEqual(['first', 'other', 'none', 'none'])
  })

  test('is free again once its job is done', async () => {
    const mail = noting()
    const worker = workerWith({ mail: mail.run })
    for (const data of ['first', 'second']) {
      await write({ name: 'mail', data, uniqueKey: 'k' })
      await worker.drain()
    }
    expect(mail.done).toEqual(['first', 'second'])
  })

  test('of a job in hand asks it to run once more: it may have looked too early', async () => {
    const isWorking = signal()
    const goOn = signal()
    const done: unknown[] = []
    const worker = workerWith({
      look: async (data) => {
        isWorking.reach()
        await goOn.reached
        done.push(data)
      },
    })
    await write({ name: 'look', data: 'first', uniqueKey: 'look' })
    const working = worker.drain()
    await isWorking.reached
    await write({ name: 'look', data: 'second', uniqueKey: 'look' }, { name: 'look', data: 'third', uniqueKey: 'look' })
    expect(await rows()).toHaveLength(1)
    goOn.reach()
    await working
    expect(done).toEqual(['first', 'third'])
    expect(await rows()).toEqual([])
  })

  test('of a parked job is free: what is asked for from now on is done', async () => {
    const mail = noting()
    mail.failNext(10)
    const worker = workerWith({ mail: mail.run })
    await write({ name: 'mail', data: 'parked', uniqueKey: 'k' })
    for (let attempt = 1; attempt <= 10; attempt++) {
      await worker.drain()
      database.clock.advance(3_600 * SECOND)
    }
    await write({ name: 'mail', data: 'anew', uniqueKey: 'k' })
    await worker.drain()
    expect(mail.done).toEqual(['anew'])
    expect(await rows()).toMatchObject([{ name: 'mail', uniqueKey: null }])
  })
})

describe('a recurring job', () => {
  const schedule = [{ name: 'sweep', everyMs: 60 * SECOND }]

  async function started(functions: Record<string, JobFunction>): Promise<Worker> {
    const worker = workerWith(functions, { schedule })
    await worker.start()
    await worker.stop()
    await worker.drain()
    return worker
  }

  test('runs at the start and then once a period', async () => {
    const sweep = noting()
    const worker = await started({ sweep: sweep.run })
    expect(sweep.done).toHaveLength(1)
    for (let period = 1; period <= 3; period++) {
      database.clock.advance(60 * SECOND - 1)
      await worker.drain()
      expect(sweep.done).toHaveLength(period)
      database.clock.advance(1)
      await worker.drain()
      expect(sweep.done).toHaveLength(period + 1)
    }
  })

  test('has one row, however often processes start', async () => {
    const sweep = noting()
    await started({ sweep: sweep.run })
    await started({ sweep: sweep.run })
    expect(await rows()).toMatchObject([{ name: 'sweep', uniqueKey: 'recurring:sweep', attempts: 0 }])
    expect(sweep.done).toHaveLength(1)
  })

  test('is never parked, and is tried again no later than its period', async () => {
    const sweep = noting()
    sweep.failNext(Infinity)
    const worker = await started({ sweep: sweep.run })
    for (let attempt = 1; attempt < 15; attempt++) {
      database.clock.advance(60 * SECOND)
      await worker.drain()
    }
    expect(await rows()).toMatchObject([{ attempts: 15, parkedAt: null, lastError: 'The other side is down.' }])
    sweep.failNext(0)
    database.clock.advance(60 * SECOND)
    await worker.drain()
    expect(sweep.done).toHaveLength(1)
    expect(await rows()).toMatchObject([{ attempts: 0, lastError: null }])
  })
})

describe('a worker', () => {
  test('that is told to stop ends the job in hand and begins no other', async () => {
    const isWorking = signal()
    const goOn = signal()
    const done: unknown[] = []
    const worker = workerWith({
      work: async (data) => {
        isWorking.reach()
        await goOn.reached
        done.push(data)
      },
    })
    await write({ name: 'work', data: 1 }, { name: 'work', data: 2, runAt: later(0) })
    await worker.start()
    await isWorking.reached
    const stopped = worker.stop()
    goOn.reach()
    await stopped
    expect(done).toHaveLength(1)
    expect(await rows()).toMatchObject([{ name: 'work', attempts: 0, leaseUntil: null }])
  })

  test('that is woken does what was written since', async () => {
    const isDone = signal()
    const worker = workerWith({
      work: () => {
        isDone.reach()
        return Promise.resolve()
      },
    })
    await worker.start()
    await write({ name: 'work', data: null })
    worker.wake()
    await isDone.reached
    await worker.stop()
    expect(await rows()).toEqual([])
  })
})
