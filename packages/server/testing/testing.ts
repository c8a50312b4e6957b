// A real server in this process, and people to use it: what every area test starts with.
import { appendFileSync } from 'node:fs'
import type { Contract, OperationKey } from '@deskbell/contract/contract.ts'
import type { Output } from '@deskbell/contract/operation.ts'
import { openSession } from '../src/areas/sessions/sessions.ts'
import { createUser } from '../src/areas/users/users.ts'
import type { Config, LogLevel } from '../src/config.ts'
import { makeNewId } from '../src/ids.ts'
import { makeLog } from '../src/log.ts'
import { hashPassword } from '../src/passwords.ts'
import { startServer, type Server } from '../src/server.ts'
import { makeTestDatabase, type TestDatabase } from './database.ts'

/** What a call carries besides its key. */
export interface CallInput {
  params?: Record<string, string>
  query?: Record<string, string | string[]>
  body?: unknown
  headers?: Record<string, string>
}

export interface RawAnswer {
  status: number
  // Tests look into answers of any shape; the contract check of the server has seen them.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any
  headers: Record<string, string | string[] | number | undefined>
}

/** A refused call: `message` is the wire's `error` (or `message`), `body` all of it. */
export class CallFailed extends Error {
  override name = 'CallFailed'
  readonly status: number
  readonly body: unknown
  constructor({ status, body }: RawAnswer) {
    const { error, message } = (body ?? {}) as { error?: string; message?: string }
    super(error ?? message ?? `status ${String(status)}`)
    this.status = status
    this.body = body
  }
}

/** Somebody who calls the API: nobody in particular, or a signed-in member of the staff. */
export interface Client {
  headers: Record<string, string>
  /** Calls and answers the payload; throws CallFailed when refused. */
  call<Key extends OperationKey>(key: Key, input?: CallInput): Promise<Output<Contract[Key]> & { success?: true }>
  /** Calls and answers whatever comes. Takes any key, spellings that are aliases included. */
  raw(key: string, input?: CallInput): Promise<RawAnswer>
}

export interface StaffMember extends Client {
  id: string
  username: string
  password: string
}

export interface TestServer {
  server: Server
  /** Time stands still at 2026-01-05 10:00 UTC until a test moves it. */
  clock: { now: () => number; advance: (ms: number) => void }
  anyone: Client
  /** Creates an account and signs it in. */
  staff(options?: StaffOptions): Promise<StaffMember>
  administrator(): Promise<StaffMember>
  /** An agent who is online and takes chats. */
  agent(options?: StaffOptions): Promise<StaffMember>
  /** Opens a port, once, for what needs a real connection; answers the address. After a restart the same port can be asked for. */
  listen(port?: number): Promise<string>
  /** A second process on the same database; it creates nothing and stops by itself. */
  another(): Promise<TestServer>
  /** Stops the server and starts it again on the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface StaffOptions {
  username?: string
  name?: string
  roles?: string[]
  password?: string
}

export interface TestServerOptions {
  rateLimits?: boolean
  /** Lines of the log, at debug level. */
  onLog?: (line: string) => void
  config?: Partial<Config>
  /** Who is asked about domains. */
  nameServers?: readonly string[]
}

const START_MS = Date.UTC(2026, 0, 5, 10)

