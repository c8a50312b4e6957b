import { sql, type Expression, type ExpressionBuilder } from 'kysely'
import type { Tables } from '../../database/schema.ts'
import type { Reader } from '../../database/transaction.ts'
import { findRooms, type Room } from '../timeline/timeline.ts'
import { matches, type RoomColumn, type RoomFilter, type RoomPage } from './list-store.ts'

/** Rooms that are sorted in memory rather than found by walking through the others. */
const FEW = 1_000

/**
 * A page of rooms, and how many match. The ids are found first, by indexes alone (migration 0006): fetching rows only to
 * leave them out would cost a hundred times as much.
 */
export async function listRooms(
  reader: Reader,
  filter: RoomFilter,
  page: RoomPage,
): Promise<{ rooms: Room[]; total: number }> {
  const few = mayBeFew(filter) ? await findFew(reader, filter) : undefined
  if (few !== undefined) return { rooms: await fetchRooms(reader, await sortFew(reader, few, page)), total: few.length }
  const ids = await walk(reader, filter, page)
  return { rooms: await fetchRooms(reader, ids), total: await count(reader, filter) }
}

/** The ids of agents who serve, or served, under these ids or usernames; with the ids that nobody has. */
export async function findServingIds(reader: Reader, idsOrNames: readonly string[]): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('room')
      .select('servedById')
      .distinct()
      .where('servedByUsername', 'in', [...idsOrNames]),
  )
  return [...new Set([...idsOrNames, ...rows.flatMap(({ servedById }) => servedById ?? [])])]
}

/** What these filters ask for no index is sorted by: most rooms may have to be looked at for a few that match. */
function mayBeFew(filter: RoomFilter): boolean {
  return asksForOtherTables(filter) || (filter.name !== undefined && filter.name !== '')
}

function asksForOtherTables({ tags, fields = {} }: RoomFilter): boolean {
  return tags !== undefined || Object.keys(fields).length > 0
}

/** Every room that matches, where they are few. */
async function findFew(reader: Reader, filter: RoomFilter): Promise<string[] | undefined> {
  const tags = tagsAlone(filter)
  const most = FEW + 1
  const rows =
    tags === undefined
      ? await reader.all(matches(reader, filter).select('id').limit(most))
      : await reader.all(tagged(reader, tags).select('roomId as id').distinct().limit(most))
  return rows.length > FEW ? undefined : rows.map(({ id }) => id)
}

/** The tags, where nothing else is asked for: their own table tells all of it, without a look at any room. */
function tagsAlone(filter: RoomFilter): readonly string[] | undefined {
  const { tags, ...others } = filter
  const { fields = {}, name = '', ...rest } = others
  const isAlone =
    name === '' && Object.keys(fields).length === 0 && Object.values(rest).every((each) => each === undefined)
  return isAlone ? tags : undefined
}

function tagged(reader: Reader, tags: readonly string[]) {
  return reader.sql.selectFrom('roomTag').where('tag', 'in', [...tags])
}

async function sortFew(reader: Reader, ids: readonly string[], page: RoomPage): Promise<string[]> {
  if (ids.length === 0) return []
  return idsOf(reader, reader.sql.selectFrom('room').where('id', 'in', [...ids]), page)
}

/** Walks through the rooms in the order asked for, until the page is full. */
function walk(reader: Reader, filter: RoomFilter, page: RoomPage): Promise<string[]> {
  const { tags, ...rest } = filter
  let matching = matches(reader, rest)
  // Where many have a tag it is asked of each room on the way; collecting and sorting all of them would take longer.
  if (tags !== undefined) matching = matching.where((eb) => hasTag(eb, tags))
  const isOfBothHalves = filter.state === undefined && page.order[0]?.column === 'lastMessageMs'
  return isOfBothHalves ? idsByLastMessage(reader, matching, page) : idsOf(reader, matching, page)
}

function hasTag(eb: ExpressionBuilder<Tables, 'room'>, tags: readonly string[]) {
  return eb.exists(
    eb
      .selectFrom('roomTag')
      .select('roomId')
      .whereRef('roomId', '=', 'room.id')
      .where('tag', 'in', [...tags]),
  )
}

type Matching = ReturnType<typeof matches>

async function idsOf(reader: Reader, matching: Matching, page: RoomPage): Promise<string[]> {
  const rows = await reader.all(ordered(matching.select('id'), page).limit(page.limit).offset(page.offset))
  return rows.map(({ id }) => id)
}

