// Which stream somebody may listen to (contract §C.14.1, promises A30).
import type { SignedIn } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { wireError, type WireError } from '../../realtime/ddp.ts'
import type { Place, Subscribed } from '../../realtime/connection.ts'
import { findEnabled } from '../routing/routing.ts'
import { findRoom, mayRead, type Room } from '../rooms/rooms.ts'
import { findInquiry, listDepartmentIdsOf } from '../routing/routing.ts'
import { findVisitor } from '../visitors/visitors.ts'
import { DESK, WHOLE_DESK } from './desk-feed.ts'

/** The stream that bots listen to instead of naming rooms; every user has a key of their own behind it. */
export const MY_MESSAGES = '__my_messages__'
/** Its name in the hub. */
export const MINE = 'my-messages'

/** The queue as consoles show it. */
export const QUEUE = 'livechat-inquiry-queue-observer'
/** Its `public` key for those who may not see all of it: every user has a key of their own behind it. */
export const QUEUE_OF_AGENT = 'queue-of-agent'

/** Presence of people whom a client names one by one. */
export const USER_PRESENCE = 'user-presence'

/** What is told of a room beside its messages: each room has a key of `notify-room` for each of them. */
export const notices = [
  'deleteMessage',
  'user-activity',
  'typing',
  'messagesRead',
  'deleteMessageBulk',
  'webrtc',
  'call',
] as const

const refused: { refused: WireError } = { refused: wireError('not-allowed') }

/** What a subscription asks for. */
interface Asked {
  stream: string
  key: string
  /** `token` opens what a visitor may also see later, `visitorToken` what only a chat that is open shows. */
  extra: { token?: unknown; visitorToken?: unknown }
  /** Whom a client of `user-presence` wants to hear of from now on, and whom no more. */
  watched: { added: readonly string[]; removed: readonly string[] }
  /** Old libraries want a collection before they take in what changes in it. */
  wantsCollection: boolean
}

/** What clients of Meteor's own streams ask for, where there is nothing to tell. */
const silent: ReadonlySet<string> = new Set(['meteor.loginServiceConfiguration', 'meteor_autoupdate_clientVersions'])

/** Where a subscription leads, or why nowhere. `findCaller` tells who signed in on the socket. */
export async function findPlace(
  reader: Reader,
  findCaller: () => Promise<SignedIn | undefined>,
  { name, params }: { name: string; params: readonly unknown[] },
): Promise<Subscribed> {
  if (silent.has(name)) return 'nothing'
  const asked = readAsked(name, params)
  if (asked === undefined) return { refused: wireError(404, `Subscription '${name}' not found`) }
  if (asked.key === '' && asked.stream !== USER_PRESENCE) return { refused: wireError('invalid-event-name') }
  // The name is a client's own word: it must not reach what every object has.
  const decide = Object.hasOwn(streams, asked.stream) ? streams[asked.stream] : undefined
  if (decide === undefined) return { refused: wireError(404, `Subscription '${name}' not found`) }
  const place = await decide(reader, findCaller, asked)
  if (place === undefined) return refused
  if (place === 'nothing') return 'nothing'
  return asked.wantsCollection ? { place, before: collectionOf(asked) } : { place }
}

function collectionOf({ stream, key }: Asked): string {
  return JSON.stringify({ msg: 'added', collection: `stream-${stream}`, id: 'id', fields: { eventName: key } })
}

