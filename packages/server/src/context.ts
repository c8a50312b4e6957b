import type { Logger } from 'pino'
import type { Input, Operation, OperationTable } from '@deskbell/contract/operation.ts'
import type { Static, TSchema } from 'typebox'
import type { Config } from './config.ts'
import type { Reader, Transact } from './database/transaction.ts'
import type { FileStore } from './files/files.ts'
import type { IncomingForm } from './http/form.ts'
import type { LetterGuard } from './http/letter-guard.ts'
import type { LoginGuard } from './http/login-guard.ts'
import type { UploadGuard } from './http/upload-guard.ts'
import type { Mailer } from './mail/mailer.ts'
import type { Patterns } from './patterns/patterns.ts'

/** Infrastructure, and only that: it does not grow with features. Rules are functions, found by import. */
export interface Context {
  transact: Transact
  /** Sees what is committed. */
  read: Reader
  /** The same for lists and searches, which may go through many rows: nobody else waits for it. */
  scan: Reader
  /** Milliseconds since 1970. */
  clock: () => number
  config: Config
  log: Logger
  /** The bytes of what people sent. */
  files: FileStore
  /** Bounds what visitors send of files. */
  uploadGuard: UploadGuard
  /** Runs the regular expressions of administrators; never inside a transaction. */
  patterns: Patterns
  /** Slows password guessing down; absent where rate limits are off. */
  loginGuard: LoginGuard | undefined
  /** Bounds what strangers have mailed to one address; absent where rate limits are off. */
  letterGuard: LetterGuard | undefined
  /** Hands letters over; absent where no mail server is configured. */
  mailer: Mailer | undefined
  /** Whether the domain of an address takes mail, as DNS tells. Asks the network: never in a transaction. */
  takesMail: (address: string) => Promise<boolean>
}

/** The staff member who calls, with the permissions in force at this moment. */
export interface SignedIn {
  id: string
  username: string
  name: string
  roles: readonly string[]
  /** The hash of the token that signed this call. */
  sessionHash: string
  can: (permission: string) => boolean
}

/** The staff member whose credentials these are, if they are good. */
export type WhoIs = (credentials: RequestInfo['credentials']) => Promise<SignedIn | undefined>

/** What the transport knows of a call. */
export interface RequestInfo {
  id: string
  /** The caller's network address, behind as many proxies as the configuration trusts. */
  address: string
  userAgent: string | undefined
  host: string | undefined
  /** Where the caller reached this server (http/reached-at.ts): good for answers to this caller, and for nobody else. */
  reachedAt?: string | undefined
  /** The page that a browser opened a socket from; nothing for calls of the API, which go by no origin. */
  origin?: string | undefined
  /** The widget marks its requests with cookies (contract §G.2). */
  isWidget: boolean
  /** `X-User-Id` and `X-Auth-Token`; both or none. */
  credentials: { userId: string; token: string } | undefined
  /** `x-visitor-token`. */
  visitorToken: string | undefined
}

/** For operations that look a visitor token up and take an unknown one for no error (promises A1). */
export interface TokenGuard {
  /** Not once the address has guessed too many tokens, unless this one is known to be used there. */
  mayLookUp: () => boolean
  /** Counts the token of this call as a guess. */
  noteUnknown: () => void
}

export type HandlerInput<Op extends Operation> = Input<Op> & {
  user: Op['caller'] extends 'anyone' ? undefined : SignedIn
  /** Of operations that take a file: read while it comes. */
  form: Op['upload'] extends { fields: infer Fields extends TSchema } ? IncomingForm<Static<Fields>> : undefined
  request: RequestInfo
  tokens: TokenGuard
}

/** Optional keys may be there and undefined: JSON leaves them out. */
export type Loose<Value> = Value extends readonly (infer Item)[]
  ? Loose<Item>[]
  : Value extends object
    ? { [Key in keyof Value]: object extends Pick<Value, Key> ? Loose<Value[Key]> | undefined : Loose<Value[Key]> }
    : Value

export type Handler<Op extends Operation> = (
  context: Context,
  input: HandlerInput<Op>,
) => Promise<Loose<Static<Op['returns']>>>

/** One handler for every operation of an area: a missing or undocumented one does not compile. */
export type Handlers<Table extends OperationTable> = { [Key in keyof Table]: Handler<Table[Key]> }
