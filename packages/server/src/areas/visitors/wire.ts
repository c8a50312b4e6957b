// Visitors as they travel. Staff answers leave the token out (promises A3).
import type { Static } from 'typebox'
import type { Visitor as WireVisitor } from '@deskbell/contract/entities/visitor.ts'
import type { Loose } from '../../context.ts'
import type { Visitor } from './visitors.ts'

/** A visitor as the visitor sees it. */
export function visitorToWire(visitor: Visitor): Loose<Static<typeof WireVisitor>> {
  const { found, managerUsername, lastChat, lastAgent } = visitor
  const { email = found?.email, phone = found?.phone } = visitor
  return {
    _id: visitor.id,
    username: visitor.username,
    token: visitor.token,
    name: visitor.name,
    status: visitor.status,
    ts: visitor.createdAt,
    _updatedAt: visitor.updatedAt,
    phone: phone === undefined ? undefined : [{ phoneNumber: phone }],
    visitorEmails: email === undefined ? undefined : [{ address: email }],
    department: visitor.departmentId,
    livechatData: visitor.fields,
    contactId: visitor.contactId,
    contactManager: managerUsername === undefined ? undefined : { username: managerUsername },
    activity: visitor.activity,
    lastChat: lastChat && { _id: lastChat.id, ts: lastChat.at },
    lastAgent: lastAgent && { agentId: lastAgent.id, username: lastAgent.username, ts: lastAgent.at },
  }
}

/** A visitor as the staff sees one: without the token (promises A3). */
export function visitorToStaff(visitor: Visitor): Loose<Static<typeof WireVisitor>> {
  return { ...visitorToWire(visitor), token: undefined }
}
