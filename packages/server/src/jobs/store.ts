import { fromJson, toJson } from '../database/columns.ts'
import { statement } from '../database/statement.ts'
import type { NewJob, Reader, Transaction } from '../database/transaction.ts'

/** A job that this process has claimed. */
export interface ClaimedJob {
  id: string
  name: string
  data: unknown
  attempts: number
  uniqueKey: string | null
  /** Ours until then; it also tells this claim from a later one. */
  leaseUntil: string
}

const nextDue = statement((sql, p: { now: string }) =>
  sql
    .selectFrom('job')
    .select('id')
    .where('parkedAt', 'is', null)
    .where('runAt', '<=', p.now)
    .where((eb) => eb.or([eb('leaseUntil', 'is', null), eb('leaseUntil', '<', p.now)]))
    .orderBy('runAt')
    .limit(1),
)

/**
 * Writes jobs. One whose key is waiting already is dropped; where the job of that key is in hand, which may have looked
 * before this transaction wrote, it is asked to run once more: attempts 0 under a lease says so.
 */
export async function insertJobs(tx: Transaction, jobs: readonly NewJob[]): Promise<void> {
  for (const job of jobs)
    await tx.run(
      tx.sql
        .insertInto('job')
        .values({
          id: tx.newId(),
          name: job.name,
          data: toJson(job.data) ?? 'null',
          runAt: job.runAt ?? tx.now,
          uniqueKey: job.uniqueKey ?? null,
          attempts: 0,
          leaseUntil: null,
          parkedAt: null,
          lastError: null,
          createdAt: tx.now,
        })
        .onConflict((conflict) =>
          conflict
            .column('uniqueKey')
            .doUpdateSet((eb) => ({ data: eb.ref('excluded.data'), runAt: eb.ref('excluded.runAt'), attempts: 0 }))
            .where('job.leaseUntil', 'is not', null),
        ),
    )
}

/** The id of a job that is due and that nobody holds. */
export async function findDue(reader: Reader, now: string): Promise<string | undefined> {
  return (await nextDue.first(reader, { now }))?.id
}

/** Claims a job until the lease ends; `undefined` where somebody else was faster. */
export async function claimJob(tx: Transaction, id: string, leaseUntil: string): Promise<ClaimedJob | undefined> {
  const row = await tx.first(
    tx.sql
      .updateTable('job')
      .set((eb) => ({ leaseUntil, attempts: eb('attempts', '+', 1) }))
      .where('id', '=', id)
      .where('parkedAt', 'is', null)
      .where((eb) => eb.or([eb('leaseUntil', 'is', null), eb('leaseUntil', '<', tx.now)]))
      .returning(['id', 'name', 'data', 'attempts', 'uniqueKey']),
  )
  return row && { ...row, data: fromJson<unknown>(row.data), leaseUntil }
}

/** Removes a job that is done, unless it was asked for once more meanwhile. */
export async function finishJob(tx: Transaction, job: ClaimedJob): Promise<void> {
  const deleted = await tx.run(
    tx.sql
      .deleteFrom('job')
      .where('id', '=', job.id)
      .where('leaseUntil', '=', job.leaseUntil)
      .where('attempts', '=', job.attempts),
  )
  if (deleted === 0)
    await tx.run(
      tx.sql
        .updateTable('job')
        .set({ leaseUntil: null })
        .where('id', '=', job.id)
        .where('leaseUntil', '=', job.leaseUntil),
    )
}

/** How a job goes on: again at a time, or not until a person has looked. */
export type Release = { runAt: string; lastError: string | null } | { parkedFor: string }

/** Lets a job go that is not done for good. One whose lease ran out and that another worker has is left alone. */
export async function releaseJob(tx: Transaction, job: ClaimedJob, release: Release): Promise<void> {
  const change =
    'parkedFor' in release
      ? // A parked job gives its key back: what is asked for from now on must run.
        { parkedAt: tx.now, lastError: release.parkedFor, uniqueKey: null }
      : { ...release, ...(release.lastError === null && { attempts: 0 }) }
  await tx.run(
    tx.sql
      .updateTable('job')
      .set({ ...change, leaseUntil: null })
      .where('id', '=', job.id)
      .where('leaseUntil', '=', job.leaseUntil),
  )
}
