// The SDK's agent session against this server: with a visitor's session, over sockets that break, through a restart.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AgentSession, AgentSessionEvent, AgentSessionOptions } from '../../sdk/src/agent.ts'
import type { Session } from '../../sdk/src/events.ts'
import { openAgentSession } from '../../sdk/src/open-agent-session.ts'
import { openVisitorSession } from '../../sdk/src/open-visitor-session.ts'
import type { SocketConstructor } from '../../sdk/src/socket.ts'
import { memoryStorage } from '../../sdk/src/storage.ts'
import type { VisitorSession } from '../../sdk/src/visitor.ts'
import { configure, newToken, openChat, say } from '../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let admin: StaffMember
const open: { end(): void }[] = []

beforeAll(async () => {
  desk = await startTestServer()
  // Managers may hand chats over.
  const roles = ['user', 'livechat-agent', 'livechat-manager']
  anna = await desk.agent({ username: 'anna', name: 'Anna', roles })
  bob = await desk.agent({ username: 'bob', name: 'Bob', roles })
  admin = await desk.administrator()
  await desk.listen()
})
beforeEach(() => configure(desk, { Livechat_Routing_Method: 'Manual_Selection' }))
afterEach(() => {
  for (const session of open.splice(0)) session.end()
})
afterAll(() => desk.stop())

/** The way to the server, which can be cut, and leads to wherever the server is. */
function makeLine() {
  const sockets = new Set<WebSocket>()
  let isCut = false
  let opened = 0
  /** Subscriptions that the server has answered on the latest socket. */
  let answered = 0
  const here = async (url: string) => url.replace(/^(http|ws):\/\/desk/, (await desk.listen()).replace('http', '$1'))
  const line = {
    get opened() {
      return opened
    },
    get answered() {
      return answered
    },
    cut() {
      isCut = true
      for (const socket of sockets) socket.close()
    },
    heal() {
      isCut = false
    },
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      if (isCut) throw new TypeError('The line is cut.')
      return fetch(await here(input as string), init)
    },
    WebSocket: makeSocket as never as SocketConstructor,
  }
  function makeSocket(url: string): WebSocket {
    opened++
    answered = 0
    const address = desk.server.http.server.address() as { port: number } | null
    const reached = address === null ? '127.0.0.1:9' : `127.0.0.1:${String(address.port)}`
    const socket = new WebSocket(isCut ? 'ws://127.0.0.1:9' : url.replace('desk', reached))
    sockets.add(socket)
    socket.addEventListener('message', ({ data }) => {
      if (/^\{"msg":"(ready|nosub)"/.test(String(data))) answered++
    })
    return socket
  }
  return line
}

const solved = { comment: 'Solved' }
const serverURL = 'http://desk'
const quick = { firstMs: 20, mostMs: 50 }
/** Those that concern no room. */
const SUBSCRIPTIONS = 6

async function openAgent(
  staff: StaffMember,
  more: Partial<AgentSessionOptions> & { line?: ReturnType<typeof makeLine> } = {},
) {
  const { line = makeLine(), ...options } = more
  const credentials = { token: staff.headers['x-auth-token'] ?? '', userId: staff.id }
  const { fetch, WebSocket } = line
  const session = await openAgentSession({
    serverURL,
    reconnect: quick,
    fetch,
    WebSocket,
    ...credentials,
    ...options,
  })
  open.push(session)
  await until(session, ({ isLoaded, connection }) => isLoaded && connection.status === 'online')
  // What happens before the server listens for it is told to nobody.
  await vi.waitFor(() => expect(line.answered).toBeGreaterThanOrEqual(SUBSCRIPTIONS), { timeout: 10_000 })
  return session
}

async function openVisitor(line = makeLine()): Promise<VisitorSession> {
  const { fetch, WebSocket } = line
  const options = { serverURL, token: newToken(), storage: memoryStorage(), reconnect: quick, name: 'Vera' }
  const session = await openVisitorSession({ ...options, fetch, WebSocket })
  open.push(session)
  return session
}

/** Answers once the state is so. */
function until<State>(
  session: Pick<Session<State, never>, 'state' | 'subscribe'>,
  isSo: (state: State) => boolean,
): Promise<State> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(session.state)) return
      end()
      resolve(session.state)
    }
    const end = session.subscribe(look)
    look()
  })
}

