import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  closeByVisitor,
  configure,
  historyOf,
  newToken,
  openChat,
  register,
  roomSeenBy,
  say,
  withSettings,
} from '../../../testing/conversation.ts'
import { openSocket } from '../../../testing/socket.ts'
import { startTestServer, type Client, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { methods } from './methods.ts'
import { sessionMethods } from './session-methods.ts'
import { visitorMethods } from './visitor-methods.ts'

let desk: TestServer
let agent: StaffMember
let admin: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  agent = await desk.agent({ username: 'anna', name: 'Anna' })
  admin = await desk.administrator()
})
afterAll(() => desk.stop())

interface Inner {
  msg: string
  id: string
  // Tests look into results of any shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  result?: any
  error?: { error: string | number; reason?: string; message: string; errorType: string; details?: unknown }
}

/** Calls a method over HTTP: signed in where the caller is. */
async function call(caller: Client, method: string, ...params: unknown[]): Promise<Inner> {
  const key = caller === desk.anyone ? 'POST /method.callAnon/:method' : 'POST /method.call/:method'
  const body = { message: JSON.stringify({ msg: 'method', id: '7', method, params }) }
  const { message } = await caller.call(key, { params: { method: method.replaceAll('/', ':') }, body })
  return JSON.parse(message) as Inner
}

