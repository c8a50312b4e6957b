import type { IncomingMessage } from 'node:http'
import multipart from '@fastify/multipart'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteOptions,
} from 'fastify'
import type { Operation } from '@deskbell/contract/operation.ts'
import { internalError } from '@deskbell/contract/refusals.ts'
import type { RequestInfo } from '../context.ts'
import { UnreadableBody, bodyLimitBytes, readBody } from './body.ts'
import type { Dispatch, Served } from './dispatch.ts'
import { formOf, formOptions } from './form.ts'
import { single } from './headers.ts'
import { makeLimiterNow, type LimiterOptions } from './limit-calls.ts'
import { registerPages, type Page } from './pages.ts'
import { reachedAt } from './reached-at.ts'
import { replyWhenUnable, type Reply } from './reply.ts'
import { nameReader, registerResources, type Resource } from './resources.ts'
import { registerSounds } from './sounds.ts'
import { registerSystem, type SystemOptions } from './system.ts'
import { watchUnspoken } from './unspoken.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler reads the body itself, for as long as it takes. */
    isUpload?: true
  }
}

export interface ListenOptions extends SystemOptions, LimiterOptions {
  dispatch: Dispatch
  operations: ReadonlyMap<string, Served>
  /** What a browser may open outside the API. */
  pages: readonly Page[]
  /** Files and pictures outside the API. */
  resources: readonly Resource[]
  newRequestId: () => string
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const
const API = '/api/v1'

/** A call must be there in whole after so long. */
const REQUEST_LIMIT_MS = 30_000
const UPLOAD_LIMIT_MS = 3_600_000

/** So long the rest of a form that nobody wants is let run out: a connection cut at once would swallow the answer. */
const LINGER_MS = 5_000

/** The headers of a preflight answer (contract §G.1). */
const preflight = {
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, HEAD, PATCH',
  'access-control-allow-headers':
    'Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, Authorization, X-2fa-code, X-2fa-method',
  'access-control-max-age': '86400',
}

const exposed = 'Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id'

// Shapes are checked before the handler (validate.ts). Fastify's own compilers, which it loads where it is given none, would
// take a tenth of the start and megabytes, for nothing.
const noCompilers = { buildValidator: refuseSchema, buildSerializer: refuseSchema }

function refuseSchema(): never {
  throw new Error('Shapes belong into the contract, not into a route.')
}

/** The web server: one loop over the contract registers every operation under every spelling. Fastify is seen only here. */
export function makeHttpServer(options: ListenOptions): FastifyInstance {
  const { config, log } = options.context
  const logger: FastifyBaseLogger = log
  const readName = nameReader(options.resources)
  const app = Fastify({
    loggerInstance: logger,
    // Our own line per call names the route, never the URL: tokens travel in it.
    logController: new LogController({ disableRequestLogging: true }),
    // Lines carry the request's id themselves; a logger of its own for every request costs more than it tells.
    childLoggerFactory: (logger) => logger,
    bodyLimit: bodyLimitBytes,
    routerOptions: { maxParamLength: 1_024, ignoreTrailingSlash: true },
    trustProxy: config.http.trustProxyHops > 0 && ((_address, hop) => hop < config.http.trustProxyHops),
    genReqId: options.newRequestId,
    rewriteUrl: ({ url = '/' }) => readName(url),
    // Fastify's own answer would repeat the address, with the token in it.
    frameworkErrors: (_error, _request, reply) =>
      void send(reply, { status: 400, body: { success: false, error: 'The address is not valid.' } }),
    http: { headersTimeout: REQUEST_LIMIT_MS },
    // Uploads take what they take as long as they bring something (least-rate.ts); other calls are limited below.
    requestTimeout: UPLOAD_LIMIT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    schemaController: { compilersFactory: noCompilers },
  })
  readBodiesOurselves(app)
  const letGoOfUnspoken = watchUnspoken(app.server)
  app.addHook('preClose', (done) => {
    letGoOfUnspoken()
    done()
  })
  app.addHook('onRequest', (request, reply) => allowOrigin(request, reply, options))
  app.addHook('preParsing', limitTime)
  registerOperations(app, options)
  registerSystem(app, options)
  const limiterNow = makeLimiterNow(options)
  registerPages(app, options.pages, limiterNow)
  registerResources(app, options.resources, limiterNow)
  registerSounds(app)
  app.setErrorHandler((error, request, reply) => sendFault(error, request, reply, options))
  app.setNotFoundHandler((request, reply) => {
    // A page of another origin can read that there is no such path only if it may ask for it.
    if (request.method === 'OPTIONS' && request.url.startsWith(`${API}/`))
      return answerPreflight(request, reply, options)
    return send(reply, { status: 404, body: { success: false, error: 'API endpoint not found' } })
  })
  return app
}

/** Browsers show an answer of the API, a refusal too, only to pages that the server names (contract §G.1). */
async function allowOrigin(request: FastifyRequest, reply: FastifyReply, options: ListenOptions): Promise<void> {
  // Only browsers ask, and they say where they come from; programs need no reading of the settings for it.
  if (request.headers.origin === undefined || !request.url.startsWith(API)) return
  const origin = await options.allowedOrigin(request.headers.origin)
  if (origin === undefined) return
  void reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': exposed,
    vary: 'Origin',
  })
}

