// A real server process, started as a user would, for tests that kill it or watch its system calls.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { TestDatabase } from './database.ts'

const main = fileURLToPath(new URL('../bin/deskbell.js', import.meta.url))

export interface ServerProcess {
  /** Where it listens. */
  url: string
  pid: number
  /** How long it took from the start of the process to the ready line. */
  readyMs: number
  /** What it wrote so far: its log, at level error unless the environment says otherwise. */
  said: () => string
  /** Ends it at once, as a power cut would; answers when it is gone. */
  kill(): Promise<void>
  /** Ends it as a supervisor would; answers its exit code. */
  stop(): Promise<number | null>
  /** Calls the API; throws where the server cannot be reached. */
  call(key: string, options?: CallOptions): Promise<ProcessAnswer>
}

export interface CallOptions {
  body?: unknown
  headers?: Record<string, string>
}

export interface ProcessAnswer {
  status: number
  headers: Headers
  // Tests look into answers of any shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any
}

export interface ServerProcessOptions {
  /** A command to run the server under, such as `strace` and its arguments. */
  under?: readonly string[]
  /** What the environment says besides. */
  environment?: Readonly<Record<string, string>>
  /** Where its standard output goes, instead of to us. */
  logFile?: string
}

/** The administrator of an empty database that a server process was started on. */
const firstAdmin = { username: 'root', password: 'a very long password' }

/** Starts `deskbell serve` on a free port of the loopback interface and waits for its ready line. */
export async function startServerProcess(
  database: TestDatabase,
  { under = [], environment = {}, logFile }: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const startedAt = performance.now()
  const words = [...under, process.execPath, main, 'serve']
  const child = spawn(words[0] ?? '', words.slice(1), {
    env: { ...environmentFor(database), ...environment },
    stdio: ['ignore', logFile === undefined ? 'pipe' : openSync(logFile, 'a'), 'pipe'],
  })
  const heard = listenTo(child)
  const said = () => (logFile === undefined ? '' : readFileSync(logFile, 'utf8')) + heard()
  const url = await readyLine(child, said)
  const readyMs = performance.now() - startedAt
  const gone = once(child, 'exit') as Promise<[number | null]>
  return {
    url,
    pid: child.pid ?? 0,
    readyMs,
    said,
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    async stop() {
      child.kill('SIGTERM')
      return (await gone)[0]
    },
    call: (key, options) => call(url, key, options),
  }
}

/** How a command ended. */
export interface Ended {
  code: number | null
  output: string
  errors: string
}

/** Runs `deskbell` with these words until it ends; a server that starts instead is ended after a while. */
export async function runCommand(
  database: TestDatabase,
  words: readonly string[],
  { under = [], environment = {} }: Omit<ServerProcessOptions, 'logFile'> = {},
): Promise<Ended> {
  const [command = '', ...rest] = [...under, process.execPath, '--disable-warning=FSTDEP023', main, ...words]
  const child = spawn(command, rest, {
    env: { ...environmentFor(database), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code as number | null, output, errors }
}

/** Signs the first administrator in; answers the headers to call with. */
export async function signInAsAdmin(server: ServerProcess): Promise<Record<string, string>> {
  const body = { user: firstAdmin.username, password: firstAdmin.password }
  const answer = await server.call('POST /login', { body })
  const { userId, authToken } = (answer.body as { data: { userId: string; authToken: string } }).data
  return { 'x-user-id': userId, 'x-auth-token': authToken }
}

function environmentFor(database: TestDatabase): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    DESKBELL_PORT: '0',
    DESKBELL_DATA_DIR: database.dataDir,
    ...(database.url !== undefined && { DESKBELL_DATABASE_URL: database.url }),
    DESKBELL_RATE_LIMITS: 'off',
    DESKBELL_LOG_LEVEL: 'error',
    DESKBELL_ADMIN_USERNAME: firstAdmin.username,
    DESKBELL_ADMIN_PASSWORD: firstAdmin.password,
    DESKBELL_ADMIN_EMAIL: 'root@example.org',
  }
}

/** Answers the address of the ready line; throws what the process said where it ended before. */
function readyLine(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const url = /^Deskbell is ready at (http:\S+)$/m.exec(said())?.[1]
      if (url !== undefined) resolve(url)
      return url !== undefined
    }
    if (child.stdout === null) lookAgainUntil(look)
    child.stdout?.on('data', look)
    child.once('error', reject)
    child.once('exit', (code) =>
      reject(new Error(`The server ended (${String(code)}) before it was ready:\n${said()}`)),
    )
  })
}

/** Nobody tells that a file has grown. */
function lookAgainUntil(look: () => boolean): void {
  if (!look()) setTimeout(() => lookAgainUntil(look), 20).unref()
}

/** Everything that a process says. */
function listenTo(child: ChildProcess): () => string {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()))
  return () => said
}

async function call(url: string, key: string, { body, headers }: CallOptions = {}): Promise<ProcessAnswer> {
  const [method, path] = key.split(' ') as [string, string]
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown }
}
