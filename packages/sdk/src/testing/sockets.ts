// A `WebSocket` that reaches the fake server, and the wire between them, which can be made as bad as networks are.
import type { Clock } from '../clock.ts'
import type { Direction } from './faults.ts'

/** The server's end of a socket. */
export interface ServerEnd {
  send(frame: string): void
  close(code: number, reason: string): void
}

/** What the server does with a socket. */
export interface Visit {
  /** A frame came in. */
  receive(text: string): void
  /** The socket is no more. */
  ended(): void
}

export interface WireOptions {
  clock: Clock
  toClient: Direction
  toServer: Direction
  /** A client has come. */
  accept: (end: ServerEnd) => Visit
  /** Whether new sockets are refused now. */
  isRefusing: () => boolean
}

/** A socket between a client and the server. */
export interface Wire {
  /** Ends it on both sides; the client hears of it at once. */
  cut(code: number, reason: string): void
  /** Nothing comes through any more, and nobody is told. */
  halfOpen(): void
}

export interface Sockets {
  WebSocket: typeof WebSocket
  /** Those that are open now. */
  wires: ReadonlySet<Wire>
}

/** How long platforms wait for the other side to answer a close before they give up. */
const CLOSE_TIMEOUT_MS = 30_000

type State = 0 | 1 | 2 | 3
const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3] as const

type Handler = ((event: Event) => void) | null

/** Sockets whose other end is `accept`. */
export function makeSockets(options: WireOptions): Sockets {
  const { clock, toClient, toServer, accept, isRefusing } = options
  const wires = new Set<Wire>()

  class FakeWebSocket extends EventTarget {
    static readonly CONNECTING = CONNECTING
    static readonly OPEN = OPEN
    static readonly CLOSING = CLOSING
    static readonly CLOSED = CLOSED
    readonly CONNECTING = CONNECTING
    readonly OPEN = OPEN
    readonly CLOSING = CLOSING
    readonly CLOSED = CLOSED
    readonly url: string
    readonly protocol = ''
    readonly extensions = ''
    readonly bufferedAmount = 0
    binaryType = 'blob'
    readyState: State = CONNECTING
    onopen: Handler = null
    onmessage: Handler = null
    onclose: Handler = null
    onerror: Handler = null
    #visit: Visit | undefined
    #isHalfOpen = false
    readonly #toServer = makeLane(clock, toServer)
    readonly #toClient = makeLane(clock, toClient)
    readonly #wire: Wire = {
      cut: (code, reason) => this.#finish(code, reason),
      halfOpen: () => {
        this.#isHalfOpen = true
      },
    }

    constructor(url: string | URL) {
      super()
      this.url = String(url)
      queueMicrotask(() => this.#open())
    }

    send(data: string): void {
      if (this.readyState === CONNECTING) throw new DOMException('Still in CONNECTING state', 'InvalidStateError')
      if (this.readyState !== OPEN) return
      this.#toServer.carry(data, () => {
        if (!this.#isHalfOpen) this.#visit?.receive(data)
      })
    }

    close(code = 1005, reason = ''): void {
      if (this.readyState >= CLOSING) return
      this.readyState = CLOSING
      // The answer to a close comes from the other side: on a dead line the platform waits for it in vain.
      if (this.#isHalfOpen) clock.setTimeout(() => this.#finish(1006, ''), CLOSE_TIMEOUT_MS)
      else this.#toServer.after(() => this.#finish(code, reason))
    }

    #open(): void {
      if (this.readyState !== CONNECTING) return
      if (isRefusing() || !this.url.endsWith('/websocket')) {
        this.#finish(1006, '')
        return
      }
      this.readyState = OPEN
      wires.add(this.#wire)
      this.#say('open', {})
      this.#visit = accept({
        send: (frame) => {
          this.#toClient.carry(frame, () => {
            if (!this.#isHalfOpen && this.readyState === OPEN) this.#say('message', { data: frame })
          })
        },
        close: (code, reason) => this.#closedByServer(code, reason),
      })
    }

    /** What the server sent before comes first. */
    #closedByServer(code: number, reason: string): void {
      this.#visit = undefined
      wires.delete(this.#wire)
      this.#toClient.after(() => {
        if (!this.#isHalfOpen) this.#finish(code, reason)
      })
    }

    #finish(code: number, reason: string): void {
      if (this.readyState === CLOSED) return
      this.readyState = CLOSED
      wires.delete(this.#wire)
      const visit = this.#visit
      this.#visit = undefined
      visit?.ended()
      if (code === 1006) this.#say('error', {})
      this.#say('close', { code, reason, wasClean: code !== 1006 })
    }

    #say(type: 'open' | 'message' | 'close' | 'error', fields: object): void {
      const event = Object.assign(new Event(type), fields)
      this[`on${type}`]?.(event)
      this.dispatchEvent(event)
    }
  }

  return { WebSocket: FakeWebSocket as unknown as typeof WebSocket, wires }
}

interface Lane {
  carry(frame: string, deliver: () => void): void
  /** Does something once all that is under way in its order has come. */
  after(task: () => void): void
}

/** One direction of one socket: in order, unless a fault lets frames overtake. */
function makeLane(clock: Clock, direction: Direction): Lane {
  let freeAtMs = -Infinity
  let waiting = 0

  function inOrder(ms: number, deliver: () => void): void {
    freeAtMs = Math.max(freeAtMs, clock.now() + ms)
    const delayMs = freeAtMs - clock.now()
    if (delayMs <= 0 && waiting === 0) {
      queueMicrotask(deliver)
      return
    }
    waiting++
    clock.setTimeout(() => {
      waiting--
      deliver()
    }, delayMs)
  }

  return {
    carry(frame, deliver) {
      for (const { ms, overtakes } of direction.passagesOf(frame))
        if (overtakes) clock.setTimeout(deliver, ms)
        else inOrder(ms, deliver)
    },
    after: (task) => inOrder(0, task),
  }
}
