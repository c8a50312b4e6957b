// Reads that go through many rows. SQLite runs a statement on the thread that asks, so a list of a hundred thousand rooms
// would keep every socket and every send waiting meanwhile: scans have a thread of their own, and a connection.
import { Worker } from 'node:worker_threads'
import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'
import { makeReader, QueueFull, type Executor, type Reader } from './transaction.ts'

const MAX_WAITING = 500

/** What the thread is asked. */
export interface Question {
  id: number
  sql: string
  values: readonly unknown[]
}

/** What the thread answers. */
export type Answer = { id: number; rows: unknown[] } | { id: number; error: Error }

export interface Scans {
  /** Sees what is committed when a query's turn comes. Its queries throw `QueueFull` when too many wait. */
  reader: Reader
  /** Ends the thread, after the scans in hand. */
  close(): Promise<void>
}

interface Asked {
  resolve: (rows: unknown[]) => void
  reject: (error: Error) => void
}

/** Scans of one SQLite file. The thread starts with the first one: a small desk that lists nothing does not pay for it. */
export function openScans(file: string, sql: Kysely<Tables>): Scans {
  const asked = new Map<number, Asked>()
  let worker: Worker | undefined
  let asks = 0
  let isClosed = false

  function start(): Worker {
    const started = new Worker(new URL('./scanner.ts', import.meta.url), { execArgv: [], workerData: file })
    // An idle thread must not keep the process.
    started.unref()
    started.on('message', (answer: Answer) => settle(answer))
    let cause: unknown
    started.on('error', (error) => void (cause = error))
    started.on('exit', () => {
      if (worker === started) worker = undefined
      for (const { reject } of asked.values()) reject(new Error('The thread of the scans ended.', { cause }))
      asked.clear()
    })
    return started
  }

  function settle(answer: Answer): void {
    const found = asked.get(answer.id)
    asked.delete(answer.id)
    if ('rows' in answer) found?.resolve(answer.rows)
    else found?.reject(answer.error)
  }

  const execute: Executor = {
    all: (text, values) =>
      new Promise((resolve, reject) => {
        if (isClosed || asked.size >= MAX_WAITING) {
          reject(isClosed ? new Error('The database is closed.') : new QueueFull('Too many scans are waiting.'))
          return
        }
        const id = ++asks
        asked.set(id, { resolve, reject })
        worker ??= start()
        const question: Question = { id, sql: text, values }
        worker.postMessage(question)
      }),
    run: () => Promise.reject(new Error('A scan cannot write.')),
  }

  return {
    reader: makeReader(sql, execute),
    async close() {
      isClosed = true
      const ending = worker
      if (ending === undefined) return
      const exited = new Promise((resolve) => ending.once('exit', resolve))
      ending.ref()
      ending.postMessage('close')
      await exited
    },
  }
}
