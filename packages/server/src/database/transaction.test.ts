import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listMarks, openBareDatabase, writeMark, type BareDatabase } from '../../testing/bare-database.ts'
import { engine } from '../../testing/database.ts'
import { countCommits } from '../../testing/wal.ts'
import { statement } from './statement.ts'
import {
  CommitFailed,
  DiskFull,
  QueueFull,
  RuleTooSlow,
  StartOver,
  type Rule,
  type Transaction,
} from './transaction.ts'

const isSqlite = engine === 'sqlite'

let database: BareDatabase
beforeEach(async () => void (database = await openBareDatabase()))
afterEach(() => database.remove())

const marks = () => listMarks(database)
const mark =
  (name: string): Rule<void> =>
  (tx) =>
    writeMark(tx, name)

/** Calls that arrive in the same turn of the event loop. */
function together(rules: readonly Rule<unknown>[]): Promise<PromiseSettledResult<unknown>[]> {
  return Promise.allSettled(rules.map((rule) => database.transact(rule)))
}

function reasonOf(settled: PromiseSettledResult<unknown> | undefined): unknown {
  return settled?.status === 'rejected' ? settled.reason : undefined
}

const keptMarks = statement((db) => db.selectFrom('counter').select('name'))
const keptMark = statement((db, p: { name: string }) =>
  db.insertInto('counter').values({ name: p.name, value: 1 }).returning('name'),
)

/** A promise to be settled by hand, to hold a rule where a test needs it. */
function signal(): { reached: Promise<void>; reach: () => void } {
  let reach = () => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, reach }
}

/** SQL that no builder makes. */
function raw(tx: Transaction, text: string) {
  return tx.all<Record<string, unknown>>({
    compile: () => sql<Record<string, unknown>>`${sql.raw(text)}`.compile(tx.sql),
  })
}

