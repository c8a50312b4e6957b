import type { accounts } from '@deskbell/contract/areas/accounts.ts'
import type { Static } from 'typebox'
import { ApiError } from '../../api-error.ts'
import type { Context, Handlers, RequestInfo, SignedIn } from '../../context.ts'
import { hashPassword, verifyPassword } from '../../passwords.ts'
import { refuseGuessing } from '../sessions/sessions.ts'
import { createUserFor, refuseWeakPassword, requireUser } from '../users/users.ts'
import { userToWire } from '../users/wire.ts'
import {
  changeOwnAccount,
  choosePassword,
  createUserWithLetter,
  findAccountOf,
  inviteUser,
  noteForgotten,
  provePassword,
  requireLinks,
  type OwnChange,
} from './accounts.ts'

export const accountRoutes: Handlers<typeof accounts> = {
  'POST /users.create': async (context, { body, user }) => {
    const draft = await draftOf(body)
    const siteUrl = body.sendWelcomeEmail === true ? await requireLinks(context) : undefined
    const created = await context.transact((tx) =>
      siteUrl === undefined ? createUserFor(tx, user, draft) : createUserWithLetter(tx, user, siteUrl, draft),
    )
    return { user: userToWire(created) }
  },
  'POST /users.invite': async (context, { body, user }) => {
    const siteUrl = await requireLinks(context)
    const { user: invited, expiresAt } = await context.transact((tx) => inviteUser(tx, user, siteUrl, body))
    return { user: userToWire(invited), expiresAt }
  },
  'POST /users.forgotPassword': async ({ transact }, { body }) => {
    const { email } = body
    if (email === undefined || email === '') throw new ApiError('error-email-param-not-provided')
    await transact((tx) => noteForgotten(tx, email))
    return {}
  },
  'POST /users.resetPassword': async ({ transact, read, clock }, { body: { token, newPassword } }) => {
    refuseWeakPassword(newPassword)
    // Hashing is slow: nobody makes the server do it without a link.
    if ((await findAccountOf(read, token, new Date(clock()).toISOString())) === undefined)
      throw new ApiError('error-invalid-link')
    const passwordHash = await hashPassword(newPassword)
    await transact((tx) => choosePassword(tx, token, passwordHash))
    return {}
  },
  'POST /users.updateOwnBasicInfo': async (context, { body: { data }, user, request }) => {
    const provenHash = await proofOf(context, user, request, data)
    const change = await changeOf(data, provenHash)
    return { user: userToWire(await context.transact((tx) => changeOwnAccount(tx, user, change, provenHash))) }
  },
}

async function draftOf(body: Static<(typeof accounts)['POST /users.create']['body']>) {
  const { name, email, username, customFields, roles = ['user'] } = body
  return {
    name,
    email,
    username,
    customFields,
    roles,
    isEmailVerified: body.verified ?? false,
    isActive: body.active ?? true,
    mustChangePassword: body.requirePasswordChange ?? false,
    passwordHash: body.setRandomPassword === true ? null : await hashNew(body.password),
  }
}

/** Slow on purpose, so it runs before any transaction. */
async function hashNew(password: string | undefined): Promise<string> {
  if (password === undefined) throw new ApiError('invalid-params', { reason: "must have required property 'password'" })
  refuseWeakPassword(password)
  return hashPassword(password)
}

type OwnWireChange = Static<(typeof accounts)['POST /users.updateOwnBasicInfo']['body']>['data']

/** Proof that the caller knows the current password, where the change needs it: a session alone may be a stolen one. */
async function proofOf(
  { read, loginGuard }: Context,
  user: SignedIn,
  { address }: RequestInfo,
  { currentPassword, newPassword, email }: OwnWireChange,
): Promise<string | undefined> {
  const isOtherEmail = isGiven(email) && email !== (await requireUser(read, user.id)).email
  if (!isGiven(newPassword) && !isOtherEmail) return undefined
  if (!isGiven(currentPassword)) throw new ApiError('error-invalid-password')
  refuseGuessing(loginGuard, user.id, address)
  const provenHash = await provePassword(read, user.id, currentPassword)
  loginGuard?.succeed(user.id, address)
  return provenHash
}

async function changeOf({ newPassword, ...data }: OwnWireChange, provenHash: string | undefined): Promise<OwnChange> {
  const { email, username, nickname, bio, statusText, statusType } = data
  const name = data.name?.trim()
  return {
    ...withoutEmpty({ email, name, username, status: statusType }),
    ...(nickname !== undefined && { nickname: nickname.trim() || null }),
    ...(bio !== undefined && { bio: bio.trim() || null }),
    ...(statusText !== undefined && { statusText }),
    ...(isGiven(newPassword) && { passwordHash: await hashOther(newPassword, provenHash) }),
  }
}

async function hashOther(newPassword: string, provenHash: string | undefined): Promise<string> {
  refuseWeakPassword(newPassword)
  if (await verifyPassword(newPassword, provenHash ?? null)) throw new ApiError('error-password-same-as-current')
  return hashPassword(newPassword)
}

/** Forms send what was left empty as an empty text. */
function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

function withoutEmpty<Key extends string>(texts: Record<Key, string | undefined>): { [Name in Key]?: string } {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => isGiven(text as string | undefined))) as {
    [Name in Key]?: string
  }
}
