import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import { findRoom, takeOpenRoom, type Room } from '../timeline/timeline.ts'
import { listCandidates } from './agent-store.ts'
import { offer, readRouting, type Offer } from './assignment.ts'
import { isAtLimit } from './choose-agent.ts'
import { listDepartmentIdsOf } from './department-store.ts'
import { preferredBots } from './entry.ts'
import { routingMethodOf } from './method.ts'
import { withOutside, type Asker, type Outside } from './outside.ts'
import { findFirstWaiting, insertInquiry, listQueues, type Inquiry } from './queue-store.ts'

/** Chats offered after one transaction; the safety net offers the rest. */
const OFFERED_AT_ONCE = 25

/** Puts a new room into the queue and gives it to an agent at once if one is free. Answers the room as it is then. */
export async function enqueue(tx: Transaction, room: Room, how: Offer): Promise<Room> {
  const inquiry: Inquiry = {
    id: tx.newId(),
    roomId: room.id,
    status: 'queued',
    ...(room.departmentId !== undefined && { departmentId: room.departmentId }),
    waitingSince: tx.now,
    queuedAt: tx.now,
    ...(await waitsFor(tx, room, how)),
    updatedAt: tx.now,
  }
  await insertInquiry(tx, inquiry)
  if (await offer(tx, room, inquiry, how)) return (await findRoom(tx, room.id)) ?? room
  tx.emit('inquiry.queued', { roomId: room.id, inquiryId: inquiry.id, departmentId: room.departmentId ?? null })
  return room
}

/** Whom a chat waits for that agents take by themselves: who was preferred first, unless that one is full (contract §C.6). */
async function waitsFor(
  tx: Transaction,
  { departmentId }: Room,
  { preferences, candidates: known }: Offer,
): Promise<Pick<Inquiry, 'defaultAgent'>> {
  if (routingMethodOf(await readSettings(tx)) !== 'Manual_Selection') return {}
  const candidates = known ?? (await listCandidates(tx, departmentId))
  const preferred = preferences.map(({ agentId }) => candidates.find(({ id }) => id === agentId))
  const agent = preferred.find((candidate) => candidate !== undefined)
  if (agent === undefined || isAtLimit(agent, await readRouting(tx, departmentId))) return {}
  return { defaultAgent: { id: agent.id, username: agent.username } }
}

/**
 * Somebody may be free: once this transaction is on disk, chats that wait are offered. Where only one agent has become
 * free, only those are which that agent may serve.
 */
export function offerAfterwards(tx: Transaction, freedAgentId?: string): void {
  tx.afterwards(`offer-waiting-chats:${freedAgentId ?? ''}`, (database) => offerWaitingChats(database, freedAgentId))
}

/**
 * Offers the chats that wait longest to whoever is free, the queue of each department in its turn, and of each until one
 * comes that nobody can take. Each is offered in a transaction of its own: a room is never waited for while another room,
 * or an agent, is held. Answers how many were taken.
 */
export async function offerWaitingChats(
  { read, transact }: Pick<Asker, 'read' | 'transact'>,
  freedAgentId?: string,
): Promise<number> {
  if (!assigns(await readSettings(read))) return 0
  let queues = await listWaitingQueues(read, freedAgentId)
  let served = 0
  while (queues.length > 0 && served < OFFERED_AT_ONCE) {
    const moving: typeof queues = []
    for (const departmentId of queues)
      if (await transact((tx) => offerFirst(tx, departmentId))) moving.push(departmentId)
    served += moving.length
    queues = moving
  }
  return served
}

/** The queues in which chats wait; those that one agent serves, the chats of no department first. */
async function listWaitingQueues(reader: Reader, agentId: string | undefined): Promise<(string | undefined)[]> {
  if (agentId === undefined) return listQueues(reader)
  const waiting: (string | undefined)[] = []
  for (const departmentId of [undefined, ...(await listDepartmentIdsOf(reader, agentId))])
    if ((await findFirstWaiting(reader, departmentId)) !== undefined) waiting.push(departmentId)
  return waiting
}

/** Whether chats are given to agents by us. While agents choose for themselves, or a service outside does, only to bots. */
function assigns(settings: Settings): boolean {
  const method = routingMethodOf(settings)
  return settings.Livechat_assign_new_conversation_to_bot || (method !== 'Manual_Selection' && method !== 'External')
}

/** Offers the chat that waits longest in a queue. Answers false where it must go on waiting, or nobody waits. */
async function offerFirst(tx: Transaction, departmentId: string | undefined, outside?: Outside): Promise<boolean> {
  for (let attempts = 0; attempts < 5; attempts++) {
    const inquiry = await findFirstWaiting(tx, departmentId)
    if (inquiry === undefined) return false
    const room = await takeOpenRoom(tx, inquiry.roomId)
    // Closed since we looked: the next one.
    if (room === undefined) continue
    // Taken since we looked: the next one, without this one in hand.
    if (room.servedBy !== undefined) throw new StartOver()
    const candidates = await listCandidates(tx, departmentId)
    const preferences = preferredBots(candidates, await readSettings(tx))
    return offer(tx, room, inquiry, { preferences, candidates, outside })
  }
  return false
}

/** How long a job may ask; it begins anew a few seconds later. */
const ASKED_FOR_MS = 10_000

/** Offers what waits while an outside service decides who serves it: asked for one chat after the other, in no transaction. */
export async function offerOutside(asker: Asker): Promise<void> {
  if (routingMethodOf(await readSettings(asker.read)) !== 'External') return
  const deadline = AbortSignal.timeout(ASKED_FOR_MS)
  for (const departmentId of await listQueues(asker.read)) {
    let isMoving = true
    for (let offered = 0; isMoving && offered < OFFERED_AT_ONCE && !deadline.aborted; offered++)
      isMoving = await withOutside(asker, (tx, outside) => offerFirst(tx, departmentId, outside))
  }
}
