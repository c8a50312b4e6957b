// What visitors leave while nobody is there: a letter to the desk, and to nobody else.
import { ApiError } from '../../api-error.ts'
import type { Reader, Transact } from '../../database/transaction.ts'
import { parseAddress, parseMailbox } from '../../mail/address.ts'
import { writeLetter } from '../../mail/outbox.ts'
import { findDepartmentNamed } from '../departments/departments.ts'
import { readSettings } from '../settings/settings.ts'
import type { Settings } from '../settings/catalogue.ts'
import { offlineLetter, type OfflineMessage } from './letter.ts'

/** What an offline message needs: the database, and somebody who knows which domains take mail. */
interface Desk {
  read: Reader
  transact: Transact
  takesMail: (address: string) => Promise<boolean>
}

/**
 * Writes the letter (contract A.22). Whom it goes to is decided by the settings and the department alone, who sends it
 * by the configuration; the visitor's address is only where answers go (promises A18).
 * @throws `offline-message-not-sent`
 */
export async function leaveMessage(
  { read, transact, takesMail }: Desk,
  left: OfflineMessage & { department?: string | undefined },
): Promise<void> {
  const settings = await readSettings(read)
  if (!settings.Livechat_display_offline_form) throw new ApiError('offline-message-not-sent')
  const email = parseAddress(left.email)
  const recipient = await recipientFor(read, left.department, settings)
  if (email === undefined || recipient === undefined) throw new ApiError('offline-message-not-sent')
  if (settings.Livechat_validate_offline_email && !(await takesMail(email)))
    throw new ApiError('offline-message-not-sent')
  const letter = offlineLetter({ ...left, email })
  const replyTo = { name: left.name, address: email }
  await transact((tx) => writeLetter(tx, { ...letter, recipient, replyTo, purpose: 'offline-message' }))
}

/** The department's address; without a department, or without an address of its own, that of the desk. */
async function recipientFor(
  reader: Reader,
  named: string | undefined,
  { Livechat_offline_email }: Settings,
): Promise<string | undefined> {
  const department = named === undefined ? undefined : await findDepartmentNamed(reader, named)
  const own = department?.archivedAt === undefined ? (department?.email.trim() ?? '') : ''
  return parseMailbox(own === '' ? Livechat_offline_email : own)?.address
}
