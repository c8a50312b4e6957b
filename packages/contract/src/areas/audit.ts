import { Type as t } from 'typebox'
import { Id, Time, pageAnswer, pageQuery } from '../entities/basics.ts'
import { operations } from '../operation.ts'

const Fields = t.Record(t.String(), t.Unknown())

/** Who changed what (ours). */
const Entry = t.Object({
  _id: t.String(),
  ts: Time,
  actor: t.Object({ _id: t.String(), username: t.String() }, { description: '`system` for whoever runs the server' }),
  action: t.String({ examples: ['setting.changed', 'user.invited', 'message.edited'] }),
  subject: t.Object({ kind: t.String(), _id: t.String() }),
  rid: t.Optional(t.String()),
  before: t.Optional(Fields),
  after: t.Optional(Fields),
})

export const audit = operations('Audit', {
  'GET /audit.list': {
    summary: 'Who changed settings, permissions, accounts and messages, and which visitor took another name or address',
    description:
      'Ours. The latest first; `sort` takes `ts`. A message has in `before` what it said, as long as its room is kept. ' +
      'Secrets are masked, and values of more than 4,000 characters are cut.',
    caller: { permission: 'view-audit-log' },
    limit: 'staff',
    query: t.Object({
      ...pageQuery,
      actorId: t.Optional(Id),
      action: t.Optional(t.String({ maxLength: 64 })),
      subjectKind: t.Optional(
        t.String({ maxLength: 64, description: '`setting`, `permission`, `user`, `message` or `visitor`' }),
      ),
      subjectId: t.Optional(Id),
      roomId: t.Optional(Id),
      from: t.Optional(t.String({ maxLength: 64, description: 'ISO time, included' })),
      to: t.Optional(t.String({ maxLength: 64, description: 'ISO time, included' })),
    }),
    returns: t.Object({ entries: t.Array(Entry), ...pageAnswer }),
    errors: {
      'invalid-params': 'withCode',
      'error-invalid-sort': 'withCode',
      'error-invalid-fields': 'withCode',
      'error-invalid-query': 'withCode',
    },
  },
})