describe('a method without a socket', () => {
  test('answers with its id, dates as EJSON, and no result where there is none', async () => {
    const chat = await openChat(desk)
    const sent = await call(admin, 'sendMessage', { rid: chat.rid, msg: 'Hello' })
    expect(sent).toMatchObject({ msg: 'result', id: '7', result: { msg: 'Hello', ts: { $date: expect.any(Number) } } })
    const done = await call(admin, 'livechat:closeRoom', chat.rid, 'Solved')
    expect(done).toEqual({ msg: 'result', id: '7' })
  })

  test('is refused inside an answer that is a success', async () => {
    expect((await call(desk.anyone, 'livechat:nothing')).error).toEqual({
      isClientSafe: true,
      error: 404,
      reason: "Method 'livechat:nothing' not found",
      message: "Method 'livechat:nothing' not found [404]",
      errorType: 'Meteor.Error',
    })
    expect((await call(desk.anyone, 'livechat:takeInquiry', 'x')).error).toMatchObject({ error: 'error-invalid-user' })
    expect((await call(await desk.staff(), 'livechat:takeInquiry', 'x')).error).toMatchObject({
      error: 'error-not-allowed',
    })
    expect((await call(agent, 'livechat:takeInquiry', 'none')).error).toMatchObject({
      error: 'error-not-found',
      reason: 'Inquiry not found',
      message: 'Inquiry not found [error-not-found]',
    })
    expect((await call(agent, 'livechat:takeInquiry')).error).toMatchObject({ error: 400, errorType: 'Match.Error' })
  })

  test('needs a session unless it is called anonymously, where a session counts for nothing', async () => {
    const body = { message: '{"msg":"method","id":"1","method":"livechat:getRoutingConfig","params":[]}' }
    const params = { method: 'x' }
    expect((await desk.anyone.raw('POST /method.call/:method', { params, body })).status).toBe(401)
    const { message } = await agent.call('POST /method.callAnon/:method', { params, body })
    expect(JSON.parse(message)).toMatchObject({ error: { error: 'error-invalid-user' } })
  })

  test.each([
    ['no JSON', 'hello'],
    ['a list', '[]'],
    ['a missing key', '{"msg":"method","id":"1","method":"x"}'],
    ['another key', '{"msg":"method","id":"1","method":"x","params":[],"more":1}'],
    ['another frame', '{"msg":"sub","id":"1","method":"x","params":[]}'],
    ['a number as id', '{"msg":"method","id":1,"method":"x","params":[]}'],
    ['parameters that are no list', '{"msg":"method","id":"1","method":"x","params":{}}'],
    ['a prototype', '{"msg":"method","id":"1","method":"x","params":[{"__proto__":{}}]}'],
    ['a nest', `{"msg":"method","id":"1","method":"x","params":${'['.repeat(50)}${']'.repeat(50)}}`],
  ])('is refused where the message is %s', async (_title, message) => {
    for (const [caller, key] of [
      [desk.anyone, 'POST /method.callAnon/:method'],
      [agent, 'POST /method.call/:method'],
    ] as const) {
      const refused = await caller.raw(key, { params: { method: 'x' }, body: { message } })
      expect([refused.status, refused.body]).toEqual([400, { success: false, error: 'Invalid method call' }])
    }
  })

  test.each([[{}], [{ message: '{}', more: 1 }], [{ message: {} }]])('takes one key in its body: %j', async (body) => {
    const refused = await desk.anyone.raw('POST /method.callAnon/:method', { params: { method: 'x' }, body })
    expect(refused).toMatchObject({ status: 400, body: { errorType: 'invalid-params' } })
  })

  test('takes dates as EJSON', async () => {
    const chat = await openChat(desk)
    await say(desk, chat, 'earlier')
    desk.clock.advance(1_000)
    const until = desk.clock.now()
    desk.clock.advance(1_000)
    await say(desk, chat, 'later')
    const given = { token: chat.token, rid: chat.rid, end: { $date: until }, ls: { $date: until } }
    const { result } = await call(desk.anyone, 'livechat:loadHistory', given)
    const texts = (result as { messages: { msg: string; t?: string }[] }).messages.filter(({ t }) => t === undefined)
    expect(texts.map(({ msg }) => msg)).toEqual(['earlier'])
    for (const end of [{ $date: 'today' }, { $date: 1e300 }, { $date: until, more: 1 }])
      expect(await call(desk.anyone, 'livechat:loadHistory', { ...given, end })).toMatchObject({
        error: { error: 400 },
      })
  })

  test('is counted as the operation behind it is', async () => {
    const limited = await startTestServer({ rateLimits: true })
    const message = JSON.stringify({
      msg: 'method',
      id: '1',
      method: 'livechat:registerGuest',
      params: [{ token: 'one visitor alone' }],
    })
    const answers = []
    for (let index = 0; index < 6; index++)
      answers.push(
        await limited.anyone.call('POST /method.callAnon/:method', { params: { method: 'x' }, body: { message } }),
      )
    expect(JSON.parse(answers.at(-1)?.message ?? '')).toMatchObject({
      error: { error: 'too-many-requests', details: { timeToReset: expect.any(Number) } },
    })
    await limited.stop()
  })

  test('binds no socket to a visitor', async () => {
    const chat = await openChat(desk)
    expect(await call(desk.anyone, 'livechat:setUpConnection', { token: chat.token })).toEqual({
      msg: 'result',
      id: '7',
    })
  })
})

