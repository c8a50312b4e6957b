// Who listens to what. An event is written once for each kind of reader, and the same text goes to every socket.
import { frames } from './ddp.ts'

/** Who reads: what a visitor may see and what the staff may see are different documents (promises A3). */
export type Audience = 'visitor' | 'staff'

/** A text frame; as its bytes where many are sent the same, so that they are encoded once. */
export type Frame = string | Buffer

/** One end of a socket, as the hub sees it. */
export interface Peer {
  send(frame: Frame): void
  /** Asks again whether it may listen to a key, and leaves where it may not any more. */
  recheck(stream: string, key: string): Promise<void>
  /** The same for everything it listens to. */
  recheckAll(): Promise<void>
  /** Ends the socket. */
  close(code: number, reason: string): void
}

/** A socket that listens, and as whom. */
export interface Listener {
  peer: Peer
  audience: Audience
}

/** The arguments of an event, for each kind of reader that may have it; a function is asked only where somebody reads. */
export type Said = Partial<Record<Audience, readonly unknown[] | (() => readonly unknown[])>>

export interface SayOptions {
  /** Whoever caused the event, and does not hear it. */
  except?: Peer | undefined
  /** Tells this one alone, if it listens. */
  only?: Peer
  /** Tells those alone who want it. */
  to?: (peer: Peer) => boolean
  /** What the frame calls itself; absent: as the key is called here. With `uid` it names the user it is about. */
  as?: { stream: string; eventName: string; uid?: string }
}

export interface Hub {
  /** Adds a listener; a socket that listens to the same key several times hears once, as staff where it is both. */
  add(stream: string, key: string, listener: Listener): void
  /** Takes away what was added once. */
  remove(stream: string, key: string, listener: Listener): void
  /** Tells everybody who listens. */
  say(stream: string, key: string, said: Said, options?: SayOptions): void
  isHeard(stream: string, key: string): boolean
  /** Whether anybody listens to any key of a stream. */
  isStreamHeard(stream: string): boolean
  /** Every key of a stream that somebody listens to. */
  keys(stream: string): readonly string[]
  /** Makes everybody who listens to a key ask again whether they may. */
  recheck(stream: string, key: string): Promise<void>
}

/** So many sockets encode a frame for themselves as fast as one copy is made for all. */
const FEW = 2

/** How often each socket listens as whom. */
type Listeners = Map<Peer, Record<Audience, number>>

/** A hub in the memory of this process. */
export function makeHub(): Hub {
  const streams = new Map<string, Map<string, Listeners>>()
  const listenersOf = (stream: string, key: string) => streams.get(stream)?.get(key)

  return {
    add(stream, key, { peer, audience }) {
      const keys = streams.get(stream) ?? new Map<string, Listeners>()
      const listeners = keys.get(key) ?? new Map<Peer, Record<Audience, number>>()
      const counts = listeners.get(peer) ?? { visitor: 0, staff: 0 }
      counts[audience] += 1
      listeners.set(peer, counts)
      keys.set(key, listeners)
      streams.set(stream, keys)
    },
    remove(stream, key, { peer, audience }) {
      const listeners = listenersOf(stream, key)
      const counts = listeners?.get(peer)
      if (listeners === undefined || counts === undefined) return
      counts[audience] -= 1
      if (counts.visitor + counts.staff === 0) listeners.delete(peer)
      if (listeners.size === 0) streams.get(stream)?.delete(key)
    },
    say(stream, key, said, options = {}) {
      const { as = { stream, eventName: key } } = options
      const listeners = [...(listenersOf(stream, key) ?? [])]
      const frameFor = makeFrames(said, as, { isForMany: listeners.length > FEW })
      // A socket that is too slow closes itself, and so leaves, while it is being told.
      for (const [peer, { staff }] of listeners) {
        if (!isMeant(peer, options)) continue
        const frame = frameFor(staff > 0 ? 'staff' : 'visitor')
        if (frame !== undefined) peer.send(frame)
      }
    },
    isHeard: (stream, key) => listenersOf(stream, key) !== undefined,
    isStreamHeard: (stream) => (streams.get(stream)?.size ?? 0) > 0,
    keys: (stream) => [...(streams.get(stream)?.keys() ?? [])],
    async recheck(stream, key) {
      for (const peer of [...(listenersOf(stream, key)?.keys() ?? [])]) await peer.recheck(stream, key)
    },
  }
}

function isMeant(peer: Peer, { except, only, to }: SayOptions): boolean {
  return peer !== except && (only === undefined || peer === only) && (to === undefined || to(peer))
}

/** Writes the frame of each audience when the first of it is told. */
function makeFrames(
  said: Said,
  { stream, eventName, uid }: NonNullable<SayOptions['as']>,
  { isForMany }: { isForMany: boolean },
): (audience: Audience) => Frame | undefined {
  const written = new Map<Audience, Frame>()
  return (audience) => {
    const known = written.get(audience)
    const args = said[audience]
    if (known !== undefined || args === undefined) return known
    const text = frames.changed(stream, eventName, typeof args === 'function' ? args() : args, uid)
    const frame = isForMany ? Buffer.from(text) : text
    written.set(audience, frame)
    return frame
  }
}
