// What visitors write into custom fields: their own, and those of the room they talk in.
import { ApiError } from '../../api-error.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import type { Patterns } from '../../patterns/patterns.ts'
import {
  findField,
  invalidValue,
  isValid,
  listOpenFields,
  mergeFields,
  readFields,
  type FieldScope,
} from '../custom-fields/custom-fields.ts'
import { findOpenRoomOf, replaceFields, takeOpenRoom } from '../timeline/timeline.ts'
import { writeFields } from './field-store.ts'
import { requireVisitor } from './identify.ts'
import { takeVisitor, type Visitor } from './store.ts'

/** A value for a field. One that is not to be overwritten stays where it is. */
export interface GivenField {
  key: string
  value: string
  overwrite: boolean
}

type Fields = Readonly<Record<string, string>>

/**
 * Refuses values that their fields do not take. It runs administrators' patterns: never in a transaction.
 * @throws `invalid-token`, `invalid-custom-field`, `error-invalid-custom-field-value`, `PatternsBusy`
 */
export async function refuseBadFields(
  reader: Reader,
  patterns: Patterns,
  token: string,
  given: readonly GivenField[],
): Promise<void> {
  await requireVisitor(reader, token)
  for (const { key, value } of given) {
    const field = await findField(reader, key)
    if (field === undefined) throw new ApiError('invalid-custom-field')
    if (!(await isValid(patterns, field, value))) throw invalidValue(key)
  }
}

/**
 * Sets fields that `refuseBadFields` let pass, all or none: the visitor's, or those of the visitor's open room.
 * @throws `invalid-token`, `custom-field-not-written` where a room's field is given and no room is open
 */
export async function setFields(tx: Transaction, token: string, given: readonly GivenField[]): Promise<void> {
  const scopes = new Map((await readFields(tx)).map(({ id, scope }) => [id, scope]))
  const ofScope = (scope: FieldScope) => given.filter(({ key }) => scopes.get(key) === scope)
  const ofRoom = ofScope('room')
  if (ofRoom.length > 0) await setRoomFields(tx, await requireVisitor(tx, token), ofRoom)
  // The room before its visitor, as everywhere.
  const visitor = await takeVisitor(tx, token)
  if (visitor === undefined) throw new ApiError('invalid-token')
  const ofVisitor = ofScope('visitor')
  if (ofVisitor.length === 0) return
  await writeFields(tx, visitor.id, withGiven(visitor.fields, ofVisitor))
  tx.emit('visitor.changed', { visitorId: visitor.id })
}

/** Writes what of the given may be written when a visitor registers: the rest is dropped in silence (contract A.4). */
export async function registerFields(tx: Transaction, visitor: Visitor, given: readonly GivenField[]): Promise<void> {
  const open = new Set((await listOpenFields(tx)).map(({ id }) => id))
  const accepted = given.filter(({ key }) => open.has(key))
  if (accepted.length > 0) await writeFields(tx, visitor.id, withGiven(visitor.fields, accepted))
}

async function setRoomFields(tx: Transaction, visitor: Visitor, given: readonly GivenField[]): Promise<void> {
  const open = await findOpenRoomOf(tx, visitor.id)
  const room = open && (await takeOpenRoom(tx, open.id))
  if (room === undefined) throw new ApiError('custom-field-not-written')
  await replaceFields(tx, room.id, withGiven(room.fields, given) ?? {})
  tx.emit('room.changed', { roomId: room.id })
}

function withGiven(stored: Fields | undefined, given: readonly GivenField[]): Record<string, string> | undefined {
  let fields = stored
  for (const { key, value, overwrite } of given) {
    const isThere = fields !== undefined && Object.hasOwn(fields, key)
    if (overwrite || !isThere) fields = mergeFields(fields, { [key]: value })
  }
  return fields
}
