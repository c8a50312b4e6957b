import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Reader, Transact, Transaction } from '../../database/transaction.ts'
import { isSameAddress, parseAddress } from '../../mail/address.ts'
import { findDepartment } from '../departments/departments.ts'
import { endService, isSubscribed } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import {
  findRoom,
  replaceTags,
  systemAuthor,
  takeOpenRoom,
  updateRoom,
  writeLine,
  type Author,
  type Room,
  type TranscriptRequest,
  type TranscriptWish,
} from '../timeline/timeline.ts'
import { findUserById } from '../users/users.ts'
import { findVisitorById, requireVisitor } from '../visitors/visitors.ts'
import { requireOwnRoom } from './access.ts'
import { staffAuthor, visitorAuthor } from './authors.ts'

/** Says it in the server's language; there is one so far. */
const CLOSED_BY_VISITOR = 'Closed by visitor'

/**
 * A visitor ends the conversation (contract A.11: the order of the checks).
 * @throws `error-not-allowed-to-close-conversation`, `invalid-token`, `invalid-room`, `room-closed`, and as `closeRoom`
 */
export async function closeByVisitor(
  reader: Reader,
  transact: Transact,
  { token, roomId }: { token: string; roomId: string },
): Promise<string> {
  const { Omnichannel_allow_visitors_to_close_conversation: mayClose } = await readSettings(reader)
  if (!mayClose) throw new ApiError('error-not-allowed-to-close-conversation')
  const visitor = await requireVisitor(reader, token)
  const room = await requireOwnRoom(reader, visitor, roomId)
  if (room.closed !== undefined) throw new ApiError('room-closed')
  await transact((tx) => closeRoom(tx, roomId, { by: visitorAuthor(visitor), comment: CLOSED_BY_VISITOR }))
  return CLOSED_BY_VISITOR
}

export interface ClosingRequest {
  roomId: string
  comment: string
  tags?: readonly string[] | undefined
  /** Where to mail the transcript, or that none is mailed; absent: what was asked for before. */
  transcript?: { email: string; subject: string } | 'none' | undefined
}

/**
 * A staff member ends a conversation: a member of the room, or a holder of `close-others-livechat-room`.
 * @throws `error-invalid-room`, `error-room-already-closed`, `error-not-authorized`, `error-comment-is-required`, and as `closeRoom`
 */
export async function closeByUser(
  reader: Reader,
  transact: Transact,
  user: SignedIn,
  request: ClosingRequest,
): Promise<void> {
  const room = await findRoom(reader, request.roomId)
  if (room === undefined) throw new ApiError('error-invalid-room')
  if (room.closed !== undefined) throw new ApiError('error-room-already-closed')
  const isMember = await isSubscribed(reader, room.id, user.id)
  if (!isMember && !user.can('close-others-livechat-room')) throw await refusalOfOutsider(reader, room.id)
  const { Livechat_request_comment_when_closing_conversation: wantsComment } = await readSettings(reader)
  if (wantsComment && request.comment.trim() === '') throw new ApiError('error-comment-is-required')
  const { comment, tags, transcript } = request
  if (!(await mayMail(reader, user, room, transcript))) throw new ApiError('error-not-authorized')
  await transact((tx) => closeRoom(tx, room.id, { by: staffAuthor(user), comment, tags, transcript }))
}

/** A letter takes all that was said out of the room: without the right to have it sent anywhere, to its visitor alone. */
async function mayMail(
  reader: Reader,
  user: SignedIn,
  { visitor }: Room,
  transcript: ClosingRequest['transcript'],
): Promise<boolean> {
  if (transcript === undefined || transcript === 'none') return true
  if (user.can('send-omnichannel-chat-transcript')) return true
  const { email = '' } = (await findVisitorById(reader, visitor.id)) ?? {}
  return isSameAddress(transcript.email, email)
}

/**
 * The system ends a conversation. It is asked for neither comment nor tags: nobody is there to give them.
 * @throws `error-room-cannot-be-closed-try-again` where the room is closed or gone
 */
export function closeBySystem(tx: Transaction, roomId: string, comment: string): Promise<void> {
  return closeRoom(tx, roomId, { by: systemAuthor, comment })
}

/** Nobody is a member any more where the room was closed since the caller looked. */
async function refusalOfOutsider(reader: Reader, roomId: string): Promise<ApiError> {
  const room = await findRoom(reader, roomId)
  return new ApiError(room?.closed === undefined ? 'error-not-authorized' : 'error-room-cannot-be-closed-try-again')
}

type Closing = Omit<ClosingRequest, 'roomId'> & {
  by: Author
  /** Ends it whatever the department asks of whoever closes. */
  isForced?: true
}

/**
 * Ends a room (contract §C.8). Exactly one of several closers wins; the others are refused.
 * @throws `error-room-cannot-be-closed-try-again` where somebody else closed it since the caller looked,
 * `error-tags-must-be-assigned-before-closing-chat`
 */
