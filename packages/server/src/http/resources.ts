// What browsers load outside the API by an address: pictures, sounds, files. For other sites these are closed: no CORS.
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { single } from './headers.ts'
import type { LimiterNow } from './limit-calls.ts'
import type { RateLimiter } from './rate-limit.ts'

/** Something to load with GET, or to ask about with HEAD. */
export interface Resource {
  path: string
  /** The path ends with a name that people chose, and that clients put there as it is: with `/` and `%` in it. */
  endsInName?: true
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
  /** A visitor token was shown that is unknown: that costs the address. */
  isGuess?: boolean
}

/** More than a username has; what lies beyond makes no difference to a picture. Encoded, it still fits into a parameter. */
const LONGEST_NAME = 80

/** Answers the address under which a resource is found whose path ends in a name, and any other address as it is. */
export function nameReader(resources: readonly Resource[]): (url: string) => string {
  const startOf = ({ path }: Resource) => path.slice(0, path.indexOf(':'))
  const named = resources.filter(({ endsInName }) => endsInName === true).map(startOf)
  const others = resources.filter(({ endsInName }) => endsInName !== true).map(startOf)
  return (url) => {
    const start = named.find((each) => url.startsWith(each))
    if (start === undefined || others.some((each) => url.startsWith(each))) return url
    const [path = ''] = url.split('?', 1)
    const name = Array.from(decodedParts(path.slice(start.length)).toWellFormed()).slice(0, LONGEST_NAME)
    return start + encodeURIComponent(name.join('')) + url.slice(path.length)
  }
}

/** A text with what is encoded in it decoded; whatever is no encoding stands as it came. */
function decodedParts(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (part) => decoded(part))
}

/** Nothing that comes from here can run, or is taken for something else than it says. */
const headers = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** Serves resources; their own headers win over the strict ones that all have. */
export function registerResources(app: FastifyInstance, resources: readonly Resource[], limiterNow: LimiterNow): void {
  for (const resource of resources)
    app.route({
      method: ['GET', 'HEAD'],
      url: resource.path,
      handler: async (request, reply) => {
        const answer = await answerLimited(resource, readRequest(request), request.ip, await limiterNow())
        return send(request, reply, answer)
      },
    })
}

async function answerLimited(
  { path, handler }: Resource,
  request: ResourceRequest,
  address: string,
  limiter: RateLimiter | undefined,
): Promise<ResourceAnswer> {
  if (limiter === undefined) return handler(request)
  const taken = limiter.take({ limitClass: 'resource', operation: path, address })
  if (!taken.allowed) return slowDown(taken.retryAfterSeconds)
  const visitorToken = visitorTokenOf(request)
  if (visitorToken !== undefined) {
    // Like a visitor's other readings: closed to an address that has guessed too many tokens.
    const read = limiter.take({ limitClass: 'read', operation: path, caller: visitorToken, address })
    if (!read.allowed) return slowDown(read.retryAfterSeconds)
  }
  const answer = await handler(request)
  const penalty = answer.isGuess === true ? limiter.penalise(address, 'unknown-token') : taken
  return penalty.allowed ? answer : slowDown(penalty.retryAfterSeconds)
}

/** The token by which a visitor asks for a file (contract §E.6). */
export function visitorTokenOf({ argument }: ResourceRequest): string | undefined {
  return argument('rc_room_type') === 'l' ? argument('rc_token') : undefined
}

function slowDown(retryAfterSeconds: number): ResourceAnswer {
  return { status: 429, headers: { 'retry-after': String(retryAfterSeconds) } }
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
