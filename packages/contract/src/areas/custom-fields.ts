import { Type as t } from 'typebox'
import { Id, Maybe, Nothing, pageAnswer, pageQuery } from '../entities/basics.ts'
import { CustomField, customFieldParts } from '../entities/custom-field.ts'
import { operations } from '../operation.ts'

const Text = t.String({ maxLength: 1_000 })

export const customFields = operations('Custom fields', {
  'GET /livechat/custom-fields': {
    summary: 'The fields that are defined for visitors and rooms',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    query: t.Object({
      ...pageQuery,
      text: t.Optional(t.String({ maxLength: 256, description: 'Part of the label or the name, whatever its case' })),
    }),
    returns: t.Object({ customFields: t.Array(CustomField), ...pageAnswer }),
    errors: {},
  },
  'GET /livechat/custom-fields/:_id': {
    summary: 'A field by its name; null where there is none',
    caller: { permission: 'view-l-room' },
    limit: 'staff',
    params: t.Object({ _id: Id }),
    returns: t.Object({ customField: t.Union([CustomField, t.Null()]) }),
    errors: {},
  },
  'POST /livechat/custom-fields.save': {
    summary: 'Define a field, or change one',
    description:
      'With `customFieldId` that field is changed; its name stays. `regexp` is looked for anywhere in a value, for a ' +
      'quarter of a second at most; a value is refused where it is not found.',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    body: t.Object({
      customFieldId: Maybe(t.String({ maxLength: 256 })),
      customFieldData: t.Object({
        field: t.String({ maxLength: 256 }),
        label: t.String({ maxLength: 256 }),
        scope: t.Union([t.Literal('visitor'), t.Literal('room')]),
        visibility: t.String({ maxLength: 64 }),
        regexp: t.String({ maxLength: 2_000 }),
        searchable: Maybe(t.Boolean()),
        type: Maybe(t.String({ maxLength: 64 })),
        required: Maybe(t.Boolean()),
        defaultValue: Maybe(Text),
        options: Maybe(t.String({ maxLength: 10_000 })),
        public: Maybe(t.Boolean()),
      }),
    }),
    returns: t.Object({ customField: t.Object({ _id: t.Optional(t.String()), ...customFieldParts }) }),
    errors: {
      'error-invalid-custom-field-name': 'withCode',
      'error-invalid-custom-field': 'withCode',
      'error-custom-field-name-already-exists': 'withCode',
    },
  },
  'POST /livechat/custom-fields.delete': {
    summary: 'Remove the definition of a field; stored values stay',
    caller: { permission: 'view-livechat-manager' },
    limit: 'staff',
    validation: 'typed',
    body: t.Object({ customFieldId: t.String({ maxLength: 256 }) }),
    returns: Nothing,
    errors: { 'error-invalid-custom-field': 'withCode' },
  },
})
