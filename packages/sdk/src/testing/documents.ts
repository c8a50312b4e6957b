// What is true, as it travels: the same keys as the server's documents, which packages/server/src/fake-server.test.ts holds
// against each other.
import type { Contract } from '@deskbell/contract/contract.ts'
import type { Output } from '@deskbell/contract/operation.ts'
import type { Agent, Message, Room, Visitor } from '../answers.ts'
import {
  isThere,
  lastMessageOf,
  personOf,
  type DeskAgent,
  type DeskMessage,
  type DeskRoom,
  type DeskVisitor,
} from './desk-model.ts'

export type Inquiry = Output<Contract['GET /livechat/inquiries.queuedForUser']>['inquiries'][number]
type Account = Output<Contract['GET /me']>
type User = Omit<Account, 'avatarUrl'>
type Listed = Output<Contract['GET /livechat/users/:type']>['users'][number]
type Subscription = Output<Contract['GET /subscriptions.get']>['update'][number]

/** For whom a document is made: its visitor, who is shown the own token, or the staff. */
export type Reader = 'visitor' | 'staff'

const NO_PRIORITY = 99
const NO_ESTIMATE = 9_999_999

/** What is not there has no key. */
function present<Value>(key: string, value: Value | undefined): Record<string, Value> {
  return value === undefined ? {} : { [key]: value }
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

function timeIf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : timeOf(ms)
}

export function visitorDocument(visitor: DeskVisitor): Visitor {
  const { name, email, phone, departmentId, lastChat, answeredMs } = visitor
  return {
    _id: visitor.id,
    username: visitor.username,
    token: visitor.token,
    ...present('name', name),
    status: visitor.status,
    ts: timeOf(visitor.registeredMs),
    _updatedAt: timeOf(visitor.updatedMs),
    ...present('phone', phone === undefined ? undefined : [{ phoneNumber: phone }]),
    ...present('visitorEmails', email === undefined ? undefined : [{ address: email }]),
    ...present('department', departmentId),
    contactId: `contact-of-${visitor.id}`,
    ...activityOf(answeredMs),
    ...present('lastChat', lastChat && { _id: lastChat.roomId, ts: timeOf(lastChat.ms) }),
  }
}

export function agentDocument({ id, name, username, status }: DeskAgent): Agent {
  return { _id: id, name, username, status, emails: [emailOf(username)] }
}

function emailOf(username: string): { address: string; verified: boolean } {
  return { address: `${username}@example.org`, verified: false }
}

export function messageDocument(message: DeskMessage, room: DeskRoom, reader: Reader): Message {
  const { author, type, edited } = message
  const isVisitors = author.kind === 'visitor'
  return {
    _id: message.id,
    rid: message.roomId,
    msg: message.text,
    ts: timeOf(message.sentMs),
    u: { _id: author.id, username: author.username, ...present('name', author.name) },
    ...(isVisitors && present('token', reader === 'visitor' ? room.visitor.token : undefined)),
    ...(isVisitors && present('alias', author.name)),
    ...(type === undefined ? bodyOf(message.text) : { t: type, ...(isVisitors && { groupable: false }) }),
    ...message.extra,
    ...(edited !== undefined && {
      editedAt: timeOf(edited.ms),
      editedBy: { _id: edited.by.id, username: edited.by.username },
    }),
    seq: message.seq,
    _updatedAt: timeOf(message.updatedMs),
  }
}

/** A text without markup, as a tree. */
export function treeOf(text: string) {
  return [{ type: 'PARAGRAPH', value: [{ type: 'PLAIN_TEXT', value: text }] }]
}

function bodyOf(text: string): Pick<Message, 'urls' | 'mentions' | 'channels' | 'md'> {
  return { urls: [], mentions: [], channels: [], md: text === '' ? [] : treeOf(text) }
}

