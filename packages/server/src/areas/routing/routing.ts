// Who gets which chat. Opening a room asks in the same transaction; every change that could serve a waiting chat offers
// the oldest first, so no chat waits while a free agent exists.
import type { Reader, Transaction } from '../../database/transaction.ts'
import { findDepartmentNamed } from '../departments/departments.ts'
import { readSettings } from '../settings/settings.ts'
import { updateRoom, writeLine, type Author, type Room } from '../timeline/timeline.ts'
import { freePlace, listCandidates, outOfTurn, takePlace, updateAgent } from './agent-store.ts'
import { readRouting } from './assignment.ts'
import { chatLimitOf, chooseAgent, isAtLimit, isOnline, type RoutingMethod, type Verdict } from './choose-agent.ts'
import { findOffered, preferredBots } from './entry.ts'
import { deleteSubscriptionsOf, insertSubscription } from './member-store.ts'
import { offerAfterwards } from './offers.ts'
import { askOutside, type Asker } from './outside.ts'
import { deleteInquiryOf, type Inquiry } from './queue-store.ts'

export { takeChat } from './assignment.ts'
export type { Verdict } from './choose-agent.ts'
export { listDepartmentIdsOf } from './department-store.ts'
export { findEnabled, findEntry, isAnyoneOnline } from './entry.ts'
export { estimateWait } from './estimate.ts'
export {
  giveToAgent,
  giveToNextAgent,
  giveToQueue,
  memberStanding,
  returnToQueue,
  standingOf,
  unassign,
  type Transfer,
} from './handover.ts'
export { isSubscribed } from './member-store.ts'
export { enqueue, offerAfterwards, offerOutside, offerWaitingChats } from './offers.ts'
export { isRoutingMethod, routingFlags } from './method.ts'
export { withOutside, type Asker, type Outside } from './outside.ts'
export {
  countWaitingBefore,
  findInquiry,
  findInquiryOf,
  listQueued,
  type Inquiry,
  type QueuePage,
} from './queue-store.ts'

/**
 * Who would be given a chat of this department now, named by id or name, without giving it; without a department, a chat
 * of a visitor who chose none. Where an outside service decides, it is asked, and may name nobody: never in a transaction.
 */
export async function peekNextAgent(
  asker: Pick<Asker, 'read' | 'log'>,
  department: string | undefined,
): Promise<{ id: string } | 'nobody-named' | undefined> {
  const { read: reader } = asker
  const named = department === undefined ? undefined : await findDepartmentNamed(reader, department)
  if (department !== undefined && named?.isEnabled !== true) return undefined
  const departmentId = named?.id ?? (await findOffered(reader, await listCandidates(reader)))
  const routing = await readRouting(reader, departmentId)
  const candidates = await listCandidates(reader, departmentId)
  if (routing.method !== 'External') {
    const { agentId } = chooseAgent(candidates, routing, { preferences: [] })
    return agentId === undefined ? undefined : { id: agentId }
  }
  const username = await askOutside(asker, { departmentId, exceptAgentId: undefined })
  return candidates.find((candidate) => candidate.username === username) ?? 'nobody-named'
}

/** The room has ended: nobody waits for it and nobody is in it, and its agent is free for the next chat. */
export async function endService(tx: Transaction, room: Room): Promise<void> {
  const gone = await deleteInquiryOf(tx, room.id)
  if (gone !== undefined)
    tx.emit('inquiry.removed', { roomId: room.id, inquiryId: gone.id, departmentId: gone.departmentId })
  await deleteSubscriptionsOf(tx, room.id)
  // The place of a room on hold is free already.
  if (room.servedBy === undefined || room.isOnHold) return
  await freePlace(tx, room.servedBy.id)
  offerAfterwards(tx, room.servedBy.id)
}

/** The room goes on hold: until it is resumed it takes none of its agent's places, and the next chat may have it. */
export async function holdPlace(tx: Transaction, room: Room): Promise<void> {
  if (room.servedBy === undefined || room.isOnHold) return
  await freePlace(tx, room.servedBy.id)
  offerAfterwards(tx, room.servedBy.id)
}

