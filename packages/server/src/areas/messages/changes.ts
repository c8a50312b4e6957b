import type { Reader } from '../../database/transaction.ts'
import type { Settings } from '../settings/catalogue.ts'
import { listChanges, type Message } from '../timeline/timeline.ts'

/** A page of changes. Kinds that the server hides are left out, so the page may be shorter than asked while there are more. */
export interface ChangesPage {
  changes: Message[]
  /** The latest change looked at: where the next page begins. */
  next: number
  hasMore: boolean
}

/** What changed in a room after a change number, in the order of the changes (docs/architecture.md, continuity). */
export async function readShownChanges(
  reader: Reader,
  settings: Hiding,
  { roomId, after, limit }: { roomId: string; after: number; limit: number },
): Promise<ChangesPage> {
  const found = await listChanges(reader, roomId, after, limit + 1)
  const page = found.slice(0, limit)
  return { changes: withoutHidden(page, settings), next: page.at(-1)?.seq ?? after, hasMore: found.length > limit }
}

type Hiding = Pick<Settings, 'Hide_System_Messages'>

/** Without the kinds of lines that the server hides from everybody. */
export function withoutHidden(messages: readonly Message[], { Hide_System_Messages: hidden }: Hiding): Message[] {
  return messages.filter(({ type }) => type === undefined || !hidden.includes(type))
}
