// Conversations: opened by a visitor, served by agents, ended by either.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import {
  endService,
  enqueue,
  findInquiryOf,
  isAnyoneOnline,
  isFull,
  isRoutingMethod,
  isSubscribed,
  joinRoom as addMember,
  preferencesFor,
  routingFlags,
} from '../routing/routing.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import {
  findOpenRoomOf,
  findRoom,
  foldName,
  insertRoom,
  replaceTags,
  takeOpenRoom,
  updateRoom,
  writeLine,
  type Author,
  type Room,
} from '../timeline/timeline.ts'
import { findUserById } from '../users/users.ts'
import { noteChat, requireVisitor, type Visitor } from '../visitors/visitors.ts'
import { findLastAgentOf } from './list-store.ts'

export type { Room } from '../timeline/timeline.ts'
export { findLastMessage, findLastMessages, findRoom } from '../timeline/timeline.ts'
export type { RoomColumn, RoomFilter } from './list-store.ts'
export { findServingIds, listRooms } from './page-store.ts'
export { renameInRooms } from './renaming.ts'

/** A visitor as author of messages and lines. */
export function visitorAuthor(visitor: Visitor): Author {
  return {
    kind: 'visitor',
    id: visitor.id,
    username: visitor.username,
    ...(visitor.name !== undefined && { name: visitor.name }),
  }
}

/** A staff member as author. */
export function staffAuthor({ id, username, name }: { id: string; username: string; name?: string }): Author {
  return { kind: 'user', id, username, ...(name !== undefined && { name }) }
}

/**
 * The visitor's room with this id, open or closed. A room of somebody else and a missing one are refused alike.
 * @throws `invalid-room`
 */
export async function requireOwnRoom(reader: Reader, visitor: Visitor, roomId: string): Promise<Room> {
  const room = await findRoom(reader, roomId)
  if (room?.visitor.id !== visitor.id) throw new ApiError('invalid-room')
  return room
}

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
}

/**
 * The visitor's open room, or a new one, routed before anybody is answered (contract A.10).
 * @throws `invalid-token`, `error-omnichannel-is-disabled`, `error-routing-method-not-available`, `no-agent-online`
 */
export async function openRoom(tx: Transaction, opening: Opening): Promise<{ room: Room; isNew: boolean }> {
  const { visitor, room: existing } = await findRoomFor(tx, { token: opening.token })
  if (existing !== undefined) return { room: existing, isNew: false }
  const settings = await readSettings(tx)
  refuseWhileClosed(settings)

  const named = opening.agentId === undefined ? undefined : await findUserById(tx, opening.agentId)
  const preferences = await preferencesFor(tx, {
    namedAgentId: named?.serviceStatus === undefined ? undefined : named.id,
    lastAgentId: settings.Livechat_last_chatted_agent_routing ? await findLastAgentOf(tx, visitor.id) : undefined,
  })
  if (preferences.length === 0 && !(await isAnyoneOnline(tx))) throw new ApiError('no-agent-online')

  const roomId = tx.newId()
  await insertFor(tx, roomId, visitor, opening.source)
  // Removed at this moment: started over, the token is unknown.
  if (!(await noteChat(tx, visitor.id, roomId))) throw new StartOver()
  await writeLine(tx, roomId, { type: 'livechat-started', text: '', author: visitorAuthor(visitor) })
  tx.emit('room.opened', { roomId, departmentId: null })
  const opened = await enqueue(tx, (await findRoom(tx, roomId)) as Room, preferences)
  return { room: opened, isNew: true }
}

function refuseWhileClosed({ Livechat_enabled, Livechat_Routing_Method }: Settings): void {
  if (!Livechat_enabled) throw new ApiError('error-omnichannel-is-disabled')
  if (!isRoutingMethod(Livechat_Routing_Method)) throw new ApiError('error-routing-method-not-available')
}

export interface Closing {
  by: Author
  closer: 'visitor' | 'user'
  comment: string
  tags?: readonly string[] | undefined
}

/**
 * Ends a room (contract §C.8). Exactly one of several closers wins; the others are refused.
 * @throws `error-room-cannot-be-closed-try-again` where somebody else closed it since the caller looked
 */
async function closeRoom(tx: Transaction, roomId: string, closing: Closing): Promise<void> {
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('error-room-cannot-be-closed-try-again')
  const tags = [...new Set([...(closing.tags ?? []), ...room.tags])]
  await updateRoom(tx, roomId, {
    closedAt: tx.now,
    closedById: closing.by.id,
    closedByUsername: closing.by.username,
    closer: closing.closer,
    visitorStatus: 'offline',
    isOnHold: 0,
  })
  if (closing.tags !== undefined && closing.tags.length > 0) await replaceTags(tx, roomId, tags)
  const { by, comment } = closing
  await writeLine(tx, roomId, {
    type: 'livechat-close',
    text: comment,
    author: by,
    extra: { groupable: false, transcriptRequested: false },
  })
  const { Livechat_enable_transcript: asks, Livechat_transcript_send_always: sends } = await readSettings(tx)
  if (asks && !sends) await writeLine(tx, roomId, { type: 'command', text: 'promptTranscript', author: by })
  await endService(tx, room)
  const { departmentId = null, servedBy } = room
  tx.emit('room.closed', { roomId, departmentId, servedById: servedBy?.id ?? null })
}

