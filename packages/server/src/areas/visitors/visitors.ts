// People chatting from outside, each known by a token of their own choosing.
import { ApiError } from '../../api-error.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import { requireOpenDepartment } from '../departments/departments.ts'
import { endService } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import type { Settings } from '../settings/catalogue.ts'
import {
  deleteRoom,
  foldName,
  listRoomsOf,
  systemAuthor,
  takeOpenRoom,
  updateOpenRoomsOf,
} from '../timeline/timeline.ts'
import {
  disableVisitor,
  findVisitorBy,
  findVisitorById,
  findVisitorByToken,
  insertContact,
  insertVisitor,
  isIdTaken,
  isUsernameTaken,
  nextNumber,
  takeVisitor,
  updateDetails,
  updateVisitor,
  type Visitor,
  type VisitorChange,
} from './store.ts'

export type { Visitor } from './store.ts'
export {
  findVisitorById,
  findVisitorByToken as findVisitor,
  noteAnswered,
  noteChat,
  noteDepartment,
  takeVisitorById,
} from './store.ts'

/** What a client says of a visitor. */
export interface Registration {
  token: string
  name?: string | undefined
  email?: string | undefined
  phone?: string | undefined
  department?: string | undefined
  username?: string | undefined
  id?: string | undefined
}

/** What the request tells of the visitor's device; kept only where the setting allows it. */
export interface Device {
  userAgent?: string | undefined
  address: string
  host?: string | undefined
}

/** @throws `invalid-token` */
export async function requireVisitor(reader: Reader, token: string): Promise<Visitor> {
  const visitor = await findVisitorByToken(reader, token)
  if (visitor === undefined) throw new ApiError('invalid-token')
  return visitor
}

/**
 * Registers a visitor, or updates the one with this token. The token alone decides who somebody is: knowing a phone
 * number or an address gives nobody another's chats (contract §H.3), unless `Livechat_visitor_matching` says otherwise.
 * @throws `error-invalid-token`, `error-invalid-email`, `error-invalid-department`
 */
export async function registerVisitor(tx: Transaction, given: Registration, device: Device): Promise<Visitor> {
  const settings = await readSettings(tx)
  refuseBadToken(given.token, settings)
  const change = { ...changeOf(given), ...(await departmentOf(tx, given)) }

  const known = await findKnown(tx, given.token, change, settings)
  const id =
    known?.id ??
    (await createVisitor(
      tx,
      given,
      change,
      settings.Livechat_Allow_collect_and_store_HTTP_header_informations ? device : undefined,
    ))
  if (known !== undefined) await updateKnown(tx, known, change)
  const visitor = await findVisitorById(tx, id)
  if (visitor === undefined) throw new Error(`Visitor ${id} is gone.`)
  tx.emit('visitor.changed', { visitorId: id })
  return visitor
}

/**
 * Removes a visitor and everything in the visitor's rooms, and nothing else (promises A13).
 * @throws `invalid-token`, `visitor-has-open-rooms`
 */
export async function removeVisitor(tx: Transaction, token: string): Promise<Visitor> {
  // First of all the row: a room opened or a message sent beside the removal would stay behind.
  const visitor = await takeVisitor(tx, token)
  if (visitor === undefined) throw new ApiError('invalid-token')
  const rooms = await listRoomsOf(tx, visitor.id)
  const { Livechat_Allow_collect_and_store_HTTP_header_informations: mayRemoveOpen } = await readSettings(tx)
  const open = rooms.filter(({ closed }) => closed === undefined)
  if (open.length > 0 && !mayRemoveOpen) throw new ApiError('visitor-has-open-rooms')
  for (const { id } of open) {
    // As it is now: somebody may have taken or closed it since it was listed.
    const room = await takeOpenRoom(tx, id)
    if (room !== undefined) await endService(tx, room)
  }
  for (const { id } of rooms) await deleteRoom(tx, id)
  await disableVisitor(tx, visitor)
  tx.emit('visitor.removed', { visitorId: visitor.id, roomIds: rooms.map(({ id }) => id) })
  return visitor
}

/**
 * Notes in the visitor's open rooms whether the visitor is there; the visitor's own record does not change (contract A.8).
 * @throws `invalid-token`
 */
export async function notePresence(tx: Transaction, token: string, status: string): Promise<void> {
  const visitor = await requireVisitor(tx, token)
  const roomIds = await updateOpenRoomsOf(tx, visitor.id, { visitorStatus: status })
  for (const roomId of roomIds) tx.emit('room.changed', { roomId })
}

/**
 * Writes down what a member of the staff knows of a visitor, over what is there; an empty value says nothing, but removes
 * a custom field. Answers what was changed, or false where there is no such visitor.
 * @throws `error-invalid-email`
 */
export async function correctVisitor(
  tx: Transaction,
  id: string,
  said: Pick<Registration, 'name' | 'email' | 'phone'>,
  fields: Readonly<Record<string, string>>,
): Promise<VisitorChange | false> {
  const change = changeOf(said)
  const known = await findVisitorById(tx, id)
  if (known === undefined || !(await updateDetails(tx, id, { ...change, ...fieldColumn(known, fields) }))) return false
  await showName(tx, known, change)
  tx.emit('visitor.changed', { visitorId: id })
  return change
}

