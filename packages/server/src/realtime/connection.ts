// One socket: its handshake, its heartbeat, its subscriptions, and its requests one after the other.
import type { Logger } from 'pino'
import type { RequestInfo } from '../context.ts'
import { Allowance } from './allowance.ts'
import { BadFrame, frames, readFrame, wireError, type ClientFrame, type WireError } from './ddp.ts'
import type { Audience, Frame, Hub, Peer } from './hub.ts'
import type { Neighbours } from './neighbours.ts'

/** What the socket is told apart from what it says. `ws` gives it; tests give a pair of their own. */
export interface Wire {
  send(frame: Frame): void
  close(code: number, reason: string): void
  /** Bytes that wait for the other side. */
  readonly bufferedAmount: number
}

/** Who is at the other end, as far as known. */
export interface Session {
  readonly id: string
  readonly request: RequestInfo
  /** The staff member who signed in on this socket. */
  credentials?: { userId: string; token: string }
  /** When that ends by itself, ISO time. */
  signedInUntil?: string
  /** The visitor whose socket this is: the first token it was bound to. */
  visitorToken?: string
  /** The token by which it listens to a room: whoever writes there without one is this visitor. */
  shownToken?: string
}

/** Where a subscription leads. */
export interface Place {
  stream: string
  key: string
  audience: Audience
  /** The visitor's, who may read it again in what the visitor wrote. */
  visitorToken?: string
  /** Of a stream that a socket listens to once: whom else it wants to hear of from now on, and whom no more. */
  watched?: { added: readonly string[]; removed: readonly string[] }
}

export type Subscribed =
  | { place: Place; /** Told before `ready`. */ before?: string }
  /** There is nothing to listen to, and the client may believe there is. */
  | 'nothing'
  | { refused: WireError }

export type Called =
  | { result: unknown; /** Told before the result. */ before?: string; /** The socket ends after it. */ ends?: true }
  | { error: WireError; /** The socket ends after it. */ ends?: true }

/** What only the product can answer. */
export interface Product {
  subscribe(session: Session, name: string, params: readonly unknown[]): Promise<Subscribed>
  /** Somebody listens now. */
  joined(place: Place, peer: Peer): Promise<void>
  /** Somebody who listens already wants to hear of others (`watched`). */
  rewatched(place: Place, peer: Peer): void
  /** The client knows that it listens. */
  welcome(place: Place, peer: Peer): void
  call(session: Session, method: string, params: readonly unknown[], peer: Peer): Promise<Called>
  /** The socket has gone. */
  left(session: Session): void
}

/** How long a socket may take and be silent, and how much it may ask for (promises A31, A32). */
export const socketLimits = {
  connectWithinMs: 10_000,
  pingAfterMs: 10_000,
  // A silent peer is gone within 25 s: ping after 10, 12 more, and the ticks between.
  deadAfterMs: 22_000,
  pending: 50,
  subscriptions: 500,
  bufferedBytes: 1024 * 1024,
  framesPerMinute: { anonymous: 100, staff: 1_200 },
} as const

interface Subscription {
  name: string
  params: readonly unknown[]
  place: Place | undefined
}

/** Where a connection lives. Without neighbours nobody counts what an address does. */
export interface Surroundings {
  hub: Hub
  product: Product
  log: Logger
  nowMs: number
  neighbours?: Neighbours | undefined
}

export class Connection implements Peer {
  readonly session: Session
  readonly #wire: Wire
  readonly #hub: Hub
  readonly #product: Product
  readonly #log: Logger
  readonly #neighbours: Neighbours | undefined
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #waiting: ClientFrame[] = []
  readonly #openedMs: number
  #state: 'new' | 'open' | 'closed' = 'new'
  #isBusy = false
  #heardMs: number
  #askedMs: number | undefined
  readonly #requests = new Allowance()

  constructor(session: Session, wire: Wire, { hub, product, log, nowMs, neighbours }: Surroundings) {
    this.session = session
    this.#wire = wire
    this.#hub = hub
    this.#product = product
    this.#log = log
    this.#neighbours = neighbours
    this.#openedMs = nowMs
    this.#heardMs = nowMs
    this.send(frames.greeting)
  }

