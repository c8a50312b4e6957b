// A real mail server on the loopback interface, which keeps what it is given, and tells what it was told on the wire.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A letter as it arrived. */
export interface Arrived {
  /** Who sent it and who gets it, as said outside of the letter. */
  envelope: { from: string; to: string[] }
  raw: string
}

interface Refusal {
  at: 'recipient' | 'letter'
  status: number
  /** Only letters of more bytes. */
  longerThan?: number
}

export interface MailServer {
  /** For `DESKBELL_SMTP_URL`. */
  url: string
  letters: Arrived[]
  /** Refuses recipients, or letters, with this status from now on; nothing: takes them again. */
  refuseWith: (refusal?: Refusal) => void
  /** Answers nobody any more. */
  down: () => Promise<void>
  /** Answers again at the same address. */
  up: () => Promise<void>
}

/** Starts a mail server. `options` are those of the library, for one that offers TLS or asks for a password. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const letters: Arrived[] = []
  let refusal: Refusal | undefined
  const refusedAt = (place: Refusal['at'], bytes = 0) =>
    refusal?.at === place && bytes >= (refusal.longerThan ?? 0)
      ? Object.assign(new Error('No thanks, secret-of-the-server'), { responseCode: refusal.status })
      : null
  const make = () =>
    new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      disableReverseLookup: true,
      logger: false,
      onRcptTo: (_address, _session, done) => done(refusedAt('recipient')),
      onData(stream, session, done) {
        void buffer(stream).then((bytes) => {
          const refused = refusedAt('letter', bytes.length)
          if (refused !== null) {
            done(refused)
            return
          }
          const { mailFrom, rcptTo } = session.envelope
          const from = mailFrom === false ? '' : mailFrom.address
          letters.push({ envelope: { from, to: rcptTo.map(({ address }) => address) }, raw: bytes.toString('latin1') })
          done(null)
        })
      },
      ...options,
    })

  let server = make()
  const listen = async (port: number) => {
    const listening = server.listen(port, '127.0.0.1')
    await once(listening, 'listening')
    return (listening.address() as AddressInfo).port
  }
  const port = await listen(0)
  return {
    url: `smtp://127.0.0.1:${String(port)}`,
    letters,
    refuseWith: (given) => void (refusal = given),
    async down() {
      for (const { _socket } of server.connections as unknown as Set<{ _socket: { destroy: () => void } }>)
        _socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
    async up() {
      server = make()
      await listen(port)
    },
  }
}

/** A letter as a mail program reads it. */
export function readLetter({ raw }: Arrived): Promise<Email> {
  return PostalMime.parse(Buffer.from(raw, 'latin1'))
}

/** The names of the headers of a letter, in lower case, each as often as it stands there. */
export function headerNames({ raw }: Arrived): string[] {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n'))
  return head
    .split(/\r\n(?![ \t])/)
    .map((line) => (/^[^:\s]+(?=:)/.exec(line)?.[0] ?? `no header: ${line}`).toLowerCase())
}
