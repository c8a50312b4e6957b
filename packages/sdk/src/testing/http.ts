// The way of a request to the desk and back, on no network.
import type { Clock } from '../clock.ts'
import type { FakeCall } from './controls.ts'
import type { Desk } from './desk.ts'
import type { DeskAgent } from './desk-model.ts'
import type { Fate, Requests } from './faults.ts'
import { readForm } from './files.ts'
import { missing, type ReceivedFile } from './operation.ts'
import { noSuchOperation, notSignedIn, Refused } from './refusal.ts'
import { staffOperations } from './staff-operations.ts'
import { visitorOperations } from './visitor-operations.ts'

// What the tables pair by their types, as seen from outside.
interface AnyServed {
  isStaffs?: true
  requires?: readonly string[]
  isPlain?: true
  answer: (given: unknown) => object
}

export interface HttpOptions {
  desk: Desk
  clock: Clock
  requests: Requests
  onCall: (call: FakeCall) => void
}

/** A `fetch` that reaches the desk, and nothing else. */
export function makeFetch({ desk, clock, requests, onCall }: HttpOptions): typeof fetch {
  const operations = { ...visitorOperations(desk), ...staffOperations(desk) } as Record<string, AnyServed>
  const routes = Object.keys(operations).map(routeOf)

  async function serve(request: Request, incoming: Incoming): Promise<Response> {
    const { refused } = incoming.fate
    const answer = refused === undefined ? run(request, incoming) : { status: refused.status, body: { success: false } }
    onCall({ operation: incoming.operation, status: answer.status, given: incoming.given, atMs: clock.now() })
    const headers = new Headers({ 'Content-Type': 'application/json', 'X-Request-Id': desk.newId('request') })
    if (refused?.retryAfter !== undefined) headers.set('Retry-After', String(refused.retryAfter))
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status, headers }))
  }

  function run(request: Request, incoming: Incoming): { status: number; body: object } {
    try {
      const served = operations[incoming.operation]
      if (served === undefined) throw noSuchOperation
      const caller = callerOf(desk, request.headers)
      if (served.isStaffs === true && caller === undefined) throw notSignedIn
      for (const key of served.requires ?? []) if (!(key in incoming.given)) throw missing(key)
      const { params, given, file } = incoming
      const answer = served.answer({ params, query: given, body: given, file, headers: request.headers, caller })
      return { status: 200, body: served.isPlain === true ? answer : { ...answer, success: true } }
    } catch (error) {
      if (error instanceof Refused) return error
      throw error
    }
  }

  return async (input, init) => {
    const request = new Request(input, init)
    const { operation, params } = findRoute(routes, request)
    const fate = requests.fateOf(operation)
    const read = await whileWanted(readBody(request), request.signal)
    await whileWanted(pause(clock, fate.delayMs), request.signal)
    if (fate.isLost) throw new TypeError('Failed to fetch')
    const given = { ...queryOf(request), ...read.json }
    const response = await serve(request, { operation, params, given, file: read.file, fate })
    await whileWanted(pause(clock, fate.delayMs), request.signal)
    if (fate.hangs) await whileWanted(new Promise<never>(() => undefined), request.signal)
    if (fate.isAnswerLost) throw new TypeError('Failed to fetch')
    return response
  }
}

interface Incoming {
  operation: string
  params: Record<string, string>
  given: Record<string, unknown>
  file: ReceivedFile | undefined
  fate: Fate
}

interface Route {
  operation: string
  method: string
  pattern: RegExp
}

function routeOf(operation: string): Route {
  const [method = '', path = ''] = operation.split(' ')
  const source = path.replaceAll('.', '\\.').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')
  return { operation, method, pattern: new RegExp(`/api/v1${source}$`) }
}

function findRoute(
  routes: readonly Route[],
  { method, url }: Request,
): { operation: string; params: Record<string, string> } {
  const { pathname } = new URL(url)
  for (const { operation, method: meant, pattern } of routes) {
    const match = meant === method ? pattern.exec(pathname) : null
    if (match === null) continue
    const params = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])
    return { operation, params: Object.fromEntries(params) as Record<string, string> }
  }
  return { operation: `${method} ${pathname.replace('/api/v1', '')}`, params: {} }
}

function queryOf({ url }: Request): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [name, value] of new URL(url).searchParams) {
    const list = name.replace(/\[\]$/, '')
    if (list === name) given[name] = readQueryValue(name, value)
    else given[list] = [...((given[list] as string[] | undefined) ?? []), value]
  }
  return given
}

const numbers: ReadonlySet<string> = new Set(['after', 'count', 'limit', 'offset'])

function readQueryValue(name: string, value: string): unknown {
  if (numbers.has(name) && /^\d+$/.test(value)) return Number(value)
  return value === 'true' || value === 'false' ? value === 'true' : value
}

async function readBody(
  request: Request,
): Promise<{ json?: Record<string, unknown>; file?: ReceivedFile | undefined }> {
  if (request.body === null && request.method === 'GET') return {}
  const type = request.headers.get('content-type') ?? ''
  if (type.startsWith('multipart/form-data')) return { file: await readForm(await request.formData()) }
  const text = await request.text()
  return text === '' ? {} : { json: JSON.parse(text) as Record<string, unknown> }
}

function callerOf(desk: Desk, headers: Headers): DeskAgent | undefined {
  const token = headers.get('x-auth-token') ?? ''
  const id = headers.get('x-user-id')
  return desk.agents.find((agent) => agent.id === id && agent.tokens.has(token))
}

function pause(clock: Clock, ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => void clock.setTimeout(resolve, ms))
}

/** Rejects as soon as the caller's signal says so, as `fetch` does. */
function whileWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
