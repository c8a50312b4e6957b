import { Type as t } from 'typebox'
import { Id, Maybe, MessageId, Nothing, Person, Time, Token, pageQuery } from '../entities/basics.ts'
import { GivenAttachment, Message } from '../entities/message.ts'
import { operations } from '../operation.ts'

// Far above any limit an administrator sets; the rules hold the text against the settings.
const Text = t.String({ maxLength: 100_000 })

const Attachments = t.Optional(t.Array(GivenAttachment, { maxItems: 10 }))

// Databases refuse larger ones.
const WholeNumber = t.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

const Changes = t.Object({
  changes: t.Array(
    t.Object({ _id: t.String(), seq: t.Integer(), deletedAt: t.Optional(Time), message: t.Optional(Message) }),
  ),
  next: t.Integer(),
  more: t.Boolean(),
})

const ofVisitor = { 'invalid-token': 'bare', 'invalid-room': 'bare' } as const

export const messages = operations('Messages', {
  'POST /livechat/message': {
    summary: 'Send a message as a visitor',
    description:
      'Answered when the message is on disk. With an `_id` of your own a send can be repeated safely: the second answer ' +
      'is the stored message, even after the room was closed.',
    caller: 'anyone',
    limit: 'send',
    body: t.Object({
      token: Token,
      rid: Id,
      msg: Text,
      _id: Maybe(MessageId),
      agent: t.Optional(t.Object({ agentId: t.String({ maxLength: 256 }), username: t.String({ maxLength: 256 }) })),
    }),
    returns: t.Object({ message: Message }),
    errors: {
      ...ofVisitor,
      'room-closed': 'bare',
      'message-length-exceeds-character-limit': 'bare',
      'invalid-message': 'bare',
      'error-contact-channel-blocked': 'bare',
    },
  },
  'GET /livechat/message/:_id': {
    summary: 'A message of the visitor’s room',
    caller: 'anyone',
    limit: 'read',
    params: t.Object({ _id: Id }),
    query: t.Object({ token: Token, rid: Id }),
    returns: t.Object({ message: Message }),
    errors: { ...ofVisitor, 'invalid-message': 'bare' },
  },
  'PUT /livechat/message/:_id': {
    summary: 'Edit a message of one’s own as a visitor',
    caller: 'anyone',
    limit: 'send',
    params: t.Object({ _id: Id }),
    body: t.Object({ token: Token, rid: Id, msg: Text }),
    returns: t.Object({ message: Message }),
    errors: {
      ...ofVisitor,
      'invalid-message': 'bare',
      'error-action-not-allowed': 'bare',
      'message-length-exceeds-character-limit': 'bare',
      'error-contact-channel-blocked': 'bare',
    },
  },
  'DELETE /livechat/message/:_id': {
    summary: 'Take a message of one’s own back as a visitor',
    description: '`token` and `rid` stand in the body or, for clients that cannot send one, in the query.',
    caller: 'anyone',
    limit: 'write',
    params: t.Object({ _id: Id }),
    query: t.Object({ token: t.Optional(Token), rid: t.Optional(Id) }),
    body: t.Object({ token: t.Optional(Token), rid: t.Optional(Id) }),
    returns: t.Object({ message: t.Object({ _id: t.String(), ts: Time, ls: Time }) }),
    errors: {
      ...ofVisitor,
      'invalid-message': 'bare',
      'error-action-not-allowed': 'bare',
      'invalid-params': 'withCode',
    },
  },
  'GET /livechat/messages.history/:rid': {
    summary: 'Messages of the visitor’s room, newest first',
    caller: 'anyone',
    limit: 'read',
    params: t.Object({ rid: Id }),
    query: t.Object({
      token: Token,
      ls: t.Optional(t.String({ maxLength: 64 })),
      end: t.Optional(t.String({ maxLength: 64 })),
      limit: t.Optional(WholeNumber),
      offset: t.Optional(WholeNumber),
      searchText: t.Optional(t.String({ maxLength: 1_000 })),
    }),
    returns: t.Object({
      messages: t.Array(Message),
      firstUnread: t.Optional(Message),
      unreadNotLoaded: t.Optional(t.Integer()),
    }),
    errors: { ...ofVisitor, 'error-token-param-not-provided': 'bare', 'invalid-params': 'withCode' },
  },
  'GET /livechat/messages.sync/:rid': {
    summary: 'What changed in the visitor’s room since a change number',
    description:
      'Every message whose latest change is later than `after`, in the order of the changes; deleted ones as ' +
      '`{_id, seq, deletedAt}`. Ask again with `after=next` while `more` is true. Numbers may have holes; only `next` counts.',
    caller: 'anyone',
    limit: 'read',
    params: t.Object({ rid: Id }),
    query: t.Object({
      token: Token,
      after: t.Optional(WholeNumber),
      count: t.Optional(WholeNumber),
    }),
    returns: Changes,
    errors: ofVisitor,
  },
  'GET /livechat/room.history/:rid': {
    summary: 'Everything that was written in a room, for agents: messages and lines, newest first',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    query: t.Object({ end: t.Optional(t.String({ maxLength: 64 })), limit: t.Optional(WholeNumber) }),
    returns: t.Object({ messages: t.Array(Message) }),
    errors: { 'invalid-room': 'bare', 'not-allowed': 'bare', 'invalid-params': 'withCode' },
  },
  'GET /livechat/room.changes/:rid': {
    summary: 'What changed in a room since a change number, for agents',
    description: 'As `livechat/messages.sync/:rid` for visitors.',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    query: t.Object({ after: t.Optional(WholeNumber), count: t.Optional(WholeNumber) }),
    returns: Changes,
    errors: { 'invalid-room': 'bare', 'not-allowed': 'bare' },
  },
  'GET /livechat/messages/:rid': {
    summary: 'What was said in a room, for agents',
    aliases: ['GET /livechat/:rid/messages'],
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    query: t.Object({
      ...pageQuery,
      searchTerm: t.Optional(t.String({ maxLength: 1_000 })),
      before: t.Optional(t.String({ maxLength: 64, description: 'Only what was said before this time' })),
      after: t.Optional(t.String({ maxLength: 64, description: 'Only what was said after this time' })),
    }),
    returns: t.Object({
      messages: t.Array(Message),
      count: t.Integer({ description: 'As asked for' }),
      offset: t.Integer(),
      total: t.Integer(),
    }),
    errors: { 'invalid-room': 'bare', 'not-allowed': 'bare', 'invalid-params': 'withCode' },
  },
  'POST /livechat/messages': {
    summary: 'Write several messages as a visitor, for integrations',
    description:
      'Registers the visitor and opens a room where there is none. All messages are stored, in their order, or none.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      visitor: t.Object({ token: Token }),
      messages: t.Array(t.Object({ msg: Text }), { minItems: 1, maxItems: 100 }),
    }),
    returns: t.Object({
      messages: t.Array(t.Object({ username: t.String(), msg: t.String(), ts: Time })),
    }),
    errors: {
      'error-livechat-visitor-registration': 'bare',
      'error-contact-channel-blocked': 'bare',
      'no-agent-online': 'withCode',
      'error-omnichannel-is-disabled': 'withCode',
      'error-routing-method-not-available': 'withCode',
      'message-length-exceeds-character-limit': 'bare',
    },
  },
})

