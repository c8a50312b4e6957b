import { ApiError } from '../../api-error.ts'
import type { Transaction } from '../../database/transaction.ts'
import { takeRoom, updateRoom, type Room } from '../timeline/timeline.ts'
import { refuseBlocked, requireVisitor } from '../visitors/visitors.ts'
import { requireOwnRoom } from './access.ts'

/** What visitors are asked, and the answers they may give. The misspelling is part of the contract. */
export const surveyItems = ['satisfaction', 'agentKnowledge', 'agentResposiveness', 'agentFriendliness'] as const
export const surveyValues = ['1', '2', '3', '4', '5'] as const

const FREE_TEXT = 'additionalFeedback'

/** How long after the end a visitor may change an opinion (promises A16). */
const WINDOW_MS = 86_400_000

/**
 * Keeps what a visitor thinks of the conversation, in place of what was said before; answers what was kept.
 * @throws `invalid-token`, `invalid-room`, `invalid-data`, `room-closed` for an opinion that stands for a day
 */
export async function rateRoom(
  tx: Transaction,
  { token, roomId }: { token: string; roomId: string },
  answers: readonly { name: string; value: string }[],
): Promise<Record<string, string>> {
  const visitor = await requireVisitor(tx, token)
  await requireOwnRoom(tx, visitor, roomId)
  await refuseBlocked(tx, { token })
  const survey = Object.fromEntries(answers.filter(isAnswer).map(({ name, value }) => [name, value]))
  if (Object.keys(survey).length === 0) throw new ApiError('invalid-data')
  const room = await takeRoom(tx, roomId)
  if (room === undefined) throw new ApiError('invalid-room')
  if (isFinal(room, tx.nowMs)) throw new ApiError('room-closed')
  await updateRoom(tx, roomId, { survey: JSON.stringify(survey) })
  tx.emit('room.changed', { roomId })
  return survey
}

function isAnswer({ name, value }: { name: string; value: string }): boolean {
  if (name === FREE_TEXT) return true
  return (surveyItems as readonly string[]).includes(name) && (surveyValues as readonly string[]).includes(value)
}

function isFinal({ survey, closed }: Room, nowMs: number): boolean {
  return survey !== undefined && closed !== undefined && nowMs > Date.parse(closed.at) + WINDOW_MS
}
