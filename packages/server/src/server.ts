import { areas } from '@deskbell/contract/contract.ts'
import { join } from 'node:path'
import { openApiDocument } from '@deskbell/contract/openapi.ts'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { accountPages } from './areas/accounts/page.ts'
import { avatarResources } from './areas/avatars/pictures.ts'
import { fileResources } from './areas/files/downloads.ts'
import { authenticate } from './areas/sessions/sessions.ts'
import { readSettings } from './areas/settings/settings.ts'
import { setupPages, setupPath } from './areas/setup/page.ts'
import { prepareSetup } from './areas/setup/setup.ts'
import type { Config } from './config.ts'
import type { Context, WhoIs } from './context.ts'
import { lockDataFolder } from './database/lock.ts'
import { openDatabase, type Database } from './database/open.ts'
import type { TransactionHooks } from './database/transaction.ts'
import { makeMemoryBus, type Bus } from './events/bus.ts'
import { makeFileStore } from './files/files.ts'
import { makeDispatch, type Dispatch } from './http/dispatch.ts'
import { makeHttpServer } from './http/listen.ts'
import { makeLimitScale } from './http/limit-settings.ts'
import { createLoginGuard } from './http/login-guard.ts'
import { makeMetrics } from './http/metrics.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { makeNewId } from './ids.ts'
import { jobFunctions, schedule } from './jobs.ts'
import { insertJobs } from './jobs/store.ts'
import { makeWorker, type Worker } from './jobs/worker.ts'
import { makeLog } from './log.ts'
import { makeTakesMail } from './mail/exchange.ts'
import { makeMailer } from './mail/mailer.ts'
import { makePatterns } from './patterns/patterns.ts'
import { reactions } from './reactions.ts'
import { operations } from './routes.ts'
import { readVersion } from './version.ts'

/** What tests put in the place of the world outside. */
export interface Surroundings {
  clock?: () => number
  newId?: () => string
  log?: Logger
  /** Who is asked about domains, `address:port`; absent: whom the system asks. */
  nameServers?: readonly string[]
  /** Answers and errors that the contract does not declare are faults. */
  checksAnswers?: boolean
  /** Told of every refusal: operation and code. */
  onRefused?: (key: string, code: string) => void
}

export interface Server {
  context: Context
  database: Database
  bus: Bus
  worker: Worker
  /** The same way in that HTTP takes, without a socket. */
  dispatch: Dispatch
  http: FastifyInstance
  /** Where the first administrator is created by hand; absent when there is one. */
  setupPath?: string
  /** Opens the port; answers the address as a URL. */
  listen(): Promise<string>
  /** Answers the calls in hand and lets no new ones in, then closes everything. */
  close(): Promise<void>
}

