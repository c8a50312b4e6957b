// Staff accounts: who may sign in, under which name, with which roles.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { toJson } from '../../database/columns.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { leaveDepartments } from '../departments/departments.ts'
import { roles as knownRoles, type RoleId } from '../roles/catalogue.ts'
import { readPermissions } from '../roles/roles.ts'
import { choosePresence, leaveService, offerWaitingChats, switchService } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import {
  countActiveInRole,
  deleteSessionsOf,
  deleteUser,
  findUserByEmail,
  findUserById,
  findUserByUsername,
  insertUser,
  replaceRoles,
  takeAccounts,
  updateUser,
  type Presence,
  type User,
  type UserChange,
} from './store.ts'

export type { Presence, ServiceStatus, User } from './store.ts'
export type { UserColumn, UserFilter, UserPage } from './list-store.ts'
export { findPasswordHash, findUserById, findUserByUsername, takeIfUnchanged } from './store.ts'
export { listUsers } from './list-store.ts'

/** What a new account needs. The password is hashed before the transaction. */
export interface AccountDraft {
  id?: string | undefined
  username: string
  name: string
  email?: string | undefined
  isEmailVerified?: boolean
  passwordHash: string | null
  isActive?: boolean
  mustChangePassword?: boolean
  roles: readonly string[]
  customFields?: Record<string, unknown> | undefined
}

/** What a change of an account sets; absent keys stay as they are. The password is hashed before the transaction. */
export type AccountChange = Pick<
  UserChange,
  | 'username'
  | 'name'
  | 'isEmailVerified'
  | 'isActive'
  | 'mustChangePassword'
  | 'statusText'
  | 'language'
  | 'customFields'
> & { email?: string; passwordHash?: string; roles?: readonly string[] }

/** An account by its id or, without one, by its username. */
export interface UserKey {
  userId?: string | undefined
  username?: string | undefined
}

/** Characters of the shortest password, as NIST SP 800-63B has it. */
const LEAST_PASSWORD = 8

const AGENT = 'livechat-agent' satisfies RoleId
const ADMINISTRATOR = 'admin' satisfies RoleId
const presences: readonly string[] = ['online', 'away', 'busy', 'offline'] satisfies Presence[]

/**
 * Creates an account. One with the role `livechat-agent` is an agent at once, switched off until present (contract §B.5).
 * @throws `error-invalid-username`, `error-invalid-email`, `error-invalid-role`, `error-field-unavailable`
 */
export async function createUser(tx: Transaction, draft: AccountDraft): Promise<User> {
  refuseBadName(draft.username)
  if (draft.email !== undefined) refuseBadEmail(draft.email)
  refuseUnknownRoles(draft.roles)
  await takeAccounts(tx)
  await refuseTaken(tx, draft)
  const id = draft.id ?? tx.newId()
  const inserted = await insertUser(tx, {
    id,
    username: draft.username,
    name: draft.name,
    email: draft.email,
    isEmailVerified: draft.isEmailVerified ?? false,
    passwordHash: draft.passwordHash,
    isActive: draft.isActive ?? true,
    mustChangePassword: draft.mustChangePassword ?? false,
    roles: draft.roles,
    serviceStatus: draft.roles.includes(AGENT) ? 'not-available' : undefined,
    customFields: draft.customFields,
  })
  if (!inserted) throw unavailable(draft.username)
  tx.emit('user.changed', { userId: id })
  return requireUser(tx, id)
}

/**
 * Creates an account on behalf of somebody, who hands out no role but `user` without being an administrator.
 * @throws `error-action-not-allowed`, and what `createUser` throws
 */
export async function createUserFor(tx: Transaction, caller: SignedIn, draft: AccountDraft): Promise<User> {
  if (draft.roles.some((role) => role !== 'user')) refuseToAssignRoles(caller)
  return createUser(tx, draft)
}

/**
 * Changes an account. A changed password ends every session of it but the one that changed it.
 * @throws `error-invalid-user`, `error-action-not-allowed`, `unauthorized`, `error-invalid-username`,
 * `error-invalid-email`, `error-invalid-role`, `error-field-unavailable`, `error-last-administrator`
 */
export async function changeUser(
  tx: Transaction,
  caller: SignedIn,
  userId: string,
  change: AccountChange,
): Promise<User> {
  const user = await takeUserFor(tx, caller, { userId })
  const { roles, isActive, ...plain } = change
  if (roles !== undefined && !isSameSet(roles, user.roles)) refuseToAssignRoles(caller)
  if (isActive !== undefined && !caller.can('edit-other-user-active-status')) throw new ApiError('unauthorized')
  if (plain.username !== undefined) refuseBadName(plain.username)
  if (plain.email !== undefined) refuseBadEmail(plain.email)
  await refuseTaken(tx, plain, userId)

  await updateUser(tx, userId, { ...verificationAfter(user, plain), ...plain })
  if (plain.passwordHash !== undefined) await endOtherSessions(tx, caller, user)
  if (roles !== undefined) await changeRoles(tx, user, roles)
  if (isActive !== undefined) await changeActive(tx, await requireUser(tx, userId), isActive)
  tx.emit('user.changed', { userId })
  return requireUser(tx, userId)
}

