import type { Reader, Transaction } from '../../database/transaction.ts'
import { findDepartment } from '../departments/departments.ts'
import { giveToNextAgent, returnToQueue, routingFlags, type Outside } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { findRoom, systemAuthor, takeOpenRoom, updateRoom, type Room } from '../timeline/timeline.ts'
import { closeBySystem } from './closing.ts'
import { placeOnHold } from './hold.ts'
import { listAbandoned, listHeldSince, listWaitingSince } from './timer-store.ts'

// In the server's language; there is one so far.
const WAITED_TOO_LONG = 'Closed automatically: the chat waited too long in the queue'
const VISITOR_GONE = 'Closed automatically: the visitor has been silent for too long'
const HELD_TOO_LONG = 'Closed automatically: the chat was on hold for too long'
const SILENT = 'The chat was automatically placed On Hold: the visitor has been silent for too long'

/** Rooms looked after in one transaction: others want to write as well. */
const AT_ONCE = 10

/** Closes chats that nobody took in `Livechat_max_queue_wait_time` minutes; a few at a time, answers how many. */
export async function closeWaitingTooLong(tx: Transaction): Promise<number> {
  const { Livechat_max_queue_wait_time: minutes } = await readSettings(tx)
  if (minutes <= 0) return 0
  return closeEach(tx, await listWaitingSince(tx, timeBefore(tx.nowMs, minutes * 60), AT_ONCE), {
    isStill: (room) => room.servedBy === undefined,
    comment: WAITED_TOO_LONG,
  })
}

/** Closes chats that were on hold for `Livechat_auto_close_on_hold_chats_timeout` seconds; a few at a time, answers how many. */
export async function closeHeldTooLong(tx: Transaction): Promise<number> {
  const settings = await readSettings(tx)
  const seconds = settings.Livechat_auto_close_on_hold_chats_timeout
  if (seconds <= 0) return 0
  return closeEach(tx, await listHeldSince(tx, timeBefore(tx.nowMs, seconds), AT_ONCE), {
    isStill: (room) => room.isOnHold,
    comment: settings.Livechat_auto_close_on_hold_chats_custom_message || HELD_TOO_LONG,
  })
}

async function closeEach(
  tx: Transaction,
  roomIds: readonly string[],
  { isStill, comment }: { isStill: (room: Room) => boolean; comment: string },
): Promise<number> {
  let closed = 0
  for (const id of roomIds) {
    const room = await takeOpenRoom(tx, id)
    if (room === undefined || !isStill(room)) continue
    await closeBySystem(tx, id, comment)
    closed += 1
  }
  return closed
}

/** Ends chats whose visitors count as gone, or puts them on hold, as `Livechat_abandoned_rooms_action` says; a few at a time, answers how many. */
export async function endAbandoned(tx: Transaction): Promise<number> {
  const { Livechat_abandoned_rooms_action: action } = await readSettings(tx)
  if (action !== 'close' && action !== 'on-hold') return 0
  let ended = 0
  for (const id of await listAbandoned(tx, tx.now, AT_ONCE)) {
    const room = await takeOpenRoom(tx, id)
    if (room === undefined || !isAbandoned(room, tx.now)) continue
    if (action === 'close') await closeBySystem(tx, id, await farewellOf(tx, room))
    else if (room.servedBy === undefined) await updateRoom(tx, id, { abandonsAt: null })
    else await placeOnHold(tx, room, { by: systemAuthor, comment: SILENT })
    ended += 1
  }
  return ended
}

function isAbandoned({ abandonsAt, isOnHold, isWaitingResponse }: Room, now: string): boolean {
  return abandonsAt !== undefined && abandonsAt <= now && !isOnHold && !isWaitingResponse
}

/** The department's words, else those of the setting, else ours. */
async function farewellOf(tx: Transaction, { departmentId }: Room): Promise<string> {
  const department = departmentId === undefined ? undefined : await findDepartment(tx, departmentId)
  const { Livechat_abandoned_rooms_closed_custom_message: general } = await readSettings(tx)
  return department?.abandonedMessage || general || VISITOR_GONE
}

/** An agent was given a chat. */
export interface Taken {
  roomId: string
  agentId: string
  at: string
}

/** When a chat that was taken now is taken away again where its agent has not answered; `undefined` for never. */
export async function unansweredAt(tx: Transaction): Promise<string | undefined> {
  const { Livechat_auto_transfer_chat_timeout: seconds } = await readSettings(tx)
  return seconds > 0 ? timeBefore(tx.nowMs, -seconds) : undefined
}

/** How the agent of a room was given it, while that one has not answered; `undefined` for any other room. */
export async function findUnanswered(reader: Reader, roomId: string): Promise<Taken | undefined> {
  const room = await findRoom(reader, roomId)
  if (room?.servedBy === undefined) return undefined
  const taken = { roomId, agentId: room.servedBy.id, at: room.servedBy.at }
  return isUnanswered(room, taken) ? taken : undefined
}

/**
 * Takes a chat away from an agent who has not answered since it was given: for the next agent, or for the queue where agents
 * choose for themselves. Once for each room; where nobody else can take it, it stays.
 */
export async function transferUnanswered(tx: Transaction, taken: Taken, outside: Outside): Promise<void> {
  const room = await takeOpenRoom(tx, taken.roomId)
  if (room === undefined || !isUnanswered(room, taken)) return
  const settings = await readSettings(tx)
  const seconds = settings.Livechat_auto_transfer_chat_timeout
  if (seconds <= 0) return
  const transfer = { by: systemAuthor, comment: String(seconds) }
  const isMoved = routingFlags(settings).autoAssignAgent
    ? await giveToNextAgent(tx, room, { ...transfer, scope: 'autoTransferUnansweredChatsToAgent' }, { outside })
    : await returnToQueue(tx, room, { ...transfer, scope: 'autoTransferUnansweredChatsToQueue' })
  if (isMoved) await updateRoom(tx, room.id, { autoTransferredAt: tx.now })
}

function isUnanswered(room: Room, { agentId, at }: Taken): boolean {
  const { servedBy, autoTransferredAt, isOnHold, staffSpokeAt } = room
  if (servedBy?.id !== agentId || servedBy.at !== at || isOnHold || autoTransferredAt !== undefined) return false
  return staffSpokeAt === undefined || staffSpokeAt < at
}

/** Some seconds before a moment; a span of thousands of years ends where time begins, or ends. */
function timeBefore(nowMs: number, seconds: number): string {
  return new Date(Math.min(Math.max(0, nowMs - seconds * 1_000), Date.UTC(9999, 11, 31))).toISOString()
}
