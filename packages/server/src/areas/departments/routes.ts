import type { Static } from 'typebox'
import type { departments } from '@deskbell/contract/areas/departments.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers, SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { mostRows, readPage, type PageQuery } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import {
  archiveDepartment,
  changeDepartment,
  changeMembers,
  createDepartment,
  listDepartments,
  listMembers,
  removeDepartment,
  unarchiveDepartment,
  type DepartmentColumn,
  type DepartmentDraft,
  type DepartmentFilter,
  type MemberColumn,
  type MemberDraft,
} from './departments.ts'
import { departmentToWire, memberToWire } from './wire.ts'

const columns: Readonly<Record<string, DepartmentColumn>> = {
  _id: 'id',
  name: 'name',
  enabled: 'isEnabled',
  numAgents: 'agentCount',
  _createdAt: 'createdAt',
  _updatedAt: 'updatedAt',
}
const memberColumns: Readonly<Record<string, MemberColumn>> = {
  username: 'username',
  count: 'rotation',
  order: 'position',
}
const byName = [{ column: 'name', direction: 'asc' }] as const
const byUsername = [{ column: 'username', direction: 'asc' }] as const

export const departmentRoutes: Handlers<typeof departments> = {
  'GET /livechat/department': ({ read }, { query, user }) =>
    listPage(read, query, { ...filterOf(query, user), isArchived: query.showArchived === true ? undefined : false }),
  'GET /livechat/departments/archived': ({ read }, { query, user }) =>
    listPage(read, query, { ...filterOf(query, user), isArchived: true }),
  'POST /livechat/department': async ({ transact, read }, { body }) => {
    const agents = (body.agents ?? []).map(draftOfMember)
    const department = await transact((tx) => createDepartment(tx, draftOf(body.department), agents))
    return { department: departmentToWire(department), agents: await agentsOf(read, department.id) }
  },
  'GET /livechat/department/isDepartmentCreationAvailable': () =>
    Promise.resolve({ isDepartmentCreationAvailable: true }),
  'GET /livechat/department/:_id': async ({ read }, { params, query, user }) => {
    const filter = { ids: [params._id], ofAgentId: agentToLimitTo(query, user) }
    const [department] = (await listDepartments(read, filter, { offset: 0, limit: 1, order: [] })).departments
    const hasAgents = (query.includeAgents ?? 'true') === 'true' && user.can('view-livechat-departments')
    return {
      department: department === undefined ? null : departmentToWire(department),
      agents: hasAgents ? await agentsOf(read, department?.id ?? '') : undefined,
    }
  },
  'PUT /livechat/department/:_id': async ({ transact, read }, { params, body, user }) => {
    if (!user.can('manage-livechat-departments')) throw new ApiError('error-not-allowed')
    const agents = user.can('add-livechat-department-agents') ? (body.agents ?? []).map(draftOfMember) : []
    const department = await transact((tx) => changeDepartment(tx, params._id, draftOf(body.department), agents))
    return { department: departmentToWire(department), agents: await agentsOf(read, department.id) }
  },
  'DELETE /livechat/department/:_id': async ({ transact }, { params }) => {
    await transact((tx) => removeDepartment(tx, params._id))
    return {}
  },
  'POST /livechat/department/:_id/archive': async ({ transact }, { params }) => {
    await transact((tx) => archiveDepartment(tx, params._id))
    return {}
  },
  'POST /livechat/department/:_id/unarchive': async ({ transact }, { params }) => {
    await transact((tx) => unarchiveDepartment(tx, params._id))
    return {}
  },
  'GET /livechat/department.autocomplete': async ({ read }, { query, user }) => {
    const { term, exceptions } = readSelector(query.selector)
    const filter = {
      prefix: term,
      exceptIds: exceptions,
      ofAgentId: agentToLimitTo(query, user),
      isArchived: query.showArchived === true ? undefined : false,
    }
    const page = { offset: 0, limit: mostRows(await readSettings(read)), order: byName }
    const { departments: found } = await listDepartments(read, filter, page)
    return { items: found.map(({ id, name }) => ({ _id: id, name })) }
  },
  'GET /livechat/department.listByIds': async ({ read }, { query }) => {
    const page = readPage({ fields: query.fields, count: 0 }, await readSettings(read), columns, byName)
    const { departments: found } = await listDepartments(read, { ids: readIds(query.ids, page.limit) }, page)
    return { departments: found.map(departmentToWire) }
  },
  'GET /livechat/department/:_id/agents': async ({ read }, { params, query }) => {
    const page = readPage(query, await readSettings(read), memberColumns, byUsername)
    const { members, total } = await listMembers(read, params._id, page)
    return { agents: members.map(memberToWire), count: members.length, offset: page.offset, total }
  },
  'POST /livechat/department/:_id/agents': async ({ transact }, { params, body }) => {
    const change = { upsert: body.upsert.map(draftOfMember), remove: body.remove.map(({ agentId }) => agentId) }
    await transact((tx) => changeMembers(tx, params._id, change))
    return {}
  },
}

