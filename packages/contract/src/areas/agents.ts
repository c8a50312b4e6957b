import { Type as t } from 'typebox'
import { Id, Maybe, Nothing, pageAnswer, pageQuery, Token } from '../entities/basics.ts'
import { DepartmentAgent } from '../entities/department.ts'
import { Agent } from '../entities/user.ts'
import { AgentInfo } from '../entities/visitor.ts'
import { operations } from '../operation.ts'

const Type = t.String({ maxLength: 256, description: '`agent` or `manager`' })
const ServiceStatus = t.Enum(['available', 'not-available'])

export const agents = operations('Agents', {
  'GET /livechat/agent.info/:rid/:token': {
    summary: 'Who serves a room, for its visitor',
    description: 'Only `hiddenInfo` while `Livechat_show_agent_info` is off.',
    caller: 'anyone',
    limit: 'read',
    params: t.Object({ rid: Id, token: Token }),
    returns: t.Object({ agent: AgentInfo }),
    errors: { 'invalid-token': 'bare', 'invalid-room': 'bare', 'invalid-agent': 'bare' },
  },
  'GET /livechat/agent.next/:token': {
    summary: 'Who would be asked to serve next',
    description: 'No `agent` where the visitor has an open room. Asking changes nothing.',
    caller: 'anyone',
    limit: 'lookup',
    params: t.Object({ token: Token }),
    query: t.Object({ department: t.Optional(t.String({ maxLength: 256 })) }),
    returns: t.Object({ agent: t.Optional(AgentInfo) }),
    errors: { 'agent-not-found': 'bare', 'no-agent-online': 'withCode' },
  },
  'POST /livechat/users/:type': {
    summary: 'Make somebody an agent or a manager',
    description:
      'Needs `manage-livechat-agents` or `manage-livechat-managers` as well. Adding an agent again switches the agent on.',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    params: t.Object({ type: Type }),
    body: t.Object({ username: t.String({ maxLength: 256 }) }),
    returns: t.Object({ user: t.Object({ _id: t.String(), username: t.String() }) }),
    errors: { 'invalid-type': 'text', unauthorized: 'forbidden', 'error-invalid-user': 'withCode' },
  },
  'GET /livechat/users/:type': {
    summary: 'Agents or managers, a page at a time',
    description:
      'Agents need `transfer-livechat-guest` or `edit-omnichannel-contact`, managers `view-livechat-manager`. ' +
      '`onlyAvailable`, `excludeId` and `showIdleAgents` select among agents.',
    caller: 'user',
    limit: 'staff',
    params: t.Object({ type: Type }),
    query: t.Object({
      ...pageQuery,
      text: t.Optional(t.String({ maxLength: 256 })),
      onlyAvailable: t.Optional(t.Boolean()),
      excludeId: t.Optional(t.String({ maxLength: 256 })),
      showIdleAgents: t.Optional(t.Boolean({ description: '`false` hides people who are offline' })),
    }),
    returns: t.Object({ users: t.Array(Agent), ...pageAnswer }),
    errors: {
      'invalid-type': 'text',
      unauthorized: 'forbidden',
      'error-invalid-sort': 'withCode',
      'error-invalid-fields': 'withCode',
      'error-invalid-query': 'withCode',
    },
  },
  'GET /livechat/users/:type/:_id': {
    summary: 'One agent or manager',
    description: '`null` for somebody without the role.',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    params: t.Object({ type: Type, _id: Id }),
    returns: t.Object({ user: t.Union([Agent, t.Null()]) }),
    errors: { 'user-not-found': 'text', 'invalid-type': 'text' },
  },
  'DELETE /livechat/users/:type/:_id': {
    summary: 'Take the role of an agent or a manager away',
    description:
      'Needs `manage-livechat-agents` or `manage-livechat-managers` as well. Open chats stay with the person.',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    params: t.Object({ type: Type, _id: Id }),
    returns: Nothing,
    errors: { 'user-not-found': 'empty', 'invalid-type': 'text', unauthorized: 'forbidden' },
  },
  'POST /livechat/agent.status': {
    summary: 'Turn the service switch of an agent',
    description: 'Without `status` it is turned over. The switch of another agent needs `manage-livechat-agents`.',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    body: t.Object({ status: t.Optional(ServiceStatus), agentId: t.Optional(Id) }),
    returns: t.Object({ status: ServiceStatus }),
    errors: { 'agent-unknown': 'notFound', 'error-user-deactivated': 'bare', unauthorized: 'forbidden' },
  },
  'POST /livechat/agents.saveInfo': {
    summary: 'Set the chat limit of an agent and the departments the agent works in',
    description: 'The agent works in exactly these departments then; unknown ones are left out.',
    caller: { permission: 'manage-livechat-agents' },
    limit: 'staff',
    body: t.Object({
      agentId: Id,
      agentData: t.Object({
        maxNumberSimultaneousChat: Maybe(
          t.Union([t.Number({ minimum: 0, maximum: 1e9 }), t.String({ maxLength: 32 })]),
        ),
      }),
      agentDepartments: t.Array(Id, { maxItems: 500 }),
    }),
    returns: Nothing,
    errors: { 'error-user-is-not-agent': 'bare' },
  },
  'GET /livechat/agents/:agentId/departments': {
    summary: 'The departments an agent works in',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    params: t.Object({ agentId: Id }),
    query: t.Object({ enabledDepartmentsOnly: t.Optional(t.Boolean()) }),
    returns: t.Object({
      departments: t.Array(t.Object({ ...DepartmentAgent.properties, departmentName: t.String() })),
    }),
    errors: {},
  },
  'GET /livechat/queue': {
    summary: 'How many chats each agent serves, in each department',
    description:
      'Only agents who are there and take chats, unless `includeOfflineAgents`. Chats of no department are `Public`.',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    query: t.Object({
      ...pageQuery,
      agentId: t.Optional(t.String({ maxLength: 256 })),
      departmentId: t.Optional(t.String({ maxLength: 256 })),
      includeOfflineAgents: t.Optional(t.Boolean()),
    }),
    returns: t.Object({
      queue: t.Array(
        t.Object({
          user: t.Object({ _id: t.String(), username: t.String(), status: t.String() }),
          department: t.Object({ _id: t.Optional(t.String()), name: t.String() }),
          chats: t.Integer(),
        }),
      ),
      ...pageAnswer,
    }),
    errors: {},
  },
})
