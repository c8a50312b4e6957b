import type { Contract } from '@deskbell/contract/contract.ts'
import type { ErrorCode } from '@deskbell/contract/errors.ts'
import type { Output } from '@deskbell/contract/operation.ts'

/** What every answer carries beside its own fields (contract §G.3). */
interface Success {
  success: true
}

type Answer<Key extends keyof Contract> = Output<Contract[Key]> & Success

export type ConfigAnswer = Answer<'GET /livechat/config'>
export type AgentAnswer = Answer<'GET /livechat/agent.info/:rid/:token'>
export type NextAgentAnswer = Answer<'GET /livechat/agent.next/:token'>
export type RegistrationAnswer = Answer<'POST /livechat/visitor'>
export type VisitorAnswer = Answer<'GET /livechat/visitor/:token'>
export type VisitorDeletionAnswer = Answer<'DELETE /livechat/visitor/:token'>
export type RoomAnswer = Answer<'GET /livechat/room'>
export type RoomClosingAnswer = Answer<'POST /livechat/room.close'>
export type MessageAnswer = Answer<'POST /livechat/message'>
export type MessageUpdateAnswer = Answer<'PUT /livechat/message/:_id'>
export type StoredMessageAnswer = Answer<'GET /livechat/message/:_id'>
export type MessageDeletionAnswer = Answer<'DELETE /livechat/message/:_id'>
export type HistoryAnswer = Answer<'GET /livechat/messages.history/:rid'>

export type SyncAnswer = Answer<'GET /livechat/messages.sync/:rid'>

export type Message = MessageAnswer['message']
export type Room = RoomAnswer['room']
export type Visitor = VisitorAnswer['visitor']
export type Agent = AgentAnswer['agent']

export type SurveyAnswer = Answer<'POST /livechat/room.survey'>
export type OfflineMessageAnswer = Answer<'POST /livechat/offline.message'>

export interface UploadedFile {
  _id: string
  name: string
  type: string
}

/** The message that carries the file, at the top level of the answer. Servers before 7.0 send `file` only. */
export type UploadAnswer = Answer<'POST /livechat/upload/:rid'> & { file: UploadedFile }

export type LoginAnswer = Output<Contract['POST /login']>
export type AccountAnswer = Answer<'GET /me'>
export type PlacesAnswer = Answer<'GET /subscriptions.get'>
export type PlaceAnswer = Answer<'GET /subscriptions.getOne'>
export type StaffRoomsAnswer = Answer<'GET /rooms.get'>
export type QueueAnswer = Answer<'GET /livechat/inquiries.queuedForUser'>
export type TakeAnswer = Answer<'POST /livechat/inquiries.take'>
export type StaffMessageAnswer = Answer<'POST /chat.sendMessage'>
export type StaffHistoryAnswer = Answer<'GET /livechat/room.history/:rid'>
export type StaffChangesAnswer = Answer<'GET /livechat/room.changes/:rid'>

/** What can be called: contract key, handler key and call are one string. */
export type Operation = keyof Contract

/** The codes of the server's refusals. */
export type WireErrorCode = ErrorCode