/** Starts a server on a database of its own. Stop it in `afterEach` or `afterAll`. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  return serve(await makeTestDatabase(), options)
}

async function serve(database: TestDatabase, options: TestServerOptions): Promise<TestServer> {
  let nowMs = START_MS
  const clock = { now: () => nowMs, advance: (ms: number) => void (nowMs += ms) }
  const start = () =>
    startServer(testConfig(database, options), {
      clock: clock.now,
      newId: makeNewId(clock.now),
      log: options.onLog
        ? makeLog('debug', { write: options.onLog })
        : makeLog((process.env['DESKBELL_TEST_LOG'] ?? 'silent') as LogLevel),
      checksAnswers: true,
      ...(options.nameServers !== undefined && { nameServers: options.nameServers }),
      onRefused: noteRefusal,
    })
  let server = await start()
  let url: string | undefined
  let people = 0

  const testServer: TestServer = {
    get server() {
      return server
    },
    clock,
    anyone: makeClient(() => server, {}),
    async staff({ username = `person${String(++people)}`, name, roles = ['user'], password = 'correct horse' } = {}) {
      const passwordHash = await hashFor(password)
      const user = await server.context.transact((tx) =>
        createUser(tx, {
          username,
          name: name ?? `Name of ${username}`,
          email: `${username}@example.org`,
          passwordHash,
          roles,
        }),
      )
      // Signing in with the password takes its time on purpose; a session is the same without it.
      const { token } = await server.context.transact((tx) => openSession(tx, { userId: user.id, passwordHash }))
      const headers = { 'x-user-id': user.id, 'x-auth-token': token }
      return { id: user.id, username, password, ...makeClient(() => server, headers) }
    },
    administrator: () => testServer.staff({ roles: ['user', 'admin'] }),
    async agent(staffOptions = {}) {
      const agent = await testServer.staff({ roles: ['user', 'livechat-agent'], ...staffOptions })
      await agent.raw('POST /users.setStatus', { body: { status: 'online' } })
      await agent.raw('POST /livechat/agent.status', { body: { status: 'available' } })
      return agent
    },
    another: () => serve({ ...database, remove: () => Promise.resolve() }, options),
    async listen(port = 0) {
      return (url ??= await server.http.listen({ host: '127.0.0.1', port }))
    },
    async restart() {
      await server.close()
      server = await start()
      url = undefined
    },
    async stop() {
      await server.close()
      await database.remove()
    },
  }
  return testServer
}

/** A client with these headers. */
export function makeClient(server: () => Server, headers: Record<string, string>): Client {
  async function raw(key: string, input: CallInput = {}): Promise<RawAnswer> {
    const [method, path] = key.split(' ') as ['GET', string]
    const answer = await server().http.inject({
      method,
      url: `/api/v1${fillPath(path, input.params ?? {})}${queryText(input.query)}`,
      headers: {
        ...(input.body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        ...input.headers,
      },
      ...(input.body !== undefined && {
        payload: typeof input.body === 'string' ? input.body : JSON.stringify(input.body),
      }),
    })
    return { status: answer.statusCode, body: parsed(answer.payload), headers: answer.headers }
  }
  return {
    headers,
    raw,
    async call(key, input) {
      const answer = await raw(key, input)
      if (answer.status >= 400) throw new CallFailed(answer)
      return answer.body as never
    },
  }
}

function fillPath(path: string, params: Record<string, string>): string {
  return path.replaceAll(/:(\w+)/g, (_match, name: string) => encodeURIComponent(params[name] ?? `:${name}`))
}

function queryText(query: CallInput['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const item of Array.isArray(value) ? value : [value]) parameters.append(name, item)
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload) as unknown
  } catch {
    return payload
  }
}

const hashes = new Map<string, Promise<string>>()

/** Hashing is slow on purpose; tests share the hash of a password. */
function hashFor(password: string): Promise<string> {
  const known = hashes.get(password) ?? hashPassword(password)
  hashes.set(password, known)
  return known
}

function testConfig(database: TestDatabase, options: TestServerOptions): Config {
  return {
    http: { host: '127.0.0.1', port: 0, trustProxyHops: 0, rateLimits: options.rateLimits ?? false },
    dataDir: database.dataDir,
    database: database.url === undefined ? {} : { url: database.url },
    mail: {},
    log: { level: 'silent' },
    ...options.config,
  }
}

/** lint/provoked.ts reads this after a whole run: an error that the contract declares and no test provokes is a gap. */
function noteRefusal(key: string, code: string): void {
  const file = process.env['DESKBELL_TEST_REFUSALS']
  if (file !== undefined) appendFileSync(file, `${key}\t${code}\n`)
}
