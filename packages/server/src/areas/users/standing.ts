// What an account may do: the roles it holds, and whether it may sign in at all.
import { ApiError } from '../../api-error.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { leaveDepartments } from '../departments/departments.ts'
import { note, type Actor } from '../ledger/ledger.ts'
import type { RoleId } from '../roles/catalogue.ts'
import { readPermissions } from '../roles/roles.ts'
import { offerAfterwards, switchService } from '../routing/routing.ts'
import { refuseUnknownRoles } from './account-rules.ts'
import { requireUser } from './find-user.ts'
import {
  countActiveInRole,
  deleteLinksOf,
  deleteSessionsOf,
  replaceRoles,
  takeAccounts,
  updateUser,
  type User,
} from './store.ts'

export const AGENT = 'livechat-agent' satisfies RoleId
const ADMINISTRATOR = 'admin' satisfies RoleId

/**
 * Gives an account a role it may have already. Somebody who becomes an agent takes chats at once if present.
 * @throws `error-invalid-role`, `error-invalid-user`
 */
export async function grantRole(tx: Transaction, by: Actor, userId: string, role: string): Promise<void> {
  await takeAccounts(tx)
  const user = await requireUser(tx, userId)
  if (!user.roles.includes(role)) await changeRoles(tx, by, user, [...user.roles, role])
}

/**
 * Takes a role away, if the account has it. Who is no agent any more has no switch and no limit; open chats stay.
 * @throws `error-invalid-user`, `error-last-administrator`
 */
export async function revokeRole(tx: Transaction, by: Actor, userId: string, role: string): Promise<void> {
  await takeAccounts(tx)
  const user = await requireUser(tx, userId)
  const rest = user.roles.filter((held) => held !== role)
  if (rest.length < user.roles.length) await changeRoles(tx, by, user, rest)
}

/** Makes the roles of an account exactly these; becoming and ceasing to be an agent as contract §B.5 has it. */
export async function changeRoles(tx: Transaction, by: Actor, user: User, roles: readonly string[]): Promise<void> {
  refuseUnknownRoles(roles)
  if (!roles.includes(ADMINISTRATOR)) await refuseLastAdministrator(tx, user)
  await replaceRoles(tx, user.id, roles)
  if (!isSameSet(roles, user.roles)) await noteRoles(tx, by, user, roles)
  const wasAgent = user.roles.includes(AGENT)
  const isAgent = roles.includes(AGENT)
  if (isAgent && !wasAgent)
    await switchService(tx, user.id, user.presence === 'offline' ? 'not-available' : 'available')
  if (wasAgent && !isAgent) {
    await leaveDepartments(tx, user.id)
    await updateUser(tx, user.id, { serviceStatus: null, isServiceStatusBySystem: false, chatLimit: null })
    tx.emit('agent.changed', { userId: user.id })
    tx.emit('agent.retired', { userId: user.id })
  }
  // A bot counts as present (contract §C.2), so an agent who becomes one may be free for a chat that waits.
  if (isAgent && wasAgent) offerAfterwards(tx)
  tx.emit('user.changed', { userId: user.id })
}

async function noteRoles(tx: Transaction, by: Actor, user: User, roles: readonly string[]): Promise<void> {
  const before = { roles: user.roles }
  const after = { roles: [...new Set(roles)].sort() }
  const added = after.roles.filter((role) => !user.roles.includes(role))
  const removed = user.roles.filter((role) => !after.roles.includes(role))
  tx.emit('user.roles-changed', { userId: user.id, added, removed })
  await note(tx, { actor: by, action: 'user.roles-changed', subject: { kind: 'user', id: user.id }, before, after })
}

/** Lets an account sign in, or signs it out everywhere and makes the links into it worthless. */
export async function changeActive(tx: Transaction, by: Actor, user: User, isActive: boolean): Promise<void> {
  if (isActive === user.isActive) return
  if (!isActive) await refuseLastAdministrator(tx, user)
  const action = isActive ? 'user.activated' : 'user.deactivated'
  await note(tx, { actor: by, action, subject: { kind: 'user', id: user.id } })
  if (isActive) {
    await updateUser(tx, user.id, { isActive })
    return
  }
  await deleteSessionsOf(tx, user.id)
  await deleteLinksOf(tx, user.id)
  await updateUser(tx, user.id, {
    isActive,
    presence: 'offline',
    ...(user.roles.includes(AGENT) && { serviceStatus: 'not-available', isServiceStatusBySystem: false }),
  })
  tx.emit('agent.changed', { userId: user.id })
  if (user.roles.includes(AGENT)) tx.emit('agent.retired', { userId: user.id })
}

/**
 * Nobody may lock everybody out.
 * @throws `error-last-administrator`
 */
export async function refuseLastAdministrator(tx: Transaction, user: User): Promise<void> {
  if (!user.roles.includes(ADMINISTRATOR) || !user.isActive) return
  if ((await countActiveInRole(tx, ADMINISTRATOR, user.id)) === 0) throw new ApiError('error-last-administrator')
}

/** Whose account would be as good as an administrator's. */
export async function isPowerful(reader: Reader, { roles }: Pick<User, 'roles'>): Promise<boolean> {
  const holders = (await readPermissions(reader)).get('access-permissions') ?? []
  return roles.includes(ADMINISTRATOR) || roles.some((role) => holders.includes(role))
}

/** Who may edit permissions could have every one of them, so holding `access-permissions` is as good as the role. */
export function isAdministrator(caller: { roles: readonly string[]; can: (permission: string) => boolean }): boolean {
  return caller.roles.includes(ADMINISTRATOR) || caller.can('access-permissions')
}

export function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const held = new Set(right)
  return new Set(left).size === held.size && left.every((item) => held.has(item))
}
