import type { Agent, Message } from './answers.ts'
import type { ConnectionState } from './connection.ts'
import type { LivechatError } from './livechat-error.ts'

/** A message on its way. It has the words of a message, and the `_id` under which the server will know it. */
export interface OutboxItem {
  readonly _id: string
  readonly msg: string
  /** When `send` was called, ISO time. */
  readonly ts: string
  /** The room it was first offered to; absent while no room is open. */
  readonly rid?: string | undefined
  /** `sent`: the server has it. It leaves the outbox when it appears among the messages. */
  readonly state: 'pending' | 'sent' | 'failed'
  /** Why it failed; `retry` and `discard` are up to the user. */
  readonly error?: OutboxError | undefined
}

/** What is kept of the error of a send, also over a reload. */
export type OutboxError = Pick<LivechatError, 'code' | 'message' | 'status' | 'requestId'>

/** Something was said in a room. */
export interface MessageEvent {
  readonly type: 'message'
  readonly rid: string
  readonly message: Message
  /** It was there before the session found the room: no news, no sound. */
  readonly isEarlier: boolean
}

/** A message has another text now, or is one that is shown as deleted (`t: 'rm'`). */
export interface MessageChangedEvent {
  readonly type: 'message-changed'
  readonly rid: string
  readonly message: Message
}

export interface MessageDeletedEvent {
  readonly type: 'message-deleted'
  readonly rid: string
  readonly _id: string
}

/** A send has come further, or was discarded. */
export interface OutboxEvent {
  readonly type: 'outbox'
  readonly item: OutboxItem
  readonly isDiscarded: boolean
}

/** Somebody else begins or stops to type. */
export interface TypingEvent {
  readonly type: 'typing'
  readonly rid: string
  readonly username: string
  readonly isTyping: boolean
}

export interface ConnectionEvent {
  readonly type: 'connection'
  readonly connection: ConnectionState
}

/** What sessions of visitors and of agents have in common. */
export type RoomEvent =
  MessageEvent | MessageChangedEvent | MessageDeletedEvent | OutboxEvent | TypingEvent | ConnectionEvent

/** Another agent serves, or is in another mood; `undefined`: nobody serves. */
export interface AgentEvent {
  readonly type: 'agent'
  readonly rid: string
  readonly agent: Agent | undefined
}

/** A place in the queue. */
export interface QueuePlace {
  /** 1 is the next. */
  readonly spot: number
  /** What the desk says to those who wait. */
  readonly text: string
  readonly estimatedWaitSeconds?: number | undefined
}

/** Another place in the queue; `undefined`: the visitor does not wait. */
export interface QueueEvent {
  readonly type: 'queue'
  readonly rid: string
  readonly queue: QueuePlace | undefined
}

/** A conversation was opened, or found open. */
export interface RoomOpenedEvent {
  readonly type: 'room'
  readonly room: VisitorRoom
}

export interface RoomClosedEvent {
  readonly type: 'room-closed'
  readonly rid: string
}

/** Whether somebody is there to answer. */
export interface DeskEvent {
  readonly type: 'desk'
  readonly isOnline: boolean
}

/** Everything that a visitor's session tells; `switch (event.type)` tells them apart. */
export type VisitorEvent = RoomEvent | AgentEvent | QueueEvent | RoomOpenedEvent | RoomClosedEvent | DeskEvent

/** A visitor's conversation. */
export interface VisitorRoom {
  readonly rid: string
  readonly isOpen: boolean
  readonly departmentId?: string | undefined
}

/** How it stands with a visitor's session. A new object, and new lists in it, only when something changed. */
export interface VisitorState {
  readonly connection: ConnectionState
  /** Whether the server has answered once: before that, no `room` does not mean that there is none. */
  readonly isLoaded: boolean
  /** `undefined` until known. */
  readonly isDeskOnline: boolean | undefined
  /** The conversation, which stays here after it was closed until the next one opens. */
  readonly room: VisitorRoom | undefined
  readonly agent: Agent | undefined
  readonly queue: QueuePlace | undefined
  /** The usernames of those who type. */
  readonly typing: readonly string[]
  /** What was said in `room`, oldest first, as far as it is loaded. */
  readonly messages: readonly Message[]
  /** What is on its way and not among `messages` yet, in the order of sending. */
  readonly outbox: readonly OutboxItem[]
}

/** What every session is to those who listen: React's `useSyncExternalStore` takes `subscribe` and `state`. */
export interface Session<State, Event extends { readonly type: string }> {
  /** A snapshot; a new object only when something changed. */
  readonly state: State
  /** Hears of every new snapshot; the answer ends that. */
  subscribe(listener: () => void): () => void
  /** Hears of the events of one type; the answer ends that. */
  on<Type extends Event['type']>(type: Type, listener: (event: Extract<Event, { type: Type }>) => void): () => void
  /** Frees sockets, timers and listeners. Nothing is told afterwards; what is in the outbox stays in the storage. */
  end(): void
}
