// Quoting: a link to a message makes the server attach that message (contract A.18). Which messages may be quoted is the
// caller's business: only those of the same room (promises A28).

/** A link to a message, as it stands in a text. */
export interface QuoteLink {
  url: string
  roomId: string
  messageId: string
}

/** What a quote shows of a message. */
export interface QuotedMessage {
  text: string
  authorName: string
  authorUsername: string
  /** ISO-8601, UTC. */
  at: string
  attachments?: readonly Attachment[]
}

/** An attachment as it travels: a file (contract A.17) or a quote. */
export type Attachment = Readonly<Record<string, unknown>>

/** The attachment that stands for a quoted message (contract A.18). */
export interface QuoteAttachment extends Attachment {
  message_link: string
  text: string
  author_name: string
  author_icon: string
  ts: string
  attachments?: readonly Attachment[]
}

const maxQuotes = 5

// Ids as promises A8 takes them. The lengths bound how far one link can make the search look.
const target = /([\w-]{1,256})\?msg=([\w-]{1,64})(?![\w-])/y

/**
 * The links `<siteUrl>/live/<rid>?msg=<messageId>` in a text, plain or inside `[…](…)`, in order: each message once, the
 * first five. Says nothing about whether these messages exist. Linear in the length of the text.
 */
export function findQuotedMessageIds(text: string, siteUrl: string): QuoteLink[] {
  if (siteUrl === '') return []
  const prefix = siteUrl.endsWith('/') ? `${siteUrl}live/` : `${siteUrl}/live/`
  const links = new Map<string, QuoteLink>()
  let start = text.indexOf(prefix)
  while (start !== -1 && links.size < maxQuotes) {
    const link = linkAt(text, start, prefix.length)
    if (link && !links.has(link.messageId)) links.set(link.messageId, link)
    start = text.indexOf(prefix, start + prefix.length)
  }
  return [...links.values()]
}

function linkAt(text: string, start: number, prefixLength: number): QuoteLink | undefined {
  target.lastIndex = start + prefixLength
  const match = target.exec(text)
  const [path, roomId, messageId] = match ?? []
  if (path === undefined || roomId === undefined || messageId === undefined) return undefined
  return { url: text.slice(start, start + prefixLength + path.length), roomId, messageId }
}

/**
 * The attachment by which a message quotes another (contract A.18). The quoted message's files come along, its own quotes
 * do not: five links in each message would otherwise grow fivefold with every answer.
 */
export function quoteAttachment(url: string, message: QuotedMessage): QuoteAttachment {
  const files = message.attachments?.filter((attachment) => !('message_link' in attachment)) ?? []
  return {
    message_link: url,
    text: message.text,
    author_name: message.authorName,
    author_icon: `/avatar/${encodeURIComponent(message.authorUsername)}`,
    ts: message.at,
    ...(files.length > 0 && { attachments: files }),
  }
}
