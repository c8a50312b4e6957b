import type { inquiries } from '@deskbell/contract/areas/inquiries.ts'
import type { Handlers } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readPage, type PageQuery } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { findLastMessages, findRooms, type Message, type Room } from '../timeline/timeline.ts'
import { inquiryToWire } from '../routing/wire.ts'
import { roomToWire, staff } from '../timeline/wire.ts'
import {
  explainWaiting,
  findInquiryOf,
  findLastMessage,
  findRoom,
  listQueue,
  listQueueFor,
  mayRead,
  routingFlags,
  takeInquiry,
  type Inquiry,
  type Queued,
} from './inquiries.ts'

const sortable = { ts: 'waitingSince', status: 'status', department: 'departmentId' } as const

export const inquiryRoutes: Handlers<typeof inquiries> = {
  'GET /livechat/inquiries.list': async ({ read }, { query }) => {
    const page = await pageOf(read, query, 'desc')
    return listToWire(read, await listQueue(read, departmentOf(query), page), page.offset)
  },
  'GET /livechat/inquiries.queuedForUser': async ({ read }, { query, user }) => {
    const page = await pageOf(read, query, 'asc')
    return listToWire(read, await listQueueFor(read, user, departmentOf(query), page), page.offset)
  },
  'GET /livechat/inquiries.getOne': async ({ read }, { query, user }) => {
    const inquiry = await findInquiryOf(read, query.roomId)
    const room = inquiry && (await findRoom(read, inquiry.roomId))
    if (inquiry === undefined || room === undefined) return { inquiry: null }
    return { inquiry: await documentOf(read, inquiry, room, { isInSight: await mayRead(read, user, room) }) }
  },
  'POST /livechat/inquiries.take': async ({ read, transact }, { body, user }) => {
    const { inquiryId, userId, options } = body
    const isClientAction = options?.clientAction === true
    const room = await transact((tx) => takeInquiry(tx, user, { inquiryId, userId, isClientAction }))
    return { inquiry: room && roomToWire(room, await findLastMessage(read, room), staff) }
  },
  'GET /livechat/routing.explain/:rid': ({ read }, { params }) => explainWaiting(read, params.rid),
}

type QueueQuery = PageQuery & { department?: string | undefined }

async function pageOf(reader: Reader, query: QueueQuery, direction: 'asc' | 'desc') {
  return readPage(query, await readSettings(reader), sortable, [{ column: 'waitingSince', direction }])
}

/** Consoles send an empty text for all departments. */
function departmentOf({ department }: QueueQuery): string | undefined {
  return department === '' ? undefined : department
}

/** Rooms and messages are read once for the whole page, however long it is. */
async function listToWire(reader: Reader, { inquiries: found, total }: Queued, offset: number) {
  const rooms = await findRooms(
    reader,
    found.map(({ roomId }) => roomId),
  )
  const last = (await showsMessages(reader)) ? await findLastMessages(reader, [...rooms.values()]) : noMessages
  const documents = found.flatMap((inquiry) => {
    // Removed since it was listed.
    const room = rooms.get(inquiry.roomId)
    return room === undefined ? [] : [inquiryToWire(inquiry, room, last.get(room.id))]
  })
  return { inquiries: documents, count: documents.length, offset, total }
}

const noMessages: ReadonlyMap<string, Message> = new Map()

/** The document of an inquiry. Agents may look into chats in their sight only while they choose among them. */
async function documentOf(reader: Reader, inquiry: Inquiry, room: Room, { isInSight }: { isInSight: boolean }) {
  const isShown = isInSight && inquiry.status === 'queued' && (await showsMessages(reader))
  return inquiryToWire(inquiry, room, isShown ? await findLastMessage(reader, room) : undefined)
}

/** Whether the queue shows what was said last. */
async function showsMessages(reader: Reader): Promise<boolean> {
  return routingFlags(await readSettings(reader)).showQueue
}