/** The next event of a type. */
function next<Type extends AgentSessionEvent['type']>(
  session: AgentSession,
  type: Type,
): Promise<Extract<AgentSessionEvent, { type: Type }>> {
  return new Promise((resolve) => {
    const end = session.on(type, (event) => {
      end()
      resolve(event)
    })
  })
}

const said = ({ messages }: { messages: readonly { t?: string; msg: string }[] }) =>
  messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)

/** A visitor who waits, and an agent who has taken the chat. */
async function converse(session: AgentSession, visitor: VisitorSession) {
  const { inquiryId } = await waitingFor(session, visitor)
  const room = await session.take(inquiryId)
  await until(visitor, ({ agent }) => agent !== undefined)
  return room.rid
}

/** The chat of a visitor who says something and waits. */
async function waitingFor(session: AgentSession, visitor: VisitorSession) {
  visitor.send('Hello')
  await until(visitor, (state) => said(state).length === 1)
  const find = () => session.queue.find(({ rid }) => rid === visitor.state.room?.rid)
  await until(session, () => find()?.lastMessage?.msg === 'Hello')
  return find()!
}

/** Types until somebody has heard it: whoever does not listen yet misses that somebody began. */
async function typeUntil(type: (isTyping: boolean) => void, heard: Promise<unknown>): Promise<void> {
  const typing = setInterval(() => {
    for (const isTyping of [false, true]) type(isTyping)
  }, 300)
  type(true)
  await heard.finally(() => clearInterval(typing))
}

/** Answers once the agent is not in the room any more. */
async function isGone(session: AgentSession, rid: string): Promise<void> {
  await until(session, ({ rooms }) => rooms.every((room) => room.rid !== rid))
}

/** What people said in a room, as the agent's session shows it. */
const saidIn = (session: AgentSession, rid: string) => said(roomOf(session, rid) ?? { messages: [] })

const roomOf = (session: AgentSession, rid: string) => session.rooms.find((room) => room.rid === rid)

