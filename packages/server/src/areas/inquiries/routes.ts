import type { inquiries } from '@deskbell/contract/areas/inquiries.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readPage, type PageQuery } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import type { Room } from '../timeline/timeline.ts'
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

type QueueQuery = PageQuery & { department?: string | undefined }

async function pageOf(reader: Reader, query: QueueQuery, direction: 'asc' | 'desc') {
  return readPage(query, await readSettings(reader), sortable, [{ column: 'waitingSince', direction }])
}

/** Consoles send an empty text for all departments. */
function departmentOf({ department }: QueueQuery): string | undefined {
  return department === '' ? undefined : department
}

async function listToWire(reader: Reader, { inquiries: found, total }: Queued, offset: number) {
  const documents = await Promise.all(
    found.map(async (inquiry) => {
      // Removed since it was listed.
      const room = await findRoom(reader, inquiry.roomId)
      return room && documentOf(reader, inquiry, room, { isInSight: true })
    }),
  )
  const shown = documents.filter((each) => each !== undefined)
  return { inquiries: shown, count: shown.length, offset, total }
}

/** The document of an inquiry. Agents may look into chats in their sight only while they choose among them. */
async function documentOf(reader: Reader, inquiry: Inquiry, room: Room, { isInSight }: { isInSight: boolean }) {
  const { showQueue } = routingFlags(await readSettings(reader))
  const isShown = isInSight && showQueue && inquiry.status === 'queued'
  return inquiryToWire(inquiry, room, isShown ? await findLastMessage(reader, room) : undefined)
}
