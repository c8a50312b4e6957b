// Parts of the desk, each with agents and rules of its own.
import { ApiError } from '../../api-error.ts'
import { toFlag } from '../../database/columns.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { forgetDepartment, forgetDepartmentOfClosed } from '../timeline/timeline.ts'
import { updateMembersOf } from './member-store.ts'
import { addMembers, type MemberDraft } from './members.ts'
import {
  columnsOf,
  deleteDepartment,
  findDepartment,
  findDepartmentByName,
  findOpenDepartmentByName,
  forgetInVisitors,
  forgetReferences,
  insertDepartment,
  listFallbacks,
  takeDepartments,
  updateDepartment,
  type Department,
  type DepartmentDraft,
} from './store.ts'

export type { Department, DepartmentDraft } from './store.ts'
export type { DepartmentColumn, DepartmentFilter } from './list-store.ts'
export type { Member, MemberColumn } from './member-store.ts'
export type { MemberDraft } from './members.ts'
export { findDepartment, findDepartmentNames } from './store.ts'
export { listDepartments, listStaffedDepartments } from './list-store.ts'
export { listDepartmentIdsOf, listMembers, listMembershipsOf } from './member-store.ts'
export { changeMembers, leaveDepartments, replaceDepartmentsOf } from './members.ts'

/** The department with this id or name, in any state. */
export async function findDepartmentNamed(reader: Reader, idOrName: string): Promise<Department | undefined> {
  return (await findDepartment(reader, idOrName)) ?? (await findDepartmentByName(reader, idOrName))
}

/**
 * The department that a visitor names by its id or name. Visitors cannot tell one that takes no chats from one that does
 * not exist (promises A24).
 * @throws `error-invalid-department`
 */
export async function requireOpenDepartment(reader: Reader, idOrName: string): Promise<Department> {
  const department = (await findDepartment(reader, idOrName)) ?? (await findOpenDepartmentByName(reader, idOrName))
  if (department?.isEnabled !== true || department.archivedAt !== undefined)
    throw new ApiError('error-invalid-department')
  return department
}

/**
 * Creates a department with agents; people who are none are left out.
 * @throws `error-validating-department-chat-closing-tags`, `error-fallback-department-not-found`
 */
export async function createDepartment(
  tx: Transaction,
  draft: DepartmentDraft,
  agents: readonly MemberDraft[],
): Promise<Department> {
  await takeDepartments(tx)
  refuseMissingTags(draft)
  await refuseBadFallback(tx, draft.fallbackId)
  const id = tx.newId()
  await insertDepartment(tx, { ...columnsOf(draft), id, agentCount: 0, createdAt: tx.now, updatedAt: tx.now })
  await addMembers(tx, await requireDepartment(tx, id), agents)
  tx.emit('department.changed', { departmentId: id })
  return requireDepartment(tx, id)
}

/**
 * Changes a department, and adds or changes agents of it.
 * @throws `error-department-not-found`, `error-archived-department-cant-be-enabled`,
 * `error-validating-department-chat-closing-tags`, `error-fallback-department-circular`,
 * `error-fallback-department-not-found`
 */
export async function changeDepartment(
  tx: Transaction,
  id: string,
  draft: DepartmentDraft,
  agents: readonly MemberDraft[],
): Promise<Department> {
  await takeDepartments(tx)
  const before = await requireDepartment(tx, id)
  if (draft.isEnabled && before.archivedAt !== undefined)
    throw new ApiError('error-archived-department-cant-be-enabled')
  refuseMissingTags(draft, before)
  await refuseBadFallback(tx, draft.fallbackId, id)
  await updateDepartment(tx, id, columnsOf(draft))
  if (draft.isEnabled !== before.isEnabled) await updateMembersOf(tx, id, toFlag(draft.isEnabled))
  await addMembers(tx, await requireDepartment(tx, id), agents)
  tx.emit('department.changed', { departmentId: id })
  return requireDepartment(tx, id)
}

/**
 * Puts a department away: it takes no chats, and lists leave it out.
 * @throws `department-not-found`
 */
export async function archiveDepartment(tx: Transaction, id: string): Promise<void> {
  await takeDepartments(tx)
  if (!(await updateDepartment(tx, id, { archivedAt: tx.now, isEnabled: 0 })))
    throw new ApiError('department-not-found')
  await updateMembersOf(tx, id, 0)
  tx.emit('department.changed', { departmentId: id })
}

/**
 * Takes a department out of the archive. It stays disabled, while its memberships say again that it takes chats: so the
 * wire has it (contract §D.5).
 * @throws `department-not-found`
 */
export async function unarchiveDepartment(tx: Transaction, id: string): Promise<void> {
  await takeDepartments(tx)
  if (!(await updateDepartment(tx, id, { archivedAt: null }))) throw new ApiError('department-not-found')
  await updateMembersOf(tx, id, 1)
  tx.emit('department.changed', { departmentId: id })
}

/**
 * Removes a department. Its rooms and visitors stay, and belong to none; chats that wait in it wait for anybody.
 * @throws `error-department-not-found`
 */
export async function removeDepartment(tx: Transaction, id: string): Promise<void> {
  await takeDepartments(tx)
  await requireDepartment(tx, id)
  // Its rooms before its agents, as everywhere.
  await forgetAtOnce(tx, id)
  await deleteDepartment(tx, id)
  tx.emit('department.changed', { departmentId: id })
  tx.emit('department.removed', { departmentId: id })
}

/** Closed rooms and visitors from whom a department is taken in one transaction: they may be many. */
const FORGOTTEN_AT_ONCE = 250

/** Takes a department that is gone out of some of what names it yet. Answers how many rooms and visitors; 0 is the end. */
export async function forgetRemoved(tx: Transaction, id: string): Promise<number> {
  await forgetAtOnce(tx, id)
  const rooms = await forgetDepartmentOfClosed(tx, id, FORGOTTEN_AT_ONCE)
  return rooms + (await forgetInVisitors(tx, id, FORGOTTEN_AT_ONCE))
}

/** What decides about chats of this moment names the department no more. */
async function forgetAtOnce(tx: Transaction, id: string): Promise<void> {
  for (const roomId of await forgetDepartment(tx, id)) tx.emit('room.changed', { roomId })
  await forgetReferences(tx, id)
}

async function requireDepartment(reader: Reader, id: string): Promise<Department> {
  const department = await findDepartment(reader, id)
  if (department === undefined) throw new ApiError('error-department-not-found')
  return department
}

/** Nobody could close a chat where a tag is asked for and there is none to choose. */
function refuseMissingTags(draft: DepartmentDraft, before?: Department): void {
  const { asksForTags = before?.asksForTags, closingTags = before?.closingTags } = draft
  if (asksForTags === true && (closingTags ?? []).length === 0)
    throw new ApiError('error-validating-department-chat-closing-tags')
}

async function refuseBadFallback(tx: Transaction, fallbackId: string | null | undefined, ownId?: string) {
  if (fallbackId === undefined || fallbackId === null) return
  if (ownId !== undefined && leadsBack(await listFallbacks(tx), fallbackId, ownId))
    throw new ApiError('error-fallback-department-circular')
  if ((await findDepartment(tx, fallbackId)) === undefined) throw new ApiError('error-fallback-department-not-found')
}

/** Whether who goes from fallback to fallback comes to this department. */
function leadsBack(fallbacks: ReadonlyMap<string, string>, from: string, ownId: string): boolean {
  const seen = new Set<string>()
  for (let next: string | undefined = from; next !== undefined && !seen.has(next); next = fallbacks.get(next)) {
    if (next === ownId) return true
    seen.add(next)
  }
  return false
}
