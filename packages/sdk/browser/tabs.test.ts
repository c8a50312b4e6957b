// Several tabs of one visitor: one conversation, in which everything is said and shown once.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { answer, historyOf } from '../../server/testing/conversation.ts'
import { PLAIN_HOST } from './chromium.ts'
import { freeze, setStage } from './stage.ts'

const stage = setStage()

/** A tab that notes what it is told; all tabs of a test are the same visitor's. */
async function openTab(origin = stage.site.url): Promise<Page> {
  const page = await stage.open(`${origin}/talk.html`)
  await openSession(page)
  return page
}

async function openSession(page: Page): Promise<void> {
  await page.evaluate(async (serverURL) => {
    // Its patience with other tabs lasts a tenth of the time.
    const clock = {
      now: () => Date.now(),
      setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms / 10),
      clearTimeout: (timer: unknown) => clearTimeout(timer as number),
      random: () => Math.random(),
    }
    globalThis.chat = await sdk.openVisitorSession({ serverURL, name: 'Vera', clock })
    globalThis.told = []
    chat.on('message', ({ message }) => message.t === undefined && told.push(message.msg))
  }, stage.url)
}

function send(page: Page, text: string): Promise<void> {
  return page.evaluate((msg) => void chat.send(msg), text)
}

/** What a tab shows, once that is so many messages and nothing is on its way; it was told of each once. */
async function shown(page: Page, count: number): Promise<string[]> {
  const seen = await page.evaluate(async (many) => {
    const said = ({ messages }: typeof chat.state) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
    return { shown: said(await until(chat, (now) => said(now).length === many && now.outbox.length === 0)), told }
  }, count)
  expect(seen.told.toSorted()).toEqual(seen.shown.toSorted())
  return seen.shown
}

function inOutbox(page: Page, count: number): Promise<string[]> {
  return page.evaluate(
    async (many) => (await until(chat, ({ outbox }) => outbox.length === many)).outbox.map(({ msg }) => msg),
    count,
  )
}

/** What the server has of the visitor's room, oldest first. */
async function saidIn(page: Page): Promise<string[]> {
  const { rid, token } = await page.evaluate(() => ({ rid: chat.state.room!.rid, token: chat.token }))
  const history = await historyOf(stage.desk, { rid, token, id: '', room: {} as never }, { limit: '100' })
  const said = history.filter(({ t }) => t === undefined).map(({ msg }) => msg)
  return said.toReversed()
}

describe.each([
  ['that can agree', () => stage.site.url],
  ['of a site without encryption, which have no locks', () => `http://${PLAIN_HOST}:${stage.site.port}`],
])('tabs %s', (_, origin) => {
  test('are one visitor in one room, and show everything once', async () => {
    const tabs = await Promise.all([openTab(origin()), openTab(origin())])
    const [one, two] = tabs
    expect(await one.evaluate(() => isSecureContext)).toBe(
      'locks' in (await one.evaluate(() => ({ ...('locks' in navigator && { locks: 1 }) }))),
    )
    await Promise.all([send(one, 'one'), send(two, 'two')])
    for (const tab of tabs) expect((await shown(tab, 2)).toSorted()).toEqual(['one', 'two'])
    const rids = await Promise.all(tabs.map((tab) => tab.evaluate(() => chat.state.room!.rid)))
    expect(rids[0]).toBe(rids[1])
    await answer(stage.agent, rids[0]!, 'three')
    await shown(one, 3)
    await send(two, 'four')
    const all = await shown(one, 4)
    expect(await shown(two, 4)).toEqual(all)
    expect((await saidIn(one)).toSorted()).toEqual(['four', 'one', 'three', 'two'])
  })
})

