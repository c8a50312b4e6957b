// What is true at the fake server: who there is, what was said, in which order. Everything else is made from this.
import type { NewAgent } from './controls.ts'
import {
  agentAuthor,
  isThere,
  personOf,
  visitorAuthor,
  type Author,
  type DeskAgent,
  type DeskMessage,
  type DeskOptions,
  type DeskRoom,
  type DeskVisitor,
  type Draft,
  type Notice,
} from './desk-model.ts'

/** The truth. Its functions do what they say without asking whether they may; operations ask first. */
export class Desk {
  readonly visitors = new Map<string, DeskVisitor>()
  readonly agents: DeskAgent[] = []
  readonly rooms = new Map<string, DeskRoom>()
  readonly options: DeskOptions
  #ids = 0

  constructor(options: DeskOptions) {
    this.options = options
  }

  now(): number {
    return this.options.clock.now()
  }

  /** An id that no other thing has. */
  newId(kind: string): string {
    return `${kind}${String(++this.#ids).padStart(6, '0')}`
  }

  addAgent({ username, name = username, password = 'secret', isManager = false }: NewAgent): DeskAgent {
    const agent: DeskAgent = {
      id: this.newId('agent'),
      username,
      name,
      password,
      isManager,
      status: 'online',
      statusText: '',
      isAvailable: true,
      tokens: new Set(),
      updatedMs: this.now(),
    }
    this.agents.push(agent)
    return agent
  }

  /** Whether somebody is there to answer; it is the same for every department. */
  isOnline(): boolean {
    return this.agents.some(isThere)
  }

  setPresence(agent: DeskAgent, change: { status?: string; statusText?: string; isAvailable?: boolean }): void {
    const wasOnline = this.isOnline()
    Object.assign(agent, change, { updatedMs: this.now() })
    this.#tell({ type: 'presence', agent })
    if (this.isOnline() !== wasOnline) this.#tell({ type: 'desk' })
    if (isThere(agent)) this.#offerQueue()
  }

  signOut(agent: DeskAgent, token: string): void {
    if (agent.tokens.delete(token)) this.#tell({ type: 'signed-out', agent, token })
  }

  register(token: string, given: Partial<DeskVisitor>): DeskVisitor {
    const known = this.visitors.get(token)
    const visitor = known ?? {
      id: this.newId('visitor'),
      username: `guest-${this.visitors.size + 1}`,
      token,
      name: undefined,
      email: undefined,
      phone: undefined,
      departmentId: undefined,
      status: 'online',
      registeredMs: this.now(),
      updatedMs: this.now(),
      lastChat: undefined,
      answeredMs: undefined,
    }
    for (const [key, value] of Object.entries(given)) if (value !== undefined) Object.assign(visitor, { [key]: value })
    visitor.updatedMs = this.now()
    this.visitors.set(token, visitor)
    return visitor
  }

  openRoomOf(visitor: DeskVisitor): DeskRoom | undefined {
    return [...this.rooms.values()].find((room) => room.visitor === visitor && room.closed === undefined)
  }

  openRoom(visitor: DeskVisitor): DeskRoom {
    const id = this.newId('room')
    const room: DeskRoom = {
      id,
      inquiryId: this.newId('inquiry'),
      visitor,
      departmentId: visitor.departmentId,
      openedMs: this.now(),
      queuedMs: this.now(),
      takenMs: undefined,
      updatedMs: this.now(),
      messages: [],
      seq: 0,
      servedBy: undefined,
      closed: undefined,
      isWaitingResponse: true,
      askedMs: undefined,
      spokeMs: undefined,
      response: undefined,
      firstResponseMs: undefined,
      repliedMs: undefined,
      survey: {},
      unread: 0,
      readMs: undefined,
      queueSpot: undefined,
    }
    this.rooms.set(id, room)
    visitor.lastChat = { roomId: id, ms: this.now() }
    this.say(room, { text: '', type: 'livechat-started', author: visitorAuthor(visitor) })
    const agent = this.options.routing === 'auto' ? this.#leastBusy() : undefined
    if (agent === undefined) this.#tell({ type: 'queued', room, isNew: true })
    else this.take(room, agent)
    return room
  }

  /** Writes into a room: the next number, and a time later than that of all before. */
  say(room: DeskRoom, { id, text, author, type, extra = {} }: Draft): DeskMessage {
    const latestMs = room.messages.at(-1)?.sentMs ?? -Infinity
    const message: DeskMessage = {
      id: id ?? this.newId('message'),
      roomId: room.id,
      text,
      type,
      author,
      sentMs: Math.max(this.now(), latestMs + 1),
      updatedMs: this.now(),
      seq: ++room.seq,
      edited: undefined,
      deletedMs: undefined,
      extra,
    }
    room.messages.push(message)
    if (type === undefined) this.#noteSpoken(room, message)
    if (type === undefined && author.kind === 'visitor') room.unread++
    this.#tell({ type: 'message', room, message })
    return message
  }

  edit(room: DeskRoom, message: DeskMessage, text: string, by: Author): void {
    Object.assign(message, { text, edited: { ms: this.now(), by }, updatedMs: this.now(), seq: ++room.seq })
    this.#tell({ type: 'message', room, message })
  }

  remove(room: DeskRoom, message: DeskMessage): void {
    Object.assign(message, { deletedMs: this.now(), updatedMs: this.now(), seq: ++room.seq })
    this.#tell({ type: 'deleted', room, message })
  }

