import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import type { LogLevel } from './config.ts'
import { DiskFull, QueueFull } from './database/transaction.ts'
import { DiskNearlyFull } from './files/files.ts'

/** Errors of one chain that a line tells of. */
const MAX_CAUSES = 5

/** What is wrong with the whole server at a moment, and so with every call in it. */
const STATES = [DiskFull, DiskNearlyFull, QueueFull]

/** So often a state is told while it lasts. */
const TOLD_EVERY_MS = 60_000

/**
 * The log, a JSON object a line. A state of the whole server that fails every call is told once a minute, with how often it
 * was met since: ten thousand lines would say no more, and fill the rest of a disk.
 *
 * What people send cannot get into it by accident: requests are never logged, and of an
 * error only its name, code, message and stack. Libraries hang other things on errors, such as the bytes of a request
 * that could not be parsed, or the row that a constraint refused.
 */
export function makeLog(
  level: LogLevel,
  destination?: DestinationStream,
  // A clock that only grows: set back, the other would silence what is told seldom.
  uptimeMs: () => number = () => performance.now(),
): Logger {
  const nothing = () => undefined
  const options: LoggerOptions = {
    level,
    serializers: { err: describeError, error: describeError, req: nothing, res: nothing },
    hooks: { logMethod: tellStatesSeldom(uptimeMs) },
  }
  return pino(options, destination ?? standardOutput())
}

/** What waits for the disk under a log at most; later lines are dropped. */
const WAITING_BYTES = 1_048_576

/** The log may be a file on the disk that is full: what cannot be written waits or is dropped, and nothing ends for it. */
function standardOutput(): DestinationStream {
  // Without `sync` it would try for ever at the end of the process to write what does not fit.
  const output = pino.destination({ dest: process.stdout.fd, sync: true, maxLength: WAITING_BYTES })
  // There is no other place to tell of it.
  output.on('error', () => undefined)
  return output
}

/** Passes lines on; of those that tell of the same state, one a minute. */
function tellStatesSeldom(uptimeMs: () => number): NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']> {
  const told = new Map<string, { atMs: number; since: number }>()

  /** What to add to a line about this error; `undefined`: it is not to be written. */
  function takeTurn(error: Error): { alsoMet?: number } | undefined {
    const last = told.get(error.name)
    const nowMs = uptimeMs()
    if (last !== undefined && nowMs - last.atMs < TOLD_EVERY_MS) {
      last.since += 1
      return undefined
    }
    told.set(error.name, { atMs: nowMs, since: 0 })
    return last === undefined || last.since === 0 ? {} : { alsoMet: last.since }
  }

  return function pass(words, method) {
    const [first] = words as [unknown, ...unknown[]]
    const error = stateIn(first)
    if (error === undefined) {
      method.apply(this, words)
      return
    }
    const turn = takeTurn(error)
    if (turn !== undefined) method.apply(this, [{ ...(first as object), ...turn }, ...words.slice(1)] as never)
  }
}

/** The state that a line tells of, if it does. */
function stateIn(fields: unknown): Error | undefined {
  const { err } = (fields ?? {}) as { err?: unknown }
  return STATES.some((kind) => err instanceof kind) ? (err as Error) : undefined
}

interface DescribedError {
  type: string
  message: string
  code?: string
  stack?: string
  cause?: DescribedError
}

function describeError(error: unknown, depth = 1): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'Something that is no error was thrown.' }
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: describeError(error.cause, depth + 1) }),
  }
}
