import { Type as t } from 'typebox'
import { Id, Maybe, Nothing, pageAnswer, pageQuery, Person, Time, Token } from '../entities/basics.ts'
import { Room } from '../entities/room.ts'
import { operations } from '../operation.ts'

/** What a visitor may be told where another department cannot take the room (contract §C.7). */
const refusedDepartment = {
  'error-room-onHold': 'bare',
  'error-invalid-department': 'bare',
  'error-forwarding-department-target-not-allowed': 'withCode',
  'error-forwarding-chat-same-department': 'bare',
  'error-no-agents-online-in-department': 'bare',
} as const

const ToDepartment = t.Object({ rid: Id, token: Token, department: Id })

/** One transfer of a room (contract §B.13). */
const TransferEntry = t.Object({
  transferredBy: t.Object({
    _id: t.String(),
    username: t.String(),
    name: t.Optional(t.String()),
    userType: t.String({ description: '`visitor`, `agent` for the one who served the room, else `user`' }),
    type: t.String({ description: 'The same, for old clients' }),
  }),
  ts: Time,
  scope: t.String({ description: '`agent`, `department`, `queue`, or an automatic one' }),
  comment: t.Optional(t.String()),
  previousDepartment: t.Optional(t.String()),
  nextDepartment: t.Optional(t.Object({ _id: t.String(), name: t.String() })),
  transferredTo: t.Optional(Person),
})

export const transfers = operations('Transfers', {
  'POST /livechat/room.transfer': {
    summary: 'Move to another department as the visitor',
    caller: 'anyone',
    limit: 'write',
    body: ToDepartment,
    returns: t.Object({ room: t.Pick(Room, ['_id', 't', 'departmentId', 'servedBy', 'open', 'v', 'ts']) }),
    errors: {
      'invalid-token': 'bare',
      'invalid-room': 'bare',
      'error-transferring-inquiry': 'bare',
      ...refusedDepartment,
    },
  },
  'POST /livechat/visitor/department.transfer': {
    summary: 'Move to another department as the visitor, in the newer spelling',
    caller: 'anyone',
    limit: 'write',
    validation: 'typed',
    body: ToDepartment,
    returns: Nothing,
    errors: {
      'invalid-token': 'bare',
      'invalid-room': 'bare',
      'error-transferring-inquiry': 'bare',
      ...refusedDepartment,
    },
  },
  'POST /livechat/room.forward': {
    summary: 'Hand a conversation over to another agent or department',
    description:
      'With both, the agent is asked first and must belong to the department. With `clientAction`, an agent at the limit ' +
      'is told as such.',
    caller: { allOf: ['view-l-room', 'transfer-livechat-guest'] },
    limit: 'staff',
    body: t.Object({
      roomId: Id,
      userId: Maybe(Id),
      departmentId: Maybe(Id),
      comment: Maybe(t.String({ maxLength: 5_000 })),
      clientAction: Maybe(t.Boolean()),
    }),
    returns: Nothing,
    errors: {
      ...refusedDepartment,
      'error-invalid-room': 'bare',
      This_conversation_is_already_closed: 'bare',
      'error-forwarding-chat': 'bare',
      'error-user-is-offline': 'bare',
      'error-user-not-belong-to-department': 'bare',
      'error-selected-agent-room-agent-are-same': 'bare',
      'error-max-number-simultaneous-chats-reached': 'bare',
    },
  },
  'GET /livechat/transfer.history/:rid': {
    summary: 'How a conversation was handed over',
    caller: { permission: 'view-livechat-rooms' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    query: t.Object(pageQuery),
    returns: t.Object({ history: t.Array(TransferEntry), ...pageAnswer }),
    errors: { 'invalid-room': 'bare' },
  },
  'POST /livechat/inquiries.returnAsInquiry': {
    summary: 'Put a conversation back into the queue',
    description: '`result` is false where nobody serves it. Another agent than the one who returned it is preferred.',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    body: t.Object({ roomId: Id, departmentId: Maybe(Id) }),
    returns: t.Object({ result: t.Boolean() }),
    errors: {
      'error-invalid-room': 'bare',
      'room-closed': 'bare',
      'error-room-onHold': 'bare',
      'error-invalid-department': 'bare',
    },
  },
  'PUT /livechat/room.visitor': {
    summary: 'Give a conversation to another visitor',
    description:
      'Old clients send `visitorId`, newer ones `newVisitorId` with `oldVisitorId`, which must be the visitor of the room ' +
      'now. A visitor has at most one open room.',
    caller: { permission: 'change-livechat-room-visitor' },
    limit: 'staff',
    body: t.Object({ rid: Id, visitorId: Maybe(Id), oldVisitorId: Maybe(Id), newVisitorId: Maybe(Id) }),
    returns: t.Object({ rid: t.String(), room: Room }),
    errors: {
      'error-contact-channel-blocked': 'bare',
      'visitor-not-found': 'bare',
      'invalid-room': 'bare',
      'invalid-room-visitor': 'bare',
      'error-not-allowed': 'bare',
      'visitor-has-open-rooms': 'empty',
    },
  },
})
