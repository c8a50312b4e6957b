import type { Reader, Transaction } from '../../database/transaction.ts'

/** An agent in a department. */
export interface Member {
  id: string
  departmentId: string
  agentId: string
  /** As the agent is called now. */
  username: string
  /** Chats handed out to the agent here; who has fewest is next. */
  rotation: number
  /** Among equals, lower comes first. */
  position: number
  /** Whether the department takes chats. */
  isEnabled: boolean
  updatedAt: string
}

export type MemberColumn = keyof typeof sortable

export interface MemberPage {
  offset: number
  limit: number
  order: readonly { column: MemberColumn; direction: 'asc' | 'desc' }[]
}

// An account has a rotation as well.
const sortable = {
  username: 'user.username',
  rotation: 'departmentAgent.rotation',
  position: 'departmentAgent.position',
} as const

/** Whoever works in a department, a page at a time, and how many there are in all. */
export async function listMembers(
  reader: Reader,
  departmentId: string,
  page: MemberPage,
): Promise<{ members: Member[]; total: number }> {
  let sorted = memberships(reader).where('departmentId', '=', departmentId)
  for (const { column, direction } of page.order) sorted = sorted.orderBy(sortable[column], direction)
  const rows = await reader.all(sorted.orderBy('departmentAgent.id').limit(page.limit).offset(page.offset))
  const counted = await reader.first(
    reader.sql
      .selectFrom('departmentAgent')
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .where('departmentId', '=', departmentId),
  )
  return { members: rows.map(fromRow), total: counted?.total ?? 0 }
}

/** More departments than anybody works in. */
const MOST_DEPARTMENTS = 1_000

/** The departments an agent works in, by name. */
export async function listMembershipsOf(
  reader: Reader,
  agentId: string,
): Promise<(Member & { departmentName: string })[]> {
  const rows = await reader.all(
    memberships(reader)
      .innerJoin('department', 'department.id', 'departmentAgent.departmentId')
      .select('department.name as departmentName')
      .where('agentId', '=', agentId)
      .orderBy('department.name')
      .orderBy('department.id')
      .limit(MOST_DEPARTMENTS),
  )
  return rows.map((row) => ({ ...fromRow(row), departmentName: row.departmentName }))
}

/** Agent → the ids of the departments that the agent works in. */
export async function listDepartmentIdsOf(reader: Reader, agentIds: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  if (agentIds.length === 0) return found
  const rows = await reader.all(
    reader.sql
      .selectFrom('departmentAgent')
      .select(['agentId', 'departmentId'])
      .where('agentId', 'in', [...agentIds])
      .orderBy('departmentId'),
  )
  for (const { agentId, departmentId } of rows) found.set(agentId, [...(found.get(agentId) ?? []), departmentId])
  return found
}

/** Those of these people who are agents. */
export async function listAgentsAmong(reader: Reader, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await reader.all(
    reader.sql
      .selectFrom('userRole')
      .select('userId')
      .where('role', '=', 'livechat-agent')
      .where('userId', 'in', [...ids]),
  )
  return new Set(rows.map(({ userId }) => userId))
}

/** Writes what is known of a member. */
export async function updateMember(
  tx: Transaction,
  { departmentId, agentId }: { departmentId: string; agentId: string },
  change: { rotation?: number | undefined; position?: number | undefined },
): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('departmentAgent')
      .set({ ...change, updatedAt: tx.now })
      .where('departmentId', '=', departmentId)
      .where('agentId', '=', agentId),
  )
}

/** Says to the memberships of a department whether it takes chats. */
export async function updateMembersOf(tx: Transaction, departmentId: string, isEnabled: number): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('departmentAgent')
      .set({ isEnabled, updatedAt: tx.now })
      .where('departmentId', '=', departmentId),
  )
}

/** Takes an agent out of a department; answers false where the agent was not in it. */
export async function deleteMember(tx: Transaction, departmentId: string, agentId: string): Promise<boolean> {
  const deleted = await tx.run(
    tx.sql.deleteFrom('departmentAgent').where('departmentId', '=', departmentId).where('agentId', '=', agentId),
  )
  return deleted === 1
}

function memberships(reader: Reader) {
  return reader.sql
    .selectFrom('departmentAgent')
    .innerJoin('user', 'user.id', 'departmentAgent.agentId')
    .select([
      'departmentAgent.id',
      'departmentAgent.departmentId',
      'departmentAgent.agentId',
      'user.username',
      'departmentAgent.rotation',
      'departmentAgent.position',
      'departmentAgent.isEnabled',
      'departmentAgent.updatedAt',
    ])
}

function fromRow({ isEnabled, ...row }: Omit<Member, 'isEnabled'> & { isEnabled: number }): Member {
  return {
    id: row.id,
    departmentId: row.departmentId,
    agentId: row.agentId,
    username: row.username,
    rotation: row.rotation,
    position: row.position,
    isEnabled: isEnabled === 1,
    updatedAt: row.updatedAt,
  }
}
