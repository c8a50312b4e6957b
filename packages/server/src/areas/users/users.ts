// Staff accounts: who may sign in, under which name, with which roles.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { toJson } from '../../database/columns.ts'
import type { Transaction } from '../../database/transaction.ts'
import { leaveDepartments } from '../departments/departments.ts'
import { differenceOf, note, systemActor, type Actor } from '../ledger/ledger.ts'
import { choosePresence, leaveService } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { refuseBadEmail, refuseBadName, refuseUnknownRoles } from './account-rules.ts'
import { findUser, requireUser, type UserKey } from './find-user.ts'
import {
  AGENT,
  changeActive,
  changeRoles,
  isAdministrator,
  isPowerful,
  isSameSet,
  refuseLastAdministrator,
} from './standing.ts'
import {
  deleteLinksOf,
  deleteSessionsOf,
  deleteUser,
  findUserByEmail,
  findUserByUsername,
  insertUser,
  takeAccounts,
  updateUser,
  type Presence,
  type User,
  type UserChange,
} from './store.ts'

export type { Presence, ServiceStatus, User } from './store.ts'
export type { UserColumn, UserFilter, UserPage } from './list-store.ts'
export { isEmail, isLongEnough, isUserId, isUsername, leastPassword, refuseWeakPassword } from './account-rules.ts'
export { findUser, findUserByLogin, requireUser } from './find-user.ts'
export {
  findPasswordHash,
  findUserByEmail,
  findUserById,
  findUserByUsername,
  takeAccounts,
  takeIfUnchanged,
} from './store.ts'
export { listUsers } from './list-store.ts'
export { grantRole, revokeRole } from './standing.ts'

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
  | 'nickname'
  | 'bio'
  | 'customFields'
> & { email?: string; passwordHash?: string; roles?: readonly string[] }

const presences: readonly string[] = ['online', 'away', 'busy', 'offline'] satisfies Presence[]

/**
 * Creates an account on behalf of whoever runs the server. One with the role `livechat-agent` is an agent at once,
 * switched off until present (contract §B.5).
 * @throws `error-invalid-username`, `error-invalid-email`, `error-invalid-role`, `error-field-unavailable`
 */
export function createUser(tx: Transaction, draft: AccountDraft): Promise<User> {
  return addUser(tx, systemActor, draft)
}

/**
 * Creates an account on behalf of somebody, who hands out no role but `user` without being an administrator.
 * @throws `error-action-not-allowed`, and what `createUser` throws
 */
export async function createUserFor(tx: Transaction, caller: SignedIn, draft: AccountDraft): Promise<User> {
  refuseRolesFrom(caller, draft.roles)
  return addUser(tx, caller, draft)
}

/**
 * Only administrators hand out roles other than `user`.
 * @throws `error-action-not-allowed`
 */
export function refuseRolesFrom(caller: SignedIn, roles: readonly string[]): void {
  if (roles.some((role) => role !== 'user')) refuseToAssignRoles(caller)
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
  await refuseBadNames(tx, plain, userId)

  await updateUser(tx, userId, { ...verificationAfter(user, plain), ...plain })
  if (plain.passwordHash !== undefined) await endOtherSessions(tx, caller, user)
  await followChange(tx, caller, user, await requireUser(tx, userId))
  if (roles !== undefined) await changeRoles(tx, caller, user, roles)
  if (isActive !== undefined) await changeActive(tx, caller, await requireUser(tx, userId), isActive)
  tx.emit('user.changed', { userId })
  return requireUser(tx, userId)
}

/**
 * Gives an account the password that its owner chose through a link in a letter: the address is theirs then. Every
 * session and every other link ends.
 */
export async function replacePassword(tx: Transaction, user: User, passwordHash: string): Promise<void> {
  await updateUser(tx, user.id, { passwordHash, mustChangePassword: false, isEmailVerified: true })
  await signOut(tx, user)
  await notePassword(tx, user, user)
  tx.emit('user.changed', { userId: user.id })
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
  const subject = { kind: 'user' as const, id: user.id }
  await note(tx, { actor: caller, action: 'user.deleted', subject, before: notedOf(user) })
  if (user.roles.includes(AGENT)) tx.emit('agent.retired', { userId: user.id })
  tx.emit('user.removed', { userId: user.id })
}

/**
 * Deactivates an account or activates it again. A deactivated one is signed out everywhere and takes no chats.
 * @throws `error-invalid-user`, `error-action-not-allowed`, `error-last-administrator`
 */
