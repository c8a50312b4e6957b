// Ten thousand letters full of what strangers may type, through the templates, the library and a real mail server: what
// arrives has the one recipient, the documented headers, and markup of ours alone.
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { parse, type Node } from 'parse5'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { headerNames, readLetter, startMailServer, type Arrived, type MailServer } from '../../testing/mail-server.ts'
import { offlineLetter } from '../areas/offline-messages/letter.ts'
import { transcriptLetter } from '../areas/transcripts/letter.ts'
import { headerText } from './address.ts'
import { makeMailer, type Mailer, type ReadPicture } from './mailer.ts'
import type { StoredLetter } from './outbox.ts'

const LETTERS = 10_000
const BATCH = 200
const sender = { name: 'Desk', address: 'noreply@desk.example' }
const victim = 'victim@example.com'

const pieces = [
  '\r\n', '\n', '\r', '\0', '\t', ' ', '\u2028', '\u0085', '\v', '\f', '\r\n\r\n', '\r\n.\r\n', '\n.\n', '..',
  `Bcc: ${victim}`, `Cc: <${victim}>`, `\r\nTo: ${victim}`, `\r\nRCPT TO:<${victim}>\r\nDATA\r\n`, `%0d%0aBcc:${victim}`,
  'Content-Type: text/html', '--boundary', '=?utf-8?B?QmNjOiB4QHk=?=', '=?utf-8?Q?=0D=0ABcc:_x@y?=', '=0D=0A', ',', ';', ':',
  '<', '>', '<<', '"', "'", '\\', '\\"', '(', ')', '@', '@@', '[127.0.0.1]', '%', '!', '&', '&lt;', '&#60;', '&amp;', '#',
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<a href="javascript:alert(1)">x</a>', '</div></body>',
  '</bdi>', '</strong>', '<!--', '-->', '<![CDATA[', ']]>', '<style>*{}', '<svg/onload=1>', '"><b', "' onclick='x", '<plaintext>',
  '<meta http-equiv=refresh content=0>', '<base href=//evil>', '${1}', '{{1}}', '\u202E', '\u2066', '\u2069', '\u200F', '\u061C',
  '\uD800', '\uDC00', '\uFEFF', '\uFFFE', '😀', 'é', 'e\u0301', '\u0301'.repeat(30), 'ａ＠ｂ', 'ﬁ', 'א', 'العربية', 'İ', 'a', 'Ana', 'x'.repeat(300),
  victim, `ana@visitor.example`, `ana@visitor.example, ${victim}`, `"ana"@visitor.example`, `<${victim}>`, `Ana <${victim}>`,
] // prettier-ignore

const hostile = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...pieces) }, fc.string({ unit: 'binary', maxLength: 12 })), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''))
const address = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('ana@visitor.example', "o'neil+x@a-b.example", 'ana@münchen.example') },
  hostile,
  hostile.map((text) => `ana@visitor.example${text}`),
)
const letters = fc.record({
  isOffline: fc.boolean(),
  isPictured: fc.boolean(),
  recipient: address,
  replyTo: address,
  senderName: hostile,
  subject: hostile,
  name: hostile,
  message: hostile,
  other: hostile,
})
type Case = typeof letters extends fc.Arbitrary<infer Value> ? Value : never

let mail: MailServer
let mailers: Mailer[]
beforeAll(async () => {
  mail = await startMailServer()
  // Each waits for its own answers: one alone would wait most of the time.
  mailers = Array.from({ length: 10 }, () => makeMailer(mail.url, Date.now))
})
afterAll(async () => {
  for (const mailer of mailers) mailer.close()
  await mail.down()
})

const picture = Buffer.from('the bytes of a picture')

function picturesOf({ isOffline, isPictured, other }: Case): ReadPicture[] {
  return isPictured && !isOffline ? [{ fileId: 'f', name: other, type: 'image/png', bytes: picture }] : []
}

function letterOf(given: Case, id: string): StoredLetter {
  const { isOffline, recipient, replyTo, senderName, subject, name, message, other } = given
  const files = [{ fileId: 'f', name: other, size: picture.length, isPictured: given.isPictured }]
  const entry = { label: name, sentAt: '2026-01-05T10:00:00.000Z', text: message, files }
  const content = isOffline
    ? offlineLetter({ name, email: replyTo, message, host: other })
    : { subject, ...transcriptLetter({ entries: [entry], isCut: false, timeZone: 'UTC' }) }
  const more = { recipient, senderName, replyTo: { name, address: replyTo }, purpose: 'test' }
  return { id, writtenAt: '2026-01-05T10:00:00.000Z', ...more, ...content }
}

