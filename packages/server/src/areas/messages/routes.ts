import type { chat, messages } from '@deskbell/contract/areas/messages.ts'
import { ApiError } from '../../api-error.ts'
import type { Context, Handlers, RequestInfo } from '../../context.ts'
import type { Reader } from '../../database/transaction.ts'
import { readPage } from '../../page.ts'
import { withOutside } from '../routing/routing.ts'
import { readSettings, siteUrlFor } from '../settings/settings.ts'
import { signFile, type Message } from '../timeline/timeline.ts'
import { messageToWire, staff, visitorAudience, type Audience } from '../timeline/wire.ts'
import {
  compose,
  deleteStaffMessage,
  deleteVisitorMessage,
  editStaffMessage,
  editVisitorMessage,
  readChanges,
  readChangesSince,
  readHistory,
  readRoomChanges,
  readRoomHistory,
  readRoomMessages,
  requireStaffMessage,
  requireVisitorMessage,
  searchMessages,
  sendManyAsVisitor,
  sendStaffMessage,
  sendVisitorMessage,
} from './messages.ts'
import { reactAsStaff } from './reactions.ts'

export const messageRoutes: Handlers<typeof messages> = {
  'POST /livechat/message': async ({ read, transact, config }, { body }) => {
    const draft = { id: body._id ?? undefined, roomId: body.rid, composed: compose(body.msg, config) }
    const message = await transact((tx) => sendVisitorMessage(tx, body.token, draft))
    return { message: await ownToWire(read, message, body.token) }
  },
  'GET /livechat/message/:_id': async (context, { params, query, request }) => {
    const place = { token: query.token, roomId: query.rid, id: params._id }
    const { message } = await requireVisitorMessage(context.read, place)
    return { message: messageToWire(message, await audienceOf(context, request, query.token)) }
  },
  'PUT /livechat/message/:_id': async ({ read, transact, config }, { params, body }) => {
    const place = { token: body.token, roomId: body.rid, id: params._id }
    const composed = compose(body.msg, config)
    const message = await transact((tx) => editVisitorMessage(tx, place, composed))
    return { message: await ownToWire(read, message, body.token) }
  },
  'DELETE /livechat/message/:_id': async ({ transact, clock }, { params, query, body }) => {
    const token = body.token ?? query.token
    const roomId = body.rid ?? query.rid
    if (token === undefined) throw missing('token')
    if (roomId === undefined) throw missing('rid')
    const message = await transact((tx) => deleteVisitorMessage(tx, { token, roomId, id: params._id }))
    const ts = new Date(clock()).toISOString()
    return { message: { _id: message.id, ts, ls: ts } }
  },
  'GET /livechat/messages.history/:rid': async (context, { params, query, request }) => {
    if (query.token === '') throw new ApiError('error-token-param-not-provided')
    const history = await readHistory(context.read, {
      token: query.token,
      roomId: params.rid,
      before: timeOf('end', query.end),
      readUntil: timeOf('ls', query.ls),
      limit: query.limit,
      offset: query.offset ?? 0,
    })
    const audience = await audienceOf(context, request, query.token)
    return {
      messages: history.messages.map((message) => messageToWire(message, audience)),
      firstUnread: history.firstUnread && messageToWire(history.firstUnread, audience),
      unreadNotLoaded: history.unreadNotLoaded,
    }
  },
  'GET /livechat/messages.sync/:rid': async (context, { params, query, request }) => {
    const { token, after = 0, count } = query
    const audience = await audienceOf(context, request, token)
    const { changes, next, hasMore } = await readChanges(context.read, { token, roomId: params.rid, after, count })
    return { changes: changes.map((message) => changeToWire(message, audience)), next, more: hasMore }
  },
  'GET /livechat/room.history/:rid': async ({ read }, { params, query, user }) => {
    const asked = { roomId: params.rid, before: timeOf('end', query.end), limit: query.limit }
    const messages = await readRoomHistory(read, user, asked)
    return { messages: messages.map((message) => messageToWire(message, staff)) }
  },
  'GET /livechat/room.changes/:rid': async ({ read }, { params, query, user }) => {
    const asked = { roomId: params.rid, after: query.after ?? 0, count: query.count }
    const { changes, next, hasMore } = await readRoomChanges(read, user, asked)
    return { changes: changes.map((message) => changeToWire(message, staff)), next, more: hasMore }
  },
  'GET /livechat/messages/:rid': async ({ read }, { params, query, user }) => {
    const page = readPage(query, await readSettings(read), { ts: 'sentAt' }, [{ column: 'sentAt', direction: 'desc' }])
    const { messages: found, total } = await readRoomMessages(read, user, {
      roomId: params.rid,
      offset: page.offset,
      limit: page.limit,
      order: page.order[0]?.direction ?? 'desc',
      before: timeOf('before', query.before),
      after: timeOf('after', query.after),
      containing: query.searchTerm,
    })
    return {
      messages: found.map((message) => messageToWire(message, staff)),
      count: page.limit,
      offset: page.offset,
      total,
    }
  },
  'POST /livechat/messages': async (context, { body }) => {
    const composed = body.messages.map(({ msg }) => compose(msg, context.config))
    const sent = await withOutside(context, (tx, outside) =>
      sendManyAsVisitor(tx, body.visitor.token, composed, outside),
    )
    return { messages: sent.map(({ author, text, sentAt }) => ({ username: author.username, msg: text, ts: sentAt })) }
  },
}

