// Who works in a department: the list follows the accounts, and its number is always right.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allRows, errorOf, errorTypeOf, makeDepartment, refusal } from '../../../testing/conversation.ts'
import {
  startTestServer,
  type Client,
  type RawAnswer,
  type StaffMember,
  type TestServer,
} from '../../../testing/testing.ts'

let desk: TestServer
let manager: StaffMember
let anna: StaffMember
let bert: StaffMember
let id: string

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'chief', roles: ['user', 'admin', 'livechat-manager'] })
  anna = await desk.agent({ username: 'anna' })
  bert = await desk.agent({ username: 'bert' })
  id = await makeDepartment(desk, { agents: [anna] })
})
afterEach(() => desk.stop())

const people = async (query: Record<string, string> = {}, _id = id) =>
  manager.call('GET /livechat/department/:_id/agents', { params: { _id }, query })
const usernames = async (query: Record<string, string> = {}, _id = id) =>
  (await people(query, _id)).agents.map(({ username }) => username)
const numAgents = async (_id = id) =>
  (await manager.call('GET /livechat/department/:_id', { params: { _id } })).department?.numAgents

function change(body: unknown, { _id = id, by = manager }: { _id?: string; by?: Client } = {}): Promise<RawAnswer> {
  return by.raw('POST /livechat/department/:_id/agents', { params: { _id }, body })
}

const named = ({ id: agentId, username }: StaffMember) => ({ agentId, username })

describe('the agents of a department', () => {
  test('come in pages, by username or as asked', async () => {
    await change({ upsert: [{ ...named(bert), count: 3, order: 1 }], remove: [] })
    expect(await usernames()).toEqual(['anna', 'bert'])
    expect(await usernames({ sort: '{"count":-1}', count: '1' })).toEqual(['bert'])
    expect(await people({ offset: '1', count: '5' })).toMatchObject({ count: 1, offset: 1, total: 2 })
    expect(await people({}, 'no-such')).toMatchObject({ agents: [], count: 0, total: 0 })
  })

  test('are called as they are called now', async () => {
    await manager.call('POST /users.update', { body: { userId: anna.id, data: { username: 'anne' } } })
    expect(await usernames()).toEqual(['anne'])
  })

  test('are added, changed and removed in one go, and counted', async () => {
    const cora = await desk.agent({ username: 'cora' })
    const upsert = [{ ...named(bert), count: 2 }, named(cora)]
    expect(refusal(await change({ upsert, remove: [named(anna)] }))).toEqual([200, { success: true }])
    expect((await people()).agents).toMatchObject([
      { username: 'bert', count: 2, order: 0 },
      { username: 'cora', count: 0, order: 0 },
    ])
    expect(await numAgents()).toBe(2)
    await change({ upsert: [{ ...named(bert), order: 5 }], remove: [{ agentId: cora.id }, { agentId: 'nobody' }] })
    expect((await people()).agents).toMatchObject([{ username: 'bert', count: 2, order: 5 }])
    expect(await numAgents()).toBe(1)
  })

  test('are agents alone, and whoever is added and removed at once stays', async () => {
    const person = await desk.staff()
    await change({
      upsert: [named(person), { agentId: 'nobody', username: 'nobody' }, named(anna)],
      remove: [named(anna)],
    })
    expect(await usernames()).toEqual(['anna'])
  })

  test('cannot be changed without both lists, or in a department nobody knows', async () => {
    const before = await allRows(desk)
    const error = async (body: unknown, options = {}) => errorOf(await change(body, options))
    expect(await error({})).toBe(`Match error: Missing key 'upsert'`)
    expect(await error({ upsert: [] })).toBe(`Match error: Missing key 'remove'`)
    expect(await error({ upsert: [{}], remove: [] })).toBe(`Match error: Missing key 'agentId' in field upsert[0]`)
    expect(await error({ upsert: [{ agentId: 'x' }], remove: [] })).toBe(
      `Match error: Missing key 'username' in field upsert[0]`,
    )
    expect(await error({ upsert: [], remove: [] }, { _id: 'no-such' })).toBe(
      'Department not found [error-department-not-found]',
    )
    expect(await allRows(desk)).toEqual(before)
  })

  test('are changed by those who may, whatever else is wrong with the call', async () => {
    const before = await allRows(desk)
    expect((await change({}, { by: anna })).status).toBe(403)
    expect((await change({ upsert: [], remove: [] }, { by: anna })).status).toBe(403)
    expect(await allRows(desk)).toEqual(before)
  })
})

