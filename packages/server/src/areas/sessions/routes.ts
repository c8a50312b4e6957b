import type { sessions } from '@deskbell/contract/areas/sessions.ts'
import { ApiError } from '../../api-error.ts'
import type { Context, Handlers, RequestInfo } from '../../context.ts'
import type { GivenPassword } from '../../passwords.ts'
import { findUserByLogin, requireUser, type User } from '../users/users.ts'
import { findSiteUrl } from '../settings/settings.ts'
import { accountToWire } from '../users/wire.ts'
import { checkPassword, endSession, openSession, refuseGuessing, resumeSession, type Proven } from './sessions.ts'

interface LoginBody {
  user?: string
  username?: string
  email?: string
  password?: GivenPassword
  resume?: string
}

export const sessionRoutes: Handlers<typeof sessions> = {
  'POST /login': async (context, { body, request }) => {
    if (body.resume !== undefined) {
      const user = await resumeSession(context.read, body.resume, new Date(context.clock()).toISOString())
      return answer(context, user, body.resume)
    }
    const proven = await signInWithPassword(context, body, request)
    const { token } = await context.transact((tx) => openSession(tx, proven))
    return answer(context, await requireUser(context.read, proven.userId), token)
  },
  'POST /logout': async ({ transact }, { user }) => {
    await transact((tx) => endSession(tx, user))
    return { status: 'success', data: { message: "You've been logged out!" } }
  },
  'GET /me': async (context, { user }) => account(context, await requireUser(context.read, user.id)),
}

async function signInWithPassword(context: Context, body: LoginBody, request: RequestInfo): Promise<Proven> {
  const login = body.user ?? body.username ?? body.email
  if (login === undefined || body.password === undefined) throw new ApiError('sign-in-failed')
  const account = (await findUserByLogin(context.read, login))?.id ?? login
  refuseGuessing(context.loginGuard, account, request.address)
  const proven = await checkPassword(context.read, login, body.password)
  context.loginGuard?.succeed(account, request.address)
  return proven
}

async function answer(context: Context, user: User, authToken: string) {
  return { status: 'success' as const, data: { userId: user.id, authToken, me: await account(context, user) } }
}

async function account({ read, config }: Context, user: User) {
  return accountToWire(user, await findSiteUrl(read, config))
}
