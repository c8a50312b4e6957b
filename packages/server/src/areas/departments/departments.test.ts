import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  configure,
  errorOf,
  errorTypeOf,
  makeDepartment,
  openChat,
  refusal,
  register,
  roomSeenBy,
} from '../../../testing/conversation.ts'
import {
  startTestServer,
  type CallInput,
  type Client,
  type RawAnswer,
  type StaffMember,
  type TestServer,
} from '../../../testing/testing.ts'

let desk: TestServer
let manager: StaffMember
let anna: StaffMember

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'chief', roles: ['user', 'livechat-manager'] })
  anna = await desk.agent({ username: 'anna' })
})
afterEach(() => desk.stop())

const sales = { name: 'Sales', email: 'sales@example.org', enabled: true, showOnRegistration: true, showOnOfflineForm: true } // prettier-ignore
const at = (_id: string) => ({ params: { _id } })

async function create(more: object = {}, agents: object[] = []) {
  return manager.call('POST /livechat/department', { body: { department: { ...sales, ...more }, agents } })
}

function tryCreate(more: object = {}, by: Client = manager): Promise<RawAnswer> {
  return by.raw('POST /livechat/department', { body: { department: { ...sales, ...more } } })
}

function change(_id: string, more: object = {}, { agents, by = manager }: { agents?: object[]; by?: Client } = {}) {
  return by.raw('PUT /livechat/department/:_id', { ...at(_id), body: { department: { ...sales, ...more }, agents } })
}

async function found(_id: string) {
  return (await manager.call('GET /livechat/department/:_id', at(_id))).department
}

/** Gives a permission to these roles alone. */
async function allow(_id: string, ...roles: string[]): Promise<void> {
  const admin = await desk.administrator()
  await admin.call('POST /permissions.update', { body: { permissions: [{ _id, roles }] } })
}

/** Puts a room and its inquiry into a department. */
async function moveTo(departmentId: string, rid: string): Promise<void> {
  await desk.server.context.transact(async (tx) => {
    await tx.run(tx.sql.updateTable('room').set({ departmentId }).where('id', '=', rid))
    await tx.run(tx.sql.updateTable('inquiry').set({ departmentId }).where('roomId', '=', rid))
  })
}

async function refusedUnchanged(attempt: () => Promise<RawAnswer>): Promise<RawAnswer> {
  const before = await allRows(desk)
  const answer = await attempt()
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(await allRows(desk)).toEqual(before)
  return answer
}

