import type { Static } from 'typebox'
import type { transfers } from '@deskbell/contract/areas/transfers.ts'
import { ApiError } from '../../api-error.ts'
import type { Context, Handlers, Loose } from '../../context.ts'
import { readPage } from '../../page.ts'
import { withOutside } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { roomToWire, staff, visitorAudience } from '../timeline/wire.ts'
import {
  findLastMessage,
  findRoom,
  forwardByStaff,
  listTransfers,
  replaceVisitor,
  returnAsInquiry,
  transferByVisitor,
  type Room,
} from './transfers.ts'

type Entry = Static<(typeof transfers)['GET /livechat/transfer.history/:rid']['returns']>['history'][number]

export const transferRoutes: Handlers<typeof transfers> = {
  'POST /livechat/room.transfer': async (context, { body }) => {
    const room = await moveOwn(context, body)
    const audience = await visitorAudience(context.read, body.token)
    const { _id, t, departmentId, servedBy, open, v, ts } = roomToWire(room, undefined, audience)
    return { room: { _id, t, departmentId, servedBy, open, v, ts } }
  },
  'POST /livechat/visitor/department.transfer': async (context, { body }) => {
    await moveOwn(context, body)
    return {}
  },
  'POST /livechat/room.forward': async (context, { body, user }) => {
    const { roomId, userId, departmentId, comment, clientAction } = body
    const forwarding = {
      roomId,
      agentId: userId ?? undefined,
      departmentId: departmentId ?? undefined,
      comment: comment ?? undefined,
      isClientAction: clientAction === true,
    }
    await withOutside(context, (tx, outside) => forwardByStaff(tx, user, forwarding, outside))
    return {}
  },
  'GET /livechat/transfer.history/:rid': async ({ read }, { params, query }) => {
    if ((await findRoom(read, params.rid)) === undefined) throw new ApiError('invalid-room')
    const fallback = [{ column: 'sentAt', direction: 'asc' }] as const
    const page = readPage(query, await readSettings(read), { ts: 'sentAt' } as const, fallback)
    const { transfers: found, total } = await listTransfers(read, params.rid, page)
    return { history: found as Loose<Entry>[], count: found.length, offset: page.offset, total }
  },
  'POST /livechat/inquiries.returnAsInquiry': async ({ transact }, { body: { roomId, departmentId }, user }) => ({
    result: await transact((tx) => returnAsInquiry(tx, user, { roomId, departmentId: departmentId ?? undefined })),
  }),
  'PUT /livechat/room.visitor': async ({ read, transact }, { body, user }) => {
    const change = {
      roomId: body.rid,
      visitorId: body.newVisitorId ?? body.visitorId ?? undefined,
      oldVisitorId: body.oldVisitorId ?? undefined,
    }
    const room = await transact((tx) => replaceVisitor(tx, user, change))
    return { rid: room.id, room: roomToWire(room, await findLastMessage(read, room), staff) }
  },
}

function moveOwn(context: Context, body: { rid: string; token: string; department: string }): Promise<Room> {
  const { token, rid: roomId, department: departmentId } = body
  return withOutside(context, (tx, outside) => transferByVisitor(tx, { token, roomId, departmentId }, outside))
}
