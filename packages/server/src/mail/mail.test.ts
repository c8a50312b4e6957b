import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allRows, configure } from '../../testing/conversation.ts'
import { headerNames, readLetter, startMailServer, type MailServer } from '../../testing/mail-server.ts'
import { startTestServer, type TestServer } from '../../testing/testing.ts'
import { contentIdOf, writeLetter, type Letter } from './outbox.ts'

const DAY = 86_400_000
const from = 'noreply@desk.example'
const letter: Letter = {
  recipient: 'ana@visitor.example',
  subject: 'Quokka',
  text: 'zanzibar\n',
  html: '<p>zanzibar</p>',
  purpose: 'test',
}

let mail: MailServer
let desk: TestServer
let log: string[]

async function start(config: object = { smtpUrl: mail.url, from }): Promise<void> {
  desk = await startTestServer({ onLog: (line) => log.push(line), config: { mail: config } })
}
beforeEach(async () => {
  log = []
  mail = await startMailServer()
})
afterEach(async () => {
  await desk.stop()
  await mail.down()
  for (const secret of [letter.recipient, letter.subject, 'zanzibar', 'secret-of-the-server', 'hunter22'])
    expect(log.join('')).not.toContain(secret)
})

function post(more: Partial<Letter> = {}): Promise<void> {
  return desk.server.context.transact((tx) => writeLetter(tx, { ...letter, ...more }))
}

function drain(): Promise<void> {
  return desk.server.worker.drain()
}

async function rowsOf(table: 'mail' | 'job') {
  return ((await allRows(desk)).get(table) ?? []).map((row) => JSON.parse(row) as Record<string, unknown>)
}

async function jobOfMail() {
  return (await rowsOf('job')).find(({ name }) => name === 'send-mail')
}

/** Lets all tries of a letter pass. */
async function tryOut(): Promise<void> {
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await drain()
    desk.clock.advance(1_100_000)
  }
}

