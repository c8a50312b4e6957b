import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import type {
  Agent,
  ConnectionState,
  Message,
  OutboxItem,
  QueuePlace,
  Session,
  VisitorEvent,
  VisitorRoom,
  VisitorSession,
  VisitorState,
} from '../sdk.ts'
import { useShared } from './provider.ts'

const nothing = () => () => undefined

/** What is shown on the server and until a session is open: a session says the same before it has heard anything. */
const unknown: VisitorState = {
  connection: { status: 'connecting' },
  isLoaded: false,
  isDeskOnline: undefined,
  room: undefined,
  agent: undefined,
  queue: undefined,
  typing: [],
  messages: [],
  outbox: [],
}

/**
 * A part of a session's state, and a new rendering only when that part is another. For sessions of agents and for
 * visitors' own; the hooks below are this for the provider's session. `select` answers the same for the same state.
 */
export function useSessionState<State, Part>(
  session: Session<State, { type: string }> | undefined,
  select: (state: State) => Part,
  initial: State,
): Part {
  const subscribe = useCallback((listener: () => void) => session?.subscribe(listener) ?? nothing(), [session])
  return useSyncExternalStore(
    subscribe,
    () => select(session?.state ?? initial),
    () => select(initial),
  )
}

/** The provider's session; `undefined` on the server and until it is open. */
export function useLivechat(): VisitorSession | undefined {
  return useShared()?.session
}

/** A part of the visitor's state: `useLivechatState((state) => state.isLoaded)`. */
export function useLivechatState<Part>(select: (state: VisitorState) => Part): Part {
  return useSessionState(useLivechat(), select, unknown)
}

/** What was said, oldest first, as far as it is loaded. */
export function useMessages(): readonly Message[] {
  return useLivechatState(({ messages }) => messages)
}

/** What is on its way, in the order of sending. */
export function useOutbox(): readonly OutboxItem[] {
  return useLivechatState(({ outbox }) => outbox)
}

/** The usernames of those who type. */
export function useTyping(): readonly string[] {
  return useLivechatState(({ typing }) => typing)
}

/** How it stands with the live connection. */
export function useConnection(): ConnectionState {
  return useLivechatState(({ connection }) => connection)
}

/** Who serves; `undefined` while nobody does. */
export function useAgent(): Agent | undefined {
  return useLivechatState(({ agent }) => agent)
}

/** The place in the queue; `undefined` where the visitor does not wait. */
export function useQueue(): QueuePlace | undefined {
  return useLivechatState(({ queue }) => queue)
}

/** The conversation, also after it was closed; `undefined` before the first. */
export function useRoom(): VisitorRoom | undefined {
  return useLivechatState(({ room }) => room)
}

/** Whether somebody is there to answer; `undefined` until known. */
export function useDesk(): boolean | undefined {
  return useLivechatState(({ isDeskOnline }) => isDeskOnline)
}

/** What others have said since `markRead` was last called, or since the provider appeared. */
export function useUnread(): { count: number; markRead: () => void } {
  const unread = useShared()?.unread
  const count = useSyncExternalStore(
    unread?.subscribe ?? nothing,
    () => unread?.count ?? 0,
    () => 0,
  )
  const markRead = useCallback(() => unread?.markRead(), [unread])
  return { count, markRead }
}

/** Calls `listener`, always the latest given, for every event of one type: for sounds, titles, notifications. */
export function useLivechatEvent<Type extends VisitorEvent['type']>(
  type: Type,
  listener: (event: Extract<VisitorEvent, { type: Type }>) => void,
): void {
  const session = useLivechat()
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => session?.on(type, (event) => latest.current(event)), [session, type])
}
