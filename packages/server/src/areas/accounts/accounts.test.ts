import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { allRows, configure, errorTypeOf, refusal, withSettings } from '../../../testing/conversation.ts'
import { readLetter, startMailServer, type MailServer } from '../../../testing/mail-server.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const siteUrl = 'https://desk.example/chat'
const log: string[] = []

let desk: TestServer
let mail: MailServer
let admin: StaffMember

beforeAll(async () => {
  mail = await startMailServer()
  desk = await startTestServer({
    onLog: (line) => log.push(line),
    config: { siteUrl, mail: { smtpUrl: mail.url, from: 'noreply@desk.example' } },
  })
  admin = await desk.administrator()
})
afterAll(async () => {
  await desk.stop()
  await mail.down()
})
afterEach(async () => {
  await desk.server.worker.drain()
  mail.letters.length = 0
})

let people = 0
const freshAddress = () => `invited${String(++people)}@example.com`

/** What arrived since the last test, once the jobs are done. */
async function letters() {
  await desk.server.worker.drain()
  return Promise.all(mail.letters.map(async (letter) => ({ ...letter, read: await readLetter(letter) })))
}

/** The token in the only letter that arrived. */
async function tokenInLetter(): Promise<string> {
  const arrived = await letters()
  expect(arrived).toHaveLength(1)
  mail.letters.length = 0
  return tokenIn(arrived[0]?.read.text ?? '')
}

function tokenIn(text: string): string {
  const [, token = ''] = /^https:\/\/desk\.example\/chat\/account\/([\w-]{43})$/m.exec(text) ?? []
  expect(token).not.toBe('')
  return token
}

const invite = (body: object, by = admin) => by.raw('POST /users.invite', { body })
const forgot = (email?: string, headers = {}) =>
  desk.anyone.raw('POST /users.forgotPassword', { body: { email }, headers })
const reset = (token: string, newPassword = 'a new secret') =>
  desk.anyone.raw('POST /users.resetPassword', { body: { token, newPassword } })
const signIn = async (user: string, password: string) =>
  (await desk.anyone.raw('POST /login', { body: { user, password } })).status

async function forgottenTokenOf(person: StaffMember): Promise<string> {
  await forgot(`${person.username}@example.org`)
  return tokenInLetter()
}

const withCode = (code: string) => ({ status: 400, body: { success: false, errorType: code } })

