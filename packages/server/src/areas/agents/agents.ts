// The people who answer visitors, those who direct them, and what a visitor is told about an agent.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { replaceDepartmentsOf } from '../departments/departments.ts'
import { differenceOf, note } from '../ledger/ledger.ts'
import type { RoleId } from '../roles/catalogue.ts'
import { offerAfterwards, peekNextAgent, switchService, type Asker } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { findOpenRoomOf, findRoom } from '../timeline/timeline.ts'
import {
  findUserById,
  findUserByUsername,
  grantRole,
  listUsers,
  revokeRole,
  setChatLimit,
  type Presence,
  type ServiceStatus,
  type User,
  type UserFilter,
  type UserPage,
} from '../users/users.ts'
import { findVisitor, requireVisitor } from '../visitors/visitors.ts'

export { listDepartmentIdsOf, listMembershipsOf } from '../departments/departments.ts'
export { listLoad, type LoadColumn } from './load-store.ts'

/** What a visitor may know of an agent: nothing while `Livechat_show_agent_info` is off. */
export type AgentInfo =
  | { isHidden: true }
  | {
      isHidden: false
      id: string
      username: string
      name: string
      presence: Presence
      /** Absent while `Livechat_show_agent_email` is off. */
      emails?: { address: string; verified: boolean }[]
      chatLimit?: string | number
      /** Those that the setting `Accounts_CustomFields` releases; absent where there are none. */
      fields?: Record<string, unknown>
    }

const kinds = {
  agent: { role: 'livechat-agent', managedBy: 'manage-livechat-agents' },
  manager: { role: 'livechat-manager', managedBy: 'manage-livechat-managers' },
} as const satisfies Record<string, { role: RoleId; managedBy: string }>

/** A type of people in livechat, as the path names it. */
type Kind = keyof typeof kinds

/** What the visitor of a room may know of this user; `undefined` where the account is gone. Contract A.2. */
export async function agentInfo(reader: Reader, userId: string): Promise<AgentInfo | undefined> {
  const user = await findUserById(reader, userId)
  if (user === undefined) return undefined
  const settings = await readSettings(reader)
  if (!settings.Livechat_show_agent_info) return { isHidden: true }
  const { id, username, name, presence, email, chatLimit } = user
  const fields = releasedFields(user, settings.Accounts_CustomFields)
  return {
    isHidden: false,
    id,
    username,
    name,
    presence,
    ...(settings.Livechat_show_agent_email && {
      emails: email === undefined ? [] : [{ address: email, verified: user.isEmailVerified }],
    }),
    ...(chatLimit !== undefined && { chatLimit }),
    ...(fields !== undefined && { fields }),
  }
}

/** What people outside may read of an account's own fields: those whose definition has `sendToIntegrations` (contract A.2). */
function releasedFields({ customFields }: User, definitions: string): Record<string, unknown> | undefined {
  const defined = parsedObject(definitions)
  const isReleased = (name: string) => {
    const definition = Object.hasOwn(defined, name) ? defined[name] : undefined
    return (definition as { sendToIntegrations?: unknown } | null | undefined)?.sendToIntegrations === true
  }
  const released = Object.entries(customFields).filter(([name]) => isReleased(name))
  return released.length === 0 ? undefined : Object.fromEntries(released)
}

/** The object in a text; administrators may store any other. */
function parsedObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/**
 * Who serves a room, for its visitor. A foreign room and a missing one are refused alike (promises A4).
 * @throws `invalid-token`, `invalid-room`, `invalid-agent`
 */
export async function findServingAgent(reader: Reader, roomId: string, token: string): Promise<AgentInfo> {
  const visitor = await requireVisitor(reader, token)
  const room = await findRoom(reader, roomId)
  if (room?.visitor.id !== visitor.id) throw new ApiError('invalid-room')
  return requireAgentInfo(reader, room.servedBy?.id)
}

/**
 * Who would be given a chat of this visitor now, in a department that is named by id or name; `undefined` where the visitor
 * has an open room. The token need not be known. Where an outside service decides, it is asked: never in a transaction.
 * @throws `agent-not-found`, `no-agent-online` where the outside service names nobody
 */
export async function findNextAgent(
  asker: Pick<Asker, 'read' | 'log'>,
  token: string,
  department: string | undefined,
): Promise<AgentInfo | undefined> {
  const { read: reader } = asker
  const visitor = await findVisitor(reader, token)
  if (visitor !== undefined && (await findOpenRoomOf(reader, visitor.id)) !== undefined) return undefined
  const next = await peekNextAgent(asker, department)
  if (next === 'nobody-named') throw new ApiError('no-agent-online')
  if (next === undefined) throw new ApiError('agent-not-found')
  const info = await agentInfo(reader, next.id)
  if (info === undefined) throw new ApiError('agent-not-found')
  return info
}

/**
 * Makes somebody an agent or a manager, who may be one already. An agent is switched on, whatever was before (§B.5).
 * @throws `invalid-type`, `unauthorized`, `error-invalid-user`
 */
