import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { allRows, configure, errorOf, makeDepartment, refusal, withSettings } from '../../../testing/conversation.ts'
import { headerNames, readLetter, startMailServer, type MailServer } from '../../../testing/mail-server.ts'
import { startNameServer, type NameServer } from '../../../testing/name-server.ts'
import { startTestServer, type TestServer } from '../../../testing/testing.ts'

const desksAddress = 'desk@example.org'
const log: string[] = []

let desk: TestServer
let mail: MailServer
let names: NameServer

beforeAll(async () => {
  mail = await startMailServer()
  names = await startNameServer({ 'visitor.example': 'mx.visitor.example', 'takes-none.example': '' })
  desk = await startTestServer({
    nameServers: [names.address],
    onLog: (line) => log.push(line),
    config: { mail: { smtpUrl: mail.url, from: 'Help desk <noreply@desk.example>' } },
  })
  await configure(desk, { Livechat_offline_email: desksAddress })
})
afterAll(async () => {
  await desk.stop()
  await names.stop()
  await mail.down()
})
afterEach(async () => {
  await desk.server.worker.drain()
  mail.letters.length = 0
})

const left = { name: 'Ana', email: 'ana@visitor.example', message: 'Are you there?' }

function leave(more: Record<string, unknown> = {}) {
  return desk.anyone.raw('POST /livechat/offline.message', { body: { ...left, ...more } })
}

/** The only letter that arrived. */
async function arrived() {
  await desk.server.worker.drain()
  expect(mail.letters).toHaveLength(1)
  const [letter] = mail.letters
  return { ...letter!, read: await readLetter(letter!) }
}

const notSent = [400, { success: false, error: 'Error sending Omnichannel offline message' }]

describe('an offline message', () => {
  test('is mailed to the desk, from the desk, and answers go to the visitor', async () => {
    const answer = await leave({ host: 'https://shop.example/cart' })
    expect(refusal(answer)).toEqual([200, { success: true, message: 'Livechat offline message sent' }])
    const { envelope, read } = await arrived()
    expect(envelope).toEqual({ from: 'noreply@desk.example', to: [desksAddress] })
    expect(read.from).toEqual({ name: 'Help desk', address: 'noreply@desk.example' })
    expect(read.to).toEqual([{ name: '', address: desksAddress }])
    expect(read.replyTo).toEqual([{ name: 'Ana', address: 'ana@visitor.example' }])
    expect(read.subject).toBe('Livechat offline message from Ana')
    expect(read.text?.trimEnd()).toBe(
      'Name: Ana\nE-mail: ana@visitor.example\nSent from: https://shop.example/cart\n\nAre you there?',
    )
    for (const part of ['Ana', 'ana@visitor.example', 'https://shop.example/cart', 'Are you there?'])
      expect(read.html).toContain(part)
  })

  test('is answered when it is on disk, whether or not the mail server is there', async () => {
    await mail.down()
    try {
      expect((await leave()).status).toBe(200)
      expect((await allRows(desk)).get('mail')).toHaveLength(1)
    } finally {
      await mail.up()
    }
    desk.clock.advance(60_000)
    await desk.server.worker.drain()
    expect(mail.letters).toHaveLength(1)
    expect((await allRows(desk)).get('mail')).toEqual([])
  })

  test('goes to the department that is named by id or name', async () => {
    const id = await makeDepartment(desk, { name: 'Sales', email: 'sales@example.org' })
    for (const department of [id, 'Sales']) {
      await leave({ department })
      expect((await arrived()).envelope.to).toEqual(['sales@example.org'])
      mail.letters.length = 0
    }
  })

  test('goes to the desk where the department is unknown, archived or has no address, and where none is named', async () => {
    await makeDepartment(desk, { name: 'Mute', email: ' ' })
    await makeDepartment(desk, { name: 'Gone', email: 'gone@example.org', archivedAt: '2026-01-01T00:00:00.000Z' })
    for (const department of ['Nowhere', 'Mute', 'Gone', null]) {
      await leave({ department })
      expect((await arrived()).envelope.to).toEqual([desksAddress])
      mail.letters.length = 0
    }
  })

  test('names no page where the client knows none', async () => {
    for (const host of ['null', null, '']) {
      await leave({ host })
      expect((await arrived()).read.text).not.toContain('Sent from')
      mail.letters.length = 0
    }
  })

  test('has no more of the name in its subject than 64 characters, and none that turns or breaks the line', async () => {
    await leave({ name: 'é'.repeat(70) })
    expect((await arrived()).read.subject).toBe(`Livechat offline message from ${'é'.repeat(64)}`)
    mail.letters.length = 0
    await leave({ name: 'Ana\u202E\r\nBcc: victim@example.com' })
    const letter = await arrived()
    expect(letter.read.subject).toBe('Livechat offline message from Ana Bcc: victim@example.com')
    expect(headerNames(letter)).not.toContain('bcc')
    expect(letter.envelope.to).toEqual([desksAddress])
  })

  test('shows what was typed as text, never as markup or a link', async () => {
    const evil = '<img src=x onerror=alert(1)><a href="https://evil.example">click</a>'
    await leave({ name: evil, message: `${evil}\nsecond line`, host: 'https://evil.example/?"><script>' })
    const { read } = await arrived()
    expect(read.html).not.toMatch(/<(?:img|a|script)\b/i)
    expect(read.html).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(read.html).toContain('<br>second line')
  })

  test('leaves nothing that was typed in the log', async () => {
    await leave({ name: 'Quokka', message: 'zanzibar' })
    await arrived()
    for (const secret of ['Quokka', 'zanzibar', left.email, desksAddress]) expect(log.join('')).not.toContain(secret)
  })
})

