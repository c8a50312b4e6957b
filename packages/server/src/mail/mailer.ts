import type { SendMailOptions, Transporter } from 'nodemailer'
import { bodyText, headerText, parseAddress, type Mailbox } from './address.ts'
import { contentIdOf, type Picture, type StoredLetter } from './outbox.ts'

/** A picture with its bytes. */
export interface ReadPicture extends Picture {
  bytes: Buffer
}

/** Hands letters over to the mail server. */
export interface Mailer {
  /**
   * Hands one letter over, with these pictures. Answers the status with which the server, or we, refuse it for good;
   * `undefined`: it was taken. A letter that it took from us a while ago is not handed over again.
   * @throws DeliveryFailed where it may be taken later
   */
  deliver(letter: StoredLetter, sender: Mailbox, pictures?: readonly ReadPicture[]): Promise<number | undefined>
  /** Lets the delivery in hand end, for a few seconds; those that come later fail. */
  close(): void
}

/** A letter could not be handed over now. Says nothing of what is in the letter, nor for whom it is. */
class DeliveryFailed extends Error {
  override name = 'DeliveryFailed'
}

// Together well within the lease of a job; the last one also ends a server that answers a byte at a time.
const timeouts = { dnsTimeout: 5_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 }
const DELIVERY_MS = 45_000
const CLOSING_MS = 5_000

/** A server that cannot be reached is left alone for so long: each attempt keeps other jobs waiting. */
const REST_MS = 15_000

const MAX_SUBJECT = 200
const MAX_NAME = 100

/** So many letters are known to have been taken: they come again where the database could not forget them. */
const MOST_TAKEN = 1_000

/** The status of a letter that we refuse ourselves, as mail servers have it: the mailbox name is not allowed. */
const BAD_MAILBOX = 553

/** A mailer for `smtp://` and `smtps://` URLs (config.ts). It connects with the first letter. */
export function makeMailer(smtpUrl: string, clock: () => number): Mailer {
  let connecting: Promise<Transporter> | undefined
  let restsUntilMs = 0
  let isClosed = false
  const taken = new Set<string>()
  const noteTaken = (id: string) => {
    taken.add(id)
    for (const eldest of taken) if (taken.size > MOST_TAKEN) taken.delete(eldest)
  }

  function requireTransporter(): Promise<Transporter> {
    if (isClosed) throw new DeliveryFailed('The server is stopping.')
    if (clock() < restsUntilMs) throw new DeliveryFailed('The mail server could not be reached a moment ago.')
    return (connecting ??= connect(smtpUrl))
  }

  return {
    async deliver(letter, sender, pictures = []) {
      if (taken.has(letter.id)) return undefined
      const recipient = parseAddress(letter.recipient)
      if (recipient === undefined) return BAD_MAILBOX
      const transporter = await requireTransporter()
      try {
        const signal = AbortSignal.timeout(DELIVERY_MS)
        await transporter.sendMail({ ...messageOf(letter, sender, recipient), ...attached(pictures), signal })
        noteTaken(letter.id)
        return undefined
      } catch (error) {
        const failure = failureOf(error)
        if (isForGood(failure)) return failure.responseCode ?? BAD_MAILBOX
        if (failure.responseCode === undefined) restsUntilMs = clock() + REST_MS
        // Without a cause: what the library and the server say repeats addresses.
        throw new DeliveryFailed(sentenceOf(failure))
      }
    },
    close() {
      isClosed = true
      // A library that could not be loaded was reported to whoever wanted to deliver.
      connecting?.then(closeSoon, () => undefined)
    },
  }
}

/** Loaded with the first letter: a desk without mail starts faster, and uses less memory. */
async function connect(smtpUrl: string): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  const url = new URL(smtpUrl)
  const secure = url.protocol === 'smtps:'
  const auth = { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
  return createTransport({
    pool: true,
    maxConnections: 1,
    maxRequeues: 1,
    idleTimeout: 10_000,
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    ...(auth.user !== '' && { auth }),
    ...timeouts,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

function closeSoon(transporter: Transporter): void {
  transporter.close()
  setTimeout(() => transporter.close({ force: true }), CLOSING_MS).unref()
}

/** The letter in the library's words, with nothing in a header that could end its line (promises A18). */
function messageOf(letter: StoredLetter, sender: Mailbox, recipient: string): SendMailOptions {
  const { replyTo } = letter
  const answersTo = replyTo === undefined ? undefined : parseAddress(replyTo.address)
  return {
    // The envelope is ours: the library would make one from the headers.
    envelope: { from: sender.address, to: [recipient] },
    from: { name: headerText(letter.senderName ?? sender.name, MAX_NAME), address: sender.address },
    to: { name: '', address: recipient },
    ...(answersTo !== undefined && {
      replyTo: { name: headerText(replyTo?.name ?? '', MAX_NAME), address: answersTo },
    }),
    subject: headerText(letter.subject, MAX_SUBJECT),
    text: bodyText(letter.text),
    html: bodyText(letter.html),
    messageId: `<${letter.id}@${sender.address.slice(sender.address.lastIndexOf('@') + 1)}>`,
    date: new Date(letter.writtenAt),
    xMailer: false,
    // Holiday notices and other robots do not answer it (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

function attached(pictures: readonly ReadPicture[]): Pick<SendMailOptions, 'attachments'> {
  if (pictures.length === 0) return {}
  const attachments = pictures.map((picture) => ({
    filename: headerText(picture.name, MAX_NAME),
    content: picture.bytes,
    contentType: picture.type,
    contentDisposition: 'inline' as const,
    cid: contentIdOf(picture),
  }))
  return { attachments }
}

/** What the library tells of a failure besides its text. */
interface Failure {
  code?: string
  /** What the system said, such as `ECONNREFUSED`. */
  originalCode?: string
  command?: string
  responseCode?: number
}

function failureOf(error: unknown): Failure {
  const { code, originalCode, command, responseCode } = (error ?? {}) as Readonly<Record<string, unknown>>
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof originalCode === 'string' && { originalCode }),
    ...(typeof command === 'string' && { command }),
    ...(typeof responseCode === 'number' && { responseCode }),
  }
}

/** Whether it is this letter that is not wanted. A wrong password or a refused sender can be put right, so those are not. */
function isForGood({ code, command, responseCode }: Failure): boolean {
  // Without asking the server: the address is none, or the letter is longer than the server said it takes.
  if (responseCode === undefined)
    return (code === 'EENVELOPE' && command === 'API') || (code === 'EMESSAGE' && command === 'MAIL FROM')
  return responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA')
}

function sentenceOf({ code, originalCode, command, responseCode }: Failure): string {
  if (responseCode === undefined)
    return `The mail server could not be reached (${originalCode ?? code ?? 'unknown reason'}).`
  return `The mail server answered ${String(responseCode)} to ${command ?? 'a command'}.`
}