export async function addToLivechat(tx: Transaction, caller: SignedIn, type: string, username: string): Promise<User> {
  const { role, managedBy } = kinds[requireKind(type)]
  if (!caller.can(managedBy)) throw new ApiError('unauthorized')
  const user = await findUserByUsername(tx, username)
  if (user === undefined) throw new ApiError('error-invalid-user')
  await grantRole(tx, caller, user.id, role)
  if (role === 'livechat-agent') await switchService(tx, user.id, 'available')
  return user
}

/**
 * Takes the role of an agent or a manager away from somebody who may not have it. Open chats stay (§B.5).
 * @throws `user-not-found`, `invalid-type`, `unauthorized`
 */
export async function removeFromLivechat(
  tx: Transaction,
  caller: SignedIn,
  type: string,
  userId: string,
): Promise<void> {
  const user = await requireKnown(tx, userId)
  const { role, managedBy } = kinds[requireKind(type)]
  if (!caller.can(managedBy)) throw new ApiError('unauthorized')
  await revokeRole(tx, caller, user.id, role)
}

/** What a list of agents leaves out. It selects among agents only: managers have no service switch. */
export type AgentFilter = Omit<UserFilter, 'role'>

/**
 * Agents or managers, a page at a time.
 * @throws `invalid-type`, `unauthorized`
 */
export async function listInLivechat(
  reader: Reader,
  caller: SignedIn,
  type: string,
  { filter, page }: { filter: AgentFilter; page: UserPage },
): Promise<{ users: User[]; total: number }> {
  const kind = requireKind(type)
  if (!mayList(caller, kind)) throw new ApiError('unauthorized')
  const { role } = kinds[kind]
  return listUsers(reader, kind === 'agent' ? { ...filter, role } : { role, text: filter.text }, page)
}

/**
 * An agent or manager; `undefined` for somebody without the role.
 * @throws `user-not-found`, `invalid-type`
 */
export async function findInLivechat(reader: Reader, type: string, userId: string): Promise<User | undefined> {
  const user = await requireKnown(reader, userId)
  const { role } = kinds[requireKind(type)]
  return user.roles.includes(role) ? user : undefined
}

/**
 * Turns an agent's service switch, or turns it over. One that stands so already is left alone, whoever asks (§D.1).
 * @throws `agent-unknown`, `error-user-deactivated`, `unauthorized`
 */
export async function setServiceStatus(
  tx: Transaction,
  caller: SignedIn,
  { agentId = caller.id, status }: { agentId?: string | undefined; status?: ServiceStatus | undefined },
): Promise<ServiceStatus> {
  const agent = await requireActiveAgent(tx, agentId)
  if (status !== undefined && status === agent.serviceStatus) return status
  if (agentId !== caller.id && !caller.can('manage-livechat-agents')) throw new ApiError('unauthorized')
  const next = status ?? (agent.serviceStatus === 'available' ? 'not-available' : 'available')
  await switchService(tx, agentId, next)
  return next
}

/**
 * Sets how many chats an agent serves at once, and makes the agent's departments exactly these. Without a limit of the
 * agent's own the general one counts.
 * @throws `error-user-is-not-agent`
 */
export async function saveAgentInfo(
  tx: Transaction,
  caller: SignedIn,
  agentId: string,
  { chatLimit, departmentIds }: { chatLimit: string | number | undefined; departmentIds: readonly string[] },
): Promise<void> {
  const departments = await replaceDepartmentsOf(tx, agentId, departmentIds)
  // After the departments are taken: nobody ceases to be an agent any more until this transaction ends.
  const agent = await findUserById(tx, agentId)
  if (agent?.roles.includes('livechat-agent') !== true) throw new ApiError('error-user-is-not-agent')
  await setChatLimit(tx, agentId, chatLimit)
  const difference = differenceOf(
    { departmentIds: departments.before, chatLimit: agent.chatLimit ?? null },
    { departmentIds: departments.after, chatLimit: chatLimit ?? null },
  )
  const subject = { kind: 'user' as const, id: agentId }
  if (difference !== undefined) await note(tx, { actor: caller, action: 'agent.changed', subject, ...difference })
  offerAfterwards(tx)
}

async function requireActiveAgent(reader: Reader, id: string): Promise<User> {
  const agent = await findUserById(reader, id)
  if (!agent?.roles.includes('livechat-agent')) throw new ApiError('agent-unknown')
  if (!agent.isActive) throw new ApiError('error-user-deactivated')
  return agent
}

async function requireAgentInfo(reader: Reader, userId: string | undefined): Promise<AgentInfo> {
  const info = userId === undefined ? undefined : await agentInfo(reader, userId)
  if (info === undefined) throw new ApiError('invalid-agent')
  return info
}

async function requireKnown(reader: Reader, userId: string): Promise<User> {
  const user = await findUserById(reader, userId)
  if (user === undefined) throw new ApiError('user-not-found')
  return user
}

function requireKind(type: string): Kind {
  if (type !== 'agent' && type !== 'manager') throw new ApiError('invalid-type')
  return type
}

function mayList(caller: SignedIn, kind: Kind): boolean {
  if (kind === 'manager') return caller.can('view-livechat-manager')
  return caller.can('transfer-livechat-guest') || caller.can('edit-omnichannel-contact')
}
