// Who is calling: sign-in, sign-out, and the token that stands for a person on a device.
import { createHash, randomBytes } from 'node:crypto'
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import type { LoginGuard } from '../../http/login-guard.ts'
import { verifyPassword, type GivenPassword } from '../../passwords.ts'
import { readPermissions } from '../roles/roles.ts'
import { readSettings } from '../settings/settings.ts'
import { leaveService, returnToService } from '../routing/routing.ts'
import { findPasswordHash, findUserById, findUserByLogin, takeIfUnchanged, type User } from '../users/users.ts'
import { deleteExpiredSessions, deleteSession, findSession, insertSession, listOpen } from './store.ts'

/** Tokens are kept as hashes: who reads the database cannot sign in with what is there. */
function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** The staff member whose credentials these are, with the permissions of this moment; `undefined` where they are not good. */
export async function authenticate(
  reader: Reader,
  credentials: { userId: string; token: string } | undefined,
  now: string,
): Promise<SignedIn | undefined> {
  if (credentials === undefined) return undefined
  const sessionHash = hashToken(credentials.token)
  const session = await findSession(reader, sessionHash)
  if (session === undefined || session.userId !== credentials.userId || session.expiresAt <= now) return undefined
  const user = await findUserById(reader, session.userId)
  return user?.isActive === true ? signedIn(reader, user, sessionHash) : undefined
}

/** A user as caller: with the permissions of this moment. */
async function signedIn(reader: Reader, user: User, sessionHash: string): Promise<SignedIn> {
  const permissions = await readPermissions(reader)
  const can = (permission: string) => permissions.get(permission)?.some((role) => user.roles.includes(role)) ?? false
  return { id: user.id, username: user.username, name: user.name, roles: user.roles, sessionHash, can }
}

/** Somebody who has shown the password that was stored then. */
export interface Proven {
  userId: string
  passwordHash: string
}

/**
 * Slows guessing down; to be asked before a password is checked.
 * @throws `error-too-many-requests`
 */
export function refuseGuessing(guard: LoginGuard | undefined, account: string, address: string): void {
  const permit = guard?.begin(account, address)
  if (permit?.allowed === false)
    throw new ApiError('error-too-many-requests', { details: { retryAfterSeconds: permit.retryAfterSeconds } })
}

/**
 * Checks a password; slow on purpose, so it runs before any transaction, and just as long for unknown accounts.
 * @throws `sign-in-failed`
 */
export async function checkPassword(reader: Reader, login: string, password: GivenPassword): Promise<Proven> {
  const user = await findUserByLogin(reader, login)
  const stored = user === undefined ? null : await findPasswordHash(reader, user.id)
  const matches = await verifyPassword(password, stored)
  if (!matches || stored === null || user?.isActive !== true) throw new ApiError('sign-in-failed')
  return { userId: user.id, passwordHash: stored }
}

/**
 * Opens a session; the token is told once and kept only as a hash. Agents whom the system had switched off are back.
 * @throws `sign-in-failed` where the password was changed or the account deactivated since it was proven
 */
export async function openSession(
  tx: Transaction,
  { userId, passwordHash }: Proven,
): Promise<{ token: string; expiresAt: string }> {
  if (!(await takeIfUnchanged(tx, userId, passwordHash))) throw new ApiError('sign-in-failed')
  const token = randomBytes(32).toString('base64url')
  const { Accounts_LoginExpiration: days } = await readSettings(tx)
  const expiresAt = new Date(tx.nowMs + Math.max(1, days) * 86_400_000).toISOString()
  await insertSession(tx, { tokenHash: hashToken(token), userId, expiresAt })
  await returnToService(tx, userId)
  return { token, expiresAt }
}

/**
 * The user of an open session's token, so that a device signs in again without a password.
 * @throws `sign-in-failed`
 */
export async function resumeSession(reader: Reader, token: string, now: string): Promise<User> {
  const session = await findSession(reader, hashToken(token))
  const user =
    session === undefined || session.expiresAt <= now ? undefined : await findUserById(reader, session.userId)
  if (user?.isActive !== true) throw new ApiError('sign-in-failed')
  return user
}

/** When the session of a token ends, ISO time; `undefined` where there is none. */
export async function sessionEndsAt(reader: Reader, token: string): Promise<string | undefined> {
  return (await findSession(reader, hashToken(token)))?.expiresAt
}

/** Of these tokens those that open no session any more. */
export async function findEnded(reader: Reader, tokens: readonly string[]): Promise<string[]> {
  const open = await listOpen(
    reader,
    tokens.map((token) => hashToken(token)),
  )
  return tokens.filter((token) => !open.has(hashToken(token)))
}

/** Ends a session. The person is no longer present, and an agent is switched off until the next sign-in (contract §E.1). */
export async function endSession(tx: Transaction, user: SignedIn): Promise<void> {
  await deleteSession(tx, user.sessionHash)
  await leaveService(tx, user.id, { isBot: user.roles.includes('bot') })
  tx.emit('session.ended', { userId: user.id })
}

/** Job: sessions that ran out are removed. */
export async function removeExpiredSessions(tx: Transaction): Promise<void> {
  await deleteExpiredSessions(tx)
}