/**
 * Removes an account with its sessions. Its chats stay as they are (contract §B.5).
 * @throws `error-user-param-not-provided`, `error-invalid-user`, `error-action-not-allowed`, `error-last-administrator`
 */
export async function removeUser(tx: Transaction, caller: SignedIn, key: UserKey): Promise<void> {
  const user = await takeUserFor(tx, caller, key)
  await refuseLastAdministrator(tx, user)
  await leaveDepartments(tx, user.id)
  await deleteUser(tx, user.id)
  tx.emit('user.removed', { userId: user.id })
}

/**
 * Deactivates an account or activates it again. A deactivated one is signed out everywhere and takes no chats.
 * @throws `error-invalid-user`, `error-action-not-allowed`, `error-last-administrator`
 */
export async function setActive(tx: Transaction, caller: SignedIn, userId: string, isActive: boolean): Promise<void> {
  const user = await takeUserFor(tx, caller, { userId })
  await changeActive(tx, user, isActive)
  tx.emit('user.changed', { userId })
}

/**
 * Says whether somebody is there, and in a few words why; of others with `edit-other-user-info` (contract §E.2).
 * @throws `unauthorized`, `error-invalid-user`, `error-invalid-status`, `error-status-not-allowed`
 */
export async function chooseStatus(
  tx: Transaction,
  caller: SignedIn,
  userId: string,
  change: { status?: string | undefined; text?: string | undefined },
): Promise<void> {
  if (userId !== caller.id && !caller.can('edit-other-user-info')) throw new ApiError('unauthorized')
  await requireUser(tx, userId)
  const { status } = change
  if (status !== undefined && !presences.includes(status)) throw new ApiError('error-invalid-status')
  const { Accounts_AllowInvisibleStatusOption: mayHide } = await readSettings(tx)
  if (status === 'offline' && !mayHide) throw new ApiError('error-status-not-allowed')
  await choosePresence(tx, userId, change)
  tx.emit('user.changed', { userId })
}

/**
 * Gives an account a role it may have already. Somebody who becomes an agent takes chats at once if present.
 * @throws `error-invalid-role`, `error-invalid-user`
 */
export async function grantRole(tx: Transaction, userId: string, role: string): Promise<void> {
  await takeAccounts(tx)
  const user = await requireUser(tx, userId)
  if (!user.roles.includes(role)) await changeRoles(tx, user, [...user.roles, role])
}

/**
 * Takes a role away, if the account has it. Who is no agent any more has no switch and no limit; open chats stay.
 * @throws `error-invalid-user`, `error-last-administrator`
 */
export async function revokeRole(tx: Transaction, userId: string, role: string): Promise<void> {
  await takeAccounts(tx)
  const user = await requireUser(tx, userId)
  const rest = user.roles.filter((held) => held !== role)
  if (rest.length < user.roles.length) await changeRoles(tx, user, rest)
}

/** Sets how many chats an agent serves at once; without a number the general limit counts. */
export async function setChatLimit(tx: Transaction, userId: string, limit: string | number | undefined): Promise<void> {
  await updateUser(tx, userId, { chatLimit: toJson(limit) })
  tx.emit('agent.changed', { userId })
}

/** @throws `error-invalid-user` */
export async function requireUser(reader: Reader, id: string): Promise<User> {
  const user = await findUserById(reader, id)
  if (user === undefined) throw new ApiError('error-invalid-user')
  return user
}

/**
 * Finds an account by id or username.
 * @throws `error-user-param-not-provided`
 */
export async function findUser(reader: Reader, { userId, username }: UserKey): Promise<User | undefined> {
  if (userId !== undefined) return findUserById(reader, userId)
  if (username !== undefined) return findUserByUsername(reader, username)
  throw new ApiError('error-user-param-not-provided')
}

/** Finds the account behind what a person typed to sign in: a username or an e-mail address. */
export async function findUserByLogin(reader: Reader, login: string): Promise<User | undefined> {
  return (await findUserByUsername(reader, login)) ?? (await findUserByEmail(reader, login))
}

/** @throws `error-invalid-username` */
function refuseBadName(username: string): void {
  if (!/^[\p{L}\p{N}._-]{1,64}$/u.test(username)) throw new ApiError('error-invalid-username')
}

/** @throws `error-invalid-role` */
function refuseUnknownRoles(roles: readonly string[]): void {
  if (roles.some((role) => !Object.hasOwn(knownRoles, role))) throw new ApiError('error-invalid-role')
}

/**
 * For the plain password, before it is hashed.
 * @throws `error-password-policy`
 */
export function refuseWeakPassword(password: string): void {
  if (password.length < LEAST_PASSWORD) throw new ApiError('error-password-policy')
}

