// What a file is: its first bytes decide, and what the sender says of it only where they leave it open.

/** Of a file about which nothing is known. */
const UNKNOWN = 'application/octet-stream'

/** So many bytes are looked at. More would let an archive unpack more than we care for. */
export const LOOKED_AT = 4_100

/**
 * The media type of a file with these first bytes, of which its sender says `declared`. A picture that claims to be
 * another kind of picture is what it is; whatever else contradicts its claim is of no known type.
 */
export async function mediaTypeOf(start: Buffer, declared: string): Promise<string> {
  const looked = start.subarray(0, LOOKED_AT)
  const found = (await magicOf(looked)) ?? UNKNOWN
  const claim = normalType(declared)
  if (found === UNKNOWN || found === 'application/xml') return markupOf(looked) ?? textOf(looked, claim, found)
  if (claim === UNKNOWN || claim === found) return found
  if (isKindOf(claim, found)) return claim
  return classOf(claim) === classOf(found) && classOf(claim) !== 'application' ? found : UNKNOWN
}

/** What two settings say about types, as lists of `image/png`, `image/*` and the like. */
export interface TypeLists {
  whiteList: string
  blackList: string
}

/** Whether a file of this type may be sent; a type that is refused is refused to those too who only claim it. */
export function isTypeAllowed(type: string, declared: string, { whiteList, blackList }: TypeLists): boolean {
  const refused = patternsOf(blackList)
  if ([type, normalType(declared)].some((one) => matches(refused, one))) return false
  const wanted = patternsOf(whiteList)
  return wanted.length === 0 || matches(wanted, type)
}

/** Pictures, sounds and films that a browser shows and in which nothing can run. */
export function isInert(type: string): boolean {
  return inert.has(type)
}

const inert: ReadonlySet<string> = new Set([
  ...['png', 'apng', 'jpeg', 'gif', 'webp', 'avif', 'bmp'].map((name) => `image/${name}`),
  ...['mpeg', 'mp4', 'x-m4a', 'aac', 'ogg', 'webm', 'wav', 'flac'].map((name) => `audio/${name}`),
  ...['mp4', 'webm', 'ogg', 'quicktime', 'mpeg'].map((name) => `video/${name}`),
])

/** What a browser may take for a page or a program: it travels as bytes of no known type. */
export function isActive(type: string): boolean {
  return /html|xml|xsl|script|svg|css|flash|mathml|multipart|message/.test(type)
}

async function magicOf(start: Buffer): Promise<string | undefined> {
  try {
    const found = await (await import('file-type')).fileTypeFromBuffer(start)
    return found && normalType(found.mime)
  } catch {
    // A file that confuses the search is of no known type.
    return undefined
  }
}

// The starts by which browsers tell a page (WHATWG MIME Sniffing, 7.1), wherever white space lets them stand.
const page =
  /^\s*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|img|meta|link)[\s>/]/i
const drawing = /<(?:[\w.-]{1,32}:)?svg[\s>/]/i

function markupOf(start: Buffer): string | undefined {
  // Without its NULs, UTF-16 reads like the rest.
  const text = start
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/^(?:\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/, '')
  if (page.test(text)) return 'text/html'
  return drawing.test(text) ? 'image/svg+xml' : undefined
}

/** Texts have no magic: the claim counts where it claims a text and nothing binary is in sight. */
function textOf(start: Buffer, claim: string, found: string): string {
  const isText = /^text\/|[/+](?:json|xml|yaml|x-yaml|x-ndjson|javascript)$/.test(claim)
  return isText && !start.includes(0) ? claim : found
}

// Formats that lie in a container, whose magic is all that the first bytes show.
const kinds: Readonly<Record<string, RegExp>> = {
  'application/zip':
    /^application\/(?:vnd\.openxmlformats-officedocument\..+|vnd\.oasis\.opendocument\..+|vnd\.ms-.+\.macroenabled\.12|epub\+zip|java-archive|x-zip-compressed)$/,
  'application/x-cfb': /^application\/(?:msword|vnd\.ms-(?:excel|powerpoint|outlook))$/,
  'image/apng': /^image\/png$/,
  'video/mp4': /^audio\/mp4$/,
  'video/webm': /^audio\/webm$/,
  'video/ogg': /^audio\/ogg$/,
}

function isKindOf(claim: string, found: string): boolean {
  return Object.hasOwn(kinds, found) && kinds[found]?.test(claim) === true
}

function classOf(type: string): string {
  return type.slice(0, type.indexOf('/'))
}

/** A type without parameters, in lower case; `application/octet-stream` for what is none. */
function normalType(type: string): string {
  const bare = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return /^[a-z0-9][\w!#$&^.+-]{0,63}\/[a-z0-9][\w!#$&^.+-]{0,126}$/.test(bare) ? bare : UNKNOWN
}

function patternsOf(list: string): string[] {
  return list
    .split(',')
    .map((pattern) => pattern.trim().toLowerCase())
    .filter((pattern) => pattern !== '')
}

function matches(patterns: readonly string[], type: string): boolean {
  return patterns.some(
    (pattern) =>
      pattern === type || pattern === '*/*' || (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1))),
  )
}