describe.runIf(isSqlite)('grouped commits', () => {
  const commits = () => countCommits(join(database.location.dataDir, 'deskbell.sqlite-wal'))

  // A slow machine may not end a batch in the middle.
  beforeEach(async () => {
    await database.remove()
    database = await openBareDatabase({ batchMs: Infinity })
  })

  test('a hundred rules that arrive together share one commit', async () => {
    const before = commits()
    await together(Array.from({ length: 100 }, (_, index) => mark(`together-${index}`)))
    expect(commits() - before).toBe(1)
    expect(await marks()).toHaveLength(100)
  })

  test('a batch ends after three hundred rules, so that nobody waits for ever', async () => {
    const before = commits()
    await together(Array.from({ length: 601 }, (_, index) => mark(`many-${index}`)))
    expect(commits() - before).toBe(3)
  })

  test('a batch ends when its time is over', async () => {
    const hasty = await database.openAgain({ batchMs: 0 })
    const before = commits()
    await Promise.all(['a', 'b', 'c'].map((name) => hasty.transact(mark(name))))
    expect(commits() - before).toBe(3)
  })

  test('rules that come one after the other have a commit each', async () => {
    const before = commits()
    for (const name of ['first', 'second', 'third']) await database.transact(mark(name))
    expect(commits() - before).toBe(3)
  })

  test('rules of one batch run strictly one after another, in the order they came', async () => {
    const steps: string[] = []
    const rule =
      (name: string): Rule<void> =>
      async (tx) => {
        steps.push(`${name} begins`)
        await writeMark(tx, name)
        await new Promise((resolve) => setImmediate(resolve))
        steps.push(`${name} ends`)
      }
    await together([rule('a'), rule('b'), rule('c')])
    expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  test('a later rule of the batch sees what an earlier one wrote, before it is committed', async () => {
    const before = commits()
    let seen: unknown
    await together([
      mark('earlier'),
      async (tx) => {
        seen = await tx.first(tx.sql.selectFrom('counter').select('name'))
        expect(commits()).toBe(before)
      },
    ])
    expect(seen).toEqual({ name: 'earlier' })
  })

  test('a batch that changes nothing is not flushed', async () => {
    const before = commits()
    await together([(tx) => tx.all(tx.sql.selectFrom('counter').selectAll())])
    expect(commits()).toBe(before)
  })
})

describe('a failing rule', () => {
  test('is rolled back alone, and its neighbours are kept', async () => {
    const settled = await together([
      mark('before'),
      async (tx) => {
        await writeMark(tx, 'failing')
        throw new Error('refused')
      },
      mark('after'),
    ])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(reasonOf(settled[1])).toEqual(new Error('refused'))
    expect(await marks()).toEqual(['after', 'before'])
  })

  test('fails also where the database refused its statement, and leaves the neighbours alone', async () => {
    const settled = await together([mark('same'), mark('same'), mark('other')])
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(await marks()).toEqual(['other', 'same'])
  })

  test('that starts over runs again from the beginning, without what it had written', async () => {
    let runs = 0
    const result = await database.transact(async (tx) => {
      runs += 1
      await writeMark(tx, 'written once')
      if (runs < 3) throw new StartOver()
      return runs
    })
    expect(result).toBe(3)
    expect(await marks()).toEqual(['written once'])
  })

  test('that always starts over is given up', async () => {
    const endless = database.transact(async (tx) => {
      await writeMark(tx, 'never')
      throw new StartOver()
    })
    await expect(endless).rejects.toBeInstanceOf(StartOver)
    expect(await marks()).toEqual([])
  })

  test('is told the moment at which it runs again', async () => {
    const moments: string[] = []
    await database.transact((tx) => {
      moments.push(tx.now)
      database.clock.advance(1_000)
      return moments.length < 2 ? Promise.reject(new StartOver()) : Promise.resolve()
    })
    expect(moments).toEqual(['2026-01-05T10:00:00.000Z', '2026-01-05T10:00:01.000Z'])
  })
})

describe('a transaction that has ended', () => {
  test('refuses a query that its rule did not wait for, also while the next rule runs', async () => {
    let floating: Promise<unknown> = Promise.resolve()
    const nextIsRunning = signal()
    const careless = database.transact((tx) => {
      floating = nextIsRunning.reached.then(() => writeMark(tx, 'floating'))
      return Promise.resolve('done')
    })
    // PostgreSQL would run both at once; SQLite runs them in one batch.
    if (!isSqlite) await careless
    const next = database.transact(async (tx) => {
      await writeMark(tx, 'next')
      nextIsRunning.reach()
      await expect(floating).rejects.toThrow('This transaction has ended')
    })
    expect(await careless).toBe('done')
    await next
    expect(await marks()).toEqual(['next'])
  })

  test('neither reads, nor writes, nor tells', async () => {
    const kept = await database.transact((tx) => Promise.resolve({ tx }))
    expect(() => {
      kept.tx.emit('agent.changed', { userId: 'u' })
    }).toThrow('This transaction has ended')
    await expect(kept.tx.all(kept.tx.sql.selectFrom('counter').selectAll())).rejects.toThrow('has ended')
    await expect(kept.tx.first(kept.tx.sql.selectFrom('counter').selectAll())).rejects.toThrow('has ended')
    await expect(writeMark(kept.tx, 'late')).rejects.toThrow('has ended')
    expect(await marks()).toEqual([])
  })

  test('after a failure refuses queries as well', async () => {
    let kept: Transaction | undefined
    const failing = database.transact((tx) => {
      kept = tx
      return Promise.reject(new Error('refused'))
    })
    await expect(failing).rejects.toThrow('refused')
    await expect(writeMark(kept!, 'late')).rejects.toThrow('has ended')
    expect(await marks()).toEqual([])
  })
})

describe('a commit that the database refuses', () => {
  // A foreign key that is checked at commit and not before: both databases refuse nothing until then.
  beforeEach(() =>
    database.transact(async (tx) => {
      await raw(tx, 'create table "owner" ("id" text primary key)')
      await raw(tx, 'create table "thing" ("ownerId" text references "owner" ("id") deferrable initially deferred)')
    }),
  )
  const breakPromise: Rule<string> = async (tx) => {
    await writeMark(tx, 'broken')
    await raw(tx, `insert into "thing" ("ownerId") values ('nobody')`)
    tx.emit('agent.changed', { userId: 'broken' })
    return 'looked fine'
  }
  const tellingNeighbour: Rule<void> = async (tx) => {
    await writeMark(tx, 'neighbour')
    tx.emit('agent.changed', { userId: 'neighbour' })
  }

  test('rejects the rule whose writes it loses', async () => {
    await expect(database.transact(breakPromise)).rejects.toBeInstanceOf(CommitFailed)
    expect(await marks()).toEqual([])
    expect(database.heard).toEqual([])
  })

  test.runIf(isSqlite)('rejects everybody in the batch, and nothing is written or told', async () => {
    const refusing: Rule<void> = () => Promise.reject(new Error('refused'))
    const settled = await together([tellingNeighbour, breakPromise, refusing, mark('another')])
    expect(settled.map((one) => reasonOf(one) instanceof CommitFailed)).toEqual([true, true, true, true])
    expect(await marks()).toEqual([])
    expect(database.heard).toEqual([])
  })

  test.skipIf(isSqlite)('leaves the neighbours alone, which have a transaction each', async () => {
    const settled = await together([tellingNeighbour, breakPromise, mark('another')])
    expect(settled.map((one) => reasonOf(one) instanceof CommitFailed)).toEqual([false, true, false])
    expect(await marks()).toEqual(['another', 'neighbour'])
    expect(database.heard).toEqual([{ name: 'agent.changed', data: { userId: 'neighbour' } }])
  })

  // As SQLite does by itself where the disk is full: the statement's failure costs the whole transaction.
  test.runIf(isSqlite)('because it was given up halfway lets nobody write without one', async () => {
    let afterwards: unknown
    const settled = await together([
      mark('before'),
      async (tx) => {
        await raw(tx, `insert or rollback into "counter" values ('before', 1)`).catch(() => undefined)
        afterwards = await writeMark(tx, 'outside').catch((error: unknown) => error)
      },
      mark('after'),
    ])
    expect(afterwards).toEqual(new Error('The database gave the transaction up.'))
    expect(settled.map((one) => reasonOf(one) instanceof CommitFailed)).toEqual([true, true, false])
    expect(await marks()).toEqual(['after'])
  })

  test('disturbs nobody who comes later', async () => {
    await expect(database.transact(breakPromise)).rejects.toBeInstanceOf(CommitFailed)
    await database.transact(mark('later'))
    expect(await marks()).toEqual(['later'])
  })
})

describe('reads', () => {
  test('never see what is not committed, while the rule itself does', async () => {
    await database.transact(async (tx) => {
      await writeMark(tx, 'fresh')
      expect(await tx.all(tx.sql.selectFrom('counter').select('name'))).toEqual([{ name: 'fresh' }])
      expect(await marks()).toEqual([])
    })
    expect(await marks()).toEqual(['fresh'])
  })

  test.runIf(isSqlite)('cannot write', async () => {
    const { reader } = database
    const write = reader.all(reader.sql.insertInto('counter').values({ name: 'x', value: 1 }))
    await expect(write).rejects.toThrow('readonly')
    await expect(keptMark.all(reader, { name: 'x' })).rejects.toThrow('readonly')
    expect(await marks()).toEqual([])
  })

  test('a kept statement sees what is committed, while a rule writes and between two', async () => {
    const { reader } = database
    await database.transact(async (tx) => {
      await keptMark.all(tx, { name: 'fresh' })
      expect(await keptMarks.all(reader, {})).toEqual([])
      expect(await keptMarks.all(tx, {})).toEqual([{ name: 'fresh' }])
    })
    expect(await keptMarks.all(reader, {})).toEqual([{ name: 'fresh' }])
  })
})

describe('events', () => {
  test('are heard only after the commit, when everybody can see what they tell of', async () => {
    const seen: Promise<string[]>[] = []
    const listening = await database.openAgain({ publish: () => void seen.push(marks()) })
    await listening.transact(async (tx) => {
      await writeMark(tx, 'told')
      tx.emit('agent.changed', { userId: 'a' })
      expect(seen).toEqual([])
    })
    expect(await Promise.all(seen)).toEqual([['told']])
  })

  test('of one rule are heard in their order, those of a failed rule not at all', async () => {
    const tell =
      (...userIds: string[]): Rule<void> =>
      async (tx) => {
        for (const userId of userIds) tx.emit('agent.changed', { userId })
        await writeMark(tx, userIds.join())
      }
    await database.transact(tell('a', 'b'))
    await together([
      async (tx) => {
        await tell('lost')(tx)
        throw new Error('refused')
      },
    ])
    await database.transact(tell('c'))
    expect(database.heard.map(({ data }) => data)).toEqual([{ userId: 'a' }, { userId: 'b' }, { userId: 'c' }])
  })

  test('of a run that started over are forgotten', async () => {
    let runs = 0
    await database.transact((tx) => {
      runs += 1
      tx.emit('agent.changed', { userId: `run ${runs}` })
      return runs === 1 ? Promise.reject(new StartOver()) : Promise.resolve()
    })
    expect(database.heard.map(({ data }) => data)).toEqual([{ userId: 'run 2' }])
  })
})

describe('jobs that an event calls for', () => {
  const jobs = async () => {
    const { reader } = database
    return reader.all(reader.sql.selectFrom('job').select(['name', 'data', 'uniqueKey']).orderBy('data'))
  }
  const reacting = () =>
    database.openAgain({
      reactions: {
        'agent.changed': [(_tx, { userId }) => [{ name: 'greet', data: { userId } }]],
        'visitor.changed': [() => Promise.reject(new Error('A reaction failed.'))],
      },
    })

  test('are written with the transaction, or not at all', async () => {
    const { transact } = await reacting()
    await transact((tx) => {
      tx.emit('agent.changed', { userId: 'kept' })
      return Promise.resolve()
    })
    const failing = transact((tx) => {
      tx.emit('agent.changed', { userId: 'lost' })
      return Promise.reject(new Error('refused'))
    })
    await expect(failing).rejects.toThrow('refused')
    expect(await jobs()).toEqual([{ name: 'greet', data: '{"userId":"kept"}', uniqueKey: null }])
  })

  test('are part of the rule: where they cannot be written, nothing is', async () => {
    const { transact } = await reacting()
    const failing = transact(async (tx) => {
      await writeMark(tx, 'lost')
      tx.emit('visitor.changed', { visitorId: 'v' })
    })
    await expect(failing).rejects.toThrow('A reaction failed.')
    expect(await marks()).toEqual([])
  })
})

describe('a rule over its deadline', () => {
  test('is rolled back, and the next one runs', async () => {
    const impatient = await database.openAgain({ ruleDeadlineMs: 50 })
    const slow = impatient.transact(async (tx) => {
      await writeMark(tx, 'slow')
      tx.emit('agent.changed', { userId: 'slow' })
      await new Promise(() => {})
    })
    await expect(slow).rejects.toBeInstanceOf(RuleTooSlow)
    await impatient.transact(mark('next'))
    expect(await marks()).toEqual(['next'])
    expect(database.heard).toEqual([])
  })

  test('writes nothing when it wakes up at last', async () => {
    const impatient = await database.openAgain({ ruleDeadlineMs: 50 })
    const wakeUp = signal()
    let late: Promise<void> = Promise.resolve()
    const slow = impatient.transact((tx) => (late = wakeUp.reached.then(() => writeMark(tx, 'late'))))
    await expect(slow).rejects.toBeInstanceOf(RuleTooSlow)
    wakeUp.reach()
    await expect(late).rejects.toThrow('has ended')
    expect(await marks()).toEqual([])
  })

  test('that opened a second transaction inside the first hangs no longer than that', async () => {
    if (!isSqlite) return
    const impatient = await database.openAgain({ ruleDeadlineMs: 50 })
    const nested = impatient.transact(() => impatient.transact(mark('inner')))
    await expect(nested).rejects.toBeInstanceOf(RuleTooSlow)
    await impatient.transact(mark('outer'))
    expect(await marks()).toEqual(['inner', 'outer'])
  })
})

describe('the queue of rules', () => {
  test('is bounded: a full one refuses, and whoever is in it is served', async () => {
    const most = isSqlite ? 5_000 : 2_000 + 10
    let ran = 0
    const rule: Rule<void> = () => Promise.resolve(void (ran += 1))
    const settled = await together(Array.from({ length: most + 3 }, () => rule))
    const refused = settled.filter((one) => reasonOf(one) instanceof QueueFull)
    expect(refused).toHaveLength(3)
    expect(ran).toBe(most)
    await database.transact(mark('served again'))
    expect(await marks()).toEqual(['served again'])
  })
})

describe('closing', () => {
  test('waits for the rules that were accepted', async () => {
    const other = await database.openAgain()
    const writes = Promise.all(['a', 'b', 'c'].map((name) => other.transact(mark(name))))
    await other.close()
    await writes
    expect(await marks()).toEqual(['a', 'b', 'c'])
    other.close = () => Promise.resolve()
  })
})

describe.skipIf(isSqlite)('on PostgreSQL', () => {
  let outside: pg.Client
  beforeEach(async () => {
    outside = new pg.Client({ connectionString: database.location.url })
    await outside.connect()
  })
  afterEach(() => outside.end())

  const raise = (tx: Transaction, name: string) =>
    tx.run(
      tx.sql
        .updateTable('counter')
        .set((eb) => ({ value: eb('value', '+', 1) }))
        .where('name', '=', name),
    )

  test('of two rules in a deadlock one is run again, and both are kept', async () => {
    await database.transact(async (tx) => {
      await writeMark(tx, 'a')
      await writeMark(tx, 'b')
    })
    const both = [signal(), signal()] as const
    let runs = 0
    const crossing =
      (mine: 0 | 1, first: string, second: string): Rule<void> =>
      async (tx) => {
        runs += 1
        await raise(tx, first)
        both[mine].reach()
        await Promise.all(both.map(({ reached }) => reached))
        await raise(tx, second)
      }
    await Promise.all([database.transact(crossing(0, 'a', 'b')), database.transact(crossing(1, 'b', 'a'))])
    // The one that runs again may meet the other once more.
    expect(runs).toBeGreaterThan(2)
    const { reader } = database
    expect(await reader.all(reader.sql.selectFrom('counter').selectAll().orderBy('name'))).toEqual([
      { name: 'a', value: 3 },
      { name: 'b', value: 3 },
    ])
  })

  // READ COMMITTED itself never answers 40001; a function, a foreign table or a proxy before the server may.
  test('a serialisation failure runs the rule again', async () => {
    let runs = 0
    await database.transact(async (tx) => {
      runs += 1
      await writeMark(tx, 'kept')
      if (runs < 3) await raw(tx, `do $$ begin raise exception sqlstate '40001'; end $$`)
    })
    expect(runs).toBe(3)
    expect(await marks()).toEqual(['kept'])
  })

  // As the server says it of its own disk, which no test can fill.
  test('a full disk is called that, and remembered for a moment', async () => {
    const full: Rule<void> = async (tx) => {
      await writeMark(tx, 'lost')
      await raw(tx, `do $$ begin raise exception sqlstate '53100'; end $$`)
    }
    await expect(database.transact(full)).rejects.toBeInstanceOf(DiskFull)
    expect(await marks()).toEqual([])
    expect(database.lacksSpace()).toBe(true)
    database.clock.advance(5_000)
    expect(database.lacksSpace()).toBe(false)
  })

  test('a rule that swallowed an error of the database is not told that it succeeded', async () => {
    const swallowing = database.transact(async (tx) => {
      await writeMark(tx, 'twice')
      await writeMark(tx, 'twice').catch(() => undefined)
    })
    await expect(swallowing).rejects.toBeInstanceOf(CommitFailed)
    expect(await marks()).toEqual([])
  })

  test('a rule that waits for a row longer than its deadline is given up, and never writes', async () => {
    await database.transact(mark('held'))
    await outside.query('begin')
    await outside.query('update counter set value = 50')
    const impatient = await database.openAgain({ ruleDeadlineMs: 50 })
    await expect(impatient.transact((tx) => raise(tx, 'held'))).rejects.toBeInstanceOf(RuleTooSlow)
    await outside.query('commit')
    await impatient.transact((tx) => raise(tx, 'held'))
    const { reader } = database
    expect(await reader.all(reader.sql.selectFrom('counter').select('value'))).toEqual([{ value: 51 }])
  })

  test('a row that stays taken for longer than the database waits is the same', async () => {
    await database.transact(mark('held'))
    await outside.query('begin')
    await outside.query('update counter set value = 50')
    const waiting = database.transact(async (tx) => {
      await raw(tx, 'set local lock_timeout = 20')
      await raise(tx, 'held')
    })
    await expect(waiting).rejects.toBeInstanceOf(RuleTooSlow)
    await outside.query('commit')
    await database.transact((tx) => raise(tx, 'held'))
  })

  test('reads wait in a queue that is bounded too', async () => {
    const { reader } = database
    const read = () => reader.first(reader.sql.selectFrom('counter').selectAll())
    const settled = await Promise.allSettled(Array.from({ length: 2_000 + 10 + 3 }, read))
    expect(settled.filter((one) => reasonOf(one) instanceof QueueFull)).toHaveLength(3)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(2_010)
  })

  test('a rule whose statement takes too long is given up without waiting for it', async () => {
    const impatient = await database.openAgain({ ruleDeadlineMs: 50 })
    // Longer than a test may take.
    const slow = impatient.transact((tx) => raw(tx, 'select pg_sleep(25)'))
    await expect(slow).rejects.toBeInstanceOf(RuleTooSlow)
  })

  test('a connection that breaks under a rule fails that rule, and the next one gets another', async () => {
    const isOpen = signal()
    const isBroken = signal()
    let backend: unknown
    const unlucky = database.transact(async (tx) => {
      await writeMark(tx, 'lost')
      backend = (await raw(tx, 'select pg_backend_pid() as pid'))[0]?.['pid']
      isOpen.reach()
      await isBroken.reached
      await writeMark(tx, 'lost too')
    })
    await isOpen.reached
    await outside.query('select pg_terminate_backend($1, 5000)', [backend])
    // The connection tells of its end in an event between two queries, where nobody awaits anything.
    await new Promise((resolve) => setTimeout(resolve, 50))
    isBroken.reach()
    await expect(unlucky).rejects.toThrow()
    await database.transact(mark('next'))
    expect(await marks()).toEqual(['next'])
  })

  test('commits are durable and rules run at READ COMMITTED, whatever the defaults of the server', async () => {
    const url = new URL(database.location.url!)
    const options = url.searchParams.get('options') ?? ''
    const lax = '-c synchronous_commit=off -c default_transaction_isolation=serializable'
    url.searchParams.set('options', `${options} ${lax} -c default_transaction_read_only=on`)
    const location = { dataDir: database.location.dataDir, url: url.href, remove: () => Promise.resolve() }
    const lazy = await openBareDatabase({}, location)
    const inForce = await lazy.transact((tx) =>
      raw(
        tx,
        `select current_setting('synchronous_commit') as durability, current_setting('transaction_isolation') as isolation`,
      ),
    )
    await lazy.remove()
    expect(inForce).toEqual([{ durability: 'on', isolation: 'read committed' }])
  })
})
