export { RocketChatLivechat } from './rocketchat-livechat.ts'
export { APIError } from './errors.ts'
export type { ErrorType } from './errors.ts'
export type { CallOptions, RetryOptions, ServerOptions } from './call.ts'
export type { UploadOptions, UploadProgress, UploadSource } from './upload.ts'
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
  WireErrorCode,
} from './answers.ts'
export { isLivechatError, LivechatError } from './livechat-error.ts'
export type { ErrorDetails, LivechatErrorCode, OwnErrorCode } from './livechat-error.ts'
export { indexedDBStorage, itemStorage, memoryStorage } from './storage.ts'
export type { ItemStorage, KeyValueStorage } from './storage.ts'
export type { Clock } from './clock.ts'
export type { SocketConstructor, SocketLike } from './socket.ts'
export type { ConnectionState } from './connection.ts'
export type {
  AgentEvent,
  ConnectionEvent,
  DeskEvent,
  MessageChangedEvent,
  MessageDeletedEvent,
  MessageEvent,
  OutboxError,
  OutboxEvent,
  OutboxItem,
  QueueEvent,
  QueuePlace,
  RoomClosedEvent,
  RoomEvent,
  RoomOpenedEvent,
  Session,
  TypingEvent,
  VisitorEvent,
  VisitorRoom,
  VisitorState,
} from './events.ts'
export { openVisitorSession } from './open-visitor-session.ts'
export type { NetworkSigns } from './network.ts'
export { openAgentSession } from './open-agent-session.ts'
export type {
  AgentAccount,
  AgentCredentials,
  AgentQueueEvent,
  AgentRoom,
  AgentRoomEvent,
  AgentSession,
  AgentSessionEvent,
  AgentSessionOptions,
  AgentState,
  Closing,
  Presence,
  PresenceEvent,
  QueueEntry,
  SignedOutEvent,
  StatusChange,
  Transfer,
} from './agent.ts'
export type { HistoryOptions, Logger, SessionUploadOptions, VisitorSession, VisitorSessionOptions } from './visitor.ts'
