import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Static } from 'typebox'
import type { Agent } from '@deskbell/contract/entities/user.ts'
import type { AgentInfo } from '@deskbell/contract/entities/visitor.ts'
import {
  startTestServer,
  type CallInput,
  type Client,
  type StaffMember,
  type TestServer,
} from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember

beforeEach(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
})
afterEach(() => desk.stop())

interface Answer {
  status: number
  body: {
    error?: string
    errorType?: string
    status?: string
    agent?: Static<typeof AgentInfo>
    user?: Static<typeof Agent>
  }
}
const raw = (by: Client, key: string, input?: CallInput): Promise<Answer> => by.raw(key, input)

const set = (_id: string, value: unknown) => admin.call('POST /settings/:_id', { params: { _id }, body: { value } })
const allow = (_id: string, ...roles: string[]) =>
  admin.call('POST /permissions.update', { body: { permissions: [{ _id, roles }] } })

async function register(token: string): Promise<void> {
  await desk.anyone.call('POST /livechat/visitor', { body: { visitor: { token } } })
}

/** Registers a visitor and opens a room, whoever is there to serve it. */
async function openRoom(token: string) {
  await register(token)
  return (await desk.anyone.call('GET /livechat/room', { query: { token } })).room
}

const roomOf = async (token: string) => (await desk.anyone.call('GET /livechat/room', { query: { token } })).room
const info = (rid: string, token: string) =>
  raw(desk.anyone, 'GET /livechat/agent.info/:rid/:token', { params: { rid, token } })
const next = (token: string, query = {}) =>
  raw(desk.anyone, 'GET /livechat/agent.next/:token', { params: { token }, query })
const add = (type: string, username: string, by = admin) =>
  raw(by, 'POST /livechat/users/:type', { params: { type }, body: { username } })
const remove = (type: string, _id: string, by = admin) =>
  raw(by, 'DELETE /livechat/users/:type/:_id', { params: { type, _id } })
const one = (type: string, _id: string, by = admin) =>
  raw(by, 'GET /livechat/users/:type/:_id', { params: { type, _id } })
const list = (type: string, query = {}, by = admin) => raw(by, 'GET /livechat/users/:type', { params: { type }, query })
const turn = (by: StaffMember, body = {}) => raw(by, 'POST /livechat/agent.status', { body })

const bare = (error: string) => ({ status: 400, body: { success: false, error } })
const forbidden = { status: 403, body: { success: false, error: 'unauthorized' } }
const notPermitted = {
  status: 403,
  body: { success: false, error: 'User does not have the permissions required for this action [error-unauthorized]' },
}
const deactivate = (userId: string) =>
  admin.call('POST /users.setActiveStatus', { body: { userId, activeStatus: false } })

