import { sql, type Selectable } from 'kysely'
import { fromJson, toFlag } from '../../database/columns.ts'
import type { UserTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import type { Candidate } from './choose-agent.ts'

const facts = [
  'user.id',
  'user.username',
  'user.name',
  'user.isActive',
  'user.presence',
  'user.connection',
  'user.serviceStatus',
  'user.openChats',
  'user.chatLimit',
  'user.rotation',
  'user.lastRoutedAt',
  'bot.role as bot',
] as const

const agents = statement((sql) =>
  sql
    .selectFrom('userRole as agent')
    .innerJoin('user', 'user.id', 'agent.userId')
    .leftJoin('userRole as bot', (join) => join.onRef('bot.userId', '=', 'user.id').on('bot.role', '=', 'bot'))
    .select(facts)
    .where('agent.role', '=', 'livechat-agent'),
)

const agentsFor = statement((sql, p: { departmentId: string }) =>
  sql
    .selectFrom('userRole as agent')
    .innerJoin('user', 'user.id', 'agent.userId')
    .leftJoin('userRole as bot', (join) => join.onRef('bot.userId', '=', 'user.id').on('bot.role', '=', 'bot'))
    .leftJoin('departmentAgent as member', (join) =>
      join.onRef('member.agentId', '=', 'user.id').on('member.departmentId', '=', p.departmentId),
    )
    .select(facts)
    .select((eb) => [
      'member.rotation as memberRotation',
      'member.position as memberPosition',
      // Of members alone: for anybody else there is nothing to compare with.
      eb
        .selectFrom('room')
        .select((count) => count.fn.countAll<number>().as('count'))
        .whereRef('room.servedById', '=', 'member.agentId')
        .where('room.closedAt', 'is', null)
        .where('room.isOnHold', '=', 0)
        .where('room.departmentId', '=', p.departmentId)
        .as('memberChats'),
    ])
    .where('agent.role', '=', 'livechat-agent'),
)

/** An agent with the name that visitors read. */
export interface NamedCandidate extends Candidate {
  name: string
}

interface AgentRow extends Pick<Selectable<UserTable>, 'id' | 'username' | 'name' | 'isActive' | 'presence'> {
  connection: string
  serviceStatus: string | null
  openChats: number
  chatLimit: string | null
  rotation: number
  lastRoutedAt: string | null
  bot: string | null
}

/** Every agent as routing sees one at this moment, for a chat of this department or of none. */
export async function listCandidates(reader: Reader, departmentId?: string): Promise<NamedCandidate[]> {
  if (departmentId === undefined) return (await agents.all(reader, {})).map((row) => candidateOf(row))
  return (await agentsFor.all(reader, { departmentId })).map((row) => ({
    ...candidateOf(row),
    isInDepartment: row.memberRotation !== null,
    openChatsInDepartment: row.memberChats ?? 0,
    rotation: row.memberRotation ?? 0,
    order: row.memberPosition ?? 0,
  }))
}

function candidateOf(row: AgentRow): NamedCandidate {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    isBot: row.bot !== null,
    isActive: row.isActive === 1,
    presence: row.presence as Candidate['presence'],
    connection: row.connection as Candidate['connection'],
    isAvailable: row.serviceStatus === 'available',
    isInDepartment: true,
    openChats: row.openChats,
    openChatsInDepartment: row.openChats,
    chatLimit: figureOf(fromJson(row.chatLimit)),
    rotation: row.rotation,
    order: 0,
    ...(row.lastRoutedAt !== null && { lastRoutedAt: row.lastRoutedAt }),
  }
}

/** A limit as it was given, a number or the text of one; 0 for none. */
export function figureOf(given: string | number | undefined): number {
  return Number(given ?? 0) || 0
}

/** How a place is taken. */
export interface Place {
  /** 0 for none. */
  limit: number
  routedAt: string | undefined
  /** Whose turn it was is counted: for the department that the chat is for, or for all chats without one. */
  counts: 'nothing' | { departmentId: string | undefined }
}

/** A place for somebody whose turn it is not. */
export const outOfTurn: Place = { limit: 0, routedAt: undefined, counts: 'nothing' }

const takeKept = statement((db, p: { agentId: string; turns: number; most: number; routedAt: string | null }) =>
  db
    .updateTable('user')
    .set((eb) => ({
      openChats: eb('openChats', '+', 1),
      rotation: eb('rotation', '+', p.turns),
      lastRoutedAt: sql<string | null>`coalesce(${p.routedAt}, ${sql.ref('lastRoutedAt')})`,
    }))
    .where('id', '=', p.agentId)
    .where('openChats', '<', p.most)
    .returning('id'),
)

/**
 * Takes one of an agent's places, and notes that the agent was given a chat. Answers false where a limit is reached by
 * now: the database settles the race, not the list of candidates.
 */
export async function takePlace(
  tx: Transaction,
  agentId: string,
  { limit, routedAt, counts }: Place,
): Promise<boolean> {
  const departmentId = counts === 'nothing' ? undefined : counts.departmentId
  const turns = counts !== 'nothing' && departmentId === undefined ? 1 : 0
  const place = { agentId, turns, most: limit > 0 ? limit : Number.MAX_SAFE_INTEGER, routedAt: routedAt ?? null }
  if ((await takeKept.first(tx, place)) === undefined) return false
  if (departmentId !== undefined) await countTurn(tx, agentId, departmentId)
  return true
}

async function countTurn(tx: Transaction, agentId: string, departmentId: string): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('departmentAgent')
      .set((eb) => ({ rotation: eb('rotation', '+', 1) }))
      .where('departmentId', '=', departmentId)
      .where('agentId', '=', agentId),
  )
}

/** Gives a place back. */
export async function freePlace(tx: Transaction, agentId: string): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('user')
      .set((eb) => ({ openChats: eb('openChats', '-', 1) }))
      .where('id', '=', agentId)
      .where('openChats', '>', 0),
  )
}

/** What an agent shows and chose. */
export interface AgentChange {
  presence?: string
  connection?: string
  presenceChosen?: string
  statusText?: string
  serviceStatus?: string
  isBySystem?: boolean
}

/**
 * Writes it, where `only` asks for it just for agents, for those whom the system had switched off, or for those without a
 * socket. Answers whether it did.
 */
export async function updateAgent(
  tx: Transaction,
  id: string,
  { isBySystem, ...change }: AgentChange,
  only: { agents?: true; switchedOffBySystem?: true; disconnected?: true } = {},
): Promise<boolean> {
  let update = tx.sql
    .updateTable('user')
    .set({
      ...change,
      ...(isBySystem !== undefined && { serviceStatusBySystem: toFlag(isBySystem) }),
      updatedAt: tx.now,
    })
    .where('id', '=', id)
  if (only.agents) update = update.where('serviceStatus', 'is not', null)
  if (only.switchedOffBySystem) update = update.where('serviceStatusBySystem', '=', 1)
  if (only.disconnected) update = update.where('connection', '=', 'offline')
  return (await tx.run(update)) === 1
}