describe('creating a department', () => {
  test('answers it with the agents who work in it', async () => {
    const extras = {
      description: 'Sells things',
      requestTagBeforeClosingChat: true,
      chatClosingTags: ['sold', 'not sold'],
      offlineMessageChannelName: 'general',
      allowReceiveForwardOffline: true,
      maxNumberSimultaneousChat: '5',
      visitorInactivityTimeoutInSeconds: 300,
      abandonedRoomsCloseCustomMessage: 'Bye',
      waitingQueueMessage: 'Wait',
    }
    const { department, agents } = await create(extras, [{ agentId: anna.id, order: 2 }])
    expect(department).toEqual({
      ...sales,
      ...extras,
      _id: expect.any(String) as string,
      archived: false,
      numAgents: 1,
      _createdAt: '2026-01-05T10:00:00.000Z',
      _updatedAt: '2026-01-05T10:00:00.000Z',
    })
    expect(agents).toEqual([
      {
        _id: expect.any(String) as string,
        departmentId: department._id,
        agentId: anna.id,
        username: 'anna',
        count: 0,
        order: 2,
        departmentEnabled: true,
        _updatedAt: '2026-01-05T10:00:00.000Z',
      },
    ])
    expect(await found(department._id)).toEqual(department)
  })

  test('leaves out agents nobody knows and people who are no agents, and counts nobody twice', async () => {
    const person = await desk.staff()
    const named = [anna.id, 'nobody', person.id, anna.id].map((agentId) => ({ agentId, username: 'forged' }))
    const { department, agents } = await create({}, named)
    expect(agents.map(({ username }) => username)).toEqual(['anna'])
    expect(department.numAgents).toBe(1)
  })

  test('drops what it does not know, an old console’s unit among it', async () => {
    const answer = await manager.raw('POST /livechat/department', {
      body: { department: { ...sales, ancestors: ['x'], numAgents: 9 }, agents: null, departmentUnit: { _id: 'unit' } },
    })
    expect(answer).toMatchObject({ status: 200, body: { department: { numAgents: 0 }, agents: [] } })
    expect(answer.body.department).not.toHaveProperty('ancestors')
  })

  test('takes an empty choice for none', async () => {
    const { department } = await create({ fallbackForwardDepartment: '', departmentsAllowedToForward: '' })
    expect(department).not.toHaveProperty('fallbackForwardDepartment')
    expect(department.departmentsAllowedToForward).toEqual([])
  })

  test.each([
    [{}, `Match error: Missing key 'department'`],
    [{ department: {} }, `Match error: Missing key 'enabled' in field department`],
    [{ department: { ...sales, name: 7 } }, 'Match error: Expected string, got number in field department.name'],
    [
      { department: { ...sales, enabled: 'yes' } },
      'Match error: Expected boolean, got string in field department.enabled',
    ],
    [{ department: sales, agents: [{}] }, `Match error: Missing key 'agentId' in field agents[0]`],
  ])('refuses a body of another shape: %j', async (body, text) => {
    const answer = await refusedUnchanged(() => manager.raw('POST /livechat/department', { body }))
    expect(refusal(answer)).toEqual([400, { success: false, error: text }])
  })

  test('asks for a closing tag where a tag is asked for', async () => {
    for (const tags of [{}, { chatClosingTags: [] }, { chatClosingTags: null }]) {
      const answer = await refusedUnchanged(() => tryCreate({ requestTagBeforeClosingChat: true, ...tags }))
      expect(errorTypeOf(answer)).toBe('error-validating-department-chat-closing-tags')
    }
    expect((await tryCreate({ requestTagBeforeClosingChat: false })).status).toBe(200)
  })

  test('knows the department it falls back to', async () => {
    const answer = await refusedUnchanged(() => tryCreate({ fallbackForwardDepartment: 'no-such' }))
    expect(errorTypeOf(answer)).toBe('error-fallback-department-not-found')
    const other = await makeDepartment(desk)
    expect((await create({ fallbackForwardDepartment: other })).department.fallbackForwardDepartment).toBe(other)
  })

  test('is for those who manage departments, and may be done any number of times', async () => {
    expect((await refusedUnchanged(() => tryCreate({}, anna))).status).toBe(403)
    const ask = (by: Client) => by.raw('GET /livechat/department/isDepartmentCreationAvailable')
    expect((await ask(manager)).body).toEqual({ isDepartmentCreationAvailable: true, success: true })
    expect((await ask(anna)).status).toBe(403)
  })
})