describe('the agent of a room, for its visitor', () => {
  test('is told with name, presence and address', async () => {
    const anna = await desk.agent({ username: 'anna', name: 'Anna A.' })
    const room = await openRoom('t1')
    expect((await info(room._id, 't1')).body).toEqual({
      agent: {
        _id: anna.id,
        username: 'anna',
        name: 'Anna A.',
        status: 'online',
        emails: [{ address: 'anna@example.org', verified: false }],
      },
      success: true,
    })
  })

  test('shows no address while addresses are not shown, and nothing while agents are hidden', async () => {
    await desk.agent({ username: 'anna' })
    const room = await openRoom('t1')
    await set('Livechat_show_agent_email', false)
    const { agent } = (await info(room._id, 't1')).body
    expect(agent).toMatchObject({ username: 'anna' })
    expect(agent).not.toHaveProperty('emails')
    await set('Livechat_show_agent_info', false)
    expect((await info(room._id, 't1')).body).toEqual({ agent: { hiddenInfo: true }, success: true })
  })

  test('is told with the fields of the account that administrators release, and no others', async () => {
    const anna = await desk.agent({ username: 'anna' })
    const customFields = { team: 'Billing', phone: '+351 1', salary: 'secret', constructor: 'secret' }
    await admin.call('POST /users.update', { body: { userId: anna.id, data: { customFields } } })
    const room = await openRoom('t1')
    const shown = async () => (await info(room._id, 't1')).body.agent
    expect(await shown()).not.toHaveProperty('customFields')
    const released = { type: 'text', sendToIntegrations: true }
    const definitions = {
      team: released,
      phone: released,
      salary: { type: 'text', sendToIntegrations: false },
      gone: released,
    }
    await set('Accounts_CustomFields', JSON.stringify(definitions))
    expect((await shown())?.customFields).toEqual({ team: 'Billing', phone: '+351 1' })
    const { config } = await desk.anyone.call('GET /livechat/config', { query: { token: 't1' } })
    expect(config.agent?.customFields).toEqual({ team: 'Billing', phone: '+351 1' })
    for (const nonsense of ['{', 'null', '7', '{"team":null}', '{"team":true}', '[]']) {
      await set('Accounts_CustomFields', nonsense)
      expect(await shown()).not.toHaveProperty('customFields')
    }
    await set('Accounts_CustomFields', JSON.stringify(definitions))
    await set('Livechat_show_agent_info', false)
    expect(await shown()).toEqual({ hiddenInfo: true })
  })

  test('is told of a closed room as well', async () => {
    await desk.agent({ username: 'anna' })
    const room = await openRoom('t1')
    await desk.anyone.call('POST /livechat/room.close', { body: { rid: room._id, token: 't1' } })
    expect((await info(room._id, 't1')).body.agent?.username).toBe('anna')
  })

  test('a foreign room and a missing one are refused in the same bytes', async () => {
    await desk.agent()
    const room = await openRoom('t1')
    await register('t2')
    const foreign = await info(room._id, 't2')
    expect(foreign).toMatchObject(bare('invalid-room'))
    expect((await info('missing', 't2')).body).toEqual(foreign.body)
  })

  test('an unknown token is refused before the room is looked at', async () => {
    await desk.agent()
    const room = await openRoom('t1')
    expect(await info(room._id, 'unknown')).toMatchObject(bare('invalid-token'))
    expect(await info('missing', 'unknown')).toMatchObject(bare('invalid-token'))
  })

  test('a room that nobody serves, or whose agent is gone, has none', async () => {
    await set('Livechat_accept_chats_with_no_agents', true)
    const waiting = await openRoom('t1')
    expect(await info(waiting._id, 't1')).toMatchObject(bare('invalid-agent'))
    const anna = await desk.agent()
    expect((await info(waiting._id, 't1')).status).toBe(200)
    await admin.call('POST /users.delete', { body: { userId: anna.id } })
    expect(await info(waiting._id, 't1')).toMatchObject(bare('invalid-agent'))
  })
})

describe('the next agent', () => {
  test('is told to any token, and asking changes nothing', async () => {
    await desk.agent({ username: 'anna' })
    await desk.agent({ username: 'bert' })
    const answers = await Promise.all(['x1', 'x2', 'x3'].map((token) => next(token)))
    for (const { body } of answers) expect(body.agent?.username).toBe('anna')
    expect((await openRoom('t1')).servedBy?.username).toBe('anna')
    expect((await next('x1')).body.agent?.username).toBe('bert')
  })

  test('is not told to a visitor with an open room', async () => {
    await desk.agent()
    const room = await openRoom('t1')
    expect((await next('t1')).body).toEqual({ success: true })
    await desk.anyone.call('POST /livechat/room.close', { body: { rid: room._id, token: 't1' } })
    expect((await next('t1')).body.agent).toBeDefined()
  })

  test('shows as little as the settings say', async () => {
    await desk.agent()
    await set('Livechat_show_agent_email', false)
    expect((await next('x')).body.agent).not.toHaveProperty('emails')
    await set('Livechat_show_agent_info', false)
    expect((await next('x')).body).toEqual({ agent: { hiddenInfo: true }, success: true })
  })

  test('is nobody while nobody is free, and nobody where chats are taken by hand', async () => {
    expect(await next('x')).toMatchObject(bare('agent-not-found'))
    const anna = await desk.agent()
    expect((await next('x')).status).toBe(200)
    await set('Livechat_Routing_Method', 'Manual_Selection')
    expect(await next('x')).toMatchObject(bare('agent-not-found'))
    await set('Livechat_Routing_Method', 'Load_Balancing')
    await turn(anna, { status: 'not-available' })
    expect(await next('x')).toMatchObject(bare('agent-not-found'))
  })

  test('an empty department is none, and an unknown one has nobody', async () => {
    await desk.agent()
    for (const department of ['', 'null']) expect((await next('x', { department })).status).toBe(200)
    expect(await next('x', { department: 'unknown' })).toMatchObject(bare('agent-not-found'))
  })
})