describe('an agent session', () => {
  test('sees a chat wait, takes it, talks and ends it', async () => {
    const session = await openAgent(anna)
    expect(session.state.account).toMatchObject({ username: 'anna', name: 'Anna', isAvailable: true })
    const visitor = await openVisitor()
    const heard: string[] = []
    session.on('queue', ({ change, isEarlier }) => heard.push(`queue ${change} ${isEarlier ? 'earlier' : ''}`.trim()))
    session.on('room', ({ change, isEarlier }) => heard.push(`room ${change} ${isEarlier ? 'earlier' : ''}`.trim()))
    session.on('message', ({ message, isEarlier }) => {
      if (message.t === undefined) heard.push(`${message.msg}${isEarlier ? ' (earlier)' : ''}`)
    })
    const rid = await converse(session, visitor)
    await until(session, () => saidIn(session, rid).length === 1)
    const item = session.send(rid, 'How can I help?')
    expect(item).toMatchObject({ rid, msg: 'How can I help?', state: 'pending' })
    await until(visitor, (state) => said(state).length === 2)
    visitor.send('My invoice is wrong')
    await until(session, () => saidIn(session, rid).length === 3)
    expect(session.state.outbox).toEqual([])
    expect(roomOf(session, rid)).toMatchObject({ name: 'Vera', servedBy: { username: 'anna' } })
    expect(roomOf(session, rid)?.messages.find(({ msg }) => msg === 'How can I help?')?._id).toBe(item._id)

    const gone = next(session, 'room')
    await session.close(rid, solved)
    await isGone(session, rid)
    expect((await gone).room.rid).toBe(rid)
    await until(visitor, ({ room }) => room?.isOpen === false)
    const isOfQueue = (each: string) => each.startsWith('queue')
    const inOrder = heard.filter((each) => !each.endsWith('changed'))
    expect(inOrder.filter(isOfQueue)).toEqual(['queue added', 'queue removed'])
    expect(inOrder.filter((each) => !isOfQueue(each))).toEqual([
      'room added',
      'Hello (earlier)',
      'How can I help?',
      'My invoice is wrong',
      'room removed',
    ])
  })

  test('edits, takes back, sends files, and pages through what was said', async () => {
    const [session, visitor] = [await openAgent(anna), await openVisitor()]
    const rid = await converse(session, visitor)
    session.send(rid, 'Helo')
    const state = await until(visitor, (now) => said(now).includes('Helo'))
    const { _id } = state.messages.find(({ msg }) => msg === 'Helo') as { _id: string }
    await session.edit(rid, _id, 'Hello')
    await until(visitor, (now) => said(now).join() === 'Hello,Hello')
    await session.delete(rid, _id)
    await until(visitor, (now) => said(now).join() === 'Hello')
    const file = await session.upload(rid, new File(['a note'], 'note.txt', { type: 'text/plain' }))
    expect(file).toMatchObject({ rid, file: { name: 'note.txt' } })
    await until(visitor, ({ messages }) => messages.some((message) => message._id === file._id))
    await until(session, () => roomOf(session, rid)?.messages.some((message) => message._id === file._id) === true)

    const pages = []
    for await (const page of session.history(rid, { pageSize: 2 })) pages.push(page.map(({ t, msg }) => t ?? msg))
    expect(pages.toReversed().flat()).toEqual(['livechat-started', 'Hello', 'command', 'uj', ''])
    await session.close(rid, solved)
  })

  test('knows who types and what is unread', async () => {
    const [session, visitor] = [await openAgent(anna), await openVisitor()]
    const rid = await converse(session, visitor)
    await typeUntil(
      (isTyping) => session.typing(rid, isTyping),
      until(visitor, ({ typing }) => typing.length > 0),
    )
    expect(visitor.state.typing).toEqual(['anna'])
    await typeUntil(
      (isTyping) => visitor.typing(isTyping),
      until(session, () => roomOf(session, rid)?.typing.length === 1),
    )
    visitor.send('Is anybody there?')
    await until(session, () => saidIn(session, rid).includes('Is anybody there?'))
    await until(session, () => roomOf(session, rid)!.typing.length === 0 && roomOf(session, rid)!.unread > 1)
    await session.markRead(rid)
    await until(session, () => roomOf(session, rid)?.unread === 0)
    await session.close(rid, solved)
  })

  test('hands a chat to another agent, who puts it back', async () => {
    const [annas, bobs, visitor] = [await openAgent(anna), await openAgent(bob), await openVisitor()]
    const rid = await converse(annas, visitor)
    await annas.transfer(rid, { userId: bob.id, comment: 'Yours' })
    await isGone(annas, rid)
    await until(bobs, ({ rooms }) => rooms.some((room) => room.rid === rid))
    await until(visitor, ({ agent }) => agent?.username === 'bob')
    bobs.send(rid, 'I am Bob')
    await until(visitor, (state) => said(state).includes('I am Bob'))

    await bobs.return(rid)
    await isGone(bobs, rid)
    await until(annas, ({ queue }) => queue.some((entry) => entry.rid === rid))
    await until(visitor, ({ agent }) => agent === undefined)
    const again = await annas.take(annas.queue.find((entry) => entry.rid === rid)!.inquiryId)
    expect(again.rid).toBe(rid)
    await until(annas, () => saidIn(annas, rid).includes('I am Bob'))
    await annas.close(rid, solved)
    await until(visitor, ({ room }) => room?.isOpen === false)
  })

  test('of several who take a chat at once exactly one gets it', async () => {
    const [annas, bobs, visitor] = [await openAgent(anna), await openAgent(bob), await openVisitor()]
    const { inquiryId } = await waitingFor(annas, visitor)
    await until(bobs, ({ queue }) => queue.some((entry) => entry.inquiryId === inquiryId))
    const taken = await Promise.allSettled([annas.take(inquiryId), bobs.take(inquiryId)])
    const refused = taken.filter(({ status }) => status === 'rejected')
    expect(refused).toMatchObject([
      { reason: { name: 'LivechatError', code: 'error-inquiry-taken', retryable: false } },
    ])
    for (const session of [annas, bobs])
      await until(session, ({ queue }) => queue.every((entry) => entry.inquiryId !== inquiryId))
    const winner = taken[0].status === 'fulfilled' ? annas : bobs
    await winner.close(visitor.state.room?.rid ?? '', solved)
  })

  test('says whether one is there, and hears it of others', async () => {
    const [annas, bobs] = [await openAgent(anna), await openAgent(bob)]
    await until(annas, ({ account }) => account?.presence === 'online')
    const presence = next(bobs, 'presence')
    await annas.status({ presence: 'busy', text: 'In a meeting', isAvailable: false })
    expect(await presence).toMatchObject({ userId: anna.id, presence: 'busy' })
    await until(annas, ({ account }) => account?.presence === 'busy' && account.isAvailable === false)
    await annas.status({ presence: 'online', text: '', isAvailable: true })
    await until(annas, ({ account }) => account?.presence === 'online' && account.isAvailable === true)
  })
})

