// What agents know of visitors: who they are, what they looked at and said before, and whether they may come back.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import { StartOver, type Reader, type Transaction } from '../../database/transaction.ts'
import type { Patterns } from '../../patterns/patterns.ts'
import {
  checkFields,
  invalidValue,
  listOpenFields,
  listSearchable,
  mergeFields,
} from '../custom-fields/custom-fields.ts'
import { closeRoom, findRoom, mayRead, staffAuthor, type Room } from '../rooms/rooms.ts'
import { readSettings } from '../settings/settings.ts'
import { findOpenRoomOf, takeOpenRoom } from '../timeline/timeline.ts'
import { findUserByUsername } from '../users/users.ts'
import {
  blockVisitor,
  createVisitor,
  findVisitor,
  findVisitorBy,
  findVisitorById,
  normalEmail,
  refuseBlocked,
  refuseBadToken,
  hasRoomNamedOtherwise,
  renameRooms,
  takeVisitorById,
  updateVisitor,
  writeFields,
  type Visitor,
  type VisitorChange,
} from '../visitors/visitors.ts'
import { findByCriteria, type Criteria } from './search-store.ts'

export {
  listBlocks,
  listVisits,
  unblockVisitor,
  type Block,
  type PageVisit,
  type Visitor,
} from '../visitors/visitors.ts'
export { findLastMessages, type Room } from '../rooms/rooms.ts'
export { listChats, type ChatColumn } from './history-store.ts'
export { listByPrefix, searchVisitors, type VisitorColumn } from './search-store.ts'
export { findVisitorById } from '../visitors/visitors.ts'
export { listSearchable } from '../custom-fields/custom-fields.ts'

/** @throws `visitor-not-found`, also for one who was removed */
export async function requireVisitorById(reader: Reader, id: string): Promise<Visitor> {
  const visitor = await findVisitorById(reader, id)
  if (visitor === undefined) throw new ApiError('visitor-not-found')
  return visitor
}

/**
 * A room whose visitor's past the caller may look into. One that the caller may not read is the same as none.
 * @throws `invalid-room`
 */
export async function requireSeenRoom(reader: Reader, user: SignedIn, roomId: string): Promise<Room> {
  const room = await findRoom(reader, roomId)
  if (room === undefined || !(await mayRead(reader, user, room))) throw new ApiError('invalid-room')
  return room
}

/**
 * Whether the past of this visitor may be read through this room: it is the visitor of the room. Others have no past here.
 * @throws `invalid-room`, `error-not-allowed`
 */
export async function mayReadPast(
  reader: Reader,
  user: SignedIn,
  { roomId, visitorId }: { roomId: string; visitorId: string },
): Promise<boolean> {
  const room = await findRoom(reader, roomId)
  if (room === undefined) throw new ApiError('invalid-room')
  if (!(await mayRead(reader, user, room))) throw new ApiError('error-not-allowed')
  return room.visitor.id === visitorId
}

/**
 * The visitor of whom all of this is true; custom fields that nobody searches in ask for nothing.
 * @throws `error-invalid-params` where nothing is asked for
 */
export async function searchContact(reader: Reader, criteria: Criteria): Promise<Visitor | undefined> {
  const { email, phone } = criteria
  const asked = Object.entries(criteria.fields)
  if (email === undefined && phone === undefined && asked.length === 0) throw new ApiError('error-invalid-params')
  const searchable = await listSearchable(reader)
  const known = asked.filter(([key, part]) => searchable.includes(key) && part !== '')
  if (email === undefined && phone === undefined && known.length === 0) return undefined
  return findByCriteria(reader, { email, phone, fields: Object.fromEntries(known) })
}

/** Said in the room that ends because its visitor is blocked. */
const CLOSED_BY_BLOCK = 'The visitor was blocked.'

/**
 * Blocks a visitor and ends the chat that is open (contract §D.2).
 * @throws `visitor-not-found`, `error-address-unknown`
 */
export async function blockContact(
  tx: Transaction,
  user: SignedIn,
  { visitorId, byAddress, reason }: { visitorId: string; byAddress: boolean; reason: string },
): Promise<void> {
  const open = await findOpenRoomOf(tx, visitorId)
  // Closed by somebody else at this moment: all the better.
  const room = open && (await takeOpenRoom(tx, open.id))
  if (room !== undefined)
    await closeRoom(tx, room.id, { by: staffAuthor(user), comment: CLOSED_BY_BLOCK, isForced: true })
  await blockVisitor(tx, { visitorId, byAddress, reason, byId: user.id })
  // Opened since we looked.
  if ((await findOpenRoomOf(tx, visitorId)) !== undefined) throw new StartOver()
  tx.emit('visitor.changed', { visitorId })
}

/** What an agent writes down of a visitor; the fields have been checked. */
export interface ContactDraft {
  id?: string | undefined
  token: string
  name: string
  email: string | undefined
  phone: string | undefined
  username: string | undefined
  managerUsername: string | undefined
  fields: Record<string, string> | undefined
}

