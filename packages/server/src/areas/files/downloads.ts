// `GET /file-upload/:id/:name` (contract §E.6): who may read a file, and headers under which nothing in it can run.
import type { Context, SignedIn, WhoIs } from '../../context.ts'
import { rangeOf } from '../../http/range.ts'
import { visitorTokenOf, type Resource, type ResourceAnswer, type ResourceRequest } from '../../http/resources.ts'
import { mayRead } from '../rooms/rooms.ts'
import { isSubscribed } from '../routing/routing.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import { findRoom, opensFile } from '../timeline/timeline.ts'
import { findVisitor } from '../visitors/visitors.ts'
import { findUpload, type Upload } from './files.ts'
import { isActive, isInert } from './media-type.ts'

const policy = "sandbox; default-src 'none'"

/** Every file that somebody sent, under its id; the name in the address is only for people. */
export function fileResources(context: Context, whoIs: WhoIs): Resource[] {
  const answer = async (request: ResourceRequest): Promise<ResourceAnswer> => {
    const upload = await findUpload(context.read, request.params['id'] ?? '')
    if (upload === undefined) return { status: 404 }
    if (!(await isAllowed(context, whoIs, upload, request)))
      return { status: 403, isGuess: await isUnknownVisitor(context, request) }
    return contentOf(context, upload, request)
  }
  return [{ path: '/file-upload/:id/:name', handler: answer }]
}

async function isAllowed(context: Context, whoIs: WhoIs, upload: Upload, request: ResourceRequest): Promise<boolean> {
  const settings = await readSettings(context.read)
  if (!settings.FileUpload_ProtectFiles) return true
  if (hasLink(context, settings, upload, request) || (await isOwnVisitor(context, upload, request))) return true
  const user = await callerOf(whoIs, request)
  return user !== undefined && isOpenTo(context, settings, upload, user)
}

/** The short-lived link that a history of messages names. */
function hasLink({ clock }: Context, settings: Settings, { id }: Upload, request: ResourceRequest): boolean {
  const token = request.query('token')
  if (token === undefined || !settings.FileUpload_Enable_json_web_token_for_files) return false
  return opensFile(token, id, { secret: settings.FileUpload_json_web_token_secret_for_files, nowMs: clock() })
}

/** The visitor in whose room the file was sent, while it is open and afterwards. */
async function isOwnVisitor({ read }: Context, upload: Upload, request: ResourceRequest): Promise<boolean> {
  const [token, roomId] = [visitorTokenOf(request), request.argument('rc_rid')]
  if (token === undefined || roomId !== upload.roomId) return false
  const visitor = await findVisitor(read, token)
  const room = visitor && (await findRoom(read, roomId))
  return room !== undefined && room.visitor.id === visitor?.id
}

async function isUnknownVisitor({ read }: Context, request: ResourceRequest): Promise<boolean> {
  const token = visitorTokenOf(request)
  return token !== undefined && (await findVisitor(read, token)) === undefined
}

async function callerOf(whoIs: WhoIs, { argument, header }: ResourceRequest): Promise<SignedIn | undefined> {
  const named = credentialsOf(header('x-user-id'), header('x-auth-token'))
  return (await whoIs(named)) ?? whoIs(credentialsOf(argument('rc_uid'), argument('rc_token')))
}

function credentialsOf(userId: string | undefined, token: string | undefined) {
  return userId !== undefined && token !== undefined ? { userId, token } : undefined
}

/** Both restrictions together mean the wider one; none of them, any member of the staff. */
async function isOpenTo({ read }: Context, settings: Settings, upload: Upload, user: SignedIn): Promise<boolean> {
  const {
    FileUpload_Restrict_to_room_members: toMembers,
    FileUpload_Restrict_to_users_who_can_access_room: toReaders,
  } = settings
  if (!toMembers && !toReaders) return true
  if (await isSubscribed(read, upload.roomId, user.id)) return true
  const room = toReaders ? await findRoom(read, upload.roomId) : undefined
  return room !== undefined && mayRead(read, user, room)
}

function contentOf({ files }: Context, upload: Upload, request: ResourceRequest): ResourceAnswer {
  const { id, size } = upload
  const headers = headersOf(upload, request)
  if (isUnchanged(headers, request)) return { status: 304, headers }
  const range = isStillThat(headers, request.header('if-range')) ? rangeOf(request.header('range'), size) : undefined
  if (range === 'outside') return { status: 416, headers: { 'content-range': `bytes */${String(size)}` } }
  const body = () => files.read(id, range)
  if (range === undefined) return { status: 200, headers: { ...headers, 'content-length': String(size) }, body }
  const part = {
    'content-range': `bytes ${String(range.start)}-${String(range.end)}/${String(size)}`,
    'content-length': String(range.end - range.start + 1),
  }
  return { status: 206, headers: { ...headers, ...part }, body }
}

function headersOf({ name, type, etag, createdAt }: Upload, { query }: ResourceRequest) {
  const isShown = isInert(type) && query('contentDisposition') === 'inline' && query('download') === undefined
  return {
    'content-type': isActive(type) ? 'application/octet-stream' : type,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${encodedName(name)}`,
    'content-security-policy': policy,
    'cache-control': 'private, max-age=31536000',
    'accept-ranges': 'bytes',
    'last-modified': new Date(createdAt).toUTCString(),
    etag: `"${etag}"`,
  }
}

/** Signs that turn the direction of writing would let a name look like another; RFC 8187 leaves these few signs bare. */
function encodedName(name: string): string {
  const straight = name.replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
  return encodeURIComponent(straight).replaceAll(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

type Validators = Readonly<Record<'etag' | 'last-modified', string>>

/** A tag that matches decides; only without one the time does (RFC 9110, 13.1). */
function isUnchanged(headers: Validators, { header }: ResourceRequest): boolean {
  const tags = header('if-none-match')
  if (tags !== undefined) return tags.split(',').some((tag) => tag.trim().replace(/^W\//, '') === headers.etag)
  const since = header('if-modified-since')
  return since !== undefined && Date.parse(since) >= Date.parse(headers['last-modified'])
}

function isStillThat(headers: Validators, condition: string | undefined): boolean {
  return condition === undefined || condition === headers.etag || condition === headers['last-modified']
}
