import type {
  AgentAccount,
  AgentRoom,
  AgentSession,
  AgentSessionEvent,
  AgentSessionOptions,
  AgentState,
  Closing,
  Presence,
  QueueEntry,
  StatusChange,
  Transfer,
} from './agent.ts'
import { agentCalls } from './agent-calls.ts'
import type { AgentCalls, Signing } from './agent-calls.ts'
import { AgentQueue } from './agent-queue.ts'
import { AgentRooms } from './agent-rooms.ts'
import type { Place } from './agent-rooms.ts'
import type { AccountAnswer, Message } from './answers.ts'
import type { Call, CallOptions } from './call.ts'
import type { Clock } from './clock.ts'
import type { Connection, ConnectionState } from './connection.ts'
import type { OutboxItem } from './events.ts'
import { isLivechatError, LivechatError } from './livechat-error.ts'
import { isSame } from './is-same.ts'
import { openOutbox } from './outbox.ts'
import type { Outbox } from './outbox.ts'
import { openPersistence } from './persistence.ts'
import { readPages } from './room-feed.ts'
import { runWhenDue } from './run-when-due.ts'
import { openStore } from './session-store.ts'
import type { SessionStore } from './session-store.ts'
import { followStaff } from './staff-streams.ts'
import type { KeyValueStorage } from './storage.ts'
import type { UploadSource } from './upload.ts'
import { outboxBeside } from './visitor-state.ts'
import type { HistoryOptions, SessionUploadOptions } from './visitor.ts'

/** What a session is made of. */
export interface AgentParts {
  options: AgentSessionOptions
  /** Signs every call. */
  call: Call
  signing: Signing
  connection: Connection
  clock: Clock
  storage: KeyValueStorage
  /** In front of everything that is kept in the storage. */
  key: string
  userId: string
  token: string
  /** The token is worth nothing any more. */
  forgetToken: () => void
}

const unknown: AgentState = {
  connection: { status: 'connecting' },
  isLoaded: false,
  account: undefined,
  rooms: [],
  queue: [],
  outbox: [],
}

/** Opens a session of these parts; answers when what an earlier program left in the outbox is read. */
export async function openSession(parts: AgentParts): Promise<AgentSession> {
  const session = new LiveAgentSession(parts)
  await session.begin()
  return session
}