export function roomDocument(room: DeskRoom, reader: Reader): Room {
  const { visitor, servedBy, closed } = room
  const last = lastMessageOf(room)
  return {
    _id: room.id,
    t: 'l',
    fname: visitor.name ?? visitor.username,
    v: roomVisitor(room, reader),
    ts: timeOf(room.openedMs),
    lm: timeOf(last?.sentMs ?? room.openedMs),
    msgs: room.messages.filter(({ deletedMs }) => deletedMs === undefined).length,
    usersCount: servedBy === undefined ? 1 : 2,
    ...(closed === undefined && { open: true as const }),
    cl: false,
    ro: false,
    sysMes: true,
    default: false,
    source: { type: 'api' },
    ...present('departmentId', room.departmentId),
    ...(servedBy !== undefined && {
      servedBy: { _id: servedBy.agent.id, username: servedBy.agent.username, ts: timeOf(servedBy.ms) },
    }),
    ...present('queuedAt', timeIf(room.queuedMs)),
    ...responseOf(room),
    ...(Object.keys(room.survey).length > 0 && { surveyFeedback: room.survey }),
    ...present('lastMessage', last && messageDocument(last, room, reader)),
    priorityWeight: NO_PRIORITY,
    estimatedWaitingTimeQueue: NO_ESTIMATE,
    ...metricsOf(room),
    ...closingOf(room),
    _updatedAt: timeOf(room.updatedMs),
  }
}

/** The months in which an agent answered. */
function activityOf(answeredMs: number | undefined): { activity?: string[] } {
  return answeredMs === undefined ? {} : { activity: [timeOf(answeredMs).slice(0, 7)] }
}

function roomVisitor(room: DeskRoom, reader: Reader): Room['v'] {
  const { visitor, spokeMs } = room
  return {
    _id: visitor.id,
    username: visitor.username,
    ...present('token', reader === 'visitor' ? visitor.token : undefined),
    status: visitor.status,
    ...activityOf(room.firstResponseMs),
    ...present('name', visitor.name),
    ...present('lastMessageTs', timeIf(spokeMs)),
    contactId: `contact-of-${visitor.id}`,
  }
}

function responseOf({ isWaitingResponse, response }: DeskRoom): Pick<Room, 'waitingResponse' | 'responseBy'> {
  return {
    ...(isWaitingResponse && { waitingResponse: true as const }),
    ...(response !== undefined && {
      responseBy: {
        _id: response.by.id,
        username: response.by.username,
        firstResponseTs: timeOf(response.firstMs),
        lastMessageTs: timeOf(response.lastMs),
      },
    }),
  }
}

function metricsOf(room: DeskRoom): Pick<Room, 'metrics'> {
  const { askedMs, repliedMs, firstResponseMs, closed, openedMs, servedBy } = room
  const seconds = ((firstResponseMs ?? openedMs) - openedMs) / 1_000
  const metrics = {
    ...(askedMs !== undefined && { v: { lq: timeOf(askedMs) } }),
    ...(repliedMs !== undefined && { servedBy: { lr: timeOf(repliedMs) } }),
    ...(firstResponseMs !== undefined && {
      response: { avg: seconds, total: 1, tt: seconds, ft: seconds, fd: timeOf(firstResponseMs) },
      reaction: { tt: seconds, ft: seconds, fd: timeOf(firstResponseMs) },
    }),
    ...(closed !== undefined && { chatDuration: (closed.ms - openedMs) / 1_000 }),
    ...(closed !== undefined && servedBy !== undefined && { serviceTimeDuration: (closed.ms - servedBy.ms) / 1_000 }),
    ...present('visitorInactivity', silenceOf(room)),
  }
  return Object.keys(metrics).length === 0 ? {} : { metrics }
}

/** How long the visitor had been silent when the agent ended it, in seconds; counted as the server counts. */
function silenceOf({ closed, isWaitingResponse, response, spokeMs }: DeskRoom): number | undefined {
  if (closed?.by.kind !== 'user' || isWaitingResponse || spokeMs === undefined || response === undefined)
    return undefined
  return (closed.ms - response.firstMs) / 1_000
}

