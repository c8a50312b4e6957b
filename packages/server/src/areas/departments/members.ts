import { ApiError } from '../../api-error.ts'
import { toFlag } from '../../database/columns.ts'
import type { Transaction } from '../../database/transaction.ts'
import { deleteMember, listAgentsAmong, listDepartmentIdsOf, updateMember } from './member-store.ts'
import { findDepartment, insertMember, recountMembers, takeDepartments, type Department } from './store.ts'

/** An agent who is to work in a department; absent keys stay as they are, and are 0 for a new one. */
export interface MemberDraft {
  agentId: string
  rotation?: number | undefined
  position?: number | undefined
}

/**
 * Adds, changes and removes agents of a department; whoever is in both lists stays. People who are no agents are left out.
 * @throws `error-department-not-found`
 */
export async function changeMembers(
  tx: Transaction,
  departmentId: string,
  change: { upsert: readonly MemberDraft[]; remove: readonly string[] },
): Promise<void> {
  await takeDepartments(tx)
  const department = await findDepartment(tx, departmentId)
  if (department === undefined) throw new ApiError('error-department-not-found')
  for (const agentId of change.remove) await deleteMember(tx, departmentId, agentId)
  await addMembers(tx, department, change.upsert)
  tx.emit('department.changed', { departmentId })
}

/** Makes the departments of an agent exactly these; unknown ones are left out. Answers those of before and those of now. */
export async function replaceDepartmentsOf(
  tx: Transaction,
  agentId: string,
  departmentIds: readonly string[],
): Promise<{ before: string[]; after: string[] }> {
  await takeDepartments(tx)
  const current = await departmentsOf(tx, agentId)
  const wanted = new Set(departmentIds)
  for (const departmentId of current) if (!wanted.has(departmentId)) await leave(tx, departmentId, agentId)
  for (const departmentId of wanted) {
    if (current.includes(departmentId)) continue
    const department = await findDepartment(tx, departmentId)
    if (department === undefined) continue
    await addMembers(tx, department, [{ agentId }])
    tx.emit('department.changed', { departmentId })
  }
  return { before: current, after: await departmentsOf(tx, agentId) }
}

/** Whoever is no agent any more works in no department (contract §B.5). */
export async function leaveDepartments(tx: Transaction, agentId: string): Promise<void> {
  await takeDepartments(tx)
  for (const departmentId of await departmentsOf(tx, agentId)) await leave(tx, departmentId, agentId)
}

/** Adds agents to a department, or changes those who are in it. The caller has taken the departments. */
export async function addMembers(
  tx: Transaction,
  department: Department,
  drafts: readonly MemberDraft[],
): Promise<void> {
  const agents = await listAgentsAmong(
    tx,
    drafts.map(({ agentId }) => agentId),
  )
  for (const { agentId, rotation, position } of drafts) {
    if (!agents.has(agentId)) continue
    const member = { departmentId: department.id, agentId }
    const isEnabled = toFlag(department.isEnabled)
    const isNew = await insertMember(tx, { ...member, rotation: rotation ?? 0, position: position ?? 0, isEnabled })
    if (!isNew) await updateMember(tx, member, { rotation, position })
  }
  await recountMembers(tx, department.id)
}

async function leave(tx: Transaction, departmentId: string, agentId: string): Promise<void> {
  await deleteMember(tx, departmentId, agentId)
  await recountMembers(tx, departmentId)
  tx.emit('department.changed', { departmentId })
}

async function departmentsOf(tx: Transaction, agentId: string): Promise<string[]> {
  return (await listDepartmentIdsOf(tx, [agentId])).get(agentId) ?? []
}