const EmojiName = t.String({ maxLength: 64, description: 'With or without colons around it: `:thumbsup:`' })

export const chat = operations('Chat', {
  'POST /chat.sendMessage': {
    summary: 'Send a message as a member of the staff',
    description:
      'With an `_id` of your own a send can be repeated safely. `attachments` are shown as they come; `tmid`, `alias`, ' +
      '`emoji`, `avatar` and `previewUrls` are taken and do nothing: there are no threads, and nobody speaks as somebody else.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      message: t.Object({ rid: Id, msg: t.Optional(Text), _id: Maybe(MessageId), attachments: Attachments }),
    }),
    returns: t.Object({ message: Message }),
    errors: {
      'error-not-allowed': 'bare',
      'error-invalid-room': 'bare',
      'room-closed': 'bare',
      'error-message-size-exceeded': 'withCode',
      'invalid-message': 'bare',
    },
  },
  'POST /chat.postMessage': {
    summary: 'Post a message into a room',
    description: 'As `chat.sendMessage`.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      roomId: t.Optional(Id),
      channel: t.Optional(Id),
      text: t.Optional(Text),
      attachments: Attachments,
    }),
    returns: t.Object({
      ts: t.Integer({ description: 'Milliseconds since 1970' }),
      channel: t.String(),
      message: Message,
    }),
    errors: {
      'invalid-channel': 'withCode',
      'room-closed': 'bare',
      'error-message-size-exceeded': 'withCode',
    },
  },
  'POST /chat.update': {
    summary: 'Edit a message of one’s own',
    caller: 'user',
    limit: 'staff',
    body: t.Object({ roomId: Id, msgId: Id, text: Text }),
    returns: t.Object({ message: Message }),
    errors: {
      'message-not-found': 'text',
      'message-of-other-room': 'text',
      'error-action-not-allowed': 'withCode',
      'error-message-size-exceeded': 'withCode',
    },
  },
  'POST /chat.delete': {
    summary: 'Take a message of one’s own back',
    caller: 'user',
    limit: 'staff',
    body: t.Object({ roomId: Id, msgId: Id }),
    returns: t.Object({
      _id: t.String(),
      ts: t.Integer(),
      message: t.Object({ _id: t.String(), rid: t.String(), u: Person }),
    }),
    errors: {
      'message-not-found': 'text',
      'message-of-other-room': 'text',
      'error-action-not-allowed': 'withCode',
    },
  },
  'POST /chat.react': {
    summary: 'React to a message, or take the reaction back',
    description: 'Without `shouldReact` it is the one or the other, whichever is not so.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      messageId: Id,
      emoji: t.Optional(EmojiName),
      reaction: t.Optional(EmojiName),
      shouldReact: t.Optional(t.Boolean()),
    }),
    returns: Nothing,
    errors: {
      'error-message-not-found': 'withCode',
      'error-not-allowed': 'withCode',
      'error-invalid-emoji': 'withCode',
      'error-too-many-reactions': 'withCode',
      'room-closed': 'bare',
    },
  },
  'GET /chat.getMessage': {
    summary: 'A message by its id',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ msgId: Id }),
    returns: t.Object({ message: Message }),
    errors: { 'message-not-found': 'text' },
  },
  'GET /chat.syncMessages': {
    summary: 'What changed in a room since a moment, for agents',
    description:
      'Looks through the latest 500 changes of the room; who was away for longer reads `livechat/messages/:rid` anew.',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ roomId: Id, lastUpdate: t.String({ maxLength: 64 }) }),
    returns: t.Object({
      result: t.Object({
        updated: t.Array(Message),
        deleted: t.Array(t.Object({ _id: t.String(), _deletedAt: Time })),
      }),
    }),
    errors: { 'error-not-allowed': 'withCode', 'invalid-params': 'withCode' },
  },
  'GET /chat.search': {
    summary: 'Search in a room, for agents',
    caller: 'user',
    limit: 'staff',
    query: t.Object({
      roomId: Id,
      searchText: t.String({ minLength: 1, maxLength: 1_000 }),
      offset: t.Optional(WholeNumber),
      count: t.Optional(WholeNumber),
    }),
    returns: t.Object({ messages: t.Array(Message) }),
    errors: { 'error-not-allowed': 'withCode' },
  },
})
