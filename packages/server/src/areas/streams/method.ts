// How a method is made of an operation of the API: it goes through the same dispatch, so limits, permissions and rules are
// the operation's.
import type { OperationKey } from '@deskbell/contract/contract.ts'
import type { Dispatch } from '../../http/dispatch.ts'
import type { Reply } from '../../http/reply.ts'
import type { Called, Session } from '../../realtime/connection.ts'
import { matchFailed, wireError, type WireError } from '../../realtime/ddp.ts'
import type { Peer } from '../../realtime/hub.ts'

/** What methods reach beside the API. */
export interface Reach {
  dispatch: Dispatch
  /** Milliseconds since 1970. */
  clock: () => number
  /** Somebody writes into a stream; `peer` is the socket that does. */
  write: (session: Session, written: { key: string; args: readonly unknown[] }, peer: Peer | undefined) => Promise<void>
  /** Binds a socket to a visitor. */
  bindVisitor: (session: Session, token: string) => void
  /** Notes who signed in on a socket; answers when that session ends, ISO time, or `undefined` where it has ended already. */
  signIn: (
    session: Session,
    credentials: { userId: string; token: string },
    peer: Peer | undefined,
  ) => Promise<string | undefined>
  /** Whether the page that opened the socket may have somebody signed in on it. */
  maySignIn: (session: Session) => Promise<boolean>
  /** A socket says whether its person is there; nothing where nobody is signed in. */
  sayPresence: (session: Session, status: 'online' | 'away', peer: Peer | undefined) => void
  /** Nobody is signed in on the socket any more. */
  signOut: (session: Session) => void
  /** Mails a conversation for who is signed in. @throws ApiError */
  mailTranscript: (session: Session, asked: AskedTranscript) => Promise<void>
  /** What a member of the staff signs in with, by id. */
  findUsername: (userId: string) => Promise<string | undefined>
  /** Tells the consoles of who is signed in why a message was not taken. */
  tellRefused: (session: Session, refused: { roomId: string; reason: string }) => void
  findRoomId: (session: Session, idOrName: string) => Promise<string | undefined>
  /** The message with which a visitor sent a file. */
  findFileMessage: (fileId: string) => Promise<string | undefined>
  /** Whether visitors are told that they are being connected while they wait. */
  showsConnecting: () => Promise<boolean>
}

export interface AskedTranscript {
  token: string | undefined
  roomId: string
  email: string
  subject: string
}

/** `peer` is missing where the call came without a socket. */
export type Method = (
  reach: Reach,
  session: Session,
  params: readonly unknown[],
  peer: Peer | undefined,
) => Promise<Called>

export interface Parts {
  params?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
}

export type Answer = Readonly<Record<string, unknown>>

/** An answer of the API, or the error a method makes of its refusal. */
export async function call(
  { dispatch }: Reach,
  session: Session,
  key: OperationKey,
  { params = {}, query = {}, body }: Parts,
): Promise<{ answer: Answer } | { error: WireError }> {
  const request = { ...session.request, credentials: session.credentials }
  const reply = await dispatch({ key, input: { params, query, body }, request })
  return reply.status < 400 ? { answer: reply.body as Answer } : { error: errorOf(reply) }
}

/** A method that is an operation by another name. */
export function operation(
  key: OperationKey,
  partsOf: (params: readonly unknown[]) => Parts,
  resultOf: (answer: Answer) => unknown,
): Method {
  return async (reach, session, params) => {
    const called = await call(reach, session, key, partsOf(params))
    return 'error' in called ? called : { result: resultOf(called.answer) }
  }
}

/** The same method, whose errors are called what clients of it know. */
export function renaming(errors: Readonly<Record<string, WireError>>, method: Method): Method {
  return async (...call) => {
    const called = await method(...call)
    return 'error' in called ? { error: errors[String(called.error.error)] ?? called.error } : called
  }
}

/** The same method, which answers something plain where the operation refuses. */
export function answering(results: Readonly<Record<string, unknown>>, method: Method): Method {
  return async (...call) => {
    const called = await method(...call)
    if (!('error' in called)) return called
    const code = String(called.error.error)
    return Object.hasOwn(results, code) ? { result: results[code] } : called
  }
}

/** What methods say of a room that has ended. */
export const roomClosed = wireError('room-closed', 'Room closed')

/** The answer of methods that answer nothing. */
export const nothing = () => undefined
/** The answer of methods that only say that it is done. */
export const done = () => true

interface RefusalBody {
  error?: string
  errorType?: string
  details?: unknown
}

/** The inner form of a refusal (contract §E.5): the code alone, with its sentence beside it. */
function errorOf({ status, body, headers }: Reply): WireError {
  const refusal = body as RefusalBody
  switch (status) {
    case 401:
      return wireError('error-invalid-user', 'Invalid user')
    case 403:
      return wireError('error-not-allowed', 'Not allowed')
    case 429:
      return wireError('too-many-requests', refusal.error, {
        timeToReset: Number(headers?.['retry-after'] ?? 60) * 1_000,
      })
    default:
      return status >= 500 ? wireError(500, 'Internal server error') : codeOf(refusal)
  }
}

function codeOf({ error = '', errorType, details }: RefusalBody): WireError {
  if (errorType === 'invalid-params' || error.startsWith('Match error')) return matchFailed
  if (errorType === undefined) return wireError(error === '' ? 'error-not-allowed' : error)
  const reason = error.replace(`[${errorType}]`, '').trim()
  return wireError(errorType, reason === '' ? undefined : reason, details)
}