async function listPage(reader: Reader, query: PageQuery, filter: DepartmentFilter) {
  const page = readPage(query, await readSettings(reader), columns, byName)
  const { departments: found, total } = await listDepartments(reader, filter, page)
  return { departments: found.map(departmentToWire), count: found.length, offset: page.offset, total }
}

interface ListQuery {
  text?: string
  enabled?: boolean
  onlyMyDepartments?: boolean
  excludeDepartmentId?: string
}

function filterOf(query: ListQuery, user: SignedIn): DepartmentFilter {
  return {
    text: query.text,
    enabledOnly: query.enabled,
    exceptIds: query.excludeDepartmentId === undefined ? [] : [query.excludeDepartmentId],
    ofAgentId: agentToLimitTo(query, user),
  }
}

/** Every department is one of those that a supervisor sees to, so `onlyMyDepartments` limits agents alone. */
function agentToLimitTo({ onlyMyDepartments }: { onlyMyDepartments?: boolean }, user: SignedIn): string | undefined {
  return onlyMyDepartments === true && !user.can('view-livechat-departments') ? user.id : undefined
}

/** The documents of POST and PUT name all agents at once; the paged list has whoever would be left out of these. */
const MOST_AGENTS = 1_000

async function agentsOf(reader: Reader, departmentId: string) {
  const { members } = await listMembers(reader, departmentId, { offset: 0, limit: MOST_AGENTS, order: byUsername })
  return members.map(memberToWire)
}

type Body = Static<(typeof departments)['POST /livechat/department']['body']>

function draftOf(given: Body['department']): DepartmentDraft {
  const { fallbackForwardDepartment: fallback, departmentsAllowedToForward: forwardsTo } = given
  return {
    name: given.name,
    email: given.email,
    isEnabled: given.enabled,
    showOnRegistration: given.showOnRegistration,
    showOnOfflineForm: given.showOnOfflineForm,
    description: given.description,
    asksForTags: given.requestTagBeforeClosingChat,
    closingTags: given.chatClosingTags,
    offlineChannel: given.offlineMessageChannelName,
    // Forms send an empty field for a choice nobody made.
    fallbackId: fallback === '' ? null : fallback,
    forwardsTo: forwardsTo === '' ? [] : forwardsTo,
    receivesWhileOffline: given.allowReceiveForwardOffline,
    chatLimit: given.maxNumberSimultaneousChat,
    inactivityTimeout: given.visitorInactivityTimeoutInSeconds,
    abandonedMessage: given.abandonedRoomsCloseCustomMessage,
    waitingMessage: given.waitingQueueMessage,
  }
}

function draftOfMember({ agentId, count, order }: { agentId: string; count?: number; order?: number }): MemberDraft {
  return { agentId, rotation: count, position: order }
}

/** What a console asks for while somebody types. Its `conditions` are written for another database: they select nothing. */
function readSelector(selector: string | undefined): { term: string; exceptions: string[] } {
  if (selector === undefined || selector === '') throw new ApiError('selector-required')
  const { term, exceptions } = parsedObject(selector)
  return {
    term: typeof term === 'string' ? term : '',
    exceptions: Array.isArray(exceptions) ? exceptions.filter((id) => typeof id === 'string') : [],
  }
}

function parsedObject(text: string): { term?: unknown; exceptions?: unknown } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ApiError('selector-unreadable', { cause })
  }
  if (typeof value !== 'object' || value === null) throw new ApiError('selector-unreadable')
  return value
}

function readIds(ids: unknown, most: number): string[] {
  if (ids === undefined || ids === '') throw new ApiError('ids-required')
  if (!Array.isArray(ids)) throw new ApiError('ids-not-a-list')
  return ids.filter((id) => typeof id === 'string').slice(0, most)
}