describe('an invitation', () => {
  test('lets somebody in who chooses a password behind the link, once', async () => {
    const email = freshAddress()
    const { user, expiresAt } = await admin.call('POST /users.invite', {
      body: { email, name: 'Ada', roles: ['user', 'livechat-agent'] },
    })
    expect(user).toMatchObject({
      name: 'Ada',
      username: email.split('@')[0],
      roles: ['livechat-agent', 'user'],
      emails: [{ address: email, verified: false }],
    })
    expect(Date.parse(expiresAt) - desk.clock.now()).toBe(7 * 86_400_000)
    const [letter] = await letters()
    expect(letter?.envelope.to).toEqual([email])
    expect(letter?.read.text).toContain(`Name of ${admin.username} created an account for you.`)

    const token = await tokenInLetter()
    expect(refusal(await reset(token))).toEqual([200, { success: true }])
    expect(await signIn(email, 'a new secret')).toBe(200)
    const { user: settled } = await admin.call('GET /users.info', { query: { userId: user._id } })
    expect(settled.emails).toEqual([{ address: email, verified: true }])
    expect(await reset(token, 'another secret')).toMatchObject(withCode('error-invalid-link'))
    expect(await signIn(email, 'a new secret')).toBe(200)
  })

  test('nobody signs in before, and no database holds the token', async () => {
    const email = freshAddress()
    await invite({ email })
    expect(await signIn(email, '')).toBe(401)
    const token = await tokenInLetter()
    for (const [table, rows] of await allRows(desk))
      expect([table, rows.join().includes(token)]).toEqual([table, false])
    expect(log.join()).not.toContain(token)
  })

  test('that is repeated makes the earlier link worthless and leaves the account as it is', async () => {
    const email = freshAddress()
    const first = await admin.call('POST /users.invite', { body: { email, name: 'First' } })
    const earlier = await tokenInLetter()
    const again = await admin.call('POST /users.invite', { body: { email: email.toUpperCase(), name: 'Second' } })
    expect(again.user).toEqual(first.user)
    const later = await tokenInLetter()
    expect(await reset(earlier)).toMatchObject(withCode('error-invalid-link'))
    expect((await reset(later)).status).toBe(200)
  })

  test('ends after a week', async () => {
    await invite({ email: freshAddress() })
    const token = await tokenInLetter()
    desk.clock.advance(7 * 86_400_000)
    expect(await reset(token)).toMatchObject(withCode('error-invalid-link'))
  })

  test('makes usernames from addresses, none twice', async () => {
    const names = []
    for (const email of ['ben+desk@one.example', 'ben.desk@two.example', 'bendesk@three.example', '+@four.example'])
      names.push((await admin.call('POST /users.invite', { body: { email } })).user.username)
    expect(names).toEqual(['bendesk', 'ben.desk', 'bendesk-2', 'person'])
  })

  test('is refused for people who have a password, or are deactivated', async () => {
    const settled = await desk.staff()
    const before = await allRows(desk)
    expect(await invite({ email: `${settled.username}@example.org` })).toMatchObject(
      withCode('error-field-unavailable'),
    )
    expect(await allRows(desk)).toEqual(before)
    const email = freshAddress()
    const { user } = await admin.call('POST /users.invite', { body: { email } })
    await admin.call('POST /users.setActiveStatus', { body: { userId: user._id, activeStatus: false } })
    expect(await invite({ email })).toMatchObject(withCode('error-user-deactivated'))
  })

  test('hands out no roles that its author may not hand out, and is refused with a bad name', async () => {
    const before = await allRows(desk)
    for (const [body, code] of [
      [{ email: 'nobody' }, 'error-invalid-email'],
      [{ email: '"a@b.example,c"@d.example' }, 'error-invalid-email'],
      [{ email: 'a,b@c.example' }, 'error-invalid-email'],
      [{ email: freshAddress(), username: 'a b' }, 'error-invalid-username'],
      [{ email: freshAddress(), roles: ['king'] }, 'error-invalid-role'],
      [{ email: freshAddress(), username: admin.username }, 'error-field-unavailable'],
    ] as const)
      expect(await invite(body)).toMatchObject(withCode(code))
    expect(await allRows(desk)).toEqual(before)

    await setHolders('create-user', ['admin', 'livechat-manager'])
    const manager = await desk.staff({ roles: ['user', 'livechat-manager'] })
    for (const roles of [['admin'], ['user', 'livechat-agent']])
      expect(await invite({ email: freshAddress(), roles }, manager)).toMatchObject(
        withCode('error-action-not-allowed'),
      )
    expect((await invite({ email: freshAddress() }, manager)).status).toBe(200)
    await setHolders('create-user', ['admin'])
    expect((await invite({ email: freshAddress() }, manager)).status).toBe(403)
  })

  test('of the same address at once makes one account', async () => {
    const email = freshAddress()
    const answers = await Promise.all([1, 2, 3].map(() => invite({ email })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(answers.map(({ body }) => body.user._id)).size).toBe(1)
    const good = []
    for (const { read } of await letters()) good.push((await reset(tokenIn(read.text ?? ''))).status)
    expect(good.sort()).toEqual([200, 400, 400])
  })
})

function setHolders(_id: string, roles: string[]) {
  return admin.call('POST /permissions.update', { body: { permissions: [{ _id, roles }] } })
}

describe('creating an account', () => {
  const draft = () => {
    const email = freshAddress()
    return { email, name: 'Cleo', username: email.split('@')[0] ?? '' }
  }
  const create = (body: object) => admin.raw('POST /users.create', { body })

  test('with a random password: nobody knows it, and the letter has a link', async () => {
    const person = draft()
    const answer = await create({
      ...person,
      setRandomPassword: true,
      sendWelcomeEmail: true,
      joinDefaultChannels: true,
    })
    expect(answer.status).toBe(200)
    expect((await reset(await tokenInLetter())).status).toBe(200)
    expect(await signIn(person.username, 'a new secret')).toBe(200)
  })

  test('with a password: no letter contains it', async () => {
    const person = draft()
    await create({ ...person, password: 'told on the phone', sendWelcomeEmail: true })
    const [letter] = await letters()
    expect(letter?.read.text).toContain(siteUrl)
    expect(letter?.read.text).toContain(person.username)
    expect(letter?.raw).not.toContain('told on the phone')
    expect(letter?.raw).not.toContain('/account/')
  })

  test('promises no letter to an address that no letter reaches', async () => {
    const person = { ...draft(), email: 'a,b@c.example', password: 'told on the phone' }
    expect(await create({ ...person, sendWelcomeEmail: true })).toMatchObject(withCode('error-invalid-email'))
    expect((await create(person)).status).toBe(200)
  })

  test('writes nothing unless asked, and nothing to a deactivated person', async () => {
    await create({ ...draft(), setRandomPassword: true })
    await create({ ...draft(), setRandomPassword: true, sendWelcomeEmail: true, active: false })
    expect(await letters()).toEqual([])
  })

  test('needs a password or the wish for a random one', async () => {
    expect(await create(draft())).toMatchObject(withCode('invalid-params'))
  })
})

describe('a forgotten password', () => {
  test('is replaced behind the link; sessions and other links end, and the address is verified', async () => {
    const person = await desk.staff()
    await forgot(`${person.username}@example.org`)
    const other = await tokenInLetter()
    const token = await forgottenTokenOf(person)
    expect((await reset(token)).status).toBe(200)
    expect((await person.raw('GET /me')).status).toBe(401)
    expect(await reset(other)).toMatchObject(withCode('error-invalid-link'))
    expect(await signIn(person.username, person.password)).toBe(401)
    expect(await signIn(person.username, 'a new secret')).toBe(200)
  })

  test('is answered the same, by the same writes, whoever has the address', async () => {
    const person = await desk.staff()
    const gone = await desk.staff()
    await admin.call('POST /users.setActiveStatus', { body: { userId: gone.id, activeStatus: false } })
    const before = await allRows(desk)
    const seen = []
    for (const email of [`${person.username}@example.org`, `${gone.username}@example.org`, 'nobody@example.org', '?']) {
      const { status, body, headers } = await forgot(email)
      const { date, 'x-request-id': id, ...same } = headers
      expect([typeof date, typeof id]).toEqual(['string', 'string'])
      const after = await allRows(desk)
      // The answer is out before anybody looks for an account: one job, and nothing else, for all alike.
      const changed = [...after].filter(([table, rows]) => rows.length !== before.get(table)?.length)
      expect(changed.map(([table]) => table)).toEqual(['job'])
      seen.push({ status, body, same })
    }
    expect(seen[0]).toMatchObject({ status: 200, body: { success: true } })
    for (const each of seen) expect(each).toEqual(seen[0])
    expect((await letters()).map(({ envelope }) => envelope.to)).toEqual([[`${person.username}@example.org`]])
  })

  test('links lead to the configured site, whatever the request claims to be sent to', async () => {
    const person = await desk.staff()
    const hosts = ['evil.example', 'desk.example:99@evil.example', 'desk.example\u0009evil.example']
    for (const [index, host] of hosts.entries()) {
      await forgot(`${person.username}@example.org`, {
        host,
        'x-forwarded-host': host,
        'x-forwarded-proto': 'gopher',
        forwarded: `host=${host}`,
        origin: 'https://evil.example',
        referer: 'https://evil.example/x',
      })
      const arrived = await letters()
      expect(arrived).toHaveLength(index + 1)
      for (const { raw, read } of arrived) {
        tokenIn(read.text ?? '')
        expect(raw + (read.html ?? '')).not.toMatch(/evil|gopher/)
      }
    }
  })

  test('writes three letters to an account until one of the links has ended', async () => {
    const person = await desk.staff()
    for (let times = 0; times < 5; times++) {
      await forgot(`${person.username}@example.org`)
      await desk.server.worker.drain()
    }
    expect(mail.letters).toHaveLength(3)
    desk.clock.advance(3_600_000)
    await forgot(`${person.username}@example.org`)
    expect(await letters()).toHaveLength(4)
  })

  test('links end after an hour, with another address, with another password and with the account', async () => {
    const ends: ((person: StaffMember) => unknown)[] = [
      () => desk.clock.advance(3_600_000),
      ({ id }) => admin.call('POST /users.update', { body: { userId: id, data: { email: freshAddress() } } }),
      ({ id }) => admin.call('POST /users.update', { body: { userId: id, data: { password: 'told on the phone' } } }),
      ({ id }) => admin.call('POST /users.setActiveStatus', { body: { userId: id, activeStatus: false } }),
      ({ id }) => admin.call('POST /users.delete', { body: { userId: id } }),
    ]
    for (const end of ends) {
      const person = await desk.staff()
      const token = await forgottenTokenOf(person)
      await end(person)
      expect(await reset(token)).toMatchObject(withCode('error-invalid-link'))
    }
  })

  test('a link works once, however often it is used at the same time', async () => {
    for (let round = 0; round < 3; round++) {
      const person = await desk.staff()
      const token = await forgottenTokenOf(person)
      const passwords = ['first secret', 'second secret', 'third secret', 'fourth secret']
      const answers = await Promise.all(passwords.map((password) => reset(token, password)))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400])
      const winner = passwords[answers.findIndex(({ status }) => status === 200)] ?? ''
      expect(await signIn(person.username, winner)).toBe(200)
    }
  })

  test('needs an address, and the new one eight characters', async () => {
    const text = { success: false, error: "The 'email' param is required" }
    expect(refusal(await forgot())).toEqual([400, text])
    expect(refusal(await forgot(''))).toEqual([400, text])
    const token = await forgottenTokenOf(await desk.staff())
    expect(await reset(token, 'short')).toMatchObject(withCode('error-password-policy'))
    expect((await reset(token)).status).toBe(200)
    for (const wrong of ['', 'x', token, hashOf(token)])
      expect(await reset(wrong)).toMatchObject(withCode('error-invalid-link'))
  })

  test('an agent takes no chats until the next sign-in, and an account told to choose a password has done so', async () => {
    const agent = await desk.agent()
    await admin.call('POST /users.update', { body: { userId: agent.id, data: { requirePasswordChange: true } } })
    await reset(await forgottenTokenOf(agent))
    const { user } = await admin.call('GET /users.info', { query: { userId: agent.id } })
    expect(user).toMatchObject({ statusLivechat: 'not-available', status: 'offline' })
    expect(user).not.toHaveProperty('requirePasswordChange')
  })
})

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

