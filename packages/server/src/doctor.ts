// `deskbell doctor`: looks for trouble and says what to do about it. It changes nothing.
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError, readConfig, type Config, type Environment, type Flags } from './config.ts'
import type { Inspection } from './database/inspect.ts'
import { findDataFolderOwner } from './database/lock.ts'
import { inspectDatabase, sqliteFile } from './database/open.ts'
import { DatabaseUnusable, explain } from './database/unusable.ts'

/** One line of the report. */
export interface Finding {
  check: string
  state: 'ok' | 'warn' | 'fail'
  text: string
  /** What to do; absent where nothing is to do. */
  advice?: string
}

const gigabyte = 1024 ** 3
const scarceBytes = gigabyte
const tooFewBytes = gigabyte / 10
/** Clocks of one machine are corrected by small steps all the time; more than this is a wrong clock. */
const toleratedMs = 60_000

/** Every check, in order. One that cannot be made because an earlier one failed is left out. */
export async function examine(environment: Environment, flags: Flags, nowMs: number): Promise<Finding[]> {
  const config = tryConfig(environment, flags)
  if (Array.isArray(config)) return config
  const folder = checkFolder(config.dataDir)
  const space = await checkSpace(config.dataDir)
  return [
    finding('configuration', 'ok', 'is complete'),
    folder,
    ...(folder.state === 'ok' ? [checkLock(config)] : []),
    space,
    checkMail(config),
    ...(await checkDatabase(config, nowMs)),
  ]
}

/** The report as text, a line for each finding and one for each advice. */
export function reportOf(findings: readonly Finding[]): string {
  return findings
    .flatMap(({ check, state, text, advice }) => [
      `${state.padEnd(4)}  ${check.padEnd(13)}  ${text}`,
      ...(advice === undefined ? [] : [`${' '.repeat(21)}${advice}`]),
    ])
    .join('\n')
}

function tryConfig(environment: Environment, flags: Flags): Config | Finding[] {
  try {
    return readConfig(environment, flags)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) =>
      finding('configuration', 'fail', problem, 'Correct the environment or the flags: see docs/configuration.md.'),
    )
  }
}

function checkFolder(dataDir: string): Finding {
  const folder = resolve(dataDir)
  if (!existsSync(folder))
    return finding(
      'data folder',
      'warn',
      `${folder} does not exist`,
      'The first `deskbell serve` creates it; or is --data wrong?',
    )
  if (!statSync(folder).isDirectory())
    return finding(
      'data folder',
      'fail',
      `${folder} is no folder`,
      'Choose another one with --data or DESKBELL_DATA_DIR.',
    )
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return finding(
      'data folder',
      'fail',
      `${folder} cannot be written`,
      'Give it to the user that runs the server (chown).',
    )
  }
  return finding('data folder', 'ok', `${folder} can be written`)
}

function checkLock({ dataDir, database }: Config): Finding {
  if (database.url !== undefined) return finding('lock', 'ok', 'is not needed with Postgres')
  try {
    const owner = findDataFolderOwner(dataDir)
    return finding('lock', 'ok', owner === undefined ? 'is free: no server is running' : `is held by process ${owner}`)
  } catch (error) {
    return finding(
      'lock',
      'fail',
      messageOf(error),
      'Is deskbell.lock readable and writable for the user that runs the server?',
    )
  }
}

async function checkSpace(dataDir: string): Promise<Finding> {
  const { bavail, bsize, files, ffree } = await statfs(nearestFolder(resolve(dataDir)))
  const free = bavail * bsize
  const text = `${(free / gigabyte).toFixed(1)} GB free`
  const advice = 'Make room: without space messages are refused.'
  // Some file systems make room for as many files as there are bytes for, and say that they have none.
  if (files > 0 && ffree === 0) return finding('disk space', 'fail', `${text}, and no file more fits on it`, advice)
  if (free < tooFewBytes) return finding('disk space', 'fail', text, advice)
  return free < scarceBytes ? finding('disk space', 'warn', text, advice) : finding('disk space', 'ok', text)
}

