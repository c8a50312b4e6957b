import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answer,
  closeBy,
  closeByVisitor,
  openChat,
  roomSeenBy,
  say,
  type WireMessage,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

/** Lets the time pass until `ms` after a moment. */
function at(startMs: number, ms: number): void {
  desk.clock.advance(startMs + ms - desk.clock.now())
}

const iso = (ms: number) => new Date(ms).toISOString()

describe('the metrics of a conversation', () => {
  test('are those of the walk-through of the contract (J.3)', async () => {
    const chat = await openChat(desk)
    const t0 = Date.parse(chat.room.ts)
    const { transact } = desk.server.context
    const served = iso(t0 + 120)
    await transact((tx) => tx.run(tx.sql.updateTable('room').set({ servedAt: served }).where('id', '=', chat.rid)))
    const seen = () => roomSeenBy(manager, chat.rid)
    expect((await seen()).metrics).toBeUndefined()

    at(t0, 10_000)
    await say(desk, chat, 'hi')
    expect((await seen()).metrics).toEqual({ v: { lq: iso(t0 + 10_000) } })
    at(t0, 12_000)
    await say(desk, chat, 'anyone?')
    expect(await seen()).toMatchObject({ waitingResponse: true, metrics: { v: { lq: iso(t0 + 10_000) } } })
    expect((await seen()).v.lastMessageTs).toBe(iso(t0 + 12_000))

    at(t0, 30_000)
    await answer(anna, chat.rid, 'hello')
    const first = await seen()
    expect(first.metrics).toEqual({
      v: { lq: iso(t0 + 10_000) },
      servedBy: { lr: iso(t0 + 30_000) },
      response: { avg: 20, total: 1, tt: 20, ft: 20, fd: iso(t0 + 30_000) },
      reaction: { tt: 29.88, ft: 29.88, fd: iso(t0 + 30_000) },
    })
    expect(first.responseBy).toMatchObject({ firstResponseTs: iso(t0 + 30_000), lastMessageTs: iso(t0 + 30_000) })
    expect(first).not.toHaveProperty('waitingResponse')

    at(t0, 35_000)
    await answer(anna, chat.rid, 'how can I help')
    const second = await seen()
    expect(second.metrics).toEqual(first.metrics)
    expect(second.responseBy).toMatchObject({ firstResponseTs: iso(t0 + 30_000), lastMessageTs: iso(t0 + 35_000) })

    at(t0, 60_000)
    await say(desk, chat, 'invoice')
    const asked = await seen()
    expect(asked).toMatchObject({ waitingResponse: true, metrics: { v: { lq: iso(t0 + 60_000) } } })
    expect(asked).not.toHaveProperty('responseBy')

    at(t0, 100_000)
    await answer(anna, chat.rid, 'sent')
    expect(await seen()).toMatchObject({
      metrics: {
        servedBy: { lr: iso(t0 + 100_000) },
        response: { avg: 30, total: 2, tt: 60, ft: 20, fd: iso(t0 + 30_000) },
        reaction: { tt: expect.closeTo(69.88, 6), ft: 29.88, fd: iso(t0 + 30_000) },
      },
      responseBy: { firstResponseTs: iso(t0 + 100_000), lastMessageTs: iso(t0 + 100_000) },
    })

    at(t0, 160_000)
    await closeBy(anna, chat.rid)
    expect((await seen()).metrics).toMatchObject({
      chatDuration: 160,
      serviceTimeDuration: 159.88,
      visitorInactivity: 60,
    })
  })

  test('know no silence where the visitor spoke last, or closes', async () => {
    const answered = async () => {
      const chat = await openChat(desk)
      await say(desk, chat, 'hello')
      await answer(anna, chat.rid, 'yes?')
      desk.clock.advance(1_000)
      return chat
    }
    const spokeLast = await answered()
    await say(desk, spokeLast, 'bye')
    await closeBy(anna, spokeLast.rid)
    const closes = await answered()
    await closeByVisitor(desk, closes)
    const saidNothing = await openChat(desk)
    await answer(anna, saidNothing.rid, 'hello?')
    await closeBy(anna, saidNothing.rid)
    for (const { rid } of [spokeLast, closes, saidNothing])
      expect((await roomSeenBy(manager, rid)).metrics).not.toHaveProperty('visitorInactivity')
  })

  test('count what people wrote when they wrote it, not lines, changes or removals', async () => {
    const chat = await openChat(desk)
    const message = await say(desk, chat, 'hello')
    const before = await roomSeenBy(manager, chat.rid)
    desk.clock.advance(5_000)
    await manager.call('GET /livechat/room.join', { query: { roomId: chat.rid } })
    const own = { token: chat.token, rid: chat.rid }
    await desk.anyone.call('PUT /livechat/message/:_id', { params: { _id: message._id }, body: { ...own, msg: 'hi' } })
    await desk.anyone.call('DELETE /livechat/message/:_id', { params: { _id: message._id }, body: own })
    expect((await roomSeenBy(manager, chat.rid)).metrics).toEqual(before.metrics)
    await closeByVisitor(desk, chat)
  })

  test('are what a recount of the messages says', { timeout: 120_000 }, async () => {
    const step = fc.record({
      by: fc.constantFrom('visitor', 'anna', 'manager'),
      pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90_000_000 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const chat = await openChat(desk)
        const messages: WireMessage[] = []
        for (const { by, pauseMs } of steps) {
          desk.clock.advance(pauseMs)
          const text = `by ${by}`
          if (by === 'visitor') messages.push(await say(desk, chat, text))
          else messages.push(await answer(by === 'anna' ? anna : manager, chat.rid, text))
        }
        const room = await roomSeenBy(manager, chat.rid)
        const expected = recount(messages, Date.parse(room.ts), Date.parse(room.servedBy!.ts))
        expect(room.metrics ?? {}).toEqual(expected.metrics)
        expect(room.waitingResponse ?? false).toBe(expected.isWaiting)
        expect(room.responseBy?._id).toBe(expected.responderId)
        await closeByVisitor(desk, chat)
      }),
      { numRuns: 30 },
    )
  })
})

