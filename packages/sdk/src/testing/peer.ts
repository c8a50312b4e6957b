// One socket as the server sees it: its handshake, its heartbeat, its subscriptions and methods (docs/realtime.md).
import type { Clock } from '../clock.ts'
import type { Desk } from './desk.ts'
import type { DeskAgent, DeskRoom } from './desk-model.ts'
import { timeOf, type Reader } from './documents.ts'
import { toEjson } from './ejson.ts'
import { readFrame } from './faults.ts'
import type { ServerEnd, Visit } from './sockets.ts'
import { signIn } from './staff-operations.ts'

/** The key of agents who listen to all their rooms at once. */
export const MY_MESSAGES = '__my_messages__'

const CONNECT_WITHIN_MS = 10_000
const PING_AFTER_MS = 10_000
const GONE_AFTER_MS = 12_000
const SESSION_MS = 90 * 86_400_000

export interface Activity {
  name: string
  activities: readonly string[]
  /** Passed on where one came. */
  extras?: object | undefined
}

interface Subscription {
  stream: string
  key: string
  reader: Reader
  /** Whether it may still be listened to. */
  isAllowed: () => boolean
}

interface PeerOptions {
  desk: Desk
  clock: Clock
  end: ServerEnd
  tellTyping: (rid: string, activity: Activity, except: object) => void
  onEnd: () => void
}

interface WireError {
  isClientSafe: true
  error: string | number
  reason?: string
  message: string
  errorType: string
}

export class Peer implements Visit {
  /** What is listened to; nothing for what is allowed and silent. */
  readonly subscriptions = new Map<string, Subscription | undefined>()
  /** Who signed in here. */
  agent: DeskAgent | undefined
  #agentToken: string | undefined
  readonly #options: PeerOptions
  #isOpen = false
  #timer: unknown

  constructor(options: PeerOptions) {
    this.#options = options
    this.say({ server_id: '0' })
    this.#later(CONNECT_WITHIN_MS, () => this.#close(1002, 'No connect'))
  }

  say(frame: object): void {
    this.#options.end.send(JSON.stringify(frame))
  }

  receive(text: string): void {
    const frame = readFrame(text)
    if (frame === undefined) {
      this.#close(1007, 'Not JSON')
      return
    }
    if (!this.#isOpen && frame['msg'] !== 'connect') {
      this.#close(1002, 'Not connected')
      return
    }
    this.#later(PING_AFTER_MS, () => this.#ask())
    this.#take(frame)
  }

  ended(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#options.onEnd()
  }

  /** The session has ended: whoever is signed in with it is let go. */
  letGo({ agent, token }: { agent: DeskAgent; token: string }): void {
    if (this.agent !== agent || this.#agentToken !== token) return
    const eventName = `${agent.id}/force_logout`
    const listens = [...this.subscriptions.values()].some((each) => each?.key === eventName)
    if (listens)
      this.say({ msg: 'changed', collection: 'stream-notify-user', id: 'id', fields: { eventName, args: [] } })
    this.#close(1002, 'Signed out')
  }

  #take(frame: Record<string, unknown>): void {
    const { msg, id, name, method } = frame
    switch (msg) {
      case 'connect':
        if (!this.#isOpen) this.say({ msg: 'connected', session: this.#options.desk.newId('socket') })
        this.#isOpen = true
        return
      case 'ping':
        this.say({ msg: 'pong', id })
        return
      case 'sub':
        this.#requireWords([id, name], () => this.#subscribe(String(id), String(name), paramsOf(frame)))
        return
      case 'unsub':
        this.subscriptions.delete(String(id))
        this.say({ msg: 'nosub', id })
        return
      case 'method':
        this.#requireWords([id, method], () => this.#call(String(id), String(method), paramsOf(frame)))
        return
    }
  }

  #requireWords(words: readonly unknown[], act: () => void): void {
    if (words.every((word) => typeof word === 'string' && word !== '')) act()
    else this.#close(1002, 'Without id or name')
  }

