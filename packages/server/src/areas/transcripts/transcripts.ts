// Conversations as letters: to their visitors when they ask, and when a conversation ends.
import type { Logger } from 'pino'
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { NewJob, Reader, Transact, Transaction } from '../../database/transaction.ts'
import type { LetterGuard } from '../../http/letter-guard.ts'
import { isSameAddress, parseAddress } from '../../mail/address.ts'
import { writeLetter, type Picture } from '../../mail/outbox.ts'
import { mayRead, staffAuthor } from '../rooms/rooms.ts'
import type { Settings } from '../settings/catalogue.ts'
import { readSettings } from '../settings/settings.ts'
import {
  findMessage,
  findRoom,
  systemAuthor,
  takeOpenRoom,
  updateRoom,
  writeMessage,
  type Author,
  type Room,
  type TranscriptRequest,
} from '../timeline/timeline.ts'
import { findVisitor, findVisitorById } from '../visitors/visitors.ts'
import { composeTranscript } from './compose.ts'
import { listLatestOf, TRANSCRIPT_LINE } from './store.ts'

/** What a letter needs: the reading is done outside of the transaction that writes it. */
interface Desk {
  read: Reader
  transact: Transact
}

/** What mails a letter at once: beside the desk who counts letters. */
type Mailing = Desk & { letterGuard: LetterGuard | undefined }

const DEFAULT_SUBJECT = 'Transcript of your livechat conversation'

/**
 * Mails a conversation to its visitor (contract A.24), at an address that this visitor may use (promises A17). Asks for
 * the time, which nothing outside of a transaction knows.
 * @throws `error-invalid-visitor`, `invalid email`, `error-too-many-requests`
 */
export async function mailToVisitor(
  mailing: Mailing,
  { token, roomId, email, now }: { token: string; roomId: string; email: string; now: number },
): Promise<void> {
  const { read } = mailing
  const visitor = await findVisitor(read, token)
  const room = visitor === undefined ? undefined : await findRoom(read, roomId)
  if (room === undefined || room.visitor.id !== visitor?.id) throw new ApiError('error-invalid-visitor')
  const settings = await readSettings(read)
  await mailNow(mailing, room, { recipient: allowedAddress(email, visitor.email, settings), now })
}

/**
 * Mails a conversation at once for a member of the staff, to any address (contract §E.5). Consoles are not told the tokens of
 * visitors and give none; one that is given must be the visitor’s. A room that the caller may not read is the same as none.
 * @throws `error-invalid-room`, `error-invalid-visitor`, `invalid email`, `error-too-many-requests`
 */
export async function mailByStaff(
  mailing: Mailing,
  user: SignedIn,
  given: { token: string | undefined; roomId: string; email: string; subject: string; now: number },
): Promise<void> {
  const { read } = mailing
  const room = await findRoom(read, given.roomId)
  if (room === undefined || !(await mayRead(read, user, room))) throw new ApiError('error-invalid-room')
  if (given.token !== undefined && (await findVisitor(read, given.token))?.id !== room.visitor.id)
    throw new ApiError('error-invalid-visitor')
  const recipient = parseAddress(given.email)
  if (recipient === undefined) throw new ApiError('invalid email')
  await mailNow(mailing, room, { recipient, subject: given.subject, by: staffAuthor(user), now: given.now })
}

async function mailNow(
  { read, transact, letterGuard }: Mailing,
  room: Room,
  { now, subject = '', ...asked }: Omit<DueLetter, 'subject'> & { subject?: string; now: number },
): Promise<void> {
  const settings = await readSettings(read)
  // Looked at twice: here so that nobody has letters composed which are not sent, and below so that the limit holds.
  await refuseOften(read, room.id, now)
  refuseFlood(letterGuard, asked.recipient)
  const letter = await composeTranscript(read, room, settings)
  await transact(async (tx) => {
    await refuseGone(tx, room.id)
    await refuseOften(tx, room.id, tx.nowMs)
    await writeTranscript(tx, room, {
      ...letter,
      ...asked,
      subject: subject.trim() === '' ? subjectOf(settings) : subject,
    })
  })
}

