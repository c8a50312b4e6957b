import { sql, type ExpressionBuilder, type Kysely, type Selectable } from 'kysely'
import { withoutNulls } from '../../database/columns.ts'
import type { RoomTable, Tables } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { roomFromRow, type Room } from '../timeline/timeline.ts'

/** An agent's place in a room, and how much others said there that the agent has not read. */
export interface Place {
  room: Room
  joinedAt: string
  /** Up to when the agent has read; absent for one who has not looked yet. */
  readAt?: string
  /** Messages of others since; counted up to `MOST_UNREAD`. */
  newCount: number
  /** How many of these have an `@` in them. */
  atCount: number
  updatedAt: string
}

/** Nobody reads a larger figure, and counting further would cost as much as the room is long. */
const MOST_UNREAD = 100

/** Texts looked through for mentions at once. */
const MOST_TEXTS = 1_000

type OwnPlaces = ExpressionBuilder<Tables, 'subscription'>

/** What others have said in the room of a subscription since its agent read it, or came. */
function newMessagesOf(eb: OwnPlaces) {
  return eb
    .selectFrom('message')
    .whereRef('message.roomId', '=', 'subscription.roomId')
    .whereRef('message.sentAt', '>', eb.fn.coalesce('subscription.readAt', 'subscription.joinedAt'))
    .where('message.type', 'is', null)
    .where('message.deletedAt', 'is', null)
    .where((at) => at.or([at('authorKind', '!=', 'user'), at('authorId', '!=', at.ref('userId'))]))
}

function countsOf(eb: OwnPlaces) {
  const latest = newMessagesOf(eb).select('text').orderBy('sentAt', 'desc').limit(sql.lit(MOST_UNREAD)).as('latest')
  const counted = eb.selectFrom(latest).select((at) => at.fn.countAll<number>().as('count'))
  return [counted.as('newCount'), counted.where('latest.text', 'like', sql.lit('%@%')).as('atCount')] as const
}

function placesOf(db: Kysely<Tables>, userId: string) {
  return db
    .selectFrom('subscription')
    .innerJoin('room', 'room.id', 'subscription.roomId')
    .selectAll('room')
    .select(['joinedAt', 'readAt', 'subscription.updatedAt as ownUpdatedAt'])
    .select(countsOf)
    .where('userId', '=', userId)
}

const placesSince = statement((db, p: { userId: string; since: string; limit: number }) =>
  placesOf(db, p.userId)
    .where((eb) => eb.or([eb('subscription.updatedAt', '>=', p.since), eb('room.updatedAt', '>=', p.since)]))
    .orderBy('room.updatedAt', 'desc')
    .limit(p.limit),
)

const placeIn = statement((db, p: { userId: string; roomId: string }) =>
  placesOf(db, p.userId).where('subscription.roomId', '=', p.roomId),
)

const roomsSince = statement((db, p: { userId: string; since: string; limit: number }) =>
  db
    .selectFrom('subscription')
    .innerJoin('room', 'room.id', 'subscription.roomId')
    .selectAll('room')
    .where('userId', '=', p.userId)
    .where((eb) => eb.or([eb('joinedAt', '>=', p.since), eb('room.updatedAt', '>=', p.since)]))
    .orderBy('room.updatedAt', 'desc')
    .limit(p.limit),
)

const closedSince = statement((db, p: { userId: string; since: string; limit: number }) =>
  db
    .selectFrom('room')
    .select(['id as roomId', 'closedAt as at'])
    .where('servedById', '=', p.userId)
    .where('closedAt', '>=', p.since)
    .orderBy('closedAt', 'desc')
    .limit(p.limit),
)

const joinedAndClosedSince = statement((db, p: { userId: string; since: string; limit: number }) =>
  db
    .selectFrom('room')
    .select(['id as roomId', 'closedAt as at'])
    .where('closedAt', '>=', p.since)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('message')
          .select('message.id')
          .whereRef('message.roomId', '=', 'room.id')
          // In full, like those below.
          .where('type', '=', sql.lit('uj'))
          .where('authorId', '=', p.userId),
      ),
    )
    // Spelt as in the index of this order.
    .orderBy((eb) => eb.fn.coalesce('closedAt', sql.lit('')), 'desc')
    .limit(p.limit),
)