  #subscribe(id: string, name: string, params: readonly unknown[]): void {
    // Clients send again what they had queued before the socket opened.
    if (this.subscriptions.has(id)) return
    const place = this.#findPlace(name, params)
    if (place === 'unknown') {
      this.say({ msg: 'nosub', id, error: wireError(404, `Subscription '${name}' not found`) })
      return
    }
    if (place === 'refused') {
      this.say({ msg: 'nosub', id, error: wireError('not-allowed') })
      return
    }
    this.subscriptions.set(id, place)
    const [key, options] = params
    if (options === true) this.say({ msg: 'added', collection: name, id: 'id', fields: { eventName: key } })
    this.say({ msg: 'ready', subs: [id] })
    if (name === 'stream-livechat-desk')
      this.say({
        msg: 'changed',
        collection: name,
        id: 'id',
        fields: { eventName: key, args: [{ online: this.#options.desk.isOnline() }] },
      })
  }

  #findPlace(name: string, params: readonly unknown[]): Subscription | undefined | 'refused' | 'unknown' {
    const stream = name.replace(/^stream-/, '')
    const key = typeof params[0] === 'string' ? params[0] : ''
    const decide = places[stream]
    if (decide === undefined || stream === name) return 'unknown'
    const decided = decide({ desk: this.#options.desk, key, proof: proofIn(params[1]), agent: () => this.agent })
    if (typeof decided !== 'object') return decided
    return { stream, key, ...decided }
  }

  #call(id: string, method: string, params: readonly unknown[]): void {
    const answered = this.#answer(method, params)
    this.say({ msg: 'result', id, ...answered })
    this.say({ msg: 'updated', methods: [id] })
    if (method === 'logout' && this.agent !== undefined) this.#signOut()
  }

  #answer(method: string, params: readonly unknown[]): { result?: unknown; error?: WireError } {
    switch (method) {
      case 'login':
        return this.#login(asObject(params[0]))
      case 'logout':
        return {}
      case 'livechat:setUpConnection':
        return typeof asObject(params[0])['token'] === 'string' ? {} : { error: matchFailed }
      case 'stream-notify-room':
        this.#write(params)
        return {}
      case 'UserPresence:online':
        return this.#sayPresence('online')
      case 'UserPresence:away':
        return this.#sayPresence('away')
      default:
        return { error: wireError(404, `Method '${method}' not found`) }
    }
  }

  #sayPresence(status: string): { result: true } {
    if (this.agent !== undefined) this.#options.desk.setPresence(this.agent, { status })
    return { result: true }
  }

  #login(given: Record<string, unknown>): { result?: unknown; error?: WireError } {
    const { desk } = this.#options
    const { username, email } = asObject(given['user'])
    const signedIn = signIn(desk, { ...given, user: username ?? email })
    if (signedIn === undefined) return { error: wireError(403, 'User not found or incorrect password') }
    const { agent, token } = signedIn
    this.agent = agent
    this.#agentToken = token
    const emails = [{ address: `${agent.username}@example.org`, verified: false }]
    this.say({ msg: 'added', collection: 'users', id: agent.id, fields: { username: agent.username, emails } })
    const type = given['resume'] === undefined ? 'password' : 'resume'
    const tokenExpires = timeOf(desk.now() + SESSION_MS)
    return { result: toEjson({ id: agent.id, token, tokenExpires, type }) }
  }

  #signOut(): void {
    const { agent } = this
    const token = this.#agentToken
    this.agent = undefined
    this.#close(1002, 'Signed out')
    if (agent !== undefined && token !== undefined) this.#options.desk.signOut(agent, token)
  }

  /** Somebody types. What is refused is told to nobody. */
  #write([key, name, what, ...more]: readonly unknown[]): void {
    const [rid = '', event] = String(key).split('/')
    const { token } = Object.assign({}, ...more.map(asObject)) as Record<string, unknown>
    if (typeof name !== 'string' || !this.#mayWrite(rid, name, token)) return
    const isOld = event === 'typing'
    const activities = isOld ? (what === true ? ['user-typing'] : []) : (what as string[])
    this.#options.tellTyping(rid, { name, activities, extras: isOld || more.length === 0 ? undefined : {} }, this)
  }

  #mayWrite(rid: string, name: string, token: unknown): boolean {
    const { desk } = this.#options
    const room = desk.rooms.get(rid)
    if (room === undefined) return false
    if (token !== undefined) return room.visitor.token === token
    return this.agent?.username === name && desk.mayRead(this.agent, room)
  }

  #ask(): void {
    this.say({ msg: 'ping' })
    this.#later(GONE_AFTER_MS, () => this.#close(4000, 'Silent'))
  }

  #later(ms: number, task: () => void): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(task, ms)
  }

  #close(code: number, reason: string): void {
    this.ended()
    this.#options.end.close(code, reason)
  }
}

