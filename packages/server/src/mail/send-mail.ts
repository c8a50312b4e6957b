import type { Context } from '../context.ts'
import type { Mailbox } from './address.ts'
import { findLetter, removeLetter } from './outbox.ts'

/**
 * Hands a waiting letter over and forgets it. One that the mail server will never take is dropped with a line in the
 * log, and so is every letter while no mail server or no sender is configured; the log never says for whom it was.
 * A process that ends between the two steps hands it over again, under the same Message-ID.
 * @throws DeliveryFailed: to be tried again
 */
export async function sendMail(
  { read, transact, mailer, log }: Pick<Context, 'read' | 'transact' | 'mailer' | 'log'>,
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
    const status = await mailer.deliver(letter, sender)
    if (status !== undefined) log.warn({ mailId, purpose, status }, 'A letter is refused for good: it is dropped.')
  }
  await transact((tx) => removeLetter(tx, mailId))
}
