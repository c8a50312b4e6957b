import { Type as t } from 'typebox'
import { Id, Maybe, Time, Token } from '../entities/basics.ts'
import { Visitor } from '../entities/visitor.ts'
import { operations } from '../operation.ts'

const Text = t.String({ maxLength: 256 })

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
})
