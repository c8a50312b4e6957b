import { Type as t } from 'typebox'
import { Nothing, Time } from '../entities/basics.ts'
import { CustomFields, Email, Name, Password, RoleNames, User, Username } from '../entities/user.ts'
import { operations } from '../operation.ts'

/** The token of a one-time link. */
const LinkToken = t.String({ maxLength: 256 })

export const accounts = operations('Accounts', {
  'POST /users.create': {
    summary: 'Create an account',
    description:
      'The role `livechat-agent` makes an agent, switched off until present. Roles other than `user` are handed out by ' +
      'administrators and holders of `access-permissions` alone. `setRandomPassword` takes the place of `password`: ' +
      'nobody knows one then. `sendWelcomeEmail` writes to the person how to sign in, with a one-time link to choose a ' +
      'password where there is none. No letter ever contains a password. `joinDefaultChannels` has no effect: there are ' +
      'no channels.',
    caller: { permission: 'create-user' },
    limit: 'staff',
    body: t.Object({
      name: Name,
      email: Email,
      password: t.Optional(Password),
      username: Username,
      active: t.Optional(t.Boolean()),
      roles: t.Optional(RoleNames),
      requirePasswordChange: t.Optional(t.Boolean()),
      setRandomPassword: t.Optional(t.Boolean()),
      sendWelcomeEmail: t.Optional(t.Boolean()),
      joinDefaultChannels: t.Optional(t.Boolean()),
      verified: t.Optional(t.Boolean()),
      customFields: t.Optional(CustomFields),
    }),
    returns: t.Object({ user: User }),
    errors: {
      'invalid-params': 'withCode',
      'error-password-policy': 'withCode',
      'error-action-not-allowed': 'withCode',
      'error-invalid-username': 'withCode',
      'error-invalid-email': 'withCode',
      'error-invalid-role': 'withCode',
      'error-field-unavailable': 'withCode',
      'error-mail-not-configured': 'withCode',
      'error-site-url-missing': 'withCode',
    },
  },
  'POST /users.invite': {
    summary: 'Invite somebody by mail',
    description:
      'Ours. Creates an account without a password and writes to its address a link, good once and for seven days, that ' +
      'sets one. Without `username` it is made from the address, without `name` it is the username. Inviting an address ' +
      'again whose account has no password yet writes another letter, and the earlier link is worthless; the account ' +
      'stays as it is. Roles as in `users.create`. Links lead to `DESKBELL_SITE_URL` or the setting `Site_Url`, never ' +
      'to where the request came from.',
    caller: { permission: 'create-user' },
    limit: 'letter',
    body: t.Object({
      email: Email,
      name: t.Optional(Name),
      username: t.Optional(Username),
      roles: t.Optional(RoleNames),
    }),
    returns: t.Object({ user: User, expiresAt: Time }),
    errors: {
      'error-mail-not-configured': 'withCode',
      'error-site-url-missing': 'withCode',
      'error-action-not-allowed': 'withCode',
      'error-invalid-username': 'withCode',
      'error-invalid-email': 'withCode',
      'error-invalid-role': 'withCode',
      'error-field-unavailable': 'withCode',
      'error-user-deactivated': 'withCode',
    },
  },
  'POST /users.forgotPassword': {
    summary: 'Ask for a letter with a link to a new password',
    description:
      'Answers the same, as fast, whether an account has this address or not. The link is good once and for an hour; ' +
      'three are good at a time. Deactivated accounts get no letter.',
    caller: 'anyone',
    limit: 'letter',
    body: t.Object({ email: t.Optional(Email) }),
    returns: Nothing,
    errors: { 'error-email-param-not-provided': 'text' },
  },
  'POST /users.resetPassword': {
    summary: 'Set a password with the token of a one-time link',
    description:
      'Ours; what the page behind the link does. The token is worthless afterwards, and so are all other links and ' +
      'sessions of the account.',
    caller: 'anyone',
    limit: 'login',
    body: t.Object({ token: LinkToken, newPassword: Password }),
    returns: Nothing,
    errors: { 'error-invalid-link': 'withCode', 'error-password-policy': 'withCode' },
  },
  'POST /users.updateOwnBasicInfo': {
    summary: 'Change one’s own profile, address or password',
    description:
      'Empty texts change nothing, but clear `nickname`, `bio` and `statusText`. Another `email` and a `newPassword` need ' +
      '`currentPassword`, plain or as SHA-256 in hex. A changed password ends the other sessions.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      data: t.Object({
        email: t.Optional(Email),
        name: t.Optional(t.String({ maxLength: 256 })),
        username: t.Optional(Username),
        nickname: t.Optional(t.String({ maxLength: 120 })),
        bio: t.Optional(t.String({ maxLength: 260 })),
        statusText: t.Optional(t.String({ maxLength: 1_000 })),
        statusType: t.Optional(t.String({ maxLength: 64, description: '`online`, `away`, `busy` or `offline`' })),
        currentPassword: t.Optional(Password),
        newPassword: t.Optional(Password),
      }),
    }),
    returns: t.Object({ user: User }),
    errors: {
      'error-invalid-password': 'withCode',
      'error-too-many-requests': 'tooMany',
      'error-password-policy': 'withCode',
      'error-password-same-as-current': 'withCode',
      'error-invalid-username': 'withCode',
      'error-invalid-email': 'withCode',
      'error-field-unavailable': 'withCode',
      'error-invalid-status': 'withCode',
      'error-status-not-allowed': 'withCode',
    },
  },
})
