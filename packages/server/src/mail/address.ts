// What may stand in an envelope or a header. Letters are full of what strangers typed, and one line break too many makes
// a second recipient: so addresses are parsed strictly, and everything else loses what could end its line.
import { domainToASCII } from 'node:url'

/** Where a letter comes from or an answer goes to. */
export interface Mailbox {
  name: string
  address: string
}

const MAX_ADDRESS = 254
const MAX_LOCAL_PART = 64

// A dot-atom of RFC 5321: quoted local parts exist in tests of mail servers and nowhere else.
const localPart = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/
const wordsWithDots = /^[\p{L}\p{M}\p{N}-]+(?:\.[\p{L}\p{M}\p{N}-]+)*$/u
const hostName = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/i

/**
 * The one address that a text is, its domain as it stands in DNS; `undefined` for a list, a comment, a quoted or literal
 * part, and anything else that is not plainly `local@domain`.
 */
export function parseAddress(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > MAX_ADDRESS) return undefined
  const [local = '', written, ...more] = trimmed.split('@')
  if (written === undefined || more.length > 0) return undefined
  if (local.length > MAX_LOCAL_PART || !localPart.test(local)) return undefined
  const domain = wordsWithDots.test(written) ? domainToASCII(written) : ''
  const address = `${local}@${domain}`
  return hostName.test(domain) && address.length <= MAX_ADDRESS ? address : undefined
}

/** Whether two texts are one address, whose owner would not tell capitals apart; what is none is nobody's. */
export function isSameAddress(one: string, other: string): boolean {
  const address = parseAddress(one)?.toLowerCase()
  return address !== undefined && address === parseAddress(other)?.toLowerCase()
}

/** An address, or `name <address>` as administrators write a sender; without a name it is empty. */
export function parseMailbox(text: string): Mailbox | undefined {
  const [, name = '', inside] = /^([^<>]{0,200})<([^<>]+)>$/.exec(text.trim()) ?? []
  const address = parseAddress(inside ?? text)
  return address === undefined ? undefined : { name: headerText(name.replaceAll('"', ''), 100), address }
}

// What ends a line, what no terminal shows, and what turns the direction of the text around it.
const unfitForHeaders = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\s]+/gu

/** A text as one line of at most `most` characters that can stand in a header or beside other words. */
export function headerText(text: string, most: number): string {
  // No character is longer than two units, so nothing beyond is looked at.
  const start = text
    .slice(0, most * 4)
    .toWellFormed()
    .replaceAll(unfitForHeaders, ' ')
    .trim()
  return Array.from(start).slice(0, most).join('').trim()
}

// Controls other than tab and line feed.
const unfitForBodies = /[\u0000-\u0008\u000B-\u001F\u007F]/g

/** A body without controls, with line feeds alone between its lines. */
export function bodyText(text: string): string {
  return text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll(unfitForBodies, '')
}
