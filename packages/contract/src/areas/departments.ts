import { Type as t } from 'typebox'
import { Id, Maybe, Nothing, pageAnswer, pageQuery } from '../entities/basics.ts'
import { Department, DepartmentAgent } from '../entities/department.ts'
import { operations } from '../operation.ts'

const Text = t.String({ maxLength: 5_000 })
const Tag = t.String({ minLength: 1, maxLength: 256 })
const Selector = t.Optional(t.String({ maxLength: 10_000, description: 'JSON: `{"term"?, "exceptions"?: [id]}`' }))
const OnlyMine = t.Optional(
  t.Boolean({
    description: 'Those the caller works in; holders of `view-livechat-departments` see to all of them',
  }),
)

const NumberOrText = Maybe(t.Union([t.Number({ minimum: 0, maximum: 1e9 }), t.String({ maxLength: 32 })]))
const Count = t.Optional(t.Integer({ minimum: 0, maximum: 1e9 }))

/** An agent as callers name one; the rest is read from the account. */
const AgentGiven = { agentId: Id, count: Count, order: Count }

const body = t.Object({
  department: t.Object({
    enabled: t.Boolean(),
    name: t.String({ minLength: 1, maxLength: 256 }),
    email: t.String({ maxLength: 320 }),
    showOnRegistration: t.Boolean(),
    showOnOfflineForm: t.Boolean(),
    description: Maybe(Text),
    requestTagBeforeClosingChat: Maybe(t.Boolean()),
    chatClosingTags: Maybe(t.Array(Tag, { maxItems: 100 })),
    offlineMessageChannelName: Maybe(t.String({ maxLength: 256 })),
    fallbackForwardDepartment: Maybe(t.String({ maxLength: 256 })),
    departmentsAllowedToForward: Maybe(
      t.Union([t.Array(Id, { maxItems: 500 }), t.Literal('', { description: 'The same as an empty list' })]),
    ),
    allowReceiveForwardOffline: Maybe(t.Boolean()),
    maxNumberSimultaneousChat: NumberOrText,
    visitorInactivityTimeoutInSeconds: NumberOrText,
    abandonedRoomsCloseCustomMessage: Maybe(Text),
    waitingQueueMessage: Maybe(Text),
  }),
  agents: Maybe(t.Array(t.Object(AgentGiven), { maxItems: 500 })),
})
const saved = t.Object({ department: Department, agents: t.Array(DepartmentAgent) })
const readers = { anyOf: ['view-livechat-departments', 'view-l-room'] } as const

const listQuery = {
  ...pageQuery,
  text: t.Optional(t.String({ maxLength: 256, description: 'Part of the name, whatever its case' })),
  enabled: t.Optional(t.Boolean({ description: '`true` leaves out those that are disabled' })),
  onlyMyDepartments: OnlyMine,
  excludeDepartmentId: t.Optional(t.String({ maxLength: 256 })),
}

