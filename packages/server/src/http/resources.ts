// What browsers load outside the API by an address: pictures, sounds, files. For other sites these are closed: no CORS.
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { single } from './headers.ts'

/** Something to load with GET, or to ask about with HEAD. */
export interface Resource {
  path: string
  handler: (request: ResourceRequest) => Promise<ResourceAnswer>
}

export interface ResourceRequest {
  params: Readonly<Record<string, string>>
  /** A value of the query, else of the cookies: the address says it last (contract §E.6). */
  argument: (name: string) => string | undefined
  /** A value of the query alone. */
  query: (name: string) => string | undefined
  header: (name: string) => string | undefined
}

/** `body` is only called when the bytes are wanted. */
export interface ResourceAnswer {
  status: number
  headers?: Record<string, string>
  body?: () => Promise<Readable | Buffer | undefined>
}

/** Nothing that comes from here can run, or is taken for something else than it says. */
const headers = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** Serves resources; their own headers win over the strict ones that all have. */
export function registerResources(app: FastifyInstance, resources: readonly Resource[]): void {
  for (const { path, handler } of resources)
    app.route({
      method: ['GET', 'HEAD'],
      url: path,
      handler: async (request, reply) => send(request, reply, await handler(readRequest(request))),
    })
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers: own, body }: ResourceAnswer,
): Promise<FastifyReply> {
  void reply.code(status).headers({ ...headers, ...own })
  if (body === undefined || request.method === 'HEAD') return reply.send()
  const content = await body()
  return content === undefined ? reply.code(404).removeHeader('content-length').send() : reply.send(content)
}

function readRequest(request: FastifyRequest): ResourceRequest {
  const query = (request.query ?? {}) as Readonly<Record<string, string | string[]>>
  const fromQuery = (name: string) => single(Object.hasOwn(query, name) ? query[name] : undefined)
  let cookies: ReadonlyMap<string, string> | undefined
  return {
    params: request.params as Readonly<Record<string, string>>,
    query: fromQuery,
    argument: (name) => fromQuery(name) ?? (cookies ??= cookiesOf(request.headers.cookie)).get(name),
    header: (name) => single(request.headers[name]),
  }
}

/** The first of each name; a value that does not decode stands as it came. */
function cookiesOf(header = ''): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const pair of header.split(';')) {
    const [name = '', ...value] = pair.split('=')
    if (!found.has(name.trim())) found.set(name.trim(), decoded(value.join('=').trim()))
  }
  return found
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
