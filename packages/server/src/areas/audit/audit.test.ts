import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answer,
  closeBy,
  makeDepartment,
  openChat,
  register,
  say,
  withSettings,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember
let agent: StaffMember

beforeAll(async () => {
  const mail = { smtpUrl: 'smtp://127.0.0.1:1', from: 'noreply@desk.example' }
  desk = await startTestServer({ config: { siteUrl: 'https://desk.example', mail } })
  admin = await desk.administrator()
  agent = await desk.agent()
})
afterAll(() => desk.stop())

type Query = Record<string, string>

async function entriesOf(query: Query) {
  return (await admin.call('GET /audit.list', { query })).entries
}

/** What was noted of one thing, the earliest first, without ids and times. */
async function storyOf(subjectKind: string, subjectId: string) {
  const entries = await entriesOf({ subjectKind, subjectId, sort: '{"ts":1}' })
  return entries.map(({ actor, action, before, after }) => ({
    by: actor.username,
    action,
    ...(before && { before }),
    ...(after && { after }),
  }))
}

/** Does something a moment later, so that the order of entries is known. */
async function then(work: () => Promise<unknown>): Promise<void> {
  desk.clock.advance(1_000)
  await work()
}

const setting = (id: string, value: unknown) =>
  admin.call('POST /settings/:_id', { params: { _id: id }, body: { value } })

