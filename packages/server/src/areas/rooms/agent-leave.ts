import type { NewJob, Transaction } from '../../database/transaction.ts'
import {
  findEnabled,
  giveToNextAgent,
  returnToQueue,
  type Asker,
  type Outside,
  withOutside,
} from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { systemAuthor, takeOpenRoom, type Room } from '../timeline/timeline.ts'
import { findVisitorById } from '../visitors/visitors.ts'
import { awaySinceOf, noteAvailability } from './agent-leave-store.ts'
import { closeBySystem } from './closing.ts'
import { listServedBy } from './timer-store.ts'

/** An agent who went away, or switched the service off. */
export interface Leave {
  userId: string
  since: string
}

/** Notes whether an agent is there; the jobs to write for one who has just left (contract §C.7). */
export async function noteLeave(tx: Transaction, userId: string): Promise<NewJob[]> {
  const since = await noteAvailability(tx, userId)
  const { Livechat_agent_leave_action: action, Livechat_agent_leave_action_timeout: seconds } = await readSettings(tx)
  if (since !== tx.now || action === 'none') return []
  const leave: Leave = { userId, since }
  const runAt = new Date(tx.nowMs + Math.min(Math.max(0, seconds), 86_400) * 1_000).toISOString()
  return [{ name: 'act-on-leave', data: leave, runAt, uniqueKey: `leave:${userId}:${since}` }]
}

/** Does with the chats of an agent who is still away what `Livechat_agent_leave_action` says, a transaction for each. */
export async function actOnLeave(asker: Asker, leave: Leave): Promise<void> {
  for (const roomId of await listServedBy(asker.read, leave.userId))
    await withOutside(asker, (tx, outside) => actOnRoom(tx, { ...leave, roomId }, outside))
}

async function actOnRoom(tx: Transaction, leave: Leave & { roomId: string }, outside: Outside): Promise<void> {
  const { roomId, userId, since } = leave
  const room = await takeOpenRoom(tx, roomId)
  if (room?.servedBy?.id !== userId || room.isOnHold || (await awaySinceOf(tx, userId)) !== since) return
  const settings = await readSettings(tx)
  switch (settings.Livechat_agent_leave_action) {
    case 'close':
      return closeBySystem(tx, roomId, settings.Livechat_agent_leave_comment)
    case 'forward':
      return forward(tx, room, outside)
    default:
      return
  }
}

/** To the department of the visitor, else to whoever is next where the room is; where nobody is there it waits. */
async function forward(tx: Transaction, room: Room, outside: Outside): Promise<void> {
  const visitor = await findVisitorById(tx, room.visitor.id)
  const department = await findEnabled(tx, visitor?.departmentId)
  const moves = department !== undefined && department.id !== room.departmentId
  const target = moves ? { department } : {}
  const transfer = { by: systemAuthor, ...target }
  if (await giveToNextAgent(tx, room, { ...transfer, scope: moves ? 'department' : 'agent' }, { outside })) return
  await returnToQueue(tx, room, { ...transfer, scope: moves ? 'department' : 'queue' })
}