function checkMail({ mail: { smtpUrl, from } }: Config): Finding {
  if (smtpUrl === undefined)
    return finding('mail', 'warn', 'is not configured: letters are dropped', 'Set DESKBELL_SMTP_URL to send letters.')
  const sender = from ?? 'the address of the setting From_Email'
  return finding('mail', 'ok', `goes out through ${new URL(smtpUrl).host} from ${sender}`)
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

async function checkDatabase({ dataDir, database: { url } }: Config, nowMs: number): Promise<Finding[]> {
  if (url === undefined && !existsSync(sqliteFile(dataDir)))
    return [
      finding('database', 'warn', 'does not exist yet', 'The first `deskbell serve` creates it; or is --data wrong?'),
    ]
  try {
    const found = await inspectDatabase({ dataDir, url })
    const name = url === undefined ? sqliteFile(resolve(dataDir)) : `Postgres at ${new URL(url).host}`
    if (found.damage !== undefined)
      return [
        finding('database', 'fail', `${name} is damaged: ${found.damage}`, 'Stop the server and restore a backup.'),
      ]
    return [finding('database', 'ok', `${name} opens`), ...checkContents(found, nowMs)]
  } catch (error) {
    const known = explain(error, { url, file: sqliteFile(dataDir) })
    const advice =
      known instanceof DatabaseUnusable
        ? known.message
        : url === undefined
          ? 'Is the file a database, and readable for this user? If so, restore a backup.'
          : 'Is the server up, and is DESKBELL_DATABASE_URL right?'
    return [finding('database', 'fail', messageOf(error), advice)]
  }
}

function checkContents(found: Inspection, nowMs: number): Finding[] {
  if (found.strangers.length > 0)
    return [
      finding(
        'migrations',
        'fail',
        `a newer Deskbell ran ${found.strangers.join(', ')}`,
        'Run that version, or restore a backup.',
      ),
    ]
  if (found.pending.length > 0) {
    const advice = 'The next `deskbell serve` runs them, after a backup of a SQLite file.'
    return [finding('migrations', 'warn', `not yet run: ${found.pending.join(', ')}`, advice)]
  }
  return [
    finding('migrations', 'ok', 'are all run'),
    ...checkJobs(found),
    ...checkLetters(found),
    checkClock(found.newestAt, nowMs),
  ]
}

function checkLetters({ parked, letters }: Inspection): Finding[] {
  const count = parked.find(({ name }) => name === 'send-mail')?.count ?? 0
  const waiting = `${String(letters)} not handed over yet`
  if (count === 0) return [finding('letters', 'ok', waiting)]
  const advice = 'They are kept for a week. Is the mail server reachable, and are its name and password right?'
  return [finding('letters', 'warn', `${waiting}, ${String(count)} of them given up`, advice)]
}

function checkJobs({ parked }: Inspection): Finding[] {
  if (parked.length === 0) return [finding('jobs', 'ok', 'none is parked')]
  return parked.map(({ name, count, lastError }) =>
    finding(
      'jobs',
      'warn',
      `${count} × ${name} given up after many tries: ${lastError ?? 'no reason noted'}`,
      'Remove the reason; the log has every try.',
    ),
  )
}

function checkClock(newestAt: string | undefined, nowMs: number): Finding {
  const now = new Date(nowMs).toISOString()
  const behindMs = newestAt === undefined ? 0 : Date.parse(newestAt) - nowMs
  if (behindMs <= toleratedMs) return finding('clock', 'ok', now)
  const minutes = Math.ceil(behindMs / 60_000)
  return finding(
    'clock',
    'fail',
    `${now} is ${minutes} min before the newest data`,
    'Set the clock, and keep it right with NTP.',
  )
}

function finding(check: string, state: Finding['state'], text: string, advice?: string): Finding {
  return { check, state, text, ...(advice !== undefined && { advice }) }
}

function messageOf(error: unknown): string {
  // A refused connection to several addresses has its reasons inside and no text of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
