// People chatting from outside, each known by a token of their own choosing.
import { ApiError } from '../../api-error.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import { mergeFields } from '../custom-fields/custom-fields.ts'
import { requireOpenDepartment } from '../departments/departments.ts'
import { forgetVisitor, note } from '../ledger/ledger.ts'
import { endService } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import type { Settings } from '../settings/catalogue.ts'
import {
  deleteRoom,
  findOpenRoomOf,
  foldName,
  listRoomsOf,
  systemAuthor,
  takeOpenRoom,
  takeRoom,
  updateOpenRoomsOf,
  updateRoom,
  type Room,
} from '../timeline/timeline.ts'
import { refuseBlocked } from './blocks.ts'
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
  updateVisitor,
  type Visitor,
  type VisitorChange,
} from './store.ts'
import { writeFields } from './field-store.ts'
import { requireVisitor } from './identify.ts'
import { registerFields, type GivenField } from './visitor-fields.ts'

export type { Visitor, VisitorChange } from './store.ts'
export {
  findVisitorBy,
  findVisitorById,
  findVisitorByToken as findVisitor,
  forgetChats,
  noteAnswered,
  noteChat,
  noteDepartment,
  noteLatestChat,
  takeVisitorById,
  updateVisitor,
  visitorFromRow,
  withMonth,
} from './store.ts'
export { blockVisitor, listBlocks, refuseBlocked, unblockVisitor, type Block } from './blocks.ts'
export { hasRoomNamedOtherwise, renameRooms } from './name-store.ts'
export { writeFields } from './field-store.ts'
export { requireVisitor } from './identify.ts'
export { captureContact, mayTellContact } from './leads.ts'
export { originOf } from './origin.ts'
export {
  claimVisits,
  describePage,
  keepVisits,
  listVisits,
  navigationOf,
  notePage,
  removeExpiredVisits,
  type PageVisit,
} from './page-visits.ts'
export { notePresence, tellPresence } from './presence.ts'
export { refuseBadFields, setFields } from './visitor-fields.ts'

/** What a client says of a visitor. */
export interface Registration {
  token: string
  name?: string | undefined
  email?: string | undefined
  phone?: string | undefined
  department?: string | undefined
  username?: string | undefined
  id?: string | undefined
  fields?: readonly GivenField[] | undefined
}

/** What a registration may set. */
type GivenChange = { name?: string; email?: string; phone?: string; departmentId?: string }

/** What the request tells of the visitor's device; kept only where the setting allows it. */
export interface Device {
  userAgent?: string | undefined
  /** Absent where somebody registers for the visitor. */
  address?: string | undefined
  host?: string | undefined
}

/**
 * Registers a visitor, or updates the one with this token. The token alone decides who somebody is: knowing a phone
 * number or an address gives nobody another's chats (contract §H.3), unless `Livechat_visitor_matching` says otherwise.
 * @throws `error-invalid-token`, `error-invalid-email`, `error-invalid-department`, `error-contact-channel-blocked`
 */
export async function registerVisitor(tx: Transaction, given: Registration, device: Device): Promise<Visitor> {
  const settings = await readSettings(tx)
  refuseBadToken(given.token, settings)
  await refuseBlocked(tx, { token: given.token, address: device.address })
  const change = { ...changeOf(given), ...(await departmentOf(tx, given)) }

  const { known, rebound } = await findKnown(tx, given.token, change, settings)
  const id =
    known?.id ??
    (await createVisitor(
      tx,
      given,
      change,
      settings.Livechat_Allow_collect_and_store_HTTP_header_informations ? device : undefined,
    ))
  if (known !== undefined) {
    await changeNamed(tx, known, { ...change, ...rebound, status: 'online' })
    await noteOverwritten(tx, known, change)
  }
  const visitor = await requireById(tx, id)
  tx.emit('visitor.changed', { visitorId: id })
  // The token before opens them no more.
  if (rebound !== undefined) for (const room of await listRoomsOf(tx, id)) tx.emit('room.changed', { roomId: room.id })
  if (given.fields === undefined || given.fields.length === 0) return visitor
  await registerFields(tx, visitor, given.fields)
  return requireById(tx, id)
}

/** Whoever has the token may call himself something else: that it was done is on record (promises A12). */
async function noteOverwritten(tx: Transaction, known: Visitor, given: GivenChange): Promise<void> {
  const names = (['name', 'email', 'phone'] as const).filter(
    (name) => known[name] !== undefined && given[name] !== undefined && known[name] !== given[name],
  )
  if (names.length === 0) return
  const only = (facts: GivenChange) => Object.fromEntries(names.map((name) => [name, facts[name]]))
  await note(tx, {
    actor: { id: known.id, username: known.username },
    action: 'visitor.changed',
    subject: { kind: 'visitor', id: known.id },
    before: only(known),
    after: only(given),
  })
}

async function requireById(tx: Transaction, id: string): Promise<Visitor> {
  const visitor = await findVisitorById(tx, id)
  if (visitor === undefined) throw new Error(`Visitor ${id} is gone.`)
  return visitor
}

/**
 * Removes a visitor and everything in the visitor's rooms, and nothing else (promises A13).
 * @throws `invalid-token`, `visitor-has-open-rooms`
 */
