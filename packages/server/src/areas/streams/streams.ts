// The product behind the sockets: who may listen to what, what is told when something happens, and what can be called.
import { ApiError } from '../../api-error.ts'
import type { Context, SignedIn } from '../../context.ts'
import type { DeskEvent } from '@deskbell/contract/events.ts'
import type { Bus } from '../../events/bus.ts'
import type { Dispatch } from '../../http/dispatch.ts'
import type { Called, Place, Product, Session, Subscribed } from '../../realtime/connection.ts'
import type { Hub, Peer } from '../../realtime/hub.ts'
import { findUpload } from '../files/files.ts'
import { findRoom, mayRead, type Room } from '../rooms/rooms.ts'
import { isSubscribed, routingFlags } from '../routing/routing.ts'
import { authenticate, findEnded, sessionEndsAt } from '../sessions/sessions.ts'
import { readSettings } from '../settings/settings.ts'
import { HIDDEN_AGENT } from '../timeline/timeline.ts'
import { mailByStaff } from '../transcripts/transcripts.ts'
import { findUserById } from '../users/users.ts'
import { findVisitor, notePresence } from '../visitors/visitors.ts'
import { DESK, DeskFeed } from './desk-feed.ts'
import { readActivity, readSignal, tellActivity, tellSignal } from './activity.ts'
import { Feed, type Owner } from './feed.ts'
import type { AskedTranscript, Reach } from './method.ts'
import { callMethod } from './methods.ts'
import { maySignInFrom, originSettings } from './origins.ts'
import { findPlace, findRoomOf, MINE } from './places.ts'
import { StaffPresence } from './staff-presence.ts'
import { StaffSockets } from './staff-sockets.ts'
import { VisitorSockets } from './visitor-sockets.ts'

export interface StreamsOptions {
  hub: Hub
  bus: Bus
  dispatch: Dispatch
}

export class Streams implements Product {
  readonly #context: Context
  readonly #options: StreamsOptions
  readonly #feed: Feed
  readonly #desk: DeskFeed
  readonly #endHearing: () => void
  readonly #visitors: VisitorSockets
  readonly #reach: Reach
  readonly #staff = new StaffSockets()
  readonly #presence: StaffPresence
  /** What follows from changed accounts, one after the other. */
  #work: Promise<void> = Promise.resolve()
  /** The sockets that write at this moment: they do not hear themselves. */
  readonly #writers = new Map<string, Peer>()

  constructor(context: Context, options: StreamsOptions) {
    const { read, log, clock, config } = context
    const { hub, bus, dispatch } = options
    this.#context = context
    this.#options = options
    this.#feed = new Feed({ read, hub, log, config, findOwners: (roomId) => this.#findOwners(roomId) })
    const onError = (error: unknown) => log.error({ err: error }, 'Widgets could not be told who is there.')
    this.#desk = new DeskFeed({ read, hub, onError })
    this.#presence = new StaffPresence(context)
    this.#endHearing = bus.subscribe((event) => {
      if (event.name === 'room.activity') tellActivity(hub, event.data, this.#writers.get(event.data.from))
      else if (event.name === 'room.signalled') tellSignal(hub, event.data, this.#writers.get(event.data.from))
      else this.#feed.hear(event)
      this.#desk.hear(event)
      this.#hearOfRights(event)
    })
    this.#visitors = new VisitorSockets((token) => void this.#noteGone(token))
    this.#reach = {
      dispatch,
      clock,
      write: (session, written, peer) => this.#write(session, written, peer),
      bindVisitor: (session, token) => {
        session.visitorToken = token
        this.#visitors.came(token)
      },
      signIn: (session, credentials, peer) => this.#signIn(session, credentials, peer),
      maySignIn: (session) => maySignInFrom(read, context.config, session.request),
      signOut: (session) => this.#signOut(session, { signedOut: true }),
      sayPresence: (session, status, peer) => this.#sayPresence(session, status, peer),
      mailTranscript: (session, asked) => this.#mailTranscript(session, asked),
      findUsername: async (userId) => (await findUserById(read, userId))?.username,
      tellRefused: ({ credentials }, refused) => {
        const at = new Date(clock()).toISOString()
        if (credentials !== undefined)
          bus.publish([{ name: 'message.refused', data: { userId: credentials.userId, ...refused, at } }])
      },
      findRoomId: async (session, id) => (await this.#findReadable(session, id))?.room.id,
      findFileMessage: async (fileId) => {
        const { visitorId, messageId } = (await findUpload(read, fileId)) ?? {}
        return visitorId === undefined ? undefined : messageId
      },
      showsConnecting: async () => routingFlags(await readSettings(read)).showConnecting,
    }
  }

