import { Type as t } from 'typebox'
import { Id, Maybe, Nothing, Time, Token, pageAnswer, pageQuery } from '../entities/basics.ts'
import { CustomValues } from '../entities/custom-field.ts'
import { Message } from '../entities/message.ts'
import { Room } from '../entities/room.ts'
import { Visitor } from '../entities/visitor.ts'
import { operations } from '../operation.ts'

const Text = t.String({ maxLength: 256 })
const agents = { permission: 'view-l-room' } as const
const ofVisitorInRoom = t.Object({ roomId: Id, visitorId: Id })

/** The visitor without the token, or null. */
const found = t.Object({ contact: t.Union([Visitor, t.Null()]) })

/** A finished or running chat, as the search in a visitor's history answers it. */
const Chat = t.Object({
  _id: t.String(),
  fname: t.String(),
  ts: Time,
  v: Room.properties.v,
  msgs: t.Integer(),
  servedBy: Room.properties.servedBy,
  closedAt: Room.properties.closedAt,
  closedBy: Room.properties.closedBy,
  closer: Room.properties.closer,
  tags: Room.properties.tags,
  closingMessage: t.Optional(Message),
})

export const contacts = operations('Contacts', {
  'GET /livechat/visitors.info': {
    summary: 'A visitor, without the token',
    caller: agents,
    limit: 'staff',
    query: t.Object({ visitorId: Id }),
    returns: t.Object({ visitor: Visitor }),
    errors: { 'visitor-not-found': 'bare' },
  },
  'GET /livechat/visitors.search': {
    summary: 'Visitors by e-mail, phone, name or searchable custom field',
    description:
      'E-mail address and phone number are compared whole; name, username and searchable custom fields may contain the ' +
      'term, whatever its case. Without a term: all.',
    caller: agents,
    limit: 'staff',
    query: t.Object({ ...pageQuery, term: Text }),
    returns: t.Object({
      visitors: t.Array(
        t.Object({
          _id: t.String(),
          username: t.String(),
          name: Visitor.properties.name,
          phone: Visitor.properties.phone,
          livechatData: Visitor.properties.livechatData,
          visitorEmails: Visitor.properties.visitorEmails,
          lastChat: Visitor.properties.lastChat,
        }),
      ),
      ...pageAnswer,
    }),
    errors: {},
  },
  'GET /livechat/visitors.autocomplete': {
    summary: 'The first ten visitors whose name begins with a term',
    caller: agents,
    limit: 'staff',
    query: t.Object({
      selector: t.String({ maxLength: 10_000, description: 'JSON: `{"term"?, "exceptions"?: [id]}`' }),
    }),
    returns: t.Object({
      items: t.Array(
        t.Object({ _id: t.String(), name: t.Optional(t.String()), username: t.String(), custom_name: t.String() }),
      ),
    }),
    errors: { 'selector-unreadable': 'text' },
  },
  'GET /livechat/visitors.pagesVisited/:roomId': {
    summary: 'The pages that the visitor of a room looked at',
    caller: agents,
    limit: 'staff',
    params: t.Object({ roomId: Id }),
    query: t.Object(pageQuery),
    returns: t.Object({ pages: t.Array(Message), ...pageAnswer }),
    errors: { 'invalid-room': 'bare' },
  },
  'GET /livechat/visitors.chatHistory/room/:roomId/visitor/:visitorId': {
    summary: 'Every chat of the visitor of a room',
    description: 'For a visitor who is not the visitor of the room the list is empty.',
    caller: agents,
    limit: 'staff',
    params: ofVisitorInRoom,
    query: t.Object(pageQuery),
    returns: t.Object({ history: t.Array(Room), ...pageAnswer }),
    errors: { 'invalid-room': 'bare', 'error-not-allowed': 'bare' },
  },
  'GET /livechat/visitors.searchChats/room/:roomId/visitor/:visitorId': {
    summary: 'Chats of the visitor of a room in which something was said',
    description: '`searchText` is looked for as it is written, in any message; `source` in the kind of source.',
    caller: agents,
    limit: 'staff',
    params: ofVisitorInRoom,
    query: t.Object({
      ...pageQuery,
      searchText: t.Optional(t.String({ maxLength: 1_000 })),
      closedChatsOnly: t.Optional(t.String({ maxLength: 16, description: '`true`: only those that ended' })),
      servedChatsOnly: t.Optional(t.String({ maxLength: 16, description: '`true`: only those somebody served' })),
      source: t.Optional(Text),
    }),
    returns: t.Object({ history: t.Array(Chat), ...pageAnswer }),
    errors: { 'invalid-room': 'bare', 'error-not-allowed': 'bare' },
  },
  'POST /omnichannel/contact': {
    summary: 'Write down who a visitor is',
    description:
      'The visitor with this token, else the one with this `_id`, else the one with this e-mail address, else a new one. ' +
      'The token of a visitor who is found otherwise stays, unless `Livechat_visitor_matching` is `compatible`. An ' +
      'empty `phone`, an empty or missing `email` and a missing `contactManager` remove what is stored.',
    caller: agents,
    limit: 'staff',
    validation: 'match',
    body: t.Object({
      _id: t.Optional(t.String({ maxLength: 256 })),
      token: Token,
      name: t.String({ minLength: 1, maxLength: 256 }),
      email: t.Optional(Text),
      phone: t.Optional(Text),
      username: t.Optional(Text),
      customFields: t.Optional(CustomValues),
      contactManager: t.Optional(t.Object({ username: Text })),
    }),
    returns: t.Object({ contact: t.String({ description: 'The id of the visitor' }) }),
    errors: {
      'error-invalid-token': 'withCode',
      'error-invalid-email': 'withCode',
      'error-invalid-custom-field-value': 'text',
      'error-contact-manager-not-found': 'withCode',
      'error-invalid-contact-manager': 'withCode',
      'error-contact-channel-blocked': 'bare',
    },
  },
  'GET /omnichannel/contact': {
    summary: 'A visitor by id; null where there is none',
    caller: agents,
    limit: 'staff',
    validation: 'match',
    query: t.Object({ contactId: Id }),
    returns: found,
    errors: {},
  },
  'GET /omnichannel/contact.search': {
    summary: 'A visitor by e-mail, phone or searchable custom fields; null where there is none',
    caller: agents,
    limit: 'staff',
    query: t.Object({
      email: t.Optional(Text),
      phone: t.Optional(Text),
      custom: t.Optional(t.String({ maxLength: 10_000, description: 'JSON: field name → part of its value' })),
    }),
    returns: found,
    errors: { 'error-invalid-params': 'withCode', 'error-invalid-params-custom': 'withCode' },
  },
  'POST /livechat/visitors.block': {
    summary: 'Keep a visitor from chatting',
    description:
      'Ends the open chat. The visitor’s token, and with `byAddress` the network address last seen, can neither register ' +
      'nor open a room. Somebody who invents a new token at another address is a new visitor: no server can tell.',
    caller: { permission: 'block-livechat-contact' },
    limit: 'staff',
    body: t.Object({
      visitorId: Id,
      byAddress: t.Optional(t.Boolean()),
      reason: Maybe(t.String({ maxLength: 1_000 })),
    }),
    returns: Nothing,
    errors: { 'visitor-not-found': 'bare', 'error-address-unknown': 'withCode' },
  },
  'POST /livechat/visitors.unblock': {
    summary: 'Let a visitor chat again, and the addresses that were blocked with the visitor',
    caller: { permission: 'unblock-livechat-contact' },
    limit: 'staff',
    body: t.Object({ visitorId: Id }),
    returns: Nothing,
    errors: { 'visitor-not-found': 'bare' },
  },
  'GET /livechat/visitors.blocked': {
    summary: 'Who is blocked',
    caller: { anyOf: ['block-livechat-contact', 'unblock-livechat-contact'] },
    limit: 'staff',
    query: t.Object(pageQuery),
    returns: t.Object({
      blocked: t.Array(
        t.Object({
          visitorId: t.String(),
          username: t.Optional(t.String()),
          name: t.Optional(t.String()),
          kind: t.Union([t.Literal('visitor'), t.Literal('address')]),
          reason: t.String(),
          blockedBy: t.Object({ _id: t.String() }),
          ts: Time,
        }),
      ),
      ...pageAnswer,
    }),
    errors: {},
  },
})
