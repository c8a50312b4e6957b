import type { rooms } from '@deskbell/contract/areas/rooms.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers, SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readPage } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { defaultChannel, roomToWire, staff, type Audience } from '../timeline/wire.ts'
import {
  closeByUser,
  closeByVisitor,
  findLastMessage,
  findLastMessages,
  findRoom,
  findRoomFor,
  findServingIds,
  joinRoom,
  listRooms,
  mayRead,
  openRoom,
  type Room,
  type RoomColumn,
  type RoomFilter,
} from './rooms.ts'

/** The sortable fields of a room, by their names on the wire. */
const sortable: Readonly<Record<string, RoomColumn>> = {
  ts: 'openedAt',
  lm: 'lastMessageMs',
  closedAt: 'closedAt',
  fname: 'nameFolded',
  departmentId: 'departmentId',
  'servedBy.username': 'servedByUsername',
}

export const roomRoutes: Handlers<typeof rooms> = {
  'GET /livechat/room': async ({ read, transact }, { query, request }) => {
    const { token, rid, agentId } = query
    const { room: existing } = await findRoomFor(read, { token, roomId: rid })
    const source = request.isWidget ? { type: 'widget' as const, destination: request.host } : { type: 'api' as const }
    const { room, isNew } =
      existing !== undefined
        ? { room: existing, isNew: false }
        : await transact((tx) => openRoom(tx, { token, agentId, source }))
    return { room: await documentOf(read, room, { visitorToken: token }), newRoom: isNew }
  },
  'POST /livechat/room.close': async ({ read, transact }, { body }) => {
    const comment = await closeByVisitor(read, transact, { token: body.token, roomId: body.rid })
    return { rid: body.rid, comment }
  },
  'POST /livechat/room.closeByUser': async ({ read, transact }, { body, user }) => {
    await closeByUser(read, transact, user, { roomId: body.rid, comment: body.comment ?? '', tags: body.tags })
    return {}
  },
  'GET /livechat/room.join': async ({ transact }, { query, user }) => {
    await transact((tx) => joinRoom(tx, user, query.roomId))
    return {}
  },
  'GET /livechat/rooms': async ({ read }, { query, user }) => {
    const filter = filterOf(query)
    if (!user.can('view-livechat-rooms') && !isOwnList(query.agents, user)) throw new ApiError('unauthorized')
    const page = readPage(query, await readSettings(read), sortable, [{ column: 'openedAt', direction: 'desc' }])
    const agents = filter.agents && (await findServingIds(read, filter.agents))
    const { rooms: found, total } = await listRooms(read, { ...filter, agents }, page)
    const last = await findLastMessages(read, found)
    const documents = found.map((room) => roomToWire(room, last.get(room.id), staff))
    return { rooms: documents, count: documents.length, offset: page.offset, total }
  },
  'GET /rooms.info': async ({ read }, { query, user }) => {
    if (query.roomId === defaultChannel._id) return { room: defaultChannel }
    const room = await findReadable(read, user, query.roomId)
    if (room === undefined) throw new ApiError('room-not-allowed')
    return { room: await documentOf(read, room, staff) }
  },
  'GET /channels.info': async ({ read }, { query, user }) => {
    if (query.roomId === defaultChannel._id) return { channel: defaultChannel }
    const room = await findReadable(read, user, query.roomId)
    if (room === undefined) throw new ApiError('error-room-not-found')
    return { channel: await documentOf(read, room, staff) }
  },
}

async function documentOf(reader: Reader, room: Room, audience: Audience) {
  return roomToWire(room, await findLastMessage(reader, room), audience)
}

async function findReadable(reader: Reader, user: SignedIn, roomId: string): Promise<Room | undefined> {
  const room = await findRoom(reader, roomId)
  return room !== undefined && (await mayRead(reader, user, room)) ? room : undefined
}

function isOwnList(agents: readonly string[] | undefined, user: SignedIn): boolean {
  return agents?.length === 1 && agents[0] === user.id
}

interface ListQuery {
  agents?: string[]
  departmentId?: string
  open?: boolean
  queued?: boolean
  onhold?: boolean
  createdAt?: string
  closedAt?: string
  roomName?: string
  tags?: string[]
  customFields?: string
}

function filterOf(query: ListQuery): RoomFilter {
  const opened = rangeOf('createdAt', query.createdAt)
  const closed = rangeOf('closedAt', query.closedAt)
  return {
    agents: query.agents?.length === 0 ? undefined : query.agents,
    departmentId: query.departmentId,
    state: stateOf(query),
    openedFrom: opened.start,
    openedUntil: opened.end,
    closedFrom: closed.start,
    closedUntil: closed.end,
    name: query.roomName,
    asksForFields: asksForFields(query.customFields),
    tags: query.tags?.length === 0 ? undefined : query.tags,
  }
}

/** Whether a JSON map of custom fields asks for any. */
function asksForFields(text: string | undefined): boolean {
  if (text === undefined || text === '') return false
  const fields = parsedObject(text)
  if (fields === undefined) throw new ApiError('error-invalid-custom-fields-filter')
  return Object.keys(fields).length > 0
}

/** `queued` wins over `open`; `onhold` over both (contract §D.3). */
function stateOf({ open, queued, onhold }: ListQuery): RoomFilter['state'] {
  if (onhold === true) return 'on-hold'
  if (queued === true) return 'queued'
  if (open === undefined) return undefined
  return open ? 'served' : 'closed'
}

/** `{"start":…,"end":…}` as JSON text. */
function rangeOf(name: string, text: string | undefined): { start?: string; end?: string } {
  if (text === undefined) return {}
  const range: { start?: unknown; end?: unknown } | undefined = parsedObject(text)
  if (range === undefined)
    throw new ApiError('error-invalid-date-range', { reason: `The "${name}" query parameter must be a valid JSON.` })
  const at = (part: 'start' | 'end') => {
    const value = range[part]
    if (value === undefined || value === null) return undefined
    const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
    if (Number.isNaN(ms))
      throw new ApiError('error-invalid-date-range', {
        reason: `The "${name}.${part}" query parameter must be a valid date.`,
      })
    return new Date(ms).toISOString()
  }
  const start = at('start')
  const end = at('end')
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) }
}

function parsedObject(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
