// Who gets which chat. Opening a room asks in the same transaction; every change that could serve a waiting chat offers
// the oldest first, so no chat waits while a free agent exists.
import type { Reader, Transaction } from '../../database/transaction.ts'
import { readSettings } from '../settings/settings.ts'
import type { Settings } from '../settings/catalogue.ts'
import { findRoom, takeOpenRoom, updateRoom, writeLine, type Author, type Room } from '../timeline/timeline.ts'
import { freePlace, listCandidates, takePlace, updateAgent, type NamedCandidate } from './agent-store.ts'
import {
  chatLimitOf,
  chooseAgent,
  isAtLimit,
  isOnline,
  routingConfig,
  routingMethods,
  type Candidate,
  type Preference,
  type RoutingConfig,
  type RoutingMethod,
  type RoutingSettings,
  type Verdict,
} from './choose-agent.ts'
import {
  deleteInquiryOf,
  deleteSubscriptionsOf,
  insertInquiry,
  insertSubscription,
  listOldestWaiting,
  takeIfQueued,
  type Inquiry,
} from './queue-store.ts'

export type { Inquiry } from './queue-store.ts'
export type { Preference, RoutingConfig, Verdict } from './choose-agent.ts'
export { countWaitingBefore, findInquiry, findInquiryOf, isSubscribed, listQueued } from './queue-store.ts'

/** Chats offered in one transaction; the safety net offers the rest. */
const OFFERED_AT_ONCE = 25

/** The routing method in force. Chats that wait already are routed by the default while the setting names an unknown one. */
function routingMethodOf(settings: Settings): RoutingMethod {
  const method = settings.Livechat_Routing_Method
  return isRoutingMethod(method) ? method : 'Auto_Selection'
}

/** Whether there is such a method: administrators may store any text (contract §E.3). */
export function isRoutingMethod(method: string): method is RoutingMethod {
  return (routingMethods as readonly string[]).includes(method)
}

/** The flags of the routing method in force. */
export function routingFlags(settings: Settings): RoutingConfig {
  return routingConfig(routingMethodOf(settings))
}

/** Whether somebody is there to answer (contract §C.2, the online rule of A.1). */
export async function isAnyoneOnline(reader: Reader): Promise<boolean> {
  const settings = await readSettings(reader)
  if (settings.Livechat_accept_chats_with_no_agents) return true
  const candidates = await listCandidates(reader)
  if (settings.Livechat_assign_new_conversation_to_bot && candidates.some(({ isBot }) => isBot)) return true
  return candidates.some((agent) => isOnline(agent))
}

/** The agents to ask before the method, from what is known of the chat (contract §C.6). */
export async function preferencesFor(
  reader: Reader,
  { namedAgentId, lastAgentId }: { namedAgentId?: string | undefined; lastAgentId?: string | undefined },
): Promise<Preference[]> {
  const settings = await readSettings(reader)
  const preferences: Preference[] = []
  if (namedAgentId !== undefined) preferences.push({ agentId: namedAgentId, namedBy: 'visitor' })
  if (settings.Livechat_last_chatted_agent_routing && lastAgentId !== undefined)
    preferences.push({ agentId: lastAgentId, namedBy: 'server' })
  if (settings.Livechat_assign_new_conversation_to_bot)
    preferences.push(
      ...(await listCandidates(reader))
        .filter(({ isBot }) => isBot)
        .sort(byRotation)
        .map(asPreference),
    )
  return preferences
}

/** Who would be given a chat now, without giving it. */
export async function peekNextAgent(reader: Reader): Promise<string | undefined> {
  const settings = await readSettings(reader)
  return chooseAgent(await listCandidates(reader), routingSettings(settings), { preferences: [] }).agentId
}