function refuseBadEmail(email: string): void {
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw new ApiError('error-invalid-email')
}

/** The account to change. Whoever could take over an administrator's account could do anything, so only they may. */
async function takeUserFor(tx: Transaction, caller: SignedIn, key: UserKey): Promise<User> {
  await takeAccounts(tx)
  const user = await findUser(tx, key)
  if (user === undefined) throw new ApiError('error-invalid-user')
  if (!isAdministrator(caller) && (await isPowerful(tx, user)))
    throw new ApiError('error-action-not-allowed', { reason: 'Only administrators change administrators' })
  return user
}

/** Whose account would be as good as an administrator's. */
async function isPowerful(reader: Reader, { roles }: User): Promise<boolean> {
  const holders = (await readPermissions(reader)).get('access-permissions') ?? []
  return roles.includes(ADMINISTRATOR) || roles.some((role) => holders.includes(role))
}

function refuseToAssignRoles(caller: SignedIn): void {
  if (!isAdministrator(caller))
    throw new ApiError('error-action-not-allowed', {
      reason: 'Assigning roles is not allowed',
      details: { action: 'Assign_role' },
    })
}

/** Who may edit permissions could have every one of them, so holding `access-permissions` is as good as the role. */
function isAdministrator(caller: SignedIn): boolean {
  return caller.roles.includes(ADMINISTRATOR) || caller.can('access-permissions')
}

async function refuseTaken(tx: Transaction, names: { username?: string; email?: string | undefined }, ownId?: string) {
  const { username, email } = names
  const sameName = username === undefined ? undefined : await findUserByUsername(tx, username)
  if (sameName !== undefined && sameName.id !== ownId) throw unavailable(sameName.username)
  const sameEmail = email === undefined ? undefined : await findUserByEmail(tx, email)
  if (sameEmail !== undefined && sameEmail.id !== ownId) throw unavailable(email ?? '')
}

function unavailable(taken: string): ApiError {
  return new ApiError('error-field-unavailable', { reason: `${taken} is already in use :(` })
}

/** A new address is unverified until somebody says otherwise. */
function verificationAfter(user: User, { email }: AccountChange): Pick<UserChange, 'isEmailVerified'> {
  return email !== undefined && email !== user.email ? { isEmailVerified: false } : {}
}

/** Somebody whose password another changed is no longer there: an agent takes chats again after the next sign-in. */
async function endOtherSessions(tx: Transaction, caller: SignedIn, user: User): Promise<void> {
  if (caller.id === user.id) {
    await deleteSessionsOf(tx, user.id, caller.sessionHash)
    return
  }
  await deleteSessionsOf(tx, user.id)
  await leaveService(tx, user.id, { isBot: user.roles.includes('bot') })
}

/** Makes the roles of an account exactly these; becoming and ceasing to be an agent as contract §B.5 has it. */
async function changeRoles(tx: Transaction, user: User, roles: readonly string[]): Promise<void> {
  refuseUnknownRoles(roles)
  if (!roles.includes(ADMINISTRATOR)) await refuseLastAdministrator(tx, user)
  await replaceRoles(tx, user.id, roles)
  const wasAgent = user.roles.includes(AGENT)
  const isAgent = roles.includes(AGENT)
  if (isAgent && !wasAgent)
    await switchService(tx, user.id, user.presence === 'offline' ? 'not-available' : 'available')
  if (wasAgent && !isAgent) {
    await leaveDepartments(tx, user.id)
    await updateUser(tx, user.id, { serviceStatus: null, isServiceStatusBySystem: false, chatLimit: null })
    tx.emit('agent.changed', { userId: user.id })
  }
  // A bot counts as present (contract §C.2), so an agent who becomes one may be free for a chat that waits.
  if (isAgent && wasAgent) await offerWaitingChats(tx)
  tx.emit('user.changed', { userId: user.id })
}

async function changeActive(tx: Transaction, user: User, isActive: boolean): Promise<void> {
  if (isActive === user.isActive) return
  if (isActive) {
    await updateUser(tx, user.id, { isActive })
    return
  }
  await refuseLastAdministrator(tx, user)
  await deleteSessionsOf(tx, user.id)
  await updateUser(tx, user.id, {
    isActive,
    presence: 'offline',
    ...(user.roles.includes(AGENT) && { serviceStatus: 'not-available', isServiceStatusBySystem: false }),
  })
  tx.emit('agent.changed', { userId: user.id })
}

/** Nobody may lock everybody out. */
async function refuseLastAdministrator(tx: Transaction, user: User): Promise<void> {
  if (!user.roles.includes(ADMINISTRATOR) || !user.isActive) return
  if ((await countActiveInRole(tx, ADMINISTRATOR, user.id)) === 0) throw new ApiError('error-last-administrator')
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const held = new Set(right)
  return new Set(left).size === held.size && left.every((item) => held.has(item))
}
