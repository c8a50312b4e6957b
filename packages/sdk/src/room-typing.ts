import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { FeedEvent } from './room-feed.ts'
import { openOthersTyping, openOwnTyping } from './typing.ts'

export interface RoomTypingOptions {
  rid: string
  connection: Connection
  clock: Clock
  /** What proves the right to listen and to say so, for visitors. */
  proof?: { token: string; visitorToken: string } | undefined
  /** One's own, where it is known: that one types in another tab is no news. */
  username: () => string | undefined
  onTyping: (change: { username: string; isTyping: boolean; typing: readonly string[] }) => void
}

/** Who types in one room. */
export interface RoomTyping {
  /** One types oneself, or stops. */
  say(isTyping: boolean): void
  /** Who has said something does not type any more. */
  hear(event: FeedEvent | undefined): void
  end(): void
}

/** Follows who types in a room, and tells the others that one types oneself. */
export function openRoomTyping({ rid, connection, clock, proof, username, onTyping }: RoomTypingOptions): RoomTyping {
  const key = `${rid}/user-activity`
  const others = openOthersTyping(clock, onTyping)
  const own = openOwnTyping(clock, (isTyping) => {
    const activities = isTyping ? ['user-typing'] : []
    const params = [key, username() ?? '', activities, proof === undefined ? {} : { token: proof.token }]
    // Nobody misses it.
    connection.call('stream-notify-room', params).catch(() => undefined)
  })

  function onActivity([name, activities]: readonly unknown[]): void {
    if (typeof name !== 'string' || name === username()) return
    others.note(name, Array.isArray(activities) && activities.includes('user-typing'))
  }

  const request = { name: 'stream-notify-room', key, proof }
  const endListening = connection.subscribe(request, { onEvent: onActivity, onLost: () => others.clear() })
  return {
    say: (isTyping) => own.note(isTyping),
    hear(event) {
      if (event?.type === 'message') others.note(event.message.u.username, false)
    },
    end() {
      endListening()
      own.end()
      others.clear()
    },
  }
}
