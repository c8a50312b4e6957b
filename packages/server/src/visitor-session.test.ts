// The SDK's visitor session against this server: over real sockets, with a network that fails and a server that restarts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openVisitorSession } from '../../sdk/src/open-visitor-session.ts'
import { memoryStorage } from '../../sdk/src/storage.ts'
import type { VisitorEvent, VisitorState } from '../../sdk/src/events.ts'
import type { VisitorSession, VisitorSessionOptions } from '../../sdk/src/visitor.ts'
import { answer, closeBy, historyOf, newToken } from '../testing/conversation.ts'
import { signIn } from '../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../testing/testing.ts'

let desk: TestServer
let agent: StaffMember
let url: string
const sessions: VisitorSession[] = []

beforeAll(async () => {
  desk = await startTestServer()
  agent = await desk.agent()
  url = await desk.listen()
})
afterEach(() => {
  for (const session of sessions.splice(0)) session.end()
})
afterAll(() => desk.stop())

async function open(options: Partial<VisitorSessionOptions> = {}): Promise<VisitorSession> {
  const session = await openVisitorSession({
    serverURL: url,
    token: newToken(),
    storage: memoryStorage(),
    reconnect: { firstMs: 20, mostMs: 50 },
    ...options,
  })
  sessions.push(session)
  return session
}

/** Answers once the state is so. */
function until(session: VisitorSession, isSo: (state: VisitorState) => boolean): Promise<VisitorState> {
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

const said = ({ messages }: VisitorState) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)

/** A session with an open room. */
async function talk(options: Partial<VisitorSessionOptions> = {}): Promise<{ session: VisitorSession; rid: string }> {
  const session = await open(options)
  session.send('Hello')
  const { room } = await until(session, (state) => said(state).length === 1 && state.agent !== undefined)
  return { session, rid: room!.rid }
}

/** What the session tells of these types, from now on. */
function listen(session: VisitorSession, ...types: VisitorEvent['type'][]): VisitorEvent[] {
  const events: VisitorEvent[] = []
  for (const type of types) session.on(type, (event) => events.push(event))
  return events
}

/** The server stops, as for an update; something happens while it is away, and it comes back at the same address. */
async function restart(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  await desk.restart()
  await meanwhile()
  await desk.listen(Number(new URL(url).port))
}

