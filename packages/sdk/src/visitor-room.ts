import type { Agent, Message } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { QueuePlace } from './events.ts'
import { openRoomFeed } from './room-feed.ts'
import type { RoomFeed, RoomFeedOptions, RoomSource } from './room-feed.ts'
import { openRoomTyping } from './room-typing.ts'

/** What a config or an event says of a place in the queue. */
export interface WireQueue {
  spot: number
  message: { text: string }
  estimatedWaitTimeSeconds?: number | undefined
}

export interface VisitorRoomOptions {
  rid: string
  token: string
  isNew: boolean
  connection: Connection
  source: RoomSource
  clock: Clock
  /** The visitor's, where it is known: one's own typing in another tab is no news. */
  username: () => string | undefined
  onNews: RoomFeedOptions['onNews']
  onList: (messages: readonly Message[]) => void
  onTyping: (change: { username: string; isTyping: boolean; typing: readonly string[] }) => void
  onAgent: (agent: Agent | undefined) => void
  onAgentStatus: (status: string) => void
  onQueue: (queue: QueuePlace | undefined) => void
  /** The server listens on our behalf again: what is not told twice is to be read now. */
  onReady: () => void
  /** The room has been given to another visitor. */
  onLost: () => void
  onRefused: (error: unknown) => void
}

/** What a visitor follows in a room. */
export interface FollowedRoom {
  readonly rid: string
  readonly feed: RoomFeed
  typing(isTyping: boolean): void
  end(): void
}

/** Follows a room: what is said, who serves, who types, the place in the queue. */
export function followRoom(options: VisitorRoomOptions): FollowedRoom {
  const { rid, token, connection, clock, username } = options
  const proof = { token, visitorToken: token }
  const typing = openRoomTyping({ rid, connection, clock, proof, username, onTyping: options.onTyping })
  const feed = openRoomFeed({
    ...options,
    proof,
    onNews(id, event) {
      typing.hear(event)
      options.onNews(id, event)
    },
  })
  const endListening = connection.subscribe(
    { name: 'stream-livechat-room', key: rid, proof },
    { onEvent: ([event]) => hearLivechat(event, options), onReady: options.onReady, onRefused: options.onReady },
  )

  return {
    rid,
    feed,
    typing: (isTyping) => typing.say(isTyping),
    end() {
      endListening()
      feed.end()
      typing.end()
    },
  }
}

/** Contract §C.14.2. */
function hearLivechat(event: unknown, told: VisitorRoomOptions): void {
  const { type, data, status } = Object(event) as { type?: string; data?: unknown; status?: string }
  if (type === 'agentData') {
    told.onAgent(data as Agent | undefined)
    // What tells who serves ends the waiting, or begins it anew.
    told.onQueue(undefined)
  }
  if (type === 'agentStatus') told.onAgentStatus(status ?? '')
  if (type === 'queueData') told.onQueue(placeOf(data as WireQueue))
  if (type === 'visitorData') told.onLost()
}

/** A place in the queue in our words. */
export function placeOf({ spot, message, estimatedWaitTimeSeconds }: WireQueue): QueuePlace {
  return { spot, text: message.text, estimatedWaitSeconds: estimatedWaitTimeSeconds }
}