describe('changing a department', () => {
  test('keeps what is not mentioned and drops what is null', async () => {
    const { department } = await create({
      description: 'Old',
      waitingQueueMessage: 'Wait',
      maxNumberSimultaneousChat: 3,
    })
    desk.clock.advance(1_000)
    const answer = await change(department._id, { name: 'Sales 2', description: null, enabled: false })
    const { description: _description, ...rest } = department
    expect(answer.body.department).toEqual({
      ...rest,
      name: 'Sales 2',
      enabled: false,
      _updatedAt: '2026-01-05T10:00:01.000Z',
    })
  })

  test('adds and changes agents, and removes nobody', async () => {
    const bert = await desk.agent({ username: 'bert' })
    const { department } = await create({}, [{ agentId: anna.id, count: 4, order: 1 }])
    const agents = [{ agentId: bert.id }, { agentId: anna.id, order: 7 }]
    const { body } = await change(department._id, {}, { agents })
    expect(body.department.numAgents).toBe(2)
    expect(body.agents).toMatchObject([
      { username: 'anna', count: 4, order: 7 },
      { username: 'bert', count: 0, order: 0 },
    ])
  })

  test('tells its agents’ places whether it takes chats', async () => {
    const { department } = await create({}, [{ agentId: anna.id }])
    const enabled = async (value: boolean) =>
      (await change(department._id, { enabled: value })).body.agents[0].departmentEnabled as boolean
    expect([await enabled(false), await enabled(true)]).toEqual([false, true])
  })

  test('of one nobody knows is refused', async () => {
    const answer = await refusedUnchanged(() => change('no-such'))
    expect(refusal(answer)).toEqual([
      400,
      {
        success: false,
        error: 'Department not found [error-department-not-found]',
        errorType: 'error-department-not-found',
      },
    ])
  })

  test('needs the permission to manage; with the one for agents alone nothing is saved', async () => {
    const { department } = await create()
    await allow('manage-livechat-departments', 'livechat-manager')
    const monitor = await desk.staff({ roles: ['user', 'livechat-monitor'] })
    const answer = await refusedUnchanged(() => change(department._id, { name: 'New' }, { by: monitor }))
    expect(refusal(answer)).toEqual(bare('error-not-allowed'))
    expect((await refusedUnchanged(() => change(department._id, {}, { by: anna }))).status).toBe(403)
  })

  test('leaves the agents alone for those who may not add any', async () => {
    const { department } = await create()
    await allow('add-livechat-department-agents', 'admin')
    const { body } = await change(department._id, { name: 'New' }, { agents: [{ agentId: anna.id }] })
    expect(body).toMatchObject({ department: { name: 'New', numAgents: 0 }, agents: [] })
  })

  test('asks for a closing tag unless there are some already', async () => {
    const { department: plain } = await create()
    const { department: tagged } = await create({ chatClosingTags: ['done'] })
    const asking = { requestTagBeforeClosingChat: true }
    const answer = await refusedUnchanged(() => change(plain._id, asking))
    expect(errorTypeOf(answer)).toBe('error-validating-department-chat-closing-tags')
    expect((await change(tagged._id, asking)).status).toBe(200)
    expect((await change(tagged._id, { chatClosingTags: [] })).status).toBe(400)
  })

  test('never lets departments fall back in a circle', async () => {
    const [first, second, third] = [await create(), await create(), await create()].map(
      ({ department }) => department._id,
    )
    const fallBack = (from: string, to: string) => change(from, { fallbackForwardDepartment: to })
    expect((await fallBack(first!, second!)).status).toBe(200)
    expect((await fallBack(second!, third!)).status).toBe(200)
    for (const from of [first!, third!]) {
      const answer = await refusedUnchanged(() => fallBack(from, from === third ? first! : from))
      expect(errorTypeOf(answer)).toBe('error-fallback-department-circular')
    }
    expect(errorTypeOf(await fallBack(third!, 'no-such'))).toBe('error-fallback-department-not-found')
    expect((await fallBack(first!, third!)).status).toBe(200)
    expect((await found(first!))?.fallbackForwardDepartment).toBe(third)
  })

  test('never lets them fall back in a circle either when all are changed at once', async () => {
    const ids = await Promise.all([1, 2, 3, 4].map(async () => (await create()).department._id))
    const next = (index: number) => ids[(index + 1) % ids.length]!
    const answers = await Promise.all(ids.map((id, index) => change(id, { fallbackForwardDepartment: next(index) })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 400])
    expect(answers.flatMap((answer) => errorTypeOf(answer) ?? [])).toEqual(['error-fallback-department-circular'])
  })
})

