import { Type as t } from 'typebox'
import { Id, Maybe, Nothing, Token, pageAnswer, pageQuery } from '../entities/basics.ts'
import { Channel, Room } from '../entities/room.ts'
import { operations } from '../operation.ts'

const Tags = t.Array(t.String({ minLength: 1, maxLength: 256 }), { maxItems: 100 })

// Clients that always write every key of a query leave these empty.
const IdOrNone = t.Optional(t.String({ maxLength: 256, description: 'Empty counts as absent' }))

const Fields = t.Record(t.String({ maxLength: 256 }), t.String({ maxLength: 1_000 }), { maxProperties: 100 })

// The larger form first: a form that does not match takes the keys away that it does not know.
const TranscriptEmail = t.Union([
  t.Object({
    sendToVisitor: t.Literal(true),
    requestData: t.Object({
      email: t.String({ minLength: 3, maxLength: 254 }),
      subject: t.String({ maxLength: 256 }),
    }),
  }),
  t.Object({ sendToVisitor: t.Literal(false) }),
])

export const rooms = operations('Rooms', {
  'GET /livechat/room': {
    summary: 'The visitor’s open room, or a new one',
    description:
      'A visitor has at most one open room. Opening one asks the router in the same transaction, so that the answer ' +
      'already says who serves it.',
    caller: 'anyone',
    limit: 'open',
    validation: 'match',
    query: t.Object({ token: Token, rid: IdOrNone, agentId: IdOrNone }),
    returns: t.Object({ room: Room, newRoom: t.Boolean() }),
    errors: {
      'invalid-token': 'bare',
      'invalid-room': 'bare',
      'no-agent-online': 'withCode',
      'error-omnichannel-is-disabled': 'withCode',
      'error-routing-method-not-available': 'withCode',
      'error-contact-channel-blocked': 'bare',
      'error-too-many-requests': 'tooMany',
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
      'error-tags-must-be-assigned-before-closing-chat': 'bare',
      'error-room-cannot-be-closed-try-again': 'bare',
    },
  },
  'POST /livechat/room.closeByUser': {
    summary: 'End a conversation as a member of the staff',
    description:
      '`transcriptEmail` says whether, and where to, the transcript is mailed, whatever the settings say; to another ' +
      'address than the one the visitor registered with only for holders of `send-omnichannel-chat-transcript`. ' +
      '`generateTranscriptPdf` and `forceClose` are taken and do nothing: there are no PDF transcripts, and a ' +
      'conversation that is closed in part, which `forceClose` repairs elsewhere, cannot exist here.',
    caller: { permission: 'close-livechat-room' },
    limit: 'staff',
    body: t.Object({
      rid: Id,
      comment: t.Optional(t.String({ maxLength: 5_000 })),
      tags: t.Optional(Tags),
      generateTranscriptPdf: t.Optional(t.Boolean()),
      transcriptEmail: t.Optional(TranscriptEmail),
      forceClose: t.Optional(t.Boolean()),
    }),
    returns: Nothing,
    errors: {
      'error-invalid-room': 'bare',
      'error-room-already-closed': 'bare',
      'error-not-authorized': 'bare',
      'error-comment-is-required': 'bare',
      'error-tags-must-be-assigned-before-closing-chat': 'bare',
      'error-room-cannot-be-closed-try-again': 'bare',
    },
  },
  'POST /livechat/room.survey': {
    summary: 'Say as a visitor how the conversation was',
    description:
      'Answers that are no item of the survey, or no value of it, are left out. What was said before is replaced, until ' +
      'a day after the conversation has ended.',
    caller: 'anyone',
    limit: 'write',
    body: t.Object({
      rid: Id,
      token: Token,
      data: t.Array(t.Object({ name: t.String({ maxLength: 256 }), value: t.String({ maxLength: 1_000 }) }), {
        minItems: 1,
        maxItems: 50,
      }),
    }),
    returns: t.Object({ rid: t.String(), data: t.Record(t.String(), t.String()) }),
    errors: {
      'invalid-token': 'bare',
      'invalid-room': 'bare',
      'invalid-data': 'bare',
      'room-closed': 'bare',
      'error-contact-channel-blocked': 'bare',
    },
  },
  'POST /livechat/room.saveInfo': {
    summary: 'Write down what is known of a conversation and its visitor',
    description:
      'Keys that are absent stay as they are. An empty `topic` or custom field is removed; an empty `name`, `email` or ' +
      '`phone` says nothing. Custom fields that nobody defined are left out, and those of the visitor need ' +
      '`edit-livechat-room-customfields`.',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    body: t.Object({
      guestData: t.Object({
        _id: Id,
        name: Maybe(t.String({ maxLength: 256 })),
        email: Maybe(t.String({ maxLength: 256 })),
        phone: Maybe(t.String({ maxLength: 256 })),
        livechatData: t.Optional(Fields),
      }),
      roomData: t.Object({
        _id: Id,
        topic: Maybe(t.String({ maxLength: 1_000 })),
        tags: Maybe(Tags),
        livechatData: t.Optional(Fields),
      }),
    }),
    returns: Nothing,
    errors: {
      'error-invalid-custom-field-value': 'text',
      'error-invalid-room': 'bare',
      unauthorized: 'forbidden',
      'error-invalid-visitor': 'bare',
      'error-invalid-email': 'withCode',
    },
  },
  'POST /livechat/room.onHold': {
    summary: 'Put a conversation aside until its visitor writes again',
    description: 'Meanwhile it does not count among the chats of its agent.',
    caller: { permission: 'on-hold-livechat-room' },
    limit: 'staff',
    body: t.Object({ roomId: Id }),
    returns: Nothing,
    errors: {
      'error-invalid-room': 'bare',
      'not-authorized-in-room': 'text',
      'error-room-already-closed': 'bare',
      'error-room-is-already-on-hold': 'bare',
      'error-cannot-place-chat-on-hold': 'bare',
      'error-unserved-rooms-cannot-be-placed-onhold': 'bare',
    },
  },
  'POST /livechat/room.resumeOnHold': {
    summary: 'Take a conversation up again that was put aside',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    body: t.Object({ roomId: t.String({ maxLength: 256 }) }),
    returns: Nothing,
    errors: {
      'invalid-param': 'bare',
      'error-invalid-room': 'bare',
      'not-authorized-in-room': 'text',
      This_conversation_is_already_closed: 'bare',
      'error-room-not-on-hold': 'bare',
      'agent-not-online': 'text',
      'error-max-number-simultaneous-chats-reached': 'bare',
    },
  },
  'POST /livechat/rooms.delete': {
    summary: 'Remove a closed conversation with everything in it',
    caller: { permission: 'remove-closed-livechat-room' },
    limit: 'staff',
    validation: 'typed',
    body: t.Object({ roomId: Id }),
    returns: Nothing,
    errors: {
      'error-invalid-room': 'withCode',
      'error-this-is-not-a-livechat-room': 'withCode',
      'error-room-is-not-closed': 'withCode',
    },
  },
  'POST /livechat/rooms.removeAllClosedRooms': {
    summary: 'Remove all closed conversations, of some departments or of all',
    description: 'It goes in steps: when it fails halfway, what is removed stays removed, and it can be called again.',
    caller: { permission: 'remove-closed-livechat-rooms' },
    limit: 'staff',
    body: t.Object({ departmentIds: t.Optional(t.Array(Id, { maxItems: 500 })) }),
    returns: t.Object({ removedRooms: t.Integer() }),
    errors: {},
  },
  'GET /livechat/rooms/filters': {
    summary: 'Where conversations came from',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    returns: t.Object({ filters: t.Array(t.Object({ type: t.String() })) }),
    errors: {},
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
      '`open=true`: served and not on hold; `open=false`: closed; `queued`: waiting; `onhold`: on hold. ' +
      '`customFields`: a JSON map, each value a part of the field’s. Needs `view-livechat-rooms`, or `view-l-room` where ' +
      '`agents` is exactly the caller.',
    // What depends on the request is tested behind its shape and its dates (contract §G.3, §D.3).
    caller: 'user',
    limit: 'staff',
    query: t.Object({
      ...pageQuery,
      agents: t.Optional(t.Array(t.String({ maxLength: 256 }), { maxItems: 50 })),
      departmentId: t.Optional(
        t.Union([t.String({ maxLength: 256 }), t.Array(t.String({ maxLength: 256 }), { maxItems: 50 })]),
      ),
      open: t.Optional(t.Boolean()),
      createdAt: t.Optional(t.String({ maxLength: 256 })),
      closedAt: t.Optional(t.String({ maxLength: 256 })),
      tags: t.Optional(t.Array(t.String({ maxLength: 256 }), { maxItems: 50 })),
      roomName: t.Optional(t.String({ maxLength: 256 })),
      customFields: t.Optional(t.String({ maxLength: 1_000 })),
      onhold: t.Optional(t.Boolean()),
      queued: t.Optional(t.Boolean()),
    }),
    returns: t.Object({
      rooms: t.Array(
        t.Object({
          ...Room.properties,
          department: t.Optional(t.Object({ _id: t.String(), name: t.String() })),
        }),
      ),
      ...pageAnswer,
    }),
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