  /** Whether it listens to anything or is somebody's. */
  get isIdle(): boolean {
    const { credentials, visitorToken } = this.session
    // To listen where there is nothing to hear is to listen to nothing.
    const listens = [...this.#subscriptions.values()].some(({ place }) => place !== undefined)
    return !listens && credentials === undefined && visitorToken === undefined
  }

  /** Tells the client; a client that does not read is cut off, and catches up when it comes back. */
  send(frame: Frame): void {
    if (this.#state === 'closed') return
    if (this.#wire.bufferedAmount > socketLimits.bufferedBytes) {
      this.close(4008, 'too-slow')
      return
    }
    this.#wire.send(frame)
  }

  /** A frame came in. */
  receive(text: string, nowMs: number): void {
    if (this.#state === 'closed') return
    this.#heardMs = nowMs
    this.#askedMs = undefined
    try {
      this.#take(readFrame(text), nowMs)
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error
      this.close(error.closeCode, error.message)
    }
  }

  /** Looks at the clock: a peer that never says hello, or says nothing any more, is let go. */
  tick(nowMs: number): void {
    if (this.#state === 'new' && nowMs - this.#openedMs > socketLimits.connectWithinMs) {
      this.close(1002, 'No connect')
      return
    }
    const silentMs = nowMs - this.#heardMs
    if (silentMs > socketLimits.deadAfterMs) {
      this.close(4000, 'Silent')
      return
    }
    if (this.#state !== 'open' || silentMs <= socketLimits.pingAfterMs || this.#askedMs !== undefined) return
    this.#askedMs = nowMs
    this.send(frames.ping)
  }

  /** Ends the socket from this side. */
  close(code: number, reason: string): void {
    if (this.#state === 'closed') return
    this.ended()
    this.#wire.close(code, reason)
  }

  /** The socket is no more, whoever ended it. */
  ended(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#waiting.length = 0
    for (const id of this.#subscriptions.keys()) this.#drop(id)
    this.#product.left(this.session)
  }

  /** Asks again whether it may listen to a key; where it may not any more it hears nothing from now on. */
  recheck(stream: string, key: string): Promise<void> {
    return this.#orEnd(() => this.#recheck((place) => place.stream === stream && place.key === key))
  }

  /** The same for everything it listens to, and for what led nowhere so far: it may lead somewhere now. */
  recheckAll(): Promise<void> {
    return this.#orEnd(async () => {
      await this.#recheck(() => true)
      for (const [id, subscription] of this.#subscriptions) if (subscription.place === undefined) await this.#open(id)
    })
  }

  /** Where nobody can say whether it may listen on, it must not: it comes back, and asks. */
  async #orEnd(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#log.error({ err: error }, 'The rights of a socket could not be looked up again.')
      this.close(1011, 'Rights are not known')
    }
  }

  async #recheck(isMeant: (place: Place) => boolean): Promise<void> {
    for (const [id, subscription] of this.#subscriptions) {
      if (subscription.place === undefined || !isMeant(subscription.place)) continue
      const answer = await this.#product.subscribe(this.session, subscription.name, subscription.params)
      // Gone meanwhile, by unsub or with the socket.
      if (this.#subscriptions.get(id) !== subscription) continue
      if (answer !== 'nothing' && 'place' in answer) this.#move(subscription, answer.place)
      else this.#drop(id)
    }
  }

  /** The same subscription may lead elsewhere for somebody whose rights are others now. */
  #move(subscription: Subscription, place: Place): void {
    const { place: before } = subscription
    if (before?.stream === place.stream && before.key === place.key && before.audience === place.audience) return
    if (before !== undefined) this.#leave(before)
    subscription.place = place
    this.#hub.add(place.stream, place.key, { peer: this, audience: place.audience })
  }

  #take(frame: ClientFrame, nowMs: number): void {
    if (this.#state === 'new') {
      if (frame.msg !== 'connect') throw new BadFrame(1002, 'Not connected')
      this.#state = 'open'
      this.send(frames.connected(this.session.id))
      return
    }
    if (!this.#isWithinAllowance(nowMs)) throw new BadFrame(1008, 'Too many requests')
    if (frame.msg === 'ping') {
      this.send(frames.pong(frame.id))
      return
    }
    if (frame.msg === 'connect' || frame.msg === 'ignored') return
    if (this.#waiting.length >= socketLimits.pending) throw new BadFrame(1008, 'Too many requests wait')
    if (!this.#isWithinAddress(frame, nowMs)) {
      this.#refuse(frame, wireError('too-many-requests', 'Too many requests from this address'))
      return
    }
    this.#waiting.push(frame)
    if (!this.#isBusy) void this.#work()
  }

  /** Requests of one socket run in the order they came. Whoever answers never throws: failures are answers too. */
  async #work(): Promise<void> {
    this.#isBusy = true
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      try {
        await this.#answer(frame)
      } catch (error) {
        this.#log.error({ err: error }, 'A request of a socket failed.')
        this.#refuse(frame, wireError(500, 'Internal server error'))
      }
    }
    this.#isBusy = false
  }

  async #answer(frame: ClientFrame): Promise<void> {
    switch (frame.msg) {
      case 'sub':
        return this.#subscribe(frame)
      case 'unsub': {
        this.#unsubscribe(frame.id)
        return
      }
      case 'method':
        return this.#call(frame)
      case 'connect':
      case 'ping':
      case 'ignored':
        return
    }
  }

  #refuse(frame: ClientFrame, error: WireError): void {
    if (frame.msg === 'sub') this.send(frames.nosub(frame.id, error))
    if (frame.msg !== 'method') return
    this.send(frames.failed(frame.id, error))
    this.send(frames.updated(frame.id))
  }