function readBodiesOurselves(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, text, done) => {
    try {
      done(null, readBody(request.headers['content-type'], text as string))
    } catch (error) {
      done(error as Error)
    }
  })
}

function registerOperations(app: FastifyInstance, options: ListenOptions): void {
  const methodsOf = new Map<string, Set<string>>()
  for (const [key, { operation }] of options.operations) {
    for (const spelling of [key, ...(operation.aliases ?? [])]) {
      const [method, path] = splitKey(spelling)
      const route: RouteOptions = {
        method,
        url: `${API}${path}`,
        handler: (request, reply) => answer({ key, operation }, request, reply, options),
      }
      if (operation.upload === undefined) app.route(route)
      else registerUpload(app, route)
      methodsOf.set(path, (methodsOf.get(path) ?? new Set()).add(method))
    }
  }
  for (const [path, methods] of methodsOf) refuseOtherMethods(app, path, methods, options)
}

/** In a scope of its own: only there forms are taken, and no body is read before the handler asks for it. */
function registerUpload(app: FastifyInstance, route: RouteOptions): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    await scope.register(multipart, formOptions)
    scope.route({ ...route, config: { isUpload: true } })
  })
}

/** Ends a call that does not come to its end in time. */
function limitTime(request: FastifyRequest, reply: FastifyReply, _body: unknown, done: () => void): void {
  if (request.routeOptions.config.isUpload !== true && request.method !== 'GET') {
    const timer = setTimeout(() => request.raw.destroy(), REQUEST_LIMIT_MS).unref()
    const clear = () => clearTimeout(timer)
    request.raw.once('end', clear)
    reply.raw.once('close', clear)
  }
  done()
}

function refuseOtherMethods(app: FastifyInstance, path: string, methods: Set<string>, options: ListenOptions): void {
  const allow = [...methods, 'OPTIONS'].join(', ')
  const others = METHODS.filter((method) => !methods.has(method))
  app.route({
    method: others,
    url: `${API}${path}`,
    handler: (_request, reply) =>
      send(reply, {
        status: 405,
        headers: { allow },
        body: { status: 'error', message: 'API endpoint does not exist' },
      }),
  })
  app.route({
    method: 'OPTIONS',
    url: `${API}${path}`,
    handler: (request, reply) => answerPreflight(request, reply, options),
  })
}

/** What browsers ask before a call from another origin. */
async function answerPreflight(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ListenOptions,
): Promise<FastifyReply> {
  const origin = await options.allowedOrigin(request.headers.origin)
  if (origin === undefined) return send(reply, { status: 405, body: { status: 'error', message: 'CORS not enabled.' } })
  return reply
    .code(200)
    .headers({ 'access-control-allow-origin': origin, ...preflight })
    .send('')
}

async function answer(
  { key, operation }: { key: string; operation: Operation },
  request: FastifyRequest,
  reply: FastifyReply,
  options: ListenOptions,
): Promise<FastifyReply> {
  const startedAt = performance.now()
  const info = describe(request, options.context.config.http)
  const wrong = info === undefined ? { status: 400, body: { success: false, error: 'Duplicate headers' } } : undefined
  const input = inputOf(operation, request)
  const form = operation.upload && formOf(request, operation)
  const result = wrong ?? (await options.dispatch({ key, input, form, request: info as RequestInfo }))
  if (form !== undefined) drain(request)
  const seconds = (performance.now() - startedAt) / 1_000
  options.metrics.note(key, result.status, seconds)
  const line = { operation: key, status: result.status, ms: Math.round(seconds * 1_000), requestId: request.id }
  request.log.debug(line, 'answered')
  return send(reply, result)
}

/** Lets go of what is still coming, for a while; then the connection ends. */
function drain({ raw }: FastifyRequest): void {
  if (raw.readableEnded || raw.destroyed) return
  raw.unpipe()
  raw.resume()
  const timer = setTimeout(() => raw.destroy(), LINGER_MS)
  const clear = () => clearTimeout(timer)
  raw.once('end', clear).once('close', clear)
}