  async subscribe(session: Session, name: string, params: readonly unknown[]): Promise<Subscribed> {
    const answer = await findPlace(this.#context.read, () => this.#findCaller(session), { name, params })
    if (answer !== 'nothing' && 'place' in answer && answer.place.visitorToken !== undefined)
      session.shownToken = answer.place.visitorToken
    return answer
  }

  joined(place: Place, peer: Peer): Promise<void> {
    return this.#feed.joined(place, peer)
  }

  rewatched(place: Place, peer: Peer): void {
    this.#feed.rewatched(place, peer)
  }

  welcome({ stream, key }: Place, peer: Peer): void {
    if (stream === DESK) this.#desk.welcome(key, peer)
  }

  call(session: Session, method: string, params: readonly unknown[], peer?: Peer): Promise<Called> {
    return callMethod(this.#reach, session, { method, params }, peer)
  }

  left(session: Session): void {
    const { visitorToken } = session
    this.#signOut(session)
    if (visitorToken !== undefined) this.#visitors.left(visitorToken)
  }

  /** Looks for what was not heard of; a timer calls it. */
  async sweep(): Promise<void> {
    await this.#endOver()
    await this.#presence.sweep()
    this.#desk.note()
    await this.#feed.sweep()
  }

  /** Answers once everything heard so far is told. */
  async settled(): Promise<void> {
    await this.#work
    await this.#presence.noted()
    await this.#feed.settled()
    await this.#desk.flush()
  }

  /** Notes at once that those have gone whose last socket has; a moment passes otherwise. */
  async gone(): Promise<void> {
    await this.#presence.settled()
    await this.settled()
  }

  /** Hears no more. */
  close(): void {
    this.#endHearing()
    this.#feed.close()
    this.#desk.close()
    this.#visitors.close()
    this.#presence.close()
  }

  async #signIn(
    session: Session,
    credentials: { userId: string; token: string },
    peer: Peer | undefined,
  ): Promise<string | undefined> {
    const before = session.credentials?.userId
    this.#signOut(session)
    session.credentials = credentials
    if (peer !== undefined) this.#staff.came(credentials.userId, session, peer)
    // Only now: who is signed out from here on is told.
    const endsAt = await sessionEndsAt(this.#context.read, credentials.token)
    if (endsAt === undefined) this.#signOut(session)
    else {
      session.signedInUntil = endsAt
      this.#sayPresence(session, 'online', peer)
    }
    // Libraries that reconnect subscribe before they sign in again.
    if (before !== credentials.userId) await peer?.recheckAll()
    return endsAt
  }

  #sayPresence(session: Session, status: 'online' | 'away', peer: Peer | undefined): void {
    const { credentials } = session
    if (credentials !== undefined && peer !== undefined) this.#presence.say(credentials.userId, session, status)
  }

  /** Nobody is signed in there any more: by signing out, or because the socket ended or is somebody else's. */
  #signOut(session: Session, { signedOut = false } = {}): void {
    this.#staff.left(session)
    if (session.credentials !== undefined) this.#presence.left(session.credentials.userId, session, { signedOut })
    delete session.credentials
    delete session.signedInUntil
  }