/** Puts a new room into the queue and gives it to an agent at once if one is free. Answers the room as it is then. */
export async function enqueue(tx: Transaction, room: Room, preferences: readonly Preference[]): Promise<Room> {
  const inquiry: Inquiry = {
    id: tx.newId(),
    roomId: room.id,
    status: 'queued',
    ...(room.departmentId !== undefined && { departmentId: room.departmentId }),
    waitingSince: tx.now,
    queuedAt: tx.now,
    updatedAt: tx.now,
  }
  await insertInquiry(tx, inquiry)
  if (await offer(tx, room, inquiry, preferences)) return (await findRoom(tx, room.id)) ?? room
  tx.emit('inquiry.queued', { roomId: room.id, inquiryId: inquiry.id, departmentId: room.departmentId ?? null })
  return room
}

/** Offers the chats that wait longest to whoever is free; stops at the first that nobody can take. */
export async function offerWaitingChats(tx: Transaction): Promise<number> {
  const settings = await readSettings(tx)
  if (routingMethodOf(settings) === 'Manual_Selection' && !settings.Livechat_assign_new_conversation_to_bot) return 0
  let served = 0
  for (const inquiry of await listOldestWaiting(tx, OFFERED_AT_ONCE)) {
    const room = await takeOpenRoom(tx, inquiry.roomId)
    if (room === undefined || room.servedBy !== undefined) continue
    const preferences = await preferencesFor(tx, {})
    if (!(await offer(tx, room, inquiry, preferences))) break
    served += 1
  }
  return served
}

export type TakeRefusal = 'offline' | 'at-limit' | 'taken' | 'no-agent'

/**
 * Gives a chat to an agent who asked for it (contract §C.5). The room must be taken by this transaction. Idle agents may
 * take by hand where the setting lets them.
 */
export async function takeChat(
  tx: Transaction,
  room: Room,
  inquiry: Inquiry,
  agentId: string,
): Promise<TakeRefusal | undefined> {
  const settings = await readSettings(tx)
  const agent = (await listCandidates(tx)).find(({ id }) => id === agentId)
  if (agent === undefined) return 'no-agent'
  if (!isOnline(agent, { acceptsWhenIdle: settings.Livechat_enabled_when_agent_idle })) return 'offline'
  const routing = routingSettings(settings)
  if (isAtLimit(agent, routing)) return 'at-limit'
  if (
    !(await takePlace(tx, agent.id, { limit: chatLimitOf(agent, routing), routedAt: undefined, countsRotation: false }))
  )
    return 'at-limit'
  if (await assign(tx, room, inquiry, agent)) return undefined
  await freePlace(tx, agent.id)
  return 'taken'
}

/** The room has ended: nobody waits for it and nobody is in it, and its agent is free for the next chat. */
export async function endService(tx: Transaction, room: Room): Promise<void> {
  await deleteInquiryOf(tx, room.id)
  await deleteSubscriptionsOf(tx, room.id)
  if (room.servedBy === undefined) return
  await freePlace(tx, room.servedBy.id)
  await offerWaitingChats(tx)
}

/** Whether an agent serves as many chats as allowed; never somebody who is no agent. */
export async function isFull(reader: Reader, agentId: string): Promise<boolean> {
  const agent = (await listCandidates(reader)).find(({ id }) => id === agentId)
  return agent !== undefined && isAtLimit(agent, routingSettings(await readSettings(reader)))
}

/** Adds a member to a room without serving it; answers false where the agent is in it already. */
export async function joinRoom(tx: Transaction, room: Room, agent: Author): Promise<boolean> {
  if (!(await insertSubscription(tx, room.id, agent.id))) return false
  await updateRoom(tx, room.id, { memberCount: room.memberCount + 1 })
  await writeLine(tx, room.id, { type: 'uj', text: '', author: agent })
  tx.emit('agent.joined', { roomId: room.id, agentId: agent.id })
  return true
}

/** What others see of an agent. Until sockets exist this is chosen, and lasts until sign-out. Chats may be waiting for it. */
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
  if (status !== undefined && status !== 'offline') await offerWaitingChats(tx)
}

/** Turns an agent's service switch. Chats may be waiting for it. */
export async function switchService(
  tx: Transaction,
  userId: string,
  serviceStatus: 'available' | 'not-available',
): Promise<void> {
  await updateAgent(tx, userId, { serviceStatus, isBySystem: false })
  tx.emit('agent.changed', { userId })
  if (serviceStatus === 'available') await offerWaitingChats(tx)
}