describe('of tabs that can agree', () => {
  test('one sees what another has on its way, and what is discarded there', async () => {
    const one = await openTab()
    const two = await openTab()
    await stage.leave()
    await send(two, 'keep')
    await send(two, 'discard')
    expect(await inOutbox(one, 2)).toEqual(['keep', 'discard'])
    await one.evaluate(() => chat.discard(chat.state.outbox.find(({ msg }) => msg === 'discard')!._id))
    expect(await inOutbox(two, 1)).toEqual(['keep'])
    await stage.comeBack()
    for (const tab of [one, two]) expect(await shown(tab, 1)).toEqual(['keep'])
    expect(await saidIn(one)).toEqual(['keep'])
  })

  test('two that send at once lose nothing, although each may read what the storage held before', async () => {
    const tabs = await Promise.all([openTab(), openTab()])
    await stage.leave()
    const sendMany = (tab: Page, who: string) =>
      tab.evaluate(async (name) => {
        for (let i = 0; i < 20; i++) {
          chat.send(`${name} ${i}`)
          await new Promise(requestAnimationFrame)
        }
      }, who)
    await Promise.all(tabs.map((tab, i) => sendMany(tab, `tab ${i}`)))
    const textsOf = (tab: number) => Array.from({ length: 20 }, (_, i) => `tab ${tab} ${i}`)
    const texts = [...textsOf(0), ...textsOf(1)].toSorted()
    for (const tab of tabs) expect((await inOutbox(tab, 40)).toSorted()).toEqual(texts)
    await stage.comeBack()
    for (const tab of tabs) expect((await shown(tab, 40)).toSorted()).toEqual(texts)
    const said = await saidIn(tabs[0])
    expect(said.filter((text) => text.startsWith('tab 0'))).toEqual(textsOf(0))
    expect(said.filter((text) => text.startsWith('tab 1'))).toEqual(textsOf(1))
  })

  test.each(['the one that leads', 'the other'])('%s is closed, and what it left is sent', async (which) => {
    const tabs = [await openTab(), await openTab()]
    await stage.leave()
    const [closed, left] = which === 'the other' ? tabs.toReversed() : tabs
    await send(closed!, 'left behind')
    await inOutbox(left!, 1)
    await closed!.close()
    await send(left!, 'mine')
    await stage.comeBack()
    expect((await shown(left!, 2)).toSorted()).toEqual(['left behind', 'mine'])
    expect((await saidIn(left!)).toSorted()).toEqual(['left behind', 'mine'])
  })

  test('one that is frozen keeps nobody from anything, and shows everything when it wakes', async () => {
    const one = await openTab()
    const two = await openTab()
    await stage.leave()
    await send(two, 'before the frost')
    await inOutbox(one, 1)
    const thaw = await freeze(two)
    await stage.comeBack()
    expect(await shown(one, 1)).toEqual(['before the frost'])
    const three = await openTab()
    await send(three, 'from a new tab')
    for (const tab of [one, three]) expect(await shown(tab, 2)).toEqual(['before the frost', 'from a new tab'])
    await thaw()
    expect(await shown(two, 2)).toEqual(['before the frost', 'from a new tab'])
    expect((await saidIn(one)).length).toBe(2)
  })

  test('the one that leads is frozen, and another sends also what it has left', async () => {
    const one = await openTab()
    const two = await openTab()
    await send(one, 'Hello')
    for (const tab of [one, two]) await shown(tab, 1)
    await stage.leave()
    await send(one, 'before the frost')
    await inOutbox(two, 1)
    const thaw = await freeze(one)
    await stage.comeBack()
    expect(await shown(two, 2)).toEqual(['Hello', 'before the frost'])
    await send(two, 'Still here')
    await shown(two, 3)
    await thaw()
    expect(await shown(one, 3)).toEqual(['Hello', 'before the frost', 'Still here'])
    expect(await saidIn(two)).toEqual(['Hello', 'before the frost', 'Still here'])
  })

  test('one that holds on to the storage keeps the others waiting for a while only', async () => {
    const holder = await openTab()
    await holder.evaluate(async () => {
      const names = Object.keys(localStorage).map((key) => key.replace(/:token$/, ''))
      const locks = [...names, ...names.map((name) => `${name}:outbox:${chat.token}`)]
      const held = locks.map(
        (name) =>
          new Promise(
            (granted) =>
              void navigator.locks
                .request(`${name}:storage`, () => {
                  granted(undefined)
                  return new Promise(() => undefined)
                })
                .catch(() => undefined),
          ),
      )
      await Promise.all(held)
    })
    const other = await openTab()
    await send(other, 'Hello')
    expect(await shown(other, 1)).toEqual(['Hello'])
    await other.reload()
    await openSession(other)
    expect(await shown(other, 1)).toEqual(['Hello'])
  })
})
