// What a test sees of a fake server. Apart from the code, so that the published declarations hold nothing else.
import type { Message } from '../answers.ts'
import type { Clock } from '../clock.ts'
import type { EndFault, FrameFaults, RequestFaults } from './faults.ts'

export interface NewAgent {
  username: string
  /** The username unless given. */
  name?: string
  /** `secret` unless given. */
  password?: string
  /** Managers see every room, hand rooms over, and end those of others. */
  isManager?: boolean
}

export interface FakeServerOptions {
  /** The platform's unless given; give a session the same one. */
  clock?: Clock
  /** Who serves: Anna unless given: `{ username: 'anna', name: 'Anna', password: 'secret', isManager: true }`. */
  agents?: readonly NewAgent[]
  /** `auto`: rooms go to whoever is there and has the fewest. `manual`: they wait until somebody takes them. */
  routing?: 'auto' | 'manual'
  departments?: readonly { _id: string; name: string }[]
}

/** Which room is meant: the latest that is open, unless given. */
export type InRoom = string | undefined

/** A member of the staff whom a test moves. */
export interface FakeAgent {
  readonly id: string
  readonly username: string
  readonly name: string
  readonly password: string
  /** Takes a room that waits. */
  take(rid?: InRoom): void
  /** Says something; answers the message. */
  reply(text: string, rid?: InRoom): Message
  /** Begins to type, or stops. */
  typing(isTyping?: boolean, rid?: InRoom): void
  /** Replaces the text of a message. */
  edit(id: string, text: string): void
  /** Takes a message back. */
  remove(id: string): void
  closeRoom(comment?: string, rid?: InRoom): void
  /** Hands a room to another agent. */
  transferTo(agent: FakeAgent, rid?: InRoom): void
  /** Puts a room back into the queue. */
  giveBack(rid?: InRoom): void
  /** Comes or goes. With the last one who is there the desk goes offline. */
  setOnline(isOnline: boolean): void
  /** Ends every session of this account. */
  signOut(): void
}

/** A visitor whom a test of an agent's side moves. */
export interface FakeVisitor {
  readonly token: string
  readonly rid: string
  /** Says something; answers the message. */
  say(text: string): Message
  typing(isTyping?: boolean): void
  edit(id: string, text: string): void
  remove(id: string): void
  closeRoom(): void
}

/** What goes wrong. Faults last until they are ended, have struck as often as told, or `heal` is called. */
export interface Faults {
  /** Frames from the server. */
  readonly toClient: FrameFaults
  /** Frames from clients. */
  readonly toServer: FrameFaults
  /** Requests. */
  readonly http: RequestFaults
  /** Every open socket breaks: without a word (1006), or closed by the server with this code. */
  cut(code?: number, reason?: string): void
  /** Every open socket carries nothing more in either direction, and nobody is told. New ones work. */
  halfOpen(): void
  /** New sockets fail. */
  refuseSockets(): EndFault
  /** The server is away: open sockets break, new ones fail, requests are lost. */
  unreachable(): EndFault
  /** Ends all of them. Sockets that are half-open stay so: nothing heals those. */
  heal(): void
}

/** A livechat server in memory, reached through its own `fetch` and `WebSocket`: no network, no waiting. */
export interface FakeServer {
  readonly serverURL: string
  readonly fetch: typeof fetch
  readonly WebSocket: typeof WebSocket
  readonly clock: Clock
  /** The four above, to spread into the options of a session. */
  readonly connection: Pick<FakeServer, 'serverURL' | 'fetch' | 'WebSocket' | 'clock'>
  /** The first agent. */
  readonly agent: FakeAgent
  readonly agents: readonly FakeAgent[]
  /** A visitor who registers and opens a room. */
  visitor(name?: string): FakeVisitor
  /** Tells a waiting visitor the place in the queue; 1 is the next. */
  queue(spot: number, rid?: InRoom): void
  /** What is true: everything said in a room that was not taken back, oldest first. */
  messages(rid?: InRoom): Message[]
  /** The ids of all rooms, oldest first. */
  readonly rooms: readonly string[]
  /** Every request that arrived. */
  readonly calls: readonly FakeCall[]
  /** How many sockets are open. */
  readonly openSockets: number
  readonly faults: Faults
}

/** A request that reached the fake server. */
export interface FakeCall {
  /** E.g. `POST /livechat/message`. */
  readonly operation: string
  readonly status: number
  /** What came in a JSON body, or stood in the query. */
  readonly given: Record<string, unknown>
  /** When, in milliseconds since 1970. */
  readonly atMs: number
}