class LiveAgentSession implements AgentSession {
  readonly userId: string
  readonly token: string
  readonly #parts: AgentParts
  readonly #calls: AgentCalls
  readonly #connection: Connection
  readonly #store: SessionStore<AgentState, AgentSessionEvent>
  readonly #persistence
  readonly #rooms: AgentRooms
  readonly #queue: AgentQueue
  readonly #refresh: () => Promise<void>
  readonly #refreshQueue: () => Promise<void>
  #outbox: Outbox | undefined
  /** What was heard while it was read how things stand is told after that: what is read may be older. */
  #held: (() => void)[] = []
  #readings = 0
  #endStreams: (() => void) | undefined
  #hasEnded = false

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.userId = parts.userId
    this.token = parts.token
    this.#calls = agentCalls(parts.call, parts.signing)
    this.#connection = parts.connection
    this.#store = openStore(unknown, parts.options.logger)
    this.#persistence = openPersistence(parts.clock)
    const emit = (event: AgentSessionEvent) => this.#store.emit(event)
    const onRefused = (error: unknown) => this.#refused(error)
    this.#rooms = new AgentRooms({
      connection: parts.connection,
      clock: parts.clock,
      calls: this.#calls,
      username: () => this.state.account?.username,
      emit,
      onListed: (id) => this.#outbox?.settle(id),
      onRooms: (rooms) => this.#showLists(rooms, this.#outbox?.items ?? []),
      onRefused,
    })
    this.#refresh = runWhenDue(() => this.#reading(() => this.#readAll()), onRefused)
    this.#refreshQueue = runWhenDue(() => this.#reading(() => this.#readQueue()), onRefused)
    this.#queue = new AgentQueue({
      emit,
      onQueue: (queue) => this.#store.update({ queue }),
      onUnknown: () => void this.#refreshQueue(),
    })
  }

  get state(): AgentState {
    return this.#store.state
  }

  get rooms(): readonly AgentRoom[] {
    return this.state.rooms
  }

  get queue(): readonly QueueEntry[] {
    return this.state.queue
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener)
  }

  on: AgentSession['on'] = (type, listener) => this.#store.on(type, listener)

  async begin(): Promise<void> {
    const { storage, clock, key, options } = this.#parts
    this.#outbox = openOutbox({
      storage,
      clock,
      key: `${key}:outbox:${this.userId}`,
      logger: options.logger,
      deliver: (message, signal) => this.#guarded(this.#calls.send(message, { signal })),
      onDelivered: (message) => this.#takeOwn(message),
      onItems: (items, news) => {
        this.#showLists(this.state.rooms, items)
        if (news !== undefined) this.#store.emit({ type: 'outbox', ...news })
      },
    })
    await this.#outbox.begin()
    this.#connection.onState((state) => this.#hearConnection(state))
    this.#endStreams = followStaff(this.#connection, this.userId, {
      onReady: () => void this.#refresh(),
      onPlace: (change, place) => this.#hold(() => this.#hearPlace(change, place)),
      onRoom: (room) => this.#hold(() => this.#rooms.takeRoom(room)),
      onInquiry: (inquiry) => this.#hold(() => this.#queue.hear(inquiry)),
      onAccount: (diff) => this.#hold(() => this.#hearAccount(diff)),
      onPresence: (presence) => this.#store.emit({ type: 'presence', ...presence }),
      onSignedOut: () => this.#signedOut(signedOut()),
    })
    this.#connection.start()
    void this.#refresh()
  }

  send(rid: string, text: string): OutboxItem {
    if (this.#hasEnded || this.#outbox === undefined) throw hasEnded()
    if (typeof text !== 'string' || text === '')
      throw new LivechatError('invalid-argument', 'There is nothing to send.')
    this.#rooms.typing(rid, false)
    return this.#outbox.add({ msg: text, rid })
  }

  retry(id: string): void {
    this.#outbox?.retry(id)
  }

  discard(id: string): void {
    this.#outbox?.discard(id)
  }

  async edit(rid: string, id: string, text: string, options?: CallOptions): Promise<Message> {
    const message = await this.#asked(() => this.#calls.edit({ rid, id, text }, options))
    this.#rooms.takeMessage(message)
    return message
  }

  async delete(rid: string, id: string, options?: CallOptions): Promise<void> {
    await this.#asked(() => this.#calls.remove(rid, id, options))
    if (this.#rooms.find(rid) !== undefined) this.#rooms.feedOf(rid).drop(id)
  }

  async upload(rid: string, file: UploadSource, options: SessionUploadOptions = {}): Promise<Message> {
    const message = await this.#asked(() => this.#calls.upload(rid, file, options))
    this.#rooms.takeMessage(message)
    return message
  }

  typing(rid: string, isTyping: boolean): void {
    if (this.state.account !== undefined) this.#rooms.typing(rid, isTyping)
  }

  history(rid: string, options?: HistoryOptions): AsyncGenerator<Message[], void, undefined> {
    return readPages(() => this.#rooms.feedOf(rid), options)
  }

  markRead(rid: string, options?: CallOptions): Promise<void> {
    return this.#asked(() => this.#calls.markRead(rid, options))
  }

  async take(inquiryId: string, options?: CallOptions): Promise<AgentRoom> {
    const entry = this.#queue.find(inquiryId)
    const rid = (await this.#asked(() => this.#calls.take(inquiryId, options))) ?? entry?.rid ?? ''
    this.#queue.drop(inquiryId)
    const place = this.#rooms.find(rid) === undefined ? await this.#calls.place(rid, options) : null
    if (place !== null) this.#rooms.takePlace(place, { isEarlier: false })
    const room = this.#rooms.find(rid)
    if (room === undefined) throw new LivechatError('no-room', 'Somebody else has taken the conversation since.')
    return room
  }

  async transfer(rid: string, to: Transfer, options?: CallOptions): Promise<void> {
    await this.#asked(() => this.#calls.transfer(rid, to, options))
    await this.#look(rid, options)
  }

  async return(rid: string, options?: CallOptions): Promise<void> {
    await this.#asked(() => this.#calls.return(rid, options))
    await this.#look(rid, options)
  }

  async close(rid: string, how: Closing = {}, options?: CallOptions): Promise<void> {
    await this.#asked(() => this.#calls.close(rid, how, options))
    this.#rooms.leave(rid)
  }

  status(change: StatusChange, options?: CallOptions): Promise<void> {
    return this.#asked(() => this.#calls.status(change, options))
  }

  async signOut(options?: CallOptions): Promise<void> {
    await this.#asked(() => this.#calls.signOut(options))
    this.#signedOut(signedOut())
  }

  end(): void {
    this.#hasEnded = true
    this.#store.close()
    this.#outbox?.end()
    this.#rooms.end()
    this.#endStreams?.()
    this.#persistence.end()
    this.#connection.end()
  }

  #hearConnection(connection: ConnectionState): void {
    this.#store.update({ connection })
    this.#store.emit({ type: 'connection', connection })
    if (connection.status === 'online') {
      this.#outbox?.wake()
      this.#persistence.restart()
    }
    if (connection.status === 'signed-out') this.#signedOut(signedOut(connection.code))
    // Where sockets do not come through, answers still do.
    if (connection.status !== 'server-unreachable' || connection.retryAt === undefined) return
    void this.#refresh()
    this.#rooms.sync()
  }

  #hearPlace(change: string, place: Place): void {
    if (change === 'removed') this.#rooms.leave(place.rid)
    else this.#rooms.takePlace(place, { isEarlier: false })
  }

  #hearAccount(diff: Partial<AccountAnswer>): void {
    const { account } = this.state
    if (account !== undefined) this.#setAccount({ ...account, ...factsOf(diff) })
  }

  /** Reads how everything stands: what changed unheard is told now. */
  async #readAll(): Promise<void> {
    if (this.#hasEnded) return
    const [account, places, rooms] = await this.#persistence.run((signal) =>
      Promise.all([this.#calls.account({ signal }), this.#calls.places({ signal }), this.#calls.rooms({ signal })]),
    )
    const isEarlier = !this.state.isLoaded
    this.#setAccount({ ...unknownAccount, userId: this.userId, ...factsOf(account) })
    this.#rooms.takeAll(places.update, rooms.update, { isEarlier })
    await this.#readQueue()
    this.#store.update({ isLoaded: true })
  }

  async #readQueue(): Promise<void> {
    try {
      const inquiries = await this.#persistence.run((signal) => this.#calls.queue({ signal }))
      this.#queue.takeAll(inquiries, { isEarlier: !this.state.isLoaded })
    } catch (error) {
      // Somebody who is in rooms without being an agent has no queue.
      if (!isLivechatError(error) || error.status !== 403) throw error
    }
  }

  /** After something that may have taken the agent out of a room. */
  async #look(rid: string, options?: CallOptions): Promise<void> {
    if (this.#rooms.find(rid) !== undefined && (await this.#calls.place(rid, options)) === null) this.#rooms.leave(rid)
  }

  async #reading(work: () => Promise<void>): Promise<void> {
    this.#readings++
    try {
      await work()
    } finally {
      this.#readings--
      const held = this.#readings === 0 ? this.#held.splice(0) : []
      for (const hear of held) hear()
    }
  }

  /** Does it now, or after what is being read is told. */
  #hold(hear: () => void): void {
    if (this.#readings === 0) hear()
    else this.#held.push(hear)
  }

  #setAccount(account: AgentAccount): void {
    if (!isSame(account, this.state.account)) this.#store.update({ account: Object.freeze(account) })
  }

  #showLists(rooms: readonly AgentRoom[], items: readonly OutboxItem[]): void {
    const rids = new Set(items.map(({ rid }) => rid))
    const messages = rooms.filter(({ rid }) => rids.has(rid)).flatMap((room) => room.messages)
    this.#store.update({ rooms, outbox: outboxBeside(messages, items, this.state.outbox) })
  }

  #takeOwn(message: Message): void {
    // A room that nobody follows shows no messages that the item could appear among.
    if (!this.#rooms.takeMessage(message)) this.#outbox?.settle(message._id)
  }

  #asked<T>(work: () => Promise<T>): Promise<T> {
    return this.#hasEnded ? Promise.reject(hasEnded()) : this.#guarded(work())
  }

  /** Looks whether a refusal is one for good. */
  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      this.#refused(error)
      throw error
    }
  }

  #refused(error: unknown): void {
    if (this.#hasEnded) return
    if (isLivechatError(error) && error.code === 'signed-out') this.#signedOut(error)
    else this.#parts.options.logger?.warn('The server refused.', error)
  }

  /** Once and for good: nothing is tried any more. */
  #signedOut(error: LivechatError): void {
    if (this.#endStreams === undefined) return
    this.#endStreams()
    this.#endStreams = undefined
    this.#parts.forgetToken()
    this.#connection.signOut(error.code)
    this.#outbox?.refuseAll(error)
    this.#rooms.end()
    this.#persistence.end()
    this.#store.emit({ type: 'signed-out', code: error.code })
  }
}

const unknownAccount = { username: '', name: '', presence: 'offline', statusText: '', isAvailable: undefined } as const

/** What an account, or a part of one, says of an agent. */
function factsOf({ username, name, status, statusText, statusLivechat }: Partial<AccountAnswer>) {
  return {
    ...(username !== undefined && { username }),
    ...(name !== undefined && { name }),
    ...(status !== undefined && { presence: status as Presence }),
    ...(statusText !== undefined && { statusText }),
    ...(statusLivechat !== undefined && { isAvailable: statusLivechat === 'available' }),
  }
}

function hasEnded(): LivechatError {
  return new LivechatError('session-ended', 'The session has ended.')
}

function signedOut(code = 'signed-out'): LivechatError {
  return new LivechatError(code, 'The server does not take the credentials any more.')
}
