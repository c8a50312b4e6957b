import { parse as parseForm } from 'node:querystring'
import secureJson from 'secure-json-parse'

/** A longer body is refused before it is read to its end. */
export const bodyLimitBytes = 256 * 1024

/** A body that is not what its content type says, or of a type the API does not take. */
export class UnreadableBody extends Error {
  override name = 'UnreadableBody'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Reads a request body. JSON is also accepted as `text/plain` or without a content type: a published SDK sends it so
 * (contract A.0.3). A body of the single key `payload` holding JSON text is unwrapped (contract §G.1).
 * @throws UnreadableBody
 */
export function readBody(contentType: string | undefined, text: string): unknown {
  if (text.trim() === '') return undefined
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/x-www-form-urlencoded')
    return unwrapPayload({ ...parseForm(text, '&', '=', { maxKeys: 100 }) })
  if (type === '' || type === 'text/plain' || type === 'application/json' || type.endsWith('+json'))
    return unwrapPayload(parseJson(text))
  throw new UnreadableBody(415, 'Unsupported content type')
}

function unwrapPayload(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  const { payload, ...rest } = body as { payload?: unknown }
  return typeof payload === 'string' && Object.keys(rest).length === 0 ? parseJson(payload) : body
}

// Keys such as __proto__ must never reach an object (CVE-2023-23917).
function parseJson(text: string): unknown {
  try {
    return secureJson.parse(text, undefined, { protoAction: 'error', constructorAction: 'error' }) as unknown
  } catch (error) {
    throw new UnreadableBody(400, error instanceof SyntaxError ? 'The body is not valid JSON.' : 'Unreadable body')
  }
}