export async function removeVisitor(tx: Transaction, token: string): Promise<Visitor> {
  const found = await requireVisitor(tx, token)
  const rooms = await listRoomsOf(tx, found.id)
  const { Livechat_Allow_collect_and_store_HTTP_header_informations: mayRemoveOpen } = await readSettings(tx)
  const open = rooms.filter(({ closed }) => closed === undefined)
  if (open.length > 0 && !mayRemoveOpen) throw new ApiError('visitor-has-open-rooms')
  const roomIds = await removeRoomsOf(tx, found.id, rooms)
  const visitor = await takeVisitor(tx, token)
  // Opened since we looked, or given to this visitor: it would stay behind.
  if (visitor?.id !== found.id || (await listRoomsOf(tx, visitor.id)).length > 0) throw new StartOver()
  await disableVisitor(tx, visitor)
  await forgetVisitor(tx, visitor.id)
  tx.emit('visitor.removed', { visitorId: visitor.id, roomIds })
  return visitor
}

/**
 * Removes rooms as they are now: since they were listed somebody may have closed one, or given it to another visitor. All are
 * taken before an agent is freed, in the order of their ids (docs/decisions/0009-lock-order.md). Answers their ids.
 */
async function removeRoomsOf(tx: Transaction, visitorId: string, listed: readonly Room[]): Promise<string[]> {
  const rooms: Room[] = []
  for (const id of listed.map((room) => room.id).sort()) {
    const room = await takeRoom(tx, id)
    if (room?.visitor.id === visitorId) rooms.push(room)
  }
  for (const room of rooms) {
    if (room.closed === undefined) await endService(tx, room)
    await deleteRoom(tx, room.id)
  }
  return rooms.map(({ id }) => id)
}

/**
 * Notes the state of a call in the visitor's open room (contract A.9).
 * @throws `invalid-token`, `invalid-room`
 */
export async function noteCall(
  tx: Transaction,
  token: string,
  call: { roomId: string; status: string },
): Promise<void> {
  const visitor = await requireVisitor(tx, token)
  const open = await findOpenRoomOf(tx, visitor.id)
  const room = open?.id === call.roomId ? await takeOpenRoom(tx, call.roomId) : undefined
  if (room === undefined) throw new ApiError('invalid-room')
  await updateRoom(tx, room.id, { callStatus: call.status })
  tx.emit('room.changed', { roomId: room.id })
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
): Promise<GivenChange | false> {
  const change = changeOf(said)
  const found = await findVisitorById(tx, id)
  if (found === undefined) return false
  await changeNamed(tx, found, change)
  if (Object.keys(fields).length > 0) {
    // As it is now that nobody else can change it.
    const { fields: known } = await requireById(tx, id)
    await writeFields(tx, id, mergeFields(known, fields))
  }
  tx.emit('visitor.changed', { visitorId: id })
  return change
}

/** The open room of a token; a token of nobody has none. */
export async function findRoomOfToken(reader: Reader, token: string): Promise<Room | undefined> {
  const visitor = await findVisitorByToken(reader, token)
  return visitor && findOpenRoomOf(reader, visitor.id)
}

/** @throws `error-invalid-token` */
export function refuseBadToken(token: string, settings: Settings): void {
  if (token.trim() === '' || token.length < settings.Livechat_minimum_token_length)
    throw new ApiError('error-invalid-token')
}

function changeOf(given: Pick<Registration, 'name' | 'email' | 'phone'>): GivenChange {
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
async function departmentOf(tx: Transaction, { department }: Registration): Promise<Pick<GivenChange, 'departmentId'>> {
  return department === undefined ? {} : { departmentId: (await requireOpenDepartment(tx, department)).id }
}

/**
 * An address as it is kept. The lax check of the wire: exactly one `@`, with something on both sides (contract A.4).
 * @throws `error-invalid-email`
 */
export function normalEmail(email: string): string {
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
  change: GivenChange,
  settings: Settings,
): Promise<{ known: Visitor | undefined; rebound?: { token: string } }> {
  const byToken = await findVisitorByToken(tx, token)
  if (byToken !== undefined || settings.Livechat_visitor_matching !== 'compatible') return { known: byToken }
  const byPhone = change.phone === undefined ? undefined : await findVisitorBy(tx, 'phone', change.phone)
  const byEmail = change.email === undefined ? undefined : await findVisitorBy(tx, 'email', change.email)
  const known = byPhone ?? byEmail
  // A blocked visitor must not come back under another token.
  if (known !== undefined) await refuseBlocked(tx, { token: known.token })
  return { known, ...(byPhone === undefined && known !== undefined && { rebound: { token } }) }
}

/** Changes a visitor whose open room shows the name of now: the room before its visitor, as everywhere. */
async function changeNamed(tx: Transaction, known: Visitor, change: VisitorChange): Promise<void> {
  const { name } = change
  const isRenamed = name !== undefined && name !== known.name
  if (isRenamed) await showName(tx, known.id, name)
  // Removed since we looked.
  if (!(await updateVisitor(tx, known.id, change))) throw new StartOver()
  if (!isRenamed) return
  const open = await findOpenRoomOf(tx, known.id)
  // Opened since we looked, under the old name.
  if (open !== undefined && open.visitor.name !== name) throw new StartOver()
}

async function showName(tx: Transaction, visitorId: string, name: string): Promise<void> {
  const roomIds = await updateOpenRoomsOf(tx, visitorId, { visitorName: name, nameFolded: foldName(name) })
  for (const roomId of roomIds) tx.emit('room.changed', { roomId })
}

/** A new visitor; answers the id, which is the given one where nobody has it. */
export async function createVisitor(
  tx: Transaction,
  given: Pick<Registration, 'token' | 'id' | 'username'>,
  change: GivenChange,
  device?: Device,
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
