import { Type as t } from 'typebox'
import { Time } from './basics.ts'

/** A field that an administrator defined (contract §B.10), without the name that is its id. */
export const customFieldParts = {
  label: t.String(),
  scope: t.Union([t.Literal('visitor'), t.Literal('room')]),
  visibility: t.String({ description: '`visible` ones reach the widget, `hidden` ones only agents' }),
  regexp: t.Optional(t.String()),
  type: t.Optional(t.String()),
  defaultValue: t.Optional(t.String()),
  options: t.Optional(t.String({ description: 'What may be chosen, separated by commas' })),
  searchable: t.Optional(t.Boolean()),
  required: t.Optional(t.Boolean()),
  public: t.Optional(t.Boolean()),
  _updatedAt: Time,
}

export const CustomField = t.Object({ _id: t.String(), ...customFieldParts })

/** Custom fields of a visitor or a room, by name. */
export const CustomValues = t.Record(t.String({ maxLength: 256 }), t.String({ maxLength: 1_000 }))