/** Says it in the server's language; there is one so far. */
const CLOSED_BY_VISITOR = 'Closed by visitor'

/**
 * A visitor ends the conversation (contract A.11: the order of the checks).
 * @throws `error-not-allowed-to-close-conversation`, `invalid-token`, `invalid-room`, `room-closed`, and as `closeRoom`
 */
export async function closeByVisitor(
  reader: Reader,
  transact: <Result>(rule: (tx: Transaction) => Promise<Result>) => Promise<Result>,
  { token, roomId }: { token: string; roomId: string },
): Promise<string> {
  const { Omnichannel_allow_visitors_to_close_conversation: mayClose } = await readSettings(reader)
  if (!mayClose) throw new ApiError('error-not-allowed-to-close-conversation')
  const visitor = await requireVisitor(reader, token)
  const room = await requireOwnRoom(reader, visitor, roomId)
  if (room.closed !== undefined) throw new ApiError('room-closed')
  await transact((tx) =>
    closeRoom(tx, roomId, { by: visitorAuthor(visitor), closer: 'visitor', comment: CLOSED_BY_VISITOR }),
  )
  return CLOSED_BY_VISITOR
}

/**
 * A staff member ends a conversation: a member of the room, or a holder of `close-others-livechat-room`.
 * @throws `error-invalid-room`, `error-room-already-closed`, `error-not-authorized`, `error-comment-is-required`, and as `closeRoom`
 */
export async function closeByUser(
  reader: Reader,
  transact: <Result>(rule: (tx: Transaction) => Promise<Result>) => Promise<Result>,
  user: SignedIn,
  request: { roomId: string; comment: string; tags?: readonly string[] | undefined },
): Promise<void> {
  const room = await findRoom(reader, request.roomId)
  if (room === undefined) throw new ApiError('error-invalid-room')
  if (room.closed !== undefined) throw new ApiError('error-room-already-closed')
  const isMember = await isSubscribed(reader, room.id, user.id)
  if (!isMember && !user.can('close-others-livechat-room')) throw await refusalOfOutsider(reader, room.id)
  const { Livechat_request_comment_when_closing_conversation: wantsComment } = await readSettings(reader)
  if (wantsComment && request.comment.trim() === '') throw new ApiError('error-comment-is-required')
  const { comment, tags } = request
  await transact((tx) => closeRoom(tx, room.id, { by: staffAuthor(user), closer: 'user', comment, tags }))
}

/** Nobody is a member any more where the room was closed since the caller looked. */
async function refusalOfOutsider(reader: Reader, roomId: string): Promise<ApiError> {
  const room = await findRoom(reader, roomId)
  return new ApiError(room?.closed === undefined ? 'error-not-authorized' : 'error-room-cannot-be-closed-try-again')
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
  if (await isFull(tx, user.id)) throw new ApiError('error-max-number-simultaneous-chats-reached')
  await addMember(tx, room, staffAuthor(user))
}

/** Whether a staff member may read a room (contract §C.10). */
export async function mayRead(reader: Reader, user: SignedIn, room: Room): Promise<boolean> {
  if (user.can('view-livechat-rooms') || room.servedBy?.id === user.id) return true
  if (await isSubscribed(reader, room.id, user.id)) return true
  if (room.closed !== undefined) return user.can('view-livechat-room-closed-by-another-agent')
  return user.can('view-l-room') && (await isInSight(reader, user, room))
}

/** While agents choose for themselves, they may look into the chats that wait. */
async function isInSight(reader: Reader, user: SignedIn, room: Room): Promise<boolean> {
  const { previewRoom } = routingFlags(await readSettings(reader))
  if (!previewRoom) return false
  const inquiry = await findInquiryOf(reader, room.id)
  if (inquiry?.status !== 'queued') return false
  const { defaultAgent, departmentId } = inquiry
  return defaultAgent === undefined ? departmentId === undefined : defaultAgent.id === user.id
}

async function insertFor(tx: Transaction, id: string, visitor: Visitor, source: Opening['source']): Promise<void> {
  const inserted = await insertRoom(tx, {
    id,
    visitorId: visitor.id,
    visitorUsername: visitor.username,
    visitorName: visitor.name ?? null,
    nameFolded: foldName(visitor.name ?? visitor.username),
    visitorStatus: visitor.status ?? 'online',
    visitorSpokeAt: null,
    contactId: visitor.contactId ?? null,
    departmentId: null,
    sourceType: source.type,
    sourceDestination: source.destination ?? null,
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
