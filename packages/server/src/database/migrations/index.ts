import type { Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'
import * as foundation from './0001-foundation.ts'
import * as departments from './0002-departments.ts'
import * as conversations from './0003-conversations.ts'
import * as filesAndMail from './0004-files-and-mail.ts'
import * as accountsAndAudit from './0005-accounts-and-audit.ts'
import * as searchAndLists from './0006-search-and-lists.ts'
import * as presence from './0007-presence.ts'
import * as lighterIndexes from './0008-lighter-indexes.ts'
import * as managers from './0009-managers.ts'
import * as namesOfOpenRooms from './0010-names-of-open-rooms.ts'
import * as foldedNames from './0011-folded-names.ts'
import * as activity from './0012-activity.ts'

export interface Migration {
  name: string
  up: (db: Kysely<unknown>, kind: ColumnKinds) => Promise<void>
}

/** In order. A released migration never changes; the next one builds on it. */
export const migrations: readonly Migration[] = [
  { name: '0001-foundation', up: foundation.up },
  { name: '0002-departments', up: departments.up },
  { name: '0003-conversations', up: conversations.up },
  { name: '0004-files-and-mail', up: filesAndMail.up },
  { name: '0005-accounts-and-audit', up: accountsAndAudit.up },
  { name: '0006-search-and-lists', up: searchAndLists.up },
  { name: '0007-presence', up: presence.up },
  { name: '0008-lighter-indexes', up: lighterIndexes.up },
  { name: '0009-managers', up: managers.up },
  { name: '0010-names-of-open-rooms', up: namesOfOpenRooms.up },
  { name: '0011-folded-names', up: foldedNames.up },
  { name: '0012-activity', up: activity.up },
]
