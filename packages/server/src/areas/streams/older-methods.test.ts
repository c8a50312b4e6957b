// Operations of the API by their older names, called without a socket and on one.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readLetter, startMailServer, type MailServer } from '../../../testing/mail-server.ts'
import {
  answer,
  closeByVisitor,
  historyOf,
  makeDepartment,
  openChat,
  roomOf,
  roomSeenBy,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { sendForm } from '../../../testing/forms.ts'
import { openSocket, signIn, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type Client, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let mail: MailServer
let agent: StaffMember
let admin: StaffMember
beforeAll(async () => {
  mail = await startMailServer()
  desk = await startTestServer({ config: { mail: { smtpUrl: mail.url, from: 'noreply@desk.example' } } })
  agent = await desk.agent({ username: 'anna', name: 'Anna' })
  admin = await desk.administrator()
})
afterAll(async () => {
  await Promise.all([...sockets.values()].map((socket) => socket.close()))
  await desk.stop()
  await mail.down()
})

interface Inner {
  // Tests look into results of any shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  result?: any
  error?: { error: string | number }
}

type Call = (caller: Client, method: string, ...params: unknown[]) => Promise<Inner>

const overHttp: Call = async (caller, method, ...params) => {
  const key = caller === desk.anyone ? 'POST /method.callAnon/:method' : 'POST /method.call/:method'
  const body = { message: JSON.stringify({ msg: 'method', id: '7', method, params }) }
  const { message } = await caller.call(key, { params: { method: method.replaceAll('/', ':') }, body })
  const { msg, id, ...inner } = JSON.parse(message) as Inner & { msg: string; id: string }
  expect([msg, id]).toEqual(['result', '7'])
  return inner
}

/** They stay: an agent whose last socket closes has gone. */
const sockets = new Map<Client, Socket>()

const onSocket: Call = async (caller, method, ...params) => {
  const open = () => (caller === desk.anyone ? openSocket(desk) : signIn(desk, caller as StaffMember))
  const socket = sockets.get(caller) ?? (await open())
  sockets.set(caller, socket)
  const { msg, id: _id, ...inner } = await socket.call(method, ...params)
  expect(msg).toBe('result')
  return inner as Inner
}

const nothing = {}

describe.each([
  ['without a socket', overHttp],
  ['on a socket', onSocket],
])('%s', (_title, call) => {
  let chat: Chat
  beforeEach(async () => {
    chat = await openChat(desk, { name: 'Vera', email: 'vera@example.org' })
  })

  async function codeOf(caller: Client, method: string, ...params: unknown[]): Promise<string | number | undefined> {
    const { result, error } = await call(caller, method, ...params)
    expect(result).toBeUndefined()
    return error?.error
  }

  describe('a visitor', () => {
    test('tells which page is open', async () => {
      const page = { change: 'url', title: 'Prices', location: { href: 'https://shop.example/prices' } }
      expect(await call(desk.anyone, 'livechat:pageVisited', chat.token, chat.rid, page)).toEqual(nothing)
      const { pages } = await admin.call('GET /livechat/visitors.pagesVisited/:roomId', {
        params: { roomId: chat.rid },
      })
      expect(pages).toMatchObject([{ msg: 'Prices - https://shop.example/prices' }])
      expect(await call(desk.anyone, 'livechat:pageVisited', chat.token, null, page)).toEqual(nothing)
      expect(await codeOf(desk.anyone, 'livechat:pageVisited', chat.token, chat.rid, { change: 'url' })).toBe(400)
    })

    test('says how the conversation was', async () => {
      const said = [{ name: 'satisfaction', value: '5' }]
      expect(await call(desk.anyone, 'livechat:saveSurveyFeedback', chat.token, chat.rid, said)).toEqual({
        result: true,
      })
      expect(await roomSeenBy(admin, chat.rid)).toMatchObject({ surveyFeedback: { satisfaction: '5' } })
      const unheard = [{ name: 'weather', value: '5' }]
      expect(await codeOf(desk.anyone, 'livechat:saveSurveyFeedback', chat.token, chat.rid, unheard)).toBe(
        'invalid-data',
      )
      const other = await openChat(desk)
      expect(await codeOf(desk.anyone, 'livechat:saveSurveyFeedback', other.token, chat.rid, said)).toBe('invalid-room')
    })

    test('sets a custom field, which stays where it is not to be overwritten', async () => {
      const field = {
        field: 'plan',
        label: 'Plan',
        scope: 'visitor',
        visibility: 'visible',
        regexp: '',
        searchable: false,
      }
      const { result } = await call(admin, 'livechat:saveCustomField', null, field)
      expect(result).toMatchObject({ _id: 'plan', label: 'Plan' })
      const set = (...params: unknown[]) => call(desk.anyone, 'livechat:setCustomField', chat.token, ...params)
      expect(await set('plan', 'gold')).toEqual({ result: true })
      expect(await set('plan', 'silver', false)).toEqual({ result: true })
      expect(await set('unheard-of', 'x')).toEqual({ result: true })
      const { visitor } = await admin.call('GET /livechat/visitors.info', { query: { visitorId: chat.id } })
      expect(visitor.livechatData).toEqual({ plan: 'gold' })
      expect(await codeOf(desk.anyone, 'livechat:setCustomField', 'nobody', 'plan', 'x')).toBe('invalid-token')
      expect(
        (await call(admin, 'livechat:saveCustomField', 'plan', { ...field, label: 'Tariff' })).result,
      ).toMatchObject({
        _id: 'plan',
        label: 'Tariff',
      })
      const { searchable: _searchable, ...without } = field
      expect(await codeOf(admin, 'livechat:saveCustomField', null, without)).toBe(400)
      expect(await codeOf(agent, 'livechat:saveCustomField', null, field)).toBe('error-not-allowed')
      expect(await call(admin, 'livechat:removeCustomField', 'plan')).toEqual({ result: true })
      expect(await codeOf(admin, 'livechat:removeCustomField', 'plan')).toBe('error-invalid-custom-field')
    })

    test('finds the file that was uploaded already sent, and no other’s', async () => {
      const upload = async (of: Chat) => {
        const form = [{ name: 'file', content: 'What we agreed on', fileName: 'notes.txt', type: 'text/plain' }]
        return (await sendForm(desk, `/livechat/upload/${of.rid}`, form, { 'x-visitor-token': of.token })).body
      }
      const { _id, file } = (await upload(chat)) as { _id: string; file: { _id: string } }
      const before = await historyOf(desk, chat)
      const send = (...params: unknown[]) => call(desk.anyone, 'sendFileLivechatMessage', ...params)
      const { result } = await send(chat.rid, chat.token, file, { msg: '' })
      expect(result).toMatchObject({ _id, rid: chat.rid, file, newRoom: false, showConnecting: expect.any(Boolean) })
      expect(await historyOf(desk, chat)).toEqual(before)
      const other = await openChat(desk)
      const { file: foreign } = (await upload(other)) as { file: object }
      const code = (...params: unknown[]) => codeOf(desk.anyone, 'sendFileLivechatMessage', ...params)
      expect(await code(chat.rid, chat.token, foreign)).toBe('invalid-message')
      expect(await code(chat.rid, chat.token, { _id: 'none' })).toBe('invalid-message')
      expect(await code(chat.rid, other.token, file)).toBe('invalid-room')
      expect(await code(chat.rid, 'nobody’s', file)).toBe('invalid-token')
    })

    test('moves to another department', async () => {
      const colleague = await desk.agent()
      const sales = await makeDepartment(desk, { agents: [colleague], showOnRegistration: 0 })
      const wish = { roomId: chat.rid, visitorToken: chat.token, departmentId: sales }
      const other = await openChat(desk)
      expect(
        await codeOf(desk.anyone, 'livechat:setDepartmentForVisitor', { ...wish, visitorToken: other.token }),
      ).toBe('error-invalid-room')
      expect(await call(desk.anyone, 'livechat:setDepartmentForVisitor', wish)).toEqual({ result: true })
      expect(await roomOf(desk, chat)).toMatchObject({ departmentId: sales })
      await closeByVisitor(desk, chat)
      expect(await call(desk.anyone, 'livechat:setDepartmentForVisitor', wish)).toEqual({ result: false })
      await colleague.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    })
  })

  describe('an agent', () => {
    test('hands a room over', async () => {
      const other = await desk.agent()
      const { servedBy } = await roomSeenBy(admin, chat.rid)
      const to = servedBy?._id === other.id ? agent : other
      expect(await call(admin, 'livechat:transfer', { roomId: chat.rid, userId: to.id, comment: 'Yours' })).toEqual({
        result: true,
      })
      expect((await roomSeenBy(admin, chat.rid)).servedBy?._id).toBe(to.id)
      expect(await call(admin, 'livechat:transfer', { roomId: chat.rid })).toEqual({ result: false })
      expect(await codeOf(admin, 'livechat:transfer', { roomId: 'none', userId: to.id })).toBe('error-invalid-room')
      expect(await codeOf(await desk.staff(), 'livechat:transfer', { roomId: chat.rid, userId: to.id })).toBe(
        'error-not-allowed',
      )
      await closeByVisitor(desk, chat)
      expect(await codeOf(admin, 'livechat:transfer', { roomId: chat.rid, userId: to.id })).toBe('room-closed')
      await other.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    })

    test('gives a room back', async () => {
      await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
        expect(await call(admin, 'livechat:returnAsInquiry', chat.rid)).toEqual({ result: true })
        expect(await call(admin, 'livechat:returnAsInquiry', chat.rid, null)).toEqual({ result: false })
        expect(await codeOf(admin, 'livechat:returnAsInquiry', 'none')).toBe('error-invalid-room')
        await closeByVisitor(desk, chat)
        expect(await codeOf(admin, 'livechat:returnAsInquiry', chat.rid)).toBe('room-closed')
      })
    })

    test('takes a room up again that was put aside', async () => {
      const { servedBy } = await roomSeenBy(admin, chat.rid)
      expect(servedBy?._id).toBe(agent.id)
      await answer(agent, chat.rid, 'One moment')
      await agent.call('POST /livechat/room.onHold', { body: { roomId: chat.rid } })
      expect(await call(agent, 'livechat:resumeOnHold', chat.rid, { clientAction: true })).toEqual(nothing)
      expect((await roomSeenBy(admin, chat.rid)).onHold).not.toBe(true)
      expect(await codeOf(agent, 'livechat:resumeOnHold', chat.rid)).toBe('room-closed')
      expect(await codeOf(agent, 'livechat:resumeOnHold', 'none')).toBe('error-invalid-room')
    })

    test('writes down what is known of a room', async () => {
      expect(
        await call(admin, 'livechat:saveInfo', { _id: chat.id, name: 'Vera V.' }, { _id: chat.rid, topic: 'Prices' }),
      ).toEqual({ result: true })
      expect(await roomSeenBy(admin, chat.rid)).toMatchObject({ topic: 'Prices', fname: 'Vera V.' })
      expect((await call(admin, 'getRoomNameById', chat.rid)).result).toBe('Vera V.')
      expect(await codeOf(await desk.staff(), 'getRoomNameById', chat.rid)).toBeDefined()
      expect(await codeOf(admin, 'livechat:saveInfo', { _id: chat.id }, { _id: 'none' })).toBe('error-invalid-room')
    })

    test('reacts to a message, and takes it back', async () => {
      const { _id } = await say(desk, chat, 'Hello')
      const reactions = async () => (await call(admin, 'loadHistory', chat.rid)).result.messages[0].reactions as unknown
      expect(await call(agent, 'setReaction', ':tada:', _id)).toEqual(nothing)
      expect(await reactions()).toEqual({ ':tada:': { usernames: ['anna'] } })
      expect(await call(agent, 'setReaction', ':tada:', _id, false)).toEqual(nothing)
      expect(await reactions()).toBeUndefined()
      expect(await codeOf(agent, 'setReaction', 'no emoji', _id)).toBe('error-invalid-emoji')
      expect(await codeOf(agent, 'setReaction', ':tada:', 'none')).toBe('error-message-not-found')
      expect(await codeOf(desk.anyone, 'setReaction', ':tada:', _id)).toBe('error-invalid-user')
    })

    test('leaves no conversation with a visitor, and has none with colleagues', async () => {
      await call(agent, 'joinRoom', chat.rid)
      expect(await codeOf(agent, 'leaveRoom', chat.rid)).toBe('error-not-allowed')
      expect(await codeOf(agent, 'leaveRoom', 'none')).toBe('error-invalid-room')
      expect(await codeOf(await desk.staff(), 'leaveRoom', chat.rid)).toBe('error-invalid-room')
      expect(await codeOf(agent, 'createDirectMessage', admin.username)).toBe('error-not-allowed')
      expect(await codeOf(desk.anyone, 'createDirectMessage', admin.username)).toBe('error-invalid-user')
    })

    test('reads a room, and lists what is unread', async () => {
      await say(desk, chat, 'Hello')
      const unread = async () => {
        const { result } = await call(agent, 'subscriptions/get')
        return (result as { rid: string; unread: number }[]).find(({ rid }) => rid === chat.rid)?.unread
      }
      expect(await unread()).toBeGreaterThan(0)
      desk.clock.advance(1_000)
      expect(await call(agent, 'readMessages', chat.rid)).toEqual(nothing)
      expect(await unread()).toBe(0)
      expect(await codeOf(agent, 'readMessages', 'none')).toBe('error-room-does-not-exist')
    })

    test('lists rooms, all or what changed since', async () => {
      const { result: all } = await call(agent, 'rooms/get')
      expect((all as { _id: string }[]).map(({ _id }) => _id)).toContain(chat.rid)
      desk.clock.advance(1_000)
      const since = { $date: desk.clock.now() }
      desk.clock.advance(1_000)
      await closeByVisitor(desk, chat)
      for (const list of ['rooms/get', 'subscriptions/get']) {
        const { result } = await call(agent, list, since)
        const remove = [{ _id: expect.any(String), _deletedAt: { $date: expect.any(Number) } }]
        expect(result).toMatchObject({ update: [], remove })
      }
      expect(await codeOf(agent, 'rooms/get', 'no time')).toBeDefined()
      expect(await codeOf(desk.anyone, 'rooms/get')).toBe('error-invalid-user')
    })

    test('removes rooms that are closed', async () => {
      expect(await codeOf(admin, 'livechat:removeRoom', chat.rid)).toBe('error-room-is-not-closed')
      expect(await codeOf(admin, 'livechat:removeRoom', 'none')).toBe('error-invalid-room')
      await closeByVisitor(desk, chat)
      expect(await codeOf(agent, 'livechat:removeRoom', chat.rid)).toBe('error-not-allowed')
      expect(await call(admin, 'livechat:removeRoom', chat.rid)).toEqual(nothing)
      const sales = await makeDepartment(desk, { showOnRegistration: 0 })
      expect(await call(admin, 'livechat:removeAllClosedRooms', [sales])).toEqual({ result: 0 })
    })

    test('ends a room with the transcript that was asked for', async () => {
      await say(desk, chat, 'What does it cost?')
      const requestData = { email: 'vera@example.org', subject: 'Our chat' }
      const close = (rid: string, emailTranscript: unknown) =>
        call(admin, 'livechat:closeRoom', rid, 'Solved', { clientAction: true, tags: ['done'], emailTranscript })
      expect(await codeOf(admin, 'livechat:closeRoom', chat.rid, 'Solved', { emailTranscript: {} })).toBe(400)
      expect(await close(chat.rid, { sendToVisitor: true, requestData })).toEqual(nothing)
      expect(await roomSeenBy(admin, chat.rid)).toMatchObject({ closer: 'user', tags: ['done'] })
      await withSettings(desk, { Livechat_transcript_send_always: true }, async () => {
        const other = await openChat(desk, { email: 'other@example.org' })
        await say(desk, other, 'Hello')
        expect(await close(other.rid, { sendToVisitor: false })).toEqual(nothing)
        await desk.server.worker.drain()
      })
      const letters = await Promise.all(mail.letters.splice(0).map((letter) => readLetter(letter)))
      expect(letters.map(({ subject }) => subject)).toEqual(['Our chat'])
    })

    test('mails a transcript at once, with the visitor’s token or with none', async () => {
      await say(desk, chat, 'What does it cost?')
      const send = (by: Client, ...params: unknown[]) => call(by, 'livechat:sendTranscript', ...params)
      expect(await send(admin, null, chat.rid, 'boss@desk.example', 'Our chat')).toEqual({ result: true })
      expect(await send(admin, chat.token, chat.rid, 'vera@example.org', '')).toEqual({ result: true })
      const other = await openChat(desk)
      const code = (by: Client, ...params: unknown[]) => codeOf(by, 'livechat:sendTranscript', ...params)
      expect(await code(admin, other.token, chat.rid, 'vera@example.org', '')).toBe('error-invalid-visitor')
      expect(await code(admin, null, 'none', 'vera@example.org', '')).toBe('error-invalid-room')
      expect(await code(admin, null, chat.rid, 'nowhere', '')).toBe('invalid email')
      expect(await code(admin, null, chat.rid, { $ne: '' }, '')).toBe(400)
      expect(await code(desk.anyone, chat.token, chat.rid, 'vera@example.org', '')).toBe('error-invalid-user')
      expect(await code(await desk.staff(), null, chat.rid, 'vera@example.org', '')).toBe('error-not-allowed')
      await desk.server.worker.drain()
      const letters = await Promise.all(mail.letters.splice(0).map((letter) => readLetter(letter)))
      expect(letters.map(({ subject }) => subject).toSorted()).toEqual([
        'Our chat',
        'Transcript of your livechat conversation',
      ])
      expect(letters.every(({ text }) => text?.includes('What does it cost?'))).toBe(true)
    })
  })
})
