// The book of who changed what. An entry is written in the transaction of the change, so that none is without the other;
// areas/audit reads the book.
import type { Transaction } from '../../database/transaction.ts'
import { clearActor, deleteEntriesOfRoom, insertEntry, type Actor, type Entry, type Fields } from './store.ts'

export type { Actor, Entry } from './store.ts'

/** The server itself, on behalf of whoever runs it: the configuration, the command line, the set-up form. */
export const systemActor: Actor = { id: 'system', username: 'system' }

/** Characters of the longest value that the book keeps whole, as JSON. */
const LONGEST_VALUE = 4_000

/** Writes an entry. Values too long for a book that grows for ever are cut, and say so. */
export async function note(tx: Transaction, entry: Entry): Promise<void> {
  await insertEntry(tx, { ...entry, before: shortened(entry.before), after: shortened(entry.after) })
}

/** Forgets what was noted of the messages of a room that goes: nothing may be left of a visitor who asks for that. */
export async function forgetRoom(tx: Transaction, roomId: string): Promise<void> {
  await deleteEntriesOfRoom(tx, roomId)
}

/**
 * Forgets who a visitor was who has been removed: entries of rooms that others have by now stay, without a name. What a
 * message said before is part of its room.
 */
export async function forgetVisitor(tx: Transaction, visitorId: string): Promise<void> {
  await clearActor(tx, visitorId)
}

/** The fields that differ, as they were and as they are; `undefined` where none does. */
export function differenceOf(before: Fields, after: Fields): { before: Fields; after: Fields } | undefined {
  const changed = Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  if (changed.length === 0) return undefined
  const only = (fields: Fields) => Object.fromEntries(changed.map((name) => [name, fields[name]]))
  return { before: only(before), after: only(after) }
}

function shortened(fields: Fields | undefined): Fields | undefined {
  if (fields === undefined) return undefined
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cut(value)]))
}

function cut(value: unknown): unknown {
  // Not for `undefined`, which has no text.
  const text = (JSON.stringify(value) as string | undefined) ?? ''
  return text.length <= LONGEST_VALUE ? value : { cut: text.slice(0, LONGEST_VALUE).toWellFormed() }
}
