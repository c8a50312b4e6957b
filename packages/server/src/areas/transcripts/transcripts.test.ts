import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeBy,
  closeByVisitor,
  configure,
  errorTypeOf,
  historyOf,
  openChat,
  refusal,
  register,
  roomOf,
  roomSeenBy,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { sendForm, type FormPart } from '../../../testing/forms.ts'
import { readLetter, startMailServer, type MailServer } from '../../../testing/mail-server.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const HOUR = 3_600_000
const pngHead = Buffer.from('89504e470d0a1a0a0000000d49484452000000780000003c0806000000', 'hex')

let desk: TestServer
let mail: MailServer
const mailConfig = () => ({ smtpUrl: mail.url, from: 'noreply@desk.example' })
let anna: StaffMember
let manager: StaffMember

beforeAll(async () => {
  mail = await startMailServer()
  desk = await startTestServer({ config: { mail: mailConfig() } })
  await configure(desk, { Default_Timezone_For_Reporting: 'custom', Default_Custom_Timezone: 'Europe/Berlin' })
  anna = await desk.agent({ username: 'anna', name: 'Anna Agent' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(async () => {
  await desk.stop()
  await mail.down()
})

const chats: Chat[] = []
async function open(): Promise<Chat> {
  const chat = await openChat(desk, { name: 'Ana', email: 'Ana@Visitor.example' })
  chats.push(chat)
  return chat
}
afterEach(async () => {
  for (const { rid, token } of chats.splice(0))
    await desk.anyone.raw('POST /livechat/room.close', { body: { rid, token } })
  await desk.server.worker.drain()
  mail.letters.length = 0
})

const own = 'ana@visitor.example'

function ask(chat: { rid: string; token: string }, email = own) {
  return desk.anyone.raw('POST /livechat/transcript', { body: { rid: chat.rid, token: chat.token, email } })
}

function request(rid: string, by = manager, body: object = { email: 'boss@example.org', subject: 'For the file' }) {
  return by.raw('POST /livechat/transcript/:rid', { params: { rid }, body })
}

function cancel(rid: string, by = manager) {
  return by.raw('DELETE /livechat/transcript/:rid', { params: { rid } })
}

/** The letters that have arrived since the last look. */
async function arrived() {
  await desk.server.worker.drain()
  return Promise.all(
    mail.letters.splice(0).map(async (letter) => ({ ...(await readLetter(letter)), to: letter.envelope.to })),
  )
}

/** The text of a transcript that the visitor asks for. */
async function transcriptOf(chat: Chat): Promise<string> {
  expect((await ask(chat)).status).toBe(200)
  const [letter] = await arrived()
  return letter?.text ?? ''
}

function refuseSilently(ask: () => Promise<void>) {
  return async () => {
    const before = await allRows(desk)
    await ask()
    expect(await allRows(desk)).toEqual(before)
  }
}

describe('a transcript for its visitor', () => {
  test('goes to the registered address alone, with what both said, oldest first', async () => {
    const chat = await open()
    await say(desk, chat, 'My shoes\nare late')
    desk.clock.advance(60_000)
    await answer(anna, chat.rid, 'I am looking')
    expect((await ask(chat, 'ANA@visitor.example')).body).toEqual({
      success: true,
      message: 'Your transcript has been sent.',
    })
    const [letter, ...more] = await arrived()
    expect(more).toEqual([])
    expect(letter?.to.map((address) => address.toLowerCase())).toEqual([own])
    expect(letter?.from).toEqual({ name: '', address: 'noreply@desk.example' })
    expect(letter?.replyTo).toBeUndefined()
    expect(letter?.subject).toBe('Transcript of your livechat conversation')
    expect(letter?.text?.trimEnd()).toBe(
      [
        'You (5 Jan 2026, 11:00)',
        'My shoes',
        'are late',
        '',
        'Anna Agent (5 Jan 2026, 11:01)',
        'I am looking',
        '',
        'Times are those of Europe/Berlin.',
      ].join('\n'),
    )
    expect(letter?.html).toContain('<div dir="auto">My shoes<br>are late</div>')
  })

  test('is noted in the room by a line that shows nobody’s token, and moves nothing else', async () => {
    const chat = await open()
    await say(desk, chat, 'hello')
    const before = await roomOf(desk, chat)
    await ask(chat)
    const [line] = await historyOf(desk, chat)
    const visitor = { _id: chat.id, username: chat.room.v.username, name: 'Ana' }
    const user = { _id: 'rocket.cat', username: 'rocket.cat', name: 'Rocket.Cat' }
    expect(line).toMatchObject({ t: 'livechat_transcript_history', msg: '', u: { username: 'rocket.cat' } })
    expect(line?.requestData).toEqual({ type: 'visitor', visitor, user })
    const after = await roomOf(desk, chat)
    expect(after).toMatchObject({ lm: before.lm, lastMessage: before.lastMessage, msgs: before.msgs + 1 })
  })

  test('ends where the conversation ended, and has no lines of the system', async () => {
    const chat = await open()
    await say(desk, chat, 'bye')
    await closeByVisitor(desk, chat)
    const text = await transcriptOf(chat)
    expect(text).toContain('bye')
    for (const absent of ['connected', 'Closed by visitor', 'joined']) expect(text).not.toContain(absent)
  })

  test('has lines of the system where the setting says so, but for those that say nothing', async () => {
    await withSettings(desk, { Livechat_transcript_show_system_messages: true }, async () => {
      const chat = await open()
      await say(desk, chat, 'bye')
      await closeByVisitor(desk, chat)
      const text = await transcriptOf(chat)
      expect(text).toContain('Anna Agent joined the conversation (')
      for (const absent of ['connected', 'Closed by visitor']) expect(text).not.toContain(absent)
    })
  })

  test('hides who the agent is where the setting says so', async () => {
    await withSettings(
      desk,
      { Livechat_show_agent_info: false, Livechat_transcript_show_system_messages: true },
      async () => {
        const chat = await open()
        await answer(anna, chat.rid, 'I am looking')
        const text = await transcriptOf(chat)
        expect(text).toContain('Agent (5 Jan 2026')
        expect(text).toContain('Agent joined the conversation')
        expect(text.toLowerCase()).not.toContain('anna')
      },
    )
  })

  test('has what an edited message says now, and nothing of a deleted one', async () => {
    const chat = await open()
    const edited = await say(desk, chat, 'frist')
    const deleted = await say(desk, chat, 'a secret')
    const place = { token: chat.token, rid: chat.rid }
    await desk.anyone.call('PUT /livechat/message/:_id', {
      params: { _id: edited._id },
      body: { ...place, msg: 'first' },
    })
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id: deleted._id }, query: place })
    const text = await transcriptOf(chat)
    expect(text).toContain('first')
    for (const absent of ['frist', 'a secret']) expect(text).not.toContain(absent)
  })

  const pngOf = (bytes: number) => Buffer.concat([pngHead, Buffer.alloc(bytes - pngHead.length)])
  const send = (chat: Chat, fileName: string, content: Buffer, more: FormPart[] = []) =>
    sendForm(
      desk,
      `/livechat/upload/${chat.rid}`,
      [...more, { name: 'file', fileName, type: fileName.endsWith('.png') ? 'image/png' : 'text/plain', content }],
      {
        'x-visitor-token': chat.token,
      },
    )

  test('shows pictures, and names other files, with what was written beside them', async () => {
    const chat = await open()
    const png = pngOf(2_049)
    const sent = await send(chat, '<plan>.png', png, [{ name: 'description', content: 'the plan' }])
    expect(sent.status).toBe(200)
    expect((await send(chat, 'notes.txt', Buffer.from('milk, bread'))).status).toBe(200)
    expect((await ask(chat)).status).toBe(200)
    const [letter] = await arrived()
    expect(letter?.text).toContain('the plan\nA picture: <plan>.png (2 kB)')
    expect(letter?.text).toContain('A file, which is not part of this letter: notes.txt (11 bytes)')
    expect(letter?.html).toContain(
      `<img src="cid:${String(sent.body.file._id)}@picture.invalid" alt="&lt;plan&gt;.png"`,
    )
    expect(letter?.html).toContain('A file, which is not part of this letter: <bdi>notes.txt</bdi> (11 bytes)')
    expect(letter?.attachments.map(({ content }) => Buffer.from(content as ArrayBuffer))).toEqual([png])
  })

  test('has as many pictures as a mail server takes, the first ones, and names the others', async () => {
    const chat = await open()
    for (const [name, size] of [
      ['one', 2_600_000],
      ['two', 2_600_000],
      ['three', 2_300_000],
    ] as const)
      expect((await send(chat, `${name}.png`, pngOf(size))).status).toBe(200)
    expect((await ask(chat)).status).toBe(200)
    const [letter] = await arrived()
    expect(letter?.attachments.map(({ filename }) => filename)).toEqual(['one.png', 'three.png'])
    expect(letter?.text).toContain('A file, which is not part of this letter: two.png (2.6 MB)')
  })

  test('has no picture that was taken back', async () => {
    const chat = await open()
    const { body } = await send(chat, 'plan.png', pngOf(2_049))
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id: String(body._id) }, body: chat })
    expect((await ask(chat)).status).toBe(200)
    const [letter] = await arrived()
    expect([letter?.text?.includes('plan.png'), letter?.attachments]).toEqual([false, []])
  })

  test('of a conversation without words says so', async () => {
    expect(await transcriptOf(await open())).toContain('Nothing was said.')
  })

  test('of an endless conversation ends with a sentence that says so', async () => {
    const chat = await open()
    const long = 'long '.repeat(900)
    for (let count = 0; count < 70; count += 1) await say(desk, chat, `${String(count)} ${long}`)
    const text = await transcriptOf(chat)
    expect(text.length).toBeLessThan(400_000)
    expect(text).toContain('\n0 long')
    expect(text).not.toContain('\n69 long')
    expect(text).toContain('The conversation was longer than one letter may be: its end is missing here.')
  })

  test('reads many messages page by page, each once and in order', async () => {
    const chat = await open()
    const many = 450
    for (let count = 0; count < many; count += 1) await say(desk, chat, `no. ${String(count)}.`)
    const said = (await transcriptOf(chat)).match(/(?<=^no\. )\d+(?=\.$)/gm)
    expect(said).toEqual(Array.from({ length: many }, (_, count) => String(count)))
  })

  test('has the subject of the settings, which no visitor chooses', async () => {
    await withSettings(desk, { Livechat_transcript_email_subject: 'Your chat with us' }, async () => {
      const body = { rid: (await open()).rid, token: chats.at(-1)?.token, email: own, subject: 'Cheap pills' }
      await desk.anyone.call('POST /livechat/transcript', { body })
      expect((await arrived())[0]?.subject).toBe('Your chat with us')
    })
  })
})

