import type { Logger } from 'pino'
import type { Reader, Transact, Transaction } from '../database/transaction.ts'
import { claimJob, findDue, finishJob, insertJobs, releaseJob, type ClaimedJob, type Release } from './store.ts'

/**
 * What a job does; it may run more than once for one row, so it must not mind. It ends well within the lease (a minute):
 * network calls have their own timeouts, large work goes in steps.
 */
export type JobFunction = (data: unknown) => Promise<void>

/** A job that runs again and again. */
export interface Recurring {
  name: string
  everyMs: number
}

export interface WorkerOptions {
  transact: Transact
  reader: Reader
  clock: () => number
  log: Logger
  functions: Readonly<Record<string, JobFunction>>
  schedule: readonly Recurring[]
}

export interface Worker {
  /** Writes the rows of recurring jobs and begins to work. */
  start(): Promise<void>
  /** Looks for work at once. */
  wake(): void
  /** Works off what is due now and answers when nothing is; tests use it instead of waiting. */
  drain(): Promise<void>
  /** Ends after the job in hand. */
  stop(): Promise<void>
}

const POLL_MS = 1_000
const LEASE_MS = 60_000
const FIRST_RETRY_MS = 2_000
const MAX_ATTEMPTS = 10

/**
 * Does the jobs that transactions wrote. A row is claimed by compare-and-set under a lease: if the process dies, another
 * takes it when the lease has run out. A failing job is tried again with growing pauses, then parked for `doctor`.
 */
export function makeWorker(options: WorkerOptions): Worker {
  const { transact, log } = options
  const workOff = makeWork(options)
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> | undefined
  let isStopped = true

  function wake(): void {
    if (isStopped || working !== undefined) return
    clearTimeout(timer)
    working = workOff(() => isStopped)
      .catch((error: unknown) => log.error({ err: error }, 'The job worker could not reach the database.'))
      .finally(() => {
        working = undefined
        if (!isStopped) timer = setTimeout(wake, POLL_MS)
      })
  }

  return {
    async start() {
      await transact((tx) =>
        insertJobs(
          tx,
          options.schedule.map(({ name }) => ({ name, data: null, uniqueKey: recurringKey(name) })),
        ),
      )
      isStopped = false
      wake()
    },
    wake,
    async drain() {
      await working
      await workOff(() => false)
    },
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await working
    },
  }
}

/** Answers the function that does what is due, job by job, until nothing is or it is enough. */
function makeWork({ transact, reader, clock, log, functions, schedule }: WorkerOptions) {
  const periods = new Map(schedule.map(({ name, everyMs }) => [recurringKey(name), everyMs]))
  /** What became of jobs, as long as the database does not take it: else they would be held, and done again, when their lease ends. */
  const unwritten: ((tx: Transaction) => Promise<void>)[] = []

  return async (isEnough: () => boolean): Promise<void> => {
    await writeDown()
    while (!isEnough()) {
      const id = await findDue(reader, isoIn(0))
      if (id === undefined) return
      const job = await transact((tx) => claimJob(tx, id, isoIn(LEASE_MS)))
      if (job !== undefined) await perform(job)
    }
  }

  async function perform(job: ClaimedJob): Promise<void> {
    try {
      // Nobody was left to park a job whose last attempt took the process with it.
      if (job.attempts > MAX_ATTEMPTS && periodOf(job) === undefined)
        throw new Error('The process ended during the last attempt.')
      const run = functions[job.name]
      if (run === undefined) throw new Error(`No job is named '${job.name}'.`)
      await run(job.data)
    } catch (error) {
      log.warn({ err: error, job: job.name, attempts: job.attempts }, 'A job failed.')
      const release = afterFailure(job, error)
      return writeDown((tx) => releaseJob(tx, job, release))
    }
    const everyMs = periodOf(job)
    if (everyMs === undefined) return writeDown((tx) => finishJob(tx, job))
    const release = { runAt: isoIn(everyMs), lastError: null }
    return writeDown((tx) => releaseJob(tx, job, release))
  }

  /** Writes what became of a job, after what could not be written before. */
  async function writeDown(outcome?: (tx: Transaction) => Promise<void>): Promise<void> {
    if (outcome !== undefined) unwritten.push(outcome)
    for (let next = unwritten[0]; next !== undefined; next = unwritten[0]) {
      await transact(next)
      unwritten.shift()
    }
  }

  function afterFailure(job: ClaimedJob, error: unknown): Release {
    const lastError = error instanceof Error ? error.message : String(error)
    const everyMs = periodOf(job)
    // Parking what recurs would end it for ever.
    if (everyMs === undefined && job.attempts >= MAX_ATTEMPTS) return { parkedFor: lastError }
    const pauseMs = FIRST_RETRY_MS * 2 ** (Math.min(job.attempts, MAX_ATTEMPTS) - 1)
    return { runAt: isoIn(Math.min(pauseMs, everyMs ?? pauseMs)), lastError }
  }

  function periodOf(job: ClaimedJob): number | undefined {
    return job.uniqueKey === null ? undefined : periods.get(job.uniqueKey)
  }

  function isoIn(ms: number): string {
    return new Date(clock() + ms).toISOString()
  }
}

function recurringKey(name: string): string {
  return `recurring:${name}`
}
