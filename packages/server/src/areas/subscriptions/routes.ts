import type { subscriptions } from '@deskbell/contract/areas/subscriptions.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers } from '../../context.ts'
import { findLastMessages } from '../rooms/rooms.ts'
import { defaultChannel, roomToWire, staff } from '../timeline/wire.ts'
import {
  findSubscription,
  listRoomsOfCaller,
  listSubscriptions,
  markRead,
  markUnread,
  markUnreadFrom,
} from './subscriptions.ts'
import { lostToWire, subscriptionToWire } from './wire.ts'

export const subscriptionRoutes: Handlers<typeof subscriptions> = {
  'GET /subscriptions.get': async ({ read }, { query, user }) => {
    const { subscriptions: found, lost } = await listSubscriptions(read, user, timeOf(query.updatedSince))
    return {
      update: found.map((subscription) => subscriptionToWire(subscription, user)),
      remove: lost.map((each) => lostToWire(each, user)),
    }
  },
  'GET /subscriptions.getOne': async ({ read }, { query, user }) => {
    const subscription = await findSubscription(read, user, query.roomId)
    return { subscription: subscription === undefined ? null : subscriptionToWire(subscription, user) }
  },
  'POST /subscriptions.read': async ({ transact }, { body, user }) => {
    const roomId = body.rid ?? body.roomId
    if (roomId === undefined) throw missing('rid')
    await transact((tx) => markRead(tx, user, roomId))
    return {}
  },
  'POST /subscriptions.unread': async ({ transact }, { body, user }) => {
    const { roomId, firstUnreadMessage: first } = body
    if (first !== undefined) await transact((tx) => markUnreadFrom(tx, user, first._id))
    else if (roomId !== undefined) await transact((tx) => markUnread(tx, user, roomId))
    else throw missing('roomId')
    return {}
  },
  'GET /rooms.get': async ({ read }, { query, user }) => {
    const since = timeOf(query.updatedSince)
    const { rooms, lost } = await listRoomsOfCaller(read, user, since)
    const last = await findLastMessages(read, rooms)
    const update = rooms.map((room) => roomToWire(room, last.get(room.id), staff))
    return {
      update: since === undefined || since <= defaultChannel._updatedAt ? [defaultChannel, ...update] : update,
      remove: lost.map(({ roomId, at }) => ({ _id: roomId, _deletedAt: at })),
    }
  },
}

function missing(name: string): ApiError {
  return new ApiError('invalid-params', { reason: `must have required property '${name}'` })
}

function timeOf(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new ApiError('invalid-params', { reason: 'The "updatedSince" query parameter must be a valid date.' })
  return new Date(ms).toISOString()
}
