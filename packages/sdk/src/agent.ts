import type { Message, Room } from './answers.ts'
import type { CallOptions } from './call.ts'
import type { ConnectionState } from './connection.ts'
import type { OutboxItem, RoomEvent, Session } from './events.ts'
import type { LivechatErrorCode } from './livechat-error.ts'
import type { UploadSource } from './upload.ts'
import type { HistoryOptions, SessionUploadOptions, VisitorSessionOptions } from './visitor.ts'

/** Who signs in. */
export type AgentCredentials =
  /** A password; the token that it opens is kept in `storage`, and used there the next time. */
  | { username: string; password: string }
  /** The token of a session that is open already; with the `userId` nothing is asked before the session opens. */
  | { token: string; userId?: string | undefined }

export type AgentSessionOptions = AgentCredentials &
  Pick<
    VisitorSessionOptions,
    'serverURL' | 'fetch' | 'WebSocket' | 'network' | 'clock' | 'logger' | 'timeoutMs' | 'reconnect'
  > & {
    /** Where the token and what is on its way are kept: memory unless given, for who can read it can sign in. */
    storage?: VisitorSessionOptions['storage']
  }

export type Presence = 'online' | 'away' | 'busy' | 'offline'

/** The agent who is signed in. */
export interface AgentAccount {
  readonly userId: string
  readonly username: string
  readonly name: string
  readonly presence: Presence
  readonly statusText: string
  /** Whether the agent takes chats; `undefined` for somebody who is no agent. */
  readonly isAvailable: boolean | undefined
}

/** A conversation that the agent is in. A new object only when something in it changed. */
export interface AgentRoom {
  readonly rid: string
  /** The visitor's name. */
  readonly name: string
  readonly visitor: { readonly id: string; readonly username: string; readonly status: string }
  readonly departmentId: string | undefined
  /** Who serves it: the agent, or somebody whom the agent helps. */
  readonly servedBy: Room['servedBy'] | undefined
  readonly isOnHold: boolean
  /** When the agent came into it, ISO time. */
  readonly joinedAt: string
  readonly unread: number
  /** What was said, oldest first, as far as it is loaded. */
  readonly messages: readonly Message[]
  /** The usernames of those who type. */
  readonly typing: readonly string[]
}

/** A chat that waits. */
export interface QueueEntry {
  readonly inquiryId: string
  readonly rid: string
  /** The visitor's name. */
  readonly name: string
  readonly departmentId: string | undefined
  /** Since when the visitor waits, ISO time. */
  readonly waitingSince: string
  /** What was said last, where the desk lets agents look. */
  readonly lastMessage: Message | undefined
}

/** A room came, is another now, or is gone: closed, handed over, put back. */
export interface AgentRoomEvent {
  readonly type: 'room'
  readonly change: 'added' | 'changed' | 'removed'
  readonly room: AgentRoom
  /** It was there before the session looked: no news, no sound. */
  readonly isEarlier: boolean
}

/** A chat begins to wait, is another now, or waits no more. */
export interface AgentQueueEvent {
  readonly type: 'queue'
  readonly change: 'added' | 'changed' | 'removed'
  readonly entry: QueueEntry
  /** It waited before the session looked. */
  readonly isEarlier: boolean
}

/** Somebody of the staff comes, goes, or says otherwise. */
export interface PresenceEvent {
  readonly type: 'presence'
  readonly userId: string
  readonly username: string
  readonly presence: Presence
  readonly statusText: string
}

/** The server does not take the credentials any more: signed out elsewhere, deactivated, another password. */
export interface SignedOutEvent {
  readonly type: 'signed-out'
  readonly code: LivechatErrorCode
}

/** Everything that an agent's session tells; `switch (event.type)` tells them apart. */
export type AgentSessionEvent = RoomEvent | AgentRoomEvent | AgentQueueEvent | PresenceEvent | SignedOutEvent

/** How it stands with an agent's session. A new object, and new lists in it, only when something changed. */
export interface AgentState {
  readonly connection: ConnectionState
  /** Whether the server has answered once: before that, empty lists say nothing. */
  readonly isLoaded: boolean
  readonly account: AgentAccount | undefined
  /** The rooms that the agent is in, those first that came first. */
  readonly rooms: readonly AgentRoom[]
  /** Chats that the agent may take, those first that wait longest; the first hundred. */
  readonly queue: readonly QueueEntry[]
  /** What is on its way and not among the messages of its room yet, in the order of sending. */
  readonly outbox: readonly OutboxItem[]
}

/** An agent's side of several conversations, over bad networks and restarts of the server. */
export interface AgentSession extends Session<AgentState, AgentSessionEvent> {
  readonly userId: string
  /** Whoever knows it is signed in: it opens the next session without the password. */
  readonly token: string
  /** `state.rooms`. */
  readonly rooms: readonly AgentRoom[]
  /** `state.queue`. */
  readonly queue: readonly QueueEntry[]
  /** Takes a message on its way and answers at once. */
  send(rid: string, text: string): OutboxItem
  /** Tries a failed send again. */
  retry(id: string): void
  /** Takes a send back that has failed or has not been answered yet; one that the server has by then stays said. */
  discard(id: string): void
  /** Replaces the text of a message of one's own. */
  edit(rid: string, id: string, text: string, options?: CallOptions): Promise<Message>
  /** Takes a message of one's own back. */
  delete(rid: string, id: string, options?: CallOptions): Promise<void>
  /** Sends a file. Not part of the outbox. */
  upload(rid: string, file: UploadSource, options?: SessionUploadOptions): Promise<Message>
  /** Tells the others that the agent types, as often as you like: it is passed on every few seconds. */
  typing(rid: string, isTyping: boolean): void
  /** Pages of what was said, from the newest backwards; each page oldest first. They join the room's `messages`. */
  history(rid: string, options?: HistoryOptions): AsyncGenerator<Message[], void, undefined>
  /** The agent has read the room up to now. */
  markRead(rid: string, options?: CallOptions): Promise<void>
  /** Takes a chat that waits, by the id of its entry. Of several who ask at once exactly one gets it. */
  take(inquiryId: string, options?: CallOptions): Promise<AgentRoom>
  /** Hands a room over to an agent, to a department, or to that agent of that department. */
  transfer(rid: string, to: Transfer, options?: CallOptions): Promise<void>
  /** Puts a room back into the queue. */
  return(rid: string, options?: CallOptions): Promise<void>
  /** Ends a conversation. */
  close(rid: string, how?: Closing, options?: CallOptions): Promise<void>
  /** Says whether one is there, why, and whether one takes chats. */
  status(change: StatusChange, options?: CallOptions): Promise<void>
  /** Ends the session on the server as well: the token is worth nothing afterwards. */
  signOut(options?: CallOptions): Promise<void>
}

export interface Transfer {
  userId?: string | undefined
  departmentId?: string | undefined
  /** For whoever has it next. */
  comment?: string | undefined
}

export interface Closing {
  comment?: string | undefined
  tags?: string[] | undefined
}

export interface StatusChange {
  presence?: Presence | undefined
  text?: string | undefined
  isAvailable?: boolean | undefined
}
