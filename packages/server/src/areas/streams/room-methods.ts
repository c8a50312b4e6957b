// The methods by which consoles hand rooms on, put them away and list them (contract §E.5): operations of the API by their
// older names.
import type { OperationKey } from '@deskbell/contract/contract.ts'
import { wireError } from '../../realtime/ddp.ts'
import { fields, list, optionalText, present, text } from './given.ts'
import { answering, call, done, nothing, operation, renaming, roomClosed, type Method } from './method.ts'

const transfer = renaming(
  { This_conversation_is_already_closed: roomClosed },
  answering(
    { 'error-forwarding-chat': false },
    operation(
      'POST /livechat/room.forward',
      ([given]) => {
        const { roomId, userId, departmentId, comment, clientAction } = fields(given)
        return { body: { roomId: text(roomId), ...present({ userId, departmentId, comment, clientAction }) } }
      },
      done,
    ),
  ),
)

const returnAsInquiry = operation(
  'POST /livechat/inquiries.returnAsInquiry',
  ([rid, departmentId]) => ({ body: { roomId: text(rid), ...present({ departmentId: orNone(departmentId) }) } }),
  ({ result }) => result,
)

/** To whom asks so, a room that is not on hold is as closed as one that has ended (contract §E.5). */
const resumeOnHold = renaming(
  { This_conversation_is_already_closed: roomClosed, 'error-room-not-on-hold': roomClosed },
  operation('POST /livechat/room.resumeOnHold', ([rid]) => ({ body: { roomId: text(rid) } }), nothing),
)

const readMessages = renaming(
  { 'error-invalid-subscription': wireError('error-room-does-not-exist', 'Room does not exist') },
  operation(
    'POST /subscriptions.read',
    ([rid, readThreads]) => ({ body: { rid: text(rid), ...present({ readThreads }) } }),
    nothing,
  ),
)

const notAllowed = wireError('error-not-allowed', 'Not allowed')

/** Nobody leaves a conversation with a visitor but by handing it on or ending it (contract §C.10). */
const leaveRoom: Method = async (reach, session, [rid]) => {
  const isThere = (await reach.findRoomId(session, text(rid))) !== undefined
  return { error: isThere ? notAllowed : wireError('error-invalid-room', 'Invalid room') }
}

/** There are no rooms but those of visitors. */
const createDirectMessage: Method = async (reach, session, [username]) => {
  text(username)
  const called = await call(reach, session, 'GET /me', {})
  return { error: 'error' in called ? called.error : notAllowed }
}

const sendTranscript: Method = async (reach, session, [token, rid, email, subject]) => {
  const asked = { token: orNone(token), roomId: text(rid), email: text(email), subject: text(subject) }
  await reach.mailTranscript(session, asked)
  return { result: true }
}

/** The whole list at the first time, and since a moment what has changed and what is lost. */
function listSince(key: OperationKey): Method {
  return async (reach, session, [since]) => {
    const updatedSince = orNone(since)
    const called = await call(reach, session, key, { query: present({ updatedSince }) })
    if ('error' in called) return called
    const { update, remove } = called.answer
    return { result: updatedSince === undefined ? update : { update, remove } }
  }
}

/** Clients write null for what they do not name. */
function orNone(value: unknown): string | undefined {
  return value === null ? undefined : optionalText(value)
}

/** Rooms as a whole. */
export const roomMethods: Readonly<Record<string, Method>> = {
  'livechat:transfer': transfer,
  'livechat:returnAsInquiry': returnAsInquiry,
  'livechat:resumeOnHold': resumeOnHold,
  'livechat:saveInfo': operation(
    'POST /livechat/room.saveInfo',
    ([guestData, roomData]) => ({ body: { guestData: fields(guestData), roomData: fields(roomData) } }),
    done,
  ),
  'livechat:removeRoom': operation(
    'POST /livechat/rooms.delete',
    ([rid]) => ({ body: { roomId: text(rid) } }),
    nothing,
  ),
  'livechat:removeAllClosedRooms': operation(
    'POST /livechat/rooms.removeAllClosedRooms',
    ([ids]) => ({ body: ids === undefined || ids === null ? {} : { departmentIds: list(ids) } }),
    ({ removedRooms }) => removedRooms,
  ),
  leaveRoom,
  createDirectMessage,
  setReaction: operation(
    'POST /chat.react',
    ([emoji, messageId, shouldReact]) => ({
      body: { emoji: text(emoji), messageId: text(messageId), ...present({ shouldReact }) },
    }),
    nothing,
  ),
  // Rooms of visitors have no name but the visitor’s.
  getRoomNameById: operation(
    'GET /rooms.info',
    ([rid]) => ({ query: { roomId: text(rid) } }),
    ({ room }) => (room as { fname?: string }).fname,
  ),
  'livechat:sendTranscript': sendTranscript,
  readMessages,
  'rooms/get': listSince('GET /rooms.get'),
  'subscriptions/get': listSince('GET /subscriptions.get'),
}