describe('a transcript is refused, and nothing is written,', () => {
  test('for a foreign room, a missing one and an unknown visitor alike', async () => {
    const [chat, other] = [await open(), await open()]
    await refuseSilently(async () => {
      const tries = [
        { rid: other.rid, token: chat.token },
        { rid: 'nowhere', token: chat.token },
        { rid: chat.rid, token: 'nobody' },
        { rid: chat.rid, token: '' },
      ]
      for (const place of tries) expect(refusal(await ask(place))).toEqual(bare('error-invalid-visitor'))
    })()
  })

  test.each([
    '',
    'nobody',
    'victim@example.com',
    `${own}, victim@example.com`,
    `${own}\r\nRCPT TO:<victim@example.com>`,
  ])('to any address but the registered one: %j', async (email) => {
    const chat = await open()
    await refuseSilently(async () => {
      const body = { success: false, error: '[invalid email]', errorType: 'invalid email' }
      expect(refusal(await ask(chat, email))).toEqual([400, body])
    })()
  })

  test('to a visitor who registered without an address', async () => {
    const chat = await openChat(desk)
    chats.push(chat)
    expect(errorTypeOf(await ask(chat))).toBe('invalid email')
  })

  test('but any one address may be named where the setting allows it', async () => {
    await withSettings(desk, { Livechat_transcript_any_address: true }, async () => {
      const chat = await open()
      expect((await ask(chat, 'office@example.org')).status).toBe(200)
      expect((await arrived()).map(({ to }) => to)).toEqual([['office@example.org']])
      expect(errorTypeOf(await ask(chat, 'a@example.org,b@example.org'))).toBe('invalid email')
    })
  })

  test('after three in an hour, also when several are asked for at once', async () => {
    const chat = await open()
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(chat)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429, 429])
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.body).toMatchObject({ success: false, errorType: 'error-too-many-requests' })
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(3_000)
    expect(await arrived()).toHaveLength(3)
    // Times in a room run a little ahead of the clock where much happens at once.
    desk.clock.advance(HOUR + 1_000)
    expect((await ask(chat)).status).toBe(200)
  })
})

