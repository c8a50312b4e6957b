// Rooms and messages as they travel. A visitor's token stands only in answers to that visitor (promises A3), so it is
// an argument here and never part of what is stored with a message.
import type { Static } from 'typebox'
import type { Message as WireMessage } from '@deskbell/contract/entities/message.ts'
import type { Channel, Room as WireRoom } from '@deskbell/contract/entities/room.ts'
import type { Loose } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readFields } from '../custom-fields/custom-fields.ts'
import { readSettings } from '../settings/settings.ts'
import { withoutAgents } from './hidden-agents.ts'
import { findUrls } from './urls.ts'
import type { Message, Room } from './timeline.ts'

// What the wire says of a room without priority and service level (contract §B.2, §B.3).
export const NO_PRIORITY = 99
export const NO_ESTIMATE = 9_999_999

/** For whom a document is made: the visitor whose token this is, or staff. */
export interface Audience {
  visitorToken?: string
  /** Tells of agents only that there are some. */
  hidesAgents?: boolean
  /** Custom fields that are not shown. */
  hiddenFields?: ReadonlySet<string>
  /** Answers the address under which this reader finds a file, without further credentials. */
  addressOf?: (file: { id: string; path: string }) => string
}

export const staff: Audience = {}

/** The visitor of a token as a reader, who sees of agents and fields what the administrator shows. */
export async function visitorAudience(reader: Reader, visitorToken: string): Promise<Audience> {
  const { Livechat_show_agent_info: showsAgents } = await readSettings(reader)
  const hidden = (await readFields(reader)).filter(({ visibility }) => visibility === 'hidden')
  return { visitorToken, hidesAgents: !showsAgents, hiddenFields: new Set(hidden.map(({ id }) => id)) }
}

/** A message as its reader may see it (contract §B.4). */
export function messageToWire(whole: Message, audience: Audience): Loose<Static<typeof WireMessage>> {
  const { visitorToken, addressOf, hidesAgents } = audience
  const message = hidesAgents === true ? withoutAgents(whole) : whole
  const { author, type, edited } = message
  const isVisitors = author.kind === 'visitor'
  return {
    _id: message.id,
    rid: message.roomId,
    msg: message.text,
    ts: message.sentAt,
    u: { _id: author.id, username: author.username, name: author.name },
    ...(isVisitors && { token: visitorToken, alias: author.name }),
    ...(type === undefined ? bodyOf(message) : { t: type, ...(isVisitors && { groupable: false }) }),
    ...message.extra,
    ...(addressOf !== undefined && fileToWire(message.extra, addressOf)),
    ...(edited !== undefined && {
      editedAt: edited.at,
      editedBy: { _id: edited.by.id, username: edited.by.username },
    }),
    seq: message.seq,
    _updatedAt: message.updatedAt,
  }
}

/** Where the file of a message is read (contract A.20); nothing for a message without one. */
function fileToWire(extra: Message['extra'], addressOf: NonNullable<Audience['addressOf']>) {
  const { file, attachments } = (extra ?? {}) as CarriedFile
  const shown = attachments?.find(({ title_link }) => title_link !== undefined)
  if (file === undefined || shown?.title_link === undefined) return {}
  const size = shown.image_size ?? shown.audio_size ?? shown.video_size ?? shown.size ?? 0
  const publicFilePath = addressOf({ id: file._id, path: shown.title_link })
  return { fileUpload: { publicFilePath, type: file.type, size } }
}

/** What areas/files writes into a message. */
interface CarriedFile {
  file?: { _id: string; type: string }
  attachments?: {
    title_link?: string
    image_size?: number
    audio_size?: number
    video_size?: number
    size?: number
  }[]
}

function bodyOf({ text, tree }: Message) {
  return { urls: findUrls(text), mentions: [], channels: [], md: tree ?? plainTree(text) }
}

/** What the parser makes of a text without markup; other texts are stored with their tree. */
export function plainTree(text: string) {
  return text === '' ? [] : [{ type: 'PARAGRAPH', value: [{ type: 'PLAIN_TEXT', value: text }] }]
}

