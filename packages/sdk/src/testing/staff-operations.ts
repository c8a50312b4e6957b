// What members of the staff can ask for over HTTP: as much as an agent's session needs.
import type { Contract } from '@deskbell/contract/contract.ts'
import type { Desk } from './desk.ts'
import { agentAuthor, isThere, personOf, type DeskAgent } from './desk-model.ts'
import { accountDocument, inquiryDocument, listedDocument, messageDocument, roomDocument } from './documents.ts'
import { carriedFile } from './files.ts'
import { missing, pageOf, type Table } from './operation.ts'
import { bare, forbidden, noFile, notPermitted, signInFailed, withCode } from './refusal.ts'
import { isOwn, isWaiting, requireOwn, requireWritable } from './staff-guards.ts'
import { staffReading, type ReadingKey } from './staff-reading.ts'

type StaffKey = Extract<
  keyof Contract,
  | 'POST /login'
  | 'POST /logout'
  | 'GET /me'
  | 'POST /livechat/agent.status'
  | 'POST /users.setStatus'
  | 'GET /livechat/users/:type'
  | 'GET /livechat/config/routing'
  | 'GET /livechat/inquiries.queuedForUser'
  | 'GET /livechat/inquiries.getOne'
  | 'POST /livechat/inquiries.take'
  | 'POST /livechat/inquiries.returnAsInquiry'
  | 'POST /livechat/room.forward'
  | 'POST /livechat/room.closeByUser'
  | 'POST /subscriptions.read'
  | 'POST /chat.sendMessage'
  | 'POST /rooms.upload/:rid'
  | 'POST /chat.update'
  | 'POST /chat.delete'
>

/** The operations of the staff on a desk. */
export function staffOperations(desk: Desk): Table<StaffKey | ReadingKey> {
  return { ...session(desk), ...queue(desk), ...serving(desk), ...saying(desk), ...staffReading(desk) }
}

/** Signs in with what a client gave: a token, or a name and a password; answers the token of the session. */
export function signIn(
  desk: Desk,
  given: { resume?: unknown; user?: unknown; password?: unknown },
): { agent: DeskAgent; token: string } | undefined {
  const { resume, user, password } = given
  if (typeof resume === 'string') {
    const agent = desk.agents.find(({ tokens }) => tokens.has(resume))
    return agent && { agent, token: resume }
  }
  const agent = desk.agents.find(({ username }) => username === user || `${username}@example.org` === user)
  if (agent === undefined || agent.password !== password) return undefined
  const token = desk.newId('session')
  agent.tokens.add(token)
  return { agent, token }
}

function session(desk: Desk) {
  return {
    'POST /login': {
      isPlain: true,
      answer: ({ body: { user, username, email, password, resume } }) => {
        const signedIn = signIn(desk, { resume, user: user ?? username ?? email, password })
        if (signedIn === undefined) throw signInFailed
        const { agent, token } = signedIn
        return {
          status: 'success' as const,
          data: { userId: agent.id, authToken: token, me: accountDocument(agent) },
        }
      },
    },
    'POST /logout': {
      isStaffs: true,
      isPlain: true,
      answer: ({ caller, headers }) => {
        desk.signOut(caller, headers.get('x-auth-token') ?? '')
        return { status: 'success' as const, data: { message: "You've been logged out!" } }
      },
    },
    'GET /me': { isStaffs: true, answer: ({ caller }) => accountDocument(caller) },
    'POST /livechat/agent.status': {
      isStaffs: true,
      answer: ({ caller, body: { status } }) => {
        const isAvailable = status === undefined ? !caller.isAvailable : status === 'available'
        desk.setPresence(caller, { isAvailable })
        return { status: isAvailable ? ('available' as const) : ('not-available' as const) }
      },
    },
    'POST /users.setStatus': {
      isStaffs: true,
      answer: ({ caller, body: { status, message } }) => {
        if (status === undefined && message === undefined) throw missing('message')
        desk.setPresence(caller, {
          ...(status !== undefined && { status }),
          ...(message !== undefined && { statusText: message }),
        })
        return {}
      },
    },
    'GET /livechat/users/:type': {
      isStaffs: true,
      answer: ({ query }) => pageOf(query, 'users', desk.agents.map(listedDocument)),
    },
    'GET /livechat/config/routing': {
      isStaffs: true,
      answer: () => ({
        config: {
          previewRoom: desk.options.routing === 'manual',
          showConnecting: desk.options.routing === 'manual',
          showQueue: desk.options.routing === 'manual',
          showQueueLink: true,
          returnQueue: desk.options.routing === 'manual',
          enableTriggerAction: true,
          autoAssignAgent: desk.options.routing === 'auto',
        },
      }),
    },
  } satisfies Partial<Table<StaffKey>>
}

