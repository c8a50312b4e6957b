import pg from 'pg'
import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'
import { watchSpace } from './space.ts'
import {
  CommitFailed,
  DiskFull,
  QueueFull,
  RULE_DEADLINE_MS,
  RuleRun,
  RuleTooSlow,
  StartOver,
  followUp,
  makeReader,
  type Executor,
  type Reader,
  type RestartCause,
  type Restarts,
  type Rule,
  type Transact,
  type TransactionHooks,
} from './transaction.ts'

/** Scans have connections of their own, and few: lists that take long keep no send waiting. */
const sizes = { transactions: 10, scans: 3, migration: 1 }
const MAX_WAITING = 2_000
const MAX_RESTARTS = 8

/** Where PostgreSQL asks for the whole transaction again. */
const RETRIED_CODES: Readonly<Record<string, RestartCause>> = {
  '40001': 'serialization-failure',
  '40P01': 'deadlock',
}

/** A row stayed taken for longer than `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03'

const DISK_FULL = '53100'

type TypeParsers = (oid: number, format?: 'text' | 'binary') => (value: string) => unknown

const INT8 = 20
const NUMERIC = 1700

export interface PostgresDatabase {
  transact: Transact
  reader: Reader
  scanner: Reader
  pool: pg.Pool
  waiting(): number
  restarts(): Restarts
  lacksSpace(): boolean
  close(): Promise<void>
}

// A connection that hangs, or whose process died, must not keep a room's row from everybody else.
const timeouts = {
  statement_timeout: 30_000,
  lock_timeout: RULE_DEADLINE_MS,
  idle_in_transaction_session_timeout: 30_000,
  connectionTimeoutMillis: 30_000,
}

/** A pool whose whole numbers arrive as numbers: our counts stay below 2^53. A migration may take its time. */
export function openPool(url: string, use: keyof typeof sizes = 'transactions'): pg.Pool {
  const types: pg.CustomTypesConfig = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === INT8 || oid === NUMERIC ? Number : (pg.types.getTypeParser as TypeParsers)(oid, format),
  }
  const shape = { max: sizes[use], ...(use !== 'migration' && timeouts) }
  // The pool waits for it; its types do not say so.
  const onConnect = prepareConnection as (client: pg.ClientBase) => void
  const pool = new pg.Pool({ connectionString: url, types, keepAlive: true, onConnect, ...shape })
  // A broken idle connection is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  return pool
}

/** Also where the server's settings say otherwise, a commit is answered when it is on disk. */
async function prepareConnection(client: pg.ClientBase): Promise<void> {
  // The same for a connection that breaks while it is in use: the query in hand fails, the process lives.
  client.on('error', () => undefined)
  await client.query(
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
  )
}

/** Reads wait for a connection as rules do, and no more of them than of those. */
function readsOn(pool: pg.Pool): Executor {
  const execute = executorOn(pool)
  const guarded = async <Result>(query: () => Promise<Result>): Promise<Result> => {
    refuseIfFull(pool)
    return query().catch((error: unknown) => {
      throw inOurWords(error)
    })
  }
  return {
    all: (text, values, name) => guarded(() => execute.all(text, values, name)),
    run: (text, values) => guarded(() => execute.run(text, values)),
  }
}

function refuseIfFull(pool: pg.Pool): void {
  if (pool.waitingCount >= MAX_WAITING) throw new QueueFull('Too many are waiting for the database.')
}

/** Where PostgreSQL or the pool had no time for us, nothing was written and the caller should come back. */
function inOurWords(error: unknown): unknown {
  if (causeOfRestart(error) !== undefined)
    return error instanceof StartOver ? error : new StartOver('Run too often.', { cause: error })
  if (error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE)
    return new RuleTooSlow('A row stayed taken for too long.', { cause: error })
  if (isDiskFull(error)) return new DiskFull('The disk of the database took no more.', { cause: error })
  // The pool has no code for it.
  if (error instanceof Error && error.message === 'timeout exceeded when trying to connect')
    return new QueueFull('No connection became free in time.', { cause: error })
  return error
}

function executorOn(client: pg.ClientBase | pg.Pool): Executor {
  return {
    async all(text, values, name) {
      const query = { text, values: [...values], ...(name !== undefined && { name }) }
      return (await client.query(query)).rows as unknown[]
    },
    async run(text, values) {
      return (await client.query({ text, values: [...values] })).rowCount ?? 0
    },
  }
}

/** Ordinary pooled transactions at READ COMMITTED, run again whole when PostgreSQL asks for it. */
export function openPostgres(url: string, sql: Kysely<Tables>, hooks: TransactionHooks): PostgresDatabase {
  const pool = openPool(url)
  const scans = openPool(url, 'scans')
  const reader = makeReader(sql, readsOn(pool))
  const restarted = { deadlock: 0, 'serialization-failure': 0, 'start-over': 0 }
  const space = watchSpace(hooks.clock)

  const transact: Transact = async (rule) => {
    refuseIfFull(pool)
    for (let restarts = 0; ; restarts++) {
      try {
        return await once(rule)
      } catch (error) {
        const cause = causeOfRestart(error)
        if (restarts >= MAX_RESTARTS || cause === undefined) throw told(error)
        restarted[cause] += 1
      }
    }
  }

  function told(error: unknown): unknown {
    if (isDiskFull(error)) space.noteRefused()
    return inOurWords(error)
  }

  async function once<Result>(rule: Rule<Result>): Promise<Result> {
    const client = await pool.connect()
    const run = new RuleRun(sql, executorOn(client), hooks)
    let result: Result
    try {
      // Said in full, because a database can have other defaults.
      await client.query('begin isolation level read committed read write')
      result = await run.perform(rule)
      await commit(client)
    } catch (error) {
      client.release(await couldNotRollBack(client, error))
      throw error
    }
    client.release()
    if (run.events.length > 0) hooks.publish(run.events)
    if (run.afterwards.size > 0) await followUp(run, { read: reader, transact }, hooks.onLeftUndone)
    return result
  }

  return {
    transact,
    reader,
    scanner: makeReader(sql, readsOn(scans)),
    waiting: () => pool.waitingCount,
    restarts: () => restarted,
    lacksSpace: () => space.isLacking(),
    pool,
    async close() {
      await Promise.all([pool.end(), scans.end()])
    },
  }
}

/** Ends a failed transaction; answers true where only ending the connection does, because it hangs or is gone. */
async function couldNotRollBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (error instanceof RuleTooSlow) return true
  return client.query('rollback').then(
    () => false,
    () => true,
  )
}

async function commit(client: pg.PoolClient): Promise<void> {
  let answer: string
  try {
    answer = (await client.query('commit')).command
  } catch (error) {
    if (causeOfRestart(error) !== undefined || isDiskFull(error)) throw error
    throw new CommitFailed('The write could not be brought to disk.', { cause: error })
  }
  // PostgreSQL answers a commit after a swallowed error with a rollback, and calls that a success.
  if (answer !== 'COMMIT') throw new CommitFailed('The transaction had failed before its commit.')
}

function isDiskFull(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === DISK_FULL
}

/** Why a transaction is to be run again; `undefined` where it is not. */
function causeOfRestart(error: unknown): RestartCause | undefined {
  if (error instanceof StartOver) return 'start-over'
  return error instanceof pg.DatabaseError ? RETRIED_CODES[error.code ?? ''] : undefined
}
