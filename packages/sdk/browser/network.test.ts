// What a page says of its connection, and what becomes of a conversation while there is none.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answer, configure, historyOf } from '../../server/testing/conversation.ts'
import { startFaultProxy, type FaultProxy } from '../../server/testing/fault-proxy.ts'
import { setStage } from './stage.ts'

const stage = setStage()
let line: FaultProxy
beforeAll(async () => {
  line = await startFaultProxy(stage.url)
})
afterAll(() => line.close())

/** A page with a conversation in it, over a line that can break; it notes everything it is told. */
async function openVisitor(): Promise<{ page: Page; rid: string; token: string }> {
  const page = await stage.open()
  const room = await page.evaluate(async (serverURL) => {
    globalThis.chat = await sdk.openVisitorSession({ serverURL, reconnect: { firstMs: 20, mostMs: 50 } })
    globalThis.told = []
    chat.on('message', ({ message }) => message.t === undefined && told.push(message.msg))
    chat.send('Hello')
    const { room } = await until(
      chat,
      ({ outbox, agent, messages }) => messages.length > 0 && outbox.length === 0 && agent,
    )
    return { rid: room!.rid, token: chat.token }
  }, line.url)
  return { page, ...room }
}

/** Answers once the connection is so. */
function connection(page: Page, wanted: string): Promise<unknown> {
  return page.evaluate(
    async (status) => (await until(chat, (state) => state.connection.status === status)).connection,
    wanted,
  )
}

/** What the page shows and what it was told, once both are so many. */
async function heard(page: Page, count: number): Promise<string[]> {
  const seen = await page.evaluate(async (many) => {
    const said = ({ messages }: typeof chat.state) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
    return { shown: said(await until(chat, (now) => said(now).length === many && now.outbox.length === 0)), told }
  }, count)
  expect(seen.told.toSorted()).toEqual(seen.shown.toSorted())
  return seen.shown
}

async function saidIn(room: { rid: string; token: string }): Promise<string[]> {
  const history = await historyOf(stage.desk, { ...room, id: '', room: {} as never })
  return history.filter(({ t }) => t === undefined).map(({ msg }) => msg)
}

test('without a network it says so, and catches up without loss or doubling when there is one', async () => {
  const { page, ...room } = await openVisitor()
  await stage.context.setOffline(true)
  await connection(page, 'no-network')

  await answer(stage.agent, room.rid, 'Hello?')
  await page.evaluate(() => void chat.send('I am on a train'))
  expect(await page.evaluate(() => chat.state.outbox.map(({ state }) => state))).toEqual(['pending'])

  await stage.context.setOffline(false)
  await connection(page, 'online')
  expect((await heard(page, 3)).toSorted()).toEqual(['Hello', 'Hello?', 'I am on a train'])
  expect((await saidIn(room)).toSorted()).toEqual(['Hello', 'Hello?', 'I am on a train'])
})

test('a server that is away is not a network that is gone', async () => {
  const { page, ...room } = await openVisitor()
  line.meet('refuse')
  for (const link of line.links()) link.cut('reset')
  expect(await connection(page, 'server-unreachable')).toMatchObject({ status: 'server-unreachable' })
  expect(await page.evaluate(() => navigator.onLine)).toBe(true)
  await answer(stage.agent, room.rid, 'Hello?')
  await page.evaluate(() => void chat.send('Is it me?'))
  line.heal()
  await connection(page, 'online')
  expect(await heard(page, 3)).toEqual(['Hello', 'Hello?', 'Is it me?'])
})

test('where sockets do not come through, what is said still does', async () => {
  const { page, ...room } = await openVisitor()
  await page.close()
  const other = await stage.open()
  await stage.context.routeWebSocket(/websocket/, (socket) => socket.close())
  const said = other.evaluate(
    async ({ serverURL, token }) => {
      globalThis.chat = await sdk.openVisitorSession({ serverURL, token, reconnect: { firstMs: 20, mostMs: 50 } })
      chat.send('By post')
      await until(chat, ({ outbox, messages }) => outbox.length === 0 && messages.some(({ msg }) => msg === 'By post'))
      const { messages, connection } = await until(chat, (now) => now.messages.some(({ msg }) => msg === 'An answer'))
      return { status: connection.status, last: messages.at(-1)?.msg }
    },
    { serverURL: line.url, token: room.token },
  )
  await expect.poll(() => saidIn(room)).toContain('By post')
  await answer(stage.agent, room.rid, 'An answer')
  expect(await said).toEqual({ status: 'server-unreachable', last: 'An answer' })
})

test('a visitor who was removed is signed out, and is not told to wait', async () => {
  const { page, token } = await openVisitor()
  await page.evaluate(() => chat.close())
  await stage.desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token } })
  for (const link of line.links()) link.cut('reset')
  expect(await connection(page, 'signed-out')).toEqual({ status: 'signed-out', code: 'invalid-token' })
})

test('an agent’s page learns that its origin may not sign in', async () => {
  await configure(stage.desk, { Realtime_Allowed_Origins: '' })
  try {
    const page = await stage.open()
    const { headers, id } = stage.agent
    const state = await page.evaluate(
      async ([serverURL, token, userId]) => {
        globalThis.agent = await sdk.openAgentSession({
          serverURL,
          token,
          userId,
          reconnect: { firstMs: 20, mostMs: 50 },
        })
        return (await until(agent, ({ connection }) => connection.status === 'signed-out')).connection
      },
      [stage.url, headers['x-auth-token']!, id] as const,
    )
    expect(state).toEqual({ status: 'signed-out', code: 'origin-not-allowed' })
  } finally {
    await configure(stage.desk, { Realtime_Allowed_Origins: stage.site.url })
  }
})