describe('the methods of a visitor', () => {
  test('register, and know by token', async () => {
    const token = newToken()
    const given = { token, name: 'Vera', email: 'Vera@Example.org', department: null }
    const { result } = await call(desk.anyone, 'livechat:registerGuest', given)
    expect(result).toMatchObject({
      userId: expect.any(String),
      visitor: { _id: result.userId, token, name: 'Vera', visitorEmails: [{ address: 'vera@example.org' }] },
    })
    expect((await call(desk.anyone, 'livechat:loginByToken', token)).result).toEqual({ _id: result.userId })
    expect(await call(desk.anyone, 'livechat:loginByToken', 'nobody’s')).toEqual({ msg: 'result', id: '7' })
    expect(await call(desk.anyone, 'livechat:registerGuest', {})).toMatchObject({
      error: { error: 'error-invalid-token' },
    })
  })

  test('send, and open a room where there is none or it is closed', async () => {
    const visitor = await register(desk)
    const first = { _id: `first-${visitor.id}`, rid: 'not-there-yet', msg: 'Hello', token: visitor.token }
    const { result: opened } = await call(desk.anyone, 'sendMessageLivechat', first)
    expect(opened).toMatchObject({ msg: 'Hello', newRoom: true, showConnecting: false, token: visitor.token })
    const rid = (opened as { rid: string }).rid
    const again = { ...first, _id: `again-${visitor.id}`, rid, msg: 'Anybody?' }
    expect((await call(desk.anyone, 'sendMessageLivechat', again)).result).toMatchObject({ rid, newRoom: false })
    // A repeated call finds what the first has written, whatever has become of the room.
    expect((await call(desk.anyone, 'sendMessageLivechat', again)).result).toMatchObject({ _id: again._id, rid })
    await closeByVisitor(desk, { ...visitor, rid, room: {} as never })
    const { result: later } = await call(desk.anyone, 'sendMessageLivechat', {
      ...first,
      _id: `later-${visitor.id}`,
      rid,
      msg: 'One more thing',
    })
    expect(later).toMatchObject({ newRoom: true })
    expect((later as { rid: string }).rid).not.toBe(rid)
  })

  test('send into no room of somebody else', async () => {
    const theirs = await openChat(desk)
    const mine = await openChat(desk)
    const before = await historyOf(desk, theirs)
    const message = { _id: `foreign-${mine.id}`, rid: theirs.rid, msg: 'Hello', token: mine.token }
    expect((await call(desk.anyone, 'sendMessageLivechat', message)).result).toMatchObject({ rid: mine.rid })
    expect(await historyOf(desk, theirs)).toEqual(before)
  })

  test('are refused by their old names', async () => {
    const chat = await openChat(desk)
    const message = { _id: `m-${chat.id}`, rid: chat.rid, msg: 'Hello', token: 'nobody’s' }
    expect((await call(desk.anyone, 'sendMessageLivechat', message)).error?.error).toBe('invalid-token')
    await withSettings(
      desk,
      { Livechat_enable_message_character_limit: true, Livechat_message_character_limit: 3 },
      async () => {
        const tooLong = { ...message, token: chat.token }
        expect((await call(desk.anyone, 'sendMessageLivechat', tooLong)).error?.error).toBe(
          'message-length-exceeds-character-limit',
        )
      },
    )
    const history = (token: string, rid: string) => call(desk.anyone, 'livechat:loadHistory', { token, rid })
    expect((await history('nobody’s', chat.rid)).error?.error).toBe('invalid-visitor')
    expect((await history(chat.token, 'none')).error?.error).toBe('invalid-room')
    const data = (token: string, roomId: string) => call(desk.anyone, 'livechat:getAgentData', { token, roomId })
    expect((await data('nobody’s', chat.rid)).error?.error).toBe('error-invalid-room')
    expect((await data(chat.token, 'none')).error?.error).toBe('error-invalid-room')
  })

  test('tell who serves, and who would', async () => {
    const chat = await openChat(desk)
    const asked = { roomId: chat.rid, token: chat.token }
    expect((await call(desk.anyone, 'livechat:getAgentData', asked)).result).toMatchObject({ username: 'anna' })
    expect((await call(desk.anyone, 'livechat:getNextAgent', { token: newToken() })).result).toMatchObject({
      username: 'anna',
    })
    expect(await call(desk.anyone, 'livechat:getNextAgent', { token: chat.token })).toEqual({ msg: 'result', id: '7' })
  })

  test('leave a message with exactly its three fields', async () => {
    await configure(desk, {
      Livechat_display_offline_form: true,
      Livechat_offline_email: 'desk@example.org',
      Livechat_validate_offline_email: false,
    })
    const given = { name: 'Vera', email: 'vera@example.org', message: 'Call me' }
    expect(await call(desk.anyone, 'livechat:sendOfflineMessage', given)).toEqual({ msg: 'result', id: '7' })
    expect(await call(desk.anyone, 'livechat:sendOfflineMessage', { ...given, department: 'x' })).toMatchObject({
      error: { error: 400 },
    })
  })
})

