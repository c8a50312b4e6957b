// Two servers on one Postgres, which hear each other through a Redis that dies again and again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, openChat, say } from '../testing/conversation.ts'
import { engine } from '../testing/database.ts'
import { hasRedis, startRedis, type TestRedis } from '../testing/redis.ts'
import { openSocket } from '../testing/socket.ts'
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
