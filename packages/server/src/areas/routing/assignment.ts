import type { Reader, Transaction } from '../../database/transaction.ts'
import { findDepartment } from '../departments/departments.ts'
import { readSettings } from '../settings/settings.ts'
import { writeLines, type Author, type Room } from '../timeline/timeline.ts'
import { freePlace, listCandidates, outOfTurn, takePlace, type NamedCandidate, type Place } from './agent-store.ts'
import {
  chatLimitOf,
  chooseAgent,
  isAtLimit,
  isOnline,
  type Candidate,
  type Preference,
  type RoutingRequest,
  type RoutingSettings,
} from './choose-agent.ts'
import { insertSubscription, noteLastAgent } from './member-store.ts'
import { routingFlags, routingSettings } from './method.ts'
import { answerOf, requireAnswer, type Outside } from './outside.ts'
import { takeIfQueued, type Inquiry } from './queue-store.ts'

/** What routing goes by for chats of a department or of none, as it is now. */
export async function readRouting(reader: Reader, departmentId: string | undefined): Promise<RoutingSettings> {
  const settings = await readSettings(reader)
  if (departmentId === undefined) return routingSettings(settings)
  return routingSettings(settings, await findDepartment(reader, departmentId))
}

export interface Offer {
  preferences: readonly Preference[]
  /** The candidates where the caller has just read them. */
  candidates?: readonly NamedCandidate[] | undefined
  outside?: Outside | undefined
}

/** Gives a chat that waits to the agent the router names; answers false where there is none: it goes on waiting. */
export async function offer(tx: Transaction, room: Room, inquiry: Inquiry, how: Offer): Promise<boolean> {
  const { departmentId, returnedById } = inquiry
  const choice = await choosePlace(tx, {
    ...how,
    departmentId,
    ...(returnedById !== undefined && { returnedById }),
    reserve: (agent, place) => takePlace(tx, agent.id, place),
  })
  if (choice === undefined) return false
  if (await assign(tx, room, inquiry, choice)) return true
  await freePlace(tx, choice.id)
  return false
}

export interface Choosing extends Offer, Pick<RoutingRequest, 'returnedById'> {
  departmentId: string | undefined
  /** Whether the agent may not be given the chat, whatever the router says. */
  isRefused?: (agent: NamedCandidate) => boolean
  /** Takes the agent's place; false where it is gone by now. */
  reserve: (agent: NamedCandidate, place: Place) => Promise<boolean>
}

/** The agent the router names, with a place taken. Another transaction may take that agent's last place: then it is asked again. */
export async function choosePlace(tx: Transaction, choosing: Choosing): Promise<NamedCandidate | undefined> {
  const { departmentId, outside, returnedById } = choosing
  const settings = await readRouting(tx, departmentId)
  for (let attempts = 0; attempts < 5; attempts++) {
    const known = attempts === 0 ? choosing.candidates : undefined
    const candidates = known ?? (await listCandidates(tx, departmentId))
    const chosen = choose(candidates, settings, choosing)
    if (chosen === undefined) {
      if (settings.method === 'External') requireAnswer(outside, { departmentId, exceptAgentId: returnedById })
      return undefined
    }
    const { agent, preferredBy } = chosen
    const place = placeFor(agent, { settings, candidates, departmentId, preferredBy, nowMs: tx.nowMs })
    if (await choosing.reserve(agent, place)) return agent
  }
  return undefined
}

/** Whom the router names, if that one may have the chat. */
function choose(
  candidates: readonly NamedCandidate[],
  settings: RoutingSettings,
  { preferences: given, departmentId, outside, returnedById, isRefused }: Choosing,
): { agent: NamedCandidate; preferredBy: PreferredBy } | undefined {
  const username = answerOf(outside, { departmentId, exceptAgentId: returnedById })
  const named = candidates.find((candidate) => candidate.username === username)
  const preferences: Preference[] = [...given, ...(named === undefined ? [] : [byServer(named)])]
  // The outside service was told who returned the chat: where it insists, there is nobody else.
  const isInsistedOn = named !== undefined && named.id === returnedById
  const request = { preferences, ...(returnedById !== undefined && !isInsistedOn && { returnedById }) }
  const { agentId } = chooseAgent(candidates, settings, request)
  const agent = candidates.find(({ id }) => id === agentId)
  if (agent === undefined || isRefused?.(agent) === true) return undefined
  return { agent, preferredBy: preferences.find((preference) => preference.agentId === agent.id)?.namedBy }
}

