import type { Message } from '../answers.ts'
import { platformClock, type Clock } from '../clock.ts'
import { agentAuthor, Desk, visitorAuthor, type DeskAgent, type DeskRoom, type NewAgent } from './desk.ts'
import { messageDocument } from './documents.ts'
import { makeDirection, makeRequests, type EndFault, type FrameFaults, type RequestFaults } from './faults.ts'
import { makeFetch, type FakeCall } from './http.ts'
import { makePeers, type Peers } from './peers.ts'
import { makeSockets, type Sockets } from './sockets.ts'

export interface FakeServerOptions {
  /** The platform's unless given; give a session the same one. */
  clock?: Clock
  /** Who serves: Anna unless given: `{ username: 'anna', name: 'Anna', password: 'secret', isManager: true }`. */
  agents?: readonly NewAgent[]
  /** `auto`: rooms go to whoever is there and has the fewest. `manual`: they wait until somebody takes them. */
  routing?: 'auto' | 'manual'
  departments?: readonly { _id: string; name: string }[]
}

/** Which room is meant: the latest that is open, unless given. */
type InRoom = string | undefined

/** A member of the staff whom a test moves. */
export interface FakeAgent {
  readonly id: string
  readonly username: string
  readonly name: string
  readonly password: string
  /** Takes a room that waits. */
  take(rid?: InRoom): void
  /** Says something; answers the message. */
  reply(text: string, rid?: InRoom): Message
  /** Begins to type, or stops. */
  typing(isTyping?: boolean, rid?: InRoom): void
  /** Replaces the text of a message. */
  edit(id: string, text: string): void
  /** Takes a message back. */
  remove(id: string): void
  closeRoom(comment?: string, rid?: InRoom): void
  /** Hands a room to another agent. */
  transferTo(agent: FakeAgent, rid?: InRoom): void
  /** Puts a room back into the queue. */
  giveBack(rid?: InRoom): void
  /** Comes or goes. With the last one who is there the desk goes offline. */
  setOnline(isOnline: boolean): void
  /** Ends every session of this account. */
  signOut(): void
}

/** A visitor whom a test of an agent's side moves. */
export interface FakeVisitor {
  readonly token: string
  readonly rid: string
  /** Says something; answers the message. */
  say(text: string): Message
  typing(isTyping?: boolean): void
  edit(id: string, text: string): void
  remove(id: string): void
  closeRoom(): void
}

/** What goes wrong. Faults last until they are ended, have struck as often as told, or `heal` is called. */
export interface Faults {
  /** Frames from the server. */
  readonly toClient: FrameFaults
  /** Frames from clients. */
  readonly toServer: FrameFaults
  /** Requests. */
  readonly http: RequestFaults
  /** Every open socket breaks: without a word (1006), or closed by the server with this code. */
  cut(code?: number, reason?: string): void
  /** Every open socket carries nothing more in either direction, and nobody is told. New ones work. */
  halfOpen(): void
  /** New sockets fail. */
  refuseSockets(): EndFault
  /** The server is away: open sockets break, new ones fail, requests are lost. */
  unreachable(): EndFault
  /** Ends all of them. Sockets that are half-open stay so: nothing heals those. */
  heal(): void
}

/** A livechat server in memory, reached through its own `fetch` and `WebSocket`: no network, no waiting. */
export interface FakeServer {
  readonly serverURL: string
  readonly fetch: typeof fetch
  readonly WebSocket: typeof WebSocket
  readonly clock: Clock
  /** The four above, to spread into the options of a session. */
  readonly connection: Pick<FakeServer, 'serverURL' | 'fetch' | 'WebSocket' | 'clock'>
  /** The first agent. */
  readonly agent: FakeAgent
  readonly agents: readonly FakeAgent[]
  /** A visitor who registers and opens a room. */
  visitor(name?: string): FakeVisitor
  /** Tells a waiting visitor the place in the queue; 1 is the next. */
  queue(spot: number, rid?: InRoom): void
  /** What is true: everything said in a room that was not taken back, oldest first. */
  messages(rid?: InRoom): Message[]
  /** The ids of all rooms, oldest first. */
  readonly rooms: readonly string[]
  /** Every request that arrived. */
  readonly calls: readonly FakeCall[]
  /** How many sockets are open. */
  readonly openSockets: number
  readonly faults: Faults
}

const anna: NewAgent = { username: 'anna', name: 'Anna', password: 'secret', isManager: true }