describe('letters', () => {
  test('show names as text, on one line', async () => {
    const joker = await desk.staff({ name: '<img src=x>\r\nBcc: a@b\u202E"&', roles: ['user', 'admin'] })
    await invite({ email: freshAddress() }, joker)
    const [letter] = await letters()
    expect(letter?.read.html).toContain('<bdi>&lt;img src=x&gt; Bcc: a@b &quot;&amp;</bdi>')
    expect(letter?.read.text).toContain('<img src=x> Bcc: a@b "& created an account for you.')
    expect(letter?.envelope.to).toHaveLength(1)
  })
})

describe('without a site URL', () => {
  let bare: TestServer
  beforeAll(async () => {
    bare = await startTestServer({
      onLog: (line) => log.push(line),
      config: { mail: { smtpUrl: mail.url, from: 'noreply@desk.example' } },
    })
  })
  afterAll(() => bare.stop())

  test('people are not invited, and nobody is created who should get a letter', async () => {
    const chief = await bare.administrator()
    const before = await allRows(bare)
    const person = {
      email: 'a@b.example',
      name: 'A',
      username: 'aaa',
      password: 'a long secret',
      sendWelcomeEmail: true,
    }
    expect(errorTypeOf(await chief.raw('POST /users.invite', { body: person }))).toBe('error-site-url-missing')
    expect(errorTypeOf(await chief.raw('POST /users.create', { body: person }))).toBe('error-site-url-missing')
    expect(await allRows(bare)).toEqual(before)
  })

  test('who forgot a password is answered as ever, and the log says why nothing comes', async () => {
    const person = await bare.staff()
    log.length = 0
    const answer = await bare.anyone.raw('POST /users.forgotPassword', {
      body: { email: `${person.username}@example.org` },
    })
    expect(refusal(answer)).toEqual([200, { success: true }])
    await bare.server.worker.drain()
    expect(mail.letters).toEqual([])
    expect(log.join()).toContain('Nobody can reset a password')
    expect(log.join()).not.toContain(person.username)
  })

  test('the setting names it, if it is the address of a site', async () => {
    const chief = await bare.administrator()
    const invitation = (email: string) => chief.raw('POST /users.invite', { body: { email } })
    for (const Site_Url of ['javascript:alert(1)', 'desk', 'https://user:secret@desk.example/', 'https://a/?b'])
      await withSettings(bare, { Site_Url }, async () => {
        expect(errorTypeOf(await invitation('c@b.example'))).toBe('error-site-url-missing')
      })
    await configure(bare, { Site_Url: 'https://desk.example/chat/' })
    expect((await invitation('c@b.example')).status).toBe(200)
    await bare.server.worker.drain()
    tokenIn((await readLetter(mail.letters[0]!)).text ?? '')
  })
})

test('without a mail server people are not invited', async () => {
  const bare = await startTestServer({ config: { siteUrl } })
  const chief = await bare.administrator()
  const person = { email: 'a@b.example', name: 'A', username: 'aaa', password: 'a long secret', sendWelcomeEmail: true }
  for (const key of ['POST /users.invite', 'POST /users.create'])
    expect(errorTypeOf(await chief.raw(key, { body: person }))).toBe('error-mail-not-configured')
  await bare.stop()
})

test('letters are asked for twenty times a minute from one address', async () => {
  const limited = await startTestServer({ rateLimits: true })
  const statuses = []
  for (let times = 0; times < 21; times++) {
    const body = { email: `person${String(times)}@example.org` }
    statuses.push((await limited.anyone.raw('POST /users.forgotPassword', { body })).status)
  }
  expect(statuses).toEqual([...Array<number>(20).fill(200), 429])
  await limited.stop()
})