describe('making somebody an agent or a manager', () => {
  test('an agent takes chats from then on, as soon as present', async () => {
    const person = await desk.staff()
    await person.call('POST /users.setStatus', { body: { status: 'online' } })
    await set('Livechat_accept_chats_with_no_agents', true)
    const room = await openRoom('t1')
    expect(room.servedBy).toBeUndefined()
    const { body } = await add('agent', person.username)
    expect(body).toEqual({ user: { _id: person.id, username: person.username }, success: true })
    expect((await roomOf('t1')).servedBy?._id).toBe(person.id)
  })

  test('an agent is switched on even when absent', async () => {
    const person = await desk.staff()
    await add('agent', person.username.toUpperCase())
    expect((await one('agent', person.id)).body.user).toMatchObject({ status: 'offline', statusLivechat: 'available' })
  })

  test('adding an agent again switches the agent on again', async () => {
    const anna = await desk.agent()
    await turn(anna, { status: 'not-available' })
    expect((await add('agent', anna.username)).status).toBe(200)
    expect((await one('agent', anna.id)).body.user?.statusLivechat).toBe('available')
    expect((await anna.call('GET /me')).roles).toEqual(['livechat-agent', 'user'])
  })

  test('a manager may direct livechat at once and has no switch', async () => {
    const person = await desk.staff()
    expect((await list('manager', {}, person)).status).toBe(403)
    for (let times = 0; times < 2; times++) expect((await add('manager', person.username)).status).toBe(200)
    expect((await list('manager', {}, person)).status).toBe(200)
    expect(await person.call('GET /me')).not.toHaveProperty('statusLivechat')
  })

  test('unknown people and types are refused', async () => {
    expect(await add('agent', 'nobody')).toMatchObject({
      status: 400,
      body: { success: false, error: 'Invalid user [error-invalid-user]', errorType: 'error-invalid-user' },
    })
    expect(await add('emperor', admin.username)).toMatchObject(bare('Invalid type'))
    const answer = await raw(admin, 'POST /livechat/users/:type', { params: { type: 'agent' }, body: {} })
    expect(answer.body.error).toBe("must have required property 'username' [invalid-params]")
  })

  test('needs the permission to manage that type', async () => {
    const agent = await desk.agent()
    expect(await add('agent', agent.username, agent)).toMatchObject(notPermitted)
    expect(await remove('agent', agent.id, agent)).toMatchObject(notPermitted)
    const monitor = await desk.staff({ roles: ['user', 'livechat-monitor'] })
    expect((await add('agent', agent.username, monitor)).status).toBe(200)
    expect(await add('manager', monitor.username, monitor)).toMatchObject(forbidden)
    const manager = await desk.staff({ roles: ['user', 'livechat-manager'] })
    expect(await remove('manager', manager.id, monitor)).toMatchObject(forbidden)
    expect((await add('manager', agent.username, manager)).status).toBe(200)
  })
})

describe('taking the role away', () => {
  test('an agent takes no more chats and keeps those that are open', async () => {
    const anna = await desk.agent()
    const room = await openRoom('t1')
    expect((await remove('agent', anna.id)).body).toEqual({ success: true })
    expect((await roomOf('t1'))._id).toBe(room._id)
    expect((await roomOf('t1')).servedBy?._id).toBe(anna.id)
    expect(await next('x')).toMatchObject(bare('agent-not-found'))
    const me = await anna.call('GET /me')
    expect(me.roles).toEqual(['user'])
    expect(me).not.toHaveProperty('statusLivechat')
  })

  test('succeeds for people without the role', async () => {
    const person = await desk.staff()
    for (const type of ['agent', 'manager']) expect((await remove(type, person.id)).body).toEqual({ success: true })
  })

  test('unknown people are refused before unknown types', async () => {
    expect(await remove('emperor', 'nobody')).toMatchObject({ status: 400, body: { success: false } })
    expect((await remove('emperor', 'nobody')).body).toEqual({ success: false })
    expect(await remove('emperor', admin.id)).toMatchObject(bare('Invalid type'))
  })
})