describe('a letter', () => {
  test('is handed over once, to one recipient, with one of each header', async () => {
    await start()
    await post({ senderName: 'Desk of "Ana", <x@y>', replyTo: { name: 'Ana', address: 'ana@visitor.example' } })
    await drain()
    expect(mail.letters).toHaveLength(1)
    const [arrived] = mail.letters
    expect(arrived?.envelope).toEqual({ from, to: [letter.recipient] })
    const names = headerNames(arrived!)
    expect(names.sort()).toEqual([
      'auto-submitted', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'reply-to', 'subject', 'to',
    ]) // prettier-ignore
    const read = await readLetter(arrived!)
    expect(read).toMatchObject({
      from: { name: 'Desk of "Ana", <x@y>', address: from },
      subject: 'Quokka',
      date: '2026-01-05T10:00:00.000Z',
    })
    expect([read.text?.trim(), read.html?.trim()]).toEqual(['zanzibar', '<p>zanzibar</p>'])
    expect(await rowsOf('mail')).toEqual([])
    expect(await jobOfMail()).toBeUndefined()
  })

  test('comes from the sender of the settings where the environment names none', async () => {
    await start({ smtpUrl: mail.url })
    await configure(desk, { From_Email: 'Our desk <desk@example.org>' })
    await post()
    await drain()
    expect(mail.letters[0]?.envelope.from).toBe('desk@example.org')
  })

  test('has the same Message-ID when it is handed over twice, so that the second is recognisable', async () => {
    await start()
    await post()
    const [row] = await rowsOf('mail')
    await drain()
    await desk.server.context.transact(async (tx) => {
      // As a process leaves it that ended between handing over and forgetting.
      await tx.run(tx.sql.insertInto('mail').values(row as never))
      tx.emit('mail.queued', { mailId: String(row?.['id']) })
    })
    await desk.restart()
    await drain()
    const ids = await Promise.all(mail.letters.map(async (arrived) => (await readLetter(arrived)).messageId))
    expect(ids).toEqual([`<${String(row?.['id'])}@desk.example>`, ids[0]])
  })

  test('waits while the mail server is down, also over a restart of ours', async () => {
    await start()
    await mail.down()
    await post()
    await drain()
    expect(await jobOfMail()).toMatchObject({
      attempts: 1,
      lastError: 'The mail server could not be reached (ECONNREFUSED).',
    })
    desk.clock.advance(2_000)
    await drain()
    expect((await jobOfMail())?.['lastError']).toBe('The mail server could not be reached a moment ago.')
    await desk.restart()
    await mail.up()
    desk.clock.advance(60_000)
    await drain()
    expect(mail.letters).toHaveLength(1)
    expect(await rowsOf('mail')).toEqual([])
  })

  test('is handed over when the connection of the one before it has died', async () => {
    await start()
    await post()
    await drain()
    await mail.down()
    await mail.up()
    await post()
    await drain()
    desk.clock.advance(60_000)
    await drain()
    expect(mail.letters).toHaveLength(2)
  })

  /** A file as somebody sent it; answers its id. */
  async function keep(bytes: Buffer): Promise<string> {
    const file = await desk.server.context.files.receive(Readable.from([bytes]), bytes.length)
    await file.keep()
    return file.id
  }

  test('brings the pictures that its HTML shows, as many as are still there', async () => {
    await start()
    const bytes = Buffer.from('the bytes of a picture')
    const fileId = await keep(bytes)
    const [name, type] = ['plan\r\nBcc: x@y.example.png', 'image/png']
    await post({
      pictures: [
        { fileId: 'taken back', name, type },
        { fileId, name, type },
      ],
    })
    await drain()
    const { attachments } = await readLetter(mail.letters[0]!)
    expect(attachments).toMatchObject([
      { filename: 'plan Bcc: x@y.example.png', mimeType: type, disposition: 'inline', contentId: `<${contentIdOf({ fileId })}>` },
    ]) // prettier-ignore
    expect(Buffer.from(attachments[0]?.content as ArrayBuffer)).toEqual(bytes)
    expect(headerNames(mail.letters[0]!)).not.toContain('bcc')
  })

  test('leaves without its pictures where the server does not take them', async () => {
    await start()
    mail.refuseWith({ at: 'letter', status: 552, longerThan: 100_000 })
    const fileId = await keep(Buffer.alloc(100_000))
    await post({ pictures: [{ fileId, name: 'plan.png', type: 'image/png' }] })
    await drain()
    const [read] = await Promise.all(mail.letters.map(readLetter))
    expect([read?.text?.trim(), read?.attachments]).toEqual(['zanzibar', []])
    expect(await rowsOf('mail')).toEqual([])
  })

  test.each(['recipient', 'letter'] as const)('is dropped where the server refuses its %s for good', async (at) => {
    await start()
    mail.refuseWith({ at, status: 550 })
    await post()
    await drain()
    expect(await rowsOf('mail')).toEqual([])
    expect(await jobOfMail()).toBeUndefined()
    expect(log.join('')).toContain('"status":550')
    mail.refuseWith()
    await post()
    await drain()
    expect(mail.letters).toHaveLength(1)
  })

  test('is tried again where the server refuses it for now', async () => {
    await start()
    mail.refuseWith({ at: 'recipient', status: 451 })
    await post()
    await drain()
    expect(await jobOfMail()).toMatchObject({ attempts: 1, lastError: 'The mail server answered 451 to RCPT TO.' })
    mail.refuseWith()
    desk.clock.advance(2_000)
    await drain()
    expect(mail.letters).toHaveLength(1)
  })

  test('is given up after ten tries, and forgotten a week later', async () => {
    await start()
    await mail.down()
    await post()
    await tryOut()
    expect(await jobOfMail()).toMatchObject({ attempts: 10, uniqueKey: null })
    expect(await rowsOf('mail')).toHaveLength(1)
    await desk.server.listen()
    desk.clock.advance(7 * DAY)
    await drain()
    expect(await rowsOf('mail')).toEqual([])
    await mail.up()
  })

  test.each([
    ['no mail server', { from }],
    ['no sender', { smtpUrl: 'smtp://127.0.0.1:1' }],
  ])('is dropped, and the log says so, where %s is configured', async (_, config) => {
    await start(config)
    await post()
    await drain()
    expect(await rowsOf('mail')).toEqual([])
    expect(log.join('')).toContain('Mail is not configured')
    expect(log.join('')).toContain('"purpose":"test"')
  })

  test.each(['', 'nobody', 'a@example.org, b@example.org', 'a@example.org\r\nRCPT TO:<b@example.org>'])(
    'is never handed over for anything but one address: %j',
    async (recipient) => {
      await start()
      await post({ recipient })
      await drain()
      expect(mail.letters).toEqual([])
      expect(await rowsOf('mail')).toEqual([])
    },
  )
})

describe('a mail server', () => {
  test('that offers TLS with a certificate nobody vouches for gets nothing', async () => {
    const other = await startMailServer({ disabledCommands: ['AUTH'] })
    await start({ smtpUrl: other.url, from })
    await post()
    await drain()
    expect(other.letters).toEqual([])
    expect((await jobOfMail())?.['lastError']).toMatch(/^The mail server could not be reached/)
    await other.down()
  })

  test('that refuses the password gets the letter later: the password can be put right', async () => {
    const other = await startMailServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => done(new Error('secret-of-the-server')),
    })
    await start({ smtpUrl: other.url.replace('//', '//desk:hunter22@'), from })
    await post()
    await drain()
    expect(await jobOfMail()).toMatchObject({ attempts: 1, lastError: 'The mail server answered 535 to AUTH PLAIN.' })
    expect(await rowsOf('mail')).toHaveLength(1)
    await other.down()
  })
})
