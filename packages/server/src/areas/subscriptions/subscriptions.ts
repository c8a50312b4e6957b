// An agent's places in rooms, and what is unread there. Unread is worked out when somebody asks, so that it costs nothing
// to send a message.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { findRoom, mayRead, type Room } from '../rooms/rooms.ts'
import { readSettings } from '../settings/settings.ts'
import { findMessage } from '../timeline/timeline.ts'
import { countMentions, type Mentions } from './mentions.ts'
import {
  findLatestOfOthers,
  findPlace,
  listLost,
  listOwnRooms,
  listPlaces,
  listTextsWithAt,
  writeReadAt,
  type Place,
} from './store.ts'

/** An agent in a room, as the agent's client shows it (contract §B.8). */
export interface Subscription {
  room: Room
  joinedAt: string
  readAt?: string
  unread: number
  userMentions: number
  groupMentions: number
  /** Something is new, whether or not it counts as unread. */
  isAlert: boolean
  updatedAt: string
}

/** Whose subscriptions are meant. */
type Who = Pick<SignedIn, 'id' | 'username'>

/** A room that an agent has lost. */
export interface Lost {
  roomId: string
  at: string
}

/** Rooms in one answer: more than anybody can follow. */
const MOST_ROOMS = 500

// Earlier than any time there is; text compares byte by byte.
const EVER = ''

/** The caller's subscriptions, those only that changed since a moment where one is given, and the rooms lost since then. */
export async function listSubscriptions(
  reader: Reader,
  user: SignedIn,
  since: string | undefined,
): Promise<{ subscriptions: Subscription[]; lost: Lost[] }> {
  const span = { userId: user.id, since: since ?? EVER, limit: MOST_ROOMS }
  const subscriptions = await countIn(reader, user, await listPlaces(reader, span))
  return { subscriptions, lost: since === undefined ? [] : await listLost(reader, span) }
}

/** The caller's subscription to a room, where there is one. */
export async function findSubscription(reader: Reader, user: Who, roomId: string): Promise<Subscription | undefined> {
  const place = await findPlace(reader, user.id, roomId)
  return place && (await countIn(reader, user, [place]))[0]
}

/** The rooms the caller is in, those only that changed since a moment where one is given, and the rooms lost since then. */
export async function listRoomsOfCaller(
  reader: Reader,
  user: SignedIn,
  since: string | undefined,
): Promise<{ rooms: Room[]; lost: Lost[] }> {
  const span = { userId: user.id, since: since ?? EVER, limit: MOST_ROOMS }
  const rooms = await listOwnRooms(reader, span)
  return { rooms, lost: since === undefined ? [] : await listLost(reader, span) }
}

/**
 * The caller has read a room. Nothing happens where the caller may read it without being in it.
 * @throws `error-invalid-subscription`
 */
export async function markRead(tx: Transaction, user: SignedIn, roomId: string): Promise<void> {
  const room = await findRoom(tx, roomId)
  if (room === undefined || !(await mayRead(tx, user, room))) throw new ApiError('error-invalid-subscription')
  // Up to what the caller can have seen, and not to this moment: a message on its way may get an earlier time.
  const until = room.lastMessageAt
  if (await writeReadAt(tx, { userId: user.id, roomId, until }))
    tx.emit('room.read', { roomId, userId: user.id, until })
}

/** An agent who writes in a room has read what was said before. */
export async function noteRead(
  tx: Transaction,
  read: { userId: string; roomId: string; until: string },
): Promise<void> {
  await writeReadAt(tx, read)
}

/**
 * The caller keeps a room for later: everything is unread from the latest message of somebody else on.
 * @throws `error-invalid-subscription`, `error-no-message-for-unread`
 */
export async function markUnread(tx: Transaction, user: SignedIn, roomId: string): Promise<void> {
  const place = await requirePlace(tx, user, roomId)
  const latest = await findLatestOfOthers(tx, user.id, roomId)
  if (latest === undefined) throw new ApiError('error-no-message-for-unread')
  await readOnlyBefore(tx, user, place, latest.sentAt)
}

/**
 * The same from one message of somebody else on.
 * @throws `error-action-not-allowed` where there is no such message for the caller
 */
export async function markUnreadFrom(tx: Transaction, user: SignedIn, messageId: string): Promise<void> {
  const message = await findMessage(tx, messageId)
  const place = message && (await findPlace(tx, user.id, message.roomId))
  if (place === undefined || message === undefined || message.author.id === user.id)
    throw new ApiError('error-action-not-allowed', { reason: 'Not allowed' })
  await readOnlyBefore(tx, user, place, message.sentAt)
}

async function requirePlace(tx: Transaction, user: SignedIn, roomId: string): Promise<Place> {
  const place = await findPlace(tx, user.id, roomId)
  if (place === undefined) throw new ApiError('error-invalid-subscription')
  return place
}

/** What is unread already stays so. */
async function readOnlyBefore(tx: Transaction, user: SignedIn, place: Place, firstUnreadAt: string): Promise<void> {
  if (place.readAt === undefined || place.readAt < firstUnreadAt) return
  const until = new Date(Date.parse(firstUnreadAt) - 1).toISOString()
  await writeReadAt(tx, { userId: user.id, roomId: place.room.id, until })
  tx.emit('room.read', { roomId: place.room.id, userId: user.id, until: null })
}

async function countIn(reader: Reader, user: Who, places: readonly Place[]): Promise<Subscription[]> {
  const { Unread_Count_Omni } = await readSettings(reader)
  const withAt = places.filter(({ atCount }) => atCount > 0).map(({ room }) => room.id)
  const texts = Map.groupBy(await listTextsWithAt(reader, user.id, withAt), ({ roomId }) => roomId)
  return places.map((place) => {
    const found = (texts.get(place.room.id) ?? []).map(({ text }) => text)
    return unreadOf(place, countMentions(found, user.username), { mentionsOnly: Unread_Count_Omni === 'mentions_only' })
  })
}

/** A chat that the agent has not looked into counts once itself, as unread and as a mention (contract §B.8). */
function unreadOf(place: Place, mentions: Mentions, { mentionsOnly }: { mentionsOnly: boolean }): Subscription {
  const { newCount, room, joinedAt, readAt, updatedAt } = place
  const itself = readAt === undefined ? 1 : 0
  const unread = itself + (mentionsOnly ? mentions.ofUser : newCount)
  return {
    room,
    joinedAt,
    ...(readAt !== undefined && { readAt }),
    unread,
    userMentions: itself + mentions.ofUser,
    groupMentions: mentions.ofAll,
    isAlert: unread > 0 || newCount > 0,
    updatedAt,
  }
}
