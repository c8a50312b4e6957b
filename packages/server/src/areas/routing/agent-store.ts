import { fromJson, toFlag } from '../../database/columns.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import type { Candidate } from './choose-agent.ts'

const agents = statement((sql) =>
  sql
    .selectFrom('userRole as agent')
    .innerJoin('user', 'user.id', 'agent.userId')
    .leftJoin('userRole as bot', (join) => join.onRef('bot.userId', '=', 'user.id').on('bot.role', '=', 'bot'))
    .select([
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
    ])
    .where('agent.role', '=', 'livechat-agent'),
)

/** An agent with the name that visitors read. */
export interface NamedCandidate extends Candidate {
  name: string
}

/** Every agent as routing sees one at this moment. */
export async function listCandidates(reader: Reader): Promise<NamedCandidate[]> {
  const rows = await agents.all(reader, {})
  return rows.map((row) => ({
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
    chatLimit: Number(fromJson<string | number>(row.chatLimit) ?? 0) || 0,
    rotation: row.rotation,
    order: 0,
    ...(row.lastRoutedAt !== null && { lastRoutedAt: row.lastRoutedAt }),
  }))
}

/**
 * Takes one of an agent's places, and notes that the agent was given a chat. Answers false where a limit is reached by
 * now: the database settles the race, not the list of candidates.
 */
export async function takePlace(
  tx: Transaction,
  agentId: string,
  { limit, routedAt, countsRotation }: { limit: number; routedAt: string | undefined; countsRotation: boolean },
): Promise<boolean> {
  let update = tx.sql
    .updateTable('user')
    .set((eb) => ({
      openChats: eb('openChats', '+', 1),
      ...(countsRotation && { rotation: eb('rotation', '+', 1) }),
      ...(routedAt !== undefined && { lastRoutedAt: routedAt }),
    }))
    .where('id', '=', agentId)
  if (limit > 0) update = update.where('openChats', '<', limit)
  return (await tx.run(update)) === 1
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
  presenceChosen?: string
  statusText?: string
  serviceStatus?: string
  isBySystem?: boolean
}

/** Writes it, where `only` asks for it just for agents, or just for those whom the system had switched off. Answers whether it did. */
export async function updateAgent(
  tx: Transaction,
  id: string,
  { isBySystem, ...change }: AgentChange,
  only: { agents?: true; switchedOffBySystem?: true } = {},
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
  return (await tx.run(update)) === 1
}
