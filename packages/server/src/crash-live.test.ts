// A server that is killed in the middle of fifty live conversations: both sides come back by themselves and have everything.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTestDatabase, type TestDatabase } from '../testing/database.ts'
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.ts'
import { signInAsAdmin, startServerProcess, type ServerProcess } from '../testing/process.ts'
import { makeQuickClock, openAgentOfRooms, openVisitorTalker, type AgentOfRooms } from '../testing/sdk-talker.ts'
import { judge, sumOf, talk, untilCaughtUp, untilShown, type Conversation, readStored } from '../testing/talker.ts'

const CONVERSATIONS = 50
const AGENTS = 5
const ROUNDS = 3

describe('a server that is killed in the middle of fifty live conversations', () => {
  let database: TestDatabase
  let server: ServerProcess
  let proxy: FaultProxy
  let agents: AgentOfRooms[] = []
  const conversations: Conversation[] = []

  beforeAll(async () => {
    database = await makeTestDatabase()
    server = await startServerProcess(database)
    proxy = await startFaultProxy(server.url)
    const present = new Map<string, AgentOfRooms>()
    for (const [userId, headers] of await addAgents(server)) {
      const clock = makeQuickClock(10, present.size)
      const token = headers['x-auth-token']!
      present.set(userId, await openAgentOfRooms({ serverURL: proxy.url, clock, userId, token }))
    }
    agents = [...present.values()]
    for (let index = 0; index < CONVERSATIONS; index++) {
      const { rid, token, agentId } = await openRoom(server, `visitor-${index}`)
      const conversation = {
        ...{ rid, token, accepted: new Map<string, string>() },
        visitor: await openVisitorTalker({ serverURL: proxy.url, token, clock: makeQuickClock(10, index) }),
        agent: present.get(agentId)!.talkerIn(rid),
      }
      conversations.push(conversation)
    }
    await Promise.all(conversations.map(untilOnline))
  }, 120_000)
  afterAll(async () => {
    for (const { visitor } of conversations) visitor.end()
    for (const { session } of agents) session.end()
    await proxy.close()
    await server.stop()
    await database.remove()
  })

  test(
    `${ROUNDS} times: nothing acknowledged is lost, doubled or reordered, and everybody catches up`,
    { timeout: 240_000 },
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const talking = conversations.flatMap((conversation) => [
          talk(conversation, 'visitor', texts('visitor', round)),
          talk(conversation, 'agent', texts('agent', round)),
        ])
        // Some conversations are through by then, most are not.
        await Promise.any(talking)
        await server.kill()
        server = await startServerProcess(database)
        proxy.lead(server.url)
        await Promise.all(talking)
        await Promise.all(conversations.map(untilCaughtUp))
      }
      const verdicts = []
      for (const conversation of conversations) {
        expect(conversation.accepted.size).toBe(ROUNDS * 10)
        verdicts.push(judge(conversation, await readStored(server.url, conversation)))
      }
      expect(sumOf(verdicts)).toEqual({ lost: 0, missed: 0, doubled: 0, disordered: 0 })
    },
  )
})

function texts(side: string, round: number): string[] {
  return Array.from({ length: 5 }, (_, index) => `${side} ${String(round * 5 + index)}`)
}

async function untilOnline({ visitor, agent }: Conversation): Promise<void> {
  for (const talker of [visitor, agent]) await untilShown(talker, () => talker.isOnline())
}

/** Agents who are there and take chats: id → the headers to call with. */
async function addAgents(server: ServerProcess): Promise<Map<string, Record<string, string>>> {
  const admin = await signInAsAdmin(server)
  const agents = new Map<string, Record<string, string>>()
  for (let index = 0; index < AGENTS; index++) {
    const account = { username: `agent-${String(index)}`, password: 'another long password' }
    const more = { name: account.username, email: `${account.username}@example.org`, roles: ['user', 'livechat-agent'] }
    await server.call('POST /users.create', { headers: admin, body: { ...account, ...more } })
    const signedIn = await server.call('POST /login', { body: { user: account.username, password: account.password } })
    const { userId, authToken } = (signedIn.body as { data: { userId: string; authToken: string } }).data
    const headers = { 'x-user-id': userId, 'x-auth-token': authToken }
    await server.call('POST /users.setStatus', { headers, body: { status: 'online' } })
    await server.call('POST /livechat/agent.status', { headers, body: { status: 'available' } })
    agents.set(userId, headers)
  }
  return agents
}

async function openRoom(
  server: ServerProcess,
  token: string,
): Promise<{ rid: string; token: string; agentId: string }> {
  await server.call('POST /livechat/visitor', { body: { visitor: { token } } })
  const { room } = (await server.call(`GET /livechat/room?token=${token}`)).body as {
    room: { _id: string; servedBy: { _id: string } }
  }
  return { rid: room._id, token, agentId: room.servedBy._id }
}