describe('whoever is no agent any more', () => {
  test.each([
    [
      'ceases to be one',
      () => manager.call('DELETE /livechat/users/:type/:_id', { params: { type: 'agent', _id: anna.id } }),
    ],
    [
      'has another role',
      () => manager.call('POST /users.update', { body: { userId: anna.id, data: { roles: ['user'] } } }),
    ],
    ['is removed', () => manager.call('POST /users.delete', { body: { userId: anna.id } })],
  ])('works in no department: who %s', async (_how, leave) => {
    const other = await makeDepartment(desk, { agents: [anna, bert] })
    await leave()
    expect([await numAgents(), await numAgents(other)]).toEqual([0, 1])
    expect(await usernames({}, other)).toEqual(['bert'])
  })

  test('works in none either when somebody adds the agent at that moment', async () => {
    const others = await Promise.all([1, 2, 3, 4, 5].map(() => makeDepartment(desk)))
    await Promise.all([
      ...others.map((_id) => change({ upsert: [named(bert)], remove: [] }, { _id })),
      manager.call('DELETE /livechat/users/:type/:_id', { params: { type: 'agent', _id: bert.id } }),
    ])
    for (const _id of others) expect([await usernames({}, _id), await numAgents(_id)]).toEqual([[], 0])
  })
})

describe('the departments of an agent', () => {
  const save = (agentDepartments: string[], { agentData = {}, agentId = anna.id, by = manager }: { agentData?: object; agentId?: string; by?: Client } = {}) =>
    by.raw('POST /livechat/agents.saveInfo', { body: { agentId, agentData, agentDepartments } }) // prettier-ignore
  const departmentsOf = async (agent: StaffMember, query = {}) =>
    (await anna.call('GET /livechat/agents/:agentId/departments', { params: { agentId: agent.id }, query })).departments

  test('are told with their names, the enabled ones alone if asked', async () => {
    const off = await makeDepartment(desk, { name: 'Zoo', isEnabled: 0 })
    await change({ upsert: [named(anna)], remove: [] }, { _id: off })
    const both = await departmentsOf(anna)
    expect(both).toMatchObject([{ departmentId: id }, { departmentId: off, departmentName: 'Zoo', departmentEnabled: false, username: 'anna', agentId: anna.id }]) // prettier-ignore
    expect(await departmentsOf(anna, { enabledDepartmentsOnly: 'true' })).toEqual([both[0]])
    expect(await departmentsOf(bert)).toEqual([])
    const person = await desk.staff()
    const refused = await person.raw('GET /livechat/agents/:agentId/departments', { params: { agentId: anna.id } })
    expect(refused.status).toBe(403)
  })

  test('become exactly those that are saved; places kept stay as they were', async () => {
    const [second, third] = [await makeDepartment(desk), await makeDepartment(desk)]
    await change({ upsert: [{ ...named(anna), count: 9, order: 2 }], remove: [] }, { _id: second })
    expect(refusal(await save([second, third, third, 'no-such']))).toEqual([200, { success: true }])
    expect(await usernames()).toEqual([])
    expect([await numAgents(), await numAgents(second), await numAgents(third)]).toEqual([0, 1, 1])
    expect((await people({}, second)).agents).toMatchObject([{ count: 9, order: 2 }])
    expect((await people({}, third)).agents).toMatchObject([{ count: 0, order: 0 }])
  })

  test('are shown in the list of agents', async () => {
    const { users } = await manager.call('GET /livechat/users/:type', { params: { type: 'agent' } })
    expect(users.map(({ username, departments }) => [username, departments])).toEqual([
      ['anna', [id]],
      ['bert', []],
    ])
  })

  test('are saved with the agent’s own limit, as it was given, or without one', async () => {
    const limit = async () => {
      const { user } = await manager.call('GET /livechat/users/:type/:_id', { params: { type: 'agent', _id: anna.id } })
      return user?.livechat?.maxNumberSimultaneousChat
    }
    for (const given of ['3', 4]) {
      await save([id], { agentData: { maxNumberSimultaneousChat: given } })
      expect(await limit()).toBe(given)
    }
    await save([id], { agentData: { maxNumberSimultaneousChat: '' } })
    expect(await limit()).toBeUndefined()
  })

  test('are those of agents, and saved by those who manage agents', async () => {
    const person = await desk.staff()
    const before = await allRows(desk)
    for (const agentId of [person.id, 'nobody']) {
      const answer = await save([id], { agentId })
      expect(refusal(answer)).toEqual([400, { success: false, error: 'error-user-is-not-agent' }])
    }
    expect((await save([id], { by: anna })).status).toBe(403)
    expect(errorTypeOf(await manager.raw('POST /livechat/agents.saveInfo', { body: {} }))).toBe('invalid-params')
    expect(await allRows(desk)).toEqual(before)
  })

  test('are right whoever saves at the same moment', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => makeDepartment(desk)))
    await Promise.all([
      ...ids.map((each) => save([each])),
      ...ids.map((_id) => change({ upsert: [named(bert)], remove: [named(anna)] }, { _id })),
      ...ids.map((each) => save([each], { agentId: bert.id })),
    ])
    for (const _id of [id, ...ids]) expect(await numAgents(_id)).toBe((await usernames({}, _id)).length)
    expect((await departmentsOf(anna)).length).toBeLessThanOrEqual(1)
  })
})
