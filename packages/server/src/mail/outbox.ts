// Letters that wait to be sent. A rule writes one with what makes it necessary; a job hands it over after the commit.
import { fromJson, toJson } from '../database/columns.ts'
import type { Reader, Transaction } from '../database/transaction.ts'
import type { Mailbox } from './address.ts'

/** A file that somebody sent and that goes with a letter. Its bytes are read when the letter leaves. */
export interface Picture {
  fileId: string
  name: string
  /** A media type that mail programs show. */
  type: string
}

/** The name under which the HTML of a letter shows a picture that goes with it (RFC 2392, `cid:`). */
export function contentIdOf({ fileId }: Pick<Picture, 'fileId'>): string {
  return `${fileId}@picture.invalid`
}

/** A letter to one person. Everything in it is cleaned where it is handed over: nothing here can add a recipient or a header. */
export interface Letter {
  recipient: string
  /** Shown beside the configured sender address. */
  senderName?: string
  replyTo?: Mailbox
  subject: string
  text: string
  /** Made by a template that escapes what it is given. */
  html: string
  /** What its HTML shows. */
  pictures?: readonly Picture[]
  /** What it is for, for the log: `transcript`, `invitation` … */
  purpose: string
}

/** A letter as it waits; its id makes it recognisable where it arrives twice. */
export interface StoredLetter extends Letter {
  id: string
  writtenAt: string
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
      attachments: toJson(letter.pictures),
      purpose: letter.purpose,
      createdAt: tx.now,
    }),
  )
  tx.emit('mail.queued', { mailId: id })
}

/** A letter that waits. */
export async function findLetter(reader: Reader, id: string): Promise<StoredLetter | undefined> {
  const row = await reader.first(reader.sql.selectFrom('mail').selectAll().where('id', '=', id))
  if (row === undefined) return undefined
  const { senderName, createdAt, recipient, subject, text, html, purpose } = row
  const replyTo = fromJson<Mailbox>(row.replyTo)
  const pictures = fromJson<Picture[]>(row.attachments)
  return {
    ...{ id, recipient, subject, text, html, purpose, writtenAt: createdAt },
    ...(senderName !== null && { senderName }),
    ...(replyTo !== undefined && { replyTo }),
    ...(pictures !== undefined && { pictures }),
  }
}

/** Forgets a letter. */
export async function removeLetter(tx: Transaction, id: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('mail').where('id', '=', id))
}

/** Letters that nobody took for so long are of no use to anybody, and are full of what people said. */
const KEPT_MS = 7 * 86_400_000

/** Forgets letters that were given up a week ago. */
export async function removeOldLetters(tx: Transaction): Promise<void> {
  const before = new Date(tx.nowMs - KEPT_MS).toISOString()
  await tx.run(tx.sql.deleteFrom('mail').where('createdAt', '<', before))
}
