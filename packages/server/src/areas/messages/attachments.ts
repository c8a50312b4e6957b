// What stands beside the text of a message: what members of the staff show with it, and the messages that it quotes.
import type { Reader } from '../../database/transaction.ts'
import { readSettings } from '../settings/settings.ts'
import { findMessage, type Message } from '../timeline/timeline.ts'
import { findQuotedMessageIds, quoteAttachment, type Attachment, type QuotedMessage } from './quotes.ts'

interface Shown {
  composed: { text: string; siteUrl: string | undefined }
  roomId: string
  attachments?: readonly object[] | undefined
}

/** What is shown beside a text: what was given with it, and what it quotes. */
export async function attachedTo(
  reader: Reader,
  { composed, roomId, attachments: given = [] }: Shown,
): Promise<{ extra?: { attachments: unknown[] } }> {
  const { extra } = await quotesIn(reader, { ...composed, roomId })
  const attachments = [...given, ...(extra?.attachments ?? [])]
  return attachments.length === 0 ? {} : { extra: { attachments } }
}

/** What a text quotes by links to messages of its own room; those of any other attach nothing (promises A28). */
export async function quotesIn(
  reader: Reader,
  { text, siteUrl, roomId }: { text: string; siteUrl: string | undefined; roomId: string },
): Promise<{ extra?: { attachments: unknown[] } }> {
  if (!text.includes('?msg=')) return {}
  const { Site_Url } = await readSettings(reader)
  const attachments: unknown[] = []
  for (const link of findQuotedMessageIds(text, siteUrl ?? Site_Url)) {
    const quoted = link.roomId === roomId ? await findMessage(reader, link.messageId) : undefined
    if (quoted !== undefined && mayBeQuoted(quoted, roomId))
      attachments.push(quoteAttachment(link.url, shownOf(quoted)))
  }
  return attachments.length === 0 ? {} : { extra: { attachments } }
}

function mayBeQuoted(message: Message, roomId: string): boolean {
  return message.roomId === roomId && message.deletedAt === undefined && message.type === undefined
}

function shownOf({ text, author, sentAt, extra }: Message): QuotedMessage {
  const authorName = author.kind === 'visitor' ? (author.name ?? author.username) : author.username
  const { attachments } = (extra ?? {}) as { attachments?: Attachment[] }
  const shown = { text, authorName, authorUsername: author.username, at: sentAt }
  return attachments === undefined ? shown : { ...shown, attachments }
}