/** Starts a fake server. There is nothing to stop: it goes with its last reference. */
export function fakeServer(options: FakeServerOptions = {}): FakeServer {
  const { clock = platformClock, agents = [anna], routing = 'auto', departments = [] } = options
  const toClient = makeDirection(clock)
  const toServer = makeDirection(clock)
  const requests = makeRequests()
  const calls: FakeCall[] = []
  const refusals = new Set<object>()

  const desk: Desk = new Desk({ clock, routing, departments, onNotice: (notice) => peers.hear(notice) })
  const peers: Peers = makePeers(desk, clock)
  const sockets = makeSockets({ clock, toClient, toServer, accept: peers.accept, isRefusing: () => refusals.size > 0 })
  const fetch = makeFetch({ desk, clock, requests, onCall: (call) => void calls.push(call) })
  const fakeAgents = agents.map((each) => agentOf(desk, peers, desk.addAgent(each)))
  const [agent] = fakeAgents
  if (agent === undefined) throw new Error('A desk needs an agent; send it home with setOnline(false).')
  const refuseSockets = () => {
    const refusal = {}
    refusals.add(refusal)
    return () => void refusals.delete(refusal)
  }
  const connection = { serverURL: 'https://fake.desk', fetch, WebSocket: sockets.WebSocket, clock }

  return {
    ...connection,
    connection,
    agent,
    agents: fakeAgents,
    visitor: (name) => visitorOf(desk, peers, name),
    queue: (spot, rid) => desk.setPlace(roomMeant(desk, rid), spot),
    messages: (rid) => messagesOf(roomMeant(desk, rid)),
    get rooms() {
      return [...desk.rooms.keys()]
    },
    calls,
    get openSockets() {
      return sockets.wires.size
    },
    faults: {
      toClient: toClient.faults,
      toServer: toServer.faults,
      http: requests.faults,
      ...socketFaults(sockets),
      refuseSockets,
      unreachable() {
        const ends = [refuseSockets(), requests.faults.lose()]
        for (const wire of [...sockets.wires]) wire.cut(1006, '')
        return () => ends.forEach((end) => end())
      },
      heal() {
        for (const each of [toClient, toServer, requests]) each.heal()
        refusals.clear()
      },
    },
  }
}

function socketFaults({ wires }: Sockets): Pick<Faults, 'cut' | 'halfOpen'> {
  return {
    cut(code = 1006, reason = '') {
      for (const wire of [...wires]) wire.cut(code, reason)
    },
    halfOpen() {
      for (const wire of wires) wire.halfOpen()
    },
  }
}

function agentOf(desk: Desk, peers: Peers, agent: DeskAgent): FakeAgent {
  const author = agentAuthor(agent)
  return {
    id: agent.id,
    username: agent.username,
    name: agent.name,
    password: agent.password,
    take: (rid) => desk.take(roomMeant(desk, rid), agent),
    reply(text, rid) {
      const room = roomMeant(desk, rid)
      return messageDocument(desk.say(room, { text, author }), room, 'staff')
    },
    typing: (isTyping = true, rid) =>
      peers.tellTyping(roomMeant(desk, rid).id, {
        name: agent.username,
        activities: isTyping ? ['user-typing'] : [],
        extras: {},
      }),
    edit(id, text) {
      const { room, message } = requireMessage(desk, id)
      desk.edit(room, message, text, author)
    },
    remove(id) {
      const { room, message } = requireMessage(desk, id)
      desk.remove(room, message)
    },
    closeRoom: (comment = '', rid) => desk.close(roomMeant(desk, rid), author, comment),
    transferTo: ({ id }, rid) =>
      desk.transfer(roomMeant(desk, rid), desk.agents.find((each) => each.id === id) as DeskAgent, { by: agent }),
    giveBack: (rid) => desk.giveBack(roomMeant(desk, rid), agent),
    setOnline: (isOnline) => desk.setPresence(agent, { status: isOnline ? 'online' : 'offline' }),
    signOut: () => [...agent.tokens].forEach((token) => desk.signOut(agent, token)),
  }
}

function visitorOf(desk: Desk, peers: Peers, name = 'Vera'): FakeVisitor {
  const visitor = desk.register(`fake-visitor-${desk.visitors.size + 1}`, { name })
  const room = desk.openRoom(visitor)
  const author = visitorAuthor(visitor)
  return {
    token: visitor.token,
    rid: room.id,
    say: (text) => messageDocument(desk.say(room, { text, author }), room, 'staff'),
    typing: (isTyping = true) =>
      peers.tellTyping(room.id, { name, activities: isTyping ? ['user-typing'] : [], extras: {} }),
    edit: (id, text) => desk.edit(room, requireMessage(desk, id).message, text, author),
    remove: (id) => desk.remove(room, requireMessage(desk, id).message),
    closeRoom: () => desk.close(room, author, 'Closed by visitor'),
  }
}

function roomMeant(desk: Desk, rid: InRoom): DeskRoom {
  const rooms = [...desk.rooms.values()]
  const room =
    rid === undefined ? (rooms.findLast(({ closed }) => closed === undefined) ?? rooms.at(-1)) : desk.rooms.get(rid)
  if (room === undefined) throw new Error(rid === undefined ? 'No room was opened yet.' : `There is no room '${rid}'.`)
  return room
}

function requireMessage(desk: Desk, id: string) {
  const found = desk.findMessage(id)
  if (found === undefined) throw new Error(`There is no message '${id}'.`)
  return found
}

function messagesOf(room: DeskRoom): Message[] {
  return room.messages
    .filter(({ deletedMs }) => deletedMs === undefined)
    .map((message) => messageDocument(message, room, 'staff'))
}