interface Asked {
  desk: Desk
  key: string
  proof: Record<string, unknown>
  agent: () => DeskAgent | undefined
}

type Decided = Pick<Subscription, 'reader' | 'isAllowed'> | undefined | 'refused'

/** Who may listen to what (docs/realtime.md, streams). */
const places: Readonly<Record<string, (asked: Asked) => Decided>> = {
  'room-messages': (asked) => {
    const { desk, key, proof } = asked
    if (key === MY_MESSAGES) return asked.agent() && { reader: 'staff', isAllowed: () => true }
    if (proof['visitorToken'] === undefined) return forStaff(asked, key)
    const room = roomOf(desk, key, proof['visitorToken'])
    if (room === undefined || room.closed !== undefined) return 'refused'
    return { reader: 'visitor', isAllowed: () => room.closed === undefined }
  },
  'livechat-room': ({ desk, key, proof }) =>
    roomOf(desk, key, proof['visitorToken']) ? { reader: 'visitor', isAllowed: () => true } : 'refused',
  'notify-room': (asked) => {
    const { desk, key, proof } = asked
    const [rid = '', event = ''] = key.split('/')
    if (!['typing', 'user-activity', 'deleteMessage'].includes(event)) return 'refused'
    if (proof['token'] === undefined) return forStaff(asked, rid)
    return roomOf(desk, rid, proof['token']) ? { reader: 'visitor', isAllowed: () => true } : 'refused'
  },
  'livechat-desk': ({ desk, key }) => {
    const isThere = key === 'all' || desk.options.departments.some(({ _id }) => _id === key)
    return isThere ? { reader: 'visitor', isAllowed: () => true } : 'refused'
  },
  'room-data': (asked) => forStaff(asked, asked.key),
  'livechat-inquiry-queue-observer': ({ agent }) => signedIn(agent),
  'notify-logged': ({ agent }) => signedIn(agent),
  'notify-user': ({ agent, key }) => (key.startsWith(`${agent()?.id ?? ''}/`) ? signedIn(agent) : 'refused'),
}

function signedIn(agent: Asked['agent']): Decided {
  return agent() === undefined ? 'refused' : { reader: 'staff', isAllowed: () => agent() !== undefined }
}

function forStaff({ desk, agent }: Asked, rid: string): Decided {
  const room = desk.rooms.get(rid)
  const mayRead = () => {
    const caller = agent()
    return caller !== undefined && room !== undefined && desk.mayRead(caller, room)
  }
  return mayRead() ? { reader: 'staff', isAllowed: mayRead } : 'refused'
}

function roomOf(desk: Desk, rid: string, token: unknown): DeskRoom | undefined {
  const room = desk.rooms.get(rid)
  return room?.visitor.token === token ? room : undefined
}

function proofIn(options: unknown): Record<string, unknown> {
  const { args } = asObject(options)
  return asObject(Array.isArray(args) ? args[0] : undefined)
}

function paramsOf({ params }: Record<string, unknown>): unknown[] {
  return Array.isArray(params) ? params : []
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

const matchFailed: WireError = {
  isClientSafe: true,
  error: 400,
  reason: 'Match failed',
  message: 'Match failed [400]',
  errorType: 'Match.Error',
}

function wireError(error: string | number, reason?: string): WireError {
  return {
    isClientSafe: true,
    error,
    ...(reason !== undefined && { reason }),
    message: reason === undefined ? `[${error}]` : `${reason} [${error}]`,
    errorType: 'Meteor.Error',
  }
}
