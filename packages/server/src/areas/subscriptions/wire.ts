// Agents' places in rooms as they travel.
import type { Static } from 'typebox'
import type { Subscription as WireSubscription } from '@deskbell/contract/entities/subscription.ts'
import type { Loose, SignedIn } from '../../context.ts'
import type { Lost, Subscription } from './subscriptions.ts'

/** A subscription as its agent sees it (contract §B.8). */
export function subscriptionToWire(
  { room, ...subscription }: Subscription,
  user: Pick<SignedIn, 'id' | 'username' | 'name'>,
): Loose<Static<typeof WireSubscription>> {
  const { visitor } = room
  const name = visitor.name ?? visitor.username
  return {
    _id: idOf(room.id, user.id),
    rid: room.id,
    t: 'l',
    u: { _id: user.id, username: user.username, name: user.name },
    name,
    fname: name,
    lowerCaseName: name.toLowerCase(),
    lowerCaseFName: name.toLowerCase(),
    v: { _id: visitor.id, username: visitor.username, status: visitor.status },
    department: room.departmentId,
    open: true,
    alert: subscription.isAlert,
    unread: subscription.unread,
    userMentions: subscription.userMentions,
    groupMentions: subscription.groupMentions,
    desktopNotifications: 'all',
    mobilePushNotifications: 'all',
    emailNotifications: 'all',
    ...(room.isOnHold && { onHold: true as const }),
    ts: subscription.joinedAt,
    ls: subscription.readAt,
    _updatedAt: subscription.updatedAt,
  }
}

/** A subscription that is gone. */
export function lostToWire({ roomId, at }: Lost, user: Pick<SignedIn, 'id'>) {
  return { _id: idOf(roomId, user.id), rid: roomId, t: 'l' as const, _deletedAt: at }
}

/** Known without the row, so that one that is gone can still be named. */
function idOf(roomId: string, userId: string): string {
  return `${roomId}${userId}`
}
