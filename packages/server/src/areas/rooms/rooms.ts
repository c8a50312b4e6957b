// Conversations: opened by a visitor, served by agents, ended by either.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { toJson } from '../../database/columns.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import {
  enqueue,
  findEntry,
  isFull,
  isRoutingMethod,
  isSubscribed,
  joinRoom as addMember,
  type Outside,
} from '../routing/routing.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import {
  findOpenRoomOf,
  findRoom,
  foldName,
  insertRoom,
  takeOpenRoom,
  writeLine,
  type Room,
} from '../timeline/timeline.ts'
import { claimVisits, noteChat, refuseBlocked, requireVisitor, type Visitor } from '../visitors/visitors.ts'
import { mayRead } from './access.ts'
import { staffAuthor, visitorAuthor } from './authors.ts'
import { findLastAgentOf } from './list-store.ts'
import { originOfOpening } from './origins.ts'

export type { Room } from '../timeline/timeline.ts'
export { findLastMessage, findLastMessages, findRoom } from '../timeline/timeline.ts'
export { mayRead, requireOwnRoom } from './access.ts'
export { actOnLeave, noteLeave, type Leave } from './agent-leave.ts'
export { staffAuthor, visitorAuthor } from './authors.ts'
export { closeByUser, closeByVisitor, closeRoom } from './closing.ts'
export { requireEditableRoom, saveDetails, type Details } from './details.ts'
export { holdByUser, resumeByUser } from './hold.ts'
export { listSources, type RoomColumn, type RoomFilter } from './list-store.ts'
export { findServingIds, listRooms } from './page-store.ts'
export { renameInRooms } from './renaming.ts'
export { removeClosedRooms, removeRoom } from './removal.ts'
export { forgetRetired } from './retired-agents.ts'
export { noteStaffSpoke, noteVisitorSpoke } from './spoken.ts'
export { rateRoom, surveyItems, surveyValues } from './survey.ts'
export {
  closeHeldTooLong,
  closeWaitingTooLong,
  endAbandoned,
  findUnanswered,
  transferUnanswered,
  unansweredAt,
  type Taken,
} from './timers.ts'

/**
 * The room a visitor asks for: the open one with this id, or the open one at all; `undefined` where one must be opened.
 * @throws `invalid-token`, `invalid-room`
 */
export async function findRoomFor(
  reader: Reader,
  { token, roomId }: { token: string; roomId?: string | undefined },
): Promise<{ visitor: Visitor; room: Room | undefined }> {
  const visitor = await requireVisitor(reader, token)
  const room = await findOpenRoomOf(reader, visitor.id)
  if (roomId !== undefined && room?.id !== roomId) throw new ApiError('invalid-room')
  return { visitor, room }
}

export interface Opening {
  token: string
  /** An agent the visitor asks for; only a wish. */
  agentId?: string | undefined
  source: { type: 'widget' | 'api'; destination?: string | undefined }
  /** Where the visitor calls from; absent where somebody opens a room for one. */
  address?: string | undefined
  /** Whether one address may have only so many chats that nobody has answered. */
  isLimited?: boolean
}

/**
 * The visitor's open room, or a new one, routed before anybody is answered (contract A.10). An outside service is asked
 * where it decides.
 * @throws `invalid-token`, `error-omnichannel-is-disabled`, `error-routing-method-not-available`, `no-agent-online`,
 * `error-contact-channel-blocked`, `error-too-many-requests`
 */
