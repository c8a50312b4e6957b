import type { customFields } from '@deskbell/contract/areas/custom-fields.ts'
import type { Handlers } from '../../context.ts'
import { withoutNulls } from '../../database/columns.ts'
import { readPage, type Page } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { findField, readFields, removeField, saveField, type CustomField } from './custom-fields.ts'
import { fieldToWire } from './wire.ts'

type Column = 'id' | 'label' | 'scope' | 'visibility' | 'type'

/** The sortable columns by their names on the wire. */
const sortable: Readonly<Record<string, Column>> = {
  _id: 'id',
  label: 'label',
  scope: 'scope',
  visibility: 'visibility',
  type: 'type',
}

export const customFieldRoutes: Handlers<typeof customFields> = {
  'GET /livechat/custom-fields': async ({ read }, { query }) => {
    const page = readPage(query, await readSettings(read), sortable, [{ column: 'label', direction: 'asc' }])
    const found = (await readFields(read)).filter((field) => contains(field, query.text ?? ''))
    const rows = pageOf(found, page).map(fieldToWire)
    return { customFields: rows, count: rows.length, offset: page.offset, total: found.length }
  },
  'GET /livechat/custom-fields/:_id': async ({ read }, { params }) => {
    const field = await findField(read, params._id)
    return { customField: field === undefined ? null : fieldToWire(field) }
  },
  'POST /livechat/custom-fields.save': async ({ transact }, { body }) => {
    const { field: name, regexp, searchable, required, public: isPublic, ...rest } = body.customFieldData
    const id = body.customFieldId === null || body.customFieldId === '' ? undefined : body.customFieldId
    const given = { ...rest, pattern: regexp, isSearchable: searchable, isRequired: required, isPublic }
    const saved = await transact((tx) => saveField(tx, id, { name, ...withoutNulls(given) }))
    const { _id, ...document } = fieldToWire(saved)
    return { customField: id === undefined ? { _id, ...document } : document }
  },
  'POST /livechat/custom-fields.delete': async ({ transact }, { body }) => {
    await transact((tx) => removeField(tx, body.customFieldId))
    return {}
  },
}

function contains({ id, label }: CustomField, text: string): boolean {
  const part = text.toLowerCase()
  return label.toLowerCase().includes(part) || id.toLowerCase().includes(part)
}

/** There are few enough fields to sort them here. */
function pageOf(fields: readonly CustomField[], { offset, limit, order }: Page<Column>): CustomField[] {
  const sorted = [...fields].sort((left, right) => {
    for (const { column, direction } of order) {
      const difference = compare(left[column] ?? '', right[column] ?? '')
      if (difference !== 0) return direction === 'asc' ? difference : -difference
    }
    return compare(left.id, right.id)
  })
  return sorted.slice(offset, offset + limit)
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
