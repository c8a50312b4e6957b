import type { users } from '@deskbell/contract/areas/users.ts'
import type { Static } from 'typebox'
import { ApiError } from '../../api-error.ts'
import type { Handlers, SignedIn } from '../../context.ts'
import { readPage } from '../../page.ts'
import { hashPassword } from '../../passwords.ts'
import { readSettings } from '../settings/settings.ts'
import {
  changeUser,
  chooseStatus,
  findUser,
  listUsers,
  refuseWeakPassword,
  removeUser,
  requireUser,
  setActive,
  setPreferences,
  type AccountChange,
  type User,
  type UserColumn,
} from './users.ts'
import { userToPublic, userToWire } from './wire.ts'

const columns: Record<string, UserColumn> = {
  _id: 'id',
  username: 'username',
  name: 'name',
  'emails.address': 'email',
  status: 'presence',
  active: 'isActive',
  createdAt: 'createdAt',
}

export const userRoutes: Handlers<typeof users> = {
  'GET /users.info': async ({ read }, { query, user }) => {
    const found = await findUser(read, query)
    if (found === undefined) throw new ApiError('user-not-found')
    return { user: asSeenBy(user, found) }
  },
  'GET /users.list': async ({ read }, { query, user }) => {
    const page = readPage(query, await readSettings(read), columns, [{ column: 'username', direction: 'asc' }])
    const { users, total } = await listUsers(read, {}, page)
    const shown = users.map((found) => asSeenBy(user, found))
    return { users: shown, count: users.length, offset: page.offset, total }
  },
  'POST /users.update': async ({ transact }, { body, user }) => {
    const change = await changeOf(body.data)
    return { user: userToWire(await transact((tx) => changeUser(tx, user, body.userId, change))) }
  },
  'POST /users.delete': async ({ transact }, { body, user }) => {
    await transact((tx) => removeUser(tx, user, body))
    return {}
  },
  'POST /users.setActiveStatus': async ({ transact }, { body, user }) => {
    await transact((tx) => setActive(tx, user, body.userId, body.activeStatus))
    return { user: { _id: body.userId, active: body.activeStatus } }
  },
  'POST /users.setStatus': async ({ transact }, { body, user }) => {
    const { status, message: text, userId = user.id } = body
    if (status === undefined && text === undefined)
      throw new ApiError('invalid-params', { reason: "must have required property 'status'" })
    await transact((tx) => chooseStatus(tx, user, userId, { status, text }))
    return {}
  },
  'POST /users.setPreferences': async ({ transact }, { body, user }) => {
    const { userId = user.id, data } = body
    const preferences = await transact((tx) => setPreferences(tx, user, userId, data))
    return { user: { _id: userId, settings: { preferences } } }
  },
  'GET /users.getPreferences': async ({ read }, { user }) => ({
    preferences: (await requireUser(read, user.id)).preferences,
  }),
}

function asSeenBy(caller: SignedIn, user: User) {
  return caller.id === user.id || caller.can('view-full-other-user-info') ? userToWire(user) : userToPublic(user)
}

type WireChange = Static<(typeof users)['POST /users.update']['body']>['data']

async function changeOf(data: WireChange): Promise<AccountChange> {
  const { password, verified, active, requirePasswordChange, ...same } = data
  return {
    ...same,
    ...(verified !== undefined && { isEmailVerified: verified }),
    ...(active !== undefined && { isActive: active }),
    ...(requirePasswordChange !== undefined && { mustChangePassword: requirePasswordChange }),
    ...(password !== undefined && { passwordHash: await hashNew(password) }),
  }
}

/** Slow on purpose, so it runs before any transaction. */
async function hashNew(password: string): Promise<string> {
  refuseWeakPassword(password)
  return hashPassword(password)
}