/** Sign-out: the person is away, and an agent who is no bot takes no chats until the next sign-in (contract §E.1). */
export async function leaveService(tx: Transaction, userId: string, { isBot }: { isBot: boolean }): Promise<void> {
  await updateAgent(tx, userId, { presence: 'offline' })
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
  await offerWaitingChats(tx)
}

/** Why each agent is not serving a chat that waits, or would be the next. */
export async function explainRouting(
  reader: Reader,
): Promise<{ method: RoutingMethod; agents: { agentId: string; username: string; verdict: Verdict }[] }> {
  const settings = routingSettings(await readSettings(reader))
  const preferences = await preferencesFor(reader, {})
  const { verdicts } = chooseAgent(await listCandidates(reader), settings, { preferences })
  return { method: settings.method, agents: [...verdicts] }
}

/** Gives the chat to the agent the router names. Another transaction may take that agent's last place: then it is asked again. */
async function offer(
  tx: Transaction,
  room: Room,
  inquiry: Inquiry,
  preferences: readonly Preference[],
): Promise<boolean> {
  const settings = routingSettings(await readSettings(tx))
  for (let attempts = 0; attempts < 5; attempts++) {
    const candidates = await listCandidates(tx)
    const { agentId } = chooseAgent(candidates, settings, { preferences })
    const agent = candidates.find(({ id }) => id === agentId)
    if (agent === undefined) return false
    const isPreferred = preferences.some((preference) => preference.agentId === agent.id)
    const place = {
      limit: chatLimitOf(agent, settings),
      countsRotation: settings.method === 'Auto_Selection' && !isPreferred,
      routedAt: isPreferred ? undefined : laterThanAll(candidates, tx.nowMs),
    }
    if (!(await takePlace(tx, agent.id, place))) continue
    if (await assign(tx, room, inquiry, agent)) return true
    await freePlace(tx, agent.id)
    return false
  }
  return false
}

/** Takes the inquiry, serves the room, tells both sides; answers false where somebody else has the inquiry. */
async function assign(tx: Transaction, room: Room, inquiry: Inquiry, agent: NamedCandidate): Promise<boolean> {
  if (!(await takeIfQueued(tx, inquiry.id))) return false
  const isNew = await insertSubscription(tx, room.id, agent.id)
  await updateRoom(tx, room.id, {
    servedById: agent.id,
    servedByUsername: agent.username,
    servedAt: tx.now,
    memberCount: room.memberCount + (isNew ? 1 : 0),
  })
  const author: Author = { kind: 'user', id: agent.id, username: agent.username, name: agent.name }
  await writeLine(tx, room.id, { type: 'command', text: 'connected', author })
  await writeLine(tx, room.id, { type: 'uj', text: '', author })
  const departmentId = room.departmentId ?? null
  tx.emit('inquiry.taken', { roomId: room.id, inquiryId: inquiry.id, departmentId, agentId: agent.id })
  return true
}

function routingSettings(settings: Settings): RoutingSettings {
  return {
    method: routingMethodOf(settings),
    acceptsWhenIdle: settings.Livechat_enabled_when_agent_idle,
    waitingQueue: settings.Livechat_waiting_queue,
    limitPerAgent: settings.Livechat_maximum_chats_per_agent,
  }
}

/** The load methods take whoever was given a chat longest ago, so the latest must be the latest even within a millisecond. */
function laterThanAll(candidates: readonly Candidate[], nowMs: number): string {
  const latest = Math.max(0, ...candidates.map(({ lastRoutedAt }) => (lastRoutedAt ? Date.parse(lastRoutedAt) : 0)))
  return new Date(Math.max(nowMs, latest + 1)).toISOString()
}

function byRotation(left: Candidate, right: Candidate): number {
  return left.rotation - right.rotation || (left.username < right.username ? -1 : 1)
}

function asPreference({ id }: Candidate): Preference {
  return { agentId: id, namedBy: 'server' }
}