function inputOf(operation: Operation, { params, query, body, headers }: FastifyRequest) {
  const token = operation.caller === 'anyone' ? single(headers['x-visitor-token']) : undefined
  if (token === undefined) return { params, query, body: unwrap(operation, body) }
  return {
    params,
    query: withToken(operation.query, query, token),
    body: withToken(operation.body, unwrap(operation, body), token),
  }
}

/** A visitor's token may come in a header instead, which no proxy's log and no Referer keeps (promises A2). */
function withToken(schema: unknown, part: unknown, token: string): unknown {
  const takesToken = 'token' in ((schema as { properties?: object } | undefined)?.properties ?? {})
  if (!takesToken || typeof part !== 'object' || part === null || 'token' in part) return part
  return { ...part, token }
}

/** Old clients send the fields of `visitor` at the top level (contract A.0.3). */
function unwrap(operation: Operation, body: unknown): unknown {
  const outer = operation.wrapper
  if (outer === undefined || typeof body !== 'object' || body === null || outer in body) return body
  return typeof (body as { token?: unknown }).token === 'string' ? { [outer]: body } : body
}

/** What the rest of the server may know of the request; `undefined` where a credential is given twice (promises A41). */
function describe({ id, ip, raw }: FastifyRequest, { trustProxyHops }: Trusted): RequestInfo | undefined {
  return describeMessage(raw, { id, address: ip, trustProxyHops })
}

/** The number of proxies that are believed. */
type Trusted = { trustProxyHops: number }

/** The same of a request that becomes a socket. */
export function describeUpgrade(
  message: IncomingMessage,
  { id, trustProxyHops }: Trusted & { id: string },
): RequestInfo | undefined {
  const forwarded = [message.headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
  const hops = [
    message.socket.remoteAddress ?? '',
    ...forwarded
      .map((hop) => hop.trim())
      .filter(Boolean)
      .reverse(),
  ]
  const address = hops[Math.min(trustProxyHops, hops.length - 1)] ?? ''
  const info = describeMessage(message, { id, address, trustProxyHops })
  return info && { ...info, origin: message.headers.origin }
}

function describeMessage(
  { headers, rawHeaders, socket }: IncomingMessage,
  { id, address, trustProxyHops }: Trusted & { id: string; address: string },
): RequestInfo | undefined {
  if (repeatsCredential({ headers, rawHeaders })) return undefined
  const userId = single(headers['x-user-id'])
  const token = single(headers['x-auth-token'])
  const cookies = headers.cookie ?? ''
  return {
    id,
    address,
    userAgent: headers['user-agent'],
    host: headers.host,
    reachedAt: reachedAt(headers, { isEncrypted: 'encrypted' in socket, trustProxyHops }),
    isWidget: cookies !== '' && isFromWidget(cookies),
    credentials: userId !== undefined && token !== undefined ? { userId, token } : undefined,
    visitorToken: single(headers['x-visitor-token']),
  }
}

const credentialNames = ['x-user-id', 'x-auth-token', 'x-visitor-token', 'authorization'] as const
const credentials: ReadonlySet<string> = new Set(credentialNames)

function repeatsCredential({ headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): boolean {
  if (credentialNames.every((name) => headers[name] === undefined)) return false
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!credentials.has(name)) continue
    if (seen.has(name)) return true
    seen.add(name)
  }
  return false
}

function isFromWidget(cookies: string): boolean {
  return /(?:^|;\s*)rc_is_widget=t(?:;|$)/.test(cookies) && /(?:^|;\s*)rc_room_type=l(?:;|$)/.test(cookies)
}

function sendFault(error: unknown, request: FastifyRequest, reply: FastifyReply, options: ListenOptions): FastifyReply {
  if (error instanceof UnreadableBody)
    return send(reply, { status: error.status, body: { success: false, error: error.message } })
  const { statusCode } = error as { statusCode?: number }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return send(reply, { status: statusCode, body: { success: false, error: (error as Error).message } })
  options.context.log.error({ err: error, requestId: request.id }, 'A request failed.')
  return send(reply, replyWhenUnable(error) ?? internalError(request.id))
}

/** Exactly `application/json`: clients compare the header (contract §G.1), and Fastify would add a charset to text. */
function send(reply: FastifyReply, { status, headers, body }: Reply): FastifyReply {
  return reply
    .code(status)
    .headers({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-request-id': reply.request.id,
      ...headers,
    })
    .send(Buffer.from(JSON.stringify(body)))
}

function splitKey(key: string): [method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', path: string] {
  const [method, path] = key.split(' ') as [(typeof METHODS)[number], string]
  return [method, path]
}
