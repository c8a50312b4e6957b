// The queue as it travels.
import type { Static } from 'typebox'
import type { Inquiry as WireInquiry } from '@deskbell/contract/entities/inquiry.ts'
import type { Loose } from '../../context.ts'
import type { Message, Room } from '../timeline/timeline.ts'
import { NO_ESTIMATE, NO_PRIORITY, messageToWire, staff } from '../timeline/wire.ts'
import type { Inquiry } from './routing.ts'

/** A room in the queue as agents see it (contract §B.3). */
export function inquiryToWire(
  inquiry: Inquiry,
  room: Room,
  /** Only where agents may look into chats that wait. */
  lastMessage: Message | undefined,
): Loose<Static<typeof WireInquiry>> {
  const { visitor } = room
  const { defaultAgent } = inquiry
  return {
    _id: inquiry.id,
    rid: inquiry.roomId,
    name: visitor.name ?? visitor.username,
    ts: inquiry.waitingSince,
    t: 'l',
    message: '',
    status: inquiry.status,
    department: inquiry.departmentId,
    v: { _id: visitor.id, username: visitor.username, status: visitor.status, activity: visitor.activity },
    defaultAgent: defaultAgent && { agentId: defaultAgent.id, username: defaultAgent.username },
    lastMessage: lastMessage && messageToWire(lastMessage, staff),
    source: room.source,
    queuedAt: inquiry.queuedAt,
    takenAt: inquiry.takenAt,
    priorityWeight: NO_PRIORITY,
    estimatedWaitingTimeQueue: NO_ESTIMATE,
    _updatedAt: inquiry.updatedAt,
  }
}
