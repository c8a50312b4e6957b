// `@deskbell/sdk/react`: a visitor's session for React, from version 18 on.
export { LivechatProvider } from './provider.ts'
export type { LivechatProviderProps } from './provider.ts'
export {
  useAgent,
  useConnection,
  useDesk,
  useLivechat,
  useLivechatEvent,
  useLivechatState,
  useMessages,
  useOutbox,
  useQueue,
  useRoom,
  useSessionState,
  useTyping,
  useUnread,
} from './hooks.ts'
