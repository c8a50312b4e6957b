import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Context } from '../context.ts'
import { registerDocsPage } from './docs-page.ts'
import type { Metrics } from './metrics.ts'

export interface SystemOptions {
  context: Context
  metrics: Metrics
  /** The OpenAPI document. */
  apiDocument: () => object
  /** Answers once the database has answered a read. */
  checkDatabase: () => Promise<unknown>
  /** Whether writes are refused because the disk is full. */
  lacksSpace: () => boolean
  /** What `Access-Control-Allow-Origin` says to a page of this origin; `undefined` where it may not read answers. */
  allowedOrigin: (origin: string | undefined) => Promise<string | undefined>
}

/** A database that takes longer than this to answer a read is not there. */
const DATABASE_PATIENCE_MS = 2_000

/** The version of the API that clients ask for to know what it can do (contract §E.6). */
const API_VERSION = '7.0'

const headers = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** What operators and tools ask outside the API. Other sites cannot read it: no CORS, but for `/api/info`. */
export function registerSystem(app: FastifyInstance, options: SystemOptions): void {
  const state = noteClosing(app)
  app.addHook('onClose', (_app, done) => {
    options.metrics.stop()
    done()
  })
  registerHealth(app, options, state)
  registerMetrics(app, options.metrics)
  registerApiDocument(app, options.apiDocument)
  registerDocsPage(app)
  app.get('/api/info', async (request, reply) => {
    const origin = await options.allowedOrigin(request.headers.origin)
    if (origin !== undefined) void reply.headers({ 'access-control-allow-origin': origin, vary: 'Origin' })
    return send(reply, 200, { version: API_VERSION, success: true })
  })
}

/** From the start of closing on, every answer ends its connection: one that was kept alive would keep the server. */
function noteClosing(app: FastifyInstance): { isClosing: boolean } {
  const state = { isClosing: false }
  app.addHook('preClose', (done) => {
    state.isClosing = true
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (state.isClosing) void reply.header('connection', 'close')
    done(null, payload)
  })
  return state
}

/** `/healthz`: the process answers. `/readyz`: it should be sent calls. */
function registerHealth(app: FastifyInstance, options: SystemOptions, state: { isClosing: boolean }): void {
  app.get('/healthz', (_request, reply) => send(reply, 200, { status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    if (state.isClosing) return send(reply, 503, { status: 'closing' })
    try {
      await inTime(options.checkDatabase())
    } catch (error) {
      options.context.log.error({ err: error }, 'The database does not answer.')
      return send(reply, 503, { status: 'no database' })
    }
    if (options.lacksSpace()) return send(reply, 503, { status: 'no space' })
    return send(reply, 200, { status: 'ready' })
  })
}

function registerMetrics(app: FastifyInstance, metrics: Metrics): void {
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.text()
    return reply.headers({ ...headers, 'content-type': metrics.contentType }).send(text)
  })
}

function registerApiDocument(app: FastifyInstance, apiDocument: () => object): void {
  // Made when first asked for: most servers never are.
  let made: { text: string; tag: string } | undefined
  app.get('/openapi.json', (request, reply) => {
    made ??= withTag(JSON.stringify(apiDocument()))
    void reply.headers({ ...headers, 'cache-control': 'no-cache', etag: made.tag })
    return request.headers['if-none-match'] === made.tag ? reply.code(304).send() : reply.send(Buffer.from(made.text))
  })
}

function withTag(text: string): { text: string; tag: string } {
  return { text, tag: `"${hash('sha256', text, 'base64url')}"` }
}

async function inTime(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('The database did not answer in time.')), DATABASE_PATIENCE_MS)
  })
  try {
    await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}

function send(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(Buffer.from(JSON.stringify(body)))
}