/**
 * Notes that a transcript is to be mailed when the room is closed (contract §D.7). A room that the caller may not read is
 * the same as none: an address of one's own would be a way to read it.
 * @throws `invalid-params`, `error-invalid-room`, `error-transcript-already-requested`
 */
export async function requestTranscript(
  tx: Transaction,
  user: SignedIn,
  { roomId, email, subject }: { roomId: string; email: string; subject: string },
): Promise<void> {
  const recipient = parseAddress(email)
  if (recipient === undefined) throw new ApiError('invalid-params', { reason: 'email: must be an e-mail address' })
  const room = await requireOpenRoom(tx, user, roomId)
  if (isRequest(room.transcriptRequest)) throw new ApiError('error-transcript-already-requested')
  const { id: _id, username, name } = user
  const request: TranscriptRequest = {
    requestedAt: tx.now,
    requestedBy: { _id, username, name },
    email: recipient,
    subject,
  }
  await updateRoom(tx, room.id, { transcriptRequest: JSON.stringify(request) })
  tx.emit('room.changed', { roomId: room.id })
}

/**
 * Takes that wish back.
 * @throws `error-invalid-room`, `error-transcript-not-requested`
 */
export async function cancelTranscript(tx: Transaction, user: SignedIn, roomId: string): Promise<void> {
  const room = await requireOpenRoom(tx, user, roomId)
  if (!isRequest(room.transcriptRequest)) throw new ApiError('error-transcript-not-requested')
  await updateRoom(tx, room.id, { transcriptRequest: null })
  tx.emit('room.changed', { roomId: room.id })
}

/**
 * The job that a closed room calls for (contract §C.8): what staff asked for counts more than what is always sent. The
 * id is that of the line which will say so: where it stands, the letter is written.
 */
export async function transcriptJobs(tx: Transaction, roomId: string): Promise<NewJob[]> {
  const room = await findRoom(tx, roomId)
  if (room === undefined || (await dueLetter(tx, room)) === undefined) return []
  return [{ name: 'mail-transcript', data: { roomId, lineId: tx.newId() }, uniqueKey: `mail-transcript:${roomId}` }]
}

/** Writes the letter of a closed room, once however often it is called; none to an address that has had many. */
export async function mailAtClose(
  { read, transact, letterGuard, log }: Mailing & { log: Logger },
  { roomId, lineId }: { roomId: string; lineId: string },
): Promise<void> {
  const room = await findRoom(read, roomId)
  const due = room && (await dueLetter(read, room))
  if (room === undefined || due === undefined || (await findMessage(read, lineId)) !== undefined) return
  // Staff may send what they want; any other address is one that a visitor typed.
  if (due.by === undefined && letterGuard?.take(due.recipient, 'always') !== undefined) {
    log.info({ roomId }, 'A transcript is not sent: its address has been sent as many as one may be.')
    return
  }
  const letter = await composeTranscript(read, room, await readSettings(read))
  await transact(async (tx) => {
    // The row first: the letter of a room that is removed at this moment is not written.
    await updateRoom(tx, roomId, { transcriptRequest: null })
    const isGone = (await findRoom(tx, roomId)) === undefined
    if (isGone || (await findMessage(tx, lineId)) !== undefined) return
    await writeTranscript(tx, room, { ...letter, ...due, lineId })
  })
}

interface DueLetter {
  recipient: string
  subject: string
  /** Who asked for it; absent: nobody, it is always sent. */
  by?: Author
}

