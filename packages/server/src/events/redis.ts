// Several processes on one database tell each other what happens through Redis. Nothing is kept there and nobody waits for
// it: whoever was away looks into the database afterwards.
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import type { DeskEvent } from '@deskbell/contract/events.ts'
import type { Carrier } from './bus.ts'

export interface RedisOptions {
  url: string
  /** Installations that share a Redis do not hear each other. */
  installation: string
  /** Tells this process what another one has published. */
  deliver: (events: readonly DeskEvent[]) => void
  /** Told whenever the connection is there again: it may have missed anything. */
  onReturn: () => void
  /** Told once when Redis goes away, not with every attempt to find it. */
  onError: (error: unknown) => void
}

/** Connects to Redis, and keeps trying; answers at once. */
export function connectRedis({ url, installation, deliver, onReturn, onError }: RedisOptions): Carrier & {
  close(): void
} {
  const origin = randomBytes(9).toString('base64url')
  const channel = `deskbell:${installation}`
  const patience = {
    // Events are only good to know now: none waits for a connection.
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 2_000),
    connectTimeout: 5_000,
  }
  const speaker = new Redis(url, patience)
  const listener = new Redis(url, { ...patience, autoResubscribe: false })
  let isAway = false
  const complain = (error: unknown) => {
    if (!isAway) onError(error)
    isAway = true
  }
  for (const connection of [speaker, listener]) connection.on('error', complain)
  listener.on('ready', () => {
    listener.subscribe(channel).then(() => {
      isAway = false
      onReturn()
    }, complain)
  })
  listener.on('message', (_channel: string, text: string) => {
    const carried = read(text)
    if (carried !== undefined && carried.origin !== origin) deliver(carried.events)
  })

  return {
    send(events) {
      if (events.length === 0 || speaker.status !== 'ready') return
      speaker.publish(channel, JSON.stringify({ origin, events })).catch(complain)
    },
    close() {
      speaker.disconnect()
      listener.disconnect()
    },
  }
}

function read(text: string): { origin: string; events: DeskEvent[] } | undefined {
  try {
    const { origin, events } = JSON.parse(text) as { origin?: unknown; events?: unknown }
    return typeof origin === 'string' && Array.isArray(events) ? { origin, events: events as DeskEvent[] } : undefined
  } catch {
    return undefined
  }
}
