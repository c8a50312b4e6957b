import { Type as t } from 'typebox'
import { Account } from '../entities/user.ts'
import { operations } from '../operation.ts'

const Digest = t.Object({ digest: t.String({ pattern: '^[0-9a-fA-F]{64}$' }), algorithm: t.Literal('sha-256') })

export const sessions = operations('Sessions', {
  'POST /login': {
    summary: 'Sign in',
    description:
      'With a username or e-mail address and a password (plain or as SHA-256), or with the token of an open session. ' +
      'The answer and its time are the same for unknown accounts and wrong passwords.',
    caller: 'anyone',
    limit: 'login',
    body: t.Object({
      user: t.Optional(t.String({ maxLength: 256 })),
      username: t.Optional(t.String({ maxLength: 256 })),
      email: t.Optional(t.String({ maxLength: 256 })),
      password: t.Optional(t.Union([t.String({ maxLength: 1_024 }), Digest])),
      resume: t.Optional(t.String({ maxLength: 256 })),
      code: t.Optional(t.String({ maxLength: 64 })),
    }),
    returns: t.Object({
      status: t.Literal('success'),
      data: t.Object({ userId: t.String(), authToken: t.String(), me: Account }),
    }),
    envelope: 'plain',
    errors: { 'sign-in-failed': 'signIn', 'error-too-many-requests': 'tooMany' },
  },
  'POST /logout': {
    summary: 'Sign out',
    aliases: ['GET /logout'],
    caller: 'user',
    limit: 'staff',
    returns: t.Object({ status: t.Literal('success'), data: t.Object({ message: t.String() }) }),
    envelope: 'plain',
    errors: {},
  },
  'GET /me': {
    summary: 'The signed-in user',
    caller: 'user',
    limit: 'staff',
    returns: Account,
    errors: {},
  },
})
