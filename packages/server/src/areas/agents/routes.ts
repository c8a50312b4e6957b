import type { agents } from '@deskbell/contract/areas/agents.ts'
import type { Handlers } from '../../context.ts'
import { readPage } from '../../page.ts'
import { memberToWire } from '../departments/wire.ts'
import { readSettings } from '../settings/settings.ts'
import type { UserColumn } from '../users/users.ts'
import {
  addToLivechat,
  findInLivechat,
  findNextAgent,
  findServingAgent,
  listDepartmentIdsOf,
  listInLivechat,
  listLoad,
  listMembershipsOf,
  removeFromLivechat,
  saveAgentInfo,
  setServiceStatus,
  type LoadColumn,
} from './agents.ts'
import { agentInfoToWire, agentToWire, loadToWire } from './wire.ts'

const columns: Record<string, UserColumn> = {
  _id: 'id',
  name: 'name',
  username: 'username',
  'emails.address': 'email',
  status: 'presence',
  statusLivechat: 'serviceStatus',
}

const loadColumns: Readonly<Record<string, LoadColumn>> = { chats: 'chats', 'user.username': 'username' }

export const agentRoutes: Handlers<typeof agents> = {
  'GET /livechat/agent.info/:rid/:token': async ({ read }, { params }) => ({
    agent: agentInfoToWire(await findServingAgent(read, params.rid, params.token)),
  }),
  'GET /livechat/agent.next/:token': async (context, { params, query }) => {
    const info = await findNextAgent(context, params.token, departmentOf(query.department))
    return { agent: info && agentInfoToWire(info) }
  },
  'POST /livechat/users/:type': async ({ transact }, { params, body, user }) => {
    const { id, username } = await transact((tx) => addToLivechat(tx, user, params.type, body.username))
    return { user: { _id: id, username } }
  },
  'GET /livechat/users/:type': async ({ read }, { params, query, user }) => {
    const page = readPage(query, await readSettings(read), columns, [{ column: 'name', direction: 'asc' }])
    const filter = {
      text: query.text,
      exceptId: query.excludeId,
      presentOnly: query.showIdleAgents === false,
      serviceStatus: query.onlyAvailable === true ? ('available' as const) : undefined,
    }
    const { users, total } = await listInLivechat(read, user, params.type, { filter, page })
    const departments = await listDepartmentIdsOf(
      read,
      users.map(({ id }) => id),
    )
    const shown = users.map((agent) => ({ ...agentToWire(agent), departments: departments.get(agent.id) ?? [] }))
    return { users: shown, count: users.length, offset: page.offset, total }
  },
  'GET /livechat/users/:type/:_id': async ({ read }, { params }) => {
    const agent = await findInLivechat(read, params.type, params._id)
    return { user: agent === undefined ? null : agentToWire(agent) }
  },
  'DELETE /livechat/users/:type/:_id': async ({ transact }, { params, user }) => {
    await transact((tx) => removeFromLivechat(tx, user, params.type, params._id))
    return {}
  },
  'POST /livechat/agent.status': async ({ transact }, { body, user }) => ({
    status: await transact((tx) => setServiceStatus(tx, user, body)),
  }),
  'POST /livechat/agents.saveInfo': async ({ transact }, { body, user }) => {
    const { maxNumberSimultaneousChat: limit } = body.agentData
    // Forms send an empty field for a limit nobody gave.
    const chatLimit = limit === null || limit === '' ? undefined : limit
    await transact((tx) => saveAgentInfo(tx, user, body.agentId, { chatLimit, departmentIds: body.agentDepartments }))
    return {}
  },
  'GET /livechat/agents/:agentId/departments': async ({ read }, { params, query }) => {
    const memberships = await listMembershipsOf(read, params.agentId)
    const shown = query.enabledDepartmentsOnly === true ? memberships.filter(({ isEnabled }) => isEnabled) : memberships
    return { departments: shown.map((each) => ({ ...memberToWire(each), departmentName: each.departmentName })) }
  },
  'GET /livechat/queue': async ({ read, scan }, { query }) => {
    const page = readPage(query, await readSettings(read), loadColumns, [{ column: 'chats', direction: 'desc' }])
    const { agentId, departmentId, includeOfflineAgents } = query
    const chosen = { agentId: orAll(agentId), departmentId: orAll(departmentId) }
    const filter = { ...chosen, availableOnly: includeOfflineAgents !== true }
    const { loads, total } = await listLoad(scan, filter, page)
    return { queue: loads.map(loadToWire), count: loads.length, offset: page.offset, total }
  },
}

/** Consoles send an empty text for all. */
function orAll(id: string | undefined): string | undefined {
  return id === '' ? undefined : id
}

/** Old widgets send the department of a visitor without one as nothing or as the word null (contract A.3). */
function departmentOf(named: string | undefined): string | undefined {
  return named === '' || named === 'null' ? undefined : named
}