function readAsked(name: string, params: readonly unknown[]): Asked | undefined {
  if (!name.startsWith('stream-')) return undefined
  const [key, options] = params
  const { args, useCollection, added, removed } = (typeof options === 'object' && options !== null ? options : {}) as {
    args?: unknown
    useCollection?: unknown
    added?: unknown
    removed?: unknown
  }
  const first: unknown = Array.isArray(args) ? args[0] : undefined
  return {
    stream: name.slice('stream-'.length),
    key: typeof key === 'string' ? key : '',
    extra: typeof first === 'object' && first !== null ? first : {},
    watched: { added: textsIn(added), removed: textsIn(removed) },
    wantsCollection: options === true || useCollection === true,
  }
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

type Decide = (
  reader: Reader,
  findCaller: () => Promise<SignedIn | undefined>,
  asked: Asked,
) => Promise<Place | 'nothing' | undefined>

const streams: Readonly<Record<string, Decide>> = {
  'room-messages': async (reader, findCaller, { stream, key, extra }) => {
    if (key === MY_MESSAGES) {
      const user = await findCaller()
      return user === undefined ? 'nothing' : { stream: MINE, key: user.id, audience: 'staff' }
    }
    if (extra.visitorToken === undefined) return roomForStaff(reader, findCaller, { stream, key }, key)
    const room = await findRoomOf(reader, key, extra.visitorToken)
    // With the chat the right to hear it ends; what was said is read as history.
    if (room === undefined || room.closed !== undefined) return undefined
    return { stream, key, audience: 'visitor', visitorToken: extra.visitorToken as string }
  },
  'livechat-room': async (reader, _findCaller, { stream, key, extra }) => {
    const room = await findRoomOf(reader, key, extra.visitorToken)
    return room && { stream, key, audience: 'visitor', visitorToken: extra.visitorToken as string }
  },
  'notify-room': async (reader, findCaller, { stream, key, extra }) => {
    const [roomId = '', event = '', ...rest] = key.split('/')
    if (!notices.some((each) => each === event) || rest.length > 0) return undefined
    if (extra.token === undefined || extra.token === null)
      return roomForStaff(reader, findCaller, { stream, key }, roomId)
    const room = await findRoomOf(reader, roomId, extra.token)
    return room && { stream, key, audience: 'visitor', visitorToken: extra.token as string }
  },
  // Only departments that take chats: so no made-up key costs anything, and none tells which exist (promises A24).
  [DESK]: async (reader, _findCaller, { stream, key }) =>
    key === WHOLE_DESK || (await findEnabled(reader, key)) !== undefined
      ? { stream, key, audience: 'visitor' }
      : undefined,
  'room-data': (reader, findCaller, { stream, key }) => roomForStaff(reader, findCaller, { stream, key }, key),
  [QUEUE]: async (reader, findCaller, { key }) => {
    const user = await findCaller()
    return user?.can('view-l-room') === true ? placeInQueue(reader, user, key) : undefined
  },
  'notify-user': async (_reader, findCaller, { stream, key }) => {
    const user = await findCaller()
    return user !== undefined && key.startsWith(`${user.id}/`) ? { stream, key, audience: 'staff' } : undefined
  },
  'notify-logged': async (_reader, findCaller, { stream, key }) => {
    const user = await findCaller()
    const seesSettings = settingsRights.some((right) => user?.can(right))
    if (user === undefined || (key === 'private-settings-changed' && !seesSettings)) return undefined
    return { stream, key, audience: 'staff' }
  },
  'notify-all': async (_reader, findCaller, { stream, key }) =>
    (await findCaller()) === undefined ? undefined : { stream, key, audience: 'staff' },
  [USER_PRESENCE]: async (_reader, findCaller, { stream, key, watched }) =>
    (await findCaller()) === undefined ? undefined : { stream, key, audience: 'staff', watched },
}

const settingsRights = ['view-privileged-setting', 'edit-privileged-setting', 'manage-selected-settings']

/** Managers see the whole queue; others what they might be given (contract §D.8, `inquiries.list` and `inquiries.queuedForUser`). */
async function placeInQueue(reader: Reader, user: SignedIn, key: string): Promise<Place | undefined> {
  const place: Place = { stream: QUEUE, key, audience: 'staff' }
  if (user.can('view-livechat-manager')) return place
  if (key === 'public') return { ...place, stream: QUEUE_OF_AGENT, key: user.id }
  const departmentIds = await listDepartmentIdsOf(reader, user.id, { enabledOnly: true })
  const [, named] = /^department\/(.+)$/.exec(key) ?? []
  if (named !== undefined) return departmentIds.includes(named) ? place : undefined
  return (await isEntryInSight(reader, user, key, departmentIds)) ? place : undefined
}

/** Whether somebody may look at one chat of the queue: it may be given to that agent, or is one to read. */
async function isEntryInSight(
  reader: Reader,
  user: SignedIn,
  inquiryId: string,
  departmentIds: readonly string[],
): Promise<boolean> {
  const inquiry = await findInquiry(reader, inquiryId)
  const room = inquiry && (await findRoom(reader, inquiry.roomId))
  if (inquiry === undefined || room === undefined) return false
  const { departmentId, defaultAgent, status } = inquiry
  const isOpenTo = departmentId === undefined || departmentIds.includes(departmentId) || defaultAgent?.id === user.id
  return (status === 'queued' && isOpenTo) || (await mayRead(reader, user, room))
}

async function roomForStaff(
  reader: Reader,
  findCaller: () => Promise<SignedIn | undefined>,
  { stream, key }: { stream: string; key: string },
  roomId: string,
): Promise<Place | undefined> {
  const user = await findCaller()
  const room = user && (await findRoom(reader, roomId))
  if (user === undefined || room === undefined || !(await mayRead(reader, user, room))) return undefined
  return { stream, key, audience: 'staff' }
}

/** The room of the visitor whose token this is; a foreign one and none are the same. */
export async function findRoomOf(reader: Reader, roomId: string, token: unknown): Promise<Room | undefined> {
  if (typeof token !== 'string' || token === '') return undefined
  const visitor = await findVisitor(reader, token)
  const room = visitor && (await findRoom(reader, roomId))
  return room?.visitor.id === visitor?.id ? room : undefined
}
