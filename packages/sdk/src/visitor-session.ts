import type { Agent, ConfigAnswer, Message } from './answers.ts'
import type { Call, CallOptions } from './call.ts'
import type { Clock } from './clock.ts'
import type { Connection, ConnectionState } from './connection.ts'
import type { OutboxItem, QueuePlace, VisitorEvent, VisitorState } from './events.ts'
import { isSame } from './is-same.ts'
import { isLivechatError, LivechatError } from './livechat-error.ts'
import { openOutbox } from './outbox.ts'
import type { Outbox } from './outbox.ts'
import { openPersistence } from './persistence.ts'
import { readPages } from './room-feed.ts'
import { runWhenDue } from './run-when-due.ts'
import { openStore } from './session-store.ts'
import type { SessionStore } from './session-store.ts'
import type { KeyValueStorage } from './storage.ts'
import type { UploadSource } from './upload.ts'
import { visitorCalls } from './visitor-calls.ts'
import type { VisitorCalls } from './visitor-calls.ts'
import { followRoom, placeOf } from './visitor-room.ts'
import type { FollowedRoom } from './visitor-room.ts'
import { outboxBeside, unknownState } from './visitor-state.ts'
import type { HistoryOptions, SessionUploadOptions, VisitorSession, VisitorSessionOptions } from './visitor.ts'

/** What a session is made of. */
export interface VisitorParts {
  options: VisitorSessionOptions
  call: Call
  connection: Connection
  clock: Clock
  storage: KeyValueStorage
  /** In front of everything that is kept in the storage. */
  key: string
  token: string
}

/** With these the server says that it does not take this visitor any more. */
const signingOut = ['invalid-token', 'error-invalid-token', 'error-contact-channel-blocked', 'signed-out']

/** Opens a session of these parts; answers when what an earlier program left in the outbox is read. */
export async function openSession(parts: VisitorParts): Promise<VisitorSession> {
  const session = new LiveVisitorSession(parts)
  await session.begin()
  return session
}

class LiveVisitorSession implements VisitorSession {
  token: string
  readonly #parts: VisitorParts
  readonly #calls: VisitorCalls
  readonly #connection: Connection
  readonly #store: SessionStore<VisitorState, VisitorEvent>
  readonly #persistence
  readonly #outbox: Outbox
  #room: FollowedRoom | undefined
  /** Counts openings and closings: an answer that was asked for before the last one is out of date. */
  #turns = 0
  readonly #refresh: () => Promise<void>
  #username: string | undefined
  #isKnown = false
  #isRegistered = false
  #endDesk: (() => void) | undefined
  #hasEnded = false

