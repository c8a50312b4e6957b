import { isSame } from './is-same.ts'
import type { Message } from './answers.ts'
import type { OutboxItem, VisitorState } from './events.ts'

/** How it stands before anything is known. */
export const unknownState: VisitorState = {
  connection: { status: 'connecting' },
  isLoaded: false,
  isDeskOnline: undefined,
  room: undefined,
  agent: undefined,
  queue: undefined,
  typing: [],
  messages: [],
  outbox: [],
}

/**
 * What is on its way: a message that is among the room's is not, not even for a moment. The list that was shown before
 * stays where nothing changed.
 */
export function outboxBeside(
  messages: readonly Message[],
  items: readonly OutboxItem[],
  before: readonly OutboxItem[],
): readonly OutboxItem[] {
  const ids = new Set(messages.map(({ _id }) => _id))
  const outbox = items.filter(({ _id }) => !ids.has(_id))
  return isSame(outbox, before) ? before : outbox
}
