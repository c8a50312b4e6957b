// Who there is at the fake server, what was said and what happened, as the desk keeps it.
import type { Clock } from '../clock.ts'

export interface DeskVisitor {
  id: string
  username: string
  token: string
  name: string | undefined
  email: string | undefined
  phone: string | undefined
  departmentId: string | undefined
  status: string
  registeredMs: number
  updatedMs: number
  lastChat: { roomId: string; ms: number } | undefined
  /** When somebody last answered. */
  answeredMs: number | undefined
}

export interface DeskAgent {
  id: string
  username: string
  name: string
  password: string
  isManager: boolean
  status: string
  statusText: string
  isAvailable: boolean
  /** The tokens of open sessions. */
  tokens: Set<string>
  updatedMs: number
}

/** Who wrote something. */
export interface Author {
  kind: 'visitor' | 'user'
  id: string
  username: string
  name: string | undefined
}

export interface DeskMessage {
  id: string
  roomId: string
  text: string
  /** Of lines that nobody typed. */
  type: string | undefined
  author: Author
  sentMs: number
  updatedMs: number
  /** The number of its latest change. */
  seq: number
  edited: { ms: number; by: Author } | undefined
  deletedMs: number | undefined
  extra: Record<string, unknown>
}

export interface DeskRoom {
  id: string
  inquiryId: string
  visitor: DeskVisitor
  departmentId: string | undefined
  openedMs: number
  queuedMs: number | undefined
  takenMs: number | undefined
  updatedMs: number
  /** In the order in which they were said. */
  messages: DeskMessage[]
  /** The number of the latest change. */
  seq: number
  servedBy: { agent: DeskAgent; ms: number } | undefined
  closed: { ms: number; by: Author } | undefined
  isWaitingResponse: boolean
  askedMs: number | undefined
  spokeMs: number | undefined
  /** The answer to the open question, or to the latest. */
  response: { by: DeskAgent; firstMs: number; lastMs: number } | undefined
  /** When the visitor was first answered at all, and when a question last was. */
  firstResponseMs: number | undefined
  repliedMs: number | undefined
  survey: Record<string, string>
  /** What the agent has not read. */
  unread: number
  readMs: number | undefined
  queueSpot: number | undefined
}

/** What happened, for those who listen. */
export type Notice =
  | { type: 'message'; room: DeskRoom; message: DeskMessage }
  | { type: 'deleted'; room: DeskRoom; message: DeskMessage }
  /** Waits from now on: for the first time, or again. */
  | { type: 'queued'; room: DeskRoom; isNew: boolean }
  /** Is served by somebody from now on. */
  | { type: 'taken'; room: DeskRoom }
  | { type: 'changed'; room: DeskRoom }
  | { type: 'closed'; room: DeskRoom }
  | { type: 'place'; room: DeskRoom; spot: number }
  | { type: 'presence'; agent: DeskAgent }
  /** A session of the staff is no more. */
  | { type: 'signed-out'; agent: DeskAgent; token: string }
  | { type: 'desk' }

export interface DeskOptions {
  clock: Clock
  routing: 'auto' | 'manual'
  departments: readonly { _id: string; name: string }[]
  onNotice: (notice: Notice) => void
}

/** What somebody says. */
export interface Draft {
  id?: string | undefined
  text: string
  author: Author
  type?: string | undefined
  extra?: Record<string, unknown>
}

/** Lines that come with serving: neither counted as the latest of a room nor unread. */
const quietTypes: ReadonlySet<string> = new Set(['command', 'uj', 'ul'])

export function isThere({ status, isAvailable }: DeskAgent): boolean {
  return isAvailable && status !== 'offline'
}

export function visitorAuthor({ id, username, name }: DeskVisitor): Author {
  return { kind: 'visitor', id, username, name }
}

export function agentAuthor({ id, username, name }: DeskAgent): Author {
  return { kind: 'user', id, username, name }
}

export function personOf({ id, username, name }: DeskAgent): { _id: string; username: string; name: string } {
  return { _id: id, username, name }
}

/** The latest line that counts as said. */
export function lastMessageOf(room: DeskRoom): DeskMessage | undefined {
  return room.messages.findLast(
    ({ deletedMs, type }) => deletedMs === undefined && (type === undefined || !quietTypes.has(type)),
  )
}