describe('the methods of agents', () => {
  test('take, answer, read and close', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const chat = await openChat(desk)
      await say(desk, chat, 'Hello')
      const { inquiry } = await agent.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
      expect(await call(agent, 'livechat:takeInquiry', inquiry?._id, { clientAction: true })).not.toHaveProperty(
        'error',
      )
      expect((await call(agent, 'livechat:takeInquiry', inquiry?._id)).error?.error).toBe('error-inquiry-taken')
      const { result: sent } = await call(agent, 'sendMessage', { rid: chat.rid, msg: 'Good mornin' })
      await call(agent, 'updateMessage', { _id: sent._id, rid: chat.rid, msg: 'Good morning' })
      const { result: read } = await call(agent, 'loadHistory', chat.rid, null, 50)
      expect((read as { messages: { msg: string }[] }).messages.map(({ msg }) => msg)).toEqual([
        'Good morning',
        'Hello',
      ])
      const { result: missed } = await call(agent, 'loadMissedMessages', chat.rid, { $date: Date.parse('2020-01-01') })
      expect(missed).toHaveLength(2)
      expect((await call(agent, 'loadMissedMessages', chat.rid, sent.ts)).result).toEqual([])
      await call(agent, 'deleteMessage', { _id: sent._id })
      expect((await call(agent, 'loadHistory', chat.rid)).result.messages).toHaveLength(1)
      expect(
        await call(agent, 'livechat:closeRoom', chat.rid, 'Solved', { clientAction: true, tags: ['a'] }),
      ).not.toHaveProperty('error')
      expect(await roomSeenBy(admin, chat.rid)).toMatchObject({ tags: ['a'], closer: 'user' })
      expect((await call(agent, 'livechat:closeRoom', chat.rid)).error?.error).toBe('room-closed')
      expect((await call(agent, 'livechat:closeRoom', 'none')).error?.error).toBe('error-invalid-room')
    })
  })

  test('open nothing that the caller may not see', async () => {
    const chat = await openChat(desk)
    await answer(admin, chat.rid, 'a secret')
    const outsider = await desk.staff()
    expect((await call(outsider, 'loadHistory', chat.rid)).result).toBe(false)
    expect((await call(outsider, 'loadMissedMessages', chat.rid, { $date: 0 })).result).toBe(false)
    for (const [method, ...params] of [
      ['getRoomById', chat.rid],
      ['getRoomByTypeAndName', 'l', chat.rid],
      ['getRoomIdByNameOrId', chat.rid],
      ['sendMessage', { rid: chat.rid, msg: 'x' }],
      ['joinRoom', chat.rid],
    ] as [string, ...unknown[]][])
      expect(await call(outsider, method, ...params)).toHaveProperty('error')
    expect((await call(outsider, 'livechat:closeRoom', chat.rid)).error?.error).toBe('error-not-authorized')
    expect((await call(admin, 'getRoomById', chat.rid)).result).toMatchObject({ _id: chat.rid })
    expect((await call(admin, 'getRoomByTypeAndName', 'l', chat.rid)).result).toMatchObject({ _id: chat.rid })
    expect((await call(admin, 'getRoomIdByNameOrId', chat.rid)).result).toBe(chat.rid)
  })

  test('send with a clock that is nearly right', async () => {
    const chat = await openChat(desk)
    const send = (ms: number) => call(admin, 'sendMessage', { rid: chat.rid, msg: 'x', ts: { $date: ms } })
    expect(await send(desk.clock.now() - 30_000)).toHaveProperty('result')
    expect((await send(desk.clock.now() - 61_000)).error?.error).toBe('error-message-ts-out-of-sync')
  })

  test('tell all consoles of who could not send why, and nobody else', async () => {
    const chat = await openChat(desk)
    const outsider = await desk.staff()
    const listening = async (staff: StaffMember) => {
      const socket = await openSocket(desk)
      await socket.call('login', { resume: staff.headers['x-auth-token'] })
      expect(await socket.sub('stream-notify-user', [`${staff.id}/message`, { args: [] }])).toMatchObject({
        msg: 'ready',
      })
      return socket
    }
    const [console, others] = [await listening(outsider), await listening(admin)]
    const refused = await call(outsider, 'sendMessage', { rid: chat.rid, msg: 'a secret' })
    expect(refused).toMatchObject({ error: { error: 'error-not-allowed' } })
    await closeByVisitor(desk, chat)
    expect(await others.call('sendMessage', { rid: chat.rid, msg: 'too late' })).toMatchObject({
      error: { error: 'room-closed' },
    })
    // What is wrong with the call alone is told to the caller alone.
    for (const message of [
      { rid: chat.rid, msg: 7 },
      { rid: chat.rid, msg: 'x', ts: { $date: 0 } },
    ])
      expect(await call(admin, 'sendMessage', message)).toHaveProperty('error')
    await Promise.all([console.settled(), others.settled()])
    const told = (socket: typeof console, { id }: StaffMember) => socket.told('notify-user', `${id}/message`)
    const line = (msg: string) => ({
      _id: expect.any(String),
      rid: chat.rid,
      msg,
      ts: { $date: desk.clock.now() },
      u: { _id: 'rocket.cat', username: 'rocket.cat' },
      private: true,
      groupable: false,
    })
    expect(told(console, outsider)).toEqual([[line('error-not-allowed')]])
    expect(told(others, admin)).toEqual([[line('room-closed')]])
    expect(await historyOf(desk, chat)).not.toContainEqual(expect.objectContaining({ msg: 'room-closed' }))
    await Promise.all([console.close(), others.close()])
    // Later tests compare all rows.
    await desk.server.streams.gone()
  })

  test('turn the service switch', async () => {
    const other = await desk.agent()
    const status = async () => (await other.call('GET /me')).statusLivechat
    await call(other, 'livechat:changeLivechatStatus')
    expect(await status()).toBe('not-available')
    await call(other, 'livechat:changeLivechatStatus', { status: 'available' })
    expect(await status()).toBe('available')
    const refused = (given: object) => call(other, 'livechat:changeLivechatStatus', given)
    expect((await refused({ status: 'sleeping' })).error).toMatchObject({
      error: 'error-not-allowed',
      reason: 'Invalid Status',
    })
    expect((await refused({ agentId: 'none' })).error).toMatchObject({
      error: 'error-not-allowed',
      reason: 'Invalid Agent Id',
    })
    expect((await refused({ agentId: agent.id, status: 'not-available' })).error).toMatchObject({
      error: 'error-not-allowed',
      reason: 'Not allowed',
    })
    await call(other, 'livechat:changeLivechatStatus', { status: 'not-available' })
  })

  test('ask for a transcript and take the wish back', async () => {
    const chat = await openChat(desk, { email: 'vera@example.org' })
    expect((await call(admin, 'livechat:discardTranscript', chat.rid)).error?.error).toBe(
      'error-transcript-not-requested',
    )
    expect((await call(admin, 'livechat:requestTranscript', chat.rid, 'vera@example.org', 'Our chat')).result).toBe(
      true,
    )
    expect((await call(admin, 'livechat:discardTranscript', chat.rid)).result).toBe(true)
  })

  test('set the desk up', async () => {
    const person = await desk.staff()
    expect((await call(admin, 'livechat:addAgent', person.username)).result).toMatchObject({ _id: person.id })
    const department = {
      name: 'Sales',
      enabled: true,
      email: 'sales@example.org',
      showOnRegistration: true,
      showOnOfflineForm: true,
    }
    const { result } = await call(admin, 'livechat:saveDepartment', null, department, [
      { agentId: person.id, username: person.username },
    ])
    const id = (result as { _id: string })._id
    expect(
      (await call(admin, 'livechat:saveDepartment', id, { ...department, name: 'Sales and more' })).result,
    ).toMatchObject({ _id: id, name: 'Sales and more' })
    const upsert = [{ agentId: agent.id, username: agent.username }]
    expect((await call(admin, 'livechat:saveDepartmentAgents', id, { upsert })).result).toBe(true)
    expect((await call(admin, 'livechat:saveAgentInfo', person.id, { maxNumberSimultaneousChat: 3 }, [])).result).toBe(
      true,
    )
    const { agents } = await admin.call('GET /livechat/department/:_id/agents', { params: { _id: id } })
    expect(agents.map(({ agentId }) => agentId)).toEqual([agent.id])
    expect((await call(admin, 'livechat:removeDepartment', id)).result).toBe(true)
    expect((await call(admin, 'livechat:addManager', person.username)).result).toMatchObject({ _id: person.id })
    expect((await call(admin, 'livechat:removeManager', person.username)).result).toBe(true)
    expect((await call(admin, 'livechat:removeAgent', person.username)).result).toBe(true)
    expect((await call(admin, 'saveSettings', [{ _id: 'Livechat_title', value: 'Ask us' }])).result).toBe(true)
    expect((await call(agent, 'livechat:addAgent', person.username)).error?.error).toBe('error-not-allowed')
  })

  test('tell how the desk is set up', async () => {
    expect((await call(agent, 'livechat:getRoutingConfig')).result).toMatchObject({ autoAssignAgent: true })
    const { result: permissions } = await call(agent, 'permissions/get')
    expect(permissions).toContainEqual({ _id: 'view-l-room', roles: expect.any(Array) })
    const { result: changed } = await call(agent, 'permissions/get', { $date: desk.clock.now() })
    expect(changed).toEqual({ update: [], remove: [] })
    const { total } = await desk.anyone.call('GET /settings.public')
    const { result: settings } = await call(desk.anyone, 'public-settings/get')
    expect(settings).toHaveLength(total)
    expect((await call(desk.anyone, 'public-settings/get', { $date: 0 })).result.update).toHaveLength(total)
  })
})