/** Takes a place of the agent of a room on hold again; says why where the agent cannot go on serving it. */
export async function resumePlace(tx: Transaction, room: Room): Promise<'offline' | 'at-limit' | undefined> {
  const agent = (await listCandidates(tx, room.departmentId)).find(({ id }) => id === room.servedBy?.id)
  const routing = await readRouting(tx, room.departmentId)
  if (agent === undefined || !isOnline(agent)) return 'offline'
  const limit = chatLimitOf(agent, routing)
  return (await takePlace(tx, agent.id, { ...outOfTurn, limit })) ? undefined : 'at-limit'
}

/** Whether an agent serves as many chats as allowed, of this department or of none; never somebody who is no agent. */
export async function isFull(reader: Reader, agentId: string, departmentId?: string): Promise<boolean> {
  const agent = (await listCandidates(reader, departmentId)).find(({ id }) => id === agentId)
  return agent !== undefined && isAtLimit(agent, await readRouting(reader, departmentId))
}

/** Adds a member to a room without serving it; answers false where the agent is in it already. */
export async function joinRoom(tx: Transaction, room: Room, agent: Author): Promise<boolean> {
  if (!(await insertSubscription(tx, room.id, agent.id))) return false
  await updateRoom(tx, room.id, { memberCount: room.memberCount + 1 })
  await writeLine(tx, room.id, { type: 'uj', text: '', author: agent })
  tx.emit('agent.joined', { roomId: room.id, agentId: agent.id })
  return true
}

/** What others see of somebody whose connections have changed. Chats may be waiting for it. */
export async function showPresence(
  tx: Transaction,
  userId: string,
  { presence, connection }: { presence: string; connection: string },
): Promise<void> {
  await updateAgent(tx, userId, { presence, connection })
  tx.emit('agent.changed', { userId })
  if (presence !== 'offline') offerAfterwards(tx)
}

/**
 * What others see of an agent. It lasts until the agent’s connections change, or, without any, until sign-out. Chats may be
 * waiting for it.
 */
export async function choosePresence(
  tx: Transaction,
  userId: string,
  change: { status?: string | undefined; text?: string | undefined },
): Promise<void> {
  const { status, text } = change
  await updateAgent(tx, userId, {
    ...(status !== undefined && { presence: status, presenceChosen: status }),
    ...(text !== undefined && { statusText: text }),
  })
  tx.emit('agent.changed', { userId })
  if (status !== undefined && status !== 'offline') offerAfterwards(tx, userId)
}

/** Turns an agent's service switch. Chats may be waiting for it. */
export async function switchService(
  tx: Transaction,
  userId: string,
  serviceStatus: 'available' | 'not-available',
): Promise<void> {
  await updateAgent(tx, userId, { serviceStatus, isBySystem: false })
  tx.emit('agent.changed', { userId })
  if (serviceStatus === 'available') offerAfterwards(tx, userId)
}

/**
 * Sign-out: an agent who is no bot takes no chats until the next sign-in (contract §E.1), and who has no socket is away.
 * Presence follows the sockets of everybody else: those of this sign-in end, and other devices may still be there.
 */
export async function leaveService(tx: Transaction, userId: string, { isBot }: { isBot: boolean }): Promise<void> {
  await updateAgent(tx, userId, { presence: 'offline' }, { disconnected: true })
  if (!isBot) await updateAgent(tx, userId, { serviceStatus: 'not-available', isBySystem: true }, { agents: true })
  tx.emit('agent.changed', { userId })
}

/** Sign-in: an agent whom the system had switched off takes chats again. */
export async function returnToService(tx: Transaction, userId: string): Promise<void> {
  const switched = await updateAgent(
    tx,
    userId,
    { serviceStatus: 'available', isBySystem: false },
    { agents: true, switchedOffBySystem: true },
  )
  if (!switched) return
  tx.emit('agent.changed', { userId })
  offerAfterwards(tx, userId)
}

/** Why each agent is not serving a chat that waits, or would be the next. */
export async function explainRouting(
  reader: Reader,
  { departmentId, returnedById }: Pick<Inquiry, 'departmentId' | 'returnedById'>,
): Promise<{ method: RoutingMethod; agents: { agentId: string; username: string; verdict: Verdict }[] }> {
  const routing = await readRouting(reader, departmentId)
  const candidates = await listCandidates(reader, departmentId)
  const preferences = preferredBots(candidates, await readSettings(reader))
  const { verdicts } = chooseAgent(candidates, routing, {
    preferences,
    ...(returnedById !== undefined && { returnedById }),
  })
  return { method: routing.method, agents: [...verdicts] }
}
