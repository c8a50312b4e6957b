// Visitors as they travel. Staff answers leave the token out (promises A3).
import type { Static } from 'typebox'
import type { Visitor as WireVisitor } from '@deskbell/contract/entities/visitor.ts'
import type { Loose } from '../../context.ts'
import { agentToWire, shownFields, staff, type Audience } from '../timeline/wire.ts'
import type { Visitor } from './visitors.ts'

/** A visitor as its reader may see it: agents take notes that are not the visitor's to read. */
export function visitorToWire(visitor: Visitor, audience: Audience): Loose<Static<typeof WireVisitor>> {
  const { found, manager, lastChat, lastAgent } = visitor
  const { email = found?.email, phone = found?.phone } = visitor
  return {
    _id: visitor.id,
    username: visitor.username,
    token: audience.visitorToken,
    name: visitor.name,
    status: visitor.status,
    ts: visitor.createdAt,
    _updatedAt: visitor.updatedAt,
    phone: phone === undefined ? undefined : [{ phoneNumber: phone }],
    visitorEmails: email === undefined ? undefined : [{ address: email }],
    department: visitor.departmentId,
    livechatData: shownFields(visitor.fields, audience),
    contactId: visitor.contactId,
    ...(audience.visitorToken === undefined && managerToWire(manager)),
    activity: visitor.activity,
    lastChat: lastChat && { _id: lastChat.id, ts: lastChat.at },
    lastAgent: lastAgent && lastAgentToWire(lastAgent, audience),
  }
}

/** A visitor as the staff sees one: without the token (promises A3). */
export function visitorToStaff(visitor: Visitor): Loose<Static<typeof WireVisitor>> {
  return visitorToWire(visitor, staff)
}

function managerToWire(manager: Visitor['manager']) {
  return { contactManager: manager && { username: manager.username } }
}

function lastAgentToWire(agent: NonNullable<Visitor['lastAgent']>, audience: Audience) {
  const { _id: agentId, ...named } = agentToWire(agent, audience)
  return { agentId, ...named, ts: agent.at }
}
