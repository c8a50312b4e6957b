import type { inquiries } from '@deskbell/contract/areas/inquiries.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readPage, type PageQuery } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { inquiryToWire } from '../routing/wire.ts'
import { roomToWire, staff } from '../timeline/wire.ts'
import {
  explainWaiting,
  findInquiryOf,
  findLastMessage,
  findRoom,
  listQueued,
  routingFlags,
  takeInquiry,
  type Inquiry,
} from './inquiries.ts'

const sortable = { ts: 'waitingSince', status: 'status', department: 'departmentId' } as const

export const inquiryRoutes: Handlers<typeof inquiries> = {
  'GET /livechat/inquiries.list': async ({ read }, { query }) => listPage(read, query, 'desc'),
  'GET /livechat/inquiries.queuedForUser': async ({ read }, { query }) => listPage(read, query, 'asc'),
  'GET /livechat/inquiries.getOne': async ({ read }, { query }) => {
    const inquiry = await findInquiryOf(read, query.roomId)
    return { inquiry: (inquiry && (await documentOf(read, inquiry))) ?? null }
  },
  'POST /livechat/inquiries.take': async ({ read, transact }, { body, user }) => {
    if (body.userId !== undefined && body.userId !== user.id && !user.can('view-livechat-manager'))
      throw new ApiError('error-not-allowed', { reason: 'Not allowed' })
    const taking = {
      inquiryId: body.inquiryId,
      userId: body.userId ?? user.id,
      isClientAction: body.options?.clientAction === true,
    }
    const room = await transact((tx) => takeInquiry(tx, taking))
    return { inquiry: room && roomToWire(room, await findLastMessage(read, room), staff) }
  },
  'GET /livechat/routing.explain/:rid': ({ read }, { params }) => explainWaiting(read, params.rid),
}

async function listPage(reader: Reader, query: PageQuery, direction: 'asc' | 'desc') {
  const page = readPage(query, await readSettings(reader), sortable, [{ column: 'waitingSince', direction }])
  const { inquiries: found, total } = await listQueued(reader, page)
  const documents = (await Promise.all(found.map((inquiry) => documentOf(reader, inquiry)))).filter(
    (each) => each !== undefined,
  )
  return { inquiries: documents, count: documents.length, offset: page.offset, total }
}

/** The document of an inquiry; nothing where its room was removed since. Agents may look into chats only while they choose among them. */
async function documentOf(reader: Reader, inquiry: Inquiry) {
  const room = await findRoom(reader, inquiry.roomId)
  if (room === undefined) return undefined
  const { showQueue } = routingFlags(await readSettings(reader))
  const isInSight = showQueue && inquiry.status === 'queued'
  return inquiryToWire(inquiry, room, isInSight ? await findLastMessage(reader, room) : undefined)
}
