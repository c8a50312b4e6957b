// What visitors can ask for over HTTP.
import type { Contract } from '@deskbell/contract/contract.ts'
import type { Desk } from './desk.ts'
import { visitorAuthor, type DeskMessage, type DeskRoom, type DeskVisitor } from './desk-model.ts'
import { agentDocument, messageDocument, roomDocument, timeOf, visitorDocument } from './documents.ts'
import { carriedFile } from './files.ts'
import type { Table } from './operation.ts'
import { changesSince, historyOf } from './reading.ts'
import { bare, forbidden, noFile, withCode } from './refusal.ts'
import { surveyItems, surveyValues, widgetTexts } from './widget-texts.ts'

type VisitorKey = Extract<
  keyof Contract,
  | 'GET /livechat/config'
  | 'POST /livechat/visitor'
  | 'GET /livechat/visitor/:token'
  | 'POST /livechat/visitor.status'
  | 'POST /livechat/page.visited'
  | 'GET /livechat/room'
  | 'POST /livechat/room.close'
  | 'POST /livechat/room.survey'
  | 'POST /livechat/message'
  | 'GET /livechat/message/:_id'
  | 'PUT /livechat/message/:_id'
  | 'DELETE /livechat/message/:_id'
  | 'GET /livechat/messages.history/:rid'
  | 'GET /livechat/messages.sync/:rid'
  | 'GET /livechat/agent.info/:rid/:token'
  | 'POST /livechat/upload/:rid'
>

/** The operations of visitors on a desk. */
export function visitorOperations(desk: Desk): Table<VisitorKey> {
  return { ...acquaintance(desk), ...conversation(desk), ...saying(desk), ...reading(desk) }
}

function acquaintance(desk: Desk) {
  return {
    'GET /livechat/config': {
      answer: ({ query: { token } }) => ({ config: configOf(desk, token ?? undefined) }),
    },
    'POST /livechat/visitor': {
      requires: ['visitor'],
      answer: ({ body: { visitor } }) => {
        if (visitor.token === '') throw withCode('error-invalid-token', 'Token cannot be empty')
        const department = desk.options.departments.find(
          ({ _id, name }) => _id === visitor.department || name === visitor.department,
        )
        if (visitor.department && department === undefined)
          throw withCode('error-invalid-department', 'The department is invalid')
        const { name, email, phone } = visitor
        const known = desk.register(visitor.token, {
          name: name ?? undefined,
          email: email ?? undefined,
          phone: phone ?? undefined,
          departmentId: department?._id,
        })
        return { visitor: visitorDocument(known) }
      },
    },
    'GET /livechat/visitor/:token': {
      answer: ({ params: { token } }) => {
        const visitor = desk.visitors.get(token)
        if (visitor === undefined) throw withCode('invalid-token')
        return { visitor: visitorDocument(visitor) }
      },
    },
    'POST /livechat/visitor.status': {
      requires: ['token', 'status'],
      answer: ({ body: { token, status } }) => {
        const visitor = desk.visitors.get(token)
        if (visitor === undefined) throw withCode('invalid-token')
        visitor.status = status
        return { token, status }
      },
    },
    'POST /livechat/page.visited': {
      requires: ['token', 'pageInfo'],
      answer: ({ body: { token, pageInfo } }) => ({
        page: { msg: `${pageInfo.title} - ${pageInfo.location.href}`, navigation: { page: pageInfo, token } },
      }),
    },
  } satisfies Partial<Table<VisitorKey>>
}