/** The only place that wires parts together. The server is ready to `listen` when this answers. */
export async function startServer(config: Config, surroundings: Surroundings = {}): Promise<Server> {
  const clock = surroundings.clock ?? Date.now
  const log = surroundings.log ?? makeLog(config.log.level)
  const bus = makeMemoryBus((error) => log.error({ err: error }, 'A listener failed.'))
  const jobs = makeJobSignal()
  const newId = surroundings.newId ?? makeNewId(clock)
  const database = await openOurs(config, makeHooks({ clock, newId, bus, jobs }))
  const { transact, reader } = database
  const guarded = config.http.rateLimits
  const loginGuard = guarded ? createLoginGuard({ now: clock }) : undefined
  const { smtpUrl } = config.mail
  const mailer = smtpUrl === undefined ? undefined : makeMailer(smtpUrl, clock)
  const takesMail = makeTakesMail(surroundings.nameServers)
  const files = makeFileStore({ folder: join(config.dataDir, 'uploads'), newId })
  const patterns = makePatterns({ log })
  const context: Context = {
    transact,
    read: reader,
    clock,
    config,
    log,
    files,
    patterns,
    loginGuard,
    mailer,
    takesMail,
  }
  const whoIs: WhoIs = (credentials) => authenticate(reader, credentials, new Date(clock()).toISOString())
  const limitScale = makeLimitScale(() => readSettings(reader), clock)
  bus.subscribe(({ name }) => name === 'settings.changed' && limitScale.forget())
  const dispatch = makeDispatch({
    context,
    operations,
    authenticate: whoIs,
    limiter: guarded ? createRateLimiter({ now: clock }) : undefined,
    limitScale: () => limitScale.current(),
    checksAnswers: surroundings.checksAnswers ?? false,
    onRefused: surroundings.onRefused,
  })
  const worker = makeWorker({ transact, reader, clock, log, functions: jobFunctions(context), schedule })
  jobs.listen(() => worker.wake())
  const setup = await orClose(database, prepareSetup(context))
  const version = readVersion()
  const http = makeHttpServer({
    context,
    pages: [...setupPages(context, setup), ...accountPages(context)],
    resources: [...fileResources(context, whoIs), ...avatarResources(context)],
    dispatch,
    operations,
    newRequestId: makeNewId(clock),
    metrics: makeMetrics({ version, database: database.kind, writesWaiting: () => database.waiting() }),
    apiDocument: () => openApiDocument(areas, { version }),
    checkDatabase: () => readSettings(reader),
    allowedOrigin: (origin) => allowedOrigin(context, origin),
  })
  return {
    context,
    database,
    bus,
    worker,
    dispatch,
    http,
    ...(setup.key !== undefined && { setupPath: `${setupPath}?key=${setup.key}` }),
    async listen() {
      await worker.start()
      return http.listen({ host: config.http.host, port: config.http.port })
    },
    close: once(async () => {
      await http.close()
      const stopped = worker.stop()
      mailer?.close()
      await stopped
      await patterns.close()
      await database.close()
    }),
  }
}

interface Surround {
  clock: () => number
  newId: () => string
  bus: Bus
  jobs: ReturnType<typeof makeJobSignal>
}

/** What transactions set off: job rows with them, events and the worker after them. */
function makeHooks({ clock, newId, bus, jobs }: Surround): TransactionHooks {
  return {
    clock,
    newId,
    reactions,
    enqueue(tx, rows) {
      jobs.noteWritten()
      return insertJobs(tx, rows)
    },
    publish(events) {
      bus.publish(events)
      jobs.tellCommitted()
    },
  }
}

/** Closing twice is closing once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined
  return () => (begun ??= work())
}

/** Opens the database; SQLite only if no other process works in the data folder, and for none until it is closed. */
async function openOurs({ dataDir, database: { url } }: Config, hooks: TransactionHooks): Promise<Database> {
  if (url !== undefined) return openDatabase({ dataDir, url }, hooks)
  const lock = lockDataFolder(dataDir)
  try {
    const database = await openDatabase({ dataDir }, hooks)
    return { ...database, close: () => database.close().finally(() => lock.release()) }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** A start that fails halfway leaves nothing open. */
async function orClose<Result>(database: Database, step: Promise<Result>): Promise<Result> {
  try {
    return await step
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Wakes the worker once a transaction that wrote a job row is on disk, and not for every other commit. */
function makeJobSignal() {
  let isWritten = false
  let wake = () => {}
  return {
    noteWritten: () => void (isWritten = true),
    tellCommitted() {
      if (!isWritten) return
      isWritten = false
      wake()
    },
    listen: (listener: () => void) => void (wake = listener),
  }
}

/** The settings name `*` or a comma-separated list of origins (contract §G.1). */
async function allowedOrigin({ read }: Context, origin: string | undefined): Promise<string | undefined> {
  const { API_Enable_CORS, API_CORS_Origin } = await readSettings(read)
  if (!API_Enable_CORS) return undefined
  if (API_CORS_Origin.trim() === '*') return '*'
  const allowed = API_CORS_Origin.split(',').map((each) => each.trim().replace(/\/$/, ''))
  return origin !== undefined && allowed.includes(origin) ? origin : undefined
}
