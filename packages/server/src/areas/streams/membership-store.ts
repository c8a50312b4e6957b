import { fromJson } from '../../database/columns.ts'
import type { Reader } from '../../database/transaction.ts'

const IDS_AT_ONCE = 500

/** An agent in a room. `mark` is another one when the room or the agent's place in it is. */
export interface Membership {
  userId: string
  roomId: string
  mark: string
}

/** Names a state of a room and of somebody's place in it. */
export function markOf(updatedAt: string, seq: number): string {
  return `${updatedAt}/${String(seq)}`
}

/** The rooms that these people are in. */
export async function listMembershipsOf(reader: Reader, userIds: readonly string[]): Promise<Membership[]> {
  const memberships: Membership[] = []
  for (let from = 0; from < userIds.length; from += IDS_AT_ONCE) {
    const rows = await reader.all(
      reader.sql
        .selectFrom('subscription')
        .innerJoin('room', 'room.id', 'subscription.roomId')
        .select(['userId', 'roomId', 'seq', 'room.updatedAt as roomUpdatedAt', 'subscription.updatedAt'])
        .where('userId', 'in', userIds.slice(from, from + IDS_AT_ONCE)),
    )
    for (const { userId, roomId, seq, roomUpdatedAt, updatedAt } of rows)
      memberships.push({ userId, roomId, mark: markOf(updatedAt > roomUpdatedAt ? updatedAt : roomUpdatedAt, seq) })
  }
  return memberships
}

/** The ids of those who are in a room. */
export async function listMembersOf(reader: Reader, roomId: string): Promise<string[]> {
  const rows = await reader.all(reader.sql.selectFrom('subscription').select('userId').where('roomId', '=', roomId))
  return rows.map(({ userId }) => userId)
}

/** The agents of a department among these people. */
export async function listDepartmentMembers(
  reader: Reader,
  departmentId: string,
  userIds: readonly string[],
): Promise<{ id: string; agentId: string; isEnabled: boolean; position: number }[]> {
  const members = []
  for (let from = 0; from < userIds.length; from += IDS_AT_ONCE) {
    const rows = await reader.all(
      reader.sql
        .selectFrom('departmentAgent')
        .select(['id', 'agentId', 'isEnabled', 'position'])
        .where('departmentId', '=', departmentId)
        .where('agentId', 'in', userIds.slice(from, from + IDS_AT_ONCE)),
    )
    for (const row of rows) members.push({ ...row, isEnabled: row.isEnabled === 1 })
  }
  return members
}

/** What decides whether somebody wants to be told of something. */
export interface Listener {
  id: string
  presence: string
  preferences: Record<string, unknown>
}

/** These people; with `onlyReady` those of them who may be given chats now: agents who are there and take some. */
export async function listListeners(
  reader: Reader,
  userIds: readonly string[],
  { onlyReady }: { onlyReady: boolean },
): Promise<Listener[]> {
  const listeners: Listener[] = []
  for (let from = 0; from < userIds.length; from += IDS_AT_ONCE) {
    const named = reader.sql
      .selectFrom('user')
      .select(['id', 'presence', 'preferences'])
      .where('id', 'in', userIds.slice(from, from + IDS_AT_ONCE))
    const ready = named
      .where('serviceStatus', '=', 'available')
      .where('isActive', '=', 1)
      .where('presence', '!=', 'offline')
    for (const row of await reader.all(onlyReady ? ready : named))
      listeners.push({ ...row, preferences: fromJson<Record<string, unknown>>(row.preferences) ?? {} })
  }
  return listeners
}

/** Chats that wait, with a mark of their state, the longest waiting first. */
export async function listWaiting(
  reader: Reader,
  limit: number,
): Promise<{ id: string; roomId: string; departmentId: string | null; updatedAt: string }[]> {
  return reader.all(
    reader.sql
      .selectFrom('inquiry')
      .select(['id', 'roomId', 'departmentId', 'updatedAt'])
      .where('status', '=', 'queued')
      .orderBy('waitingSince')
      .orderBy('id')
      .limit(limit),
  )
}
