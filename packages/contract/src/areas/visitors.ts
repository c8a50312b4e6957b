import { Type as t } from 'typebox'
import { Id, Maybe, Time, Token } from '../entities/basics.ts'
import { Visitor } from '../entities/visitor.ts'
import { operations } from '../operation.ts'

const Text = t.String({ maxLength: 256 })

/** A page as widgets describe one. Longer titles and addresses are cut to 300 and 2,000 characters. */
const PageInfo = t.Object({
  change: t.String({ maxLength: 64 }),
  title: t.String({ maxLength: 10_000 }),
  location: t.Object({ href: t.String({ maxLength: 20_000 }) }),
})

const CustomField = t.Object({
  key: t.String({ maxLength: 256 }),
  value: t.String({ maxLength: 1_000 }),
  overwrite: t.Boolean(),
})

export const visitors = operations('Visitors', {
  'POST /livechat/visitor': {
    summary: 'Register a visitor, or update the one with this token',
    description:
      'The token, chosen by the client, is the visitor’s secret and the only key to the visitor’s data: use at least 128 ' +
      'random bits. The fields may also stand at the top level of the body, without `visitor`.',
    caller: 'anyone',
    limit: 'open',
    validation: 'match',
    wrapper: 'visitor',
    body: t.Object({
      visitor: t.Object({
        token: Token,
        name: Maybe(Text),
        email: Maybe(Text),
        phone: Maybe(Text),
        department: Maybe(Text),
        username: Maybe(Text),
        id: t.Optional(Id),
        customFields: Maybe(t.Array(CustomField, { maxItems: 50 })),
      }),
    }),
    returns: t.Object({ visitor: Visitor }),
    errors: {
      'error-invalid-token': 'withCode',
      'error-invalid-email': 'withCode',
      'error-invalid-department': 'withCode',
      'error-contact-channel-blocked': 'bare',
    },
  },
  'GET /livechat/visitor/:token': {
    summary: 'The visitor with this token',
    caller: 'anyone',
    limit: 'read',
    params: t.Object({ token: Token }),
    returns: t.Object({ visitor: Visitor }),
    errors: { 'invalid-token': 'withCode' },
  },
  'DELETE /livechat/visitor/:token': {
    summary: 'Remove a visitor and everything the visitor said',
    caller: 'anyone',
    limit: 'remove',
    params: t.Object({ token: Token }),
    returns: t.Object({ visitor: t.Object({ _id: t.String(), ts: Time }) }),
    errors: { 'invalid-token': 'withCode', 'visitor-has-open-rooms': 'withCode' },
  },
  'POST /livechat/visitor.status': {
    summary: 'Say whether the visitor is there',
    aliases: ['POST /livechat/visitors.status'],
    caller: 'anyone',
    limit: 'write',
    validation: 'match',
    body: t.Object({ token: Token, status: t.String({ maxLength: 64 }) }),
    returns: t.Object({ token: t.String(), status: t.String() }),
    errors: { 'invalid-token': 'withCode' },
  },
  'POST /livechat/visitor.callStatus': {
    summary: 'Note the state of a call in the visitor’s open room',
    caller: 'anyone',
    limit: 'write',
    validation: 'match',
    body: t.Object({
      token: Token,
      callStatus: t.String({ maxLength: 64 }),
      rid: Id,
      callId: t.String({ maxLength: 256 }),
    }),
    returns: t.Object({ token: t.String(), callStatus: t.String() }),
    errors: { 'invalid-token': 'withCode', 'invalid-room': 'bare' },
  },
  'GET /livechat/visitor/:token/room': {
    summary: 'The open rooms of a visitor, for managers',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    params: t.Object({ token: Token }),
    returns: t.Object({
      rooms: t.Array(
        t.Object({
          _id: t.String(),
          t: t.Literal('l'),
          cl: t.Literal(false),
          servedBy: t.Optional(t.Object({ _id: t.String(), username: t.String(), ts: Time })),
        }),
      ),
    }),
    errors: {},
  },
  'POST /livechat/page.visited': {
    summary: 'Tell which page the visitor looks at',
    description:
      'Kept if `change` is what the setting `Livechat_history_monitor_type` names and the page is of the web: the latest ' +
      '50 for each token, one in a second (a later one within the second takes its place), for 30 days until the ' +
      'visitor opens a room. A `rid` that is not the visitor’s own open room is ignored.',
    caller: 'anyone',
    // A token of nobody is answered like any other, so an answer proves nothing.
    limit: 'lookup',
    validation: 'match',
    body: t.Object({ token: Token, rid: Maybe(t.String({ maxLength: 256 })), pageInfo: PageInfo }),
    returns: t.Object({
      page: t.Optional(t.Object({ msg: t.String(), navigation: t.Object({ page: PageInfo, token: t.String() }) })),
    }),
    errors: {},
  },
  'POST /livechat/custom.field': {
    summary: 'Set a custom field of the visitor, or of the visitor’s open room',
    description: 'With `overwrite: false` a value that is there already stays, which is a success too.',
    caller: 'anyone',
    limit: 'write',
    body: t.Object({ token: Token, ...CustomField.properties }),
    returns: t.Object({ field: CustomField }),
    errors: {
      'invalid-token': 'bare',
      'invalid-custom-field': 'bare',
      'error-invalid-custom-field-value': 'text',
      'custom-field-not-written': 'empty',
    },
  },
  'POST /livechat/custom.fields': {
    summary: 'Set several custom fields, all or none',
    caller: 'anyone',
    limit: 'write',
    body: t.Object({ token: Token, customFields: t.Array(CustomField, { maxItems: 50 }) }),
    returns: t.Object({ fields: t.Array(t.Object({ Key: t.String(), ...CustomField.properties })) }),
    errors: { 'invalid-token': 'bare', 'error-setting-custom-field': 'bare' },
  },
})
