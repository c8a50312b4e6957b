import type { roles as contract } from '@deskbell/contract/areas/roles.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers } from '../../context.ts'
import { roles } from './catalogue.ts'
import { changePermissions, listPermissions, listPermissionsChangedSince, type Permission } from './roles.ts'

export const roleRoutes: Handlers<typeof contract> = {
  'GET /roles.list': () =>
    Promise.resolve({
      roles: Object.entries(roles).map(([id, role]) => ({ _id: id, ...role, scope: 'Users', mandatory2fa: false })),
    }),
  'GET /permissions.listAll': async ({ read }, { query }) => {
    const since = readTime(query.updatedSince)
    const permissions =
      since === undefined ? await listPermissions(read) : await listPermissionsChangedSince(read, since)
    return { update: permissions.map(toWire), remove: [] }
  },
  'POST /permissions.update': async ({ transact }, { body, user }) => {
    if (!user.can('access-permissions')) throw new ApiError('error-edit-permissions-not-allowed')
    const changes = readChanges(body.permissions)
    const permissions = await transact(async (tx) => {
      await changePermissions(tx, user, changes)
      return listPermissions(tx)
    })
    return { permissions: permissions.map(toWire) }
  },
}

function toWire({ id, roles }: Permission) {
  return { _id: id, roles: [...roles] }
}

/** Milliseconds since 1970; `undefined` for a parameter that is absent or empty. */
function readTime(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new ApiError('invalid-params', { reason: 'The "updatedSince" query parameter must be a valid date.' })
}

function readChanges(permissions: unknown): Permission[] {
  if (!Array.isArray(permissions)) throw new ApiError('error-invalid-body-params')
  return permissions.map((permission: unknown) => {
    const { _id: id, roles } = (permission ?? {}) as { _id?: unknown; roles?: unknown }
    if (typeof id !== 'string' || !isTextList(roles)) throw new ApiError('error-invalid-body-params')
    return { id, roles }
  })
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