function conversation(desk: Desk) {
  return {
    'GET /livechat/room': {
      requires: ['token'],
      answer: ({ query: { token, rid } }) => {
        const visitor = requireVisitor(desk, token)
        const open = desk.openRoomOf(visitor)
        if (rid !== undefined && open?.id !== rid) {
          const named = desk.rooms.get(rid)
          if (named !== undefined && named.visitor !== visitor) throw bare('invalid-room')
        }
        if (open !== undefined) return { room: roomDocument(open, 'visitor'), newRoom: false }
        if (!desk.isOnline()) throw withCode('no-agent-online', 'Sorry, no online agents')
        return { room: roomDocument(desk.openRoom(visitor), 'visitor'), newRoom: true }
      },
    },
    'POST /livechat/room.close': {
      requires: ['rid', 'token'],
      answer: ({ body: { rid, token } }) => {
        const { room, visitor } = requireOwnRoom(desk, rid, token)
        if (room.closed !== undefined) throw bare('room-closed')
        desk.close(room, visitorAuthor(visitor), 'Closed by visitor')
        return { rid, comment: 'Closed by visitor' }
      },
    },
    'POST /livechat/room.survey': {
      requires: ['rid', 'token', 'data'],
      answer: ({ body: { rid, token, data } }) => {
        const { room } = requireOwnRoom(desk, rid, token)
        const answers = data.filter(
          ({ name, value }) =>
            name === 'additionalFeedback' || (surveyItems.includes(name) && surveyValues.includes(value)),
        )
        if (answers.length === 0) throw bare('invalid-data')
        desk.rate(room, Object.fromEntries(answers.map(({ name, value }) => [name, value])))
        return { rid, data: room.survey }
      },
    },
  } satisfies Partial<Table<VisitorKey>>
}

function saying(desk: Desk) {
  return {
    'POST /livechat/message': {
      requires: ['token', 'rid', 'msg'],
      answer: ({ body: { token, rid, msg, _id } }) => {
        const visitor = requireVisitor(desk, token)
        const author = visitorAuthor(visitor)
        const earlier = _id ? desk.findMessage(_id) : undefined
        if (earlier !== undefined) {
          const { room, message } = earlier
          if (room.id === rid && isOwn(message, visitor) && message.deletedMs === undefined)
            return { message: messageDocument(message, room, 'visitor') }
        }
        const { room } = requireOwnRoom(desk, rid, token)
        if (room.closed !== undefined) throw bare('room-closed')
        if (earlier !== undefined) throw bare('invalid-message')
        const message = desk.say(room, { id: _id || undefined, text: msg, author })
        return { message: messageDocument(message, room, 'visitor') }
      },
    },
    'PUT /livechat/message/:_id': {
      requires: ['token', 'rid', 'msg'],
      answer: ({ params: { _id }, body: { token, rid, msg } }) => {
        const { room, message, visitor } = requireOwnMessage(desk, { id: _id, rid, token })
        if (!isOwn(message, visitor)) throw bare('error-action-not-allowed')
        desk.edit(room, message, msg, visitorAuthor(visitor))
        return { message: messageDocument(message, room, 'visitor') }
      },
    },
    'DELETE /livechat/message/:_id': {
      answer: ({ params: { _id }, query, body }) => {
        const token = body.token ?? query.token ?? ''
        const rid = body.rid ?? query.rid ?? ''
        const { room, message, visitor } = requireOwnMessage(desk, { id: _id, rid, token })
        if (!isOwn(message, visitor)) throw bare('error-action-not-allowed')
        desk.remove(room, message)
        const at = timeOf(desk.now())
        return { message: { _id, ts: at, ls: at } }
      },
    },
    'POST /livechat/upload/:rid': {
      answer: ({ params: { rid }, headers, file }) => {
        const visitor = desk.visitors.get(headers.get('x-visitor-token') ?? '')
        const room = desk.rooms.get(rid)
        if (visitor === undefined || room?.visitor !== visitor || room.closed !== undefined)
          throw forbidden('unauthorized')
        if (file === undefined) throw noFile
        const extra = carriedFile(desk.newId('file'), file, 'visitor')
        const message = desk.say(room, { text: '', author: visitorAuthor(visitor), extra })
        return { ...messageDocument(message, room, 'visitor'), newRoom: false, showConnecting: false }
      },
    },
  } satisfies Partial<Table<VisitorKey>>
}

// As many as the server gives at once unless asked.
const HISTORY_COUNT = 20
const SYNC_COUNT = 100

