// Agents as they travel.
import type { Static } from 'typebox'
import type { Agent as WireAgent } from '@deskbell/contract/entities/user.ts'
import type { AgentInfo as WireAgentInfo } from '@deskbell/contract/entities/visitor.ts'
import type { Loose } from '../../context.ts'
import type { User } from '../users/users.ts'
import { emailsOf } from '../users/wire.ts'
import type { AgentInfo } from './agents.ts'
import type { Load } from './load-store.ts'

/** The agent as the visitor sees one (contract A.2). */
export function agentInfoToWire(info: AgentInfo): Loose<Static<typeof WireAgentInfo>> {
  if (info.isHidden) return { hiddenInfo: true }
  return {
    _id: info.id,
    name: info.name,
    username: info.username,
    status: info.presence,
    emails: info.emails,
    livechat: limitOf(info),
    customFields: info.fields,
  }
}

/** An agent or manager as colleagues see one (contract §D.1). */
export function agentToWire(user: User): Loose<Static<typeof WireAgent>> {
  return {
    _id: user.id,
    username: user.username,
    name: user.name,
    status: user.presence,
    statusLivechat: user.serviceStatus,
    emails: emailsOf(user),
    livechat: limitOf(user),
  }
}

/** What an agent serves in a department. */
export function loadToWire({ agent, department, chats }: Load) {
  return {
    user: { _id: agent.id, username: agent.username, status: agent.presence },
    department: department === undefined ? { name: 'Public' } : { _id: department.id, name: department.name },
    chats,
  }
}

function limitOf({ chatLimit }: { chatLimit?: string | number }) {
  return chatLimit === undefined ? undefined : { maxNumberSimultaneousChat: chatLimit }
}