describe('the book tells', () => {
  test('who changed which setting, from what to what', async () => {
    await then(() => setting('Livechat_title', 'Ask us'))
    await then(() => setting('Livechat_title', 'Ask us'))
    await then(() => setting('Livechat_title', 'Help'))
    const by = admin.username
    expect(await storyOf('setting', 'Livechat_title')).toEqual([
      { by, action: 'setting.changed', before: { value: 'Rocket.Chat' }, after: { value: 'Ask us' } },
      { by, action: 'setting.changed', before: { value: 'Ask us' }, after: { value: 'Help' } },
    ])
  })

  test('that a secret was changed, and not the secret', async () => {
    await then(() => setting('Livechat_secret_token', 'hush-hush-1'))
    await then(() => setting('Livechat_secret_token', 'hush-hush-2'))
    expect((await storyOf('setting', 'Livechat_secret_token')).map(({ before, after }) => [before, after])).toEqual([
      [{ value: '' }, { value: '***' }],
      [{ value: '***' }, { value: '***' }],
    ])
    expect(JSON.stringify(await everyRow())).not.toContain('hush-hush')
  })

  test('a long value in part', async () => {
    await setting('Livechat_offline_message', '€'.repeat(10_000))
    const [entry] = await entriesOf({ subjectId: 'Livechat_offline_message' })
    expect(entry?.after).toEqual({ value: { cut: `"${'€'.repeat(3_999)}` } })
  })

  test('who gave a permission to whom', async () => {
    const give = (roles: string[]) =>
      admin.call('POST /permissions.update', { body: { permissions: [{ _id: 'view-statistics', roles }] } })
    await then(() => give(['admin', 'bot']))
    await then(() => give(['admin', 'bot']))
    const before = { roles: ['admin'] }
    const after = { roles: ['admin', 'bot'] }
    expect(await storyOf('permission', 'view-statistics')).toEqual([
      { by: admin.username, action: 'permission.changed', before, after },
    ])
  })

  test('the life of an account, without a password or a token', async () => {
    const email = 'eve@example.com'
    let userId = ''
    await then(async () => {
      const body = { email, name: 'Eve', username: 'eve', password: 'pa55-of-eve' }
      userId = (await admin.call('POST /users.create', { body })).user._id
    })
    const update = (data: object) => admin.call('POST /users.update', { body: { userId, data } })
    await then(() => update({ name: 'Eva', statusText: 'not in the book' }))
    await then(() => update({ password: 'other-pa55-of-eve' }))
    await then(() => update({ roles: ['user', 'bot'] }))
    const agents = (key: 'POST' | 'DELETE') =>
      key === 'POST'
        ? admin.call('POST /livechat/users/:type', { params: { type: 'agent' }, body: { username: 'eve' } })
        : admin.call('DELETE /livechat/users/:type/:_id', { params: { type: 'agent', _id: userId } })
    await then(() => agents('POST'))
    await then(() => agents('DELETE'))
    for (const activeStatus of [false, false, true])
      await then(() => admin.call('POST /users.setActiveStatus', { body: { userId, activeStatus } }))
    await then(() => admin.call('POST /users.delete', { body: { userId } }))

    const story = await storyOf('user', userId)
    expect(story.map(({ action }) => action)).toEqual([
      'user.created',
      'user.changed',
      'user.password-changed',
      'user.roles-changed',
      'user.roles-changed',
      'user.roles-changed',
      'user.deactivated',
      'user.activated',
      'user.deleted',
    ])
    expect(story[0]?.after).toMatchObject({ username: 'eve', name: 'Eve', email, roles: ['user'], isActive: true })
    expect(story[1]).toEqual({
      by: admin.username,
      action: 'user.changed',
      before: { name: 'Eve' },
      after: { name: 'Eva' },
    })
    expect(story[4]).toMatchObject({
      before: { roles: ['bot', 'user'] },
      after: { roles: ['bot', 'livechat-agent', 'user'] },
    })
    expect(story.at(-1)?.before).toMatchObject({ username: 'eve', name: 'Eva' })
    expect(JSON.stringify(await everyRow())).not.toMatch(/pa55|argon2/)
  })

  test('who was invited, and who chose a password behind a link', async () => {
    let userId = ''
    await then(async () => {
      const body = { email: 'finn@example.com' }
      userId = (await admin.call('POST /users.invite', { body })).user._id
    })
    const { read } = desk.server.context
    const letter = await read.first(
      read.sql.selectFrom('mail').select('text').where('recipient', '=', 'finn@example.com'),
    )
    const [, token = ''] = /\/account\/([\w-]{43})$/m.exec(letter?.text ?? '') ?? []
    await then(() => desk.anyone.call('POST /users.resetPassword', { body: { token, newPassword: 'pa55-of-finn' } }))
    const story = (await storyOf('user', userId)).map(({ by, action }) => `${by}: ${action}`).sort()
    expect(story).toEqual(
      [`finn: user.password-changed`, `${admin.username}: user.created`, `${admin.username}: user.invited`].sort(),
    )
    expect(JSON.stringify(await everyRow())).not.toContain(token)
  })

  test('what people change of themselves', async () => {
    const person = await desk.staff()
    const data = { nickname: 'Nick', newPassword: 'pa55-of-nick', currentPassword: person.password }
    await then(() => person.call('POST /users.updateOwnBasicInfo', { body: { data } }))
    const story = await storyOf('user', person.id)
    expect(story.slice(1).map(({ by }) => by)).toEqual([person.username, person.username])
    expect(story.map(({ action }) => action).sort()).toEqual(['user.changed', 'user.created', 'user.password-changed'])
  })

  test('that whoever runs the server created an account', async () => {
    const [created] = await storyOf('user', admin.id)
    expect(created).toMatchObject({ by: 'system', action: 'user.created' })
  })

  test('who edited or deleted which message, and what it said', async () => {
    const chat = await openChat(desk, { name: 'Vera' })
    const asked = await say(desk, chat, 'first words')
    const place = { token: chat.token, rid: chat.rid }
    const edit = (msg: string) =>
      desk.anyone.call('PUT /livechat/message/:_id', { params: { _id: asked._id }, body: { ...place, msg } })
    await then(() => edit('second words'))
    await then(() => edit('third words'))
    await then(() => desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id: asked._id }, body: place }))
    const author = { kind: 'visitor', id: chat.id, username: asked.u.username }
    const by = asked.u.username
    expect(await storyOf('message', asked._id)).toEqual([
      { by, action: 'message.edited', before: { author, text: 'first words' } },
      { by, action: 'message.edited', before: { author, text: 'second words' } },
      { by, action: 'message.deleted', before: { author, text: 'third words' } },
    ])

    const said = await answer(agent, chat.rid, 'an answer')
    await then(() => agent.call('POST /chat.delete', { body: { roomId: chat.rid, msgId: said._id } }))
    expect(await storyOf('message', said._id)).toMatchObject([
      { by: agent.username, action: 'message.deleted', before: { author: { kind: 'user' }, text: 'an answer' } },
    ])
    expect((await entriesOf({ roomId: chat.rid })).every(({ rid }) => rid === chat.rid)).toBe(true)
    expect(JSON.stringify(await everyRow())).not.toContain(chat.token)
    await closeBy(agent, chat.rid)
  })

  test('in which departments an agent works, and how many chats at once', async () => {
    const other = await desk.agent()
    const departmentId = await makeDepartment(desk)
    const save = (limit: number, departmentIds: string[]) =>
      admin.call('POST /livechat/agents.saveInfo', {
        body: {
          agentId: other.id,
          agentData: { maxNumberSimultaneousChat: limit },
          agentDepartments: departmentIds,
        },
      })
    await then(() => save(3, [departmentId]))
    await then(() => save(3, [departmentId]))
    await then(() => save(3, []))
    const by = admin.username
    expect((await storyOf('user', other.id)).filter(({ action }) => action === 'agent.changed')).toEqual([
      {
        by,
        action: 'agent.changed',
        before: { departmentIds: [], chatLimit: null },
        after: { departmentIds: [departmentId], chatLimit: 3 },
      },
      { by, action: 'agent.changed', before: { departmentIds: [departmentId] }, after: { departmentIds: [] } },
    ])
  })

  test('which visitor took another name, address or number, until the visitor is removed', async () => {
    const { token, id } = await register(desk, { username: 'vera-by-token' })
    const registerAs = (given: object) =>
      then(() => desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token, ...given } } }))
    await registerAs({ name: 'Vera', email: 'vera@example.org' })
    await registerAs({ name: 'Vera', email: ' VERA@example.org' })
    expect(await storyOf('visitor', id)).toEqual([])
    await registerAs({ name: 'The Boss', email: 'boss@example.org', phone: '112' })
    await registerAs({ phone: '911' })
    const [by, action] = ['vera-by-token', 'visitor.changed']
    const before = { name: 'Vera', email: 'vera@example.org' }
    expect(await storyOf('visitor', id)).toEqual([
      { by, action, before, after: { name: 'The Boss', email: 'boss@example.org' } },
      { by, action, before: { phone: '112' }, after: { phone: '911' } },
    ])
    expect(JSON.stringify(await everyRow())).not.toContain(token)
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token } })
    expect(await storyOf('visitor', id)).toEqual([
      { by: '', action },
      { by: '', action },
    ])
  })

  test('no visitor who was removed, also where the room is by now another’s', async () => {
    const chat = await openChat(desk, { username: 'vera-of-the-book' })
    const asked = await say(desk, chat, 'first words')
    await desk.anyone.call('PUT /livechat/message/:_id', {
      params: { _id: asked._id },
      body: { token: chat.token, rid: chat.rid, msg: 'second words' },
    })
    const heir = await register(desk)
    await admin.call('PUT /livechat/room.visitor', { body: { rid: chat.rid, visitorId: heir.id } })
    expect(JSON.stringify(await everyRow())).toContain('vera-of-the-book')
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: chat.token } })
    expect(JSON.stringify(await everyRow())).not.toContain('vera-of-the-book')
    const [entry] = await entriesOf({ subjectId: asked._id })
    expect(entry).toMatchObject({ actor: { _id: chat.id, username: '' }, before: { text: 'first words' } })
  })

  test('nothing of what was refused', async () => {
    const before = await everyRow()
    await admin.raw('POST /settings', {
      body: { settings: [{ _id: 'Livechat_title', value: 'x' }, { _id: 'nothing' }] },
    })
    await admin.raw('POST /users.update', { body: { userId: admin.id, data: { name: 'x', roles: ['user'] } } })
    await admin.raw('POST /users.create', {
      body: { name: 'x', username: admin.username, email: 'x@y', password: 'long enough' },
    })
    expect(await everyRow()).toEqual(before)
  })
})