describe('the archive', () => {
  const move = (verb: string, _id: string, by: Client = manager) =>
    by.raw(`POST /livechat/department/:_id/${verb}`, at(_id))

  test('takes a department out of service, in both spellings', async () => {
    const { department } = await create({}, [{ agentId: anna.id }])
    const memberships = async () =>
      (await manager.call('GET /livechat/department/:_id/agents', at(department._id))).agents
    expect(refusal(await move('archive', department._id))).toEqual([200, { success: true }])
    expect(await found(department._id)).toMatchObject({ archived: true, enabled: false, numAgents: 1 })
    expect(await memberships()).toMatchObject([{ departmentEnabled: false }])
    expect(refusal(await move('unarchive', department._id))).toEqual([200, { success: true }])
    expect(await found(department._id)).toMatchObject({ archived: false, enabled: false })
    expect(await memberships()).toMatchObject([{ departmentEnabled: true }])

    expect((await manager.raw('POST /livechat/department/archive/:_id', at(department._id))).status).toBe(200)
    expect(await found(department._id)).toMatchObject({ archived: true })
    expect((await manager.raw('POST /livechat/department/unarchive/:_id', at(department._id))).status).toBe(200)
    expect(await found(department._id)).toMatchObject({ archived: false })
  })

  test('keeps a department disabled until it is taken out', async () => {
    const { department } = await create()
    await move('archive', department._id)
    const answer = await refusedUnchanged(() => change(department._id))
    expect(errorTypeOf(answer)).toBe('error-archived-department-cant-be-enabled')
    expect((await change(department._id, { enabled: false, name: 'Old sales' })).status).toBe(200)
    await move('unarchive', department._id)
    expect((await change(department._id)).body.department.enabled).toBe(true)
  })

  test('is listed by itself', async () => {
    await create({ name: 'Here' })
    const { department } = await create({ name: 'Gone' })
    await move('archive', department._id)
    const names = async (key: 'GET /livechat/department' | 'GET /livechat/departments/archived', query = {}) =>
      (await anna.call(key, { query })).departments.map(({ name }) => name)
    expect(await names('GET /livechat/department')).toEqual(['Here'])
    expect(await names('GET /livechat/department', { showArchived: 'true' })).toEqual(['Gone', 'Here'])
    expect(await names('GET /livechat/departments/archived')).toEqual(['Gone'])
    expect(await names('GET /livechat/departments/archived', { text: 'here' })).toEqual([])
  })

  test('knows the department, and who may', async () => {
    expect(refusal(await refusedUnchanged(() => move('archive', 'no-such')))).toEqual(bare('department-not-found'))
    const answer = await refusedUnchanged(() => move('unarchive', 'no-such'))
    expect([answer.status, errorTypeOf(answer)]).toEqual([400, 'department-not-found'])
    const { department } = await create()
    for (const verb of ['archive', 'unarchive'])
      expect((await refusedUnchanged(() => move(verb, department._id, anna))).status).toBe(403)
  })
})

