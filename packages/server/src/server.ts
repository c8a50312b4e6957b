import type { Server as HttpServer } from 'node:http'
import { join } from 'node:path'
import { areas } from '@deskbell/contract/contract.ts'
import { openApiDocument } from '@deskbell/contract/openapi.ts'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { accountPages } from './areas/accounts/page.ts'
import { avatarResources } from './areas/avatars/pictures.ts'
import { fileResources } from './areas/files/downloads.ts'
import { visitorQuota } from './areas/files/files.ts'
import { authenticate } from './areas/sessions/sessions.ts'
import { readSettings } from './areas/settings/settings.ts'
import { setupPages, setupPath } from './areas/setup/page.ts'
import { prepareSetup } from './areas/setup/setup.ts'
import { Streams } from './areas/streams/streams.ts'
import type { Config } from './config.ts'
import type { Context, WhoIs } from './context.ts'
import { installationId } from './database/installation.ts'
import { lockDataFolder, lockFile, type DataFolderLock } from './database/lock.ts'
import { openDatabase, sqliteFile, type Database } from './database/open.ts'
import type { TransactionHooks } from './database/transaction.ts'
import { explain } from './database/unusable.ts'
import { makeBus, type Bus, type LocalBus } from './events/bus.ts'
import { makeFileStore } from './files/files.ts'
import { addressKey } from './address-key.ts'
import { makeDispatch, type Dispatch, type DispatchOptions } from './http/dispatch.ts'
import { makeLimitScale } from './http/limit-settings.ts'
import { describeUpgrade, makeHttpServer } from './http/listen.ts'
import { createLoginGuard } from './http/login-guard.ts'
import { makeMetrics } from './http/metrics.ts'
import { createLetterGuard } from './http/letter-guard.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { addressQuota, createUploadGuard } from './http/upload-guard.ts'
import { makeNewId } from './ids.ts'
import { jobFunctions, schedule } from './jobs.ts'
import { insertJobs } from './jobs/store.ts'
import { makeWorker, type Worker } from './jobs/worker.ts'
import { makeLog } from './log.ts'
import { makeTakesMail } from './mail/exchange.ts'
import { makeMailer } from './mail/mailer.ts'
import { makePatterns } from './patterns/patterns.ts'
import { makeHub, type Hub } from './realtime/hub.ts'
import { makeSockets, type Sockets } from './realtime/listen.ts'
import { reactions } from './reactions.ts'
import { operationsWith } from './routes.ts'
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
  sockets: Sockets
  streams: Streams
  hub: Hub
  /** Where the first administrator is created by hand; absent when there is one. */
  setupPath?: string
  /** Opens the port; answers the address as a URL. */
  listen(): Promise<string>
  /** Answers the calls in hand and lets no new ones in, then closes everything. */
  close(): Promise<void>
}

/**
 * The only place that wires parts together. The server is ready to `listen` when this answers.
 * @throws DataFolderInUse, DatabaseUnusable
 */
export async function startServer(config: Config, surroundings: Surroundings = {}): Promise<Server> {
  const place = { url: config.database.url, file: sqliteFile(config.dataDir) }
  const inPlainWords = async <Result>(step: () => Promise<Result>): Promise<Result> => {
    try {
      return await step()
    } catch (error) {
      throw explain(error, place)
    }
  }
  const server = await inPlainWords(() => start(config, surroundings))
  return { ...server, listen: () => inPlainWords(() => server.listen()) }
}

async function start(config: Config, surroundings: Surroundings): Promise<Server> {
  const clock = surroundings.clock ?? Date.now
  const log = surroundings.log ?? makeLog(config.log.level)
  const bus = makeBus((error) => log.error({ err: error }, 'A listener failed.'))
  const jobs = makeJobSignal()
  const newId = surroundings.newId ?? makeNewId(clock)
  const database = await openOurs(config, makeHooks({ clock, newId, bus, jobs, log }))
  const { transact, reader } = database
  const context = makeContext(database, { clock, newId, config, log }, surroundings)
  const whoIs: WhoIs = (credentials) => authenticate(reader, credentials, new Date(clock()).toISOString())
  const operations = operationsWith((session, method, params) => streams.call(session, method, params))
  const shared = { context, operations, ...limitsOf(context, bus) }
  const dispatch = makeDispatch({
    ...shared,
    authenticate: whoIs,
    checksAnswers: surroundings.checksAnswers ?? false,
    onRefused: surroundings.onRefused,
  })
  const worker = makeWorker({ transact, reader, clock, log, functions: jobFunctions(context), schedule })
  jobs.listen(() => worker.wake())
  const setup = await orClose(database, prepareSetup(context))
  const version = readVersion()
  const http = makeHttpServer({
    ...shared,
    pages: [...setupPages(context, setup), ...accountPages(context)],
    resources: [...fileResources(context, whoIs), ...avatarResources(context)],
    dispatch,
    newRequestId: newId,
    metrics: makeMetrics(version, database),
    apiDocument: () => openApiDocument(areas, { version }),
    checkDatabase: () => readSettings(reader),
    lacksSpace: () => database.lacksSpace(),
    allowedOrigin: (origin) => allowedOrigin(context, origin),
  })
  const { sockets, streams, hub } = serveSockets(context, { ...shared, bus, dispatch, newId, server: http.server })
  const redis = await orClose(database, joinOthers(context, bus, streams))
  return {
    context,
    sockets,
    streams,
    hub,
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
      await sockets.close()
      await http.close()
      redis?.close()
      await closeBehind(context, worker, database)
    }),
  }
}

