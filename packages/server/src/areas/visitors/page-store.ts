import type { Selectable } from 'kysely'
import type { PageVisitTable } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { originOf } from './origin.ts'
import { hashOf, type Visitor } from './store.ts'

/** A page that somebody looked at. */
export interface Page {
  /** Why it is told: a new address (`url`) or a new title (`title`). */
  change: string
  title: string
  href: string
}

export interface PageVisit extends Page {
  id: string
  roomId?: string
  at: string
}

export interface NewVisit {
  token: string
  /** Absent: of no room yet. */
  roomId: string | undefined
  /** Where it came from (origin.ts). */
  origin: string
  page: Page
  /** When it is forgotten; absent: with its room. */
  expiresAt: string | undefined
}

/** The latest visit of a token. */
export async function findLatestVisit(reader: Reader, token: string): Promise<PageVisit | undefined> {
  const row = await reader.first(
    reader.sql
      .selectFrom('pageVisit')
      .selectAll()
      .where('tokenHash', '=', hashOf(token))
      .orderBy('visitedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(1),
  )
  return row && fromRow(row)
}

export async function insertVisit(tx: Transaction, { token, page, ...visit }: NewVisit): Promise<void> {
  await tx.run(
    tx.sql.insertInto('pageVisit').values({
      id: tx.newId(),
      tokenHash: hashOf(token),
      roomId: visit.roomId ?? null,
      ...page,
      address: visit.origin,
      visitedAt: tx.now,
      expiresAt: visit.expiresAt ?? null,
    }),
  )
}

/** Puts another page in the place of one. */
export async function replacePage(tx: Transaction, id: string, { change, title, href }: Page): Promise<void> {
  await tx.run(tx.sql.updateTable('pageVisit').set({ change, title, href }).where('id', '=', id))
}

/** Forgets the visits of a token but the latest. */
export async function keepLatestOf(tx: Transaction, token: string, most: number): Promise<void> {
  const older = await tx.all(
    tx.sql
      .selectFrom('pageVisit')
      .select('id')
      .where('tokenHash', '=', hashOf(token))
      .orderBy('visitedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(SURPLUS)
      .offset(most),
  )
  await forget(tx, older)
}

/** Forgets the visits without a room from one place but the latest. */
export async function keepLatestFrom(tx: Transaction, origin: string, most: number): Promise<void> {
  const older = await tx.all(
    tx.sql
      .selectFrom('pageVisit')
      .select('id')
      .where('address', '=', origin)
      .where('roomId', 'is', null)
      .orderBy('visitedAt', 'desc')
      .limit(SURPLUS)
      .offset(most),
  )
  await forget(tx, older)
}

/** Forgets visits that are over; answers how many, a limited number at a time. */
export async function deleteExpiredVisits(tx: Transaction, most: number): Promise<number> {
  const over = await tx.all(
    tx.sql
      .selectFrom('pageVisit')
      .select('id')
      .where('roomId', 'is', null)
      .where('expiresAt', '<', tx.now)
      .orderBy('expiresAt')
      .limit(most),
  )
  await forget(tx, over)
  return over.length
}

const claimKept = statement((sql, p: { tokenHash: string; roomId: string }) =>
  sql
    .updateTable('pageVisit')
    .set({ roomId: p.roomId, expiresAt: null })
    .where('tokenHash', '=', p.tokenHash)
    .where('roomId', 'is', null)
    .returning('id'),
)

/** The pages that a visitor looked at before the room was opened belong to the room (contract A.10). */
export async function claimVisits(tx: Transaction, token: string, roomId: string): Promise<void> {
  await claimKept.all(tx, { tokenHash: hashOf(token), roomId })
}

/** The pages that a visitor looked at and that belong to no room are forgotten by time no more. */
export async function keepVisits(tx: Transaction, token: string): Promise<void> {
  await tx.run(
    tx.sql
      .updateTable('pageVisit')
      .set({ expiresAt: null })
      .where('tokenHash', '=', hashOf(token))
      .where('roomId', 'is', null),
  )
}

/** The visits that belong to a room, and how many there are. */
export async function listVisits(
  reader: Reader,
  roomId: string,
  page: { offset: number; limit: number; order: readonly { direction: 'asc' | 'desc' }[] },
): Promise<{ visits: PageVisit[]; total: number }> {
  const direction = page.order[0]?.direction ?? 'desc'
  const ofRoom = reader.sql.selectFrom('pageVisit').where('roomId', '=', roomId)
  const rows = await reader.all(
    ofRoom.selectAll().orderBy('visitedAt', direction).orderBy('id', direction).limit(page.limit).offset(page.offset),
  )
  const counted = await reader.first(ofRoom.select((eb) => eb.fn.countAll<number>().as('total')))
  return { visits: rows.map(fromRow), total: counted?.total ?? 0 }
}

/** Where a visitor was last seen: with a page, a room, or the registration where a setting allows to keep that. */
export async function findLastOrigin(reader: Reader, visitor: Visitor): Promise<string | undefined> {
  const ofPage = await reader.first(
    reader.sql
      .selectFrom('pageVisit')
      .select('address')
      .where('tokenHash', '=', hashOf(visitor.token))
      .orderBy('visitedAt', 'desc')
      .limit(1),
  )
  if (ofPage !== undefined) return ofPage.address
  const ofRoom = await reader.first(
    reader.sql
      .selectFrom('room')
      .select('openedFrom')
      .where('visitorId', '=', visitor.id)
      .where('openedFrom', 'is not', null)
      .orderBy('openedAt', 'desc')
      .limit(1),
  )
  if (ofRoom !== undefined) return ofRoom.openedFrom ?? undefined
  const own = await reader.first(reader.sql.selectFrom('visitor').select('address').where('id', '=', visitor.id))
  return typeof own?.address === 'string' ? originOf(own.address) : undefined
}

/** One visit makes one too many; after a change of the limits there may be more, which go by and by. */
const SURPLUS = 10

async function forget(tx: Transaction, visits: readonly { id: string }[]): Promise<void> {
  const ids = visits.map(({ id }) => id)
  if (ids.length > 0) await tx.run(tx.sql.deleteFrom('pageVisit').where('id', 'in', ids))
}

function fromRow(row: Selectable<PageVisitTable>): PageVisit {
  const { id, roomId, change, title, href, visitedAt } = row
  return { id, ...(roomId !== null && { roomId }), change, title, href, at: visitedAt }
}
