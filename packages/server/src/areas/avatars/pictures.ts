// `GET /avatar/…` (contract §E.6).
import type { Context } from '../../context.ts'
import type { Resource, ResourceAnswer, ResourceRequest } from '../../http/resources.ts'
import { findRoom } from '../rooms/rooms.ts'
import { readSettings } from '../settings/settings.ts'
import { findUserById, findUserByUsername } from '../users/users.ts'
import { drawLetter, letterOf, sizeOf } from './avatars.ts'

/** Letters never change; this is the time that other servers of this API say of them. */
const DRAWN_AT = 'Thu, 01 Jan 2015 00:00:00 GMT'

/** The pictures of people by name or id, and of rooms. */
export function avatarResources(context: Context): Resource[] {
  const { read } = context
  return [
    {
      path: '/avatar/:name',
      endsInName: true,
      handler: async (request) => {
        const name = request.params['name'] ?? ''
        return picture(context, request, name.startsWith('@') ? name.slice(1) : await shownName(context, name))
      },
    },
    {
      path: '/avatar/uid/:id',
      handler: async (request) => {
        const user = await findUserById(read, request.params['id'] ?? '')
        return picture(context, request, user === undefined ? '?' : await shownName(context, user.username))
      },
    },
    {
      path: '/avatar/room/:id',
      handler: async (request) => {
        const room = await findRoom(read, request.params['id'] ?? '')
        // Drawn from the id: whoever asks need not be somebody who may know the visitor's name.
        return room === undefined ? { status: 404 } : picture(context, request, room.id)
      },
    },
  ]
}

/** A user's real name where pictures show it; not to strangers where pictures are not for them. */
async function shownName({ read }: Context, name: string): Promise<string> {
  const { UI_Use_Name_Avatar, Accounts_AvatarBlockUnauthenticatedAccess } = await readSettings(read)
  if (!UI_Use_Name_Avatar || Accounts_AvatarBlockUnauthenticatedAccess) return name
  return (await findUserByUsername(read, name))?.name ?? name
}

async function picture({ read }: Context, request: ResourceRequest, name: string): Promise<ResourceAnswer> {
  const { Accounts_AvatarCacheTime: seconds } = await readSettings(read)
  const headers = {
    'content-type': 'image/svg+xml',
    'content-disposition': 'inline',
    'content-security-policy': "sandbox; default-src 'none'",
    'cache-control': `public, max-age=${String(Math.max(0, seconds))}`,
    'last-modified': DRAWN_AT,
  }
  if (request.header('if-modified-since') === DRAWN_AT) return { status: 304, headers }
  const drawn = Buffer.from(drawLetter(letterOf(name), sizeOf(request.query('size'))))
  return { status: 200, headers, body: () => Promise.resolve(drawn) }
}