export async function closeRoom(tx: Transaction, roomId: string, closing: Closing): Promise<void> {
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined) throw new ApiError('error-room-cannot-be-closed-try-again')
  const tags = await tagsAtEnd(tx, room, closing)
  const transcript = await transcriptAtEnd(tx, room, closing)
  const { by } = closing
  await updateRoom(tx, roomId, {
    closedAt: tx.now,
    closedById: by.id,
    closedByUsername: by.username,
    closer: by.kind === 'visitor' ? 'visitor' : 'user',
    visitorStatus: 'offline',
    isOnHold: 0,
    heldAt: null,
    abandonsAt: null,
    inactivitySeconds: silenceOf(room, by, tx.nowMs),
    transcriptRequest: transcript === undefined ? null : JSON.stringify(transcript),
  })
  if (tags.length > room.tags.length) await replaceTags(tx, roomId, tags)
  await writeClosingLines(tx, roomId, closing, transcript)
  await endService(tx, room)
  const { departmentId = null, servedBy } = room
  tx.emit('room.closed', { roomId, departmentId, servedById: servedBy?.id ?? null })
}

/** What the room is filed under: what the closer says, what it had, what its department puts on every room. */
async function tagsAtEnd(tx: Transaction, room: Room, { by, tags: given = [], isForced }: Closing): Promise<string[]> {
  const department = room.departmentId === undefined ? undefined : await findDepartment(tx, room.departmentId)
  const { asksForTags = false, closingTags = [] } = department ?? {}
  const chosen = [...given, ...room.tags]
  if (asksForTags && !isForced && areTagsMissing(by, { chosen, closingTags }))
    throw new ApiError('error-tags-must-be-assigned-before-closing-chat')
  return [...new Set([...chosen, ...closingTags])]
}

/** An agent chooses some besides those of the department; for a visitor the department's own will do (contract A.11, C.8). */
function areTagsMissing(by: Author, tags: { chosen: readonly string[]; closingTags: readonly string[] }): boolean {
  const hasChosen = tags.chosen.length > 0
  const hasOwn = tags.closingTags.length > 0
  switch (by.kind) {
    case 'user':
      return !hasChosen || !hasOwn
    case 'visitor':
      return !hasChosen && !hasOwn
    case 'system':
      return false
  }
}

/** What the closer says of the transcript, else what was asked for before, else what the agent wants of every one. */
async function transcriptAtEnd(
  tx: Transaction,
  room: Room,
  { by, transcript }: Closing,
): Promise<TranscriptWish | undefined> {
  if (transcript === 'none') return { suppressed: true }
  if (transcript !== undefined) return { ...askedBy(by, tx.now), ...transcript }
  if (room.transcriptRequest !== undefined || by.kind !== 'visitor') return room.transcriptRequest
  return wishOfAgent(tx, room)
}

/**
 * Agents may want what was said mailed to visitors who close, by their preference, or by that of all (contract A.11). Not
 * where visitors are asked.
 */
async function wishOfAgent(tx: Transaction, { servedBy, visitor }: Room): Promise<TranscriptRequest | undefined> {
  const settings = await readSettings(tx)
  const agent = servedBy === undefined ? undefined : await findUserById(tx, servedBy.id)
  if (agent === undefined || settings.Livechat_enable_transcript) return undefined
  const usual = settings.Accounts_Default_User_Preferences_omnichannelTranscriptEmail
  if ((agent.preferences['omnichannelTranscriptEmail'] ?? usual) !== true) return undefined
  const email = parseAddress((await findVisitorById(tx, visitor.id))?.email ?? '')
  return email === undefined ? undefined : { ...askedBy(agent, tx.now), email, subject: '' }
}

function askedBy({ id: _id, username, name }: Pick<Author, 'id' | 'username' | 'name'>, requestedAt: string) {
  return { requestedAt, requestedBy: { _id, username, ...(name !== undefined && { name }) } }
}

/** For how many seconds a visitor who did not close had said nothing to an answer; else null (contract §B.9). */
function silenceOf({ visitor, isWaitingResponse, response }: Room, by: Author, nowMs: number): number | null {
  if (by.kind === 'visitor' || isWaitingResponse || visitor.spokeAt === undefined || response === undefined) return null
  return Math.max(0, nowMs - Date.parse(response.firstAt)) / 1_000
}

async function writeClosingLines(
  tx: Transaction,
  roomId: string,
  { by, comment }: Closing,
  transcript: TranscriptWish | undefined,
): Promise<void> {
  const { Livechat_enable_transcript: asks, Livechat_transcript_send_always: sends } = await readSettings(tx)
  const isSuppressed = transcript !== undefined && 'suppressed' in transcript
  const transcriptRequested = !isSuppressed && (transcript !== undefined || (sends && !asks))
  const extra = { groupable: false, transcriptRequested }
  await writeLine(tx, roomId, { type: 'livechat-close', text: comment, author: by, extra })
  if (asks && !sends) await writeLine(tx, roomId, { type: 'command', text: 'promptTranscript', author: by })
}