describe('one agent or manager', () => {
  test('is shown to managers with the switch', async () => {
    const anna = await desk.agent({ username: 'anna', name: 'Anna A.' })
    expect((await one('agent', anna.id)).body.user).toEqual({
      _id: anna.id,
      username: 'anna',
      name: 'Anna A.',
      status: 'online',
      statusLivechat: 'available',
      emails: [{ address: 'anna@example.org', verified: false }],
    })
    expect(await one('agent', anna.id, anna)).toMatchObject(notPermitted)
  })

  test('is nobody for people without the role, and refused for unknown people and types', async () => {
    const anna = await desk.agent()
    expect((await one('manager', anna.id)).body).toEqual({ user: null, success: true })
    expect(await one('agent', 'nobody')).toMatchObject(bare('User not found'))
    expect(await one('emperor', anna.id)).toMatchObject(bare('Invalid type'))
  })
})

describe('turning the service switch', () => {
  test('without a word it is turned over', async () => {
    const anna = await desk.agent()
    expect((await turn(anna)).body).toEqual({ status: 'not-available', success: true })
    expect((await turn(anna)).body.status).toBe('available')
    expect((await anna.call('GET /me')).statusLivechat).toBe('available')
  })

  test('an agent who is switched on gets the chats that wait, oldest first', async () => {
    await set('Livechat_accept_chats_with_no_agents', true)
    const anna = await desk.agent()
    await turn(anna, { status: 'not-available' })
    for (const token of ['t1', 't2']) expect((await openRoom(token)).servedBy).toBeUndefined()
    await turn(anna, { status: 'available' })
    for (const token of ['t1', 't2']) expect((await roomOf(token)).servedBy?._id).toBe(anna.id)
  })

  test('what the agent says lasts over a sign-in, what the system did does not', async () => {
    const anna = await desk.agent({ username: 'anna' })
    const signIn = () => desk.anyone.call('POST /login', { body: { user: 'anna', password: anna.password } })
    await turn(anna, { status: 'not-available' })
    expect((await signIn()).data.me.statusLivechat).toBe('not-available')
    await turn(anna, { status: 'available' })
    await anna.call('POST /logout')
    expect((await signIn()).data.me.statusLivechat).toBe('available')
  })

  test('that of another agent needs the permission, unless it stands so already', async () => {
    const [anna, bert] = [await desk.agent(), await desk.agent()]
    const agentId = bert.id
    expect(await turn(anna, { agentId, status: 'not-available' })).toMatchObject(forbidden)
    expect(await turn(anna, { agentId })).toMatchObject(forbidden)
    expect((await turn(anna, { agentId, status: 'available' })).body.status).toBe('available')
    const monitor = await desk.staff({ roles: ['user', 'livechat-monitor'] })
    expect((await turn(monitor, { agentId, status: 'not-available' })).body.status).toBe('not-available')
  })

  test('people who are no agents have none, and a deactivated agent’s is stuck', async () => {
    const anna = await desk.agent()
    const missing = { status: 404, body: { success: false, error: 'Agent not found' } }
    expect(await turn(admin)).toMatchObject(missing)
    expect(await turn(anna, { agentId: 'nobody' })).toMatchObject(missing)
    await deactivate(anna.id)
    const stuck = await turn(admin, { agentId: anna.id, status: 'not-available' })
    expect(stuck).toMatchObject(bare('error-user-deactivated'))
  })

  test('other words and people without the permission are refused', async () => {
    const anna = await desk.agent()
    const answer = await turn(anna, { status: 'asleep' })
    expect(answer.status).toBe(400)
    expect(answer.body.errorType).toBe('invalid-params')
    expect(answer.body.error).toContain('must be equal to one of the allowed values')
    await allow('view-l-room', 'admin')
    expect(await turn(anna)).toMatchObject(notPermitted)
  })
})

describe('every operation on agents', () => {
  test('asks for a sign-in', async () => {
    const params = { type: 'agent', _id: admin.id }
    for (const key of [
      'GET /livechat/users/:type',
      'POST /livechat/users/:type',
      'GET /livechat/users/:type/:_id',
      'DELETE /livechat/users/:type/:_id',
      'POST /livechat/agent.status',
    ])
      expect((await raw(desk.anyone, key, { params })).status, key).toBe(401)
  })
})