describe('a transcript that staff asked for', () => {
  test('is mailed when the conversation ends, with who asked for it, and not before', async () => {
    const chat = await open()
    await say(desk, chat, 'hello')
    expect(refusal(await request(chat.rid))).toEqual([200, { success: true }])
    expect(await arrived()).toEqual([])
    expect((await roomSeenBy(manager, chat.rid)).transcriptRequest).toEqual({
      requestedAt: new Date(desk.clock.now()).toISOString(),
      requestedBy: { _id: manager.id, username: 'mona', name: 'Name of mona' },
      email: 'boss@example.org',
      subject: 'For the file',
    })
    expect(JSON.stringify(await roomOf(desk, chat))).not.toContain('boss@')
    await closeBy(anna, chat.rid)
    const letters = await arrived()
    expect(letters).toMatchObject([{ to: ['boss@example.org'], subject: 'For the file' }])
    expect(letters[0]?.text).toContain('hello')
    expect(await roomSeenBy(manager, chat.rid)).not.toHaveProperty('transcriptRequest')
    const [line] = await historyOf(desk, chat)
    expect(line).toMatchObject({ t: 'livechat_transcript_history', u: { username: 'mona' } })
    expect(line?.requestData).toMatchObject({ type: 'user', user: { _id: manager.id } })
  })

  test('has the usual subject where none is given', async () => {
    const chat = await open()
    await request(chat.rid, manager, { email: 'boss@example.org', subject: ' ' })
    await closeBy(anna, chat.rid)
    expect((await arrived())[0]?.subject).toBe('Transcript of your livechat conversation')
  })

  test('is not mailed once the wish was taken back', async () => {
    const chat = await open()
    await request(chat.rid)
    expect(refusal(await cancel(chat.rid))).toEqual([200, { success: true }])
    await closeBy(anna, chat.rid)
    expect(await arrived()).toEqual([])
  })

  test('is mailed once, also when its job runs again', async () => {
    const chat = await open()
    await request(chat.rid)
    await closeBy(anna, chat.rid)
    const { read, transact } = desk.server.context
    const jobs = await read.all(read.sql.selectFrom('job').selectAll().where('name', '=', 'mail-transcript'))
    expect(jobs).toHaveLength(1)
    expect(await arrived()).toHaveLength(1)
    await transact((tx) => tx.run(tx.sql.insertInto('job').values(jobs)))
    expect(await arrived()).toEqual([])
  })

  test('is asked for once: of two who ask at the same time one is refused', async () => {
    const chat = await open()
    const answers = await Promise.all([request(chat.rid), request(chat.rid)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
    const body = { success: false, error: '[error-transcript-already-requested]' }
    expect(answers.find(({ status }) => status === 400)?.body).toMatchObject(body)
    expect(refusal(await cancel(chat.rid))).toEqual([200, { success: true }])
    expect(refusal(await cancel(chat.rid))).toEqual(bare('error-transcript-not-requested'))
  })

  test('is refused for a missing room, a closed one and one that the caller may not read', async () => {
    const chat = await open()
    await closeByVisitor(desk, chat)
    for (const rid of [chat.rid, 'nowhere']) {
      expect(errorTypeOf(await request(rid))).toBe('error-invalid-room')
      expect(refusal(await cancel(rid))).toEqual(bare('error-invalid-room'))
    }
    const administrator = await desk.administrator()
    const permissions = [{ _id: 'send-omnichannel-chat-transcript', roles: ['admin', 'livechat-manager', 'user'] }]
    await administrator.call('POST /permissions.update', { body: { permissions } })
    const { rid } = await open()
    const curious = await desk.staff({ roles: ['user'] })
    expect(errorTypeOf(await request(rid, curious))).toBe('error-invalid-room')
    permissions[0]!.roles.pop()
    await administrator.call('POST /permissions.update', { body: { permissions } })
  })

  test('is refused to those without the permission, and without a proper address', async () => {
    const chat = await open()
    await refuseSilently(async () => {
      expect((await request(chat.rid, anna)).status).toBe(403)
      expect((await cancel(chat.rid, anna)).status).toBe(403)
      for (const body of [
        {},
        { email: 'boss@example.org' },
        { email: 'a@b, c@d', subject: '' },
        { email: '', subject: '' },
      ])
        expect(errorTypeOf(await request(chat.rid, manager, body))).toBe('invalid-params')
    })()
  })
})

describe('a transcript at the end of each conversation', () => {
  const always = { Livechat_transcript_send_always: true }

  test('goes to the visitor where the setting says so', async () => {
    await withSettings(desk, always, async () => {
      const chat = await open()
      await say(desk, chat, 'hello')
      await closeByVisitor(desk, chat)
      const letters = await arrived()
      expect(letters).toMatchObject([{ to: [own], subject: 'Transcript of your livechat conversation' }])
      expect((await historyOf(desk, chat))[0]).toMatchObject({ requestData: { type: 'visitor' } })
    })
  })

  test.each([
    ['nothing says so', {}],
    ['the visitor is asked', { ...always, Livechat_enable_transcript: true }],
  ])('does not go out where %s', async (_, values) => {
    await withSettings(desk, values, async () => {
      await closeByVisitor(desk, await open())
      expect(await arrived()).toEqual([])
    })
  })

  test('does not go to visitors without an address, nor where the agent said no', async () => {
    await withSettings(desk, always, async () => {
      const nameless = await openChat(desk)
      await closeByVisitor(desk, nameless)
      const chat = await open()
      const { transact } = desk.server.context
      const transcriptRequest = JSON.stringify({ suppressed: true })
      await transact((tx) => tx.run(tx.sql.updateTable('room').set({ transcriptRequest }).where('id', '=', chat.rid)))
      expect(await roomSeenBy(manager, chat.rid)).not.toHaveProperty('transcriptRequest')
      await closeByVisitor(desk, chat)
      expect(await arrived()).toEqual([])
    })
  })

  test('gives way to the one that staff asked for', async () => {
    await withSettings(desk, always, async () => {
      const chat = await open()
      await request(chat.rid)
      await closeByVisitor(desk, chat)
      expect((await arrived()).map(({ to }) => to)).toEqual([['boss@example.org']])
    })
  })

  test('is not written for a visitor who was removed in between', async () => {
    await withSettings(desk, always, async () => {
      const visitor = await register(desk, { email: 'gone@visitor.example' })
      const { room } = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token } })
      await closeByVisitor(desk, { ...visitor, rid: room._id, room })
      await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: visitor.token } })
      expect(await arrived()).toEqual([])
    })
  })
})

