import type { rooms } from '@deskbell/contract/areas/rooms.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers, SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readPage } from '../../page.ts'
import { checkFields } from '../custom-fields/custom-fields.ts'
import { findDepartmentNames } from '../departments/departments.ts'
import { withOutside } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { defaultChannel, roomToWire, staff, visitorAudience, type Audience } from '../timeline/wire.ts'
import {
  closeByUser,
  closeByVisitor,
  findLastMessage,
  findLastMessages,
  findRoom,
  findRoomFor,
  findServingIds,
  holdByUser,
  joinRoom,
  listRooms,
  listSources,
  mayRead,
  openRoom,
  rateRoom,
  removeClosedRooms,
  removeRoom,
  requireEditableRoom,
  resumeByUser,
  saveDetails,
  type Details,
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
  'GET /livechat/room': async (context, { query, request }) => {
    const { read, config } = context
    const { token } = query
    const [roomId, agentId] = [query.rid || undefined, query.agentId || undefined]
    const { room: existing } = await findRoomFor(read, { token, roomId })
    const source = request.isWidget ? { type: 'widget' as const, destination: request.host } : { type: 'api' as const }
    const from = { address: request.address, isLimited: config.http.rateLimits }
    const { room, isNew } =
      existing !== undefined
        ? { room: existing, isNew: false }
        : await withOutside(context, (tx, outside) => openRoom(tx, { token, agentId, source, ...from }, outside))
    return { room: await documentOf(read, room, await visitorAudience(read, token)), newRoom: isNew }
  },
  'POST /livechat/room.close': async ({ read, transact }, { body }) => {
    const comment = await closeByVisitor(read, transact, { token: body.token, roomId: body.rid })
    return { rid: body.rid, comment }
  },
  'POST /livechat/room.closeByUser': async ({ read, transact }, { body, user }) => {
    const { rid, comment = '', tags, transcriptEmail } = body
    const transcript = transcriptEmail && (transcriptEmail.sendToVisitor ? transcriptEmail.requestData : 'none')
    await closeByUser(read, transact, user, { roomId: rid, comment, tags, transcript })
    return {}
  },
  'POST /livechat/room.survey': async ({ transact }, { body }) => {
    const { rid, token } = body
    return { rid, data: await transact((tx) => rateRoom(tx, { token, roomId: rid }, body.data)) }
  },
  'POST /livechat/room.saveInfo': async ({ read, transact, patterns }, { body, user }) => {
    const { guestData, roomData } = body
    await requireEditableRoom(read, user, roomData._id)
    const mayEditFields = user.can('edit-livechat-room-customfields')
    const details: Details = {
      guest: {
        id: guestData._id,
        name: guestData.name ?? undefined,
        email: guestData.email ?? undefined,
        phone: guestData.phone ?? undefined,
      },
      topic: roomData.topic ?? undefined,
      tags: roomData.tags ?? undefined,
      guestFields: mayEditFields ? await checkFields(read, patterns, 'visitor', guestData.livechatData ?? {}) : {},
      roomFields: await checkFields(read, patterns, 'room', roomData.livechatData ?? {}),
    }
    await transact((tx) => saveDetails(tx, user, roomData._id, details))
    return {}
  },
  'POST /livechat/rooms.delete': async ({ transact }, { body }) => {
    if (body.roomId === defaultChannel._id) throw new ApiError('error-this-is-not-a-livechat-room')
    await transact((tx) => removeRoom(tx, body.roomId))
    return {}
  },
  'POST /livechat/rooms.removeAllClosedRooms': async ({ transact, clock }, { body }) => ({
    removedRooms: await removeClosedRooms(transact, { departmentIds: body.departmentIds, nowMs: clock() }),
  }),
  'GET /livechat/rooms/filters': async ({ scan }) => ({
    filters: (await listSources(scan)).map((type) => ({ type })),
  }),
  'POST /livechat/room.onHold': async ({ transact }, { body, user }) => {
    await transact((tx) => holdByUser(tx, user, body.roomId))
    return {}
  },
  'POST /livechat/room.resumeOnHold': async ({ transact }, { body, user }) => {
    if (body.roomId.trim() === '') throw new ApiError('invalid-param')
    await transact((tx) => resumeByUser(tx, user, body.roomId))
    return {}
  },
  'GET /livechat/room.join': async ({ transact }, { query, user }) => {
    await transact((tx) => joinRoom(tx, user, query.roomId))
    return {}
  },
  'GET /livechat/rooms': async ({ read, scan }, { query, user }) => {
    const filter = filterOf(query)
    if (!mayList(query.agents, user)) throw new ApiError('unauthorized')
    const page = readPage(query, await readSettings(read), sortable, [{ column: 'openedAt', direction: 'desc' }])
    const agents = filter.agents && (await findServingIds(scan, filter.agents))
    const { rooms: found, total } = await listRooms(scan, { ...filter, agents }, page)
    const last = await findLastMessages(read, found)
    const names = await findDepartmentNames(
      read,
      found.flatMap(({ departmentId }) => departmentId ?? []),
    )
    const documents = found.map((room) => ({
      ...roomToWire(room, last.get(room.id), staff),
      department: departmentToWire(room, names),
    }))
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

/** Everybody's chats, or those that one serves oneself. */
function mayList(agents: readonly string[] | undefined, user: SignedIn): boolean {
  if (user.can('view-livechat-rooms')) return true
  return user.can('view-l-room') && agents?.length === 1 && agents[0] === user.id
}

function departmentToWire({ departmentId }: Room, names: ReadonlyMap<string, string>) {
  const name = departmentId === undefined ? undefined : names.get(departmentId)
  return departmentId === undefined || name === undefined ? undefined : { _id: departmentId, name }
}

interface ListQuery {
  agents?: string[]
  departmentId?: string | string[]
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
    departmentIds: departmentIdsOf(query.departmentId),
    state: stateOf(query),
    openedFrom: opened.start,
    openedUntil: opened.end,
    closedFrom: closed.start,
    closedUntil: closed.end,
    name: query.roomName,
    fields: fieldsOf(query.customFields),
    tags: query.tags?.length === 0 ? undefined : query.tags,
  }
}

/** One department may be asked for without a list. */
function departmentIdsOf(asked: string | string[] | undefined): string[] | undefined {
  const ids = typeof asked === 'string' ? [asked] : asked
  return ids?.length === 0 ? undefined : ids
}

/** The custom fields that a JSON map asks for. */
function fieldsOf(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined || text === '') return undefined
  const fields = parsedObject(text)
  if (fields === undefined) throw new ApiError('error-invalid-custom-fields-filter')
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]))
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
