// The SDK's visitor session against this server: over real sockets, with a network that fails and a server that restarts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openVisitorSession } from '../../sdk/src/open-visitor-session.ts'
import { memoryStorage } from '../../sdk/src/storage.ts'
import type { VisitorState } from '../../sdk/src/events.ts'
import type { VisitorSession, VisitorSessionOptions } from '../../sdk/src/visitor.ts'
import { answer, closeBy, historyOf, newToken } from '../testing/conversation.ts'
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
})
