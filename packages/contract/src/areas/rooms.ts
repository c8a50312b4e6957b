import { Type as t } from 'typebox'
import { Id, Nothing, Token, pageAnswer, pageQuery } from '../entities/basics.ts'
import { Channel, Room } from '../entities/room.ts'
import { operations } from '../operation.ts'

const Tags = t.Array(t.String({ minLength: 1, maxLength: 256 }), { maxItems: 100 })

export const rooms = operations('Rooms', {
  'GET /livechat/room': {
    summary: 'The visitor’s open room, or a new one',
    description:
      'A visitor has at most one open room. Opening one asks the router in the same transaction, so that the answer ' +
      'already says who serves it.',
    caller: 'anyone',
    limit: 'open',
    validation: 'match',
    query: t.Object({ token: Token, rid: t.Optional(Id), agentId: t.Optional(Id) }),
    returns: t.Object({ room: Room, newRoom: t.Boolean() }),
    errors: {
      'invalid-token': 'bare',
      'invalid-room': 'bare',
      'no-agent-online': 'withCode',
      'error-omnichannel-is-disabled': 'withCode',
      'error-routing-method-not-available': 'withCode',
    },
  },
  'POST /livechat/room.close': {
    summary: 'End a conversation as its visitor',
    caller: 'anyone',
    limit: 'write',
    body: t.Object({ rid: Id, token: Token }),
    returns: t.Object({ rid: t.String(), comment: t.String() }),
    errors: {
      'error-not-allowed-to-close-conversation': 'bare',
      'invalid-token': 'bare',
      'invalid-room': 'bare',
      'room-closed': 'bare',
      'error-room-cannot-be-closed-try-again': 'bare',
    },
  },
  'POST /livechat/room.closeByUser': {
    summary: 'End a conversation as a member of the staff',
    caller: { permission: 'close-livechat-room' },
    limit: 'staff',
    body: t.Object({
      rid: Id,
      comment: t.Optional(t.String({ maxLength: 5_000 })),
      tags: t.Optional(Tags),
    }),
    returns: Nothing,
    errors: {
      'error-invalid-room': 'bare',
      'error-room-already-closed': 'bare',
      'error-not-authorized': 'bare',
      'error-comment-is-required': 'bare',
      'error-room-cannot-be-closed-try-again': 'bare',
    },
  },
  'GET /livechat/room.join': {
    summary: 'Join a conversation without serving it',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    query: t.Object({ roomId: Id }),
    returns: Nothing,
    errors: {
      'error-invalid-room': 'bare',
      'room-closed': 'bare',
      'error-not-allowed': 'bare',
      'error-max-number-simultaneous-chats-reached': 'withCode',
    },
  },
  'GET /livechat/rooms': {
    summary: 'Conversations, filtered and sorted',
    description:
      '`open=true`: served and not on hold; `open=false`: closed; `queued`: waiting; `onhold`: on hold. Without ' +
      '`view-livechat-rooms`, `agents` must be exactly the caller.',
    caller: { anyOf: ['view-livechat-rooms', 'view-l-room'] },
    limit: 'staff',
    query: t.Object({
      ...pageQuery,
      agents: t.Optional(t.Array(t.String({ maxLength: 256 }), { maxItems: 50 })),
      departmentId: t.Optional(t.String({ maxLength: 256 })),
      open: t.Optional(t.Boolean()),
      createdAt: t.Optional(t.String({ maxLength: 256 })),
      closedAt: t.Optional(t.String({ maxLength: 256 })),
      tags: t.Optional(t.Array(t.String({ maxLength: 256 }), { maxItems: 50 })),
      roomName: t.Optional(t.String({ maxLength: 256 })),
      customFields: t.Optional(t.String({ maxLength: 1_000 })),
      onhold: t.Optional(t.Boolean()),
      queued: t.Optional(t.Boolean()),
    }),
    returns: t.Object({ rooms: t.Array(Room), ...pageAnswer }),
    errors: {
      'error-invalid-date-range': 'text',
      'error-invalid-custom-fields-filter': 'text',
      unauthorized: 'forbidden',
    },
  },
  'GET /rooms.info': {
    summary: 'A conversation',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ roomId: Id }),
    returns: t.Object({ room: t.Union([Room, Channel]) }),
    errors: { 'room-not-allowed': 'textWithType' },
  },
  'GET /channels.info': {
    summary: 'A conversation, as clients of channels ask for it',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ roomId: Id }),
    returns: t.Object({ channel: t.Union([Room, Channel]) }),
    errors: { 'error-room-not-found': 'withCode' },
  },
})
