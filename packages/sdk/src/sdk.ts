export { RocketChatLivechat } from './rocketchat-livechat.ts'
export { APIError } from './errors.ts'
export type { ErrorType } from './errors.ts'
export type { CallOptions, RetryOptions, ServerOptions } from './call.ts'
export type { UploadOptions, UploadSource } from './upload.ts'
export type { AgentReference, SurveyReply, VisitorRegistration } from './rocketchat-livechat.ts'
export type {
  Agent,
  AgentAnswer,
  ConfigAnswer,
  HistoryAnswer,
  Message,
  MessageAnswer,
  MessageDeletionAnswer,
  MessageUpdateAnswer,
  NextAgentAnswer,
  OfflineMessageAnswer,
  RegistrationAnswer,
  Room,
  RoomAnswer,
  RoomClosingAnswer,
  StoredMessageAnswer,
  SurveyAnswer,
  UploadAnswer,
  UploadedFile,
  Visitor,
  VisitorAnswer,
  VisitorDeletionAnswer,
} from './answers.ts'
