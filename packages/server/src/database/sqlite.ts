import Sqlite from 'better-sqlite3'
import type { Kysely } from 'kysely'
import { openScans } from './scans.ts'
import type { Tables } from './schema.ts'
import { watchSpace, type SpaceWatch } from './space.ts'
import { openSqliteFile, sqliteExecutor } from './sqlite-file.ts'
import {
  CommitFailed,
  DiskFull,
  QueueFull,
  RuleRun,
  StartOver,
  followUp,
  makeReader,
  type Executor,
  type Reader,
  type Restarts,
  type Rule,
  type Transact,
  type TransactionHooks,
} from './transaction.ts'

const MAX_WAITING = 5_000
const MAX_BATCH = 300
const MAX_BATCH_MS = 10
const MAX_RESTARTS = 5

export interface SqliteDatabase {
  transact: Transact
  reader: Reader
  scanner: Reader
  waiting(): number
  restarts(): Restarts
  lacksSpace(): boolean
  close(): Promise<void>
}

/**
 * How SQLite says that a file takes no more: a full disk it knows by name, a quota or a limit of the process only as a write
 * that failed. Nothing of such a transaction counts: the page that ends a commit is the last one written, and only a whole one ends it.
 */
const TAKES_NO_MORE = new Set(['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE'])

/** What a failure of the database means to callers; whatever else was thrown stays what it is. */
function inOurWords(error: unknown, space: SpaceWatch): unknown {
  if (!(error instanceof Sqlite.SqliteError) || !TAKES_NO_MORE.has(error.code)) return error
  space.noteRefused()
  return new DiskFull('The disk took no more.', { cause: error })
}

/**
 * Some failures (a full disk) cost SQLite's whole transaction. A rule that swallowed such an error must not go on writing
 * without one.
 */
function insideTransaction(connection: Sqlite.Database, execute: Executor): Executor {
  const gone = () => Promise.reject(new Error('The database gave the transaction up.'))
  return {
    all: (sql, values) => (connection.inTransaction ? execute.all(sql, values) : gone()),
    run: (sql, values) => (connection.inTransaction ? execute.run(sql, values) : gone()),
  }
}

