// A conversation between two pages of a shop's site, with the published files and no bundler.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { setStage } from './stage.ts'

const stage = setStage()

/** An agent's page, signed in with the password. */
async function openAgent(): Promise<Page> {
  const page = await stage.open()
  const { username, password } = stage.agent
  await page.evaluate(
    async (options) => {
      globalThis.agent = await sdk.openAgentSession(options)
      await until(agent, ({ isLoaded, connection }) => isLoaded && connection.status === 'online')
    },
    { serverURL: stage.url, username, password },
  )
  return page
}

/** A visitor's page, and the room that it has opened. */
async function openVisitor(): Promise<{ page: Page; rid: string }> {
  const page = await stage.open()
  const rid = await page.evaluate(async (serverURL) => {
    globalThis.chat = await sdk.openVisitorSession({ serverURL, name: 'Vera' })
    chat.send('Hello')
    const { room } = await until(chat, (state) => state.outbox.length === 0 && state.agent !== undefined)
    return room!.rid
  }, stage.url)
  return { page, rid }
}

/** What a page shows of a room, once it shows so many messages. */
function shownTo(page: Page, rid: string, count: number): Promise<string[]> {
  return page.evaluate(
    async ([room, many]) => {
      const said = (messages: readonly { t?: unknown; msg: string }[]) =>
        messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
      if ('chat' in globalThis) return said((await until(chat, (now) => said(now.messages).length === many)).messages)
      const inRoom = (now: typeof agent.state) => said(now.rooms.find((each) => each.rid === room)?.messages ?? [])
      return inRoom(await until(agent, (now) => inRoom(now).length === many))
    },
    [rid, count] as const,
  )
}

describe('a visitor and an agent, each in a page', () => {
  test('talk to each other', async () => {
    const agent = await openAgent()
    const { page: visitor, rid } = await openVisitor()
    expect(await shownTo(agent, rid, 1)).toEqual(['Hello'])
    await agent.evaluate((room) => globalThis.agent.send(room, 'How can I help?'), rid)
    expect(await shownTo(visitor, rid, 2)).toEqual(['Hello', 'How can I help?'])
    await visitor.evaluate(() => chat.send('Where is my invoice?'))
    expect(await shownTo(agent, rid, 3)).toEqual(['Hello', 'How can I help?', 'Where is my invoice?'])
  })

  test('see each other type', async () => {
    const agent = await openAgent()
    const { page: visitor, rid } = await openVisitor()
    await shownTo(agent, rid, 1)
    await visitor.evaluate(() => chat.typing(true))
    const inRoom = await agent.evaluate(async (room) => {
      const find = (state: typeof globalThis.agent.state) => state.rooms.find((each) => each.rid === room)
      return find(await until(globalThis.agent, (state) => find(state)?.typing.length === 1))?.typing
    }, rid)
    expect(inRoom).toEqual([expect.stringMatching(/^guest-/)])
    await agent.evaluate((room) => globalThis.agent.typing(room, true), rid)
    const heard = await visitor.evaluate(async () => (await until(chat, ({ typing }) => typing.length === 1)).typing)
    expect(heard).toEqual(['anna'])
    await agent.evaluate((room) => globalThis.agent.send(room, 'So'), rid)
    await visitor.evaluate(async () => {
      await until(chat, ({ typing }) => typing.length === 0)
    })
  })

  test('edit and take back what they said', async () => {
    const agent = await openAgent()
    const { page: visitor, rid } = await openVisitor()
    await shownTo(agent, rid, 1)
    await visitor.evaluate(async () => {
      const { _id } = chat.send('Wehre?')
      await until(chat, ({ outbox }) => outbox.length === 0)
      await chat.edit(_id, 'Where?')
      await chat.delete(chat.state.messages.find(({ msg }) => msg === 'Hello')!._id)
    })
    expect(await shownTo(agent, rid, 1)).toEqual(['Where?'])
    await agent.evaluate(async (room) => {
      const { _id } = globalThis.agent.send(room, 'Hree')
      await until(globalThis.agent, ({ outbox }) => outbox.length === 0)
      await globalThis.agent.edit(room, _id, 'Here')
    }, rid)
    await visitor.evaluate(async () => {
      await until(chat, ({ messages }) => messages.some(({ msg }) => msg === 'Here'))
    })
    expect(await shownTo(visitor, rid, 2)).toEqual(['Where?', 'Here'])
  })

  test('end the conversation, and the visitor rates it', async () => {
    const agent = await openAgent()
    const { page: visitor, rid } = await openVisitor()
    await shownTo(agent, rid, 1)
    await agent.evaluate((room) => globalThis.agent.close(room, { comment: 'Solved' }), rid)
    await visitor.evaluate(async () => {
      await until(chat, ({ room }) => room?.isOpen === false)
      await chat.rate({ satisfaction: '5' })
    })
    const rooms = await agent.evaluate(() => globalThis.agent.state.rooms.map((room) => room.rid))
    expect(rooms).not.toContain(rid)
    const again = await visitor.evaluate(async () => {
      chat.send('One more thing')
      return (await until(chat, ({ room, outbox }) => room?.isOpen === true && outbox.length === 0)).room?.rid
    })
    expect(again).not.toBe(rid)
  })
})