function makeContext(
  { transact, reader, scanner }: Database,
  { clock, newId, config, log }: Pick<Context, 'clock' | 'config' | 'log'> & { newId: () => string },
  { nameServers }: Surroundings,
): Context {
  const { smtpUrl } = config.mail
  return {
    transact,
    read: reader,
    scan: scanner,
    clock,
    config,
    log,
    files: makeFileStore({ folder: join(config.dataDir, 'uploads'), newId }),
    uploadGuard: createUploadGuard({
      now: clock,
      perVisitor: visitorQuota,
      perAddress: config.http.rateLimits ? addressQuota : undefined,
    }),
    patterns: makePatterns({ log }),
    loginGuard: config.http.rateLimits ? createLoginGuard({ now: clock }) : undefined,
    letterGuard: config.http.rateLimits ? createLetterGuard({ now: clock }) : undefined,
    mailer: smtpUrl === undefined ? undefined : makeMailer(smtpUrl, clock),
    takesMail: makeTakesMail(nameServers),
  }
}

/** How many calls are taken, as the settings widen or narrow it. */
function limitsOf(
  { read, clock, config }: Context,
  bus: Bus,
): Pick<DispatchOptions, 'limiter'> & Pick<SocketParts, 'limitScale'> {
  const scale = makeLimitScale(() => readSettings(read), clock)
  bus.subscribe(({ name }) => name === 'settings.changed' && scale.forget())
  return {
    limiter: config.http.rateLimits ? createRateLimiter({ now: clock }) : undefined,
    limitScale: () => scale.current(),
  }
}

/** Closes what works where no call comes in any more. */
async function closeBehind({ mailer, patterns }: Context, worker: Worker, database: Database): Promise<void> {
  const stopped = worker.stop()
  mailer?.close()
  await stopped
  await patterns.close()
  await database.close()
}

const SWEEP_MS = 5_000

interface SocketParts {
  limitScale: NonNullable<DispatchOptions['limitScale']>
  bus: Bus
  dispatch: Dispatch
  newId: () => string
  server: HttpServer
}

/** Puts sockets before the product. */
function serveSockets(
  context: Context,
  { bus, dispatch, newId, server, limitScale }: SocketParts,
): { sockets: Sockets; streams: Streams; hub: Hub } {
  const { clock, log, config } = context
  const { trustProxyHops, rateLimits } = config.http
  const hub = makeHub()
  const streams = new Streams(context, { hub, bus, dispatch })
  const sweeping = setInterval(() => {
    streams.sweep().catch((error: unknown) => {
      log.error({ err: error }, 'What was not heard of could not be looked for.')
    })
  }, SWEEP_MS).unref()
  const sockets = makeSockets({
    hub,
    product: streams,
    log,
    clock,
    newId,
    describe: (request) => describeUpgrade(request, { id: newId(), trustProxyHops }),
    keyOf: addressKey,
    limitScale: () => (rateLimits ? limitScale() : Promise.resolve(undefined)),
  })
  sockets.attach(server)
  return {
    streams,
    hub,
    sockets: {
      ...sockets,
      async close() {
        clearInterval(sweeping)
        await sockets.close()
        streams.close()
      },
    },
  }
}

/** Lets this process and others on the same database hear each other, where a Redis is named. */
async function joinOthers(
  { config, read, transact, log }: Context,
  bus: LocalBus,
  streams: Streams,
): Promise<{ close(): void } | undefined> {
  if (config.redisUrl === undefined) return undefined
  // Loaded where it is used: most servers are alone.
  const { connectRedis } = await import('./events/redis.ts')
  const redis = connectRedis({
    url: config.redisUrl,
    installation: await installationId(read, transact),
    deliver: (events) => bus.deliver(events),
    onReturn() {
      streams.sweep().catch((error: unknown) => {
        log.error({ err: error }, 'What was missed could not be looked for.')
      })
    },
    onError: (error) => log.warn({ err: error }, 'Redis is away: other processes hear of changes within seconds.'),
  })
  bus.carryWith(redis)
  return redis
}

interface Surround {
  clock: () => number
  newId: () => string
  bus: Bus
  jobs: ReturnType<typeof makeJobSignal>
  log: Logger
}

/** What transactions set off: job rows with them, events and the worker after them. */
function makeHooks({ clock, newId, bus, jobs, log }: Surround): TransactionHooks {
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
    onLeftUndone: (error) => log.warn({ err: error }, 'What was to follow a write failed; a job comes by later.'),
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
  const lock = takeFolder(dataDir)
  try {
    const database = await openDatabase({ dataDir }, hooks)
    return { ...database, close: () => database.close().finally(() => lock.release()) }
  } catch (error) {
    lock.release()
    throw error
  }
}

function takeFolder(dataDir: string): DataFolderLock {
  try {
    return lockDataFolder(dataDir)
  } catch (error) {
    throw explain(error, { file: lockFile(dataDir) })
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