function byServer({ id }: Candidate): Preference {
  return { agentId: id, namedBy: 'server' }
}

/** Who preferred the agent; nobody where the method chose. */
type PreferredBy = Preference['namedBy'] | undefined

interface Turn {
  settings: RoutingSettings
  candidates: readonly Candidate[]
  departmentId: string | undefined
  preferredBy: PreferredBy
  nowMs: number
}

function placeFor(agent: Candidate, { settings, candidates, departmentId, preferredBy, nowMs }: Turn): Place {
  const limit = chatLimitOf(agent, settings)
  if (preferredBy === 'turn') return { ...outOfTurn, limit, counts: { departmentId } }
  // Out of turn: the others are not put back by it.
  if (preferredBy !== undefined) return { ...outOfTurn, limit }
  return {
    limit,
    counts: settings.method === 'Auto_Selection' ? { departmentId } : 'nothing',
    routedAt: laterThanAll(candidates, nowMs),
  }
}

/** The load methods take whoever was given a chat longest ago, so the latest must be the latest even within a millisecond. */
function laterThanAll(candidates: readonly Candidate[], nowMs: number): string {
  const latest = Math.max(0, ...candidates.map(({ lastRoutedAt }) => (lastRoutedAt ? Date.parse(lastRoutedAt) : 0)))
  return new Date(Math.max(nowMs, latest + 1)).toISOString()
}

/** Takes the inquiry and serves the room; answers false where somebody else has the inquiry. */
async function assign(tx: Transaction, room: Room, inquiry: Inquiry, agent: NamedCandidate): Promise<boolean> {
  if (!(await takeIfQueued(tx, inquiry.id))) return false
  await serve(tx, room, agent)
  const departmentId = room.departmentId ?? null
  tx.emit('inquiry.taken', { roomId: room.id, inquiryId: inquiry.id, departmentId, agentId: agent.id })
  return true
}

/** Makes an agent serve a room, and tells both sides. Place and inquiry are the caller's to take. Answers how many are in the room. */
export async function serve(tx: Transaction, room: Room, agent: NamedCandidate): Promise<number> {
  const isNew = await insertSubscription(tx, room.id, agent.id)
  const memberCount = room.memberCount + (isNew ? 1 : 0)
  const author: Author = { kind: 'user', id: agent.id, username: agent.username, name: agent.name }
  await writeLines(
    tx,
    room.id,
    [
      { type: 'command', text: 'connected', author },
      { type: 'uj', text: '', author },
    ],
    { servedById: agent.id, servedByUsername: agent.username, servedAt: tx.now, memberCount },
  )
  const settings = await readSettings(tx)
  if (settings.Livechat_last_chatted_agent_routing && routingFlags(settings).autoAssignAgent)
    await noteLastAgent(tx, room.visitor.id, agent)
  return memberCount
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
  const agent = (await listCandidates(tx, inquiry.departmentId)).find(({ id }) => id === agentId)
  if (agent === undefined) return 'no-agent'
  const routing = await readRouting(tx, inquiry.departmentId)
  if (!isOnline(agent, routing)) return 'offline'
  if (isAtLimit(agent, routing)) return 'at-limit'
  if (!(await takePlace(tx, agent.id, { ...outOfTurn, limit: chatLimitOf(agent, routing) }))) return 'at-limit'
  if (await assign(tx, room, inquiry, agent)) return undefined
  await freePlace(tx, agent.id)
  return 'taken'
}