  constructor(parts: VisitorParts) {
    this.#parts = parts
    this.token = parts.token
    this.#calls = visitorCalls(parts.call, () => this.token, parts.options.fetch)
    this.#connection = parts.connection
    this.#store = openStore(unknownState, parts.options.logger)
    this.#persistence = openPersistence(parts.clock)
    this.#outbox = openOutbox({
      storage: parts.storage,
      clock: parts.clock,
      key: `${parts.key}:outbox:${parts.token}`,
      logger: parts.options.logger,
      requireRoom: (signal) => this.#guarded(this.#requireRoom(signal)),
      deliver: (message, signal) => this.#guarded(this.#calls.send(message, { signal })),
      onDelivered: (message) => this.#takeOwn(message),
      onItems: (items, news) => {
        this.#showLists(this.state.messages, items)
        if (news !== undefined) this.#store.emit({ type: 'outbox', ...news })
      },
    })
    this.#refresh = runWhenDue(
      () => this.#readState(),
      (error) => this.#refused(error),
    )
  }

  get state(): VisitorState {
    return this.#store.state
  }

  // Both are handed over without their session, e.g. to React.
  subscribe: VisitorSession['subscribe'] = (listener) => this.#store.subscribe(listener)
  on: VisitorSession['on'] = (type, listener) => this.#store.on(type, listener)

  async begin(): Promise<void> {
    await this.#outbox.begin()
    this.#connection.onState((state) => this.#hearConnection(state))
    this.#connection.start()
    void this.#refresh()
  }

  send(text: string): OutboxItem {
    if (this.#hasEnded) throw hasEnded()
    if (typeof text !== 'string' || text === '') throw new LivechatError('invalid-argument', 'Nothing to send.')
    this.#room?.typing(false)
    return this.#outbox.add({ msg: text, rid: this.#openRid() })
  }

  retry(id: string): void {
    this.#outbox.retry(id)
  }

  discard(id: string): void {
    this.#outbox.discard(id)
  }

  async edit(id: string, text: string, options?: CallOptions): Promise<Message> {
    const room = this.#requireFollowed()
    const message = await this.#calls.edit(id, { rid: room.rid, msg: text }, options)
    room.feed.take(message)
    return message
  }

  async delete(id: string, options?: CallOptions): Promise<void> {
    const room = this.#requireFollowed()
    await this.#calls.remove(id, room.rid, options)
    room.feed.drop(id)
  }

  async upload(file: UploadSource, options: SessionUploadOptions = {}): Promise<Message> {
    if (this.#hasEnded) throw hasEnded()
    const rid = this.#openRid() ?? (await this.#guarded(this.#requireRoom(options.signal)))
    const message = await this.#calls.upload(rid, file, options)
    this.#takeOwn(message)
    return message
  }

  typing(isTyping: boolean): void {
    if (this.#openRid() !== undefined && this.#username !== undefined) this.#room?.typing(isTyping)
  }

  history(options?: HistoryOptions): AsyncGenerator<Message[], void, undefined> {
    return readPages(() => this.#requireFollowed().feed, options)
  }

  async close(options?: CallOptions): Promise<void> {
    const room = this.#requireFollowed()
    try {
      await this.#calls.close(room.rid, options)
    } catch (error) {
      // Somebody was faster.
      if (!isLivechatError(error) || error.code !== 'room-closed') throw error
    }
    await room.feed.sync()
    this.#noteClosed(room.rid)
  }

  async rate(answers: Record<string, string>, options?: CallOptions): Promise<void> {
    await this.#calls.rate(this.#requireFollowed().rid, answers, options)
  }

  end(): void {
    this.#hasEnded = true
    this.#store.close()
    this.#outbox.end()
    this.#room?.end()
    this.#endDesk?.()
    this.#persistence.end()
    this.#connection.end()
  }

  #hearConnection(connection: ConnectionState): void {
    this.#change({ connection }, { type: 'connection', connection })
    if (connection.status === 'online') {
      this.#outbox.wake()
      this.#persistence.restart()
      // A room asks for it itself, once the server listens on its behalf.
      if (this.#room === undefined) void this.#refresh()
    }
    // Where sockets do not come through, answers still do.
    if (connection.status === 'server-unreachable' && connection.retryAt !== undefined) void this.#room?.feed.sync()
  }

  /** Agent, queue, room and desk are told as they change; what changed unheard is read and told now. */
  async #readState(): Promise<void> {
    const turn = this.#turns
    const { department } = this.#parts.options
    const { config } = await this.#persistence.run((signal) => this.#calls.config(department, { signal }))
    if (turn === this.#turns) await this.#takeConfig(config)
    else void this.#refresh()
  }

  async #takeConfig(config: ConfigAnswer['config']): Promise<void> {
    this.#takeDesk(config)
    await this.#takeVisitor(config)
    await this.#takeRoom(config)
    this.#store.update({ isLoaded: true })
  }

  #takeDesk({ online, departments = [] }: ConfigAnswer['config']): void {
    const wanted = this.#parts.options.department
    const department = departments.find(({ _id, name }) => _id === wanted || name === wanted)
    this.#listenToDesk(department?._id ?? wanted)
    this.#setDesk(online === true)
  }

  async #takeVisitor({ guest: visitor }: ConfigAnswer['config']): Promise<void> {
    const isGone = visitor === undefined && this.#isKnown
    // An address that guessed too often is told of nobody, so this is no proof yet.
    if (isGone) await this.#persistence.run((signal) => this.#calls.requireKnown({ signal }))
    else this.#isKnown = visitor !== undefined
    this.#username = visitor?.username ?? this.#username
  }

  async #takeRoom({ room, agent, queueInfo }: ConfigAnswer['config']): Promise<void> {
    await this.#takeTurn(room)
    if (room === undefined) return
    const isServed = room.servedBy !== undefined
    this.#setAgent(room._id, isServed ? agent : undefined)
    // Live it is also told where a config does not tell it.
    if (queueInfo !== undefined) this.#setQueue(room._id, placeOf(queueInfo))
    else if (isServed) this.#setQueue(room._id, undefined)
  }

  /** Another room is open now, or none. */
  async #takeTurn(room: ConfigAnswer['config']['room']): Promise<void> {
    const openRid = this.#openRid()
    if (openRid === room?._id) return
    if (openRid !== undefined) {
      await this.#room?.feed.sync()
      this.#noteClosed(openRid)
    }
    if (room !== undefined) this.#follow(room._id, { isNew: false, departmentId: room.departmentId })
  }

  /** The open room; registers the visitor and opens one where there is none. */
  async #requireRoom(signal: AbortSignal | undefined): Promise<string> {
    const openRid = this.#openRid()
    if (openRid !== undefined) return openRid
    await this.#register(signal)
    const { room, newRoom } = await this.#calls.room({ signal })
    if (this.#openRid() !== room._id) this.#follow(room._id, { isNew: newRoom, departmentId: room.departmentId })
    return room._id
  }

  async #register(signal: AbortSignal | undefined): Promise<void> {
    const { name, email, phone, department, customFields } = this.#parts.options
    const given = { name, email, phone, department, customFields }
    const isSilent = Object.values(given).every((each) => each === undefined)
    if (this.#isRegistered || (this.#isKnown && isSilent)) return
    const { visitor } = await this.#calls.register(given, { signal })
    // Some servers answer with another token, which is the visitor's from now on.
    this.token = visitor.token ?? this.token
    this.#username = visitor.username
    this.#isRegistered = this.#isKnown = true
  }

  #follow(rid: string, { isNew, departmentId }: { isNew: boolean; departmentId: string | undefined }): void {
    if (this.#hasEnded) return
    this.#room?.end()
    this.#turns++
    const room = { rid, isOpen: true, departmentId }
    const { connection, clock } = this.#parts
    this.#change({ room, agent: undefined, queue: undefined, typing: [], messages: [] }, { type: 'room', room })
    this.#room = followRoom({
      rid,
      token: this.token,
      isNew,
      connection,
      clock,
      source: this.#calls.source(rid),
      username: () => this.#username,
      onNews: (id, event) => {
        this.#outbox.settle(id)
        if (event !== undefined) this.#store.emit(event)
        if (event?.type === 'message' && event.message.t === 'livechat-close') this.#noteClosed(rid)
      },
      onList: (messages) => this.#showLists(messages, this.#outbox.items),
      onTyping: ({ username, isTyping, typing }) => {
        this.#change({ typing }, { type: 'typing', rid, username, isTyping })
      },
      onAgent: (agent) => this.#setAgent(rid, agent),
      onAgentStatus: (status) => this.#setAgent(rid, this.state.agent && { ...this.state.agent, status }),
      onQueue: (queue) => this.#setQueue(rid, queue),
      onReady: () => void this.#refresh(),
      onLost: () => this.#noteClosed(rid),
      onRefused: (error) => this.#refused(error, rid),
    })
    if (this.state.connection.status !== 'online') void this.#room.feed.sync()
  }

  #noteClosed(rid: string): void {
    const { room } = this.state
    if (room?.rid !== rid || !room.isOpen) return
    this.#turns++
    this.#change({ room: { ...room, isOpen: false }, queue: undefined, typing: [] }, { type: 'room-closed', rid })
  }

  #takeOwn(message: Message): void {
    if (this.#room?.rid === message.rid) {
      this.#room.feed.take(message)
      return
    }
    this.#outbox.settle(message._id)
    // Another tab has opened a room.
    void this.#refresh()
  }

  #showLists(messages: readonly Message[], items: readonly OutboxItem[]): void {
    this.#store.update({ messages, outbox: outboxBeside(messages, items, this.state.outbox) })
  }

  /** Tells what is another now, and nothing where it is the same. */
  #change(changes: Partial<VisitorState>, event: VisitorEvent): void {
    const keys = Object.keys(changes) as (keyof VisitorState)[]
    if (keys.every((key) => isSame(changes[key], this.state[key]))) return
    this.#store.update(changes)
    this.#store.emit(event)
  }

  #setAgent(rid: string, agent: Agent | undefined): void {
    this.#change({ agent }, { type: 'agent', rid, agent })
  }

  #setQueue(rid: string, queue: QueuePlace | undefined): void {
    this.#change({ queue }, { type: 'queue', rid, queue })
  }

  #setDesk(isDeskOnline: boolean): void {
    this.#change({ isDeskOnline }, { type: 'desk', isOnline: isDeskOnline })
  }

  /** Servers that do not tell refuse; there the desk is as it was after the last reconnect. */
  #listenToDesk(department = 'all'): void {
    this.#endDesk ??= this.#connection.subscribe(
      { name: 'stream-livechat-desk', key: department },
      { onEvent: ([desk]) => this.#setDesk((Object(desk) as { online?: unknown }).online === true) },
    )
  }

  #openRid(): string | undefined {
    return this.state.room?.isOpen === true ? this.state.room.rid : undefined
  }

  #requireFollowed(): FollowedRoom {
    if (this.#hasEnded) throw hasEnded()
    if (this.#room === undefined) throw new LivechatError('no-room', 'No conversation yet.')
    return this.#room
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

  #refused(error: unknown, rid?: string): void {
    if (this.#hasEnded) return
    const code = isLivechatError(error) ? error.code : ''
    if (isLivechatError(error) && signingOut.includes(code)) {
      this.#connection.signOut(code)
      this.#outbox.refuseAll(error)
      this.#room?.feed.end()
    } else if (rid !== undefined && code === 'invalid-room') this.#noteClosed(rid)
    else this.#parts.options.logger?.warn('Refused.', error)
  }
}

function hasEnded(): LivechatError {
  return new LivechatError('session-ended', 'The session has ended.')
}
