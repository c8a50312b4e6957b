import { buffer } from 'node:stream/consumers'
import type { Context } from '../context.ts'
import type { Mailbox } from './address.ts'
import type { Mailer, ReadPicture } from './mailer.ts'
import { findLetter, removeLetter, type Picture, type StoredLetter } from './outbox.ts'

/**
 * Hands a waiting letter over and forgets it. One that the mail server will never take is dropped with a line in the
 * log, and so is every letter while no mail server or no sender is configured; the log never says for whom it was.
 * A process that ends between the two steps hands it over again, under the same Message-ID.
 * @throws DeliveryFailed: to be tried again
 */
export async function sendMail(
  { read, transact, mailer, log, files }: Pick<Context, 'read' | 'transact' | 'mailer' | 'log' | 'files'>,
  mailId: string,
  sender: Mailbox | undefined,
): Promise<void> {
  const letter = await findLetter(read, mailId)
  if (letter === undefined) return
  const { purpose } = letter
  if (mailer === undefined || sender === undefined)
    log.warn(
      { mailId, purpose },
      'Mail is not configured (DESKBELL_SMTP_URL, DESKBELL_MAIL_FROM): a letter is dropped.',
    )
  else {
    const status = await deliver(mailer, letter, sender, await readPictures(files, letter.pictures ?? []))
    if (status !== undefined) log.warn({ mailId, purpose, status }, 'A letter is refused for good: it is dropped.')
  }
  await transact((tx) => removeLetter(tx, mailId))
}

/** A server that does not take the pictures, large as they are, may take the words. */
async function deliver(
  mailer: Mailer,
  letter: StoredLetter,
  sender: Mailbox,
  pictures: readonly ReadPicture[],
): Promise<number | undefined> {
  const status = await mailer.deliver(letter, sender, pictures)
  return status === undefined || pictures.length === 0 ? status : mailer.deliver(letter, sender)
}

/** Those that are there: one may have been taken back since the letter was written. */
async function readPictures(files: Context['files'], pictures: readonly Picture[]): Promise<ReadPicture[]> {
  const found: ReadPicture[] = []
  for (const picture of pictures) {
    const bytes = await files.read(picture.fileId)
    if (bytes !== undefined) found.push({ ...picture, bytes: await buffer(bytes) })
  }
  return found
}
