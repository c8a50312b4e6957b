import type { Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'
import * as foundation from './0001-foundation.ts'

export interface Migration {
  name: string
  up: (db: Kysely<unknown>, kind: ColumnKinds) => Promise<void>
}

/** In order. A released migration never changes; the next one builds on it. */
export const migrations: readonly Migration[] = [{ name: '0001-foundation', up: foundation.up }]
