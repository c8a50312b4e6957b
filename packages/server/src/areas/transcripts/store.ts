import { fromJson } from '../../database/columns.ts'
import type { Reader } from '../../database/transaction.ts'

/** A message or a system line, as far as a transcript shows it. */
export interface Said {
  id: string
  sentAt: string
  text: string
  /** The wire's `t`; absent for what people wrote. */
  type?: string
  author: { kind: 'visitor' | 'user' | 'system'; name: string }
  extra: Readonly<Record<string, unknown>>
}

export interface SaidPage {
  roomId: string
  /** ISO times, both excluded. */
  after: string
  until: string
  /** System lines too, but for those that no transcript has. */
  withLines: boolean
  limit: number
}

/** The line that says a transcript was mailed. */
export const TRANSCRIPT_LINE = 'livechat_transcript_history'

/** Lines for machines, and those that say what the reader of a transcript knows (contract A.24). */
const neverShown = [
  'livechat_navigation_history',
  TRANSCRIPT_LINE,
  'command',
  'livechat-close',
  'livechat-started',
  'livechat_video_call',
  'omnichannel_priority_change_history',
]

/** What was said between two moments, oldest first. */
export async function listSaidBetween(reader: Reader, page: SaidPage): Promise<Said[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('message')
      .select(['id', 'sentAt', 'text', 'type', 'authorKind', 'authorUsername', 'authorName', 'extra'])
      .where('roomId', '=', page.roomId)
      .where('sentAt', '>', page.after)
      .where('sentAt', '<', page.until)
      .where('deletedAt', 'is', null)
      .where((eb) =>
        page.withLines ? eb.or([eb('type', 'is', null), eb('type', 'not in', neverShown)]) : eb('type', 'is', null),
      )
      .orderBy('sentAt')
      .limit(page.limit),
  )
  return rows.map((row) => ({
    id: row.id,
    sentAt: row.sentAt,
    text: row.text,
    ...(row.type !== null && { type: row.type }),
    author: { kind: row.authorKind, name: row.authorName ?? row.authorUsername },
    extra: fromJson<Record<string, unknown>>(row.extra) ?? {},
  }))
}

/** When the line of this type was written last. */
export async function findLatestOf(reader: Reader, roomId: string, type: string): Promise<string | undefined> {
  return (await listLatestOf(reader, { roomId, type, after: '', limit: 1 }))[0]
}

/** When the latest lines of this type were written, newest first. */
export async function listLatestOf(
  reader: Reader,
  { roomId, type, after, limit }: { roomId: string; type: string; after: string; limit: number },
): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('message')
      .select('sentAt')
      .where('roomId', '=', roomId)
      .where('sentAt', '>', after)
      .where('type', '=', type)
      .orderBy('sentAt', 'desc')
      .limit(limit),
  )
  return rows.map(({ sentAt }) => sentAt)
}
