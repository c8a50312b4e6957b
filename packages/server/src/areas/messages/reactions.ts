// What members of the staff say to a message with an emoji. It is part of the message, and no edit of it.
import { ApiError } from '../../api-error.ts'
import type { SignedIn } from '../../context.ts'
import type { Transaction } from '../../database/transaction.ts'
import { findRoom, mayRead } from '../rooms/rooms.ts'
import { changeExtra, findMessage, type Message } from '../timeline/timeline.ts'

/** By the name of an emoji those who chose it. */
type Reactions = Readonly<Record<string, { usernames: readonly string[] }>>

/** Different emoji on one message: more than anybody shows. */
const MOST_EMOJI = 50

const emojiName = /^[a-z0-9_+-]{1,64}$/i

/**
 * Adds a reaction of a member of the staff to a message, or takes it back; absent `isWanted` is whichever of both is not so.
 * Where it is so already nothing changes.
 * @throws `error-message-not-found`, `error-not-allowed` for lines of the system, `error-invalid-emoji`,
 * `error-too-many-reactions`, `room-closed`
 */
export async function reactAsStaff(
  tx: Transaction,
  user: SignedIn,
  { messageId, emoji, isWanted }: { messageId: string; emoji: string; isWanted: boolean | undefined },
): Promise<void> {
  const name = emoji.replaceAll(':', '')
  if (!emojiName.test(name)) throw new ApiError('error-invalid-emoji')
  const message = await requireOpenTo(tx, user, messageId)
  if (message.type !== undefined) throw new ApiError('error-not-allowed')
  const choice = { emoji: `:${name}:`, username: user.username, isWanted }
  if (isWanted === hasChosen(reactionsOf(message.extra), choice)) return
  await changeExtra(tx, message, ({ reactions: before, ...extra }) => {
    const reactions = chosen(reactionsOf({ reactions: before }), choice)
    return { ...extra, ...(Object.keys(reactions).length > 0 && { reactions }) }
  })
}

/** A message that the caller may read, in a room that is open. */
async function requireOpenTo(tx: Transaction, user: SignedIn, messageId: string): Promise<Message> {
  const message = await findMessage(tx, messageId)
  const room = message && (await findRoom(tx, message.roomId))
  const isThere = message !== undefined && message.deletedAt === undefined
  if (!isThere || room === undefined || !(await mayRead(tx, user, room))) throw new ApiError('error-message-not-found')
  if (room.closed !== undefined) throw new ApiError('room-closed')
  return message
}

interface Choice {
  emoji: string
  username: string
  isWanted: boolean | undefined
}

function reactionsOf(extra: Readonly<Record<string, unknown>> | undefined): Reactions {
  return (extra?.['reactions'] ?? {}) as Reactions
}

function hasChosen(reactions: Reactions, { emoji, username }: Choice): boolean {
  return Object.hasOwn(reactions, emoji) && reactions[emoji]?.usernames.includes(username) === true
}

/** The reactions after a choice. */
function chosen(before: Reactions, choice: Choice): Reactions {
  const { emoji, username, isWanted = !hasChosen(before, choice) } = choice
  const { [emoji]: known, ...others } = before
  const rest = known?.usernames.filter((each) => each !== username) ?? []
  const usernames = isWanted ? [...rest, username] : rest
  if (known === undefined && Object.keys(others).length >= MOST_EMOJI) throw new ApiError('error-too-many-reactions')
  return usernames.length === 0 ? others : { ...others, [emoji]: { usernames } }
}
