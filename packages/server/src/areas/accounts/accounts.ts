// How people come into their accounts: invitations, one-time links, what they change of themselves.
import { createHash, randomBytes } from 'node:crypto'
import { ApiError } from '../../api-error.ts'
import type { Context, SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { parseAddress, parseMailbox } from '../../mail/address.ts'
import { writeLetter } from '../../mail/outbox.ts'
import { note } from '../ledger/ledger.ts'
import { findSiteUrl, readSettings } from '../settings/settings.ts'
import {
  createUserFor,
  findPasswordHash,
  findUserByEmail,
  findUserById,
  findUserByUsername,
  refuseRolesFrom,
  replacePassword,
  requireUser,
  takeAccounts,
  unavailable,
  type AccountDraft,
  type User,
} from '../users/users.ts'
import { invitationLetter, resetLetter, welcomeLetter } from './letters.ts'
import {
  countLinks,
  deleteExpiredLinks,
  deleteLinks,
  findLinkOwner,
  insertLink,
  takeLink,
  type LinkPurpose,
} from './store.ts'

export { changeOwnAccount, provePassword, type OwnChange } from './own-account.ts'

const HOUR_MS = 3_600_000
const lifetimeMs: Record<LinkPurpose, number> = { invitation: 7 * 24 * HOUR_MS, reset: HOUR_MS }

/** Reset links of one account that are good at a time: so many letters an hour, whoever asks for them. */
const MOST_RESETS = 3

/** Where one-time links lead. */
export const accountPath = '/account'

export interface Invitation {
  email: string
  name?: string | undefined
  username?: string | undefined
  roles?: readonly string[] | undefined
}

/**
 * Where links in letters lead, on a server that can write letters at all: an invitation that never arrives is worse than
 * none.
 * @throws `error-mail-not-configured`, `error-site-url-missing`
 */
export async function requireLinks({
  read,
  config,
  mailer,
}: Pick<Context, 'read' | 'config' | 'mailer'>): Promise<string> {
  const { From_Email } = await readSettings(read)
  if (mailer === undefined || parseMailbox(config.mail.from ?? From_Email) === undefined)
    throw new ApiError('error-mail-not-configured')
  const siteUrl = await findSiteUrl(read, config)
  if (siteUrl === undefined) throw new ApiError('error-site-url-missing')
  return siteUrl
}

/**
 * Creates an account without a password and writes to its address a link that sets one; for an account that has none
 * yet, writes another letter and makes the earlier link worthless.
 * @throws `error-field-unavailable`, `error-user-deactivated`, and as `createUserFor`
 */
export async function inviteUser(
  tx: Transaction,
  caller: SignedIn,
  siteUrl: string,
  invitation: Invitation,
): Promise<{ user: User; expiresAt: string }> {
  const { roles = ['user'], email } = invitation
  refuseUnreachable(email)
  refuseRolesFrom(caller, roles)
  await takeAccounts(tx)
  const known = await findUserByEmail(tx, email)
  if (known !== undefined) await refuseSettled(tx, known, email)
  const user = known ?? (await createUserFor(tx, caller, await draftFor(tx, { ...invitation, roles })))
  return { user, expiresAt: await writeInvitation(tx, caller, siteUrl, user) }
}

/**
 * Creates an account and writes to its address how to sign in, with a link to choose a password where it has none.
 * @throws as `createUserFor`
 */
export async function createUserWithLetter(
  tx: Transaction,
  caller: SignedIn,
  siteUrl: string,
  draft: AccountDraft & { email: string },
): Promise<User> {
  refuseUnreachable(draft.email)
  const user = await createUserFor(tx, caller, draft)
  if (!user.isActive) return user
  if (draft.passwordHash === null) await writeInvitation(tx, caller, siteUrl, user)
  else {
    const { email: recipient, username } = draft
    await writeLetter(tx, welcomeLetter({ recipient, username, url: siteUrl }, caller.name))
  }
  return user
}

/**
 * Notes that somebody forgot the password of an account with this address. Whether there is one is looked up later: the
 * answer cannot depend on it, nor the time it takes.
 */
export function noteForgotten(tx: Transaction, email: string): Promise<void> {
  tx.emit('password.forgotten', { email })
  return Promise.resolve()
}

/** Job: writes the letter that somebody asked for who forgot a password, if an active account has this address. */
export async function answerForgotten(
  { transact, read, config, log }: Pick<Context, 'transact' | 'read' | 'config' | 'log'>,
  email: string,
): Promise<void> {
  const siteUrl = await findSiteUrl(read, config)
  if (siteUrl === undefined) {
    log.warn('Nobody can reset a password: links need DESKBELL_SITE_URL or the setting Site_Url.')
    return
  }
  await transact((tx) => writeReset(tx, siteUrl, email))
}

async function writeReset(tx: Transaction, siteUrl: string, email: string): Promise<void> {
  const user = await findUserByEmail(tx, email)
  if (user?.email === undefined || !user.isActive) return
  if ((await countLinks(tx, user.id, 'reset')) >= MOST_RESETS) return
  const { url } = await makeLink(tx, siteUrl, user.id, 'reset')
  await writeLetter(tx, resetLetter({ recipient: user.email, username: user.username, url }))
}

/** Whose password a link would set now; `undefined` for one that is unknown, used, expired or replaced. */
export async function findAccountOf(reader: Reader, token: string, now: string): Promise<User | undefined> {
  const userId = await findLinkOwner(reader, hashOf(token), now)
  const user = userId === undefined ? undefined : await findUserById(reader, userId)
  return user?.isActive === true ? user : undefined
}

/**
 * Sets the password that the holder of a link chose, once. Every session and every other link of the account ends.
 * @throws `error-invalid-link`
 */
export async function choosePassword(tx: Transaction, token: string, passwordHash: string): Promise<User> {
  await takeAccounts(tx)
  const userId = await takeLink(tx, hashOf(token))
  const user = userId === undefined ? undefined : await findUserById(tx, userId)
  if (user?.isActive !== true) throw new ApiError('error-invalid-link')
  await replacePassword(tx, user, passwordHash)
  return requireUser(tx, user.id)
}

/** Job: links that ran out are removed. */
export async function removeExpiredLinks(tx: Transaction): Promise<void> {
  await deleteExpiredLinks(tx)
}

/** Accounts may have addresses of any form, but letters go to plain ones. */
function refuseUnreachable(email: string): void {
  if (parseAddress(email) === undefined) throw new ApiError('error-invalid-email')
}

/** An address whose owner has a password needs no invitation. */
async function refuseSettled(tx: Transaction, user: User, email: string): Promise<void> {
  if ((await findPasswordHash(tx, user.id)) !== null) throw unavailable(email)
  if (!user.isActive) throw new ApiError('error-user-deactivated')
}

async function draftFor(tx: Transaction, invitation: Invitation & { roles: readonly string[] }): Promise<AccountDraft> {
  const { email, roles } = invitation
  const username = invitation.username ?? (await freeUsername(tx, email))
  return { username, name: invitation.name ?? username, email, roles, passwordHash: null }
}

/** A username made from an address. */
async function freeUsername(tx: Transaction, email: string): Promise<string> {
  const [local = ''] = email.split('@')
  const stem = /^.{1,40}/u.exec(local.replaceAll(/[^\p{L}\p{N}._-]/gu, ''))?.[0] ?? 'person'
  for (let number = 1; number <= 20; number++) {
    const candidate = number === 1 ? stem : `${stem}-${String(number)}`
    if ((await findUserByUsername(tx, candidate)) === undefined) return candidate
  }
  return `${stem}-${tx.newId()}`
}

async function writeInvitation(tx: Transaction, caller: SignedIn, siteUrl: string, user: User): Promise<string> {
  await deleteLinks(tx, user.id, 'invitation')
  const { url, expiresAt } = await makeLink(tx, siteUrl, user.id, 'invitation')
  const { email: recipient = '', username } = user
  await writeLetter(tx, invitationLetter({ recipient, username, url }, caller.name))
  await note(tx, { actor: caller, action: 'user.invited', subject: { kind: 'user', id: user.id } })
  return expiresAt
}

/** The token stands in the letter alone; the table has its hash. */
async function makeLink(tx: Transaction, siteUrl: string, userId: string, purpose: LinkPurpose) {
  const token = randomBytes(32).toString('base64url')
  const expiresAt = new Date(tx.nowMs + lifetimeMs[purpose]).toISOString()
  await insertLink(tx, { tokenHash: hashOf(token), userId, purpose, expiresAt })
  return { url: `${siteUrl}${accountPath}/${token}`, expiresAt }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