describe('hostile parameters', () => {
  const query = { $regex: '.*' }
  const hostile = [query, { $ne: null }, [], [query], {}, 0, true]

  /** Good parameters of each method, by name; a path leads to each part that must be what it is. */
  const calls: Readonly<
    Record<string, { params: (canary: Canary) => unknown[]; required: readonly string[]; optional?: readonly string[] }>
  > = {
    'livechat:setUpConnection': { params: ({ token }) => [{ token }], required: ['0', '0.token'] },
    'livechat:registerGuest': {
      params: ({ token }) => [{ token, name: 'x', email: 'x@example.org' }],
      required: ['0', '0.token'],
      optional: ['0.name', '0.email', '0.department'],
    },
    'livechat:loginByToken': { params: ({ token }) => [token], required: ['0'] },
    sendMessageLivechat: {
      params: ({ token, rid }) => [{ _id: 'hostile-message', rid, msg: 'x', token }],
      required: ['0', '0._id', '0.rid', '0.msg', '0.token'],
    },
    sendFileLivechatMessage: {
      params: ({ token, rid }) => [rid, token, { _id: 'x' }],
      required: ['0', '1', '2', '2._id'],
    },
    'livechat:loadHistory': {
      params: ({ token, rid }) => [{ token, rid, end: '2030-01-01', ls: '2030-01-01' }],
      required: ['0', '0.token', '0.rid'],
      optional: ['0.end', '0.ls'],
    },
    'livechat:getAgentData': {
      params: ({ token, rid }) => [{ roomId: rid, token }],
      required: ['0', '0.roomId', '0.token'],
    },
    'livechat:getNextAgent': {
      params: () => [{ token: 'x' }],
      required: ['0', '0.token'],
      optional: ['0.department'],
    },
    'livechat:sendOfflineMessage': {
      params: () => [{ name: 'x', email: 'x@example.org', message: 'x' }],
      required: ['0', '0.name', '0.email', '0.message'],
    },
    login: {
      params: () => [{ user: { username: 'anna' }, password: 'x' }],
      required: ['0', '0.user', '0.user.username'],
    },
    setUserStatus: { params: () => ['online', 'x'], required: [], optional: ['0', '1'] },
    'UserPresence:setDefaultStatus': { params: () => ['online'], required: ['0'] },
    sendMessage: {
      params: ({ rid }) => [{ rid, msg: 'x' }],
      required: ['0', '0.rid', '0.msg'],
    },
    updateMessage: {
      params: ({ rid, messageId }) => [{ _id: messageId, rid, msg: 'x' }],
      required: ['0', '0._id', '0.rid', '0.msg'],
    },
    deleteMessage: { params: ({ messageId }) => [{ _id: messageId }], required: ['0', '0._id'] },
    loadHistory: { params: ({ rid }) => [rid], required: ['0'], optional: ['1'] },
    loadMissedMessages: { params: ({ rid }) => [rid, '2030-01-01'], required: ['0', '1'] },
    joinRoom: { params: ({ rid }) => [rid], required: ['0'] },
    getRoomIdByNameOrId: { params: ({ rid }) => [rid], required: ['0'] },
    getRoomById: { params: ({ rid }) => [rid], required: ['0'] },
    getRoomByTypeAndName: { params: ({ rid }) => ['l', rid], required: ['0', '1'] },
    'livechat:takeInquiry': { params: () => ['x'], required: ['0'] },
    'livechat:closeRoom': { params: ({ rid }) => [rid], required: ['0'] },
    'livechat:changeLivechatStatus': {
      params: () => [{ status: 'x' }],
      required: [],
      optional: ['0.status', '0.agentId'],
    },
    'livechat:requestTranscript': { params: ({ rid }) => [rid, 'x@example.org', 'x'], required: ['0', '1', '2'] },
    'livechat:discardTranscript': { params: ({ rid }) => [rid], required: ['0'] },
    'livechat:pageVisited': {
      params: ({ token, rid }) => [token, rid, { change: 'url', title: 'x', location: { href: 'https://a.example' } }],
      required: ['0', '2', '2.change', '2.title', '2.location', '2.location.href'],
      optional: ['1'],
    },
    'livechat:saveSurveyFeedback': {
      params: ({ token, rid }) => [token, rid, [{ name: 'satisfaction', value: '5' }]],
      required: ['0', '1', '2.0', '2.0.name', '2.0.value'],
    },
    'livechat:setCustomField': { params: ({ token }) => [token, 'x', 'x'], required: ['0', '1', '2'] },
    'livechat:setDepartmentForVisitor': {
      params: ({ token, rid }) => [{ roomId: rid, visitorToken: token, departmentId: 'x' }],
      required: ['0', '0.roomId', '0.visitorToken', '0.departmentId'],
    },
    'livechat:transfer': {
      params: ({ rid }) => [{ roomId: rid, userId: 'x' }],
      required: ['0', '0.roomId'],
      optional: ['0.userId', '0.departmentId'],
    },
    'livechat:returnAsInquiry': { params: () => ['x'], required: ['0'], optional: ['1'] },
    'livechat:resumeOnHold': { params: ({ rid }) => [rid], required: ['0'] },
    'livechat:saveInfo': {
      params: ({ rid }) => [
        { _id: 'x', name: 'x' },
        { _id: rid, topic: 'x' },
      ],
      required: ['0', '1', '0._id', '1._id'],
      optional: ['0.name', '1.topic'],
    },
    'livechat:removeRoom': { params: ({ rid }) => [rid], required: ['0'] },
    'livechat:removeAllClosedRooms': { params: () => [['no department']], required: ['0.0'] },
    leaveRoom: { params: ({ rid }) => [rid], required: ['0'] },
    createDirectMessage: { params: () => ['anna'], required: ['0'] },
    setReaction: { params: ({ messageId }) => [':tada:', messageId], required: ['0', '1'] },
    'livechat:sendTranscript': { params: () => [null, 'x', 'x', 'x'], required: ['1', '2', '3'], optional: ['0'] },
    getRoomNameById: { params: ({ rid }) => [rid], required: ['0'] },
    readMessages: { params: ({ rid }) => [rid], required: ['0'] },
    'rooms/get': { params: () => [], required: [], optional: ['0'] },
    'subscriptions/get': { params: () => [], required: [], optional: ['0'] },
    'livechat:saveCustomField': {
      params: () => [
        'none',
        { field: 'x', label: 'x', scope: 'room', visibility: 'visible', regexp: '', searchable: true },
      ],
      required: ['1', '1.field', '1.label', '1.scope', '1.visibility', '1.regexp', '1.searchable'],
      optional: ['0'],
    },
    'livechat:removeCustomField': { params: () => ['x'], required: ['0'] },
    'livechat:addAgent': { params: () => ['x'], required: ['0'] },
    'livechat:addManager': { params: () => ['x'], required: ['0'] },
    'livechat:removeAgent': { params: () => ['x'], required: ['0'] },
    'livechat:removeManager': { params: () => ['x'], required: ['0'] },
    'livechat:saveAgentInfo': { params: () => ['x', {}, []], required: ['0', '1'] },
    'livechat:saveDepartment': { params: () => ['x', {}], required: ['1'] },
    'livechat:saveDepartmentAgents': { params: () => ['x', {}], required: ['0', '1'] },
    'livechat:removeDepartment': { params: () => ['x'], required: ['0'] },
    saveSettings: { params: () => [[{ _id: 'x', value: 1 }]], required: ['0.0', '0.0._id'] },
  }

  /** Those that take nothing that must be there, or say nothing to what they refuse. */
  const without = [
    'logout',
    'stream-notify-room',
    'UserPresence:online',
    'UserPresence:away',
    'livechat:getRoutingConfig',
    'permissions/get',
    'public-settings/get',
  ]

  interface Canary {
    token: string
    rid: string
    messageId: string
  }

  /** The parameters with one part replaced, or taken away. */
  function spoilt(params: unknown[], path: string, value: unknown): unknown[] {
    const copy = structuredClone(params)
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    const holder = keys.reduce<Record<string, unknown>>(
      (part, key) => part[key] as Record<string, unknown>,
      copy as unknown as Record<string, unknown>,
    )
    holder[last] = value
    return copy
  }

  test('are tried on every method', () => {
    expect([...Object.keys(calls), ...without].toSorted()).toEqual(Object.keys(methods).toSorted())
  })

  const ofAnybody = { ...sessionMethods, ...visitorMethods }

  test('aside, no method of agents and consoles does anything for who is not signed in (A31)', async () => {
    const chat = await openChat(desk)
    const { _id: messageId } = await answer(admin, chat.rid, 'the canary sings')
    const socket = await openSocket(desk)
    const before = await allRows(desk)
    for (const name of Object.keys(methods)) {
      if (Object.hasOwn(ofAnybody, name) || name === 'public-settings/get') continue
      const params = calls[name]?.params({ ...chat, messageId }) ?? []
      for (const { result, error } of [await call(desk.anyone, name, ...params), await socket.call(name, ...params)]) {
        expect(error, name).toBeDefined()
        expect([undefined, false]).toContain(result)
        expect(JSON.stringify(error)).not.toContain('canary')
      }
    }
    expect(await allRows(desk)).toEqual(before)
    await socket.close()
  })

  test.each(Object.entries(calls))(
    'give %s an error and no result, and change nothing',
    async (method, { params, required, optional = [] }) => {
      const chat = await openChat(desk)
      const { _id: messageId } = await answer(admin, chat.rid, 'the canary sings')
      const good = params({ ...chat, messageId })
      const socket = await openSocket(desk)
      await socket.call('login', { resume: admin.headers['x-auth-token'] })
      await socket.settled()
      const before = await allRows(desk)
      for (const path of [...required, ...optional])
        for (const value of optional.includes(path) ? hostile : [...hostile, null, undefined]) {
          const bad = spoilt(good, path, value)
          for (const caller of [admin, desk.anyone]) {
            const { result, error } = await call(caller, method, ...bad)
            expect(error, `${method} ${path} ${JSON.stringify(value)}`).toBeDefined()
            expect(result).toBeUndefined()
            expect(JSON.stringify(error)).not.toContain('canary')
          }
        }
      const told = await socket.call(method, ...spoilt(good, required[0] ?? optional[0] ?? '0', query))
      expect(told).toHaveProperty('error')
      expect(await allRows(desk)).toEqual(before)
      await socket.close()
    },
  )
})
