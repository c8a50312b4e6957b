import type { Message } from '../answers.ts'
import { platformClock } from '../clock.ts'
import type {
  FakeAgent,
  FakeCall,
  FakeServer,
  FakeServerOptions,
  FakeVisitor,
  Faults,
  InRoom,
  NewAgent,
} from './controls.ts'
import { Desk } from './desk.ts'
import { agentAuthor, visitorAuthor, type DeskAgent, type DeskRoom } from './desk-model.ts'
import { messageDocument } from './documents.ts'
import { makeDirection, makeRequests } from './faults.ts'
import { makeFetch } from './http.ts'
import { makePeers, type Peers } from './peers.ts'
import { makeSockets, type Sockets } from './sockets.ts'

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
