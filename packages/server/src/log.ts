import { pino, type DestinationStream, type Logger } from 'pino'
import type { LogLevel } from './config.ts'

/** Errors of one chain that a line tells of. */
const MAX_CAUSES = 5

/**
 * The log, a JSON object a line. What people send cannot get into it by accident: requests are never logged, and of an
 * error only its name, code, message and stack. Libraries hang other things on errors, such as the bytes of a request
 * that could not be parsed, or the row that a constraint refused.
 */
export function makeLog(level: LogLevel, destination?: DestinationStream): Logger {
  const nothing = () => undefined
  const options = { level, serializers: { err: describeError, error: describeError, req: nothing, res: nothing } }
  return destination === undefined ? pino(options) : pino(options, destination)
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