interface Waiting {
  rule: Rule<unknown>
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

type Outcome = { waiting: Waiting; run: RuleRun } & (
  { isDone: true; result: unknown } | { isDone: false; error: unknown }
)

/**
 * Grouped commits (docs/architecture.md): callers queue; the writer takes a batch, runs the rules strictly one after
 * another, each in its own savepoint, commits once, and answers all of them. One flush to disk serves hundreds of
 * writers, and nobody is answered before it.
 */
export function openSqlite(file: string, sql: Kysely<Tables>, hooks: TransactionHooks): SqliteDatabase {
  const writer = openSqliteFile(file, { readonly: false })
  const readConnection = openSqliteFile(file, { readonly: true })
  const reader = makeReads(sql, { writer, readConnection })
  const scans = openScans(file, sql)
  const queue: Waiting[] = []
  const restarted = { deadlock: 0, 'serialization-failure': 0, 'start-over': 0 }
  const space = watchSpace(hooks.clock)
  const noteRestart = () => void (restarted['start-over'] += 1)
  const finish = (run: RuleRun) => followUp(run, { read: reader, transact }, hooks.onLeftUndone)
  const runBatch = makeBatches({ writer, sql, hooks, queue, space, finish, noteRestart })
  const idle: (() => void)[] = []
  let isWorking = false

  const transact: Transact = <Result>(rule: Rule<Result>) =>
    new Promise<Result>((resolve, reject) => {
      if (queue.length >= MAX_WAITING) {
        reject(new QueueFull('Too many writes are waiting for the disk.'))
        return
      }
      queue.push({ rule, resolve: resolve as (result: unknown) => void, reject })
      wake()
    })

  function wake(): void {
    if (isWorking) return
    isWorking = true
    // One turn of the event loop later: a commit blocks the loop, so a batch begun at once would hold a single rule.
    // Nothing in a batch throws but a rollback that fails: then nobody can write here any more, and the process ends.
    setImmediate(() => void workOff())
  }

  async function workOff(): Promise<void> {
    await runBatch()
    isWorking = false
    if (queue.length > 0) wake()
    else idle.splice(0).forEach((tell) => tell())
  }

  return {
    transact,
    reader,
    scanner: scans.reader,
    waiting: () => queue.length,
    restarts: () => restarted,
    lacksSpace: () => space.isLacking(),
    async close() {
      if (isWorking) await new Promise<void>((resolve) => idle.push(resolve))
      await scans.close()
      readConnection.close()
      writer.close()
    },
  }
}

/**
 * Reads what is committed. Every commit costs the reading connection all its pages, while the writer's stay: between two
 * batches it sees what is committed as well, and answers the kept statements, which are small and many. Whatever goes
 * through many pages stays where it drives none of the writer's out.
 */
function makeReads(
  sql: Kysely<Tables>,
  { writer, readConnection }: { writer: Sqlite.Database; readConnection: Sqlite.Database },
): Reader {
  const apart = sqliteExecutor(readConnection)
  const betweenBatches = sqliteExecutor(writer, { readsOnly: true })
  return {
    ...makeReader(sql, apart),
    runKept: (kept, values) => (writer.inTransaction ? apart : betweenBatches).all(kept.sql, values),
  }
}

interface Batches {
  writer: Sqlite.Database
  sql: Kysely<Tables>
  hooks: TransactionHooks
  queue: Waiting[]
  space: SpaceWatch
  /** Does what a rule that is on disk asked for afterwards. */
  finish: (run: RuleRun) => Promise<void>
  noteRestart: () => void
}

/** Answers the function that takes a batch from the queue, brings it to disk and settles it. */
function makeBatches({ writer, sql, hooks, queue, space, finish, noteRestart }: Batches): () => Promise<void> {
  const execute = insideTransaction(writer, sqliteExecutor(writer))
  const control = prepareControl(writer)
  const batchMs = hooks.batchMs ?? MAX_BATCH_MS

  return async () => {
    const taken: Waiting[] = []
    const outcomes: Outcome[] = []
    try {
      control.begin.run()
      const startedAt = performance.now()
      do {
        const waiting = queue.shift() as Waiting
        taken.push(waiting)
        const outcome = await runOne(waiting)
        outcomes.push(outcome)
        if (!writer.inTransaction) throw reasonOf(outcome)
      } while (queue.length > 0 && taken.length < MAX_BATCH && performance.now() - startedAt < batchMs)
      control.commit.run()
    } catch (error) {
      fail(taken, error)
      return
    }
    for (const outcome of outcomes) settle(outcome, finish)
    for (const { run, isDone } of outcomes) if (isDone && run.events.length > 0) hooks.publish(run.events)
  }

  async function runOne(waiting: Waiting): Promise<Outcome> {
    for (let restarts = 0; ; restarts++) {
      const run = new RuleRun(sql, execute, hooks)
      control.savepoint.run()
      try {
        const result = await run.perform(waiting.rule)
        control.release.run()
        return { waiting, run, isDone: true, result }
      } catch (thrown) {
        const error = inOurWords(thrown, space)
        if (!writer.inTransaction) return { waiting, run, isDone: false, error }
        control.rollbackTo.run()
        control.release.run()
        if (!(error instanceof StartOver) || restarts >= MAX_RESTARTS) return { waiting, run, isDone: false, error }
        noteRestart()
      }
    }
  }

  /** Rejects everybody, also those whose own rule had refused: what that rule saw may never have happened. */
  function fail(taken: readonly Waiting[], cause: unknown): void {
    if (writer.inTransaction) control.rollback.run()
    const known = inOurWords(cause, space)
    const failure =
      known instanceof DiskFull ? known : new CommitFailed('The write could not be brought to disk.', { cause })
    // A batch that could not even begin fails its first caller, so that a broken disk does not spin.
    if (taken.length === 0) queue.shift()?.reject(failure)
    for (const waiting of taken) waiting.reject(failure)
  }
}

/** Why the database gave the transaction up; a rule may have swallowed it. */
function reasonOf(outcome: Outcome): unknown {
  return outcome.isDone ? new Error('The database gave the transaction up.') : outcome.error
}

/** Prepared once: parsing them for every rule would cost as much as the rule's own statements. */
function prepareControl(connection: Sqlite.Database) {
  return {
    begin: connection.prepare('begin immediate'),
    commit: connection.prepare('commit'),
    rollback: connection.prepare('rollback'),
    savepoint: connection.prepare('savepoint rule'),
    release: connection.prepare('release rule'),
    rollbackTo: connection.prepare('rollback to rule'),
  }
}

/** Answers the caller, after what the rule asked for afterwards: that goes into later batches, so nobody waits for it here. */
function settle(outcome: Outcome, finish: Batches['finish']): void {
  const { waiting, run } = outcome
  if (!outcome.isDone) waiting.reject(outcome.error)
  else if (run.afterwards.size === 0) waiting.resolve(outcome.result)
  else void finish(run).then(() => waiting.resolve(outcome.result))
}
