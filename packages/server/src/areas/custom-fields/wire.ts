import type { Static } from 'typebox'
import type { CustomField as WireField } from '@deskbell/contract/entities/custom-field.ts'
import type { Loose } from '../../context.ts'
import type { CustomField } from './custom-fields.ts'

/** A field as it is defined (contract §B.10). */
export function fieldToWire(field: CustomField): Loose<Static<typeof WireField>> {
  return {
    _id: field.id,
    label: field.label,
    scope: field.scope,
    visibility: field.visibility,
    regexp: field.pattern,
    type: field.type,
    defaultValue: field.defaultValue,
    options: field.options,
    searchable: field.isSearchable,
    required: field.isRequired,
    public: field.isPublic,
    _updatedAt: field.updatedAt,
  }
}

/** A field as widgets draw it (contract A.1). */
export function fieldToWidget(field: CustomField) {
  const { pattern, options } = field
  return {
    _id: field.id,
    label: field.label,
    regexp: pattern === '' ? undefined : pattern,
    required: field.isRequired === true,
    type: field.type,
    defaultValue: field.defaultValue ?? null,
    options: options === undefined || options === '' ? undefined : options.split(',').map((option) => option.trim()),
  }
}
