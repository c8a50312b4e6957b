import type { Compilable, Kysely } from 'kysely'
import type { DeskEvent, EventName, Events } from '@deskbell/contract/events.ts'
import type { Tables } from './schema.ts'

/** Reads what is committed. Routes read through one; rules read through their `Transaction`. */
export interface Reader {
  /** Builds queries for this database; it cannot run them. */
  readonly sql: Kysely<Tables>
  /** Every row of a query. */
  all<Row>(query: Compilable<Row>): Promise<Row[]>
  /** The first row of a query, or `undefined`. */
  first<Row>(query: Compilable<Row>): Promise<Row | undefined>
  /** Runs a kept statement (statement.ts); stores use `statement()` instead. */
  runKept(kept: KeptQuery, values: readonly unknown[]): Promise<unknown[]>
}

/** What a rule may do. It ends with the rule: using it later throws, so a floating query cannot write. */
export interface Transaction extends Reader {
  /** The moment this rule runs, ISO-8601 UTC with milliseconds. */
  readonly now: string
  /** The same moment in milliseconds since 1970. */
  readonly nowMs: number
  /** A new id: 20 letters and digits, sorting by time. */
  newId(): string
  /** Runs a write and answers how many rows it changed. */
  run(query: Compilable): Promise<number>
  /** Remembers that something happened: its job rows are written with this transaction, its listeners hear after commit. */
  emit<Name extends EventName>(name: Name, data: Events[Name]): void
  /**
   * Remembers what to do once this transaction is on disk, before its caller is answered; of two under one name the first.
   * Without a promise, as a process may end in between: something must come by anyway. For what would have to wait for
   * rows while this transaction holds others (docs/decisions/0009-lock-order.md).
   */
  afterwards(name: string, work: Afterwards): void
}

/** What is done after a transaction, in transactions of its own. */
export type Afterwards = (database: { read: Reader; transact: Transact }) => Promise<unknown>

/** A query compiled once: its SQL and which value goes where. */
export interface KeptQuery {
  readonly sql: string
  /** A name unique to this text, for databases that keep prepared statements by name. */
  readonly name: string
}

export type Rule<Result> = (tx: Transaction) => Promise<Result>

/**
 * Runs a rule in a transaction and answers when its writes are on disk.
 * @throws what the rule throws (nothing is written then), `QueueFull` when too many rules wait, `RuleTooSlow`, `DiskFull`,
 * or `CommitFailed` when the database refused the commit or its answer got lost.
 */
export type Transact = <Result>(rule: Rule<Result>) => Promise<Result>

/** A job to write with the transaction that makes it necessary. */
export interface NewJob {
  /** A key of the table in jobs.ts. */
  name: string
  data: unknown
  /** When to run it, ISO time; absent: at once. */
  runAt?: string
  /** At most one waiting job exists under a key; a second one is dropped. */
  uniqueKey?: string
}

/** Event → the jobs that must follow. `server.ts` hands the table in, so database/ never imports areas/. */
export type Reactions = {
  [Name in EventName]?: readonly ((tx: Transaction, data: Events[Name]) => NewJob[] | Promise<NewJob[]>)[]
}

/** What a database needs from the outside. */
export interface TransactionHooks {
  /** Milliseconds since 1970. */
  clock: () => number
  newId: () => string
  reactions: Reactions
  /** Writes job rows in the transaction. */
  enqueue: (tx: Transaction, jobs: NewJob[]) => Promise<void>
  /** Hears the events of a rule once its commit is on disk. It must not throw. */
  publish: (events: DeskEvent[]) => void
  /** Hears that what a rule had asked for afterwards failed; the rule itself is on disk. It must not throw. */
  onLeftUndone?: (error: unknown) => void
  /** How long a rule may take; absent: `RULE_DEADLINE_MS`. Rules await nothing but SQL, so only a mistake takes longer. */
  ruleDeadlineMs?: number
  /** How long a grouped commit takes rules in, where commits are grouped; absent: a few milliseconds. */
  batchMs?: number
}

/** Why a rule is run again: PostgreSQL asked for it, or the rule itself did. */
export type RestartCause = 'deadlock' | 'serialization-failure' | 'start-over'

/** How often rules were run again since the database was opened. */
export type Restarts = Readonly<Record<RestartCause, number>>

/** Rules are over in milliseconds; one that hangs must not hold the writer, or a room's row, for ever. */
export const RULE_DEADLINE_MS = 5_000

