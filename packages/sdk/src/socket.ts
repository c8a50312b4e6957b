/**
 * As much of a `WebSocket` as is used here. The handlers are `unknown` since the declarations of browsers, Node and `ws`
 * differ; they are called with `{ data }` for a message and with `{ code, reason }` at the end.
 */
export interface SocketLike {
  onopen: unknown
  onmessage: unknown
  onclose: unknown
  onerror: unknown
  send(text: string): void
  close(code?: number, reason?: string): void
}

/** A `WebSocket` constructor: the platform's, or that of the package `ws`. */
export type SocketConstructor = new (url: string) => SocketLike
