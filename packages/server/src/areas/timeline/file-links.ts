// Links to files that need no further credentials, for an hour: a JSON Web Token (RFC 7519) says which file, and until when.
import { createHmac, timingSafeEqual } from 'node:crypto'

const HOUR_SECONDS = 3_600

const header = encode({ alg: 'HS256', typ: 'JWT' })

/** A token that opens one file for an hour. */
export function signFile(fileId: string, secret: string, nowMs: number): string {
  const exp = Math.floor(nowMs / 1_000) + HOUR_SECONDS
  const text = `${header}.${encode({ fileId, exp })}`
  return `${text}.${signatureOf(text, secret).toString('base64url')}`
}

/** Whether a token opens this file at this moment. Without a secret nothing does. */
export function opensFile(
  token: string,
  fileId: string,
  { secret, nowMs }: { secret: string; nowMs: number },
): boolean {
  const [head, payload, signature, ...more] = token.split('.')
  if (secret === '' || head !== header || payload === undefined || signature === undefined || more.length > 0)
    return false
  const given = Buffer.from(signature, 'base64url')
  const right = signatureOf(`${head}.${payload}`, secret)
  if (given.length !== right.length || !timingSafeEqual(given, right)) return false
  // Ours: nobody else could sign it.
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { fileId: string; exp: number }
  return said.fileId === fileId && said.exp * 1_000 > nowMs
}

function signatureOf(text: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
