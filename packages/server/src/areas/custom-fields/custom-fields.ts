// Fields that an administrator defines for visitors and rooms, and what may be written into them.
import { ApiError } from '../../api-error.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { versioned } from '../../database/versioned.ts'
import type { Patterns } from '../../patterns/patterns.ts'
import {
  deleteField,
  insertField,
  listStoredFields,
  updateField,
  type CustomField,
  type FieldDefinition,
  type FieldScope,
} from './store.ts'

export type { CustomField, FieldDefinition, FieldScope } from './store.ts'

/** Far more than any desk has; every one is in memory and looked at with each value. */
const MOST_FIELDS = 500

/** What one value may hold (promises A23). */
const MAX_VALUE_LENGTH = 1_000

/** Every field that is defined, by label; cheap enough for every request. */
export const readFields: (reader: Reader) => Promise<readonly CustomField[]> = versioned('customFields', (reader) =>
  listStoredFields(reader, MOST_FIELDS),
)

/** The field of this name. */
export async function findField(reader: Reader, id: string): Promise<CustomField | undefined> {
  return (await readFields(reader)).find((field) => field.id === id)
}

/** The fields that visitors may fill in when they register, and agents for them: those of visitors that are not hidden. */
export async function listOpenFields(reader: Reader): Promise<CustomField[]> {
  return (await readFields(reader)).filter(({ scope, visibility }) => scope === 'visitor' && visibility !== 'hidden')
}

/** The names of the visitors' fields in which agents search. */
export async function listSearchable(reader: Reader): Promise<string[]> {
  const fields = await readFields(reader)
  return fields.filter(({ scope, isSearchable }) => scope === 'visitor' && isSearchable === true).map(({ id }) => id)
}

/**
 * Defines a field, or changes the one with this id, whose name stays what it is.
 * @throws `error-invalid-custom-field-name`, `error-invalid-custom-field`, `error-custom-field-name-already-exists`
 */
export async function saveField(
  tx: Transaction,
  id: string | undefined,
  { name, ...definition }: FieldDefinition & { name: string },
): Promise<CustomField> {
  if (!isName(name)) throw new ApiError('error-invalid-custom-field-name')
  if (id !== undefined) {
    if (!(await updateField(tx, id, definition))) throw new ApiError('error-invalid-custom-field')
    return { id, ...definition, updatedAt: tx.now }
  }
  if ((await readFields(tx)).length >= MOST_FIELDS)
    throw new ApiError('error-invalid-custom-field', { reason: `There may be ${MOST_FIELDS} custom fields` })
  if (!(await insertField(tx, name, definition))) throw new ApiError('error-custom-field-name-already-exists')
  return { id: name, ...definition, updatedAt: tx.now }
}

/**
 * Removes the definition of a field. What is stored under its name stays.
 * @throws `error-invalid-custom-field`
 */
export async function removeField(tx: Transaction, id: string): Promise<void> {
  if (!(await deleteField(tx, id))) throw new ApiError('error-invalid-custom-field')
}

/**
 * What of the given values may be stored: those of defined fields of this scope; others are dropped in silence. It runs
 * patterns, so it is called before a transaction and never in one. An empty value asks for removal and matches anything.
 * @throws `error-invalid-custom-field-value`, `PatternsBusy`
 */
export async function checkFields(
  reader: Reader,
  patterns: Patterns,
  scope: FieldScope,
  given: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const accepted: Record<string, string> = {}
  for (const field of await readFields(reader)) {
    if (field.scope !== scope || !Object.hasOwn(given, field.id)) continue
    const value = given[field.id] ?? ''
    if (value !== '' && !(await isValid(patterns, field, value))) throw invalidValue(field.label)
    accepted[field.id] = value
  }
  return accepted
}

/** Whether a field takes this value. A pattern that is broken or takes too long takes none. */
export async function isValid(patterns: Patterns, { pattern }: CustomField, value: string): Promise<boolean> {
  if (value.length > MAX_VALUE_LENGTH) return false
  return pattern === undefined || pattern === '' || patterns.isMatch(pattern, value)
}

/** The refusal of a value; `name` is what the caller knows the field by. */
export function invalidValue(name: string): ApiError {
  return new ApiError('error-invalid-custom-field-value', { reason: `Invalid value for ${name} field` })
}

/** The stored values with the accepted ones over them: an empty one removes; `undefined` where none is left. */
export function mergeFields(
  stored: Readonly<Record<string, string>> | undefined,
  accepted: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const kept = Object.entries({ ...stored, ...accepted }).filter(([, value]) => value !== '')
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

// Names of every object in the programs that read these: as keys they are trouble (CVE-2023-23917).
const reserved = new Set(['__proto__', 'constructor', 'prototype'])

function isName(name: string): boolean {
  return /^[0-9a-zA-Z_-]+$/.test(name) && !reserved.has(name)
}