  /** Rights are looked up again when they may have changed (promises A30); a socket whose session has ended is let go. */
  #hearOfRights({ name, data }: DeskEvent): void {
    if (name === 'session.ended' || name === 'user.changed' || name === 'user.removed')
      this.#later(() => this.#recheckUser(data.userId))
    const isAboutOrigins = name === 'settings.changed' && data.ids.some((id) => originSettings.has(id))
    if (name === 'permissions.changed' || isAboutOrigins)
      this.#later(async () => {
        for (const userId of this.#staff.users()) await this.#recheckUser(userId)
      })
  }

  async #recheckUser(userId: string): Promise<void> {
    for (const [session, peer] of this.#staff.of(userId))
      if ((await this.#findCaller(session)) === undefined) this.#letGo(userId, session, peer)
      else await peer.recheckAll()
  }

  /** Sessions run out without an event, and that one was ended may not have been heard. */
  async #endOver(): Promise<void> {
    const now = new Date(this.#context.clock()).toISOString()
    const there = this.#staff
      .users()
      .flatMap((userId) => this.#staff.of(userId).map((each) => [userId, ...each] as const))
    const tokens = there.flatMap(([, { credentials }]) => credentials?.token ?? [])
    const ended = new Set(await findEnded(this.#context.read, [...new Set(tokens)]))
    for (const [userId, session, peer] of there) {
      const { signedInUntil, credentials } = session
      const hasRunOut = signedInUntil !== undefined && signedInUntil <= now
      if (hasRunOut || (credentials !== undefined && ended.has(credentials.token))) this.#letGo(userId, session, peer)
    }
  }

  #letGo(userId: string, session: Session, peer: Peer): void {
    this.#presence.left(userId, session, { signedOut: true })
    this.#options.hub.say('notify-user', `${userId}/force_logout`, { staff: [] }, { only: peer })
    peer.close(1002, 'Signed out')
  }

  #later(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#context.log.error({ err: error }, 'Rights could not be looked up again.')
    })
  }

  async #findCaller({ credentials, request }: Session): Promise<SignedIn | undefined> {
    const { read, clock, config } = this.#context
    if (credentials === undefined || !(await maySignInFrom(read, config, request))) return undefined
    return authenticate(read, credentials, new Date(clock()).toISOString())
  }

  async #findReadable(session: Session, roomId: string): Promise<{ user: SignedIn; room: Room } | undefined> {
    const { read } = this.#context
    const user = await this.#findCaller(session)
    const room = user && (await findRoom(read, roomId))
    return user !== undefined && room !== undefined && (await mayRead(read, user, room)) ? { user, room } : undefined
  }

  /** Bots hear what is said in the rooms that they may read at that moment (contract §C.14.1). */
  async #findOwners(roomId: string): Promise<Owner[]> {
    const owners: Owner[] = []
    for (const userId of this.#options.hub.keys(MINE))
      if (await this.#isReadableTo(userId, roomId))
        owners.push({ userId, isParticipant: await isSubscribed(this.#context.read, roomId, userId) })
    return owners
  }

  async #isReadableTo(userId: string, roomId: string): Promise<boolean> {
    for (const [session] of this.#staff.of(userId))
      if ((await this.#findReadable(session, roomId)) !== undefined) return true
    return false
  }

  /** Tells what somebody writes into a stream; a write that is refused is told to nobody (contract §C.14.1). */
  async #write(session: Session, { key, args }: { key: string; args: readonly unknown[] }, peer?: Peer): Promise<void> {
    const event = (await this.#activityBy(session, key, args)) ?? (await this.#signalBy(session, key, args))
    if (event === undefined) return
    if (peer !== undefined) this.#writers.set(session.id, peer)
    this.#options.bus.publish([event])
    this.#writers.delete(session.id)
  }

  async #activityBy(session: Session, key: string, args: readonly unknown[]): Promise<DeskEvent | undefined> {
    const written = readActivity(key, args)
    if (written === undefined || !(await this.#mayWrite(session, written))) return undefined
    const { roomId, name, activities, extras } = written
    const { Livechat_show_agent_info: showsAgents } = await readSettings(this.#context.read)
    const nameForVisitors = written.token === undefined && !showsAgents ? HIDDEN_AGENT : undefined
    return { name: 'room.activity', data: { roomId, name, nameForVisitors, activities, extras, from: session.id } }
  }

  /** Widgets that arrange a call give no token; they have shown it when they subscribed (clients.md §4.2). */
  async #signalBy(session: Session, key: string, args: readonly unknown[]): Promise<DeskEvent | undefined> {
    const written = readSignal(key, args)
    if (written === undefined) return undefined
    const { roomId, about, args: said, token = session.visitorToken ?? session.shownToken } = written
    const isVisitors = (await findRoomOf(this.#context.read, roomId, token)) !== undefined
    if (!isVisitors && (await this.#findReadable(session, roomId)) === undefined) return undefined
    return { name: 'room.signalled', data: { roomId, about, args: said, from: session.id } }
  }

  async #mailTranscript(session: Session, asked: AskedTranscript): Promise<void> {
    const user = await this.#findCaller(session)
    if (user === undefined) throw new ApiError('error-invalid-user')
    if (!user.can('send-omnichannel-chat-transcript')) throw new ApiError('error-not-allowed')
    await mailByStaff(this.#context, user, { ...asked, now: this.#context.clock() })
  }

  async #mayWrite(
    session: Session,
    { roomId, name, token }: { roomId: string; name: string; token?: unknown },
  ): Promise<boolean> {
    if (token !== undefined) return (await findRoomOf(this.#context.read, roomId, token)) !== undefined
    const { user } = (await this.#findReadable(session, roomId)) ?? {}
    const { UI_Use_Real_Name: showsNames } = await readSettings(this.#context.read)
    // Consoles write the name that they show.
    return (showsNames ? user?.name : user?.username) === name
  }

  async #noteGone(token: string): Promise<void> {
    const { read, transact, log } = this.#context
    try {
      if ((await findVisitor(read, token)) !== undefined) await transact((tx) => notePresence(tx, token, 'offline'))
    } catch (error) {
      log.error({ err: error }, 'A visitor’s leaving could not be noted.')
    }
  }
}
