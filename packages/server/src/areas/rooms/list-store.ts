import { sql } from 'kysely'
import { foldName } from '../timeline/timeline.ts'
import { likeAnywhere } from '../../database/like.ts'
import type { Reader } from '../../database/transaction.ts'

/** Which rooms to list. Absent keys filter nothing. */
export interface RoomFilter {
  /** Ids of the agents who serve. */
  agents?: readonly string[] | undefined
  departmentIds?: readonly string[] | undefined
  state?: 'served' | 'closed' | 'queued' | 'on-hold' | undefined
  openedFrom?: string | undefined
  openedUntil?: string | undefined
  closedFrom?: string | undefined
  closedUntil?: string | undefined
  /** Any of them. */
  tags?: readonly string[] | undefined
  /** Part of each of these custom fields, any case. */
  fields?: Readonly<Record<string, string>> | undefined
  /** Part of the room's name, any case. */
  name?: string | undefined
}

export type RoomColumn = 'openedAt' | 'closedAt' | 'nameFolded' | 'departmentId' | 'servedByUsername' | 'lastMessageMs'

export interface RoomPage {
  offset: number
  limit: number
  order: readonly { column: RoomColumn; direction: 'asc' | 'desc' }[]
}

/** The kinds of place that rooms came from, of those that there can be. */
export async function listSources(reader: Reader): Promise<string[]> {
  const found: string[] = []
  for (const type of SOURCE_TYPES) {
    const row = await reader.first(
      reader.sql.selectFrom('room').select('sourceType').where('sourceType', '=', type).limit(1),
    )
    if (row !== undefined) found.push(row.sourceType)
  }
  return found
}

// Asked for one by one: for all there are, the database would go through every room.
const SOURCE_TYPES = ['api', 'widget'] as const

/** Some rooms that were closed until a moment, of these departments or of all. */
export async function listClosedRooms(
  reader: Reader,
  { departmentIds, until, limit }: { departmentIds: readonly string[] | undefined; until: string; limit: number },
): Promise<string[]> {
  let query = reader.sql.selectFrom('room').select('id').where('closedAt', '<=', until)
  if (departmentIds !== undefined) query = query.where('departmentId', 'in', [...departmentIds])
  return (await reader.all(query.limit(limit))).map(({ id }) => id)
}

/** The agent who served the visitor's latest room that anybody served. */
export async function findLastAgentOf(reader: Reader, visitorId: string): Promise<string | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('room')
      .select('servedById')
      .where('visitorId', '=', visitorId)
      .where('servedById', 'is not', null)
      .orderBy('openedAt', 'desc')
      .limit(1),
  )
  return row?.servedById ?? undefined
}

/** The rooms that a filter lets through. */
export function matches(reader: Reader, filter: RoomFilter) {
  const { agents, departmentIds, tags, name, fields = {} } = filter
  let query = withinTimes(inState(reader, filter.state), filter)
  if (agents !== undefined) query = query.where('servedById', 'in', [...agents])
  if (departmentIds !== undefined) query = query.where('departmentId', 'in', [...departmentIds])
  for (const [key, part] of Object.entries(fields)) query = withField(query, key, part)
  if (tags !== undefined)
    query = query.where('id', 'in', (eb) =>
      eb
        .selectFrom('roomTag')
        .select('roomId')
        .where('tag', 'in', [...tags]),
    )
  if (name !== undefined && name !== '') {
    query = query.where(sql<boolean>`${sql.ref('nameFolded')} like ${likeAnywhere(foldName(name))} escape '\\'`)
  }
  return query
}

function withField(query: RoomQuery, key: string, part: string): RoomQuery {
  return query.where('id', 'in', (eb) =>
    eb
      .selectFrom('roomField')
      .select('roomId')
      .where('key', '=', key)
      .where(sql<boolean>`${sql.ref('folded')} like ${likeAnywhere(foldName(part))} escape '\\'`),
  )
}

function withinTimes(query: RoomQuery, filter: RoomFilter): RoomQuery {
  const { openedFrom, openedUntil, closedFrom, closedUntil } = filter
  let within = query
  if (openedFrom !== undefined) within = within.where('openedAt', '>=', openedFrom)
  if (openedUntil !== undefined) within = within.where('openedAt', '<=', openedUntil)
  if (closedFrom !== undefined) within = within.where('closedAt', '>=', closedFrom)
  if (closedUntil !== undefined) within = within.where('closedAt', '<=', closedUntil)
  return within
}

type RoomQuery = ReturnType<typeof inState>

function inState(reader: Reader, state: RoomFilter['state']) {
  const query = reader.sql.selectFrom('room')
  switch (state) {
    case 'served':
      return query.where('closedAt', 'is', null).where('servedById', 'is not', null).where('isOnHold', '=', 0)
    case 'closed':
      return query.where('closedAt', 'is not', null)
    case 'queued':
      return query.where('closedAt', 'is', null).where('servedById', 'is', null).where('isOnHold', '=', 0)
    case 'on-hold':
      return query.where('closedAt', 'is', null).where('isOnHold', '=', 1)
    case undefined:
      return query
  }
}
