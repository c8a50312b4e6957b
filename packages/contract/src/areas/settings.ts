import { Type as t } from 'typebox'
import { Id, Nothing, Time, pageAnswer, pageQuery } from '../entities/basics.ts'
import { operations } from '../operation.ts'

/** One setting with all that a console needs to show and edit it (contract §E.3). */
const Setting = t.Object({
  _id: t.String(),
  type: t.String(),
  value: t.Unknown({ description: 'As it was stored; its default until somebody changes it' }),
  packageValue: t.Unknown({ description: 'The default' }),
  valueSource: t.Union([t.Literal('packageValue'), t.Literal('processEnvValue')]),
  group: t.String(),
  section: t.Optional(t.String()),
  public: t.Boolean(),
  hidden: t.Boolean(),
  blocked: t.Boolean({ description: 'The environment of the server decides the value' }),
  secret: t.Boolean(),
  sorter: t.Integer(),
  i18nLabel: t.String(),
  i18nDescription: t.String(),
  autocomplete: t.Boolean(),
  values: t.Optional(t.Array(t.Object({ key: t.String(), i18nLabel: t.String() }))),
  requiredOnWizard: t.Boolean(),
  env: t.Boolean(),
  ts: t.Optional(Time),
  createdAt: t.Optional(Time),
  _updatedAt: t.Optional(Time),
})

const NewValue = t.Optional(
  t.Unknown({ description: 'Any JSON value: neither its type nor the list of a select is checked' }),
)

export const settings = operations('Settings', {
  'GET /settings.public': {
    summary: 'List the settings that everybody may know',
    caller: 'anyone',
    limit: 'lookup',
    query: t.Object({
      ...pageQuery,
      _id: t.Optional(t.String({ maxLength: 8_000, description: 'Only these, separated by commas' })),
    }),
    returns: t.Object({
      settings: t.Array(t.Object({ _id: t.String(), value: t.Unknown() })),
      ...pageAnswer,
    }),
    errors: {},
  },
  'GET /settings': {
    summary: 'List the settings',
    description: 'Without the permission `view-privileged-setting` only the public ones.',
    caller: 'user',
    limit: 'staff',
    query: t.Object({ ...pageQuery }),
    returns: t.Object({ settings: t.Array(Setting), ...pageAnswer }),
    errors: {},
  },
  'POST /settings': {
    summary: 'Change several settings',
    description: 'All of them or, where one is unknown, hidden, blocked or without value, none.',
    caller: { permission: 'edit-privileged-setting' },
    limit: 'staff',
    body: t.Object({
      settings: t.Array(t.Object({ _id: Id, value: NewValue }), { maxItems: 1_000 }),
    }),
    returns: Nothing,
    errors: { 'setting-not-found': 'empty' },
  },
  'GET /settings/:_id': {
    summary: 'Read a setting',
    description: 'Needs the permission `view-privileged-setting`.',
    caller: 'user',
    limit: 'staff',
    params: t.Object({ _id: Id }),
    returns: t.Object({ _id: t.String(), value: t.Unknown() }),
    errors: { unauthorized: 'forbidden', 'setting-not-found': 'empty' },
  },
  'POST /settings/:_id': {
    summary: 'Change a setting',
    description:
      'Needs the permission `edit-privileged-setting`. The new value is in force when this answers. ' +
      'Storing the value that is there already is a success.',
    caller: 'user',
    limit: 'staff',
    params: t.Object({ _id: Id }),
    body: t.Object({
      value: NewValue,
      editor: t.Optional(t.Unknown({ description: 'How consoles chose a colour; not kept' })),
    }),
    returns: Nothing,
    errors: { unauthorized: 'forbidden', 'setting-not-found': 'empty' },
  },
})
