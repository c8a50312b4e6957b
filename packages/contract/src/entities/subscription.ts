import { Type as t } from 'typebox'
import { Person, Time } from './basics.ts'

/** An agent’s place in a room (contract §B.8). It goes when the room closes or the agent leaves it. */
export const Subscription = t.Object({
  _id: t.String({ description: 'Made of the ids of room and agent' }),
  rid: t.String(),
  t: t.Literal('l'),
  u: Person,
  name: t.String(),
  fname: t.String(),
  lowerCaseName: t.String(),
  lowerCaseFName: t.String(),
  v: t.Object({ _id: t.String(), username: t.String(), status: t.String() }),
  department: t.Optional(t.String()),
  open: t.Literal(true),
  alert: t.Boolean(),
  unread: t.Integer({
    description:
      '1 for a chat that the agent has not looked into, and 1 for each message of somebody else since. Counts to 100',
  }),
  userMentions: t.Integer(),
  groupMentions: t.Integer(),
  desktopNotifications: t.Literal('all'),
  mobilePushNotifications: t.Literal('all'),
  emailNotifications: t.Literal('all'),
  onHold: t.Optional(t.Literal(true)),
  ts: Time,
  ls: t.Optional(Time),
  _updatedAt: Time,
})