describe('over a bad network', () => {
  test('nothing is lost, doubled or out of order, and rooms that came meanwhile are found', async () => {
    const line = makeLine()
    const [session, visitor] = [await openAgent(anna, { line }), await openVisitor()]
    const rid = await converse(session, visitor)
    await until(session, () => saidIn(session, rid).length === 1)
    const heard: string[] = []
    session.on('message', ({ message, isEarlier }) => {
      if (message.rid === rid && message.t === undefined && !isEarlier) heard.push(message.msg)
    })
    line.cut()
    await until(session, ({ connection }) => connection.status === 'server-unreachable')
    const item = session.send(rid, 'while away')
    visitor.send('Are you there?')
    await until(visitor, (state) => said(state).length === 2)
    await configure(desk, { Livechat_Routing_Method: 'Auto_Selection' })
    await bob.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await anna.call('POST /users.setStatus', { body: { status: 'online' } })
    await anna.call('POST /livechat/agent.status', { body: { status: 'available' } })
    const other = await openChat(desk, { name: 'Victor' })
    await say(desk, other, 'Me too')
    expect(session.state.outbox).toEqual([item])

    line.heal()
    await until(session, ({ rooms, outbox }) => rooms.some((room) => room.rid === other.rid) && outbox.length === 0)
    await until(session, () => saidIn(session, other.rid).length === 1)
    await until(visitor, (state) => said(state).includes('while away'))
    await until(session, () => saidIn(session, rid).length === 3)
    expect(saidIn(session, rid)).toEqual(said(visitor.state))
    expect(heard.toSorted()).toEqual(['Are you there?', 'while away'])
    expect(roomOf(session, other.rid)).toMatchObject({ name: 'Victor' })
    await session.close(rid, solved)
    await session.close(other.rid, solved)
    await bob.call('POST /livechat/agent.status', { body: { status: 'available' } })
  })

  test('a room that was closed meanwhile goes with its last line', async () => {
    const line = makeLine()
    const [session, visitor] = [await openAgent(anna, { line }), await openVisitor()]
    const rid = await converse(session, visitor)
    await until(session, () => saidIn(session, rid).length === 1)
    line.cut()
    await until(session, ({ connection }) => connection.status === 'server-unreachable')
    await visitor.close()
    const types: (string | undefined)[] = []
    session.on('message', ({ message }) => types.push(message.t))
    const gone = next(session, 'room')
    line.heal()
    expect(await gone).toMatchObject({ change: 'removed', room: { rid } })
    expect(types).toContain('livechat-close')
    expect(roomOf(session, rid)).toBeUndefined()
  })

  test('a restart of the server in the middle costs nothing', async () => {
    const [session, visitor] = [await openAgent(anna), await openVisitor()]
    const rid = await converse(session, visitor)
    session.send(rid, 'before')
    await until(visitor, (state) => said(state).length === 2)
    const restarting = desk.restart()
    session.send(rid, 'during')
    visitor.send('during too')
    await restarting
    await desk.listen()
    await until(visitor, (state) => said(state).length === 4 && state.outbox.length === 0)
    await until(session, (state) => state.outbox.length === 0)
    await until(session, () => saidIn(session, rid).length === 4)
    expect(saidIn(session, rid)).toEqual(said(visitor.state))
    expect(said(visitor.state).toSorted()).toEqual(['Hello', 'before', 'during', 'during too'])
    await until(session, ({ connection }) => connection.status === 'online')
    await session.close(rid, solved)
  })
})

