import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { holdPlace, isSubscribed, offerAfterwards, resumePlace, unassign } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import {
  findLastMessage,
  findRoom,
  systemAuthor,
  takeOpenRoom,
  updateRoom,
  writeLine,
  type Author,
  type Room,
} from '../timeline/timeline.ts'
import { staffAuthor } from './authors.ts'

/**
 * A staff member puts a conversation aside until its visitor writes again (contract §C.9).
 * @throws `error-invalid-room`, `not-authorized-in-room`, `error-room-already-closed`,
 * `error-room-is-already-on-hold`, `error-cannot-place-chat-on-hold`, `error-unserved-rooms-cannot-be-placed-onhold`
 */
export async function holdByUser(tx: Transaction, user: SignedIn, roomId: string): Promise<void> {
  await requireInCharge(tx, user, roomId)
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('error-room-already-closed')
  if (room.isOnHold) throw new ApiError('error-room-is-already-on-hold')
  if (!(await isEngaged(tx, room))) throw new ApiError('error-cannot-place-chat-on-hold')
  if (room.servedBy === undefined) throw new ApiError('error-unserved-rooms-cannot-be-placed-onhold')
  const comment = `The chat was manually placed On Hold by ${nameOf(user)}`
  await placeOnHold(tx, room, { by: staffAuthor(user), comment })
}

/**
 * A staff member takes a conversation up again.
 * @throws `error-invalid-room`, `not-authorized-in-room`, `This_conversation_is_already_closed`,
 * `error-room-not-on-hold`, `agent-not-online`, `error-max-number-simultaneous-chats-reached`
 */
export async function resumeByUser(tx: Transaction, user: SignedIn, roomId: string): Promise<void> {
  await requireInCharge(tx, user, roomId)
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('This_conversation_is_already_closed')
  if (!room.isOnHold) throw new ApiError('error-room-not-on-hold')
  const refusal = await resumePlace(tx, room)
  if (refusal === 'offline') throw new ApiError('agent-not-online')
  if (refusal === 'at-limit') throw new ApiError('error-max-number-simultaneous-chats-reached')
  const comment = `The chat was manually resumed from On Hold by ${nameOf(user)}`
  await endHold(tx, room, { by: staffAuthor(user), comment })
  // The time that the agent has for a first answer begins anew: it may have run out meanwhile.
  tx.emit('room.resumed', { roomId })
}

/** The visitor of a room on hold has written: its agent goes on, or, where that cannot be, the chat waits for another. */
export async function resumeForVisitor(tx: Transaction, roomId: string): Promise<void> {
  const room = await takeOpenRoom(tx, roomId)
  if (room?.isOnHold !== true) return
  const { name, username } = room.visitor
  const comment = `The chat was automatically resumed from On Hold upon receiving a new message from ${name ?? username}`
  const refusal = await resumePlace(tx, room)
  await endHold(tx, room, { by: systemAuthor, comment })
  if (refusal === undefined) {
    tx.emit('room.resumed', { roomId })
    return
  }
  await unassign(tx, room)
  offerAfterwards(tx)
}

/** Puts a served room, which this transaction has taken, aside. Its agent's place is free for another chat. */
export async function placeOnHold(tx: Transaction, room: Room, { by, comment }: HoldLine): Promise<void> {
  await updateRoom(tx, room.id, { isOnHold: 1, heldAt: tx.now, abandonsAt: null })
  await writeLine(tx, room.id, {
    type: 'omnichannel_placed_chat_on_hold',
    text: '',
    author: by,
    extra: { comment },
  })
  tx.emit('room.changed', { roomId: room.id })
  await holdPlace(tx, room)
}

interface HoldLine {
  by: Author
  comment: string
}

async function endHold(tx: Transaction, room: Room, { by, comment }: HoldLine): Promise<void> {
  await updateRoom(tx, room.id, { isOnHold: 0, heldAt: null })
  await writeLine(tx, room.id, {
    type: 'omnichannel_on_hold_chat_resumed',
    text: '',
    author: by,
    extra: { comment },
  })
  tx.emit('room.changed', { roomId: room.id })
}

/** Members of a room may put it aside, and holders of `on-hold-others-livechat-room` any. */
async function requireInCharge(reader: Reader, user: SignedIn, roomId: string): Promise<void> {
  if ((await findRoom(reader, roomId)) === undefined) throw new ApiError('error-invalid-room')
  if (user.can('on-hold-others-livechat-room') || (await isSubscribed(reader, roomId, user.id))) return
  throw new ApiError('not-authorized-in-room')
}

/** Where the setting asks for it, the visitor must not be the one who spoke last. */
async function isEngaged(reader: Reader, room: Room): Promise<boolean> {
  const { Livechat_allow_manual_on_hold_upon_agent_engagement_only: isAskedFor } = await readSettings(reader)
  return !isAskedFor || (await findLastMessage(reader, room))?.author.kind !== 'visitor'
}

function nameOf({ name, username }: SignedIn): string {
  return name === '' ? `@${username}` : name
}
