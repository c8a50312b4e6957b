import type { Context } from '../../context.ts'
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

/** What the timers need of the server. */
type Timed = Pick<Context, 'read' | 'transact' | 'clock'>

/** Closes chats that nobody took in `Livechat_max_queue_wait_time` minutes. */
export async function closeWaitingTooLong(timed: Timed): Promise<void> {
  const { Livechat_max_queue_wait_time: minutes } = await readSettings(timed.read)
  if (minutes <= 0) return
  const since = timeBefore(timed.clock(), minutes * 60)
  await forEachRoom(
    timed,
    (limit) => listWaitingSince(timed.read, since, limit),
    async (tx, room) => {
      if (room.servedBy !== undefined) return false
      await closeBySystem(tx, room.id, WAITED_TOO_LONG)
      return true
    },
  )
}

/** Closes chats that were on hold for `Livechat_auto_close_on_hold_chats_timeout` seconds. */
export async function closeHeldTooLong(timed: Timed): Promise<void> {
  const settings = await readSettings(timed.read)
  const seconds = settings.Livechat_auto_close_on_hold_chats_timeout
  if (seconds <= 0) return
  const since = timeBefore(timed.clock(), seconds)
  const comment = settings.Livechat_auto_close_on_hold_chats_custom_message || HELD_TOO_LONG
  await forEachRoom(
    timed,
    (limit) => listHeldSince(timed.read, since, limit),
    async (tx, room) => {
      if (!room.isOnHold) return false
      await closeBySystem(tx, room.id, comment)
      return true
    },
  )
}

/** Ends chats whose visitors count as gone, or puts them on hold, as `Livechat_abandoned_rooms_action` says. */
export async function endAbandoned(timed: Timed): Promise<void> {
  const { Livechat_abandoned_rooms_action: action } = await readSettings(timed.read)
  if (action !== 'close' && action !== 'on-hold') return
  const now = new Date(timed.clock()).toISOString()
  await forEachRoom(
    timed,
    (limit) => listAbandoned(timed.read, now, limit),
    async (tx, room) => {
      if (!isAbandoned(room, now)) return false
      if (action === 'close') await closeBySystem(tx, room.id, await farewellOf(tx, room))
      else if (room.servedBy === undefined) await updateRoom(tx, room.id, { abandonsAt: null })
      else await placeOnHold(tx, room, { by: systemAuthor, comment: SILENT })
      return true
    },
  )
}

/** Rooms listed at a time. */
const WINDOW = 50

/**
 * Looks after rooms until none is listed any more, or nothing can be done about those that are. Each has a transaction of
 * its own: what ends one frees its agent's place, and no room is waited for with that in hand.
 */
async function forEachRoom(
  { transact }: Timed,
  list: (limit: number) => Promise<string[]>,
  lookAfter: (tx: Transaction, room: Room) => Promise<boolean>,
): Promise<void> {
  for (;;) {
    const roomIds = await list(WINDOW)
    let done = 0
    for (const id of roomIds) {
      const isDone = await transact(async (tx) => {
        const room = await takeOpenRoom(tx, id)
        return room !== undefined && (await lookAfter(tx, room))
      })
      if (isDone) done += 1
    }
    if (done === 0 || roomIds.length < WINDOW) return
  }
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
