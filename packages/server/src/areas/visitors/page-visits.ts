// The pages that visitors look at, for the agents who answer them.
import type { Transaction } from '../../database/transaction.ts'
import { readSettings } from '../settings/settings.ts'
import { findOpenRoomOf, systemAuthor, takeOpenRoom, writeLine } from '../timeline/timeline.ts'
import { originOf } from './origin.ts'
import {
  deleteExpiredVisits,
  findLatestVisit,
  insertVisit,
  keepLatestFrom,
  keepLatestOf,
  replacePage,
  type Page,
} from './page-store.ts'
import { findVisitorByToken, type Visitor } from './store.ts'

export { claimVisits, keepVisits, listVisits, type Page, type PageVisit } from './page-store.ts'

const DAY_MS = 24 * 3_600_000
const KEPT_FOR_MS = 30 * DAY_MS
const APART_MS = 1_000
const KEPT_PER_TOKEN = 50
/** A town behind one address; tokens of nobody cost no registration, so something must bound them (promises A19). */
const KEPT_PER_ADDRESS = 1_000
const MAX_TITLE = 300
const MAX_HREF = 2_000

export interface Sighting {
  token: string
  roomId: string | undefined
  page: Page
  address: string
}

/**
 * Notes a page that a visitor looks at, and answers it as it is kept; `undefined` where it is not of the kind the setting
 * asks for, or no page of the web. A second one within a second takes the place of the first, so that nobody floods a
 * room. The token may be unknown, and a room that is not the visitor's own counts as not given (promises A20).
 */
export async function notePage(tx: Transaction, sighting: Sighting): Promise<Page | undefined> {
  const settings = await readSettings(tx)
  const page = pageOf(sighting.page)
  if (page?.change !== settings.Livechat_history_monitor_type) return undefined
  const { token } = sighting
  const visitor = await findVisitorByToken(tx, token)
  const roomId = await ownRoom(tx, visitor, sighting.roomId)

  const latest = await findLatestVisit(tx, token)
  if (latest !== undefined && latest.roomId === roomId && tx.nowMs - Date.parse(latest.at) < APART_MS) {
    await replacePage(tx, latest.id, page)
    return page
  }
  // The room before the visits, which go with their room when it is removed.
  if (roomId !== undefined && settings.Livechat_Visitor_navigation_as_a_message) await showPage(tx, roomId, page)
  const origin = originOf(sighting.address)
  const expiresAt = roomId === undefined ? new Date(tx.nowMs + KEPT_FOR_MS).toISOString() : undefined
  await insertVisit(tx, { token, roomId, origin, page, expiresAt })
  await keepLatestOf(tx, token, KEPT_PER_TOKEN)
  if (visitor === undefined) await keepLatestFrom(tx, origin, KEPT_PER_ADDRESS)
  return page
}

/** The line of a page, as agents and widgets read it. */
export function describePage({ title, href }: Page): string {
  return `${title} - ${href}`
}

/** What a line about a page carries besides. */
export function navigationOf({ change, title, href }: Page) {
  return { page: { change, title, location: { href } } }
}

/** Forgets visits that no room claimed in time; answers how many, a few in each transaction. */
export function removeExpiredVisits(tx: Transaction): Promise<number> {
  return deleteExpiredVisits(tx, 500)
}

/** A page within the limits; `undefined` for what is no page of the web (promises A19). */
function pageOf({ change, title, href }: Page): Page | undefined {
  if (!/^https?:\/\//i.test(href)) return undefined
  return { change, title: cut(title, MAX_TITLE), href: cut(href, MAX_HREF) }
}

/** A character of two halves that stands at the cut must not leave one behind: databases refuse it. */
function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}

async function ownRoom(
  tx: Transaction,
  visitor: Visitor | undefined,
  roomId: string | undefined,
): Promise<string | undefined> {
  if (visitor === undefined || roomId === undefined) return undefined
  const open = await findOpenRoomOf(tx, visitor.id)
  return open?.id === roomId ? roomId : undefined
}

async function showPage(tx: Transaction, roomId: string, page: Page): Promise<void> {
  // Closed since we looked: the page is kept, and nothing is written after the end.
  if ((await takeOpenRoom(tx, roomId)) === undefined) return
  const extra = { navigation: navigationOf(page) }
  await writeLine(tx, roomId, {
    type: 'livechat_navigation_history',
    text: describePage(page),
    author: systemAuthor,
    extra,
  })
}
