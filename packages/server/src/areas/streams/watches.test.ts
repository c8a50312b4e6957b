// What sockets are told of a room where looking it up takes long, or fails.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat, say, type Chat } from '../../../testing/conversation.ts'
import { listen, signIn } from '../../../testing/socket.ts'
import { startTestServer, type TestServer } from '../../../testing/testing.ts'
import { withoutReading } from '../../../testing/without-reading.ts'
import { listChanges, type Message } from '../timeline/timeline.ts'
import { Watches } from './watches.ts'

let desk: TestServer
beforeAll(async () => {
  desk = await startTestServer()
  await desk.agent()
})
afterAll(() => desk.stop())

/** The watches of a process that waits for its first look until it is let go. */
function watching(chat: Chat) {
  const { read, log } = desk.server.context
  let release = () => {}
  const isReleased = new Promise<void>((resolve) => (release = resolve))
  const slow = Object.assign(Object.create(read) as typeof read, {
    all: async (query: Parameters<typeof read.all>[0]) => {
      await isReleased
      return read.all(query)
    },
  })
  const told: Message[] = []
  const watches = new Watches({
    read: slow,
    log,
    isHeard: (roomId) => roomId === chat.rid,
    tellComing: () => Promise.resolve(),
    tell: (message) => Promise.resolve(void told.push(message)),
    recheck: () => Promise.resolve(),
    findToken: () => Promise.resolve(undefined),
  })
  return { watches, told, release: () => release() }
}

describe('a room that is looked up for the first listener', () => {
  test('makes the second one wait as well: whoever is ready misses nothing', async () => {
    const chat = await openChat(desk)
    const { watches, told, release } = watching(chat)
    const order: string[] = []
    const first = watches.begin(chat.rid, undefined).then(() => order.push('first'))
    const second = watches.begin(chat.rid, undefined).then(() => order.push('second'))
    // Were the second one ready now, this would have to be told.
    await say(desk, chat, 'said while the first one waits')
    order.push('said')
    release()
    await Promise.all([first, second])
    expect(order[0]).toBe('said')
    await say(desk, chat, 'said when both are ready')
    const { read } = desk.server.context
    const [latest] = (await listChanges(read, chat.rid, 0, 100)).slice(-1)
    watches.move(chat.rid, latest?.seq ?? 0)
    await watches.settled()
    expect(told.map(({ text }) => text)).toEqual(['said when both are ready'])
  })
})

describe('a message that could not be looked up when it was to be told', () => {
  test('is told with the next look, to everybody once and in its place', async () => {
    const chat = await openChat(desk)
    const visitor = await listen(desk, chat)
    const bot = await signIn(desk, await desk.staff({ roles: ['user', 'livechat-manager'] }))
    await bot.sub('stream-room-messages', ['__my_messages__', true])
    const { bus } = desk.server
    const publish = bus.publish.bind(bus)
    const held: Parameters<typeof publish>[0][] = []
    bus.publish = (events) => void held.push(events)
    try {
      await say(desk, chat, 'first')
    } finally {
      bus.publish = publish
    }
    await withoutReading(desk, async () => {
      for (const events of held) publish(events)
      await desk.server.streams.settled()
    })
    await say(desk, chat, 'second')
    await desk.server.streams.sweep()
    await Promise.all([visitor.settled(), bot.settled()])
    const texts = (told: { msg: string }[][]) => told.map(([message]) => message?.msg)
    expect(texts(visitor.told('room-messages', chat.rid))).toEqual(['first', 'second'])
    expect(texts(bot.told('room-messages', '__my_messages__'))).toEqual(['first', 'second'])
    await Promise.all([visitor.close(), bot.close()])
  })
})
