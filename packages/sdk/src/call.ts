import type { Operation } from './answers.ts'
import { platformClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { openDeadline } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { Failed, refusedArgument } from './failure.ts'

/** What every method takes as its last argument. */
export interface CallOptions {
  /** Ends the call, a running upload included. */
  signal?: AbortSignal | undefined
  /** The whole call's limit, retries and pauses included; `Infinity` for none. */
  timeoutMs?: number | undefined
}

export interface RetryOptions {
  /** Further attempts after the first; 2 unless given. */
  times?: number | undefined
  /** Upper bound of the first pause, doubled for each further one; 300 ms unless given. */
  delayMs?: number | undefined
}

export interface ServerOptions extends CallOptions {
  /** Where the server answers, e.g. `https://chat.example.com`; a path in front of `/api` may be part of it. */
  serverURL: string
  /** Used instead of the platform's `fetch`. */
  fetch?: typeof fetch | undefined
  /** Applies to reads and to messages sent with an id of the caller's, nothing else; `false` for never. */
  retry?: RetryOptions | false | undefined
}

/** What travels beside the operation's name. Query keys without a value are left out. */
export interface Outgoing {
  params?: Record<string, string>
  query?: Record<string, string | number | null | undefined>
  json?: object
  form?: { body: BodyInit; headers: Record<string, string>; duplex?: 'half' }
  /** Sending it twice has the effect of sending it once. */
  repeatable?: boolean
  /** The limit where neither the call nor the constructor sets one. */
  timeoutMs?: number
  /** Sends this one instead of the server's `fetch`. */
  fetch?: typeof fetch | undefined
}

export type Call = <T>(operation: Operation, outgoing: Outgoing, options?: CallOptions) => Promise<T>

/** How calls are made, beside where to. */
export interface CallSetup {
  /** A failure in the words of the caller; whatever else was thrown stays what it is. */
  errorOf: (thrown: unknown) => unknown
  clock?: Clock | undefined
  /** Sends what may be sent more than once, until it ends well enough; once unless given. */
  repeat?: (send: () => Promise<object>, deadline: Deadline) => Promise<object>
}

const longestPauseMs = 10_000

/**
 * A function that calls operations of one server and resolves with the body of its answer.
 * Rejects with nothing but what `errorOf` makes of failures.
 */
export function callsTo(
  server: ServerOptions,
  { errorOf, repeat = (send) => send(), clock = platformClock }: CallSetup,
): Call {
  const { serverURL } = server
  if (typeof serverURL !== 'string' || serverURL === '') throw errorOf(refusedArgument('Server URL is required.'))
  const root = `${withoutSlashes(serverURL)}/api/v1`

  return async <T>(operation: Operation, outgoing: Outgoing, options?: CallOptions) => {
    const timeoutMs = options?.timeoutMs ?? outgoing.timeoutMs ?? server.timeoutMs ?? 30_000
    const deadline = openDeadline(clock, timeoutMs, [server.signal, options?.signal])
    try {
      const { url, init } = requestOf(root, operation, outgoing)
      const isRepeatable = init.method === 'GET' || outgoing.repeatable === true
      const send = () => exchange(outgoing.fetch ?? server.fetch ?? globalThis.fetch, url, { init, deadline, clock })
      return (await (isRepeatable ? repeat(send, deadline) : send())) as T
    } catch (error) {
      throw errorOf(error)
    } finally {
      deadline.close()
    }
  }
}

/** An address without the slashes at its end. */
export function withoutSlashes(url: string): string {
  let end = url.length
  while (url[end - 1] === '/') end--
  return url.slice(0, end)
}

function requestOf(root: string, operation: Operation, outgoing: Outgoing): { url: string; init: RequestInit } {
  const [method = '', path = ''] = operation.split(' ')
  const url = root + fillPath(path, outgoing.params ?? {}) + queryOf(outgoing.query ?? {})
  return { url, init: { method, ...contentOf(outgoing) } }
}

function fillPath(path: string, params: Record<string, string>): string {
  return path.replace(/:(\w+)/g, (_, name: string) => segmentOf(params[name] ?? ''))
}

function segmentOf(value: string): string {
  // URL parsers resolve these two even when percent-encoded, so they would address another operation.
  if (value === '.' || value === '..') throw notForAddresses()
  return encode(value)
}

/** By hand: the `URLSearchParams` of React Native is half of one. */
function queryOf(query: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
  return pairs.map(([name, value], i) => `${i === 0 ? '?' : '&'}${name}=${encode(String(value))}`).join('')
}

function encode(value: string): string {
  try {
    return encodeURIComponent(value)
  } catch (cause) {
    // Half of a surrogate pair.
    throw notForAddresses(cause)
  }
}

function notForAddresses(cause?: unknown): Failed {
  return refusedArgument('This id or token cannot be part of an address.', cause)
}

function contentOf({ json, form }: Outgoing): RequestInit {
  if (form !== undefined) return form
  return json === undefined ? {} : { body: JSON.stringify(json), headers: { 'Content-Type': 'application/json' } }
}

async function exchange(
  send: typeof fetch,
  url: string,
  { init, deadline, clock }: { init: RequestInit; deadline: Deadline; clock: Clock },
): Promise<object> {
  let response: Response
  let body: unknown
  try {
    response = await send(url, { ...init, signal: deadline.signal })
    body = readJson(await response.text())
  } catch (cause) {
    deadline.check()
    throw new Failed({ kind: 'no-answer', message: 'The server could not be reached.', cause })
  }
  const { ok, status, headers } = response
  if (ok && typeof body === 'object' && body !== null) return body
  const waitMs = retryAfterMs(headers.get('Retry-After'), clock)
  const requestId = headers.get('X-Request-Id') ?? undefined
  throw new Failed({ kind: 'refused', status, body, requestId, retryAfterMs: waitMs })
}

/** The text itself when it is not JSON: proxies answer with HTML. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * The pause that a `Retry-After` header asks for, up to a tenth longer so that everybody who was sent away at once does
 * not come back at once; undefined without a readable one. The header is seconds or a date (RFC 9110 §10.2.3).
 */
export function retryAfterMs(
  header: string | null,
  { now, random }: Pick<Clock, 'now' | 'random'>,
): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms) * (1 + random() / 10)
}

/** A pause between nothing and twice the previous bound: without the spread, clients that failed together stay together. */
export function backoffMs(
  delayMs: number,
  attempt: number,
  { random }: Pick<Clock, 'random'> = platformClock,
  mostMs: number = longestPauseMs,
): number {
  return random() * Math.min(mostMs, delayMs * 2 ** (attempt - 1))
}