function closingOf({ closed }: DeskRoom): Pick<Room, 'closedAt' | 'closedBy' | 'closer'> {
  if (closed === undefined) return {}
  const { id, username, kind } = closed.by
  return { closedAt: timeOf(closed.ms), closedBy: { _id: id, username }, closer: kind }
}

/** A room in the queue. Only lists that agents read tell what was said last. */
export function inquiryDocument(room: DeskRoom, { withLast }: { withLast: boolean }): Inquiry {
  const { visitor, takenMs, queuedMs } = room
  const last = withLast ? lastMessageOf(room) : undefined
  return {
    _id: room.inquiryId,
    rid: room.id,
    name: visitor.name ?? visitor.username,
    ts: timeOf(room.openedMs),
    t: 'l',
    message: '',
    status: takenMs === undefined ? 'queued' : 'taken',
    ...present('department', room.departmentId),
    v: {
      _id: visitor.id,
      username: visitor.username,
      status: visitor.status,
      ...activityOf(room.firstResponseMs),
    },
    ...present('lastMessage', last && messageDocument(last, room, 'staff')),
    source: { type: 'api' },
    ...(takenMs === undefined ? present('queuedAt', timeIf(queuedMs)) : { takenAt: timeOf(takenMs) }),
    priorityWeight: NO_PRIORITY,
    estimatedWaitingTimeQueue: NO_ESTIMATE,
    _updatedAt: timeOf(room.updatedMs),
  }
}

/** A member of the staff, to that person. */
export function userDocument(agent: DeskAgent): User {
  return {
    ...personOf(agent),
    type: 'user',
    active: true,
    status: agent.status,
    statusText: agent.statusText,
    utcOffset: 0,
    statusConnection: agent.status,
    statusDefault: agent.status,
    statusLivechat: agent.isAvailable ? 'available' : 'not-available',
    operator: isThere(agent),
    livechatStatusSystemModified: false,
    emails: [emailOf(agent.username)],
    roles: ['livechat-agent', ...(agent.isManager ? ['livechat-manager'] : []), 'user'],
    settings: { preferences: {} },
    customFields: {},
    createdAt: timeOf(agent.updatedMs),
    _updatedAt: timeOf(agent.updatedMs),
  }
}

/** The same in answer to a sign-in. */
export function accountDocument(agent: DeskAgent): Account {
  return { ...userDocument(agent), avatarUrl: `/avatar/${encodeURIComponent(agent.username)}` }
}

/** An agent among others. */
export function listedDocument(agent: DeskAgent): Listed {
  return {
    ...personOf(agent),
    status: agent.status,
    statusLivechat: agent.isAvailable ? 'available' : 'not-available',
    emails: [emailOf(agent.username)],
    departments: [],
  }
}

/** An agent’s place in a room. */
export function subscriptionDocument(room: DeskRoom, agent: DeskAgent): Subscription {
  const { visitor } = room
  const name = visitor.name ?? visitor.username
  return {
    _id: room.id + agent.id,
    rid: room.id,
    t: 'l',
    u: personOf(agent),
    name,
    fname: name,
    lowerCaseName: name.toLowerCase(),
    lowerCaseFName: name.toLowerCase(),
    v: { _id: visitor.id, username: visitor.username, status: visitor.status },
    ...present('department', room.departmentId),
    open: true,
    alert: room.unread > 0,
    unread: room.unread,
    userMentions: 0,
    groupMentions: 0,
    desktopNotifications: 'all',
    mobilePushNotifications: 'all',
    emailNotifications: 'all',
    ts: timeOf(room.servedBy?.ms ?? room.openedMs),
    ...present('ls', timeIf(room.readMs)),
    _updatedAt: timeOf(room.updatedMs),
  }
}