export const departments = operations('Departments', {
  'GET /livechat/department': {
    summary: 'Departments, a page at a time',
    caller: readers,
    limit: 'staff',
    query: t.Object({ ...listQuery, showArchived: t.Optional(t.Boolean()) }),
    returns: t.Object({ departments: t.Array(Department), ...pageAnswer }),
    errors: {},
  },
  'GET /livechat/departments/archived': {
    summary: 'Archived departments, a page at a time',
    caller: readers,
    limit: 'staff',
    query: t.Object(listQuery),
    returns: t.Object({ departments: t.Array(Department), ...pageAnswer }),
    errors: {},
  },
  'POST /livechat/department': {
    summary: 'Create a department',
    description: 'People who are no agents are left out of `agents`. Business units do not exist: a unit is ignored.',
    caller: { permission: 'manage-livechat-departments' },
    limit: 'staff',
    validation: 'match',
    body,
    returns: saved,
    errors: {
      'error-validating-department-chat-closing-tags': 'withCode',
      'error-fallback-department-not-found': 'withCode',
    },
  },
  'GET /livechat/department/isDepartmentCreationAvailable': {
    summary: 'Whether another department may be created; always',
    caller: { anyOf: ['view-livechat-departments', 'manage-livechat-departments'] },
    limit: 'staff',
    returns: t.Object({ isDepartmentCreationAvailable: t.Literal(true) }),
    errors: {},
  },
  'GET /livechat/department/:_id': {
    summary: 'One department, with its agents',
    description: '`null` for an unknown id. Agents are told to holders of `view-livechat-departments`.',
    caller: readers,
    limit: 'staff',
    params: t.Object({ _id: Id }),
    query: t.Object({
      includeAgents: t.Optional(t.String({ maxLength: 256, description: 'Anything but `true` leaves the agents out' })),
      onlyMyDepartments: OnlyMine,
    }),
    returns: t.Object({
      department: t.Union([Department, t.Null()]),
      agents: t.Optional(t.Array(DepartmentAgent)),
    }),
    errors: {},
  },
  'PUT /livechat/department/:_id': {
    summary: 'Change a department',
    description:
      'Absent keys stay as they are, null ones go. Needs `manage-livechat-departments`; `agents` are added or changed for ' +
      'holders of `add-livechat-department-agents`, and nobody is removed.',
    caller: { anyOf: ['manage-livechat-departments', 'add-livechat-department-agents'] },
    limit: 'staff',
    validation: 'match',
    params: t.Object({ _id: Id }),
    body,
    returns: saved,
    errors: {
      'error-not-allowed': 'bare',
      'error-department-not-found': 'withCode',
      'error-archived-department-cant-be-enabled': 'withCode',
      'error-validating-department-chat-closing-tags': 'withCode',
      'error-fallback-department-circular': 'withCode',
      'error-fallback-department-not-found': 'withCode',
    },
  },
  'DELETE /livechat/department/:_id': {
    summary: 'Remove a department',
    description: 'Its rooms stay, and belong to no department.',
    caller: { anyOf: ['manage-livechat-departments', 'remove-livechat-department'] },
    limit: 'staff',
    params: t.Object({ _id: Id }),
    returns: Nothing,
    errors: { 'error-department-not-found': 'bare' },
  },
  'POST /livechat/department/:_id/archive': {
    summary: 'Archive a department: it takes no chats, and is hidden',
    aliases: ['POST /livechat/department/archive/:_id'],
    caller: { permission: 'manage-livechat-departments' },
    limit: 'staff',
    params: t.Object({ _id: Id }),
    returns: Nothing,
    errors: { 'department-not-found': 'bare' },
  },
  'POST /livechat/department/:_id/unarchive': {
    summary: 'Take a department out of the archive; it stays disabled',
    aliases: ['POST /livechat/department/unarchive/:_id'],
    caller: { permission: 'manage-livechat-departments' },
    limit: 'staff',
    params: t.Object({ _id: Id }),
    returns: Nothing,
    errors: { 'department-not-found': 'withCode' },
  },
  'GET /livechat/department.autocomplete': {
    summary: 'Departments whose names begin so',
    description: 'Without a `term` all of them, up to the longest page of a list.',
    caller: readers,
    limit: 'staff',
    query: t.Object({
      selector: Selector,
      onlyMyDepartments: OnlyMine,
      showArchived: t.Optional(t.Boolean()),
    }),
    returns: t.Object({ items: t.Array(t.Object({ _id: t.String(), name: t.String() })) }),
    errors: { 'selector-required': 'text', 'selector-unreadable': 'text' },
  },
  'GET /livechat/department.listByIds': {
    summary: 'Departments by their ids',
    description: 'Unknown ids are left out, and those past the longest page of a list.',
    caller: readers,
    limit: 'staff',
    query: t.Object({ ids: t.Optional(t.Unknown({ description: '`ids[]=…`' })), fields: pageQuery.fields }),
    returns: t.Object({ departments: t.Array(Department) }),
    errors: { 'ids-required': 'text', 'ids-not-a-list': 'text' },
  },
  'GET /livechat/department/:_id/agents': {
    summary: 'The agents of a department, a page at a time',
    caller: readers,
    limit: 'staff',
    params: t.Object({ _id: Id }),
    query: t.Object(pageQuery),
    returns: t.Object({ agents: t.Array(DepartmentAgent), ...pageAnswer }),
    errors: {},
  },
  'POST /livechat/department/:_id/agents': {
    summary: 'Add, change and remove agents of a department',
    description: 'People who are no agents are left out. Whoever is in both lists stays.',
    caller: { anyOf: ['manage-livechat-departments', 'add-livechat-department-agents'] },
    limit: 'staff',
    validation: 'match',
    params: t.Object({ _id: Id }),
    body: t.Object({
      upsert: t.Array(t.Object({ ...AgentGiven, username: t.String({ maxLength: 256 }) }), { maxItems: 500 }),
      remove: t.Array(t.Object({ agentId: Id }), { maxItems: 500 }),
    }),
    returns: Nothing,
    errors: { 'error-department-not-found': 'withCode' },
  },
})
