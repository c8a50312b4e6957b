// The methods by which consoles and bots work (contract §E.5): operations of the API by their older names.
import { wireError } from '../../realtime/ddp.ts'
import { fields, optionalFields, optionalNumber, optionalText, present, text } from './given.ts'
import { answering, call, done, nothing, operation, renaming, roomClosed, type Answer, type Method } from './method.ts'

/** A client's clock may differ by this much; what it says beyond is not its time. */
const MOST_SKEW_MS = 60_000

const sendMessage: Method = async (reach, session, params, peer) => {
  const { ts } = fields(params[0])
  const saidMs = typeof ts === 'string' ? Date.parse(ts) : reach.clock()
  if (!(Math.abs(saidMs - reach.clock()) <= MOST_SKEW_MS))
    return { error: wireError('error-message-ts-out-of-sync', 'Message timestamp is out of sync') }
  const sent = await postMessage(reach, session, params, peer)
  if ('error' in sent && !quietRefusals.has(sent.error.error)) {
    const { reason, error } = sent.error
    reach.tellRefused(session, { roomId: text(fields(params[0])['rid']), reason: reason ?? String(error) })
  }
  return sent
}

/** What is wrong with the message or the caller, and nothing that a console would show in the room (contract §E.5). */
const quietRefusals: ReadonlySet<string | number> = new Set([
  400,
  500,
  'error-invalid-user',
  'error-message-size-exceeded',
  'too-many-requests',
])

const postMessage = operation(
  'POST /chat.sendMessage',
  ([message]) => {
    const { _id, rid, msg, attachments } = fields(message)
    return { body: { message: present({ _id, rid, msg: text(msg), attachments }) } }
  },
  ({ message }) => message,
)

/** Deletes a message of which only the id is known. */
const deleteMessage: Method = async (reach, session, [given]) => {
  const msgId = text(fields(given)['_id'])
  const found = await call(reach, session, 'GET /chat.getMessage', { query: { msgId } })
  if ('error' in found) return found
  const { rid } = found.answer['message'] as { rid: string }
  const deleted = await call(reach, session, 'POST /chat.delete', { body: { roomId: rid, msgId } })
  return 'error' in deleted ? deleted : { result: undefined }
}

/** Older than `end`, newest first, as every client of channels asks for it. */
const loadHistory = operation(
  'GET /livechat/messages/:rid',
  ([rid, end, limit]) => ({
    params: { rid: text(rid) },
    query: present({ before: end === null ? undefined : optionalText(end), count: optionalNumber(limit) ?? 20 }),
  }),
  ({ messages }) => ({ messages }),
)

const loadMissedMessages = operation(
  'GET /livechat/messages/:rid',
  ([rid, start]) => ({ params: { rid: text(rid) }, query: { after: text(start), count: 100 } }),
  ({ messages }) => messages,
)

/** What answers that somebody may not read a room. */
const unread = { 'not-allowed': false, 'invalid-room': false, 'error-not-allowed': false }

const notAuthorized = wireError('error-not-authorized', 'Not authorized')

const closeRoom = renaming(
  {
    'error-not-allowed': notAuthorized,
    'error-invalid-user': notAuthorized,
    'error-room-already-closed': roomClosed,
  },
  operation(
    'POST /livechat/room.closeByUser',
    ([rid, comment, options]) => {
      const { tags, emailTranscript, generateTranscriptPdf } = optionalFields(options)
      const said = comment === null ? undefined : optionalText(comment)
      // The operation calls by another name whether, and where to, the transcript is mailed.
      const more = { tags, generateTranscriptPdf, transcriptEmail: emailTranscript ?? undefined }
      return { body: { rid: text(rid), ...present({ comment: said, ...more }) } }
    },
    nothing,
  ),
)

const changeLivechatStatus: Method = async (reach, session, [given], peer) => {
  const { status, agentId } = optionalFields(given)
  const known = ['available', 'not-available']
  if (status !== undefined && !known.includes(text(status)))
    return { error: wireError('error-not-allowed', 'Invalid Status') }
  const change = operation('POST /livechat/agent.status', () => ({ body: present({ status, agentId }) }), done)
  return renaming({ 'Agent not found': wireError('error-not-allowed', 'Invalid Agent Id') }, change)(
    reach,
    session,
    [],
    peer,
  )
}

const getRoomIdByNameOrId: Method = async (reach, session, [named]) => {
  const id = await reach.findRoomId(session, text(named))
  return id === undefined ? { error: wireError('error-not-allowed', 'Not allowed') } : { result: id }
}

/** What a console works with in a conversation. */
export const agentMethods: Readonly<Record<string, Method>> = {
  sendMessage,
  deleteMessage,
  updateMessage: operation(
    'POST /chat.update',
    ([message]) => {
      const { _id, rid, msg } = fields(message)
      return { body: { roomId: text(rid), msgId: text(_id), text: text(msg) } }
    },
    nothing,
  ),
  loadHistory: answering(unread, loadHistory),
  loadMissedMessages: answering(unread, loadMissedMessages),
  joinRoom: operation('GET /livechat/room.join', ([rid]) => ({ query: { roomId: text(rid) } }), done),
  getRoomIdByNameOrId,
  getRoomById: operation('GET /rooms.info', ([rid]) => ({ query: { roomId: text(rid) } }), roomIn),
  getRoomByTypeAndName: operation(
    'GET /rooms.info',
    ([type, rid]) => {
      text(type)
      return { query: { roomId: text(rid) } }
    },
    roomIn,
  ),
  'livechat:takeInquiry': operation(
    'POST /livechat/inquiries.take',
    ([inquiryId, options]) => ({
      body: { inquiryId: text(inquiryId), options: present({ clientAction: optionalFields(options)['clientAction'] }) },
    }),
    nothing,
  ),
  'livechat:closeRoom': closeRoom,
  'livechat:changeLivechatStatus': changeLivechatStatus,
  'livechat:getRoutingConfig': operation(
    'GET /livechat/config/routing',
    () => ({}),
    ({ config }) => config,
  ),
  'livechat:requestTranscript': operation(
    'POST /livechat/transcript/:rid',
    ([rid, email, subject]) => ({ params: { rid: text(rid) }, body: { email: text(email), subject: text(subject) } }),
    done,
  ),
  'livechat:discardTranscript': operation(
    'DELETE /livechat/transcript/:rid',
    ([rid]) => ({ params: { rid: text(rid) } }),
    done,
  ),
}

function roomIn({ room }: Answer): unknown {
  return room
}