/** Open rooms and closed ones are sorted apart, and then together: only the closed ones have an index (migration 0006). */
async function idsByLastMessage(reader: Reader, matching: Matching, page: RoomPage): Promise<string[]> {
  const most = page.offset + page.limit
  const keys = [...new Set(['id' as const, ...page.order.map(({ column }) => column)])]
  const half = (state: 'is' | 'is not') => {
    const sorted = ordered(matching.where('closedAt', state, null).select(keys), page).limit(most)
    return reader.sql.selectFrom(sorted.as('room')).selectAll()
  }
  const both = half('is').unionAll(half('is not'))
  const rows = await reader.all(
    ordered(reader.sql.selectFrom(both.as('room')).select('id'), page)
      .limit(page.limit)
      .offset(page.offset),
  )
  return rows.map(({ id }) => id)
}

interface Orderable<Query> {
  orderBy(expression: Expression<unknown>, direction: 'asc' | 'desc'): Query
}

/** In the order asked for; the id comes last, in the direction of the column before it, so that one index serves both. */
function ordered<Query extends Orderable<Query>>(query: Query, { order }: RoomPage): Query {
  const sorted = order.reduce((so, { column, direction }) => so.orderBy(sortKey(column), direction), query)
  return sorted.orderBy(sql.ref('id'), order.at(-1)?.direction ?? 'desc')
}

/** Rooms without a value come first ascending and last descending (contract §G.4), which the databases do not agree on. */
function sortKey(column: RoomColumn): Expression<unknown> {
  const isAlwaysThere = column === 'openedAt' || column === 'lastMessageMs' || column === 'nameFolded'
  return isAlwaysThere ? sql.ref(column) : sql`coalesce(${sql.ref(column)}, '')`
}

async function count(reader: Reader, filter: RoomFilter): Promise<number> {
  const { state, ...others } = filter
  const tags = state === undefined || state === 'closed' ? tagsAlone(others) : undefined
  if (tags !== undefined) return countTagged(reader, tags, { closedOnly: state === 'closed' })
  const row = await reader.first(
    filter.state === 'closed' ? countedClosed(reader, filter) : countedWithin(reader, filter),
  )
  return row?.total ?? 0
}

/** Nearly all rooms are closed, so those with a tag that are open are counted and taken away. */
async function countTagged(
  reader: Reader,
  tags: readonly string[],
  { closedOnly }: { closedOnly: boolean },
): Promise<number> {
  const rooms = tagged(reader, tags).select('roomId').distinct()
  const all = reader.sql.selectFrom(rooms.as('room')).select((eb) => eb.fn.countAll<number>().as('total'))
  const total = (await reader.first(all))?.total ?? 0
  if (!closedOnly) return total
  const open = await reader.first(
    reader.sql
      .selectFrom('room')
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .where('closedAt', 'is', null)
      .where((eb) => hasTag(eb, tags)),
  )
  return total - (open?.total ?? 0)
}

/** Most rooms are closed: counting all and those that are open takes less than counting the closed ones. */
function countedClosed(reader: Reader, filter: RoomFilter) {
  if (asksForOtherTables(filter) || asksForClosing(filter)) return countedWithin(reader, filter)
  const all = matches(reader, { ...filter, state: undefined })
  const open = all.where('closedAt', 'is', null)
  return reader.sql.selectNoFrom(sql<number>`(${counted(all)}) - (${counted(open)})`.as('total'))
}

/** By the index that sorts rooms by their closing, where that is asked for. */
function countedWithin(reader: Reader, filter: RoomFilter) {
  if (!asksForClosing(filter)) return counted(matches(reader, filter))
  const { closedFrom = EVER, closedUntil = NEVER, ...rest } = filter
  const closing = sortKey('closedAt')
  return counted(
    matches(reader, rest)
      .where(sql<boolean>`${closing} >= ${closedFrom}`)
      .where(sql<boolean>`${closing} <= ${closedUntil}`),
  )
}

function asksForClosing({ closedFrom, closedUntil }: RoomFilter): boolean {
  return closedFrom !== undefined || closedUntil !== undefined
}

// Before and after any time, and after the empty text of what has none; text compares byte by byte.
const EVER = '0'
const NEVER = '9999-12-31T23:59:59.999Z'

function counted(matching: Matching) {
  return matching.select((eb) => eb.fn.countAll<number>().as('total'))
}

async function fetchRooms(reader: Reader, ids: readonly string[]): Promise<Room[]> {
  const found = await findRooms(reader, ids)
  return ids.flatMap((id) => found.get(id) ?? [])
}