describe('a session that the server ends', () => {
  /** A clock that knows how many timers run. */
  function countedClock() {
    const timers = new Set<unknown>()
    return {
      timers,
      clock: {
        now: () => Date.now(),
        random: () => Math.random(),
        setTimeout(callback: () => void, ms: number) {
          const timer = setTimeout(() => {
            timers.delete(timer)
            callback()
          }, ms)
          timers.add(timer)
          return timer
        },
        clearTimeout(timer: unknown) {
          timers.delete(timer)
          clearTimeout(timer as number)
        },
      },
    }
  }

  test.each([
    ['signed out elsewhere', (staff: StaffMember) => staff.call('POST /logout')],
    [
      'deactivated',
      (staff: StaffMember) =>
        admin.call('POST /users.setActiveStatus', { body: { userId: staff.id, activeStatus: false } }),
    ],
  ])('%s: says so once, fails what is on its way, and tries nothing more', async (_title, endIt) => {
    const staff = await desk.agent()
    const [{ clock, timers }, line] = [countedClock(), makeLine()]
    const session = await openAgent(staff, { clock, line })
    const told: string[] = []
    session.on('signed-out', ({ code }) => told.push(code))
    await endIt(staff)
    await until(session, ({ connection }) => connection.status === 'signed-out')
    expect(told).toEqual(['signed-out'])
    expect(session.send('any', 'too late')).toMatchObject({ msg: 'too late' })
    expect(session.state.outbox).toMatchObject([{ state: 'failed', error: { code: 'signed-out' } }])
    await expect(session.take('any')).rejects.toMatchObject({ code: 'signed-out', status: 401 })
    // What was asked for at that moment is answered yet.
    await vi.waitFor(() => expect(timers.size).toBe(0))
    expect(line.opened).toBe(1)
  })

  test('while it was away: learns it when it comes back', async () => {
    const staff = await desk.agent()
    const line = makeLine()
    const session = await openAgent(staff, { line })
    line.cut()
    await until(session, ({ connection }) => connection.status === 'server-unreachable')
    await staff.call('POST /logout')
    const told = next(session, 'signed-out')
    line.heal()
    expect((await told).code).toBe('signed-out')
    expect(session.state.connection).toMatchObject({ status: 'signed-out' })
  })

  test('signs itself out', async () => {
    const staff = await desk.agent()
    const session = await openAgent(staff)
    await session.signOut()
    expect(session.state.connection.status).toBe('signed-out')
    expect((await staff.raw('GET /me')).status).toBe(401)
  })
})

describe('signing in', () => {
  const { fetch: reach, WebSocket } = makeLine()

  test('with a password keeps the token for the next time, and forgets one that is worth nothing', async () => {
    const staff = await desk.agent({ password: 'correct horse' })
    const storage = memoryStorage()
    const asked: string[] = []
    const fetch = ((input: string, init: RequestInit) => {
      if (input.endsWith('/login')) asked.push(Object.keys(JSON.parse(init.body as string) as object).join())
      return reach(input, init)
    }) as typeof globalThis.fetch
    const { username, password } = staff
    const sign = async () => {
      const session = await openAgentSession({ serverURL, username, password, storage, fetch, WebSocket })
      open.push(session)
      return session
    }
    const first = await sign()
    expect(first.userId).toBe(staff.id)
    const second = await sign()
    expect(second.token).toBe(first.token)
    await first.signOut()
    const third = await sign()
    expect(third.token).not.toBe(first.token)
    expect(asked).toEqual(['user,password', 'resume', 'user,password'])
  })

  test('with a token alone learns whose it is', async () => {
    const token = anna.headers['x-auth-token'] ?? ''
    const session = await openAgentSession({ serverURL, token, fetch: reach, WebSocket })
    open.push(session)
    expect(session.userId).toBe(anna.id)
  })

  test('with what is wrong is refused', async () => {
    const wrong = openAgentSession({ serverURL, username: 'anna', password: 'wrong', fetch: reach, WebSocket })
    await expect(wrong).rejects.toMatchObject({ name: 'LivechatError', code: 'signed-out', retryable: false })
    const line = makeLine()
    line.cut()
    const away = openAgentSession({ serverURL, username: 'anna', password: 'x', fetch: line.fetch, WebSocket })
    await expect(away).rejects.toMatchObject({ code: 'no-answer', retryable: true })
  })
})