/**
 * What of the given custom fields a contact may have. It runs patterns: never in a transaction.
 * @throws `error-invalid-custom-field-value`
 */
export async function checkContactFields(
  reader: Reader,
  patterns: Patterns,
  given: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const accepted = await checkFields(reader, patterns, 'visitor', given)
  const open = new Set((await listOpenFields(reader)).map(({ id }) => id))
  return Object.fromEntries(Object.entries(accepted).filter(([key]) => open.has(key)))
}

/** What an agent who writes a contact down does not see stays as it is. */
async function hiddenFieldsOf(reader: Reader, known: Visitor | undefined): Promise<Record<string, string>> {
  const open = new Set((await listOpenFields(reader)).map(({ id }) => id))
  return Object.fromEntries(Object.entries(known?.fields ?? {}).filter(([key]) => !open.has(key)))
}

/**
 * Writes down who a visitor is: the one with the token, else with the id, else with the address, else a new one. Whom an
 * agent finds by id or address keeps the token: with one of the agent's choice, the agent could read as the visitor.
 * @throws `error-invalid-token`, `error-invalid-email`, `error-contact-manager-not-found`, `error-invalid-contact-manager`,
 * `error-invalid-custom-field-value`, `error-contact-channel-blocked`
 */
export async function saveContact(tx: Transaction, draft: ContactDraft): Promise<string> {
  const settings = await readSettings(tx)
  refuseBadToken(draft.token, settings)
  const change = changeOf(draft, await findManager(tx, draft.managerUsername))
  const { token, username, name } = draft
  const known = await takeKnown(tx, name, await findKnown(tx, draft, change.email))
  const fields = draft.fields === undefined ? known?.fields : mergeFields(await hiddenFieldsOf(tx, known), draft.fields)
  await refuseMissingFields(tx, fields)

  const id = known?.id ?? (await createVisitor(tx, { token, username }, { name }))
  const rebinds = known !== undefined && known.token !== token && settings.Livechat_visitor_matching === 'compatible'
  // A blocked visitor must not come back under another token.
  if (rebinds) await refuseBlocked(tx, known)
  // Removed since we looked.
  if (!(await updateVisitor(tx, id, { ...change, ...(rebinds && { token }) }))) throw new StartOver()
  await writeFields(tx, id, fields)
  tx.emit('visitor.changed', { visitorId: id })
  return id
}

/** The visitor as nobody else can change it any more, whose rooms have the new name: rooms come before their visitor. */
async function takeKnown(tx: Transaction, name: string, found: Visitor | undefined): Promise<Visitor | undefined> {
  if (found === undefined) return undefined
  await renameRooms(tx, found.id, name)
  const known = await takeVisitorById(tx, found.id)
  // Removed since we looked, or given another token; or a room came in between.
  if (known?.token !== found.token || (await hasRoomNamedOtherwise(tx, known.id, name))) throw new StartOver()
  return known
}

/** What is left empty is taken away, with what the visitor wrote of it; a phone number only where it is empty on purpose. */
function changeOf({ name, email, phone }: ContactDraft, manager: Pick<VisitorChange, 'managerId' | 'managerUsername'>) {
  const change: VisitorChange & { email: string | null } = {
    name,
    ...manager,
    email: email === undefined || email.trim() === '' ? null : normalEmail(email),
  }
  if (change.email === null) change.foundEmail = null
  if (phone === undefined) return change
  const isGiven = phone.trim() !== ''
  return { ...change, phone: isGiven ? phone.trim() : null, ...(!isGiven && { foundPhone: null }) }
}

async function findKnown(
  tx: Transaction,
  { token, id }: ContactDraft,
  email: string | null,
): Promise<Visitor | undefined> {
  const known = (await findVisitor(tx, token)) ?? (id === undefined ? undefined : await findVisitorById(tx, id))
  return known ?? (email === null ? undefined : findVisitorBy(tx, 'email', email))
}

async function findManager(
  reader: Reader,
  username: string | undefined,
): Promise<{ managerId: string | null; managerUsername: string | null }> {
  if (username === undefined) return { managerId: null, managerUsername: null }
  const user = await findUserByUsername(reader, username)
  if (user === undefined) throw new ApiError('error-contact-manager-not-found')
  if (!user.roles.includes('livechat-agent')) throw new ApiError('error-invalid-contact-manager')
  return { managerId: user.id, managerUsername: user.username }
}

async function refuseMissingFields(reader: Reader, fields: Readonly<Record<string, string>> = {}): Promise<void> {
  const missing = (await listOpenFields(reader)).find(
    ({ id, isRequired }) => isRequired === true && !Object.hasOwn(fields, id),
  )
  if (missing !== undefined) throw invalidValue(missing.label)
}
