import { LivechatError } from './livechat-error.ts'

/** A frame of the server, as far as it is read here. */
export interface ServerFrame {
  msg?: string
  id?: string
  subs?: string[]
  collection?: string
  fields?: { eventName?: string; args?: unknown[] }
  result?: unknown
  error?: { error?: string | number; reason?: string; message?: string; details?: unknown }
}

/** Reads a frame; what is none is nothing. Times become ISO text, as in the answers of the REST API. */
export function readFrame(data: unknown): ServerFrame {
  try {
    return Object(JSON.parse(String(data), (_, value: unknown) => timeOf(value) ?? value)) as ServerFrame
  } catch {
    return {}
  }
}

/** EJSON: a date travels as `{"$date": <ms>}`. */
function timeOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('$date' in value)) return undefined
  const time = new Date(value.$date as number)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

/** The error of a `result` or a `nosub`. */
export function refusalOf(error: ServerFrame['error'] = {}): LivechatError {
  const code = String(error.error ?? 'refused')
  const retryable = code === 'error-too-many-requests' || code === '500'
  return new LivechatError(code, error.reason ?? error.message ?? code, { retryable, details: error.details })
}
