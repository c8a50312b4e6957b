import { backoffMs, withoutSlashes } from './call.ts'
import { platformClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { readFrame, refusalOf } from './ddp.ts'
import type { ServerFrame } from './ddp.ts'
import { openDeadline } from './deadline.ts'
import { isSame } from './is-same.ts'
import { asLivechatError, isLivechatError, LivechatError } from './livechat-error.ts'
import type { LivechatErrorCode } from './livechat-error.ts'
import { platformNetwork } from './network.ts'
import type { NetworkSigns } from './network.ts'
import type { SocketConstructor, SocketLike } from './socket.ts'

/**
 * How it stands with the live connection. `retryAt`, in milliseconds since 1970, is when the next attempt is made; it is
 * absent while one is under way.
 */
export type ConnectionState =
  /** The first attempt, or the first after a loss. */
  | { readonly status: 'connecting' }
  | { readonly status: 'online' }
  /** The device says that it has no network. */
  | { readonly status: 'no-network'; readonly retryAt?: number }
  /** There may be a network, and the server does not answer. */
  | { readonly status: 'server-unreachable'; readonly retryAt?: number }
  /** The server does not take the credentials any more; nothing is tried until somebody signs in anew. */
  | { readonly status: 'signed-out'; readonly code: LivechatErrorCode }
  /** `end()` was called. */
  | { readonly status: 'ended' }

/** What a subscription asks for: `sub <name> [key, { useCollection: false, args: [proof] }]`. */
export interface SubscriptionRequest {
  /** With `stream-`, e.g. `stream-room-messages`. */
  name: string
  /** What events are told apart by, e.g. a room's id. */
  key: string
  /** What a visitor shows: `{ token, visitorToken }`; members of the staff show nothing. */
  proof?: object | undefined
}

export interface SubscriptionListener {
  /** An event of the stream, its times as ISO text. */
  onEvent(args: readonly unknown[]): void
  /** The server listens for it now: after the first `ready` and after each one that follows a reconnect. */
  onReady?: () => void
  /** The server refused. It is asked for again after the next reconnect. */
  onRefused?: (error: LivechatError) => void
  /** The connection broke; `onReady` or `onRefused` follows when there is a new one. */
  onLost?: () => void
}

export interface MethodOptions {
  signal?: AbortSignal | undefined
  /** 30 000 unless given. */
  timeoutMs?: number | undefined
}

/** A DDP connection that never gives up: what is subscribed stays so over any number of sockets. */
export interface Connection {
  /** A new object only when something changed. */
  readonly state: ConnectionState
  /** Hears of every change of `state`; the answer ends that. */
  onState(listener: (state: ConnectionState) => void): () => void
  /** Begins to connect; with credentials that were refused, begins anew. */
  start(): void
  /** The result of a method. Rejects with `not-connected` at once while there is no socket: nothing is queued here. */
  call(method: string, params: readonly unknown[], options?: MethodOptions): Promise<unknown>
  /** Listens until the answer is called. */
  subscribe(request: SubscriptionRequest, listener: SubscriptionListener): () => void
  /** Tries at once, or asks the server for a sign of life: call it when the device may have come back. */
  wake(): void
  /** The credentials are refused: no further attempts until `start()`. */
  signOut(code: LivechatErrorCode): void
  /** Ends everything for good. */
  end(): void
}

export interface ConnectionOptions {
  /** `https://…`, with or without a slash at the end. */
  serverURL: string
  WebSocket?: SocketConstructor | undefined
  clock?: Clock | undefined
  network?: NetworkSigns | undefined
  /** Bound of the first pause, 500 ms unless given, doubled up to `mostMs`, 15 000 unless given. */
  reconnect?: { firstMs?: number; mostMs?: number } | undefined
  /**
   * Runs on every new socket before anything is subscribed. What it rejects with as not retryable signs out.
   */
  signIn?: ((call: Connection['call']) => Promise<void>) | undefined
}

// How long the connection may take and be silent: a half-open one is noticed within 20 s.
const connectWithinMs = 10_000
const pingAfterMs = 10_000
const answerWithinMs = 10_000
/** After a wake, when somebody probably looks at the screen. */
const answerSoonMs = 5_000
/** A socket that lived shorter does not make the pauses short again. */
const stableAfterMs = 5_000
/** Subscriptions that wait for an answer: servers close sockets on which too much waits. */
const mostUnanswered = 20

interface Subscription {
  readonly request: SubscriptionRequest
  readonly listener: SubscriptionListener
}

interface PendingCall {
  resolve(result: unknown): void
  reject(error: LivechatError): void
}

/** Makes a connection, which waits for `start()`. */
export function openConnection(options: ConnectionOptions): Connection {
  return new LiveConnection(options)
}

class LiveConnection implements Connection {
  state: ConnectionState = { status: 'connecting' }
  readonly #options: ConnectionOptions
  readonly #clock: Clock
  readonly #network: NetworkSigns
  readonly #listeners = new Set<(state: ConnectionState) => void>()
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #calls = new Map<string, PendingCall>()
  /** Subscriptions to be asked for, and those that were and wait for an answer. */
  #unasked: string[] = []
  readonly #unanswered = new Set<string>()
  #socket: SocketLike | undefined
  /** Whether the server has said hello on this socket. */
  #isGreeted = false
  #openedMs = 0
  #heardMs = 0
  #heardFrames = 0
  #attempts = 0
  #ids = 0
  #timer: unknown
  #endSigns: (() => void) | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#clock = options.clock ?? platformClock
    this.#network = options.network ?? platformNetwork
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  start(): void {
    if (this.state.status === 'ended' || this.#endSigns !== undefined) return
    this.#endSigns = this.#network.onChange(() => this.wake())
    this.#attempts = 0
    this.#enter({ status: 'connecting' })
    this.#connect()
  }

  async call(method: string, params: readonly unknown[], options: MethodOptions = {}): Promise<unknown> {
    if (!this.#isGreeted) throw notConnected()
    const id = `m${++this.#ids}`
    const deadline = openDeadline(this.#clock, options.timeoutMs ?? 30_000, [options.signal])
    try {
      deadline.check()
      const result = await new Promise<unknown>((resolve, reject) => {
        this.#calls.set(id, { resolve, reject })
        deadline.signal.addEventListener('abort', () => resolve(undefined))
        this.#say({ msg: 'method', id, method, params })
      })
      deadline.check()
      return result
    } catch (error) {
      throw asLivechatError(error)
    } finally {
      this.#calls.delete(id)
      deadline.close()
    }
  }

  subscribe(request: SubscriptionRequest, listener: SubscriptionListener): () => void {
    const id = `s${++this.#ids}`
    this.#subscriptions.set(id, { request, listener })
    if (this.state.status === 'online') this.#ask([id])
    return () => {
      if (this.#subscriptions.delete(id) && this.state.status === 'online') this.#say({ msg: 'unsub', id })
    }
  }

  wake(): void {
    if (this.#endSigns === undefined) return
    if (this.#isGreeted) {
      this.#probe(answerSoonMs)
      return
    }
    // An attempt that is under way may hang in a network that is no more.
    this.#dropSocket()
    this.#attempts = 0
    this.#connect()
  }

  signOut(code: LivechatErrorCode): void {
    if (this.state.status === 'ended') return
    this.#stop()
    this.#enter({ status: 'signed-out', code })
  }

  end(): void {
    this.#stop()
    this.#enter({ status: 'ended' })
    this.#listeners.clear()
    this.#subscriptions.clear()
  }

  #stop(): void {
    this.#endSigns?.()
    this.#endSigns = undefined
    this.#clock.clearTimeout(this.#timer)
    this.#dropSocket()
  }

  #connect(): void {
    this.#clock.clearTimeout(this.#timer)
    if (this.state.status !== 'connecting') this.#enter({ status: this.#trouble() })
    const { serverURL, WebSocket = globalThis.WebSocket } = this.#options
    let socket: SocketLike
    try {
      socket = new WebSocket(`${withoutSlashes(serverURL).replace(/^http/, 'ws')}/websocket`)
    } catch {
      this.#pause({ isFirst: false })
      return
    }
    this.#socket = socket
    this.#openedMs = this.#clock.now()
    socket.onopen = () => this.#say({ msg: 'connect', version: '1', support: ['1', 'pre2', 'pre1'] })
    socket.onmessage = ({ data }: { data: unknown }) => this.#receive(readFrame(data))
    socket.onclose = () => this.#lose()
    // What went wrong ends in a close.
    socket.onerror = () => undefined
    this.#after(connectWithinMs, () => this.#lose())
  }

  /** The socket is no more, or is taken for dead. */
  #lose(): void {
    const isShort = this.#clock.now() - this.#openedMs < stableAfterMs
    const wasOnline = this.state.status === 'online'
    this.#dropSocket()
    if (wasOnline && !isShort) this.#attempts = 0
    if (wasOnline) this.#enter({ status: this.#network.isOnline() ? 'connecting' : 'no-network' })
    this.#pause({ isFirst: wasOnline })
  }

  /** Waits for the next attempt. Full jitter: without it, clients that were lost together come back together. */
  #pause({ isFirst }: { isFirst: boolean }): void {
    const { firstMs = 500, mostMs = 15_000 } = this.#options.reconnect ?? {}
    const pauseMs = backoffMs(firstMs, ++this.#attempts, this.#clock, mostMs)
    if (!isFirst) this.#enter({ status: this.#trouble(), retryAt: this.#clock.now() + pauseMs })
    this.#after(pauseMs, () => this.#connect())
  }

  #trouble(): 'no-network' | 'server-unreachable' {
    return this.#network.isOnline() ? 'server-unreachable' : 'no-network'
  }

  #dropSocket(): void {
    const socket = this.#socket
    if (socket === undefined) return
    this.#socket = undefined
    this.#isGreeted = false
    this.#unasked = []
    this.#unanswered.clear()
    // A socket that is half open reports its end much later.
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
    for (const call of [...this.#calls.values()]) call.reject(notConnected())
    if (this.state.status !== 'online') return
    for (const { listener } of [...this.#subscriptions.values()]) listener.onLost?.()
  }

  #receive(frame: ServerFrame): void {
    this.#heardMs = this.#clock.now()
    this.#heardFrames++
    const { msg, id } = frame
    if (msg === 'connected') void this.#settle()
    if (msg === 'ping') this.#say({ msg: 'pong', id })
    if (msg === 'ready' || msg === 'nosub') this.#hearAnswer(frame)
    if (msg === 'changed') this.#hear(frame)
    if (msg === 'result') this.#finish(frame)
  }

  /** The server has said hello: signs in where that is wanted, and subscribes. Failures end in `#lose` or `signOut`. */
  async #settle(): Promise<void> {
    const socket = this.#socket
    this.#isGreeted = true
    this.#listenForLife()
    try {
      await this.#options.signIn?.((...call) => this.call(...call))
    } catch (error) {
      if (socket !== this.#socket) return
      if (isLivechatError(error) && !error.retryable) this.signOut(error.code)
      else this.#lose()
      return
    }
    if (socket !== this.#socket || socket === undefined) return
    this.#enter({ status: 'online' })
    this.#ask([...this.#subscriptions.keys()])
  }

  #ask(ids: readonly string[]): void {
    for (const id of ids) if (!this.#unasked.includes(id)) this.#unasked.push(id)
    while (this.#unanswered.size < mostUnanswered) {
      const id = this.#unasked.shift()
      if (id === undefined) return
      const request = this.#subscriptions.get(id)?.request
      if (request === undefined) continue
      this.#unanswered.add(id)
      const { name, key, proof } = request
      const options = { useCollection: false, args: proof === undefined ? [] : [proof] }
      this.#say({ msg: 'sub', id, name, params: [key, options] })
    }
  }

  /** The server listens on our behalf, or refuses to. */
  #hearAnswer({ msg, id = '', subs = [id], error }: ServerFrame): void {
    for (const each of subs) {
      const listener = this.#subscriptions.get(each)?.listener
      if (!this.#unanswered.delete(each) || listener === undefined) continue
      if (msg === 'ready') listener.onReady?.()
      else listener.onRefused?.(refusalOf(error))
    }
    this.#ask([])
  }

  #hear({ collection, fields }: ServerFrame): void {
    for (const { request, listener } of [...this.#subscriptions.values()])
      if (request.name === collection && request.key === fields?.eventName) listener.onEvent(fields.args ?? [])
  }

  #finish({ id = '', result, error }: ServerFrame): void {
    const call = this.#calls.get(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(refusalOf(error))
  }

  /** Asks for a sign of life after some silence. */
  #listenForLife(): void {
    this.#after(this.#heardMs + pingAfterMs - this.#clock.now(), () => {
      if (this.#clock.now() - this.#heardMs < pingAfterMs) this.#listenForLife()
      else this.#probe(answerWithinMs)
    })
  }

  /** Any frame is an answer. */
  #probe(withinMs: number): void {
    const heardFrames = this.#heardFrames
    this.#say({ msg: 'ping' })
    this.#after(withinMs, () => {
      if (this.#heardFrames === heardFrames) this.#lose()
      else this.#listenForLife()
    })
  }

  /** There is one timer: for the next attempt, for hello, or for the next sign of life. */
  #after(ms: number, act: () => void): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(act, Math.max(0, ms))
  }

  #say(frame: object): void {
    try {
      this.#socket?.send(JSON.stringify(frame))
    } catch {
      // It is closing; its end is reported or noticed.
    }
  }

  #enter(state: ConnectionState): void {
    if (isSame(state, this.state)) return
    this.state = Object.freeze(state)
    for (const listener of [...this.#listeners]) listener(state)
  }
}

function notConnected(): LivechatError {
  return new LivechatError('not-connected', 'There is no connection.', { retryable: true })
}