describe('removing a department', () => {
  const remove = (_id: string, by: Client = manager) => by.raw('DELETE /livechat/department/:_id', at(_id))

  test('leaves nothing behind that names it, and what it was part of', async () => {
    const { department } = await create({}, [{ agentId: anna.id }])
    const { _id } = department
    const { department: kept } = await create({ departmentsAllowedToForward: ['other', _id], fallbackForwardDepartment: _id }, [{ agentId: anna.id }]) // prettier-ignore
    const open = await openChat(desk, { department: _id })
    const closed = await openChat(desk)
    await moveTo(_id, open.rid)
    await moveTo(_id, closed.rid)
    await desk.anyone.call('POST /livechat/room.close', { body: { rid: closed.rid, token: closed.token } })

    expect(refusal(await remove(_id))).toEqual([200, { success: true }])
    expect(await roomSeenBy(manager, open.rid)).not.toHaveProperty('departmentId')
    await desk.server.worker.drain()
    expect(JSON.stringify([...(await allRows(desk))].filter(([table]) => table !== 'job'))).not.toContain(_id)
    expect(await found(_id)).toBeNull()
    expect(await found(kept._id)).toMatchObject({ departmentsAllowedToForward: ['other'], numAgents: 1 })
    expect(await found(kept._id)).not.toHaveProperty('fallbackForwardDepartment')
    expect(await roomSeenBy(manager, closed.rid)).not.toHaveProperty('departmentId')
    const { inquiry } = await manager.call('GET /livechat/inquiries.getOne', { query: { roomId: open.rid } })
    expect(inquiry).not.toHaveProperty('department')
  })

  test('forgets later whoever named it at that moment', async () => {
    const { department } = await create()
    const visitor = await register(desk)
    await remove(department._id)
    await desk.server.worker.drain()
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('visitor').set({ departmentId: department._id }).where('id', '=', visitor.id)),
    )
    desk.clock.advance(10_000)
    await desk.server.worker.drain()
    const seen = await desk.anyone.call('GET /livechat/visitor/:token', { params: { token: visitor.token } })
    expect(seen.visitor).not.toHaveProperty('department')
  })

  test('knows the department, and who may', async () => {
    expect(refusal(await refusedUnchanged(() => remove('no-such')))).toEqual(bare('error-department-not-found'))
    const { department } = await create()
    expect((await refusedUnchanged(() => remove(department._id, anna))).status).toBe(403)
  })
})

describe('the list of departments', () => {
  const list = (by: Client, query: Record<string, string> = {}) => by.call('GET /livechat/department', { query })
  const names = async (query: Record<string, string> = {}, by: Client = anna) =>
    (await list(by, query)).departments.map(({ name }) => name)

  beforeEach(async () => {
    for (const name of ['a test', 'A test', '50% off_', 'Émile']) await makeDepartment(desk, { name })
    await makeDepartment(desk, { name: 'Off', isEnabled: 0, agents: [anna] })
  })

  test('is sorted by name, byte by byte, and comes in pages', async () => {
    expect(await names()).toEqual(['50% off_', 'A test', 'Off', 'a test', 'Émile'])
    const page = await list(anna, { count: '2', offset: '1', sort: '{"name":-1}' })
    expect(page).toMatchObject({ count: 2, offset: 1, total: 5, departments: [{ name: 'a test' }, { name: 'Off' }] })
    expect((await names({ sort: '{"numAgents":-1}' }))[0]).toBe('Off')
    expect(errorTypeOf(await anna.raw('GET /livechat/department', { query: { count: 'x' } }))).toBe('invalid-params')
  })

  test('is searched by a part of the name, in which no sign means anything but itself', async () => {
    expect(await names({ text: 'éMIL' })).toEqual(['Émile'])
    expect(await names({ text: 'TEST' })).toEqual(['A test', 'a test'])
    expect(await names({ text: '%' })).toEqual(['50% off_'])
    expect(await names({ text: '_' })).toEqual(['50% off_'])
    for (const text of ['!', '\\', "' or 1=1 --"]) expect(await names({ text }), text).toEqual([])
  })

  test('leaves out those that are disabled, and one that is named, if asked', async () => {
    expect(await names({ enabled: 'true' })).not.toContain('Off')
    expect(await names({ enabled: 'false' })).toContain('Off')
    const id = (await list(anna, { text: 'Émile' })).departments[0]!._id
    expect(await names({ excludeDepartmentId: id })).not.toContain('Émile')
  })

  test('is an agent’s own if the agent wishes; those who see to all see all', async () => {
    expect(await names({ onlyMyDepartments: 'true' })).toEqual(['Off'])
    expect(await names({ onlyMyDepartments: 'false' })).toHaveLength(5)
    expect(await names({ onlyMyDepartments: 'true' }, manager)).toHaveLength(5)
  })

  test('is for agents and those above them', async () => {
    const person = await desk.staff()
    for (const key of [
      'GET /livechat/department',
      'GET /livechat/departments/archived',
      'GET /livechat/department/:_id',
      'GET /livechat/department.autocomplete',
      'GET /livechat/department.listByIds',
      'GET /livechat/department/:_id/agents',
    ])
      // prettier-ignore
      expect((await person.raw(key, at('x'))).status, key).toBe(403)
  })
})

