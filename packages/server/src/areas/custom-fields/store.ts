import type { Selectable } from 'kysely'
import { toFlag, withoutNulls } from '../../database/columns.ts'
import type { CustomFieldTable } from '../../database/schema.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { touchVersion } from '../../database/versioned.ts'

/** Whose field it is. */
export type FieldScope = 'visitor' | 'room'

/** A field that an administrator defined. Absent keys were not given. */
export interface CustomField {
  /** The name that clients use as key. */
  id: string
  label: string
  scope: FieldScope
  visibility: string
  /** A regular expression that values must contain a match of; absent: any value will do. */
  pattern?: string
  type?: string
  defaultValue?: string
  /** What may be chosen, separated by commas. */
  options?: string
  isSearchable?: boolean
  isRequired?: boolean
  isPublic?: boolean
  updatedAt: string
}

/** What an administrator says of a field; absent keys are taken away. */
export type FieldDefinition = Omit<CustomField, 'id' | 'updatedAt'>

/** Every field, by label. */
export async function listStoredFields(reader: Reader, most: number): Promise<CustomField[]> {
  const rows = await reader.all(
    reader.sql.selectFrom('customField').selectAll().orderBy('label').orderBy('id').limit(most),
  )
  return rows.map(fromRow)
}

/** Inserts a field; answers false where the name is in use. */
export async function insertField(tx: Transaction, id: string, definition: FieldDefinition): Promise<boolean> {
  const inserted = await tx.run(
    tx.sql
      .insertInto('customField')
      .values({ id, ...toRow(definition), updatedAt: tx.now })
      .onConflict((conflict) => conflict.doNothing()),
  )
  if (inserted === 1) await touchVersion(tx, 'customFields')
  return inserted === 1
}

/** Changes a field; answers false where there is none. */
export async function updateField(tx: Transaction, id: string, definition: FieldDefinition): Promise<boolean> {
  const updated = await tx.run(
    tx.sql
      .updateTable('customField')
      .set({ ...toRow(definition), updatedAt: tx.now })
      .where('id', '=', id),
  )
  if (updated === 1) await touchVersion(tx, 'customFields')
  return updated === 1
}

/** Removes a field; answers false where there is none. */
export async function deleteField(tx: Transaction, id: string): Promise<boolean> {
  const deleted = await tx.run(tx.sql.deleteFrom('customField').where('id', '=', id))
  if (deleted === 1) await touchVersion(tx, 'customFields')
  return deleted === 1
}

function toRow(definition: FieldDefinition): Omit<CustomFieldTable, 'id' | 'updatedAt'> {
  const flag = (value: boolean | undefined) => (value === undefined ? null : toFlag(value))
  return {
    label: definition.label,
    scope: definition.scope,
    visibility: definition.visibility,
    pattern: definition.pattern ?? null,
    type: definition.type ?? null,
    defaultValue: definition.defaultValue ?? null,
    options: definition.options ?? null,
    isSearchable: flag(definition.isSearchable),
    isRequired: flag(definition.isRequired),
    isPublic: flag(definition.isPublic),
  }
}

function fromRow(row: Selectable<CustomFieldTable>): CustomField {
  const { pattern, type, defaultValue, options } = row
  const flag = (value: number | null) => (value === null ? null : value === 1)
  return {
    id: row.id,
    label: row.label,
    scope: row.scope === 'room' ? 'room' : 'visitor',
    visibility: row.visibility,
    ...withoutNulls({
      pattern,
      type,
      defaultValue,
      options,
      isSearchable: flag(row.isSearchable),
      isRequired: flag(row.isRequired),
      isPublic: flag(row.isPublic),
    }),
    updatedAt: row.updatedAt,
  }
}