export async function setActive(tx: Transaction, caller: SignedIn, userId: string, isActive: boolean): Promise<void> {
  const user = await takeUserFor(tx, caller, { userId })
  await changeActive(tx, caller, user, isActive)
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

/** More than any client keeps. */
const MOST_PREFERENCES = 200

/**
 * Keeps preferences of somebody beside those that are there, and answers all; of others with `edit-other-user-info`
 * (contract §E.2).
 * @throws `unauthorized`, `error-invalid-user`, `invalid-params` where there are too many
 */
export async function setPreferences(
  tx: Transaction,
  caller: SignedIn,
  userId: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  if (userId !== caller.id && !caller.can('edit-other-user-info')) throw new ApiError('unauthorized')
  await takeAccounts(tx)
  const preferences = { ...(await requireUser(tx, userId)).preferences, ...given }
  if (Object.keys(preferences).length > MOST_PREFERENCES)
    throw new ApiError('invalid-params', { reason: `There may be ${String(MOST_PREFERENCES)} preferences` })
  await updateUser(tx, userId, { preferences })
  tx.emit('user.changed', { userId })
  return preferences
}

/** Sets how many chats an agent serves at once; without a number the general limit counts. */
export async function setChatLimit(tx: Transaction, userId: string, limit: string | number | undefined): Promise<void> {
  await updateUser(tx, userId, { chatLimit: toJson(limit) })
  tx.emit('agent.changed', { userId })
}

async function addUser(tx: Transaction, by: Actor, draft: AccountDraft): Promise<User> {
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
  // Names were looked at before: only the id can be somebody else's.
  if (!inserted) throw unavailable(id)
  tx.emit('user.changed', { userId: id })
  const user = await requireUser(tx, id)
  await note(tx, { actor: by, action: 'user.created', subject: { kind: 'user', id }, after: notedOf(user) })
  return user
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

function refuseToAssignRoles(caller: SignedIn): void {
  if (!isAdministrator(caller))
    throw new ApiError('error-action-not-allowed', {
      reason: 'Assigning roles is not allowed',
      details: { action: 'Assign_role' },
    })
}

async function refuseBadNames(tx: Transaction, change: AccountChange, ownId: string): Promise<void> {
  if (change.username !== undefined) refuseBadName(change.username)
  if (change.email !== undefined) refuseBadEmail(change.email)
  await refuseTaken(tx, change, ownId)
}

async function refuseTaken(tx: Transaction, names: { username?: string; email?: string | undefined }, ownId?: string) {
  const { username, email } = names
  const sameName = username === undefined ? undefined : await findUserByUsername(tx, username)
  if (sameName !== undefined && sameName.id !== ownId) throw unavailable(sameName.username)
  const sameEmail = email === undefined ? undefined : await findUserByEmail(tx, email)
  if (sameEmail !== undefined && sameEmail.id !== ownId) throw unavailable(email ?? '')
}

/** The refusal of a name or an address that another account has. */
export function unavailable(taken: string): ApiError {
  return new ApiError('error-field-unavailable', { reason: `${taken} is already in use :(` })
}

/** A new address is unverified until somebody says otherwise. */
function verificationAfter(user: User, { email }: AccountChange): Pick<UserChange, 'isEmailVerified'> {
  return email !== undefined && email !== user.email ? { isEmailVerified: false } : {}
}

/** What follows a change of an account besides itself: its entry in the book, its old links, its name in rooms. */
async function followChange(tx: Transaction, by: Actor, before: User, after: User): Promise<void> {
  const subject = { kind: 'user' as const, id: after.id }
  const difference = differenceOf(notedOf(before), notedOf(after))
  if (difference !== undefined) await note(tx, { actor: by, action: 'user.changed', subject, ...difference })
  // A link that lies in the letter box of the old address must not open the account any more.
  if (before.email !== after.email) await deleteLinksOf(tx, after.id)
  if (before.username !== after.username) tx.emit('user.renamed', { userId: after.id })
  if (before.username !== after.username || before.name !== after.name)
    tx.emit('user.name-changed', { userId: after.id })
}

/** What the book keeps of an account: nothing that changes with the hour, and no secret. */
function notedOf({ username, name, email, roles, nickname, bio, language, customFields, ...flags }: User) {
  const { isEmailVerified, isActive, mustChangePassword } = flags
  const texts = { username, name, email, nickname, bio, language }
  return { ...texts, roles, isEmailVerified, isActive, mustChangePassword, customFields }
}

async function notePassword(tx: Transaction, by: Actor, { id }: User): Promise<void> {
  await note(tx, { actor: by, action: 'user.password-changed', subject: { kind: 'user', id } })
}

/** A changed password ends every session but the one that changed it. */
async function endOtherSessions(tx: Transaction, caller: SignedIn, user: User): Promise<void> {
  await notePassword(tx, caller, user)
  if (caller.id !== user.id) return signOut(tx, user)
  await deleteSessionsOf(tx, user.id, caller.sessionHash)
  await deleteLinksOf(tx, user.id)
}

/** Somebody who is signed out everywhere is no longer there: an agent takes chats again after the next sign-in. */
async function signOut(tx: Transaction, user: User): Promise<void> {
  await deleteSessionsOf(tx, user.id)
  await deleteLinksOf(tx, user.id)
  await leaveService(tx, user.id, { isBot: user.roles.includes('bot') })
}
