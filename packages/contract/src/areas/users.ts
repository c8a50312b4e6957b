import { Type as t } from 'typebox'
import { Id, Nothing, pageAnswer, pageQuery } from '../entities/basics.ts'
import { CustomFields, Email, Name, Password, RoleNames, User, Username } from '../entities/user.ts'
import { operations } from '../operation.ts'

const Preference = t.Union([
  t.Boolean(),
  t.Number(),
  t.String({ maxLength: 1_000 }),
  t.Array(t.String({ maxLength: 1_000 }), { maxItems: 100 }),
])
const Preferences = t.Record(t.String({ maxLength: 64 }), Preference, { maxProperties: 100 })

export const users = operations('Users', {
  'GET /users.info': {
    summary: 'One account, by id or username',
    description: 'In full for its owner and for holders of `view-full-other-user-info`.',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ userId: t.Optional(Id), username: t.Optional(Username) }),
    returns: t.Object({ user: User }),
    errors: { 'error-user-param-not-provided': 'withCode', 'user-not-found': 'text' },
  },
  'GET /users.list': {
    summary: 'Accounts, a page at a time',
    description: 'In full for holders of `view-full-other-user-info`.',
    caller: { permission: 'view-d-room' },
    limit: 'staff',
    query: t.Object(pageQuery),
    returns: t.Object({ users: t.Array(User), ...pageAnswer }),
    errors: {
      'error-invalid-sort': 'withCode',
      'error-invalid-fields': 'withCode',
      'error-invalid-query': 'withCode',
    },
  },
  'POST /users.update': {
    summary: 'Change an account',
    description:
      'A changed password signs the account out everywhere else. Accounts of administrators, and roles, are changed by ' +
      'administrators and holders of `access-permissions` alone; `active` needs `edit-other-user-active-status` as well.',
    caller: { permission: 'edit-other-user-info' },
    limit: 'staff',
    body: t.Object({
      userId: Id,
      data: t.Object({
        name: t.Optional(Name),
        email: t.Optional(Email),
        password: t.Optional(Password),
        username: t.Optional(Username),
        active: t.Optional(t.Boolean()),
        roles: t.Optional(RoleNames),
        requirePasswordChange: t.Optional(t.Boolean()),
        verified: t.Optional(t.Boolean()),
        statusText: t.Optional(t.String({ maxLength: 1_000 })),
        language: t.Optional(t.String({ maxLength: 64 })),
        customFields: t.Optional(CustomFields),
      }),
    }),
    returns: t.Object({ user: User }),
    errors: {
      'error-password-policy': 'withCode',
      'error-invalid-user': 'withCode',
      'error-action-not-allowed': 'withCode',
      unauthorized: 'forbidden',
      'error-invalid-username': 'withCode',
      'error-invalid-email': 'withCode',
      'error-invalid-role': 'withCode',
      'error-field-unavailable': 'withCode',
      'error-last-administrator': 'withCode',
    },
  },
  'POST /users.delete': {
    summary: 'Remove an account and sign it out',
    caller: { permission: 'delete-user' },
    limit: 'staff',
    body: t.Object({
      userId: t.Optional(Id),
      username: t.Optional(Username),
      confirmRelinquish: t.Optional(t.Boolean()),
    }),
    returns: Nothing,
    errors: {
      'error-user-param-not-provided': 'withCode',
      'error-invalid-user': 'withCode',
      'error-action-not-allowed': 'withCode',
      'error-last-administrator': 'withCode',
    },
  },
  'POST /users.setActiveStatus': {
    summary: 'Deactivate an account, or activate it again',
    description: 'A deactivated account is signed out everywhere and cannot sign in; an agent takes no chats.',
    caller: { permission: 'edit-other-user-active-status' },
    limit: 'staff',
    body: t.Object({ userId: Id, activeStatus: t.Boolean(), confirmRelinquish: t.Optional(t.Boolean()) }),
    returns: t.Object({ user: t.Object({ _id: t.String(), active: t.Boolean() }) }),
    errors: {
      'error-invalid-user': 'withCode',
      'error-action-not-allowed': 'withCode',
      'error-last-administrator': 'withCode',
    },
  },
  'POST /users.setStatus': {
    summary: 'Say whether one is there, and in a few words why',
    description: 'At least one of `message` and `status`. The status of others needs `edit-other-user-info`.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      message: t.Optional(t.String({ maxLength: 1_000 })),
      status: t.Optional(t.String({ maxLength: 64, description: '`online`, `away`, `busy` or `offline`' })),
      userId: t.Optional(Id),
    }),
    returns: Nothing,
    errors: {
      'invalid-params': 'withCode',
      unauthorized: 'forbidden',
      'error-invalid-user': 'withCode',
      'error-invalid-status': 'withCode',
      'error-status-not-allowed': 'withCode',
    },
  },
  'POST /users.setPreferences': {
    summary: 'Keep preferences, of one’s own or of somebody else',
    description:
      'Keys that are not named stay as they are. Those of others need `edit-other-user-info`. The server itself heeds ' +
      '`omnichannelTranscriptEmail` (visitors who close a conversation of this agent are mailed what was said) and ' +
      '`desktopNotifications` (`nothing`); the others are kept for clients.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({ userId: t.Optional(Id), data: Preferences }),
    returns: t.Object({
      user: t.Object({ _id: t.String(), settings: t.Object({ preferences: t.Record(t.String(), t.Unknown()) }) }),
    }),
    errors: { unauthorized: 'forbidden', 'error-invalid-user': 'withCode', 'invalid-params': 'withCode' },
  },
  'GET /users.getPreferences': {
    summary: 'One’s own preferences',
    caller: 'user',
    limit: 'staff',
    returns: t.Object({ preferences: t.Record(t.String(), t.Unknown()) }),
    errors: {},
  },
})
