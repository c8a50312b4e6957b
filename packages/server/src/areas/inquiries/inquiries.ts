// The queue: rooms that wait until an agent takes them.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { findDepartmentNamed } from '../departments/departments.ts'
import { findRoom, type Room } from '../rooms/rooms.ts'
import {
  countWaitingBefore,
  explainRouting,
  findInquiry,
  findInquiryOf,
  listDepartmentIdsOf,
  listQueued,
  takeChat,
  type Inquiry,
  type QueuePage,
  type Verdict,
} from '../routing/routing.ts'
import { takeOpenRoom } from '../timeline/timeline.ts'
import { findUserById } from '../users/users.ts'

export { findInquiryOf, type Inquiry } from '../routing/routing.ts'
export { findLastMessage, findRoom, mayRead } from '../rooms/rooms.ts'
export { routingFlags } from '../routing/routing.ts'

export interface Queued {
  inquiries: Inquiry[]
  total: number
}

/** Everything that waits, or what waits in one department, named by id or name. An unknown one selects nothing (contract §D.8). */
export async function listQueue(reader: Reader, department: string | undefined, page: QueuePage): Promise<Queued> {
  const named = department === undefined ? undefined : await findDepartmentNamed(reader, department)
  return listQueued(reader, { departmentId: named?.id }, page)
}

/**
 * What a member of the staff may take: chats of no department, of the own departments, and those that wait for just that
 * person. A department narrows the middle part, for those who work in one.
 * @throws `error-not-authorized` for a department in which others work
 */
export async function listQueueFor(
  reader: Reader,
  user: SignedIn,
  department: string | undefined,
  page: QueuePage,
): Promise<Queued> {
  const own = await listDepartmentIdsOf(reader, user.id, { enabledOnly: true })
  if (department === undefined || own.length === 0)
    return listQueued(reader, { forAgent: { id: user.id, departmentIds: own } }, page)
  const named = await findDepartmentNamed(reader, department)
  if (named === undefined || !own.includes(named.id)) throw new ApiError('error-not-authorized')
  return listQueued(reader, { forAgent: { id: user.id, departmentIds: [named.id] } }, page)
}

export interface Taking {
  inquiryId: string
  /** Who is to serve it; absent: the caller. */
  userId?: string | undefined
  /** A person clicked: the reason why the agent cannot take it is told. */
  isClientAction: boolean
}

/**
 * Gives a waiting chat to an agent who asks for it (contract §C.5, §D.8), or for whom somebody with `view-livechat-manager`
 * does: nobody puts work on a colleague's desk otherwise. Of several who ask at once exactly one gets it. An agent at the
 * limit gets nothing, and is told so only after a click.
 * @throws `user-invalid`, `error-not-allowed` (no agent, or not the caller's to decide), `error-not-found`, `error-inquiry-taken`,
 * `error-agent-status-service-offline`, `error-max-number-simultaneous-chats-reached`
 */
export async function takeInquiry(tx: Transaction, caller: SignedIn, taking: Taking): Promise<Room | undefined> {
  const agentId = await requireTaker(tx, caller, taking)
  const { inquiry, room } = await requireWaiting(tx, taking.inquiryId)
  switch (await takeChat(tx, room, inquiry, agentId)) {
    case 'taken':
      throw new ApiError('error-inquiry-taken')
    case 'no-agent':
      throw new ApiError('error-not-allowed')
    case 'offline':
      throw new ApiError('error-agent-status-service-offline')
    case 'at-limit':
      if (taking.isClientAction) throw new ApiError('error-max-number-simultaneous-chats-reached')
      return undefined
    case undefined:
      return findRoom(tx, room.id)
  }
}

async function requireTaker(tx: Transaction, caller: SignedIn, { userId = caller.id }: Taking): Promise<string> {
  if ((await findUserById(tx, userId)) === undefined) throw new ApiError('user-invalid')
  if (userId !== caller.id && !caller.can('view-livechat-manager'))
    throw new ApiError('error-not-allowed', { reason: 'Not allowed' })
  return userId
}

/** The inquiry with its room, which this transaction has taken. */
async function requireWaiting(tx: Transaction, inquiryId: string): Promise<{ inquiry: Inquiry; room: Room }> {
  const inquiry = await findInquiry(tx, inquiryId)
  const room = inquiry && (await takeOpenRoom(tx, inquiry.roomId))
  if (inquiry === undefined || room === undefined) throw new ApiError('error-not-found')
  if (room.servedBy !== undefined) throw new ApiError('error-inquiry-taken')
  return { inquiry, room }
}

export interface Explanation {
  status: 'queued' | 'served' | 'closed'
  method: string
  position?: number
  agents: { _id: string; username: string; verdict: Verdict; reason: string }[]
}

/**
 * Why each agent does not serve a chat: the answer to "why does nobody get this chat?".
 * @throws `invalid-room`
 */
export async function explainWaiting(reader: Reader, roomId: string): Promise<Explanation> {
  const room = await findRoom(reader, roomId)
  if (room === undefined) throw new ApiError('invalid-room')
  const inquiry = await findInquiryOf(reader, roomId)
  const { method, agents } = await explainRouting(reader, inquiry ?? {})
  if (inquiry?.status !== 'queued')
    return { status: room.closed === undefined ? 'served' : 'closed', method, agents: [] }
  return {
    status: 'queued',
    method,
    position: (await countWaitingBefore(reader, inquiry)) + 1,
    agents: agents.map(({ agentId, username, verdict }) => ({
      _id: agentId,
      username,
      verdict,
      reason: reasons[verdict],
    })),
  }
}

/** Each verdict in words. */
const reasons: Readonly<Record<Verdict, string>> = {
  chosen: 'Can take it, and is the next to be given a chat.',
  deactivated: 'The account is deactivated.',
  'not-available': 'The agent has switched off taking chats.',
  offline: 'The agent is offline.',
  idle: 'The agent is idle, and idle agents are given no chats.',
  'at-limit': 'The agent serves as many chats as allowed.',
  'not-in-department': 'The agent does not belong to the department of the chat.',
  'another-is-preferred': 'Another agent is preferred for this chat.',
  'manual-selection': 'Agents choose chats themselves; nobody is given one.',
  'external-routing': 'A service outside names who is given a chat.',
  'returned-it': 'The agent put this chat back into the queue.',
  'another-is-next': 'Another agent is the next to be given a chat.',
}