const leftSince = statement((db, p: { userId: string; since: string; limit: number }) =>
  db
    .selectFrom('message')
    .select((eb) => ['roomId', eb.fn.max('sentAt').as('at')])
    // Said in full, so that the database sees that the index of these lines will do.
    .where('type', '=', sql.lit('ul'))
    .where('authorId', '=', p.userId)
    .where('sentAt', '>=', p.since)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('subscription')
            .select('subscription.id')
            .whereRef('subscription.roomId', '=', 'message.roomId')
            .where('userId', '=', p.userId),
        ),
      ),
    )
    .groupBy('roomId')
    .orderBy('at', 'desc')
    .limit(p.limit),
)

const readUntil = statement((db, p: { userId: string; roomId: string; until: string; now: string }) =>
  db
    .updateTable('subscription')
    .set({ readAt: p.until, updatedAt: p.now })
    .where('roomId', '=', p.roomId)
    .where('userId', '=', p.userId)
    .returning('id'),
)

/** Which of an agent's places to list: those that changed at a moment or later, the latest changed first. */
export interface Since {
  userId: string
  since: string
  limit: number
}

export async function listPlaces(reader: Reader, span: Since): Promise<Place[]> {
  return (await placesSince.all(reader, span)).map(placeFromRow)
}

export async function findPlace(reader: Reader, userId: string, roomId: string): Promise<Place | undefined> {
  const row = await placeIn.first(reader, { userId, roomId })
  return row && placeFromRow(row)
}

/** The rooms an agent is in. */
export async function listOwnRooms(reader: Reader, span: Since): Promise<Room[]> {
  return (await roomsSince.all(reader, span)).map(roomFromRow)
}

/** The rooms an agent has lost: closed while the agent served them or after the agent had come in, or left. */
export async function listLost(reader: Reader, span: Since): Promise<{ roomId: string; at: string }[]> {
  const lost = [
    ...(await closedSince.all(reader, span)),
    ...(await joinedAndClosedSince.all(reader, span)),
    ...(await leftSince.all(reader, span)),
  ]
  return [...new Map(lost.map(({ roomId, at }) => [roomId, { roomId, at: at ?? span.since }])).values()]
}

/** What is unread and has an `@` in it, of these rooms of an agent. */
export async function listTextsWithAt(
  reader: Reader,
  userId: string,
  roomIds: readonly string[],
): Promise<{ roomId: string; text: string }[]> {
  if (roomIds.length === 0) return []
  return reader.all(
    reader.sql
      .selectFrom('subscription')
      .innerJoin('message', 'message.roomId', 'subscription.roomId')
      .select(['message.roomId', 'text'])
      .where('userId', '=', userId)
      .where('subscription.roomId', 'in', [...roomIds])
      .where(({ eb }) => eb('sentAt', '>', eb.fn.coalesce('readAt', 'joinedAt')))
      .where('type', 'is', null)
      .where('deletedAt', 'is', null)
      .where((eb) => eb.or([eb('authorKind', '!=', 'user'), eb('authorId', '!=', userId)]))
      .where('text', 'like', '%@%')
      .orderBy('sentAt', 'desc')
      .limit(MOST_TEXTS),
  )
}

/** Writes up to when an agent has read a room; answers false where the agent is not in it. */
export async function writeReadAt(
  tx: Transaction,
  read: { userId: string; roomId: string; until: string },
): Promise<boolean> {
  return (await readUntil.first(tx, { ...read, now: tx.now })) !== undefined
}

/** The latest thing that somebody else said in a room. */
export async function findLatestOfOthers(
  reader: Reader,
  userId: string,
  roomId: string,
): Promise<{ sentAt: string } | undefined> {
  return reader.first(
    reader.sql
      .selectFrom('message')
      .select('sentAt')
      .where('roomId', '=', roomId)
      .where('type', 'is', null)
      .where('deletedAt', 'is', null)
      .where((eb) => eb.or([eb('authorKind', '!=', 'user'), eb('authorId', '!=', userId)]))
      .orderBy('sentAt', 'desc')
      .limit(1),
  )
}

type PlaceRow = Selectable<RoomTable> & {
  joinedAt: string
  readAt: string | null
  ownUpdatedAt: string
  newCount: number | null
  atCount: number | null
}

function placeFromRow(row: PlaceRow): Place {
  return {
    room: roomFromRow(row),
    joinedAt: row.joinedAt,
    ...withoutNulls({ readAt: row.readAt }),
    newCount: row.newCount ?? 0,
    atCount: row.atCount ?? 0,
    updatedAt: row.ownUpdatedAt > row.updatedAt ? row.ownUpdatedAt : row.updatedAt,
  }
}
