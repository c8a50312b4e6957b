import { Type as t } from 'typebox'
import { Id, pageAnswer, pageQuery } from '../entities/basics.ts'
import { Inquiry } from '../entities/inquiry.ts'
import { Room } from '../entities/room.ts'
import { operations } from '../operation.ts'

const queueQuery = t.Object({ ...pageQuery, department: t.Optional(t.String({ maxLength: 256 })) })

export const inquiries = operations('Inquiries', {
  'GET /livechat/inquiries.list': {
    summary: 'Chats that wait, for managers',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    query: queueQuery,
    returns: t.Object({ inquiries: t.Array(Inquiry), ...pageAnswer }),
    errors: {},
  },
  'GET /livechat/inquiries.queuedForUser': {
    summary: 'Chats that wait and that the caller may take',
    description:
      'Those of no department, of the caller’s departments, and those that wait for the caller. `department`, an id or a ' +
      'name, narrows the second part.',
    aliases: ['GET /livechat/inquiries.queued'],
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    query: queueQuery,
    returns: t.Object({ inquiries: t.Array(Inquiry), ...pageAnswer }),
    errors: { 'error-not-authorized': 'bare' },
  },
  'GET /livechat/inquiries.getOne': {
    summary: 'The inquiry of a room',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    query: t.Object({ roomId: Id }),
    returns: t.Object({ inquiry: t.Union([Inquiry, t.Null()]) }),
    errors: {},
  },
  'POST /livechat/inquiries.take': {
    summary: 'Take a chat out of the queue',
    description:
      'For oneself or, with `view-livechat-manager`, for the agent `userId`. Who serves as many chats as allowed gets none; ' +
      'the answer says so where `options.clientAction` is true, and is a success without an `inquiry` else.',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    body: t.Object({
      inquiryId: Id,
      userId: t.Optional(Id),
      options: t.Optional(t.Object({ clientAction: t.Optional(t.Boolean()) })),
    }),
    returns: t.Object({ inquiry: t.Optional(Room) }),
    errors: {
      'user-invalid': 'text',
      'error-not-allowed': 'withCode',
      'error-not-found': 'withCode',
      'error-inquiry-taken': 'withCode',
      'error-agent-status-service-offline': 'withCode',
      'error-max-number-simultaneous-chats-reached': 'withCode',
    },
  },
  'GET /livechat/routing.explain/:rid': {
    summary: 'Why each agent does not serve a chat that waits',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    returns: t.Object({
      status: t.Union([t.Literal('queued'), t.Literal('served'), t.Literal('closed')]),
      method: t.String(),
      position: t.Optional(t.Integer({ description: 'Its place in the queue, 1 for the next' })),
      agents: t.Array(
        t.Object({
          _id: t.String(),
          username: t.String(),
          verdict: t.String({ description: 'A code: `offline`, `not-available`, `at-limit`, `another-is-next` …' }),
          reason: t.String({ description: 'The same in words' }),
        }),
      ),
    }),
    errors: { 'invalid-room': 'bare' },
  },
})
