// The methods of visitors' clients from before there was a REST API (contract §C.14.6).
import { matchFailed, wireError } from '../../realtime/ddp.ts'
import { fields, optionalFields, optionalNumber, optionalText, present, text } from './given.ts'
import { answering, call, done, nothing, operation, renaming, type Answer, type Method, type Reach } from './method.ts'
import type { Called, Session } from '../../realtime/connection.ts'

const register: Method = operation(
  'POST /livechat/visitor',
  ([given]) => {
    const { token, name, email, department, customFields } = fields(given)
    return { body: { visitor: { token: token ?? '', ...present({ name, email, department, customFields }) } } }
  },
  (answer) => {
    const { _id, token, name, username, visitorEmails, department } = answer['visitor'] as Record<string, unknown>
    return { userId: _id, visitor: { _id, token, name, username, visitorEmails, department } }
  },
)

interface Written {
  token: string
  rid: string
  msg: string
  _id: string
}

/** Sends a message; where there is no such open room it goes into the visitor's room, which is opened for it. */
const sendMessage: Method = async (reach, session, [message, agent]) => {
  const { token, rid, msg, _id } = fields(message)
  const written = { token: text(token), rid: text(rid), msg: text(msg), _id: text(_id) }
  const agentId = optionalText(optionalFields(agent)['agentId'])
  const sent = await call(reach, session, 'POST /livechat/message', { body: written })
  if (!('error' in sent)) return resultOf(reach, sent.answer, { isNew: false })
  // A room of somebody else and none are the same.
  if (sent.error.error !== 'invalid-room' && sent.error.error !== 'room-closed') return sent
  return sendIntoOwnRoom(reach, session, written, agentId)
}

async function sendIntoOwnRoom(
  reach: Reach,
  session: Session,
  written: Written,
  agentId: string | undefined,
): Promise<Called> {
  const query = present({ token: written.token, agentId })
  const opened = await call(reach, session, 'GET /livechat/room', { query })
  if ('error' in opened) return opened
  const { _id: rid } = opened.answer['room'] as { _id: string }
  const sent = await call(reach, session, 'POST /livechat/message', { body: { ...written, rid } })
  return 'error' in sent ? sent : resultOf(reach, sent.answer, { isNew: opened.answer['newRoom'] === true })
}

/** No message has this id: clients choose none like it. */
const NO_MESSAGE = '?'

/**
 * Here a file is in the room as soon as it is uploaded (contract A.17). Clients of servers where it was not say afterwards
 * that it is to be sent, and read the message that has it.
 */
const sendFile: Method = async (reach, session, [rid, token, file, messageData]) => {
  const query = { rid: text(rid), token: text(token) }
  optionalFields(messageData)
  const fileId = text(fields(file)['_id'])
  const params = { _id: (await reach.findFileMessage(fileId)) ?? NO_MESSAGE }
  const found = await call(reach, session, 'GET /livechat/message/:_id', { params, query })
  return 'error' in found ? found : resultOf(reach, found.answer, { isNew: false })
}

async function resultOf(reach: Reach, { message }: Answer, { isNew }: { isNew: boolean }): Promise<Called> {
  return { result: { ...(message as object), newRoom: isNew, showConnecting: await reach.showsConnecting() } }
}

const loadHistory = operation(
  'GET /livechat/messages.history/:rid',
  ([given]) => {
    const { token, rid, end, limit, ls } = fields(given)
    const query = {
      token: text(token),
      end: optionalText(end),
      limit: optionalNumber(limit) ?? 20,
      ls: optionalText(ls),
    }
    return { params: { rid: text(rid) }, query: present(query) }
  },
  ({ messages, firstUnread, unreadNotLoaded }) => ({ messages, firstUnread, unreadNotLoaded }),
)

const getAgentData = operation(
  'GET /livechat/agent.info/:rid/:token',
  ([given]) => {
    const { roomId, token } = fields(given)
    return { params: { rid: text(roomId), token: text(token) } }
  },
  ({ agent }) => agent,
)

const getNextAgent = operation(
  'GET /livechat/agent.next/:token',
  ([given]) => {
    const { token, department } = fields(given)
    return { params: { token: text(token) }, query: present({ department: optionalText(department) }) }
  },
  ({ agent }) => agent,
)

const sendOfflineMessage: Method = (reach, session, params, peer) => {
  // Exactly these three: whatever else a form sends was never taken.
  if (Object.keys(fields(params[0])).some((key) => !['name', 'email', 'message'].includes(key)))
    return Promise.resolve({ error: matchFailed })
  return leaveMessage(reach, session, params, peer)
}

const leaveMessage = operation('POST /livechat/offline.message', ([given]) => ({ body: given }), nothing)

const noRoom = wireError('error-invalid-room', 'Invalid room')

const pageVisited = operation(
  'POST /livechat/page.visited',
  ([token, rid, pageInfo]) => ({
    body: present({
      token: text(token),
      rid: rid === null ? undefined : optionalText(rid),
      pageInfo: fields(pageInfo),
    }),
  }),
  nothing,
)

const saveSurvey = operation(
  'POST /livechat/room.survey',
  ([token, rid, data]) => ({ body: { token: text(token), rid: text(rid), data } }),
  done,
)

/** A field that nobody defined is no error here: old widgets send whatever their pages know. */
const setCustomField = answering(
  { 'invalid-custom-field': true },
  operation(
    'POST /livechat/custom.field',
    ([token, key, value, overwrite = true]) => ({
      body: { token: text(token), key: text(key), value: text(value), overwrite },
    }),
    done,
  ),
)

const setDepartment = renaming(
  { 'invalid-token': noRoom, 'invalid-room': noRoom },
  answering(
    { 'error-transferring-inquiry': false },
    operation(
      'POST /livechat/visitor/department.transfer',
      ([given]) => {
        const { roomId, visitorToken, departmentId } = fields(given)
        return { body: { rid: text(roomId), token: text(visitorToken), department: text(departmentId) } }
      },
      done,
    ),
  ),
)

/** What a visitor may call, with the token as the only key. */
export const visitorMethods: Readonly<Record<string, Method>> = {
  'livechat:registerGuest': register,
  'livechat:loginByToken': answering(
    { 'invalid-token': undefined },
    operation(
      'GET /livechat/visitor/:token',
      ([token]) => ({ params: { token: text(token) } }),
      ({ visitor }) => ({ _id: (visitor as { _id: string })._id }),
    ),
  ),
  sendMessageLivechat: sendMessage,
  sendFileLivechatMessage: sendFile,
  'livechat:loadHistory': renaming({ 'invalid-token': wireError('invalid-visitor', 'Invalid Visitor') }, loadHistory),
  'livechat:getAgentData': renaming(
    { 'invalid-token': noRoom, 'invalid-room': noRoom },
    answering({ 'invalid-agent': undefined }, getAgentData),
  ),
  'livechat:getNextAgent': answering({ 'agent-not-found': undefined }, getNextAgent),
  'livechat:sendOfflineMessage': sendOfflineMessage,
  'livechat:pageVisited': pageVisited,
  'livechat:saveSurveyFeedback': saveSurvey,
  'livechat:setCustomField': setCustomField,
  'livechat:setDepartmentForVisitor': setDepartment,
}
