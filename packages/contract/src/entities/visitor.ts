import { Type as t } from 'typebox'
import { AgentName, Time } from './basics.ts'

/** A visitor as the visitor sees it (contract §B.1). Staff answers leave the token out. */
export const Visitor = t.Object({
  _id: t.String(),
  username: t.String(),
  token: t.Optional(t.String()),
  name: t.Optional(t.String()),
  status: t.Optional(t.String()),
  ts: Time,
  _updatedAt: Time,
  phone: t.Optional(t.Array(t.Object({ phoneNumber: t.String() }))),
  visitorEmails: t.Optional(t.Array(t.Object({ address: t.String() }))),
  department: t.Optional(t.String()),
  livechatData: t.Optional(t.Record(t.String(), t.String())),
  contactId: t.Optional(t.String()),
  contactManager: t.Optional(t.Object({ username: t.String() })),
  activity: t.Optional(t.Array(t.String())),
  lastChat: t.Optional(t.Object({ _id: t.String(), ts: Time })),
  lastAgent: t.Optional(t.Object({ agentId: t.String(), username: AgentName, ts: Time })),
})

/** The agent of a room as its visitor sees it (contract A.2). */
export const AgentInfo = t.Object({
  _id: t.Optional(t.String()),
  name: t.Optional(t.String()),
  username: t.Optional(t.String()),
  status: t.Optional(t.String()),
  emails: t.Optional(t.Array(t.Object({ address: t.String(), verified: t.Boolean() }))),
  livechat: t.Optional(t.Object({ maxNumberSimultaneousChat: t.Union([t.String(), t.Number()]) })),
  customFields: t.Optional(t.Record(t.String(), t.Unknown())),
  hiddenInfo: t.Optional(t.Literal(true)),
})