/** The letter that a room calls for when it ends. */
async function dueLetter(reader: Reader, { transcriptRequest, visitor }: Room): Promise<DueLetter | undefined> {
  const settings = await readSettings(reader)
  if (isRequest(transcriptRequest)) {
    const { _id: id, username, name } = transcriptRequest.requestedBy
    const by: Author = { kind: 'user', id, username, ...(name !== undefined && { name }) }
    const { email, subject } = transcriptRequest
    return { recipient: email, subject: subject.trim() === '' ? subjectOf(settings) : subject, by }
  }
  const asks = settings.Livechat_enable_transcript
  if (transcriptRequest !== undefined || asks || !settings.Livechat_transcript_send_always) return undefined
  const recipient = parseAddress((await findVisitorById(reader, visitor.id))?.email ?? '')
  return recipient === undefined ? undefined : { recipient, subject: subjectOf(settings) }
}

function isRequest(stored: Room['transcriptRequest']): stored is TranscriptRequest {
  return stored !== undefined && 'email' in stored
}

/** The letter, and the line in the room that says it was mailed. */
async function writeTranscript(
  tx: Transaction,
  room: Room,
  letter: DueLetter & { text: string; html: string; pictures: readonly Picture[]; lineId?: string },
): Promise<void> {
  const { by = systemAuthor, lineId, recipient, subject, text, html, pictures } = letter
  const { id: _id, username, name } = room.visitor
  const requestData = {
    type: by.kind === 'user' ? 'user' : 'visitor',
    visitor: { _id, username, ...(name !== undefined && { name }) },
    user: { _id: by.id, username: by.username, ...(by.name !== undefined && { name: by.name }) },
  }
  await writeMessage(tx, room.id, { id: lineId, type: TRANSCRIPT_LINE, text: '', author: by, extra: { requestData } })
  await writeLetter(tx, { recipient, subject, text, html, pictures, purpose: 'transcript' })
}

async function requireOpenRoom(tx: Transaction, user: SignedIn, roomId: string): Promise<Room> {
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined || !(await mayRead(tx, user, room))) throw new ApiError('error-invalid-room')
  return room
}

/** The room's row first, so that two who ask at once are counted one after the other. */
async function refuseGone(tx: Transaction, roomId: string): Promise<void> {
  await updateRoom(tx, roomId, {})
  if ((await findRoom(tx, roomId)) === undefined) throw new ApiError('error-invalid-visitor')
}

const HOUR_MS = 3_600_000
const LETTERS_PER_HOUR = 3

/** Three letters an hour leave a room (promises A17). */
async function refuseOften(reader: Reader, roomId: string, nowMs: number): Promise<void> {
  const after = new Date(nowMs - HOUR_MS).toISOString()
  const sent = await listLatestOf(reader, { roomId, type: TRANSCRIPT_LINE, after, limit: LETTERS_PER_HOUR })
  const oldest = sent[LETTERS_PER_HOUR - 1]
  if (oldest === undefined) return
  const retryAfterSeconds = Math.max(1, Math.ceil((Date.parse(oldest) + HOUR_MS - nowMs) / 1_000))
  throw new ApiError('error-too-many-requests', { details: { retryAfterSeconds } })
}

/** One stranger with many rooms could fill somebody's box, for whom the limit of a room is none. */
function refuseFlood(guard: LetterGuard | undefined, recipient: string): void {
  const details = guard?.take(recipient, 'asked')
  if (details !== undefined) throw new ApiError('error-too-many-requests', { details })
}

/**
 * The address that a visitor may have a transcript sent to: the registered one, unless the setting allows any.
 * @throws `invalid email`
 */
function allowedAddress(given: string, registered: string | undefined, settings: Settings): string {
  const address = parseAddress(given)
  const isOwn = isSameAddress(given, registered ?? '')
  if (address === undefined || !(isOwn || settings.Livechat_transcript_any_address)) throw new ApiError('invalid email')
  return address
}

/** Never a visitor's words: the subject of a letter to anybody must not be theirs to choose. */
function subjectOf({ Livechat_transcript_email_subject: subject }: Settings): string {
  return subject.trim() === '' ? DEFAULT_SUBJECT : subject
}
