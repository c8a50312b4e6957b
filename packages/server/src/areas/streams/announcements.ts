// What everybody who is signed in hears: settings, permissions, roles and names (contract §C.14.1, `notify-logged`, `notify-all`).
import type { Config } from '../../config.ts'
import type { DeskEvent } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Hub } from '../../realtime/hub.ts'
import { listPermissions } from '../roles/roles.ts'
import { listSettings } from '../settings/settings.ts'
import { findUserById } from '../users/users.ts'
import { permissionForStaff, privateSetting, publicSetting } from './wire.ts'

const LOGGED = 'notify-logged'
const PUBLIC_SETTINGS = 'public-settings-changed'
const PRIVATE_SETTINGS = 'private-settings-changed'

export interface AnnouncementsOptions {
  read: Reader
  hub: Hub
  config: Config
}

/** Tells what an event calls for. */
export async function announce(options: AnnouncementsOptions, { name, data }: DeskEvent): Promise<void> {
  if (name === 'settings.changed') await announceSettings(options, data.ids)
  if (name === 'permissions.changed') await announcePermissions(options, data.ids)
  if (name === 'user.roles-changed') await announceRoles(options, data)
  if (name === 'user.name-changed') await announceName(options, data.userId)
  if (name === 'user.removed') options.hub.say(LOGGED, 'Users:Deleted', { staff: [{ userId: data.userId }] })
}

/** Of settings that anybody may read the value; all that is known of one for those who may change it. */
async function announceSettings({ read, hub, config }: AnnouncementsOptions, ids: readonly string[]): Promise<void> {
  if (!hub.isHeard('notify-all', PUBLIC_SETTINGS) && !hub.isHeard(LOGGED, PRIVATE_SETTINGS)) return
  const changed = new Set(ids)
  for (const [sorter, setting] of (await listSettings(read, config)).entries()) {
    if (!changed.has(setting.id)) continue
    if (setting.definition.public)
      hub.say('notify-all', PUBLIC_SETTINGS, { staff: ['updated', publicSetting(setting)] })
    hub.say(LOGGED, PRIVATE_SETTINGS, { staff: ['updated', privateSetting(setting, sorter)] })
  }
}

async function announcePermissions({ read, hub }: AnnouncementsOptions, ids: readonly string[]): Promise<void> {
  if (!hub.isHeard(LOGGED, 'permissions-changed')) return
  const changed = new Set(ids)
  for (const permission of await listPermissions(read))
    if (changed.has(permission.id))
      hub.say(LOGGED, 'permissions-changed', { staff: ['updated', permissionForStaff(permission)] })
}

/** One event for each role that was given or taken. */
async function announceRoles(
  { read, hub }: AnnouncementsOptions,
  { userId, added, removed }: { userId: string; added: readonly string[]; removed: readonly string[] },
): Promise<void> {
  if (!hub.isHeard(LOGGED, 'roles-change')) return
  const user = await findUserById(read, userId)
  if (user === undefined) return
  const u = { _id: user.id, username: user.username }
  for (const _id of added) hub.say(LOGGED, 'roles-change', { staff: [{ type: 'added', _id, u }] })
  for (const _id of removed) hub.say(LOGGED, 'roles-change', { staff: [{ type: 'removed', _id, u }] })
}

async function announceName({ read, hub }: AnnouncementsOptions, userId: string): Promise<void> {
  const user = hub.isHeard(LOGGED, 'Users:NameChanged') ? await findUserById(read, userId) : undefined
  if (user === undefined) return
  const { id: _id, name, username } = user
  hub.say(LOGGED, 'Users:NameChanged', { staff: [{ _id, name, username }] })
}