describe('a transcript that an agent wants of every conversation', () => {
  const prefer = (omnichannelTranscriptEmail: boolean) =>
    anna.call('POST /users.setPreferences', { body: { data: { omnichannelTranscriptEmail } } })
  const byDefault = { Accounts_Default_User_Preferences_omnichannelTranscriptEmail: true }

  test('goes to a visitor who closes, in the name of the agent', async () => {
    await prefer(true)
    const chat = await open()
    await say(desk, chat, 'hello')
    await closeByVisitor(desk, chat)
    expect(await arrived()).toMatchObject([{ to: [own], subject: 'Transcript of your livechat conversation' }])
    const [line, closing] = await historyOf(desk, chat)
    expect(line).toMatchObject({ requestData: { type: 'user', user: { username: 'anna' } } })
    expect(closing).toMatchObject({ t: 'livechat-close', transcriptRequested: true })
    await prefer(false)
  })

  test('is wanted by all who say nothing else, where the setting says so', async () => {
    await withSettings(desk, byDefault, async () => {
      await closeByVisitor(desk, await open())
      expect(await arrived()).toEqual([])
      const bob = await desk.agent({ username: 'bob' })
      const turn = (agent: StaffMember, status: string) =>
        agent.call('POST /livechat/agent.status', { body: { status } })
      await turn(anna, 'not-available')
      await closeByVisitor(desk, await open())
      expect((await arrived()).map(({ to }) => to)).toEqual([[own]])
      await turn(anna, 'available')
      await turn(bob, 'not-available')
    })
  })

  test('is not mailed where visitors are asked, have no address, or staff closes or asked for another', async () => {
    await prefer(true)
    await withSettings(desk, { Livechat_enable_transcript: true }, async () => closeByVisitor(desk, await open()))
    await closeByVisitor(desk, await openChat(desk))
    await closeBy(anna, (await open()).rid)
    expect(await arrived()).toEqual([])
    const chat = await open()
    await request(chat.rid)
    await closeByVisitor(desk, chat)
    expect((await arrived()).map(({ to }) => to)).toEqual([['boss@example.org']])
    await prefer(false)
  })
})

