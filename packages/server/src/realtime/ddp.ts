// The frames of DDP, in and out, as five kinds of existing clients speak it (clients.md §4). Pure: no socket is seen here.
import secureJson from 'secure-json-parse'

/** What a client may say. Anything else that is well-formed is ignored, as it is upstream. */
export type ClientFrame =
  | { msg: 'connect' }
  | { msg: 'ping'; id?: string }
  | { msg: 'sub'; id: string; name: string; params: unknown[] }
  | { msg: 'unsub'; id: string }
  | { msg: 'method'; id: string; method: string; params: unknown[] }
  | { msg: 'ignored' }

/** A frame that ends the connection, with the code that says why. */
export class BadFrame extends Error {
  override name = 'BadFrame'
  readonly closeCode: number
  constructor(closeCode: number, reason: string) {
    super(reason)
    this.closeCode = closeCode
  }
}

/** Longer frames are refused by the socket itself (promises A31). */
export const frameLimitBytes = 64 * 1024

/** Deeper ones would cost more to look through than they can mean. */
const MOST_DEPTH = 32

/**
 * Reads a frame of a client.
 * @throws BadFrame 1007 for what is no JSON object, 1002 for a request without id or name, 1008 for one nested too deeply
 */
export function readFrame(text: string): ClientFrame {
  const frame = parse(text)
  switch (frame['msg']) {
    case 'connect':
      return { msg: 'connect' }
    case 'ping':
      return typeof frame['id'] === 'string' ? { msg: 'ping', id: frame['id'] } : { msg: 'ping' }
    case 'sub':
      return { msg: 'sub', id: wordOf(frame, 'id'), name: wordOf(frame, 'name'), params: paramsOf(frame) }
    case 'unsub':
      return { msg: 'unsub', id: wordOf(frame, 'id') }
    case 'method':
      return { msg: 'method', id: wordOf(frame, 'id'), method: wordOf(frame, 'method'), params: paramsOf(frame) }
    default:
      return { msg: 'ignored' }
  }
}

export interface MethodCall {
  id: string
  method: string
  params: unknown[]
}

/** Reads the text of a call that comes without a socket: its four keys and no others (contract §E.5). */
export function readMethodCall(text: string): MethodCall | undefined {
  try {
    const call = parse(text)
    if (Object.keys(call).length !== 4 || call['msg'] !== 'method' || !Array.isArray(call['params'])) return undefined
    return { id: wordOf(call, 'id'), method: wordOf(call, 'method'), params: paramsOf(call) }
  } catch (error) {
    if (error instanceof BadFrame) return undefined
    throw error
  }
}

/** An error as it travels in `nosub` and `result` (contract §E.5). */
export interface WireError {
  isClientSafe: true
  error: string | number
  reason?: string
  message: string
  errorType: 'Meteor.Error' | 'Match.Error'
  details?: unknown
}

/** The wire's form of a code with, perhaps, a sentence. */
export function wireError(error: string | number, reason?: string, details?: unknown): WireError {
  return {
    isClientSafe: true,
    error,
    ...(reason !== undefined && { reason }),
    message: reason === undefined ? `[${String(error)}]` : `${reason} [${String(error)}]`,
    errorType: 'Meteor.Error',
    ...(details !== undefined && { details }),
  }
}

/** What a method says to parameters of the wrong shape. */
export const matchFailed: WireError = {
  isClientSafe: true,
  error: 400,
  reason: 'Match failed',
  message: 'Match failed [400]',
  errorType: 'Match.Error',
}

export const frames = {
  greeting: '{"server_id":"0"}',
  connected: (session: string) => write({ msg: 'connected', session }),
  ping: '{"msg":"ping"}',
  pong: (id?: string) => write({ msg: 'pong', id }),
  /** One id a frame: clients look at the first only. */
  ready: (id: string) => write({ msg: 'ready', subs: [id] }),
  nosub: (id: string, error?: WireError) => write({ msg: 'nosub', id, error }),
  /** A void answer has no `result` key. */
  result: (id: string, result: unknown) => write({ msg: 'result', id, result: toEjson(result) }),
  failed: (id: string, error: WireError) => write({ msg: 'result', id, error }),
  updated: (id: string) => write({ msg: 'updated', methods: [id] }),
  added: (collection: string, id: string, fields: unknown) => write({ msg: 'added', collection, id, fields }),
  removed: (collection: string, id: string) => write({ msg: 'removed', collection, id }),
  /** Clients match collection and event name; the id is the same word, but where it names the user it is about. */
  changed: (stream: string, eventName: string, args: readonly unknown[], uid?: string) =>
    write({
      msg: 'changed',
      collection: `stream-${stream}`,
      id: uid ?? 'id',
      fields: { ...(uid !== undefined && { uid }), eventName, args: args.map((each) => toEjson(each)) },
    }),
}

// The keys under which our documents hold times; a test holds them against the contract. What people wrote is never looked
// into.
const times: ReadonlySet<string> = new Set([
  'ts',
  '_updatedAt',
  'editedAt',
  'lm',
  'ls',
  'queuedAt',
  'takenAt',
  'closedAt',
  'lastMessageTs',
  'firstResponseTs',
  'requestedAt',
  'tokenExpires',
  'createdAt',
  '_createdAt',
  'deletedAt',
  '_deletedAt',
  'expiresAt',
  'uploadedAt',
  'fd',
  'lq',
  'lr',
  'predictedVisitorAbandonmentAt',
  'autoTransferredAt',
  'until',
])

/** Maps whose keys are people's own words. */
const ownWords: ReadonlySet<string> = new Set(['livechatData', 'customFields', 'surveyFeedback'])

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** A document of the API with its times as EJSON dates: clients throw on anything else (clients.md §4.1). */
export function toEjson(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return times.has(key) && isoTime.test(value) ? { $date: Date.parse(value) } : value
  if (Array.isArray(value)) return value.map((item) => toEjson(item))
  if (typeof value !== 'object' || value === null || ownWords.has(key)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toEjson(part, name)]))
}

const LATEST_MS = 8_640_000_000_000_000

/** What a client gave, with EJSON dates as the ISO text that the API takes. What only looks like a date stays what it is. */
function fromEjson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromEjson)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [name, ms]: [string?, unknown?] = entries.length === 1 ? (entries[0] ?? []) : []
  if (name === '$date' && typeof ms === 'number' && Math.abs(ms) <= LATEST_MS) return new Date(ms).toISOString()
  return Object.fromEntries(entries.map(([key, part]) => [key, fromEjson(part)]))
}

function write(frame: object): string {
  return JSON.stringify(frame)
}

function parse(text: string): Record<string, unknown> {
  let frame: unknown
  try {
    frame = secureJson.parse(text, undefined, { protoAction: 'error', constructorAction: 'error' })
  } catch {
    throw new BadFrame(1007, 'Not JSON')
  }
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) throw new BadFrame(1007, 'Not an object')
  refuseDeep(frame, 0)
  return frame as Record<string, unknown>
}

function refuseDeep(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth >= MOST_DEPTH) throw new BadFrame(1008, 'Nested too deeply')
  for (const part of Object.values(value)) refuseDeep(part, depth + 1)
}

function wordOf(frame: Record<string, unknown>, key: string): string {
  const word = frame[key]
  if (typeof word !== 'string' || word === '') throw new BadFrame(1002, `Without ${key}`)
  return word
}

function paramsOf({ params }: Record<string, unknown>): unknown[] {
  return Array.isArray(params) ? params.map(fromEjson) : []
}