function fieldColumn(
  { fields: stored }: Visitor,
  fields: Readonly<Record<string, string>>,
): { fields?: string | null } {
  if (Object.keys(fields).length === 0) return {}
  const filled = Object.entries({ ...stored, ...fields }).filter(([, value]) => value !== '')
  return { fields: filled.length === 0 ? null : JSON.stringify(Object.fromEntries(filled)) }
}

function refuseBadToken(token: string, settings: Settings): void {
  if (token.trim() === '' || token.length < settings.Livechat_minimum_token_length)
    throw new ApiError('error-invalid-token')
}

function changeOf(given: Pick<Registration, 'name' | 'email' | 'phone'>): VisitorChange {
  const name = given.name?.trim()
  const phone = given.phone?.trim()
  return {
    ...(name !== undefined && name !== '' && { name }),
    ...(phone !== undefined && phone !== '' && { phone }),
    // Forms send an empty field for an address nobody gave.
    ...(given.email !== undefined && given.email.trim() !== '' && { email: normalEmail(given.email) }),
  }
}

/** The department is remembered by its id, however it was named. */
async function departmentOf(
  tx: Transaction,
  { department }: Registration,
): Promise<Pick<VisitorChange, 'departmentId'>> {
  return department === undefined ? {} : { departmentId: (await requireOpenDepartment(tx, department)).id }
}

/** The lax check of the wire: exactly one `@`, with something on both sides (contract A.4). */
function normalEmail(email: string): string {
  const address = email.trim().toLowerCase()
  const parts = address.split('@')
  if (parts.length !== 2 || parts.some((part) => part === '' || /\s/.test(part)))
    throw new ApiError('error-invalid-email', {
      reason: `Invalid email ${address}`,
      details: { function: 'Livechat.registerGuest', email: address },
    })
  return address
}

/** The visitor this is; in `compatible` mode also by phone (who keeps the token) or e-mail (whose token is replaced). */
async function findKnown(
  tx: Transaction,
  token: string,
  change: VisitorChange,
  settings: Settings,
): Promise<Visitor | undefined> {
  const byToken = await findVisitorByToken(tx, token)
  if (byToken !== undefined || settings.Livechat_visitor_matching !== 'compatible') return byToken
  const byPhone = change.phone === undefined ? undefined : await findVisitorBy(tx, 'phone', change.phone)
  if (byPhone !== undefined) return byPhone
  const byEmail = change.email === undefined ? undefined : await findVisitorBy(tx, 'email', change.email)
  if (byEmail !== undefined) await updateVisitor(tx, byEmail.id, { token })
  return byEmail
}

async function updateKnown(tx: Transaction, known: Visitor, change: VisitorChange): Promise<void> {
  if (!(await updateVisitor(tx, known.id, change))) throw new StartOver()
  await showName(tx, known, change)
}

/** Open rooms show the name that their visitor has now. */
async function showName(tx: Transaction, known: Visitor, { name }: VisitorChange): Promise<void> {
  if (name === undefined || name === known.name) return
  const roomIds = await updateOpenRoomsOf(tx, known.id, { visitorName: name, nameFolded: foldName(name) })
  for (const roomId of roomIds) tx.emit('room.changed', { roomId })
}

async function createVisitor(
  tx: Transaction,
  given: Registration,
  change: VisitorChange,
  device: Device | undefined,
): Promise<string> {
  // A given id is only a wish: an id in use must not become another's (promises A11).
  const id = given.id !== undefined && !(await isInUse(tx, given.id)) ? given.id : tx.newId()
  const contactId = tx.newId()
  const username = await freeUsername(tx, given.username)
  await insertContact(tx, contactId, change.name ?? username)
  const inserted = await insertVisitor(tx, {
    ...change,
    id,
    token: given.token,
    username,
    contactId,
    ...deviceColumns(device),
  })
  // Somebody registered the same token, or took the name, since we looked.
  if (!inserted) throw new StartOver()
  return id
}

/** Nothing of the device where the setting does not allow it. */
function deviceColumns(device: Device | undefined) {
  const { userAgent, address, host } = device ?? {}
  return { userAgent: userAgent ?? null, address: address ?? null, host: host ?? null }
}

/** Whether this is the id of anybody: of the system, a member of the staff, a visitor of today or a removed one. */
async function isInUse(tx: Transaction, id: string): Promise<boolean> {
  return id === systemAuthor.id || (await isIdTaken(tx, id))
}

// Only we hand these out: who could wish for the next one would keep everybody else from registering.
const GENERATED_USERNAME = /^guest-\d+$/i

/** The wished name if nobody goes by it, else the next `guest-<n>`; never a name of the staff (promises A11). */
async function freeUsername(tx: Transaction, given: string | undefined): Promise<string> {
  const wished = given?.trim() ?? ''
  const mayHave = wished !== '' && !GENERATED_USERNAME.test(wished) && wished.toLowerCase() !== systemAuthor.username
  if (mayHave && !(await isUsernameTaken(tx, wished))) return wished
  return `guest-${await nextNumber(tx, 'visitors')}`
}
