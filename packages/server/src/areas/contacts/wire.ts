import type { Message, Room } from '../timeline/timeline.ts'
import { messageToWire, roomToWire, staff } from '../timeline/wire.ts'
import { systemAuthor } from '../timeline/timeline.ts'
import { describePage, navigationOf } from '../visitors/visitors.ts'
import type { Block, PageVisit } from './contacts.ts'

/** A page as agents read it: a line of the system (contract A.23), without the token. */
export function visitToWire(visit: PageVisit, roomId: string) {
  return {
    _id: visit.id,
    rid: roomId,
    t: 'livechat_navigation_history',
    msg: describePage(visit),
    ts: visit.at,
    u: { _id: systemAuthor.id, username: systemAuthor.username },
    navigation: navigationOf(visit),
    _updatedAt: visit.at,
  }
}

/** A chat in the history of a visitor, with how it ended. */
export function chatToWire(room: Room, last: Message | undefined) {
  const { _id, fname, ts, v, msgs, servedBy, closedAt, closedBy, closer, tags } = roomToWire(room, undefined, staff)
  const isEnd = room.closed !== undefined && last?.type === 'livechat-close'
  const closingMessage = isEnd ? messageToWire(last, staff) : undefined
  return { _id, fname, ts, v, msgs, servedBy, closedAt, closedBy, closer, tags, closingMessage }
}

/** Who is blocked, and by whom. */
export function blockToWire({ visitorId, username, name, kind, reason, byId, at }: Block) {
  return { visitorId, username, name, kind, reason, blockedBy: { _id: byId }, ts: at }
}
