import { Type as t } from 'typebox'
import { AgentName, Person, Time } from './basics.ts'
import { Message } from './message.ts'

/** How fast a visitor was answered, in seconds (contract §B.9). `lq`: the open question; `lr`: the latest answer. */
const Metrics = t.Object({
  v: t.Optional(t.Object({ lq: Time })),
  servedBy: t.Optional(t.Object({ lr: Time })),
  response: t.Optional(t.Object({ avg: t.Number(), total: t.Integer(), tt: t.Number(), ft: t.Number(), fd: Time })),
  reaction: t.Optional(t.Object({ tt: t.Number(), ft: t.Number(), fd: Time })),
  chatDuration: t.Optional(t.Number()),
  serviceTimeDuration: t.Optional(t.Number()),
  visitorInactivity: t.Optional(t.Number()),
})

/** A conversation (contract §B.2). `open` is true or absent; a closed room has no `open` key. */
export const Room = t.Object({
  _id: t.String(),
  t: t.Literal('l'),
  fname: t.String(),
  v: t.Object({
    _id: t.String(),
    username: t.String(),
    token: t.Optional(t.String({ description: 'Only in answers to the visitor' })),
    status: t.String(),
    name: t.Optional(t.String()),
    lastMessageTs: t.Optional(Time),
    activity: t.Optional(t.Array(t.String(), { description: 'The months in which an agent answered, `YYYY-MM`' })),
    contactId: t.Optional(t.String()),
  }),
  ts: Time,
  lm: Time,
  msgs: t.Integer(),
  usersCount: t.Integer(),
  open: t.Optional(t.Literal(true)),
  cl: t.Literal(false),
  ro: t.Literal(false),
  sysMes: t.Literal(true),
  default: t.Literal(false),
  source: t.Object({ type: t.String(), destination: t.Optional(t.String()) }),
  departmentId: t.Optional(t.String()),
  servedBy: t.Optional(t.Object({ _id: t.String(), username: AgentName, ts: Time })),
  queuedAt: t.Optional(Time),
  waitingResponse: t.Optional(t.Literal(true)),
  responseBy: t.Optional(
    t.Object({ _id: t.String(), username: AgentName, firstResponseTs: Time, lastMessageTs: Time }),
  ),
  onHold: t.Optional(t.Literal(true)),
  omnichannel: t.Optional(t.Object({ predictedVisitorAbandonmentAt: Time })),
  autoTransferredAt: t.Optional(Time),
  surveyFeedback: t.Optional(t.Record(t.String(), t.String())),
  lastMessage: t.Optional(Message),
  callStatus: t.Optional(t.String()),
  topic: t.Optional(t.String()),
  tags: t.Optional(t.Array(t.String())),
  livechatData: t.Optional(t.Record(t.String(), t.String())),
  priorityWeight: t.Integer(),
  estimatedWaitingTimeQueue: t.Integer(),
  metrics: t.Optional(Metrics),
  transcriptRequest: t.Optional(
    t.Object(
      { requestedAt: Time, requestedBy: Person, email: t.String(), subject: t.String() },
      { description: 'A transcript that is mailed when the conversation ends; shown to staff' },
    ),
  ),
  closedAt: t.Optional(Time),
  closedBy: t.Optional(t.Object({ _id: t.String(), username: AgentName })),
  closer: t.Optional(t.Union([t.Literal('visitor'), t.Literal('user')])),
  _updatedAt: Time,
})

/** The default channel. Clients of the wire expect one in every list; it is no conversation, and nobody writes in it. */
export const Channel = t.Object({
  _id: t.Literal('GENERAL'),
  t: t.Literal('c'),
  name: t.String(),
  fname: t.String(),
  ts: Time,
  msgs: t.Literal(0),
  usersCount: t.Literal(0),
  ro: t.Literal(true),
  sysMes: t.Literal(true),
  default: t.Literal(true),
  _updatedAt: Time,
})