export const chatRoutes: Handlers<typeof chat> = {
  'POST /chat.sendMessage': async ({ transact, config }, { body, user }) => {
    const { _id, rid, msg, attachments } = body.message
    const draft = { id: _id ?? undefined, roomId: rid, composed: compose(msg ?? '', config), attachments }
    return { message: messageToWire(await transact((tx) => sendStaffMessage(tx, user, draft)), staff) }
  },
  'POST /chat.postMessage': async ({ transact, config }, { body, user }) => {
    const roomId = body.roomId ?? body.channel
    if (roomId === undefined) throw new ApiError('invalid-channel')
    const draft = { roomId, composed: compose(body.text ?? '', config), attachments: body.attachments }
    const message = await transact((tx) => sendStaffMessage(tx, user, draft)).catch(asChannelError)
    return { ts: Date.parse(message.sentAt), channel: roomId, message: messageToWire(message, staff) }
  },
  'POST /chat.update': async ({ transact, config }, { body, user }) => {
    const composed = compose(body.text, config)
    const place = { roomId: body.roomId, id: body.msgId }
    return { message: messageToWire(await transact((tx) => editStaffMessage(tx, user, place, composed)), staff) }
  },
  'POST /chat.delete': async ({ transact, clock }, { body, user }) => {
    const message = await transact((tx) => deleteStaffMessage(tx, user, { roomId: body.roomId, id: body.msgId }))
    const { author } = message
    const u = { _id: author.id, username: author.username, name: author.name }
    return { _id: message.id, ts: clock(), message: { _id: message.id, rid: message.roomId, u } }
  },
  'POST /chat.react': async ({ transact }, { body, user }) => {
    const { messageId, emoji, reaction, shouldReact: isWanted } = body
    const wish = { messageId, emoji: emoji ?? reaction ?? '', isWanted }
    await transact((tx) => reactAsStaff(tx, user, wish))
    return {}
  },
  'GET /chat.getMessage': async ({ read }, { query, user }) => ({
    message: messageToWire(await requireStaffMessage(read, user, query.msgId), staff),
  }),
  'GET /chat.syncMessages': async ({ read }, { query, user }) => {
    const since = timeOf('lastUpdate', query.lastUpdate)
    if (since === undefined) throw missing('lastUpdate')
    const changes = await readChangesSince(read, user, { roomId: query.roomId, since })
    return {
      result: {
        updated: changes.filter(({ deletedAt }) => deletedAt === undefined).map((each) => messageToWire(each, staff)),
        deleted: changes.flatMap(({ id, deletedAt }) =>
          deletedAt === undefined ? [] : [{ _id: id, _deletedAt: deletedAt }],
        ),
      },
    }
  },
  'GET /chat.search': async ({ read }, { query, user }) => {
    const { roomId, searchText: containing } = query
    const { offset, limit } = readPage(query, await readSettings(read), {}, [])
    const found = await searchMessages(read, user, { roomId, containing, offset, limit })
    return { messages: found.map((message) => messageToWire(message, staff)) }
  },
}

/** What a visitor wrote, as its author sees it: only a quote can name somebody else. */
async function ownToWire(reader: Reader, message: Message, token: string) {
  return messageToWire(
    message,
    message.extra === undefined ? { visitorToken: token } : await visitorAudience(reader, token),
  )
}

function changeToWire(message: Message, audience: Audience) {
  const { id: _id, seq, deletedAt } = message
  return { _id, seq, ...(deletedAt === undefined ? { message: messageToWire(message, audience) } : { deletedAt }) }
}

/** The visitor with this token, who reads files by links of an hour. */
async function audienceOf({ read, config, clock }: Context, request: RequestInfo, token: string): Promise<Audience> {
  const settings = await readSettings(read)
  const site = siteUrlFor(settings, config, request)
  const secret = settings.FileUpload_json_web_token_secret_for_files
  const isSigned = settings.FileUpload_Enable_json_web_token_for_files && secret !== ''
  return {
    visitorToken: token,
    hidesAgents: !settings.Livechat_show_agent_info,
    addressOf: ({ id, path }) => `${site}${path}${isSigned ? `?token=${signFile(id, secret, clock())}` : ''}`,
  }
}

/** This operation has one word for a room that is missing and one that is closed to the caller (contract §E.4). */
function asChannelError(error: unknown): never {
  const isUnreachable =
    error instanceof ApiError && (error.code === 'error-invalid-room' || error.code === 'error-not-allowed')
  throw isUnreachable ? new ApiError('invalid-channel', { cause: error }) : error
}

function missing(name: string): ApiError {
  return new ApiError('invalid-params', { reason: `must have required property '${name}'` })
}

const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

function timeOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new ApiError('invalid-params', { reason: `${name}: must be a date` })
  // Years beyond four digits would sort before all others.
  return new Date(Math.min(Math.max(ms, 0), LATEST_MS)).toISOString()
}