export async function openRoom(
  tx: Transaction,
  opening: Opening,
  outside: Outside,
): Promise<{ room: Room; isNew: boolean }> {
  const { visitor, room: existing } = await findRoomFor(tx, { token: opening.token })
  if (existing !== undefined) return { room: existing, isNew: false }
  const settings = await readSettings(tx)
  refuseWhileClosed(settings)
  const origin = await originOfOpening(tx, opening)

  const entry = await findEntry(tx, {
    departmentId: visitor.departmentId,
    namedAgentId: opening.agentId,
    managerId: visitor.manager?.id,
    lastAgentIds: settings.Livechat_last_chatted_agent_routing ? await lastAgentsOf(tx, visitor) : [],
  })
  if (entry === undefined) throw new ApiError('no-agent-online')

  const { departmentId } = entry
  const roomId = tx.newId()
  await insertFor(tx, roomId, visitor, { source: opening.source, departmentId, origin })
  await writeLine(tx, roomId, { type: 'livechat-started', text: '', author: visitorAuthor(visitor) })
  tx.emit('room.opened', { roomId, departmentId: departmentId ?? null })
  const room = await enqueue(tx, (await findRoom(tx, roomId)) as Room, { ...entry, outside })
  // Removed at this moment: started over, the token is unknown.
  if (!(await noteChat(tx, visitor.id, roomId))) throw new StartOver()
  // With the visitor's row in hand: a block beside this has either been seen or will see this room.
  await refuseBlocked(tx, opening)
  await claimVisits(tx, opening.token, roomId)
  if (room.servedBy === undefined && !mayWait(settings)) throw new ApiError('no-agent-online')
  return { room, isNew: true }
}

/** Where an outside service decides and names nobody, a chat waits only if it would anyway (contract §C.4). */
function mayWait(settings: Settings): boolean {
  const { Livechat_Routing_Method: method, Livechat_waiting_queue, Livechat_accept_chats_with_no_agents } = settings
  return method !== 'External' || Livechat_waiting_queue || Livechat_accept_chats_with_no_agents
}

/** Who took the visitor's last chat, and who served the last one (contract §C.6). */
async function lastAgentsOf(reader: Reader, visitor: Visitor): Promise<string[]> {
  const servedById = await findLastAgentOf(reader, visitor.id)
  return [visitor.lastAgent?.id, servedById].filter((id) => id !== undefined)
}

function refuseWhileClosed({ Livechat_enabled, Livechat_Routing_Method }: Settings): void {
  if (!Livechat_enabled) throw new ApiError('error-omnichannel-is-disabled')
  if (!isRoutingMethod(Livechat_Routing_Method)) throw new ApiError('error-routing-method-not-available')
}

/**
 * Adds the caller to a room without serving it.
 * @throws `error-invalid-room`, `room-closed`, `error-not-allowed`, `error-max-number-simultaneous-chats-reached`
 */
export async function joinRoom(tx: Transaction, user: SignedIn, roomId: string): Promise<void> {
  const found = await findRoom(tx, roomId)
  if (found === undefined) throw new ApiError('error-invalid-room')
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('room-closed')
  if (!(await mayRead(tx, user, room))) throw new ApiError('error-not-allowed')
  if (await isSubscribed(tx, room.id, user.id)) return
  if (await isFull(tx, user.id, room.departmentId)) throw new ApiError('error-max-number-simultaneous-chats-reached')
  await addMember(tx, room, staffAuthor(user))
}

async function insertFor(
  tx: Transaction,
  id: string,
  visitor: Visitor,
  {
    source,
    departmentId,
    origin,
  }: Pick<Opening, 'source'> & { departmentId: string | undefined; origin: string | null },
): Promise<void> {
  const inserted = await insertRoom(tx, {
    id,
    visitorId: visitor.id,
    visitorUsername: visitor.username,
    visitorName: visitor.name ?? null,
    nameFolded: foldName(visitor.name ?? visitor.username),
    visitorStatus: visitor.status ?? 'online',
    visitorSpokeAt: null,
    visitorActivity: toJson(visitor.activity),
    contactId: visitor.contactId ?? null,
    departmentId: departmentId ?? null,
    sourceType: source.type,
    sourceDestination: source.destination ?? null,
    openedFrom: origin,
    openedAt: tx.now,
    queuedAt: tx.now,
    closedAt: null,
    closedById: null,
    closedByUsername: null,
    closer: null,
    servedById: null,
    servedByUsername: null,
    servedAt: null,
    memberCount: 1,
    messageCount: 0,
    lastMessageId: null,
    lastMessageMs: tx.nowMs,
    seq: 0,
    clockMs: 0,
    isWaitingResponse: 1,
    respondedById: null,
    respondedByUsername: null,
    firstResponseAt: null,
    lastResponseAt: null,
    isOnHold: 0,
    topic: null,
    tags: null,
    fields: null,
    updatedAt: tx.now,
  })
  // The visitor opened one in another tab at this moment: that one is the room.
  if (!inserted) throw new StartOver()
}
