// Signing in and out on a socket, and what a socket says of itself.
import { frames, matchFailed, wireError } from '../../realtime/ddp.ts'
import { fields, optionalText, present, text } from './given.ts'
import { call, nothing, operation, type Method, type Reach } from './method.ts'

const notSignedIn = wireError(403, 'User not found or incorrect password')

const foreignPage = wireError('origin-not-allowed', 'Pages of this origin may not sign in')

const login: Method = async (reach, session, [given], peer) => {
  const body = await loginBody(reach, given)
  if (!(await reach.maySignIn(session))) return { error: foreignPage }
  const called = await call(reach, session, 'POST /login', { body })
  if ('error' in called) {
    const { error } = called
    return { error: error.error === 'error-invalid-user' ? notSignedIn : error }
  }
  const { userId, authToken, me } = called.answer['data'] as LoginAnswer
  const expires = await reach.signIn(session, { userId, token: authToken }, peer)
  if (expires === undefined) return { error: notSignedIn }
  return {
    // The own account only; nothing else of anybody's is published.
    before: frames.added('users', userId, { username: me.username, emails: me.emails }),
    result: { id: userId, token: authToken, tokenExpires: expires, type: 'resume' in body ? 'resume' : 'password' },
  }
}

interface LoginAnswer {
  userId: string
  authToken: string
  me: { username: string; emails: unknown }
}

/** The forms in which clients sign in (contract §E.7). */
async function loginBody(reach: Reach, given: unknown): Promise<Record<string, unknown>> {
  const { totp } = fields(given)
  // With a second factor: the sign-in is wrapped, and its code stands beside it.
  const { user, password, resume } = totp === undefined ? fields(given) : fields(fields(totp)['login'])
  const code = totp === undefined ? {} : present({ code: optionalText(fields(totp)['code']) })
  if (resume !== undefined) return { resume: text(resume), ...code }
  const { username, email, id } = fields(user)
  const name = text(username ?? email ?? id)
  const isId = username === undefined && email === undefined
  return { user: (isId ? await reach.findUsername(name) : undefined) ?? name, password, ...code }
}

const logout: Method = async (reach, session) => {
  const wasSignedIn = session.credentials !== undefined
  const called = call(reach, session, 'POST /logout', { body: {} })
  // The call goes by what the session was when it began. Nobody is thrown out who leaves.
  reach.signOut(session)
  const answered = await called
  if (!('error' in answered)) return { result: undefined, ends: true }
  // What the socket listens to is nobody's any more, whether the session has ended or not.
  return wasSignedIn ? { error: answered.error, ends: true } : answered
}

const setUpConnection: Method = (reach, session, [given], peer) => {
  const token = text(fields(given)['token'])
  if (token === '' || token.length > 256) return Promise.resolve({ error: matchFailed })
  // Later tokens are ignored; one that is not registered yet may be so in a moment. Without a socket nothing is bound.
  if (session.visitorToken === undefined && peer !== undefined) reach.bindVisitor(session, token)
  return Promise.resolve({ result: undefined })
}

const writeIntoRoom: Method = async (reach, session, [key, ...args], peer) => {
  // A write that is refused is answered like any other, and told to nobody.
  if (typeof key === 'string') await reach.write(session, { key, args }, peer)
  return { result: undefined }
}

function say(status: 'online' | 'away'): Method {
  return (reach, session, _params, peer) => {
    reach.sayPresence(session, status, peer)
    return Promise.resolve({ result: true })
  }
}

/** What belongs to the socket and the account behind it. */
export const sessionMethods: Readonly<Record<string, Method>> = {
  login,
  logout,
  'livechat:setUpConnection': setUpConnection,
  'stream-notify-room': writeIntoRoom,
  setUserStatus: operation(
    'POST /users.setStatus',
    ([status, message]) => ({ body: present({ status: optionalText(status), message: optionalText(message) }) }),
    nothing,
  ),
  'UserPresence:setDefaultStatus': operation(
    'POST /users.setStatus',
    ([status]) => ({ body: { status: text(status) } }),
    nothing,
  ),
  'UserPresence:online': say('online'),
  'UserPresence:away': say('away'),
}
