import type { PresenceEvent } from './agent.ts'
import type { Inquiry } from './agent-queue.ts'
import type { Place, StaffRoom } from './agent-rooms.ts'
import type { AccountAnswer } from './answers.ts'
import type { Connection } from './connection.ts'

/** What a member of the staff is told beside messages. */
export interface StaffListener {
  /** The server listens on our behalf again: what is not told twice is to be read now. */
  onReady: () => void
  onPlace: (change: string, place: Place) => void
  onRoom: (room: StaffRoom) => void
  onInquiry: (inquiry: Partial<Inquiry> & { _id: string; type?: string }) => void
  /** What is different in the own account. */
  onAccount: (diff: Partial<AccountAnswer>) => void
  onPresence: (presence: Omit<PresenceEvent, 'type'>) => void
  onSignedOut: () => void
}

/** Codes of `user-status` (contract §C.14.1). */
const presences = ['offline', 'online', 'away', 'busy'] as const

/** Listens to everything that concerns a member of the staff; the answer ends that. */
export function followStaff(connection: Connection, userId: string, told: StaffListener): () => void {
  const unanswered = new Set<string>()
  const subscribe = (name: string, key: string, onEvent: (args: readonly unknown[]) => void) => {
    unanswered.add(key)
    // One that is refused is not to be waited for: not everybody sees the queue.
    const onAnswer = () => {
      unanswered.delete(key)
      if (unanswered.size === 0) told.onReady()
    }
    const onLost = () => void unanswered.add(key)
    return connection.subscribe({ name, key }, { onEvent, onReady: onAnswer, onRefused: onAnswer, onLost })
  }
  const own = (event: string, onEvent: (args: readonly unknown[]) => void) =>
    subscribe('stream-notify-user', `${userId}/${event}`, onEvent)

  const endings = [
    own('force_logout', () => told.onSignedOut()),
    own('subscriptions-changed', ([change, place]) => told.onPlace(String(change), place as Place)),
    own('rooms-changed', ([, room]) => told.onRoom(room as StaffRoom)),
    own('userData', ([event]) => {
      const { type, diff = {} } = Object(event) as { type?: string; diff?: Partial<AccountAnswer> }
      if (type === 'updated') told.onAccount(diff)
    }),
    subscribe('stream-livechat-inquiry-queue-observer', 'public', ([inquiry]) => told.onInquiry(inquiry as Inquiry)),
    subscribe('stream-notify-logged', 'user-status', ([status]) => {
      const [id, username, code, statusText] = status as [string, string, number, string | null]
      const presence = presences[code] ?? 'offline'
      told.onPresence({ userId: id, username, presence, statusText: statusText ?? '' })
    }),
  ]
  return () => {
    for (const endOne of endings) endOne()
  }
}