async function everyRow() {
  const { read } = desk.server.context
  return read.all(read.sql.selectFrom('audit').selectAll().orderBy('id'))
}

describe('reading the book', () => {
  test('needs the permission, which administrators hold', async () => {
    expect((await desk.anyone.raw('GET /audit.list')).status).toBe(401)
    expect((await agent.raw('GET /audit.list')).status).toBe(403)
    expect((await admin.raw('GET /audit.list')).status).toBe(200)
  })

  test('begins with the latest entry, a page at a time', async () => {
    const all = await entriesOf({})
    expect(all.map(({ ts }) => ts)).toEqual(
      all
        .map(({ ts }) => ts)
        .toSorted()
        .toReversed(),
    )
    const { entries, count, offset, total } = await admin.call('GET /audit.list', {
      query: { count: '2', offset: '1' },
    })
    expect([count, offset]).toEqual([2, 1])
    expect(entries).toEqual(all.slice(1, 3))
    expect(total).toBe((await everyRow()).length)
    const earliest = await entriesOf({ sort: '{"ts":1}', count: '1' })
    expect(earliest[0]?.action).toBe('user.created')
  })

  test('never answers more than the limit of lists', async () => {
    await withSettings(desk, { API_Upper_Count_Limit: 3 }, async () => {
      expect(await entriesOf({ count: '1000' })).toHaveLength(3)
      expect(await entriesOf({ count: '0' })).toHaveLength(3)
    })
  })

  test('by who, what, whom and when', async () => {
    const from = new Date(desk.clock.now() + 1).toISOString()
    await then(() => setting('Livechat_title', 'Filtered'))
    const to = new Date(desk.clock.now()).toISOString()
    const latest = { subject: { kind: 'setting', _id: 'Livechat_title' }, actor: { _id: admin.id } }
    expect(await entriesOf({ from, to })).toMatchObject([latest])
    expect(await entriesOf({ from: to, to })).toMatchObject([latest])
    for (const filter of [
      { actorId: agent.id },
      { action: 'user.deleted' },
      { subjectKind: 'user' },
      { subjectId: 'x' },
    ])
      expect(await entriesOf({ from, to, ...(filter as Query) })).toEqual([])
    expect(
      await entriesOf({ from, to, actorId: admin.id, action: 'setting.changed', subjectKind: 'setting' }),
    ).toHaveLength(1)
    expect(await entriesOf({ from: '9999-01-01' })).toEqual([])
    expect(await entriesOf({ from: '+275760-01-01T00:00:00.000Z' })).toEqual([])
  })

  test('in ways that make no sense is refused', async () => {
    for (const [query, code] of [
      [{ from: 'yesterday' }, 'invalid-params'],
      [{ to: 'x' }, 'invalid-params'],
      [{ sort: 'x' }, 'error-invalid-sort'],
      [{ fields: 'x' }, 'error-invalid-fields'],
      [{ query: 'x' }, 'error-invalid-query'],
    ] as const)
      expect(await admin.raw('GET /audit.list', { query })).toMatchObject({ status: 400, body: { errorType: code } })
  })
})
