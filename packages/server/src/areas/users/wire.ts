// Staff accounts as they travel.
import type { Static } from 'typebox'
import type { Account as WireAccount, User as WireUser } from '@deskbell/contract/entities/user.ts'
import type { Loose } from '../../context.ts'
import type { User } from './users.ts'

/** The whole account: for its owner and for those who may see it. */
export function userToWire(user: User): Loose<Static<typeof WireUser>> {
  return {
    ...userToPublic(user),
    statusConnection: user.connection,
    statusDefault: user.presenceChosen,
    statusLivechat: user.serviceStatus,
    ...(user.serviceStatus !== undefined && {
      operator: true,
      livechatStatusSystemModified: user.isServiceStatusBySystem,
    }),
    emails: emailsOf(user),
    roles: user.roles,
    language: user.language,
    bio: user.bio,
    livechat: user.chatLimit === undefined ? undefined : { maxNumberSimultaneousChat: user.chatLimit },
    settings: { preferences: user.preferences },
    customFields: user.customFields,
    ...(user.mustChangePassword && { requirePasswordChange: true }),
    createdAt: user.createdAt,
    _updatedAt: user.updatedAt,
  }
}

/** The account of whoever calls, with the address of its picture (contract §E.1). */
export function accountToWire(user: User, siteUrl: string | undefined): Loose<Static<typeof WireAccount>> {
  return { ...userToWire(user), avatarUrl: `${siteUrl ?? ''}/avatar/${encodeURIComponent(user.username)}` }
}

/** What any signed-in user may see of another. */
export function userToPublic(user: User): Loose<Static<typeof WireUser>> {
  return {
    _id: user.id,
    username: user.username,
    name: user.name,
    nickname: user.nickname,
    type: 'user',
    active: user.isActive,
    status: user.presence,
    statusText: user.statusText,
    utcOffset: 0,
  }
}

/** The addresses of an account; there is at most one. */
export function emailsOf({ email, isEmailVerified }: User): { address: string; verified: boolean }[] {
  return email === undefined ? [] : [{ address: email, verified: isEmailVerified }]
}
