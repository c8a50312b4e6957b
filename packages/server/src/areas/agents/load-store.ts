import type { Reader } from '../../database/transaction.ts'

/** The open chats that an agent serves in a department, or in none. */
export interface Load {
  agent: { id: string; username: string; presence: string }
  department?: { id: string; name: string }
  chats: number
}

/** Which loads to list; absent keys exclude none. */
export interface LoadFilter {
  agentId?: string | undefined
  departmentId?: string | undefined
  /** Leaves out agents who are offline or switched off. */
  availableOnly: boolean
}

export type LoadColumn = 'chats' | 'username'

export interface LoadPage {
  offset: number
  limit: number
  order: readonly { column: LoadColumn; direction: 'asc' | 'desc' }[]
}

/** What each agent serves in each department, a page at a time, and how many such pairs there are. */
export async function listLoad(
  reader: Reader,
  filter: LoadFilter,
  page: LoadPage,
): Promise<{ loads: Load[]; total: number }> {
  const grouped = groups(reader, filter)
  let sorted = grouped
  for (const { column, direction } of page.order) sorted = sorted.orderBy(column, direction)
  const rows = await reader.all(
    sorted
      .orderBy('user.id')
      .orderBy('room.departmentId', (order) => order.asc().nullsFirst())
      .limit(page.limit)
      .offset(page.offset),
  )
  const counted = await reader.first(
    reader.sql.selectFrom(grouped.as('load')).select((eb) => eb.fn.countAll<number>().as('total')),
  )
  const loads = rows.map(({ id, username, presence, departmentId, departmentName, chats }) => ({
    agent: { id, username, presence },
    ...(departmentId !== null && { department: { id: departmentId, name: departmentName ?? '' } }),
    chats,
  }))
  return { loads, total: counted?.total ?? 0 }
}

function groups(reader: Reader, { agentId, departmentId, availableOnly }: LoadFilter) {
  let served = reader.sql
    .selectFrom('room')
    .innerJoin('user', 'user.id', 'room.servedById')
    .leftJoin('department', 'department.id', 'room.departmentId')
    .where('room.closedAt', 'is', null)
  if (availableOnly) served = served.where('user.presence', '!=', 'offline').where('serviceStatus', '=', 'available')
  if (agentId !== undefined) served = served.where('user.id', '=', agentId)
  if (departmentId !== undefined) served = served.where('room.departmentId', '=', departmentId)
  return served
    .select(['user.id', 'user.username', 'user.presence', 'room.departmentId', 'department.name as departmentName'])
    .select((eb) => eb.fn.countAll<number>().as('chats'))
    .groupBy(['user.id', 'user.username', 'user.presence', 'room.departmentId', 'department.name'])
}
