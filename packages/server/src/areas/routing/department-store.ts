import { statement } from '../../database/statement.ts'
import type { Reader } from '../../database/transaction.ts'

const ofAgent = statement((sql, p: { agentId: string }) =>
  sql.selectFrom('departmentAgent').select(['departmentId', 'isEnabled']).where('agentId', '=', p.agentId),
)
const anyOffered = statement((sql) =>
  sql.selectFrom('department').select('id').where('isEnabled', '=', 1).where('showOnRegistration', '=', 1).limit(1),
)
const offered = statement((sql) =>
  sql
    .selectFrom('department')
    .innerJoin('departmentAgent', 'departmentAgent.departmentId', 'department.id')
    .select(['department.id', 'departmentAgent.agentId'])
    .where('department.isEnabled', '=', 1)
    .where('department.showOnRegistration', '=', 1)
    .orderBy('department.createdAt')
    .orderBy('department.id'),
)

/** The departments an agent works in; with `enabledOnly` those that take chats. */
export async function listDepartmentIdsOf(
  reader: Reader,
  agentId: string,
  { enabledOnly = false }: { enabledOnly?: boolean } = {},
): Promise<string[]> {
  const rows = await ofAgent.all(reader, { agentId })
  return rows.filter(({ isEnabled }) => !enabledOnly || isEnabled === 1).map(({ departmentId }) => departmentId)
}

/** Who works in the departments that visitors may choose, the oldest department first. */
export async function listOfferedMembers(reader: Reader): Promise<{ id: string; agentId: string }[]> {
  // Most desks have no departments, and sorting nothing takes its time too.
  return (await anyOffered.first(reader, {})) === undefined ? [] : offered.all(reader, {})
}