describe('one department', () => {
  const one = (_id: string, query: Record<string, string> = {}, by: Client = manager) =>
    by.call('GET /livechat/department/:_id', { ...at(_id), query })

  test('names its agents to those who see to departments, unless they do not ask', async () => {
    const id = await makeDepartment(desk, { agents: [anna] })
    for (const query of [{}, { includeAgents: 'true' }])
      expect((await one(id, query)).agents).toMatchObject([{ agentId: anna.id }])
    for (const includeAgents of ['false', '', 'yes'])
      expect(await one(id, { includeAgents })).not.toHaveProperty('agents')
    expect(await one(id, {}, anna)).not.toHaveProperty('agents')
  })

  test('is nothing where there is none, or where it is not among the agent’s own', async () => {
    const id = await makeDepartment(desk)
    expect(await one('no-such')).toEqual({ department: null, agents: [], success: true })
    expect((await one(id, { onlyMyDepartments: 'true' }, anna)).department).toBeNull()
    expect((await one(id, { onlyMyDepartments: 'true' })).department?._id).toBe(id)
  })
})

describe('departments by what somebody types', () => {
  const complete = (selector: string | undefined, query: Record<string, string> = {}, by: Client = manager) =>
    by.raw('GET /livechat/department.autocomplete', {
      query: { ...(selector !== undefined && { selector }), ...query },
    })
  const names = async (selector: object, query = {}, by: Client = manager) =>
    ((await complete(JSON.stringify(selector), query, by)).body.items as { name: string }[]).map(({ name }) => name)

  test('begin so, whatever the case, and whatever other database the conditions are for', async () => {
    const first = await makeDepartment(desk, { name: 'Sales North' })
    await makeDepartment(desk, { name: 'sales south', agents: [anna] })
    await makeDepartment(desk, { name: 'After sales' })
    await makeDepartment(desk, { name: 'Sales of old', isEnabled: 0, archivedAt: '2026-01-01T00:00:00.000Z' })
    expect((await complete('{"term":"sales n"}')).body).toEqual({
      items: [{ _id: first, name: 'Sales North' }],
      success: true,
    })
    expect(await names({})).toEqual(['After sales', 'Sales North', 'sales south'])
    expect(await names({ term: 'SALES' })).toEqual(['Sales North', 'sales south'])
    expect(await names({ term: '%' })).toEqual([])
    expect(await names({ term: 'sales', exceptions: [first, 7] })).toEqual(['sales south'])
    expect(await names({ term: { $ne: '' }, conditions: { $where: 'sleep(9)' } })).toHaveLength(3)
    expect(await names({ term: 'sales' }, { showArchived: 'true' })).toContain('Sales of old')
    expect(await names({}, { onlyMyDepartments: 'true' }, anna)).toEqual(['sales south'])
  })

  test('are found with a readable selector only', async () => {
    for (const answer of [
      await complete(undefined),
      await complete(''),
      await complete(undefined, { 'selector[x]': 'y' }),
    ])
      expect(refusal(answer)).toEqual([400, { success: false, error: "The 'selector' param is required" }])
    for (const selector of ['{', 'null', '"x"']) {
      const answer = await complete(selector)
      expect([answer.status, errorOf(answer)]).toEqual([400, 'The selector is not a JSON object'])
    }
  })
})