const headers = [
  'auto-submitted', 'content-type', 'content-transfer-encoding', 'date', 'from', 'message-id', 'mime-version', 'reply-to',
  'subject', 'to',
] // prettier-ignore
const elements = ['html', 'head', 'meta', 'body', 'div', 'p', 'strong', 'bdi', 'small', 'br', 'img']
const attributes = ['lang=en', 'charset=utf-8', 'dir=auto', 'src=cid:f@picture.invalid', 'style=max-width: 100%']

/** The address with its domain as name servers know it; the mail server spells it out. */
function inDns(text: string): string {
  const [local = '', domain = ''] = text.split('@')
  return `${local}@${domainToASCII(domain)}`
}

function everyNode(node: Node): Node[] {
  return [node, ...(node.childNodes ?? []).flatMap(everyNode)]
}

function textOf(node: Node): string {
  if (node.nodeName === 'br') return '\n'
  return node.value ?? (node.childNodes ?? []).map(textOf).join('')
}

/** What a reader shall see of a message: all of it but controls. */
function shown(message: string): string {
  return message
    .toWellFormed()
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[\0-\x08\v\f\x0E-\x1F\x7F]/g, '')
}

async function check(arrived: Arrived, given: Case): Promise<void> {
  const names = headerNames(arrived)
  expect(names.filter((name) => !headers.includes(name))).toEqual([])
  expect(new Set(names).size).toBe(names.length)
  const read = await readLetter(arrived)
  expect(read.to).toHaveLength(1)
  expect(read.from).toMatchObject({ address: sender.address })
  expect(read.replyTo?.length ?? 0).toBeLessThanOrEqual(1)
  const nodes = everyNode(parse(read.html ?? ''))
  const tags = nodes.flatMap(({ tagName }) => tagName ?? [])
  expect(tags.filter((tag) => !elements.includes(tag))).toEqual([])
  const attached = nodes.flatMap(({ attrs = [] }) => attrs.map(({ name, value }) => `${name}=${value}`))
  const named = `alt=${headerText(given.other, 256)}`
  expect(attached.filter((attribute) => ![...attributes, named].includes(attribute))).toEqual([])
  const sent = read.attachments.map(({ mimeType, content }) => [mimeType, Buffer.from(content as ArrayBuffer)])
  expect(sent).toEqual(picturesOf(given).map(({ type, bytes }) => [type, bytes]))
  expect(nodes.map(({ nodeName }) => nodeName)).not.toContain('#comment')
  const said = nodes.filter(({ attrs }) => attrs?.some(({ name }) => name === 'dir') === true).map(textOf)
  const message = shown(given.message)
  expect(said).toEqual(given.isOffline || message !== '' ? [message] : [])
}

test(`${String(LETTERS)} hostile letters reach one recipient each, with no header and no markup but ours`, async () => {
  const cases = fc.sample(letters, { numRuns: LETTERS, seed: 20_260_105 })
  let refused = 0
  for (let first = 0; first < cases.length; first += BATCH) {
    const batch = cases.slice(first, first + BATCH)
    const statuses = await Promise.all(
      batch.map((given, index) =>
        mailers[index % mailers.length]!.deliver(
          letterOf(given, `m${String(first + index)}`),
          sender,
          picturesOf(given),
        ),
      ),
    )
    refused += statuses.filter((status) => status !== undefined).length
    const byId = new Map(mail.letters.map((arrived) => [/^message-id: <m(\d+)@/im.exec(arrived.raw)?.[1], arrived]))
    expect(byId.size).toBe(statuses.filter((status) => status === undefined).length)
    expect(mail.letters).toHaveLength(byId.size)
    for (const [id, arrived] of byId) {
      const given = cases[Number(id)]!
      expect(arrived.envelope.from).toBe(sender.address)
      expect(arrived.envelope.to.map(inDns)).toEqual([inDns(given.recipient.trim())])
      await check(arrived, given)
    }
    mail.letters.length = 0
  }
  // Most of the hostile addresses are none.
  expect(refused).toBeGreaterThan(LETTERS / 10)
  expect(refused).toBeLessThan(LETTERS / 2)
}, 180_000)
