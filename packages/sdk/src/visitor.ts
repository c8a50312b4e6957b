import type { Message } from './answers.ts'
import type { CallOptions } from './call.ts'
import type { Clock } from './clock.ts'
import type { ConnectionOptions } from './connection.ts'
import type { OutboxItem, Session, VisitorEvent, VisitorState } from './events.ts'
import type { NetworkSigns } from './network.ts'
import type { SocketConstructor } from './socket.ts'
import type { KeyValueStorage } from './storage.ts'
import type { UploadOptions, UploadProgress, UploadSource } from './upload.ts'

/** What a session tells of its work, for those who look for a fault; `console` is one. */
export interface Logger {
  debug(message: string, details?: unknown): void
  warn(message: string, details?: unknown): void
}

export interface VisitorSessionOptions {
  /** Where the server answers, e.g. `https://chat.example.com`. */
  serverURL: string
  /** The visitor's secret. Unless given, the one in `storage`, or a new one that is kept there. */
  token?: string | undefined
  /** `localStorage` where there is one, else memory. */
  storage?: KeyValueStorage | undefined
  /** Who the visitor says to be; told to the server with the first message. */
  name?: string | undefined
  email?: string | undefined
  phone?: string | undefined
  /** Id or name: where conversations are opened, and whose desk `isDeskOnline` is about. */
  department?: string | undefined
  customFields?: { key: string; value: string; overwrite: boolean }[] | undefined
  /** Used instead of the platform's. */
  fetch?: typeof fetch | undefined
  WebSocket?: SocketConstructor | undefined
  /** What tells that the network has come back, where the platform does not: React Native's NetInfo, for one. */
  network?: NetworkSigns | undefined
  clock?: Clock | undefined
  logger?: Logger | undefined
  /** Limit of each request; 30 000 unless given. */
  timeoutMs?: number | undefined
  /** Bounds of the pauses between attempts to connect: the first, 500 ms, doubled up to the last, 15 000 ms. */
  reconnect?: ConnectionOptions['reconnect']
}

export interface HistoryOptions {
  /** Only what was said before this time (ISO); unless given, from the newest on. */
  before?: string | undefined
  /** 50 unless given. */
  pageSize?: number | undefined
  signal?: AbortSignal | undefined
}

export interface SessionUploadOptions extends UploadOptions {
  description?: string | undefined
  /** Called as bytes leave, and at the end. */
  onProgress?: ((progress: UploadProgress) => void) | undefined
}

/** A visitor's side of a conversation that survives bad networks, reloads and restarts of the server. */
export interface VisitorSession extends Session<VisitorState, VisitorEvent> {
  /** The visitor's secret: whoever knows it is the visitor. */
  readonly token: string
  /** Takes a message on its way and answers at once; the first one opens the conversation. */
  send(text: string): OutboxItem
  /** Tries a failed send again. */
  retry(id: string): void
  /** Takes a send back that has failed or has not been answered yet; one that the server has by then stays said. */
  discard(id: string): void
  /** Replaces the text of a message of one's own. */
  edit(id: string, text: string, options?: CallOptions): Promise<Message>
  /** Takes a message of one's own back. */
  delete(id: string, options?: CallOptions): Promise<void>
  /** Sends a file. Not part of the outbox: a file does not survive a reload. */
  upload(file: UploadSource, options?: SessionUploadOptions): Promise<Message>
  /** Tells the others that the visitor types, as often as you like: it is passed on every few seconds. */
  typing(isTyping: boolean): void
  /** Pages of what was said, from the newest backwards; each page oldest first. They join `state.messages`. */
  history(options?: HistoryOptions): AsyncGenerator<Message[], void, undefined>
  /** Ends the conversation. */
  close(options?: CallOptions): Promise<void>
  /** Says how the conversation was, e.g. `{ satisfaction: '5' }`. */
  rate(answers: Record<string, string>, options?: CallOptions): Promise<void>
}