function queue(desk: Desk) {
  return {
    'GET /livechat/inquiries.queuedForUser': {
      isStaffs: true,
      answer: ({ query }) => {
        const waiting = [...desk.rooms.values()].filter(isWaiting)
        return pageOf(
          query,
          'inquiries',
          waiting.map((room) => inquiryDocument(room, { withLast: desk.options.routing === 'manual' })),
        )
      },
    },
    'GET /livechat/inquiries.getOne': {
      isStaffs: true,
      requires: ['roomId'],
      answer: ({ query: { roomId } }) => {
        const room = desk.rooms.get(roomId)
        if (room === undefined || room.closed !== undefined) return { inquiry: null }
        return { inquiry: inquiryDocument(room, { withLast: desk.options.routing === 'manual' }) }
      },
    },
    'POST /livechat/inquiries.take': {
      isStaffs: true,
      requires: ['inquiryId'],
      answer: ({ caller, body: { inquiryId } }) => {
        const room = [...desk.rooms.values()].find((each) => each.inquiryId === inquiryId)
        if (room === undefined || room.closed !== undefined) throw withCode('error-not-found', 'Inquiry not found')
        if (room.servedBy !== undefined) throw withCode('error-inquiry-taken', 'Inquiry already taken')
        if (!isThere(caller))
          throw withCode(
            'error-agent-status-service-offline',
            'Agent status is offline or Omnichannel service is not active',
          )
        desk.take(room, caller)
        return { inquiry: roomDocument(room, 'staff') }
      },
    },
    'POST /livechat/inquiries.returnAsInquiry': {
      isStaffs: true,
      requires: ['roomId'],
      answer: ({ caller, body: { roomId } }) => {
        const room = desk.rooms.get(roomId)
        if (room === undefined) throw bare('error-invalid-room')
        if (room.closed !== undefined) throw bare('room-closed')
        if (room.servedBy === undefined) return { result: false }
        desk.giveBack(room, caller)
        return { result: true }
      },
    },
  } satisfies Partial<Table<StaffKey>>
}

function serving(desk: Desk) {
  return {
    'POST /livechat/room.forward': {
      isStaffs: true,
      requires: ['roomId'],
      answer: ({ caller, body: { roomId, userId, comment } }) => {
        if (!caller.isManager) throw notPermitted
        const room = desk.rooms.get(roomId)
        if (room === undefined) throw bare('error-invalid-room')
        if (room.closed !== undefined) throw bare('This_conversation_is_already_closed')
        const agent = desk.agents.find(({ id }) => id === userId)
        if (agent === undefined || !isThere(agent)) throw bare('error-user-is-offline')
        if (room.servedBy?.agent === agent) throw bare('error-selected-agent-room-agent-are-same')
        desk.transfer(room, agent, { by: caller, comment: comment ?? undefined })
        return {}
      },
    },
    'POST /livechat/room.closeByUser': {
      isStaffs: true,
      requires: ['rid'],
      answer: ({ caller, body: { rid, comment = '' } }) => {
        const room = desk.rooms.get(rid)
        if (room === undefined) throw bare('error-invalid-room')
        if (room.closed !== undefined) throw bare('error-room-already-closed')
        if (room.servedBy?.agent !== caller && !caller.isManager) throw bare('error-not-authorized')
        desk.close(room, agentAuthor(caller), comment)
        return {}
      },
    },
    'POST /subscriptions.read': {
      isStaffs: true,
      answer: ({ caller, body: { rid, roomId } }) => {
        const room = desk.rooms.get(rid ?? roomId ?? '')
        if (room === undefined || !desk.mayRead(caller, room)) throw bare('error-invalid-subscription')
        desk.markRead(room)
        return {}
      },
    },
  } satisfies Partial<Table<StaffKey>>
}

function saying(desk: Desk) {
  return {
    'POST /chat.sendMessage': {
      isStaffs: true,
      requires: ['message'],
      answer: ({ caller, body: { message: given } }) => {
        const { rid, msg = '', _id } = given
        const earlier = _id ? desk.findMessage(_id) : undefined
        if (earlier?.room.id === rid && isOwn(earlier.message, caller) && earlier.message.deletedMs === undefined)
          return { message: messageDocument(earlier.message, earlier.room, 'staff') }
        const room = requireWritable(desk, caller, rid)
        if (earlier !== undefined) throw bare('invalid-message')
        const message = desk.say(room, { id: _id || undefined, text: msg, author: agentAuthor(caller) })
        return { message: messageDocument(message, room, 'staff') }
      },
    },
    'POST /rooms.upload/:rid': {
      isStaffs: true,
      answer: ({ caller, params: { rid }, file }) => {
        const room = desk.rooms.get(rid)
        if (room === undefined || !desk.mayRead(caller, room)) throw forbidden('unauthorized')
        if (room.closed !== undefined) throw bare('room-closed')
        if (file === undefined) throw noFile
        const extra = carriedFile(desk.newId('file'), file, 'staff')
        const message = desk.say(room, { text: '', author: agentAuthor(caller), extra })
        return { message: messageDocument(message, room, 'staff') }
      },
    },
    'POST /chat.update': {
      isStaffs: true,
      requires: ['roomId', 'msgId', 'text'],
      answer: ({ caller, body: { roomId, msgId, text } }) => {
        const { room, message } = requireOwn(desk, caller, roomId, msgId)
        desk.edit(room, message, text, agentAuthor(caller))
        return { message: messageDocument(message, room, 'staff') }
      },
    },
    'POST /chat.delete': {
      isStaffs: true,
      requires: ['roomId', 'msgId'],
      answer: ({ caller, body: { roomId, msgId } }) => {
        const { room, message } = requireOwn(desk, caller, roomId, msgId)
        desk.remove(room, message)
        return { _id: msgId, ts: desk.now(), message: { _id: msgId, rid: roomId, u: personOf(caller) } }
      },
    },
  } satisfies Partial<Table<StaffKey>>
}
