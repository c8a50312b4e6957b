// Bad networks: whatever happens to connections, each side ends with everything that was said, once and in order.
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat, type Chat } from '../testing/conversation.ts'
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.ts'
import { startOldClient } from '../testing/old-client.ts'
import { makeQuickClock, openAgentOfRooms, openVisitorTalker, type AgentOfRooms } from '../testing/sdk-talker.ts'
import { openSocket } from '../testing/socket.ts'
import { isEvent, rideStorm } from '../testing/storm.ts'
import { judge, readStored, sumOf, untilShown, type Conversation } from '../testing/talker.ts'
import { startTestServer, type StaffMember, type TestServer } from '../testing/testing.ts'

const nothingWrong = { lost: 0, missed: 0, doubled: 0, disordered: 0 }

describe('conversations over a network that drops, delays, doubles, cuts and half-opens', () => {
  let desk: TestServer
  let proxy: FaultProxy
  beforeAll(async () => {
    desk = await startTestServer()
    proxy = await startFaultProxy(await desk.listen(), { seed: 4, meddlesWith: isEvent })
  })
  afterAll(async () => {
    await proxy.close()
    await desk.stop()
  })

  const hold = async (open: (chat: Chat, agent: StaffMember) => Promise<Pick<Conversation, 'visitor' | 'agent'>>) => {
    const conversations: Conversation[] = []
    for (let index = 0; index < 4; index++) {
      const agent = await desk.agent()
      const chat = await openChat(desk)
      const sides = await open(chat, agent)
      await Promise.all([sides.visitor, sides.agent].map((talker) => untilShown(talker, () => talker.isOnline())))
      conversations.push({ rid: chat.rid, token: chat.token, ...sides, accepted: new Map() })
    }
    return conversations
  }

  /** Rides a storm, and answers what was wrong in the end. */
  const ride = async (conversations: Conversation[], seed: number) => {
    await rideStorm({ proxy, conversations, disconnects: proxy.disconnects + 60, seed })
    const verdicts = []
    for (const conversation of conversations) {
      verdicts.push(judge(conversation, await readStored(await desk.listen(), conversation)))
      for (const talker of [conversation.visitor, conversation.agent]) talker.end()
    }
    return sumOf(verdicts)
  }

  test('of clients that know no change numbers lose, double and reorder nothing', { timeout: 120_000 }, async () => {
    const conversations = await hold(({ rid, token }, { headers }) =>
      Promise.resolve({
        visitor: startOldClient({ url: proxy.url, rid, as: { token } }),
        agent: startOldClient({ url: proxy.url, rid, as: { headers } }),
      }),
    )
    expect(await ride(conversations, 4)).toEqual(nothingWrong)
  })

  test('of our sessions lose, double and reorder nothing', { timeout: 120_000 }, async () => {
    const clock = makeQuickClock(10, 5)
    const agents: AgentOfRooms[] = []
    const conversations = await hold(async ({ rid, token }, agent) => {
      const signedIn = { userId: agent.id, token: agent.headers['x-auth-token']! }
      const present = await openAgentOfRooms({ serverURL: proxy.url, clock, ...signedIn })
      agents.push(present)
      return {
        visitor: await openVisitorTalker({ serverURL: proxy.url, clock, token }),
        agent: present.talkerIn(rid),
      }
    })
    expect(await ride(conversations, 5)).toEqual(nothingWrong)
    for (const { session } of agents) session.end()
  })
})

describe('a socket that is half open', () => {
  test.each([
    ['cannot be heard', 'up'],
    ['cannot be reached', 'down'],
    ['can be neither', undefined],
  ] as const)('is let go within 25 s where the client %s', async (_title, way) => {
    const desk = await startTestServer()
    const proxy = await startFaultProxy(await desk.listen())
    const socket = await openSocket({ ...desk, listen: () => Promise.resolve(proxy.url) })
    for (const link of proxy.links()) link.silence(way)
    for (let second = 0; second < 25; second++) {
      desk.clock.advance(1_000)
      desk.server.sockets.tick()
    }
    // A client that still hears is told, and needs no patience of its own.
    if (way === 'up') expect(await socket.ended).toMatchObject({ code: 4000 })
    await expect.poll(() => desk.server.sockets.count(), { timeout: 10_000 }).toBe(0)
    await proxy.close()
    await desk.stop()
  })
})

describe('a client that does not read', () => {
  test('is cut off before what waits for it fills the memory', async () => {
    const desk = await startTestServer()
    const proxy = await startFaultProxy(await desk.listen())
    const socket = await openSocket({ ...desk, listen: () => Promise.resolve(proxy.url) })
    for (const link of proxy.links()) link.hold('down')
    // What the server answers is as long as what it is asked: more than networks and the limit take together.
    const id = 'x'.repeat(60_000)
    for (let index = 0; index < 500; index++) socket.say({ msg: 'ping', id })
    await expect.poll(() => desk.server.sockets.count(), { timeout: 15_000 }).toBe(0)
    for (const link of proxy.links()) link.release('down')
    await socket.ended
    expect(socket.frames.length).toBeLessThan(500)
    await proxy.close()
    await desk.stop()
  })
})

describe('a frame of a gigabyte', () => {
  test('ends the socket with its first bytes', async () => {
    const desk = await startTestServer()
    const { hostname, port } = new URL(await desk.listen())
    const raw = connect(Number(port), hostname)
    const key = Buffer.alloc(16).toString('base64')
    raw.write(
      `GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    )
    await once(raw, 'data')
    // A masked text frame whose header promises 2^30 bytes, and none of them.
    raw.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]))
    raw.resume()
    await once(raw, 'close')
    await expect.poll(() => desk.server.sockets.count(), { timeout: 10_000 }).toBe(0)
    await desk.stop()
  })
})
