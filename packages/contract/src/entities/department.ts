import { Type as t } from 'typebox'
import { Time } from './basics.ts'

/** What an administrator gave as a number or as the text of one; it travels back as it came. */
const NumberAsGiven = t.Union([t.Number(), t.String()])

/** A part of the desk with agents and rules of its own (contract §B.6). */
export const Department = t.Object({
  _id: t.String(),
  name: t.String(),
  enabled: t.Boolean(),
  archived: t.Boolean({ description: 'An archived department cannot be enabled' }),
  email: t.String(),
  showOnRegistration: t.Boolean(),
  showOnOfflineForm: t.Boolean(),
  numAgents: t.Integer(),
  description: t.Optional(t.String()),
  requestTagBeforeClosingChat: t.Optional(t.Boolean()),
  chatClosingTags: t.Optional(t.Array(t.String())),
  offlineMessageChannelName: t.Optional(t.String()),
  fallbackForwardDepartment: t.Optional(t.String()),
  departmentsAllowedToForward: t.Optional(t.Array(t.String())),
  allowReceiveForwardOffline: t.Optional(t.Boolean()),
  maxNumberSimultaneousChat: t.Optional(NumberAsGiven),
  visitorInactivityTimeoutInSeconds: t.Optional(NumberAsGiven),
  abandonedRoomsCloseCustomMessage: t.Optional(t.String()),
  waitingQueueMessage: t.Optional(t.String()),
  _createdAt: Time,
  _updatedAt: Time,
})

/** An agent of a department (contract §B.7). */
export const DepartmentAgent = t.Object({
  _id: t.String(),
  departmentId: t.String(),
  agentId: t.String(),
  username: t.String(),
  count: t.Integer({ description: 'Chats handed out to the agent here; who has fewest is next' }),
  order: t.Integer({ description: 'Among equals, lower comes first' }),
  departmentEnabled: t.Boolean(),
  _updatedAt: Time,
})
