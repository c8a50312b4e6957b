import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configure, openChat, register } from '../../../testing/conversation.ts'
import { engine } from '../../../testing/database.ts'
import { listen, openSocket, signIn } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import { SILENT_AFTER_MS } from './presence.ts'

let desk: TestServer
beforeAll(async () => void (desk = await startTestServer()))
afterAll(() => desk.stop())

interface Status {
  status: string
  statusConnection: string
}

/** What others see, and whether there is a socket. */
async function statusOf(staff: StaffMember): Promise<string[]> {
  const { status, statusConnection } = (await staff.call('GET /me')) as unknown as Status
  return [status, statusConnection]
}

/** An agent who takes chats, and has chosen nothing but to be there. */
async function newAgent(): Promise<StaffMember> {
  const agent = await desk.staff({ roles: ['user', 'livechat-agent'] })
  await agent.call('POST /livechat/agent.status', { body: { status: 'available' } })
  return agent
}

describe('somebody of the staff', () => {
  test('is there with the first socket, and no more a moment after the last one', async () => {
    const agent = await newAgent()
    expect(await statusOf(agent)).toEqual(['offline', 'offline'])
    const one = await signIn(desk, agent)
    const two = await signIn(desk, agent)
    await two.settled()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await one.close()
    await desk.server.streams.gone()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await two.close()
    // A page that is loaded anew is no absence.
    await desk.server.streams.settled()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await desk.server.streams.gone()
    expect(await statusOf(agent)).toEqual(['offline', 'offline'])
  })

  test('is away where every socket says so', async () => {
    const agent = await newAgent()
    const [one, two] = [await signIn(desk, agent), await signIn(desk, agent)]
    expect((await one.call('UserPresence:away'))['result']).toBe(true)
    await one.settled()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await two.call('UserPresence:away', 'and', 'more')
    await two.settled()
    expect(await statusOf(agent)).toEqual(['away', 'away'])
    await one.call('UserPresence:online')
    await one.settled()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await Promise.all([one.close(), two.close()])
    await desk.server.streams.gone()
  })

  test('is what was chosen while there, and offline otherwise', async () => {
    const agent = await newAgent()
    const socket = await signIn(desk, agent)
    await socket.call('UserPresence:setDefaultStatus', 'busy')
    expect(await statusOf(agent)).toEqual(['busy', 'online'])
    await socket.close()
    await desk.server.streams.gone()
    expect(await statusOf(agent)).toEqual(['offline', 'offline'])
    const again = await signIn(desk, agent)
    await again.settled()
    expect(await statusOf(agent)).toEqual(['busy', 'online'])
    await again.close()
    await desk.server.streams.gone()
  })

  test('who has never had a socket stays what was chosen', async () => {
    const agent = await newAgent()
    await agent.call('POST /users.setStatus', { body: { status: 'online' } })
    const stranger = await openSocket(desk)
    await stranger.call('UserPresence:away')
    await desk.server.streams.sweep()
    await desk.server.streams.gone()
    expect(await statusOf(agent)).toEqual(['online', 'offline'])
    await stranger.close()
    await agent.call('POST /users.setStatus', { body: { status: 'offline' } })
  })

  test('is told to the others, and to the visitors who are served', async () => {
    const agent = await newAgent()
    const console = await signIn(desk, await desk.staff())
    await console.sub('stream-notify-logged', ['user-status', { args: [] }])
    const socket = await signIn(desk, agent)
    await socket.settled()
    const chat = await openChat(desk)
    const visitor = await listen(desk, chat)
    await socket.call('UserPresence:away')
    await agent.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await Promise.all([socket.settled(), console.settled(), visitor.settled()])
    const told = console.told('notify-logged', 'user-status').filter(([[id]]) => id === agent.id)
    expect(told).toEqual([
      [[agent.id, agent.username, 1, '', expect.any(String), expect.arrayContaining(['livechat-agent'])]],
      [[agent.id, agent.username, 2, '', expect.any(String), expect.arrayContaining(['livechat-agent'])]],
    ])
    expect(visitor.told('livechat-room', chat.rid)).toEqual([[{ type: 'agentStatus', status: 'away' }]])
    await Promise.all([socket.close(), console.close(), visitor.close()])
    await desk.server.streams.gone()
  })

  test('is given the chats that wait by coming', async () => {
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    const agent = await newAgent()
    const visitor = await register(desk)
    const { room } = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token } })
    expect(room.servedBy).toBeUndefined()
    const socket = await signIn(desk, agent)
    await socket.settled()
    const served = await desk.anyone.call('GET /livechat/room', { query: { token: visitor.token } })
    expect(served.room.servedBy?._id).toBe(agent.id)
    await socket.close()
    await desk.server.streams.gone()
  })

  test('is gone once the process has died that the sockets were of', async () => {
    const agent = await newAgent()
    const socket = await signIn(desk, agent)
    await socket.settled()
    await desk.restart()
    await desk.server.streams.sweep()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    desk.clock.advance(SILENT_AFTER_MS + 1)
    await desk.server.streams.sweep()
    expect(await statusOf(agent)).toEqual(['offline', 'offline'])
  })

  test('stays while the process lives', async () => {
    const agent = await newAgent()
    const socket = await signIn(desk, agent)
    for (let round = 0; round < 4; round++) {
      desk.clock.advance(SILENT_AFTER_MS / 2)
      await desk.server.streams.sweep()
      await socket.settled()
    }
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await socket.close()
    await desk.server.streams.gone()
  })

  // SQLite serves one process.
  test.skipIf(engine !== 'postgres')('is there again where a process was taken for dead and was not', async () => {
    const agent = await newAgent()
    const socket = await signIn(desk, agent)
    await socket.settled()
    const other = await desk.another()
    other.clock.advance(desk.clock.now() - other.clock.now() + SILENT_AFTER_MS + 1)
    await other.server.streams.sweep()
    expect(await statusOf(agent)).toEqual(['offline', 'offline'])
    desk.clock.advance(SILENT_AFTER_MS)
    await desk.server.streams.sweep()
    await socket.settled()
    expect(await statusOf(agent)).toEqual(['online', 'online'])
    await other.stop()
    await socket.close()
  })
})
