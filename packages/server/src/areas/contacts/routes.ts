import type { contacts } from '@deskbell/contract/areas/contacts.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers } from '../../context.ts'
import { readPage } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { roomToWire, staff } from '../timeline/wire.ts'
import { visitorToStaff } from '../visitors/wire.ts'
import {
  blockContact,
  checkContactFields,
  findLastMessages,
  findVisitorById,
  listBlocks,
  listByPrefix,
  listChats,
  listSearchable,
  listVisits,
  mayReadPast,
  requireSeenRoom,
  requireVisitorById,
  saveContact,
  searchContact,
  searchVisitors,
  unblockVisitor,
  type ChatColumn,
  type VisitorColumn,
} from './contacts.ts'
import { blockToWire, chatToWire, visitToWire } from './wire.ts'

const sortableVisitors: Readonly<Record<string, VisitorColumn>> = {
  ts: 'createdAt',
  name: 'name',
  username: 'username',
  'lastChat.ts': 'lastChatAt',
}
const sortableChats: Readonly<Record<string, ChatColumn>> = {
  ts: 'openedAt',
  closedAt: 'closedAt',
  msgs: 'messageCount',
}
const newestVisitors = [{ column: 'createdAt', direction: 'desc' }] as const
const newestChats = [{ column: 'openedAt', direction: 'desc' }] as const
const newest = [{ column: 'at', direction: 'desc' }] as const

const AUTOCOMPLETED = 10

export const contactRoutes: Handlers<typeof contacts> = {
  'GET /livechat/visitors.info': async ({ read }, { query }) => ({
    visitor: visitorToStaff(await requireVisitorById(read, query.visitorId)),
  }),
  'GET /livechat/visitors.search': async ({ read, scan }, { query }) => {
    const page = readPage(query, await readSettings(read), sortableVisitors, newestVisitors)
    const searchable = await listSearchable(read)
    const { visitors: found, total } = await searchVisitors(scan, { term: query.term, searchable }, page)
    const visitors = found.map(visitorToStaff).map((visitor) => ({
      _id: visitor._id,
      username: visitor.username,
      name: visitor.name,
      phone: visitor.phone,
      livechatData: visitor.livechatData,
      visitorEmails: visitor.visitorEmails,
      lastChat: visitor.lastChat,
    }))
    return { visitors, count: visitors.length, offset: page.offset, total }
  },
  'GET /livechat/visitors.autocomplete': async ({ scan }, { query }) => {
    const { term, exceptIds } = selectorOf(query.selector)
    const found = await listByPrefix(scan, { term, exceptIds, most: AUTOCOMPLETED })
    const items = found.map(({ id, name, username }) => ({
      _id: id,
      name,
      username,
      custom_name: `${username} - ${name ?? ''}`,
    }))
    return { items }
  },
  'GET /livechat/visitors.pagesVisited/:roomId': async ({ read }, { params, query, user }) => {
    const page = readPage(query, await readSettings(read), { ts: 'at' }, newest)
    const room = await requireSeenRoom(read, user, params.roomId)
    const { visits, total } = await listVisits(read, room.id, page)
    const pages = visits.map((visit) => visitToWire(visit, room.id))
    return { pages, count: pages.length, offset: page.offset, total }
  },
  'GET /livechat/visitors.chatHistory/room/:roomId/visitor/:visitorId': async ({ read }, { params, query, user }) => {
    const page = readPage(query, await readSettings(read), sortableChats, newestChats)
    if (!(await mayReadPast(read, user, params))) return { history: [], count: 0, offset: page.offset, total: 0 }
    const { rooms, total } = await listChats(read, { visitorId: params.visitorId }, page)
    const last = await findLastMessages(read, rooms)
    const history = rooms.map((room) => roomToWire(room, last.get(room.id), staff))
    return { history, count: history.length, offset: page.offset, total }
  },
  'GET /livechat/visitors.searchChats/room/:roomId/visitor/:visitorId': async (
    { read, scan },
    { params, query, user },
  ) => {
    const page = readPage(query, await readSettings(read), sortableChats, newestChats)
    if (!(await mayReadPast(read, user, params))) return { history: [], count: 0, offset: page.offset, total: 0 }
    const filter = {
      visitorId: params.visitorId,
      text: query.searchText,
      isClosed: query.closedChatsOnly === 'true',
      isServed: query.servedChatsOnly === 'true',
      source: query.source,
    }
    const { rooms, total } = await listChats(scan, filter, page)
    // Nothing shown is written after the end, so the last message of a closed room is how it ended.
    const last = await findLastMessages(read, rooms)
    const history = rooms.map((room) => chatToWire(room, last.get(room.id)))
    return { history, count: history.length, offset: page.offset, total }
  },
  'POST /omnichannel/contact': async ({ read, patterns, transact }, { body }) => {
    const { _id: id, token, name, email, phone, username, customFields, contactManager } = body
    const fields = customFields === undefined ? undefined : await checkContactFields(read, patterns, customFields)
    const draft = { id, token, name, email, phone, username, fields, managerUsername: contactManager?.username }
    return { contact: await transact((tx) => saveContact(tx, draft)) }
  },
  'GET /omnichannel/contact': async ({ read }, { query }) => {
    const visitor = await findVisitorById(read, query.contactId)
    return { contact: visitor === undefined ? null : visitorToStaff(visitor) }
  },
  'GET /omnichannel/contact.search': async ({ scan }, { query }) => {
    const { email, phone, custom } = query
    const asked = { email: orNone(email), phone: orNone(phone), fields: customOf(custom) }
    const visitor = await searchContact(scan, asked)
    return { contact: visitor === undefined ? null : visitorToStaff(visitor) }
  },
  'POST /livechat/visitors.block': async ({ transact }, { body, user }) => {
    const { visitorId, byAddress = false, reason } = body
    await transact((tx) => blockContact(tx, user, { visitorId, byAddress, reason: reason ?? '' }))
    return {}
  },
  'POST /livechat/visitors.unblock': async ({ transact }, { body }) => {
    await transact((tx) => unblockVisitor(tx, body.visitorId))
    return {}
  },
  'GET /livechat/visitors.blocked': async ({ read }, { query }) => {
    const page = readPage(query, await readSettings(read), { ts: 'at' }, newest)
    const { blocks, total } = await listBlocks(read, page)
    return { blocked: blocks.map(blockToWire), count: blocks.length, offset: page.offset, total }
  },
}

/** What an autocompletion asks for; conditions of any database are never passed on (contract §D.4). */
function selectorOf(text: string): { term: string; exceptIds: string[] } {
  const selector = jsonObject(text)
  if (selector === undefined) throw new ApiError('selector-unreadable')
  const { term, exceptions } = selector
  return {
    term: isText(term) ? term : '',
    exceptIds: Array.isArray(exceptions) ? exceptions.filter(isText).slice(0, 100) : [],
  }
}

/** Forms send an empty text for what nobody looks for. */
function orNone(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

/** Field → part of its value, as JSON text. */
function customOf(text: string | undefined): Record<string, string> {
  if (text === undefined || text === '') return {}
  const asked = Object.entries(jsonObject(text) ?? { unreadable: undefined })
  const parts = asked.filter((entry): entry is [string, string] => isText(entry[1]))
  if (parts.length < asked.length) throw new ApiError('error-invalid-params-custom')
  return Object.fromEntries(parts)
}

/** JSON inside of a text is not looked at before it gets here: databases refuse NUL and halves of characters. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
