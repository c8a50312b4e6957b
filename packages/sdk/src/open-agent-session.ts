import type { AgentCredentials, AgentSession, AgentSessionOptions } from './agent.ts'
import { openSession } from './agent-session.ts'
import type { LoginAnswer } from './answers.ts'
import { callsTo, withoutSlashes } from './call.ts'
import type { Call } from './call.ts'
import { platformClock } from './clock.ts'
import { openConnection } from './connection.ts'
import type { Connection } from './connection.ts'
import { asLivechatError, isLivechatError, LivechatError } from './livechat-error.ts'
import { memoryStorage } from './storage.ts'
import type { KeyValueStorage } from './storage.ts'

interface SignedIn {
  userId: string
  token: string
}

/**
 * Opens an agent's session. With a token and its `userId` it answers without waiting for the network; otherwise it signs
 * in first, and rejects with a `LivechatError` where that fails: `signed-out` for a password or a token that is wrong,
 * a `retryable` one where the server did not answer.
 */
export async function openAgentSession(options: AgentSessionOptions): Promise<AgentSession> {
  const { clock = platformClock, storage = memoryStorage(), serverURL, timeoutMs } = options
  // Repeated by the session itself, which knows when the network is back.
  const server = { serverURL, timeoutMs, fetch: options.fetch, retry: false } as const
  const setup = { errorOf: asLivechatError, clock }
  const key = `deskbell:${withoutSlashes(serverURL)}:staff`
  const tokenKey = 'username' in options ? `${key}:${options.username}` : undefined
  const signedIn = await signIn(callsTo(server, setup), options, { storage, tokenKey })
  const { WebSocket, network, reconnect } = options
  const connection = openConnection({
    serverURL,
    WebSocket,
    clock,
    network,
    reconnect,
    signIn: (call) => resume(call, signedIn.token),
  })
  const sign = signingAs(signedIn)
  const call = callsTo(
    { ...server, fetch: sign(options.fetch ?? ((...request) => globalThis.fetch(...request))) },
    setup,
  )
  const forgetToken = () => {
    if (tokenKey !== undefined) void storage.remove(tokenKey)
  }
  const signing = { fetch: options.fetch, sign }
  return openSession({ options, call, signing, connection, clock, storage, key, ...signedIn, forgetToken })
}

/** With the token that is known, or one that is opened now. */
async function signIn(
  call: Call,
  credentials: AgentCredentials,
  { storage, tokenKey }: { storage: KeyValueStorage; tokenKey: string | undefined },
): Promise<SignedIn> {
  if ('token' in credentials) {
    const { token, userId } = credentials
    return userId === undefined ? login(call, { resume: token }) : { token, userId }
  }
  const kept = tokenKey === undefined ? undefined : readSignedIn(await storage.get(tokenKey))
  if (kept !== undefined) {
    const resumed = await login(call, { resume: kept.token }).catch((error: unknown) => {
      if (isLivechatError(error) && error.code === 'signed-out') return undefined
      throw error
    })
    if (resumed !== undefined) return resumed
  }
  const opened = await login(call, { user: credentials.username, password: credentials.password })
  if (tokenKey !== undefined) await storage.set(tokenKey, JSON.stringify(opened))
  return opened
}

async function login(call: Call, json: object): Promise<SignedIn> {
  const { data } = await call<LoginAnswer>('POST /login', { json })
  return { userId: data.userId, token: data.authToken }
}

/** What an earlier program kept, perhaps another version of this one. */
function readSignedIn(text: string | null | undefined): SignedIn | undefined {
  try {
    const { userId, token } = Object(JSON.parse(text ?? 'null')) as Partial<SignedIn>
    return typeof userId === 'string' && typeof token === 'string' ? { userId, token } : undefined
  } catch {
    return undefined
  }
}

/** Signs in on a new socket. Only a refusal of the token, or of the page's origin, is one for good. */
async function resume(call: Connection['call'], token: string): Promise<void> {
  try {
    await call('login', [{ resume: token }])
  } catch (error) {
    if (!isLivechatError(error)) throw error
    if (error.code === 'origin-not-allowed') throw error
    if (error.code === '403') throw new LivechatError('signed-out', error.message, { cause: error })
    throw new LivechatError(error.code, error.message, { retryable: true, cause: error })
  }
}

/** Makes a `fetch` say with every request who asks. */
function signingAs({ userId, token }: SignedIn): (given: typeof fetch) => typeof fetch {
  return (given) => (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('X-User-Id', userId)
    headers.set('X-Auth-Token', token)
    return given(input, { ...init, headers })
  }
}
