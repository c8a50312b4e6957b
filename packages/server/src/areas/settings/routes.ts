import type { settings } from '@deskbell/contract/areas/settings.ts'
import { ApiError } from '../../api-error.ts'
import type { Context, Handlers } from '../../context.ts'
import { readPage, type PageQuery } from '../../page.ts'
import { changeSettings, listSettings, readSettings, requireSetting, type Setting } from './settings.ts'
import { settingToWire } from './wire.ts'

type WireSetting = ReturnType<typeof settingToWire>
type Column = '_id' | 'type' | 'group' | 'section' | 'sorter' | 'createdAt' | '_updatedAt'

export const settingRoutes: Handlers<typeof settings> = {
  'GET /settings.public': async (context, { query }) => {
    const asked = query._id === undefined ? undefined : new Set(query._id.split(','))
    const isAsked = ({ id, definition }: Setting) => definition.public && (asked?.has(id) ?? true)
    const { rows, ...page } = await listPage(context, query, isAsked)
    return { settings: rows.map(({ _id, value }) => ({ _id, value })), ...page }
  },
  'GET /settings': async (context, { query, user }) => {
    const seesAll = user.can('view-privileged-setting')
    const { rows, ...page } = await listPage(context, query, ({ definition }) => seesAll || definition.public)
    return { settings: rows, ...page }
  },
  'POST /settings': async ({ transact, config }, { body, user }) => {
    const changes = body.settings.map(({ _id, value }) => ({ id: _id, value }))
    await transact((tx) => changeSettings(tx, user, config, changes))
    return {}
  },
  'GET /settings/:_id': async ({ read, config }, { params, user }) => {
    if (!user.can('view-privileged-setting')) throw new ApiError('unauthorized')
    const { id, value } = await requireSetting(read, config, params._id)
    return { _id: id, value }
  },
  'POST /settings/:_id': async ({ transact, config }, { params, body, user }) => {
    if (!user.can('edit-privileged-setting')) throw new ApiError('unauthorized')
    await transact((tx) => changeSettings(tx, user, config, [{ id: params._id, value: body.value }]))
    return {}
  },
}

const columns: Record<string, Column> = {
  _id: '_id',
  type: 'type',
  group: 'group',
  section: 'section',
  sorter: 'sorter',
  ts: 'createdAt',
  createdAt: 'createdAt',
  _updatedAt: '_updatedAt',
}

/** Most settings have only their default, which no database holds: so their list is cut into pages here. */
async function listPage({ read, config }: Context, query: PageQuery, isShown: (setting: Setting) => boolean) {
  const { offset, limit, order } = readPage(query, await readSettings(read), columns, [
    { column: '_id', direction: 'asc' },
  ])
  const shown = (await listSettings(read, config)).filter(isShown).map(settingToWire)
  for (const { column, direction } of order.toReversed())
    shown.sort((one, other) => (direction === 'asc' ? compare(one, other, column) : compare(other, one, column)))
  const rows = shown.slice(offset, offset + limit)
  return { rows, count: rows.length, offset, total: shown.length }
}

/** Absent values first, texts by their bytes (contract §G.4). */
function compare(one: WireSetting, other: WireSetting, column: Column): number {
  const [left = '', right = ''] = [one[column], other[column]]
  return left < right ? -1 : left > right ? 1 : 0
}