function reading(desk: Desk) {
  return {
    'GET /livechat/message/:_id': {
      requires: ['token', 'rid'],
      answer: ({ params: { _id }, query: { token, rid } }) => {
        const { room, message } = requireOwnMessage(desk, { id: _id, rid, token })
        return { message: messageDocument(message, room, 'visitor') }
      },
    },
    'GET /livechat/messages.history/:rid': {
      requires: ['token'],
      answer: ({ params: { rid }, query: { token, ...query } }) => {
        const { room } = requireOwnRoom(desk, rid, token)
        return { messages: historyOf(room, { limit: HISTORY_COUNT, ...query }, 'visitor') }
      },
    },
    'GET /livechat/messages.sync/:rid': {
      requires: ['token'],
      answer: ({ params: { rid }, query: { token, after = 0, count } }) => {
        const { room } = requireOwnRoom(desk, rid, token)
        return changesSince(room, after, count || SYNC_COUNT, 'visitor')
      },
    },
    'GET /livechat/agent.info/:rid/:token': {
      answer: ({ params: { rid, token } }) => {
        const { room } = requireOwnRoom(desk, rid, token)
        if (room.servedBy === undefined) throw bare('invalid-agent')
        return { agent: agentDocument(room.servedBy.agent) }
      },
    },
  } satisfies Partial<Table<VisitorKey>>
}

function configOf(desk: Desk, token: string | undefined) {
  const visitor = token === undefined ? undefined : desk.visitors.get(token)
  const room = visitor && desk.openRoomOf(visitor)
  const servedBy = room?.servedBy
  return {
    ...widgetTexts({ showConnecting: desk.options.routing === 'manual' }),
    departments: desk.options.departments.map((department) => ({
      ...department,
      showOnRegistration: true,
      showOnOfflineForm: true,
    })),
    online: desk.isOnline(),
    customFields: [],
    ...(visitor !== undefined && { guest: visitorSummary(visitor) }),
    ...(room !== undefined && { room: roomSummary(room) }),
    ...(servedBy !== undefined && { agent: agentDocument(servedBy.agent) }),
    ...(room?.queueSpot !== undefined && { queueInfo: placeInQueue(room.queueSpot) }),
  }
}

/** A place in the queue with the words that go with it. */
export function placeInQueue(spot: number) {
  return { spot, message: { text: '', user: { _id: 'rocket.cat', username: 'rocket.cat' } } }
}

function visitorSummary({ id, name, username, token, email, departmentId }: DeskVisitor) {
  return {
    _id: id,
    ...(name !== undefined && { name }),
    username,
    token,
    ...(email !== undefined && { visitorEmails: [{ address: email }] }),
    ...(departmentId !== undefined && { department: departmentId }),
  }
}

function roomSummary({ id, departmentId, servedBy }: DeskRoom) {
  return {
    _id: id,
    ...(departmentId !== undefined && { departmentId }),
    ...(servedBy !== undefined && {
      servedBy: { _id: servedBy.agent.id, username: servedBy.agent.username, ts: timeOf(servedBy.ms) },
    }),
    open: true as const,
  }
}

function requireVisitor(desk: Desk, token: string): DeskVisitor {
  const visitor = desk.visitors.get(token)
  if (visitor === undefined) throw bare('invalid-token')
  return visitor
}

function requireOwnRoom(desk: Desk, rid: string, token: string): { room: DeskRoom; visitor: DeskVisitor } {
  const visitor = requireVisitor(desk, token)
  const room = desk.rooms.get(rid)
  if (room?.visitor !== visitor) throw bare('invalid-room')
  return { room, visitor }
}

function requireOwnMessage(desk: Desk, { id, rid, token }: { id: string; rid: string; token: string }) {
  const { room, visitor } = requireOwnRoom(desk, rid, token)
  const message = room.messages.find((each) => each.id === id)
  if (message === undefined || message.deletedMs !== undefined) throw bare('invalid-message')
  return { room, visitor, message }
}

function isOwn({ type, author }: DeskMessage, visitor: DeskVisitor): boolean {
  return type === undefined && author.kind === 'visitor' && author.id === visitor.id
}