interface Count {
  openedMs: number
  servedMs: number
  asked?: number
  replied?: number
  isWaiting: boolean
  responderId?: string | undefined
  response: { count: number; seconds: number; first: number; at: number }
  reaction: { seconds: number; first: number; at: number }
}

/** The table of contract §B.9, message by message. */
function recount(messages: readonly WireMessage[], openedMs: number, servedMs: number) {
  const count: Count = {
    openedMs,
    servedMs,
    isWaiting: true,
    response: { count: 0, seconds: 0, first: 0, at: 0 },
    reaction: { seconds: 0, first: 0, at: 0 },
  }
  for (const message of messages) {
    if (message.u.username.startsWith('guest-')) countQuestion(count, message)
    else countReply(count, message)
  }
  return { metrics: metricsOf(count), isWaiting: count.isWaiting, responderId: count.responderId }
}

function countQuestion(count: Count, message: WireMessage): void {
  const { openedMs, asked = openedMs, replied = openedMs } = count
  if (replied >= asked) count.asked = Date.parse(message.ts)
  if (!count.isWaiting) count.responderId = undefined
  count.isWaiting = true
}

function countReply(count: Count, message: WireMessage): void {
  const { openedMs, servedMs, asked = openedMs, replied = openedMs, response, reaction } = count
  const nowMs = Date.parse(message._updatedAt)
  const since = (ms: number) => Math.max(0, nowMs - ms) / 1_000
  const isFirst = count.replied === undefined
  if (isFirst || asked > replied) {
    response.count += 1
    response.seconds += since(asked)
    reaction.seconds += since(isFirst ? servedMs : asked)
  }
  if (isFirst) {
    Object.assign(response, { first: since(asked), at: nowMs })
    Object.assign(reaction, { first: since(servedMs), at: nowMs })
  }
  if (asked > replied) count.replied = Date.parse(message.ts)
  if (count.isWaiting) count.responderId = message.u._id
  count.isWaiting = false
}

function metricsOf({ asked, replied, response, reaction }: Count) {
  const near = (value: number) => expect.closeTo(value, 6) as number
  return {
    ...(asked !== undefined && { v: { lq: iso(asked) } }),
    ...(replied !== undefined && { servedBy: { lr: iso(replied) } }),
    ...(response.count > 0 && {
      response: {
        avg: near(response.seconds / response.count),
        total: response.count,
        tt: near(response.seconds),
        ft: near(response.first),
        fd: iso(response.at),
      },
      reaction: { tt: near(reaction.seconds), ft: near(reaction.first), fd: iso(reaction.at) },
    }),
  }
}
