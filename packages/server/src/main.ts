// The process: what the command line asks for, the exit code, and the signals that end a server.
import { flushCompileCache } from 'node:module'
import { readCommandLine, type NewUser } from './command-line.ts'
import { ConfigError, environment, readConfig, type Flags } from './config.ts'
import { DataFolderInUse } from './database/lock.ts'
import { DatabaseUnusable } from './database/unusable.ts'
import { examine, reportOf } from './doctor.ts'
import { startServer, type Server } from './server.ts'
import { releaseStartMemory } from './memory.ts'
import { UserRefused, addUser, readPassword } from './user-create.ts'
import { readVersion } from './version.ts'

const exitCodes = { done: 0, failed: 1, wrongUse: 2 } as const
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const shutdownLimitMs = 20_000

/** What a person did wrong, or can put right: the message is for them. */
const theirs = [ConfigError, UserRefused, DataFolderInUse, DatabaseUnusable]

/** Why the port could not be opened. */
const portSentences: Readonly<Record<string, string>> = {
  EADDRINUSE: 'The port is taken. Stop what listens there, or choose another with --port.',
  EACCES: 'The port may not be opened by this user. Choose one from 1024 on with --port.',
  EADDRNOTAVAIL: 'The address is none of this machine. Choose another with --host.',
  ENOTFOUND: 'The address is none of this machine. Choose another with --host.',
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.exitCode = report(error)
}

async function run(words: readonly string[]): Promise<ExitCode> {
  const asked = readCommandLine(words)
  switch (asked.command) {
    case 'serve':
      return serve(asked.flags)
    case 'user-create':
      return createUser(asked.user, asked.flags)
    case 'doctor':
      return examineInstallation(asked.flags)
    case 'help':
      return say(asked.text)
    case 'version':
      return say(readVersion())
    case 'wrong':
      process.stderr.write(`${asked.message}\n`)
      return exitCodes.wrongUse
  }
}

async function serve(flags: Flags): Promise<ExitCode> {
  const config = readConfig(environment(), flags)
  const server = await startServer(config)
  // Registered before the port opens: a supervisor may change its mind as soon as it sees the process.
  const stopped = stopOnSignal(server)
  const url = await orClose(server, server.listen())
  // Now, not at the end: a server that is killed should start as fast the next time.
  flushCompileCache()
  say(`Deskbell is ready at ${url}`)
  if (server.setupPath !== undefined)
    say(`There is no administrator yet. Create one at ${config.siteUrl ?? url}${server.setupPath}`)
  releaseStartMemory()
  return stopped
}

/** A server that cannot listen must not keep the process. */
async function orClose<Result>(server: Server, step: Promise<Result>): Promise<Result> {
  try {
    return await step
  } catch (error) {
    await server.close()
    throw error
  }
}

/** Ends calls in hand on the first signal, and at once on the second. */
function stopOnSignal(server: Server): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    let isStopping = false
    const stop = () => {
      if (isStopping) process.exit(exitCodes.failed)
      isStopping = true
      // A call that hangs must not keep the process: whatever was acknowledged is on disk.
      setTimeout(() => process.exit(exitCodes.failed), shutdownLimitMs).unref()
      server.close().then(() => resolve(exitCodes.done), reject)
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  })
}

async function createUser(user: NewUser, flags: Flags): Promise<ExitCode> {
  const config = readConfig(environment(), flags)
  const id = await addUser(config, user, await readPassword(process.stdin))
  return say(`Created ${user.username} with id ${id}`)
}

async function examineInstallation(flags: Flags): Promise<ExitCode> {
  const findings = await examine(environment(), flags, Date.now())
  say(reportOf(findings))
  return findings.some(({ state }) => state === 'fail') ? exitCodes.failed : exitCodes.done
}

function say(text: string): ExitCode {
  process.stdout.write(`${text}\n`)
  return exitCodes.done
}

/** Tells what went wrong: in a sentence where the person can do something about it, else whole. */
function report(error: unknown): ExitCode {
  process.stderr.write(`deskbell: ${sentenceOf(error)}\n`)
  return error instanceof ConfigError ? exitCodes.wrongUse : exitCodes.failed
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (theirs.some((kind) => error instanceof kind)) return error.message
  const { code = '' } = error as NodeJS.ErrnoException
  return portSentences[code] ?? error.stack ?? error.message
}
