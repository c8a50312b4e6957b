import { Type as t } from 'typebox'
import { Time } from './basics.ts'

const emails = t.Array(t.Object({ address: t.String(), verified: t.Boolean() }))

// What accounts are created and changed with.
export const Username = t.String({ maxLength: 256 })
export const Name = t.String({ pattern: '\\S', maxLength: 256 })
export const Email = t.String({ maxLength: 320 })
export const Password = t.String({ maxLength: 1_024 })
export const RoleNames = t.Array(t.String({ maxLength: 64 }), { maxItems: 100 })
export const CustomFields = t.Record(t.String({ maxLength: 256 }), t.Unknown(), { maxProperties: 100 })

/** A staff member (contract §E.1, §E.2). What other users see of one is less; absent keys are not shown. */
export const User = t.Object({
  _id: t.String(),
  username: t.String(),
  name: t.String(),
  nickname: t.Optional(t.String()),
  bio: t.Optional(t.String()),
  type: t.Literal('user'),
  active: t.Boolean(),
  status: t.String(),
  statusConnection: t.Optional(t.String()),
  statusDefault: t.Optional(t.String()),
  statusText: t.Optional(t.String()),
  statusLivechat: t.Optional(t.Union([t.Literal('available'), t.Literal('not-available')])),
  livechatStatusSystemModified: t.Optional(t.Boolean()),
  emails: t.Optional(emails),
  roles: t.Optional(t.Array(t.String())),
  utcOffset: t.Optional(t.Number()),
  language: t.Optional(t.String()),
  livechat: t.Optional(t.Object({ maxNumberSimultaneousChat: t.Union([t.String(), t.Number()]) })),
  settings: t.Optional(t.Object({ preferences: t.Record(t.String(), t.Unknown()) })),
  customFields: t.Optional(t.Record(t.String(), t.Unknown())),
  requirePasswordChange: t.Optional(t.Boolean()),
  operator: t.Optional(t.Boolean()),
  createdAt: t.Optional(Time),
  _updatedAt: t.Optional(Time),
})

/** One's own account (contract §E.1). */
export const Account = t.Object({
  ...User.properties,
  avatarUrl: t.String({ description: 'Without a host where nobody told the server its address' }),
})

/** An agent or manager in a list (contract §D.1). */
export const Agent = t.Object({
  _id: t.String(),
  username: t.String(),
  name: t.Optional(t.String()),
  status: t.Optional(t.String()),
  statusLivechat: t.Optional(t.String()),
  emails: t.Optional(emails),
  livechat: t.Optional(t.Object({ maxNumberSimultaneousChat: t.Union([t.String(), t.Number()]) })),
  departments: t.Optional(t.Array(t.String())),
})
