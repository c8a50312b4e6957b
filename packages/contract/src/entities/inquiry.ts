import { Type as t } from 'typebox'
import { Time } from './basics.ts'
import { Message } from './message.ts'

/** A room in the queue, as agents see it (contract §B.3). */
export const Inquiry = t.Object({
  _id: t.String(),
  rid: t.String(),
  name: t.String(),
  ts: Time,
  t: t.Literal('l'),
  message: t.String(),
  status: t.Union([t.Literal('ready'), t.Literal('queued'), t.Literal('taken')]),
  department: t.Optional(t.String()),
  v: t.Object({
    _id: t.String(),
    username: t.String(),
    status: t.String(),
    activity: t.Optional(t.Array(t.String())),
  }),
  defaultAgent: t.Optional(t.Object({ agentId: t.String(), username: t.String() })),
  lastMessage: t.Optional(Message),
  source: t.Object({ type: t.String(), destination: t.Optional(t.String()) }),
  queuedAt: t.Optional(Time),
  takenAt: t.Optional(Time),
  priorityWeight: t.Integer(),
  estimatedWaitingTimeQueue: t.Integer(),
  _updatedAt: Time,
})