describe('a visitor session', () => {
  test('opens a room with the first send, and hears the answer', async () => {
    const session = await open({ name: 'Vera' })
    await until(session, ({ isLoaded, connection }) => isLoaded && connection.status === 'online')
    expect(session.state).toMatchObject({ room: undefined, isDeskOnline: true })

    const item = session.send('Hello')
    expect(item).toMatchObject({ msg: 'Hello', state: 'pending' })
    const { room } = await until(session, (state) => said(state).length === 1 && state.agent !== undefined)
    await answer(agent, room!.rid, 'How can I help?')
    const state = await until(session, (now) => said(now).length === 2)
    expect(said(state)).toEqual(['Hello', 'How can I help?'])
    expect(state.messages.find(({ msg }) => msg === 'Hello')?._id).toBe(item._id)
    expect(state).toMatchObject({ outbox: [], room: { isOpen: true }, agent: { username: agent.username } })
  })

  test('finds its open room again', async () => {
    const { session, rid } = await talk()
    const { token } = session
    session.end()
    const again = await open({ token })
    const state = await until(again, (now) => said(now).length === 1)
    expect(state.room).toMatchObject({ rid, isOpen: true })
  })

  test('catches up after the server has restarted: messages, an edit, a deletion, its own sends', async () => {
    const { session, rid } = await talk()
    const edited = await answer(agent, rid, 'Frist')
    const deleted = await answer(agent, rid, 'Wrong room')
    await until(session, (state) => said(state).length === 3)
    const events = listen(session, 'message', 'message-changed', 'message-deleted')
    const lost = until(session, ({ connection }) => connection.status !== 'online')
    await restart(async () => {
      await lost
      session.send('Still there?')
      await agent.call('POST /chat.update', { body: { roomId: rid, msgId: edited._id, text: 'First' } })
      await agent.call('POST /chat.delete', { body: { roomId: rid, msgId: deleted._id } })
      await answer(agent, rid, 'Third')
    })
    const state = await until(session, (now) => said(now).length === 4 && now.outbox.length === 0)
    expect(said(state)).toEqual(['Hello', 'First', 'Third', 'Still there?'])
    const texts = events.map((event) => (event.type === 'message' ? event.message.msg : event.type))
    expect(texts.toSorted()).toEqual(['Still there?', 'Third', 'message-changed', 'message-deleted'])
    const history = await historyOf(desk, { token: session.token, id: '', rid, room: {} as never })
    expect(history.filter(({ msg }) => msg === 'Still there?')).toHaveLength(1)
  })

  test('learns that the room was closed while it was away', async () => {
    const { session, rid } = await talk()
    const events = listen(session, 'room-closed')
    const lost = until(session, ({ connection }) => connection.status !== 'online')
    await restart(async () => {
      await lost
      await answer(agent, rid, 'Goodbye')
      await closeBy(agent, rid)
    })
    const state = await until(session, ({ room }) => room?.isOpen === false)
    expect(said(state)).toEqual(['Hello', 'Goodbye'])
    expect(events).toEqual([{ type: 'room-closed', rid }])
  })

  test('hears live that a message is edited, deleted, and that the room is closed', async () => {
    const { session, rid } = await talk()
    const message = await answer(agent, rid, 'Frist')
    await until(session, (state) => said(state).length === 2)
    await agent.call('POST /chat.update', { body: { roomId: rid, msgId: message._id, text: 'First' } })
    await until(session, (state) => said(state).includes('First'))
    await agent.call('POST /chat.delete', { body: { roomId: rid, msgId: message._id } })
    await until(session, (state) => said(state).length === 1)
    await closeBy(agent, rid)
    const { messages } = await until(session, ({ room }) => room?.isOpen === false)
    expect(messages.map(({ t }) => t)).toContain('livechat-close')
  })

  test('edits, takes back, uploads, reads history, closes and rates', async () => {
    const { session } = await talk()
    const { _id } = session.send('Helo')
    await until(session, (state) => said(state).length === 2)
    expect(await session.edit(_id, 'Hello!')).toMatchObject({ msg: 'Hello!' })
    await session.delete(_id)
    await until(session, (state) => said(state).length === 1)
    const sent: number[] = []
    const file = new File(['x'.repeat(70_000)], 'notes.txt', { type: 'text/plain' })
    const uploaded = await session.upload(file, { onProgress: ({ sentBytes }) => sent.push(sentBytes) })
    expect(sent.at(-1)).toBe(70_000)
    const { messages } = await until(session, (state) => state.messages.some((each) => each._id === uploaded._id))
    expect(messages.at(-1)).toMatchObject({ file: { name: 'notes.txt', type: 'text/plain' } })
    const pages: unknown[][] = []
    for await (const page of session.history({ pageSize: 2 })) pages.push(page)
    // Answers also tell where a file can be fetched without cookies.
    expect(pages.toReversed().flat()).toMatchObject(session.state.messages)
    await session.close()
    expect(session.state.room?.isOpen).toBe(false)
    await session.rate({ satisfaction: '5' })
    const refusal = expect(session.rate({ satisfaction: '9' })).rejects
    await refusal.toMatchObject({
      name: 'LivechatError',
      code: 'invalid-data',
      status: 400,
      requestId: expect.any(String),
    })
  })

  test('tells typing to the agents, and hears theirs', async () => {
    const { session, rid } = await talk()
    const console_ = await signIn(desk, agent)
    await console_.sub('stream-notify-room', [`${rid}/user-activity`, { useCollection: false, args: [] }])
    session.typing(true)
    const heard = await console_.heard(({ fields }) => fields?.eventName === `${rid}/user-activity`)
    expect(heard['fields'].args[1]).toEqual(['user-typing'])
    await console_.call('stream-notify-room', `${rid}/user-activity`, agent.username, ['user-typing'], {})
    expect((await until(session, ({ typing }) => typing.length > 0)).typing).toEqual([agent.username])
    await console_.close()
  })

  test('hears that nobody is there any more', async () => {
    const session = await open()
    await until(session, ({ isDeskOnline, connection }) => isDeskOnline === true && connection.status === 'online')
    try {
      await agent.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
      await until(session, ({ isDeskOnline }) => isDeskOnline === false)
      session.send('Hello?')
      const { outbox } = await until(session, (state) => state.outbox[0]?.state === 'failed')
      expect(outbox[0]?.error).toMatchObject({ code: 'no-agent-online', status: 400 })
    } finally {
      await agent.call('POST /livechat/agent.status', { body: { status: 'available' } })
    }
  })

  test('is signed out when the visitor is removed', async () => {
    const { session } = await talk()
    await session.close()
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: session.token } })
    await restart()
    const { connection } = await until(session, (state) => state.connection.status === 'signed-out')
    expect(connection).toEqual({ status: 'signed-out', code: 'invalid-token' })
    expect(session.send('Hello?')).toMatchObject({ msg: 'Hello?' })
    expect(session.state.outbox).toMatchObject([{ state: 'failed', error: { code: 'invalid-token' } }])
  })
})
