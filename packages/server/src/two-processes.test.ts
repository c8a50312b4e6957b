// Two servers on one Postgres, which hear each other through a Redis that dies again and again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, openChat, say } from '../testing/conversation.ts'
import { engine } from '../testing/database.ts'
import { hasRedis, startRedis, type TestRedis } from '../testing/redis.ts'
import { makeQuickClock, openAgentOfRooms, openVisitorTalker } from '../testing/sdk-talker.ts'
import { openSocket } from '../testing/socket.ts'
import { judge, readStored, talk, untilCaughtUp, untilShown, type Conversation } from '../testing/talker.ts'
import { startTestServer, type TestServer } from '../testing/testing.ts'

describe.skipIf(engine !== 'postgres' || !hasRedis())('two processes on one database', () => {
  let redis: TestRedis
  let desk: TestServer
  let other: TestServer

  beforeAll(async () => {
    redis = await startRedis()
    desk = await startTestServer({ config: { redisUrl: redis.url } })
    other = await desk.another()
  })
  afterAll(async () => {
    await other.stop()
    await desk.stop()
    await redis.kill()
  })

  test('serve one conversation, and lose nothing while Redis is killed ten times', async () => {
    const agent = await desk.agent()
    const chat = await openChat(desk)
    const socket = await openSocket(other)
    const options = { args: [{ token: chat.token, visitorToken: chat.token }] }
    await socket.sub('stream-room-messages', [chat.rid, options])
    await socket.sub('stream-notify-room', [`${chat.rid}/typing`, options])

    const sent: string[] = []
    const speak = async (round: number) => {
      sent.push((await say(desk, chat, `question ${String(round)}`))._id)
      sent.push((await answer(agent, chat.rid, `answer ${String(round)}`))._id)
    }
    const hasHeardAll = () => socket.told('room-messages', chat.rid).length >= sent.length
    for (let round = 0; round < 10; round++) {
      await speak(round)
      await redis.kill()
      await speak(round)
      await redis.start()
      // The other process looks for itself as soon as Redis is back, or when it sweeps.
      await expect.poll(hasHeardAll, { timeout: 15_000 }).toBe(true)
    }
    expect(socket.told('room-messages', chat.rid).map(([{ _id }]) => _id as string)).toEqual(sent)
    await socket.close()
  })

  test('serve a visitor here and an agent there, and Redis is killed ten times while both talk', async () => {
    const agent = await desk.agent()
    const { rid, token } = await openChat(desk)
    const clock = makeQuickClock(10, 1)
    const signedIn = { userId: agent.id, token: agent.headers['x-auth-token']! }
    const present = await openAgentOfRooms({ serverURL: await other.listen(), clock, ...signedIn })
    const conversation: Conversation = {
      ...{ rid, token, accepted: new Map<string, string>() },
      visitor: await openVisitorTalker({ serverURL: await desk.listen(), clock, token }),
      agent: present.talkerIn(rid),
    }
    const sides = ['visitor', 'agent'] as const
    for (const side of sides) await untilShown(conversation[side], () => conversation[side].isOnline())
    for (let round = 0; round < 10; round++) {
      const texts = (side: string) => Array.from({ length: 6 }, (_, index) => `${side} ${String(round * 6 + index)}`)
      const talking = sides.map((side) => talk(conversation, side, texts(side)))
      await redis.kill()
      await Promise.race(talking)
      await redis.start()
      await Promise.all(talking)
      // Nothing more is said until both have heard what Redis may have lost last.
      await untilCaughtUp(conversation)
    }
    const stored = await readStored(await desk.listen(), conversation)
    expect(conversation.accepted.size).toBe(120)
    expect(judge(conversation, stored)).toEqual({ lost: 0, missed: 0, doubled: 0, disordered: 0 })
    conversation.visitor.end()
    present.session.end()
  })

  test('tell each other who types, and what an administrator changed', async () => {
    const chat = await openChat(desk)
    const here = await openSocket(desk)
    const there = await openSocket(other)
    const options = { args: [{ token: chat.token, visitorToken: chat.token }] }
    await there.sub('stream-notify-room', [`${chat.rid}/typing`, options])
    await expect
      .poll(async () => {
        await here.call('stream-notify-room', `${chat.rid}/typing`, 'guest', true, { token: chat.token })
        return there.told('notify-room', `${chat.rid}/typing`).length
      })
      .toBeGreaterThan(0)
    await Promise.all([here.close(), there.close()])
  })

  test('tell each other’s widgets that nobody is there any more', async () => {
    await desk.agent()
    const admin = await desk.administrator()
    const widget = await openSocket(other)
    await widget.sub('stream-livechat-desk', ['all'])
    const set = (value: boolean) =>
      admin.call('POST /settings/:_id', { params: { _id: 'Livechat_enabled' }, body: { value } })
    await set(false)
    const hasHeard = (online: boolean) =>
      widget.heard(
        ({ fields }) => (fields as { args?: [{ online: boolean }] } | undefined)?.args?.[0].online === online,
      )
    await hasHeard(true)
    await hasHeard(false)
    await set(true)
    await widget.close()
  })
})
