import { Type as t } from 'typebox'
import { operations } from '../operation.ts'

const Role = t.Object({
  _id: t.String(),
  name: t.String(),
  scope: t.Literal('Users'),
  description: t.String(),
  protected: t.Boolean(),
  mandatory2fa: t.Boolean(),
})

/** A permission and the roles that hold it now. */
const Permission = t.Object({ _id: t.String(), roles: t.Array(t.String()) })

export const roles = operations('Roles', {
  'GET /roles.list': {
    summary: 'List the roles',
    caller: 'user',
    limit: 'staff',
    returns: t.Object({ roles: t.Array(Role) }),
    errors: {},
  },
  'GET /permissions.listAll': {
    summary: 'List the permissions and the roles that hold them',
    caller: 'user',
    limit: 'staff',
    query: t.Object({
      updatedSince: t.Optional(t.String({ maxLength: 64, description: 'Only those changed after this moment' })),
    }),
    returns: t.Object({ update: t.Array(Permission), remove: t.Array(Permission) }),
    errors: { 'invalid-params': 'withCode' },
  },
  'POST /permissions.update': {
    summary: 'Say which roles hold a permission',
    description:
      'Needs the permission `access-permissions`. In force when this answers, for administrators too: ' +
      'a permission without roles is held by nobody. All changes are made or none.',
    caller: 'user',
    limit: 'staff',
    body: t.Object({
      permissions: t.Optional(
        // The server looks into it itself: what is wrong with it has an answer of its own.
        t.Unknown({
          description: 'A list of `{"_id": …, "roles": […]}`',
          examples: [[{ _id: 'view-l-room', roles: ['livechat-agent', 'admin'] }]],
        }),
      ),
    }),
    returns: t.Object({ permissions: t.Array(Permission) }),
    errors: {
      'error-edit-permissions-not-allowed': 'textWithType',
      'error-invalid-body-params': 'textWithType',
      'error-invalid-permission': 'textWithType',
      'error-invalid-role': 'textWithType',
    },
  },
})
