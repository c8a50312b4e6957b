// Letters that wait to be sent. A rule writes one with what makes it necessary; a job hands it over after the commit.
import { toJson } from '../database/columns.ts'
import type { Transaction } from '../database/transaction.ts'

/** A letter to one person. Everything in it is cleaned where it is handed over: nothing here can add a recipient or a header. */
export interface Letter {
  recipient: string
  /** Shown beside the configured sender address. */
  senderName?: string
  replyTo?: { name: string; address: string }
  subject: string
  text: string
  /** Made by a template that escapes what it is given. */
  html: string
  /** What it is for, for the log: `transcript`, `invitation` … */
  purpose: string
}

/** Writes a letter in the transaction that makes it necessary; it leaves after the commit. */
export async function writeLetter(tx: Transaction, letter: Letter): Promise<void> {
  const id = tx.newId()
  await tx.run(
    tx.sql.insertInto('mail').values({
      id,
      recipient: letter.recipient,
      senderName: letter.senderName ?? null,
      replyTo: toJson(letter.replyTo),
      subject: letter.subject,
      text: letter.text,
      html: letter.html,
      attachments: null,
      purpose: letter.purpose,
      createdAt: tx.now,
    }),
  )
  tx.emit('mail.queued', { mailId: id })
}