/** How a database runs one statement. */
export interface Executor {
  all(sql: string, values: readonly unknown[], name?: string): Promise<unknown[]>
  run(sql: string, values: readonly unknown[]): Promise<number>
}

/** Too many rules wait for the disk: the caller should come back later. */
export class QueueFull extends Error {
  override name = 'QueueFull'
}

/** A rule outlived its deadline; it was rolled back. */
export class RuleTooSlow extends Error {
  override name = 'RuleTooSlow'
}

/** The disk took no more, because it is full or the process may not write so much: nothing was written. */
export class DiskFull extends Error {
  override name = 'DiskFull'
}

/** The database refused the commit and nothing was written; or it went away before it said so, and nobody knows. */
export class CommitFailed extends Error {
  override name = 'CommitFailed'
}

/** Thrown by a rule that lost a race it can only see by starting over; `transact` runs it again. */
export class StartOver extends Error {
  override name = 'StartOver'
}

/** Reads through `execute`. */
export function makeReader(sql: Kysely<Tables>, execute: Executor): Reader {
  return {
    sql,
    async all<Row>(query: Compilable<Row>) {
      const compiled = query.compile()
      return (await execute.all(compiled.sql, compiled.parameters)) as Row[]
    },
    async first<Row>(query: Compilable<Row>) {
      const compiled = query.compile()
      return (await execute.all(compiled.sql, compiled.parameters))[0] as Row | undefined
    },
    runKept: (kept, values) => execute.all(kept.sql, values, kept.name),
  }
}

/** One run of one rule: its `tx`, the events it remembered, and the way to end it. */
export class RuleRun {
  readonly events: DeskEvent[] = []
  readonly afterwards = new Map<string, Afterwards>()
  readonly tx: Transaction
  #ended = false
  readonly #hooks: TransactionHooks

  constructor(sql: Kysely<Tables>, execute: Executor, hooks: TransactionHooks) {
    this.#hooks = hooks
    const guarded: Executor = {
      all: (text, values, name) => (this.#refuseIfEnded(), execute.all(text, values, name)),
      run: (text, values) => (this.#refuseIfEnded(), execute.run(text, values)),
    }
    const nowMs = hooks.clock()
    this.tx = {
      ...makeReader(sql, guarded),
      nowMs,
      now: new Date(nowMs).toISOString(),
      newId: hooks.newId,
      run: (query) => {
        const compiled = query.compile()
        return guarded.run(compiled.sql, compiled.parameters)
      },
      emit: (name, data) => {
        this.#refuseIfEnded()
        this.events.push({ name, data } as DeskEvent)
      },
      afterwards: (name, work) => {
        this.#refuseIfEnded()
        if (!this.afterwards.has(name)) this.afterwards.set(name, work)
      },
    }
  }

  /**
   * Runs the rule, then writes the job rows that its events call for. Afterwards the rule's `tx` throws.
   * @throws what the rule throws, or `RuleTooSlow`; either way the caller rolls back.
   */
  async perform<Result>(rule: Rule<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new RuleTooSlow('A rule did not end in time.')),
        this.#hooks.ruleDeadlineMs ?? RULE_DEADLINE_MS,
      )
    })
    try {
      return await Promise.race([this.#performWithJobs(rule), deadline])
    } finally {
      clearTimeout(timer)
      this.#ended = true
    }
  }

  async #performWithJobs<Result>(rule: Rule<Result>): Promise<Result> {
    const result = await rule(this.tx)
    if (this.events.length > 0) await this.#react()
    return result
  }

  async #react(): Promise<void> {
    for (const event of this.events) {
      for (const reaction of this.#hooks.reactions[event.name] ?? []) {
        // The table pairs each name with functions of its own data; the union of pairs hides that from the compiler.
        const jobs = await (reaction as (tx: Transaction, data: unknown) => NewJob[] | Promise<NewJob[]>)(
          this.tx,
          event.data,
        )
        if (jobs.length > 0) await this.#hooks.enqueue(this.tx, jobs)
      }
    }
  }

  #refuseIfEnded(): void {
    if (this.#ended)
      throw new Error('This transaction has ended: a query was started and not awaited, or kept for later.')
  }
}

/** Does what a rule asked for afterwards, one after the other. It never throws: the rule's caller is answered for the rule. */
export async function followUp(
  { afterwards }: RuleRun,
  database: { read: Reader; transact: Transact },
  onLeftUndone: TransactionHooks['onLeftUndone'],
): Promise<void> {
  for (const work of afterwards.values()) await work(database).catch((error: unknown) => onLeftUndone?.(error))
}