describe('departments by their ids', () => {
  const byIds = (query: CallInput['query']) => manager.raw('GET /livechat/department.listByIds', { query: query! })

  test('are those that exist', async () => {
    const ids = [await makeDepartment(desk, { name: 'One' }), await makeDepartment(desk, { name: 'Two' }), 'no-such']
    const { body } = await byIds({ 'ids[]': ids, fields: '{"name":1}' })
    expect((body.departments as { name: string }[]).map(({ name }) => name)).toEqual(['One', 'Two'])
    expect((await byIds({ 'ids[]': 'no-such' })).body.departments).toEqual([])
  })

  test('need a list of ids', async () => {
    expect(refusal(await byIds({}))).toEqual([400, { success: false, error: "The 'ids' param is required" }])
    expect(refusal(await byIds({ ids: 'x' }))).toEqual([
      400,
      { success: false, error: "The 'ids' param must be an array" },
    ])
  })
})

describe('the departments that a widget is told', () => {
  test('take chats and have agents; their addresses and agents stay here', async () => {
    const other = await makeDepartment(desk, { name: 'Zoo', agents: [anna] })
    const forwardsTo = { departmentsAllowedToForward: [other] }
    const { department } = await create({ showOnOfflineForm: false, ...forwardsTo }, [{ agentId: anna.id }])
    await makeDepartment(desk, { name: 'Empty' })
    await makeDepartment(desk, { name: 'Off', isEnabled: 0, agents: [anna] })
    await makeDepartment(desk, { name: 'Archived', archivedAt: '2026-01-01T00:00:00.000Z', agents: [anna] })
    const { config } = await desk.anyone.call('GET /livechat/config')
    expect(config.departments).toEqual([
      { _id: department._id, name: 'Sales', showOnRegistration: true, showOnOfflineForm: false, ...forwardsTo },
      { _id: other, name: 'Zoo', showOnRegistration: true, showOnOfflineForm: true },
    ])
  })
})

describe('chats that wait', () => {
  test('are offered again when a department, its agents or an agent’s limit change', async () => {
    const jobs = async () => {
      const { read } = desk.server.context
      return (await read.all(read.sql.selectFrom('job').select('uniqueKey'))).map(({ uniqueKey }) => uniqueKey)
    }
    const { department } = await create()
    const params = at(department._id).params
    const changes: (() => Promise<RawAnswer>)[] = [
      () => tryCreate(),
      () => change(department._id, { maxNumberSimultaneousChat: 9 }),
      () => manager.raw('POST /livechat/department/:_id/agents', { params, body: { upsert: [{ agentId: anna.id, username: 'anna' }], remove: [] } }), // prettier-ignore
      () => manager.raw('POST /livechat/agents.saveInfo', { body: { agentId: anna.id, agentData: {}, agentDepartments: [] } }), // prettier-ignore
      () => manager.raw('POST /livechat/department/:_id/archive', { params }),
      () => manager.raw('POST /livechat/department/:_id/unarchive', { params }),
      () => manager.raw('DELETE /livechat/department/:_id', { params }),
    ]
    for (const [index, work] of changes.entries()) {
      await desk.server.worker.drain()
      expect(await jobs()).not.toContain('offer-after-department')
      expect((await work()).status).toBe(200)
      expect(await jobs(), `change ${String(index)}`).toContain('offer-after-department')
    }
  })

  test('are given to an agent whose own limit is raised', async () => {
    await configure(desk, { Livechat_waiting_queue: true })
    const limit = (maxNumberSimultaneousChat: number) =>
      manager.call('POST /livechat/agents.saveInfo', {
        body: { agentId: anna.id, agentData: { maxNumberSimultaneousChat }, agentDepartments: [] },
      })
    await limit(1)
    await openChat(desk)
    const second = await openChat(desk)
    expect(second.room).not.toHaveProperty('servedBy')
    await limit(2)
    expect((await roomSeenBy(manager, second.rid)).servedBy?._id).toBe(anna.id)
  })
})
