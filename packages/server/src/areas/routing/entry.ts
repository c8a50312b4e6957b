import type { Reader } from '../../database/transaction.ts'
import { findDepartment, findDepartmentNamed, type Department } from '../departments/departments.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import { listCandidates, type NamedCandidate } from './agent-store.ts'
import { isOnline, type Candidate, type Preference } from './choose-agent.ts'
import { listOfferedMembers } from './department-store.ts'

/** What is known of a chat before anybody serves it. */
export interface Wish {
  /** The visitor's department. One that is gone or disabled is as good as none. */
  departmentId?: string | undefined
  /** The agent whom the visitor asks for. */
  namedAgentId?: string | undefined
  /** The agent who looks after the visitor. */
  managerId?: string | undefined
  /** Who served the visitor before, in the order of §C.6. */
  lastAgentIds?: readonly string[]
}

/** Where a new chat goes. */
export interface Entry {
  departmentId: string | undefined
  preferences: readonly Preference[]
  /** The agents as the decision saw them. */
  candidates: readonly NamedCandidate[]
}

/** The department that takes a new chat, and whom to ask first (contract A.10, steps 2–5); `undefined` while nobody is there. */
export async function findEntry(reader: Reader, wish: Wish): Promise<Entry | undefined> {
  const settings = await readSettings(reader)
  const wanted = await findEnabled(reader, wish.departmentId)
  const candidates = await listCandidates(reader, wanted?.id)
  const preferences = preferencesFor(candidates, settings, wish)
  if (preferences.length > 0) return { departmentId: wanted?.id, preferences, candidates }
  if (wanted !== undefined) {
    const serving = await findServing(reader, wanted)
    if (serving !== undefined) return { ...serving, preferences }
    return settings.Livechat_accept_chats_with_no_agents
      ? { departmentId: wanted.id, preferences, candidates }
      : undefined
  }
  const offeredId = await findOffered(reader, candidates)
  if (offeredId !== undefined)
    return { departmentId: offeredId, preferences, candidates: await listCandidates(reader, offeredId) }
  const isOpen = settings.Livechat_accept_chats_with_no_agents || candidates.some((agent) => isOnline(agent))
  return isOpen ? { departmentId: undefined, preferences, candidates } : undefined
}

/**
 * Whether somebody is there to answer (contract §C.2, the online rule of A.1), in a department named by id or name or in
 * those it falls back to. A disabled department and an unknown one have nobody alike (promises A24).
 */
export async function isAnyoneOnline(reader: Reader, department?: string): Promise<boolean> {
  const settings = await readSettings(reader)
  if (settings.Livechat_accept_chats_with_no_agents) return true
  if (department === undefined) return isServed(await listCandidates(reader))
  const named = await findDepartmentNamed(reader, department)
  return named?.isEnabled === true && (await findServing(reader, named)) !== undefined
}

/** The agents who may be asked before the method, from what is known of the chat (contract §C.6). */
function preferencesFor(candidates: readonly Candidate[], settings: Settings, wish: Wish): Preference[] {
  const preferences: Preference[] = []
  const named = candidates.find(({ id }) => id === wish.namedAgentId)
  // Anybody else is no wish but a forgery (promises A9), and for whom the account is deactivated nobody waits.
  if (named?.isInDepartment === true && named.isActive) preferences.push({ agentId: named.id, namedBy: 'visitor' })
  const online = candidates.filter((agent) => isOnline(agent))
  if (settings.Omnichannel_contact_manager_routing)
    preferences.push(...online.filter(({ id }) => id === wish.managerId).map(asPreference))
  if (settings.Livechat_last_chatted_agent_routing)
    for (const lastId of wish.lastAgentIds ?? [])
      preferences.push(...online.filter(({ id }) => id === lastId).map(asPreference))
  return [...preferences, ...preferredBots(candidates, settings)]
}

/** The bots who answer first, in turn, where the setting says so; never one who is switched off. */
export function preferredBots(candidates: readonly Candidate[], settings: Settings): Preference[] {
  if (!settings.Livechat_assign_new_conversation_to_bot) return []
  return candidates
    .filter((agent) => agent.isBot && agent.isInDepartment && isOnline(agent))
    .sort(byRotation)
    .map(({ id }) => ({ agentId: id, namedBy: 'turn' }))
}

/** The department itself or the first of those it falls back to where somebody is there; loops of fallbacks end. */
async function findServing(
  reader: Reader,
  department: Department,
): Promise<Pick<Entry, 'departmentId' | 'candidates'> | undefined> {
  const seen = new Set<string>()
  let next: Department | undefined = department
  while (next !== undefined && !seen.has(next.id)) {
    seen.add(next.id)
    const candidates = await listCandidates(reader, next.id)
    if (isServed(candidates)) return { departmentId: next.id, candidates }
    next = await findEnabled(reader, next.fallbackId)
  }
  return undefined
}

/** The department with this id, if it takes chats. */
export async function findEnabled(reader: Reader, id: string | undefined): Promise<Department | undefined> {
  const department = id === undefined ? undefined : await findDepartment(reader, id)
  return department?.isEnabled === true ? department : undefined
}

/** The first department that visitors may choose where somebody is there. */
export async function findOffered(reader: Reader, candidates: readonly Candidate[]): Promise<string | undefined> {
  const online = new Set(candidates.filter((agent) => isOnline(agent)).map(({ id }) => id))
  if (online.size === 0) return undefined
  return (await listOfferedMembers(reader)).find(({ agentId }) => online.has(agentId))?.id
}

/** Whether somebody of the department is there. */
function isServed(candidates: readonly Candidate[]): boolean {
  return candidates.some((agent) => agent.isInDepartment && isOnline(agent))
}

function byRotation(left: Candidate, right: Candidate): number {
  return left.rotation - right.rotation || (left.username < right.username ? -1 : 1)
}

function asPreference({ id }: Candidate): Preference {
  return { agentId: id, namedBy: 'server' }
}
