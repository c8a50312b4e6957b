import { Type as t } from 'typebox'
import { Id, Nothing, Time } from '../entities/basics.ts'
import { Channel, Room } from '../entities/room.ts'
import { Subscription } from '../entities/subscription.ts'
import { operations } from '../operation.ts'

const sinceQuery = t.Object({
  updatedSince: t.Optional(t.String({ maxLength: 64, description: 'Only what changed at this moment or later' })),
})

const theRemoved =
  'Without `updatedSince` it is the whole list, at most 500, the latest changed first. With it, `remove` names what the ' +
  'caller served and has lost since: chats that were closed, handed on or given back. A chat that the caller had only ' +
  'joined is not named when it closes; whoever needs to know asks for the whole list.'

export const subscriptions = operations('Subscriptions', {
  'GET /subscriptions.get': {
    summary: 'The caller’s places in rooms, with what is unread there',
    description: theRemoved,
    caller: 'user',
    limit: 'staff',
    query: sinceQuery,
    returns: t.Object({
      update: t.Array(Subscription),
      remove: t.Array(t.Object({ _id: t.String(), rid: t.String(), t: t.Literal('l'), _deletedAt: Time })),
    }),
    errors: { 'invalid-params': 'withCode' },
  },
  'GET /subscriptions.getOne': {
    summary: 'The caller’s place in a room',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ roomId: Id }),
    returns: t.Object({ subscription: t.Union([Subscription, t.Null()]) }),
    errors: {},
  },
  'POST /subscriptions.read': {
    summary: 'Say that the caller has read a room',
    description: 'The room is named by `rid` or `roomId`. Nothing happens in a room that the caller only looks into.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({ rid: t.Optional(Id), roomId: t.Optional(Id), readThreads: t.Optional(t.Boolean()) }),
    returns: Nothing,
    errors: { 'error-invalid-subscription': 'bare', 'invalid-params': 'withCode' },
  },
  'POST /subscriptions.unread': {
    summary: 'Keep a room for later, from one message on',
    description: 'From the message that `firstUnreadMessage` names, else from the latest of somebody else in `roomId`.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({ roomId: t.Optional(Id), firstUnreadMessage: t.Optional(t.Object({ _id: Id })) }),
    returns: Nothing,
    errors: {
      'error-invalid-subscription': 'bare',
      'error-no-message-for-unread': 'withCode',
      'error-action-not-allowed': 'withCode',
      'invalid-params': 'withCode',
    },
  },
  'GET /rooms.get': {
    summary: 'The rooms the caller is in',
    description: `${theRemoved} The channel \`GENERAL\` is in everybody’s list; nobody can write there.`,
    caller: 'user',
    limit: 'staff',
    query: sinceQuery,
    returns: t.Object({
      update: t.Array(t.Union([Room, Channel])),
      remove: t.Array(t.Object({ _id: t.String(), _deletedAt: Time })),
    }),
    errors: { 'invalid-params': 'withCode' },
  },
})