  take(room: DeskRoom, agent: DeskAgent): void {
    this.#serve(room, agent)
    this.#tell({ type: 'taken', room })
  }

  /** Gives a served room to another agent. */
  transfer(room: DeskRoom, agent: DeskAgent, { by, comment }: { by: DeskAgent; comment?: string | undefined }): void {
    const before = room.servedBy?.agent
    this.#serve(room, agent)
    this.#sayTransfer(room, by, { scope: 'agent', comment, transferredTo: personOf(agent) })
    this.#sayLeft(room, before)
    this.#tell({ type: 'taken', room })
  }

  /** Puts a served room back into the queue. */
  giveBack(room: DeskRoom, by: DeskAgent): void {
    const before = room.servedBy?.agent
    this.#sayTransfer(room, by, { scope: 'queue' })
    this.#sayLeft(room, before)
    Object.assign(room, { servedBy: undefined, queuedMs: this.now(), takenMs: undefined, updatedMs: this.now() })
    this.#tell({ type: 'queued', room, isNew: false })
  }

  close(room: DeskRoom, by: Author, comment: string): void {
    this.say(room, {
      text: comment,
      type: 'livechat-close',
      author: by,
      extra: { groupable: false, transcriptRequested: false },
    })
    Object.assign(room, { closed: { ms: this.now(), by }, updatedMs: this.now(), queueSpot: undefined })
    this.#tell({ type: 'closed', room })
  }

  rate(room: DeskRoom, answers: Record<string, string>): void {
    Object.assign(room, { survey: answers, updatedMs: this.now() })
    this.#tell({ type: 'changed', room })
  }

  markRead(room: DeskRoom): void {
    Object.assign(room, { unread: 0, readMs: this.now() })
    this.#tell({ type: 'changed', room })
  }

  setPlace(room: DeskRoom, spot: number): void {
    room.queueSpot = spot
    this.#tell({ type: 'place', room, spot })
  }

  /** A message and its room, taken back or not. */
  findMessage(id: string): { room: DeskRoom; message: DeskMessage } | undefined {
    for (const room of this.rooms.values()) {
      const message = room.messages.find((each) => each.id === id)
      if (message !== undefined) return { room, message }
    }
    return undefined
  }

  /** Agents see the rooms they serve and those that wait. */
  mayRead(agent: DeskAgent, room: DeskRoom): boolean {
    if (agent.isManager || room.servedBy?.agent === agent) return true
    return room.closed === undefined && room.servedBy === undefined
  }

  #noteSpoken(room: DeskRoom, { author, sentMs }: DeskMessage): void {
    if (author.kind === 'visitor') {
      room.askedMs = sentMs
      room.spokeMs = this.now()
      if (!room.isWaitingResponse) room.response = undefined
      room.isWaitingResponse = true
      return
    }
    const by = this.agents.find(({ id }) => id === author.id)
    const atMs = this.now()
    room.visitor.answeredMs = atMs
    if (by !== undefined)
      room.response = room.isWaitingResponse
        ? { by, firstMs: atMs, lastMs: atMs }
        : room.response && { ...room.response, lastMs: atMs }
    room.firstResponseMs = room.repliedMs === undefined ? atMs : room.firstResponseMs
    if (room.askedMs !== undefined && room.askedMs > (room.repliedMs ?? -Infinity)) room.repliedMs = sentMs
    Object.assign(room, { isWaitingResponse: false, unread: 0, readMs: sentMs })
  }

  #serve(room: DeskRoom, agent: DeskAgent): void {
    const atMs = this.now()
    Object.assign(room, {
      servedBy: { agent, ms: atMs },
      takenMs: atMs,
      updatedMs: atMs,
      queueSpot: undefined,
      unread: 1,
    })
    this.say(room, { text: 'connected', type: 'command', author: agentAuthor(agent) })
    this.say(room, { text: '', type: 'uj', author: agentAuthor(agent) })
  }

  #sayLeft(room: DeskRoom, agent: DeskAgent | undefined): void {
    if (agent !== undefined) this.say(room, { text: agent.username, type: 'ul', author: agentAuthor(agent) })
  }

  #sayTransfer(room: DeskRoom, by: DeskAgent, data: { scope: string; [key: string]: unknown }): void {
    const userType = room.servedBy?.agent === by ? 'agent' : 'user'
    const transferredBy = { ...personOf(by), userType, type: userType }
    const ts = new Date(this.now()).toISOString()
    const transferData = { transferredBy, ts, ...data }
    this.say(room, { text: '', type: 'livechat_transfer_history', author: agentAuthor(by), extra: { transferData } })
  }

  #leastBusy(): DeskAgent | undefined {
    const load = (agent: DeskAgent) =>
      [...this.rooms.values()].filter(({ servedBy, closed }) => servedBy?.agent === agent && closed === undefined)
        .length
    return this.agents.filter(isThere).sort((one, other) => load(one) - load(other))[0]
  }

  #offerQueue(): void {
    if (this.options.routing !== 'auto') return
    for (const room of this.rooms.values()) {
      const agent = room.servedBy === undefined && room.closed === undefined ? this.#leastBusy() : undefined
      if (agent !== undefined) this.take(room, agent)
    }
  }

  #tell(notice: Notice): void {
    this.options.onNotice(notice)
  }
}
