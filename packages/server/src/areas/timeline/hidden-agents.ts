// While `Livechat_show_agent_info` is off, visitors learn that somebody answered, and not who.
import type { Message } from './message-store.ts'

/** What stands for the name of a member of the staff: the word that transcripts use as well (contract §D.7). */
export const HIDDEN_AGENT = 'Agent'

const hiddenNames = { username: HIDDEN_AGENT, name: HIDDEN_AGENT }

/** A message of the staff, or one that names some of them, without their names. Ids stay: clients tell authors by them. */
export function withoutAgents(message: Message): Message {
  const { author, edited, text, type, extra } = message
  const isStaffs = author.kind === 'user'
  return {
    ...message,
    ...(isStaffs && { author: { ...author, ...hiddenNames } }),
    ...(isStaffs &&
      edited !== undefined && { edited: { ...edited, by: { id: edited.by.id, username: HIDDEN_AGENT } } }),
    // Who left, or joined.
    text: type === 'ul' || type === 'uj' ? '' : text,
    ...(extra !== undefined && { extra: extraWithout(extra) }),
  }
}

interface Named {
  userType?: string
}

interface Extra {
  comment?: string
  transferData?: { transferredBy?: Named; transferredTo?: Named }
  requestData?: { user?: Named }
  attachments?: readonly { message_link?: string; author_name?: string; author_icon?: string }[]
  reactions?: Readonly<Record<string, { usernames: readonly string[] }>>
}

function extraWithout(extra: Extra & Record<string, unknown>): Record<string, unknown> {
  const { transferData, requestData, attachments, reactions } = extra
  // What is said of a chat on hold names who put it there.
  const { comment: _comment, ...rest } = extra
  return {
    ...rest,
    ...(transferData !== undefined && { transferData: transferWithout(transferData) }),
    ...(requestData?.user !== undefined && {
      requestData: { ...requestData, user: { ...requestData.user, ...hiddenNames } },
    }),
    ...(attachments !== undefined && { attachments: attachments.map(quoteWithout) }),
    ...(reactions !== undefined && { reactions: reactionsWithout(reactions) }),
  }
}

function transferWithout({ transferredBy, transferredTo, ...rest }: NonNullable<Extra['transferData']>) {
  const isVisitors = transferredBy?.userType === 'visitor'
  return {
    ...rest,
    ...(transferredBy !== undefined && { transferredBy: { ...transferredBy, ...(!isVisitors && hiddenNames) } }),
    ...(transferredTo !== undefined && { transferredTo: { ...transferredTo, ...hiddenNames } }),
  }
}

/** How many chose an emoji stays. */
function reactionsWithout(reactions: NonNullable<Extra['reactions']>) {
  const entries = Object.entries(reactions)
  return Object.fromEntries(
    entries.map(([emoji, { usernames }]) => [emoji, { usernames: usernames.map(() => HIDDEN_AGENT) }]),
  )
}

/** A quote may be of either side, and does not say of which. */
function quoteWithout(attachment: NonNullable<Extra['attachments']>[number]) {
  if (attachment.message_link === undefined) return attachment
  const { author_name: _name, author_icon: _icon, ...rest } = attachment
  return rest
}