/** A room as its reader may see it (contract §B.2). */
export function roomToWire(
  room: Room,
  lastMessage: Message | undefined,
  audience: Audience,
): Loose<Static<typeof WireRoom>> {
  const { visitor, closed, servedBy } = room
  return {
    _id: room.id,
    t: 'l',
    fname: visitor.name ?? visitor.username,
    v: {
      _id: visitor.id,
      username: visitor.username,
      token: audience.visitorToken,
      status: visitor.status,
      name: visitor.name,
      lastMessageTs: visitor.spokeAt,
      activity: visitor.activity,
      contactId: visitor.contactId,
    },
    ts: room.openedAt,
    lm: room.lastMessageAt,
    msgs: room.messageCount,
    usersCount: room.memberCount,
    ...(closed === undefined && { open: true as const }),
    cl: false,
    ro: false,
    sysMes: true,
    default: false,
    source: room.source,
    departmentId: room.departmentId,
    servedBy: servedBy && { ...agentToWire(servedBy, audience), ts: servedBy.at },
    queuedAt: room.queuedAt,
    ...responseToWire(room, audience),
    ...stateToWire(room),
    surveyFeedback: room.survey,
    lastMessage: lastMessage && messageToWire(lastMessage, audience),
    callStatus: room.callStatus,
    ...(audience.visitorToken === undefined && notesToWire(room)),
    livechatData: shownFields(room.fields, audience),
    priorityWeight: NO_PRIORITY,
    estimatedWaitingTimeQueue: NO_ESTIMATE,
    ...(audience.visitorToken === undefined && requestToWire(room)),
    metrics: metricsToWire(room),
    ...closingToWire(room, audience),
    _updatedAt: room.updatedAt,
  }
}

/** A member of the staff, who may not always be named to visitors (`Livechat_show_agent_info`). */
export function agentToWire(agent: { id: string; username: string }, { hidesAgents }: Audience) {
  return { _id: agent.id, ...(hidesAgents !== true && { username: agent.username }) }
}

/** The custom fields that a reader may see; `undefined` for none. */
export function shownFields(
  fields: Readonly<Record<string, string>> | undefined,
  { hiddenFields }: Audience,
): Record<string, string> | undefined {
  const shown = Object.entries(fields ?? {}).filter(([id]) => hiddenFields?.has(id) !== true)
  return shown.length === 0 ? undefined : Object.fromEntries(shown)
}

/** What agents note of a conversation among themselves. */
function notesToWire({ topic, tags }: Room) {
  return { topic, ...(tags.length > 0 && { tags }) }
}

/** Whether the visitor waits for an answer, and who gave the latest. */
function responseToWire({ isWaitingResponse, response }: Room, audience: Audience) {
  return {
    ...(isWaitingResponse && { waitingResponse: true as const }),
    responseBy: response && {
      ...agentToWire(response.by, audience),
      firstResponseTs: response.firstAt,
      lastMessageTs: response.lastAt,
    },
  }
}

/** What time does to a room. */
function stateToWire({ isOnHold, abandonsAt, autoTransferredAt }: Room) {
  return {
    ...(isOnHold && { onHold: true as const }),
    ...(abandonsAt !== undefined && { omnichannel: { predictedVisitorAbandonmentAt: abandonsAt } }),
    autoTransferredAt,
  }
}

/** The transcript that staff asked for: it has an address that is not the visitor's to know. */
function requestToWire({ transcriptRequest }: Room) {
  return transcriptRequest !== undefined && 'email' in transcriptRequest ? { transcriptRequest } : {}
}

/** The default channel that clients of the wire expect; it never changes. */
export const defaultChannel: Static<typeof Channel> = {
  _id: 'GENERAL',
  t: 'c',
  name: 'general',
  fname: 'general',
  ts: '2026-01-01T00:00:00.000Z',
  msgs: 0,
  usersCount: 0,
  ro: true,
  sysMes: true,
  default: true,
  _updatedAt: '2026-01-01T00:00:00.000Z',
}

/** How a room ended. */
function closingToWire({ closed }: Room, audience: Audience) {
  if (closed === undefined) return {}
  const { at, by, closer } = closed
  return { closedAt: at, closedBy: agentToWire(by, closer === 'visitor' ? staff : audience), closer }
}

/** How fast the visitor was answered, and for how many seconds a closed room lasted and was served (contract §B.9). */
function metricsToWire({ metrics, closed, openedAt, servedBy }: Room) {
  const { askedAt, repliedAt, response, reaction } = metrics
  const lasted = (since: string) =>
    closed === undefined ? undefined : (Date.parse(closed.at) - Date.parse(since)) / 1_000
  const numbers = {
    v: askedAt === undefined ? undefined : { lq: askedAt },
    servedBy: repliedAt === undefined ? undefined : { lr: repliedAt },
    response: response && {
      avg: response.seconds / response.count,
      total: response.count,
      tt: response.seconds,
      ft: response.firstSeconds,
      fd: response.firstAt,
    },
    reaction: reaction && { tt: reaction.seconds, ft: reaction.firstSeconds, fd: reaction.firstAt },
    chatDuration: lasted(openedAt),
    serviceTimeDuration: servedBy && lasted(servedBy.at),
    visitorInactivity: metrics.inactivitySeconds,
  }
  return Object.values(numbers).some((value) => value !== undefined) ? numbers : undefined
}