describe('an offline message is refused, and nothing is written,', () => {
  async function expectRefused(more: Record<string, unknown> = {}): Promise<void> {
    const before = await allRows(desk)
    expect(refusal(await leave(more))).toEqual(notSent)
    expect(await allRows(desk)).toEqual(before)
  }

  test('while the form is switched off', async () => {
    await withSettings(desk, { Livechat_display_offline_form: false }, () => expectRefused())
  })

  test.each([
    '',
    'nobody',
    'a@visitor.example, b@visitor.example',
    'a b@visitor.example',
    'a@visitor.example\r\nBcc: x@y',
  ])('from an address that nobody could answer: %j', async (email) => expectRefused({ email }))

  test.each(['no-such.example', 'takes-none.example'])('from a domain that takes no mail: %s', async (domain) => {
    await expectRefused({ email: `ana@${domain}` })
    expect(names.asked).toContain(domain)
    await withSettings(desk, { Livechat_validate_offline_email: false }, async () => {
      expect((await leave({ email: `ana@${domain}` })).status).toBe(200)
      await arrived()
    })
  })

  test.each(['', 'nobody', 'a@example.org, b@example.org'])('where it has no receiver: %j', async (address) => {
    await configure(desk, { Livechat_offline_email: address })
    try {
      await expectRefused()
    } finally {
      await configure(desk, { Livechat_offline_email: desksAddress })
    }
  })

  test('where the body is not the documented one', async () => {
    for (const body of [{}, { ...left, message: 1 }, { ...left, message: 'x'.repeat(10_001) }]) {
      const answer = await desk.anyone.raw('POST /livechat/offline.message', { body })
      expect(answer.status).toBe(400)
      expect(errorOf(answer)).toContain('[invalid-params]')
    }
  })
})

describe('the limits of offline messages', () => {
  let limited: TestServer
  beforeAll(async () => {
    limited = await startTestServer({ rateLimits: true })
    await configure(limited, { Livechat_offline_email: desksAddress, Livechat_validate_offline_email: false })
  })
  afterAll(() => limited.stop())

  function leaveFrom(network: number) {
    return limited.server.http.inject({
      method: 'POST',
      url: '/api/v1/livechat/offline.message',
      remoteAddress: `10.0.${String(network)}.1`,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(left),
    })
  }

  test('five an hour from one address, a hundred from all', async () => {
    for (let count = 0; count < 5; count += 1) expect((await leaveFrom(0)).statusCode).toBe(200)
    const sixth = await leaveFrom(0)
    expect(sixth.statusCode).toBe(429)
    expect(Number(sixth.headers['retry-after'])).toBeGreaterThan(600)
    for (let network = 1; network < 20; network += 1)
      for (let count = 0; count < 5; count += 1) expect((await leaveFrom(network)).statusCode).toBe(200)
    expect((await leaveFrom(20)).statusCode).toBe(429)
    limited.clock.advance(3_600_000)
    expect((await leaveFrom(20)).statusCode).toBe(200)
    expect((await leaveFrom(0)).statusCode).toBe(200)
  })

  test('without a mail server it is answered all the same, and the letter does not wait for ever', async () => {
    expect((await allRows(limited)).get('mail')?.length).toBeGreaterThan(0)
    await limited.server.worker.drain()
    expect((await allRows(limited)).get('mail')).toEqual([])
  })
})