  async #subscribe({ id, name, params }: { id: string; name: string; params: unknown[] }): Promise<void> {
    // Clients send again what they had queued before the socket opened.
    if (this.#subscriptions.has(id)) return
    if (this.#subscriptions.size >= socketLimits.subscriptions) {
      this.send(frames.nosub(id, wireError('too-many-subscriptions')))
      return
    }
    const answer = await this.#product.subscribe(this.session, name, params)
    if (this.#state === 'closed') return
    if (answer !== 'nothing' && 'refused' in answer) this.send(frames.nosub(id, answer.refused))
    else if (answer !== 'nothing' && this.#rewatches(answer.place)) this.send(frames.nosub(id))
    else
      await this.#begin(id, { name, params }, answer).catch((error: unknown) => {
        // It was told to be refused, and may ask again under the same id.
        this.#drop(id)
        throw error
      })
  }

  /** Listens, and says so; or says where the right to do so was lost meanwhile. */
  async #begin(
    id: string,
    asked: Pick<Subscription, 'name' | 'params'>,
    answer: Exclude<Subscribed, { refused: WireError }>,
  ): Promise<void> {
    if (this.#neighbours?.takeSubscription() === false) {
      this.send(frames.nosub(id, wireError('too-many-subscriptions')))
      return
    }
    if (answer === 'nothing') {
      this.#subscriptions.set(id, { ...asked, place: undefined })
      this.send(frames.ready(id))
      return
    }
    const { place, before } = answer
    this.#subscriptions.set(id, { ...asked, place })
    if (!(await this.#enter(id, place))) {
      this.send(frames.nosub(id, wireError('not-allowed')))
      return
    }
    if (before !== undefined) this.send(before)
    this.send(frames.ready(id))
    this.#product.welcome(place, this)
  }

  /** Asks again for a subscription that led nowhere. */
  async #open(id: string): Promise<void> {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined) return
    const answer = await this.#product.subscribe(this.session, subscription.name, subscription.params)
    if (answer === 'nothing' || 'refused' in answer || this.#subscriptions.get(id) !== subscription) return
    subscription.place = answer.place
    if (answer.before !== undefined) this.send(answer.before)
    await this.#enter(id, answer.place)
  }

  /** Listens to a place; answers false where the right to do so was lost meanwhile. */
  async #enter(id: string, place: Place): Promise<boolean> {
    this.#hub.add(place.stream, place.key, { peer: this, audience: place.audience })
    await this.#product.joined(place, this)
    // What changed while the right was looked up was told to nobody here.
    await this.#recheck(({ stream, key }) => stream === place.stream && key === place.key)
    return this.#subscriptions.has(id)
  }

  /** Of a stream that a socket listens to once, what comes later only says whom else it wants to hear of. */
  #rewatches(place: Place): boolean {
    if (place.watched === undefined) return false
    const known = [...this.#subscriptions.values()].some((each) => each.place?.stream === place.stream)
    if (known) this.#product.rewatched(place, this)
    return known
  }

  #unsubscribe(id: string): void {
    this.#drop(id)
    this.send(frames.nosub(id))
  }

  async #call({ id, method, params }: { id: string; method: string; params: unknown[] }): Promise<void> {
    const called = await this.#product.call(this.session, method, params, this)
    if ('error' in called) {
      this.send(frames.failed(id, called.error))
    } else {
      if (called.before !== undefined) this.send(called.before)
      this.send(frames.result(id, called.result))
    }
    this.send(frames.updated(id))
    if ('ends' in called) this.close(1002, 'Signed out')
  }

  #drop(id: string): void {
    const subscription = this.#subscriptions.get(id)
    if (subscription === undefined) return
    const { place } = subscription
    this.#subscriptions.delete(id)
    this.#neighbours?.giveBack(1)
    if (place !== undefined) this.#leave(place)
  }

  #leave({ stream, key, audience }: Place): void {
    this.#hub.remove(stream, key, { peer: this, audience })
  }

  /** Others behind the same address are not to suffer: nobody is thrown out for it, and whoever leaves may. */
  #isWithinAddress({ msg }: ClientFrame, nowMs: number): boolean {
    if (this.#neighbours === undefined || this.session.credentials !== undefined || msg === 'unsub') return true
    return this.#neighbours.takeFrame(nowMs)
  }

  #isWithinAllowance(nowMs: number): boolean {
    const { anonymous, staff } = socketLimits.framesPerMinute
    return this.#requests.take(nowMs, this.session.credentials === undefined ? anonymous : staff)
  }
}