describe('what strangers may have mailed', () => {
  let limited: TestServer
  const lines: string[] = []
  beforeAll(async () => {
    const http = { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true }
    limited = await startTestServer({
      rateLimits: true,
      config: { http, mail: mailConfig() },
      onLog: (line) => lines.push(line),
    })
    await limited.agent()
  })
  afterAll(() => limited.stop())

  let network = 0

  async function openFrom(address: string, email: string): Promise<{ token: string; rid: string; address: string }> {
    const token = `token-of-stranger-${String(++network)}`
    const headers = { 'x-forwarded-for': address }
    await limited.anyone.call('POST /livechat/visitor', { body: { visitor: { token, email } }, headers })
    const { room } = await limited.anyone.call('GET /livechat/room', { query: { token }, headers })
    return { token, rid: room._id, address }
  }

  async function askFrom({ token, rid, address }: { token: string; rid: string; address: string }, email: string) {
    const headers = { 'x-forwarded-for': address }
    return limited.anyone.raw('POST /livechat/transcript', { body: { rid, token, email }, headers })
  }

  const letters = async () => (await allRows(limited)).get('mail')?.length

  test('is ten letters an hour from one address, whoever they are for', async () => {
    for (let n = 0; n < 10; n += 1) {
      const email = `victim-${String(n)}@visitor.example`
      expect((await askFrom(await openFrom('203.0.113.1', email), email)).status).toBe(200)
    }
    const chat = await openFrom('203.0.113.1', own)
    const refused = await askFrom(chat, own)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60)
    expect(await letters()).toBe(10)
    limited.clock.advance(HOUR)
    expect((await askFrom(chat, own)).status).toBe(200)
  })

  test('is three letters an hour to one person, from wherever', async () => {
    limited.clock.advance(HOUR)
    const before = Number(await letters())
    const askAnew = async (address: string, email: string) => askFrom(await openFrom(address, email), email)
    for (let n = 0; n < 3; n += 1) expect((await askAnew(`203.0.114.${String(n)}`, own)).status).toBe(200)
    const refused = await askAnew('203.0.115.1', own.toUpperCase())
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60)
    expect(await letters()).toBe(before + 3)
    expect((await askAnew('203.0.115.2', 'somebody-else@visitor.example')).status).toBe(200)
    limited.clock.advance(HOUR)
    expect((await askAnew('203.0.115.3', own)).status).toBe(200)
  })

  test('is ten letters an hour to one person when chats end, however many they are', async () => {
    limited.clock.advance(HOUR)
    await limited.server.worker.drain()
    mail.letters.length = 0
    const sent = (email: string) => mail.letters.filter(({ envelope: { to } }) => to.includes(email)).length
    await withSettings(limited, { Livechat_transcript_send_always: true }, async () => {
      let neighbour = 0
      const openAndClose = async (email: string) => {
        const { token, rid } = await openFrom(`203.0.116.${String(++neighbour)}`, email)
        await limited.anyone.call('POST /livechat/room.close', { body: { rid, token } })
        await limited.server.worker.drain()
        return rid
      }
      const victim = 'victim-of-many@visitor.example'
      for (let n = 0; n < 10; n += 1) await openAndClose(victim)
      expect(sent(victim)).toBe(10)
      const rid = await openAndClose(victim.toUpperCase())
      expect(sent(victim)).toBe(10)
      expect(lines.filter((line) => line.includes('A transcript is not sent') && line.includes(rid))).toHaveLength(1)
      expect(lines.join('')).not.toMatch(/victim-of-many/i)
      await openAndClose('neighbour@visitor.example')
      expect(sent('neighbour@visitor.example')).toBe(1)
      limited.clock.advance(HOUR)
      await openAndClose(victim)
      expect(sent(victim)).toBe(11)
    })
  })
})
