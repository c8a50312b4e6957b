// Who may do what: roles, and the permissions each holds at this moment.
import { ApiError } from '../../api-error.ts'
import type { Reader, Transaction } from '../../database/transaction.ts'
import { versioned } from '../../database/versioned.ts'
import { differenceOf, note, type Actor } from '../ledger/ledger.ts'
import { defaultPermissions, roles } from './catalogue.ts'
import { listStoredPermissions, savePermissions } from './store.ts'

/** A permission and the roles that hold it. */
export interface Permission {
  id: string
  roles: readonly string[]
}

/** Permission → the roles that hold it now. Administrators are no exception: an emptied permission refuses them too. */
export const readPermissions: (reader: Reader) => Promise<ReadonlyMap<string, readonly string[]>> = versioned(
  'permissions',
  async (reader) => {
    const held = new Map<string, readonly string[]>(Object.entries(defaultPermissions))
    for (const { id, roles } of await listStoredPermissions(reader)) held.set(id, roles)
    return held
  },
)

/** Every permission with the roles that hold it now. */
export async function listPermissions(reader: Reader): Promise<Permission[]> {
  return [...(await readPermissions(reader))].map(([id, roles]) => ({ id, roles }))
}

/** The permissions that were changed after a moment, given in milliseconds since 1970. */
export async function listPermissionsChangedSince(reader: Reader, sinceMs: number): Promise<Permission[]> {
  const stored = await listStoredPermissions(reader)
  return stored.filter(({ updatedAt }) => Date.parse(updatedAt) > sinceMs)
}

/**
 * Gives permissions to exactly these roles, from now on; where one permission is named twice, the last one counts.
 * @throws `error-invalid-permission`, `error-invalid-role`: then nothing is changed
 */
export async function changePermissions(tx: Transaction, by: Actor, changes: readonly Permission[]): Promise<void> {
  if (!changes.every(({ id }) => Object.hasOwn(defaultPermissions, id))) throw new ApiError('error-invalid-permission')
  if (!changes.every((change) => change.roles.every(isRole))) throw new ApiError('error-invalid-role')

  const wanted = new Map(changes.map((change) => [change.id, [...new Set(change.roles)]]))
  if (wanted.size === 0) return
  const held = await readPermissions(tx)
  await savePermissions(
    tx,
    [...wanted].map(([id, roles]) => ({ id, roles })),
  )
  for (const [id, roles] of wanted) await noteChange(tx, by, { id, before: held.get(id), after: roles })
  tx.emit('permissions.changed', { ids: [...wanted.keys()] })
}

type Change = Record<'before' | 'after', readonly string[] | undefined> & { id: string }

async function noteChange(tx: Transaction, by: Actor, { id, before, after }: Change): Promise<void> {
  const difference = differenceOf({ roles: before }, { roles: after })
  if (difference === undefined) return
  await note(tx, { actor: by, action: 'permission.changed', subject: { kind: 'permission', id }, ...difference })
}

function isRole(id: string): boolean {
  return Object.hasOwn(roles, id)
}
