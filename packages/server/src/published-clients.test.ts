// Clients as others have published them, unmodified, hold whole conversations with the server, a restart in the middle included.
// `@rocket.chat/ddp-client` is not here: its licence allows it for testing by hand only (docs/realtime.md, what is proven).
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, historyOf, newToken, openChat, say, type WireMessage } from '../testing/conversation.ts'
import { startFaultProxy, type FaultProxy } from '../testing/fault-proxy.ts'
import { startTestServer, type TestServer } from '../testing/testing.ts'

const require = createRequire(import.meta.url)

/** What is used of the client of `@rocket.chat/sdk` 1.0.0-alpha.42, which the widget contains. */
interface WidgetClient {
  credentials: { token: string }
  socket: Promise<{ ddp: { on(event: 'open', listener: () => void): void } }>
  connect(options: object): Promise<unknown>
  disconnect(): Promise<unknown>
  setUpConnection(): Promise<unknown>
  config(query: object): Promise<{ online: boolean }>
  grantVisitor(body: object): Promise<{ username: string }>
  room(query: object): Promise<{ _id: string; servedBy: { username: string } }>
  subscribeRoom(rid: string): Promise<unknown>
  onMessage(listener: (message: WireMessage) => void): Promise<unknown>
  sendMessage(body: object): Promise<{ message: WireMessage }>
  loadMessages(rid: string, query: object): Promise<WireMessage[]>
  closeChat(body: object): Promise<unknown>
}

/** What is used of `@rocket.chat/sdk` 0.2.9, with which bots are written. */
interface BotDriver {
  useLog(log: object): void
  connect(options: object): Promise<unknown>
  disconnect(): Promise<unknown>
  login(credentials: object): Promise<string>
  subscribeToMessages(): Promise<unknown>
  respondToMessages(listener: (error: unknown, message: WireMessage) => void, options: object): Promise<unknown>
  sendToRoomId(text: string, rid: string): Promise<unknown>
}

/** How long something may take on a busy machine. */
const patient = { timeout: 15_000 }

const quiet = { debug: ignore, info: ignore, warn: ignore, warning: ignore, error: ignore }

describe('published clients', () => {
  let desk: TestServer
  let proxy: FaultProxy
  beforeEach(async () => {
    desk = await startTestServer()
    proxy = await startFaultProxy(await desk.listen())
  })
  afterEach(async () => {
    await proxy.close()
    await desk.stop()
  })

  /** The server comes back where clients look for it. */
  const restart = async () => {
    await desk.restart()
    proxy.lead(await desk.listen())
  }

  test('the client in the widget talks to an agent', { timeout: 60_000 }, async () => {
    const { default: Client } = require('@rocket.chat/sdk/lib/clients/Livechat') as {
      default: new (options: object) => WidgetClient
    }
    const agent = await desk.agent()
    const token = newToken()
    const client = new Client({ host: proxy.url, useSsl: false, logger: quiet, reopen: 50 })
    client.credentials = { token }
    await client.connect({})
    await client.setUpConnection()
    expect((await client.config({ token })).online).toBe(true)
    const visitor = await client.grantVisitor({ visitor: { token, name: 'Wendy' } })
    const room = await client.room({ token })
    expect([visitor.username, room.servedBy.username]).toEqual(['guest-1', agent.username])

    const heard: string[] = []
    await client.onMessage(({ msg, t }) => heard.push(t ?? msg))
    await client.subscribeRoom(room._id)
    const { message } = await client.sendMessage({ rid: room._id, token, msg: 'Hello' })
    expect(message).toMatchObject({ rid: room._id, msg: 'Hello' })
    await answer(agent, room._id, 'Good morning')
    await expect.poll(() => heard, patient).toEqual(['Hello', 'Good morning'])

    const { ddp } = await client.socket
    const isBack = new Promise<void>((resolve) => ddp.on('open', resolve))
    await restart()
    await isBack
    await client.setUpConnection()
    await client.subscribeRoom(room._id)
    await answer(agent, room._id, 'Still there')
    await expect.poll(() => heard, patient).toEqual(['Hello', 'Good morning', 'Still there'])
    const history = await client.loadMessages(room._id, { token, limit: 3 })
    expect(history.map(({ msg }) => msg)).toEqual(['Still there', 'Good morning', 'Hello'])
    await client.closeChat({ rid: room._id })
    await expect.poll(() => heard.at(-1), patient).toBe('livechat-close')
    await client.disconnect()
  })

  test('a bot of the old library answers visitors', { timeout: 60_000 }, async () => {
    // It takes no notice of what was said before it began, by its own clock.
    desk.clock.advance(Date.now() - desk.clock.now() + 60_000)
    const { driver } = require('rocketchat-sdk-0') as { driver: BotDriver }
    const bot = await desk.agent({ username: 'a-bot', roles: ['user', 'livechat-agent', 'livechat-manager'] })
    driver.useLog(quiet)
    await driver.connect({ host: proxy.url.replace('http://', ''), useSsl: false })
    expect(await driver.login({ username: bot.username, password: bot.password })).toBe(bot.id)
    await driver.subscribeToMessages()
    await driver.respondToMessages(
      (error, { msg, rid }) => {
        if (error === null && msg.startsWith('question')) void driver.sendToRoomId(`answer to ${msg}`, rid)
      },
      { livechat: true },
    )
    const chat = await openChat(desk)
    const texts = async () => (await historyOf(desk, chat)).map(({ msg }) => msg)
    await say(desk, chat, 'question 1')
    await expect.poll(texts, patient).toContain('answer to question 1')

    await restart()
    // It hears what is said from its return on, and looks for nothing that was said before.
    let asked = 1
    await expect
      .poll(
        async () => {
          await say(desk, chat, `question ${String(++asked)}`)
          return texts()
        },
        { timeout: 30_000, interval: 200 },
      )
      .toEqual(expect.arrayContaining([expect.stringMatching(/^answer to question ([2-9]|\d\d)/)]))
    const answers = (await texts()).filter((text) => text.startsWith('answer'))
    expect(new Set(answers).size).toBe(answers.length)
    await driver.disconnect()
  })
})

function ignore(): void {}
