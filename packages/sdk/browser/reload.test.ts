// What a visitor has sent is in the storage of the page, and survives what happens to pages.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { historyOf } from '../../server/testing/conversation.ts'
import { setStage } from './stage.ts'

const stage = setStage()

const kinds = ['localStorage', 'IndexedDB'] as const
type Kind = (typeof kinds)[number]

/** The session of a page with this storage; whoever has used it before goes on there. */
async function openSession(page: Page, kind: Kind): Promise<void> {
  await page.evaluate(
    async ({ serverURL, isIndexed }) => {
      const storage = isIndexed ? sdk.indexedDBStorage() : undefined
      globalThis.chat = await sdk.openVisitorSession({ serverURL, storage, reconnect: { firstMs: 20, mostMs: 50 } })
    },
    { serverURL: stage.url, isIndexed: kind === 'IndexedDB' },
  )
}

/** A conversation with one message in it; answers its room and the visitor's token. */
function talk(page: Page): Promise<{ rid: string; token: string }> {
  return page.evaluate(async () => {
    chat.send('Hello')
    const { room } = await until(chat, ({ outbox, agent }) => outbox.length === 0 && agent !== undefined)
    return { rid: room!.rid, token: chat.token }
  })
}

/** Sends, and answers when it is kept. */
async function sendUntilKept(page: Page, kind: Kind, text: string): Promise<void> {
  await page.evaluate((msg) => void chat.send(msg), text)
  const isKept = async ([how, msg]: readonly [string, string]) => {
    if (how === 'localStorage') return Object.values(localStorage).some((value) => value.includes(msg))
    if ((await indexedDB.databases()).length === 0) return false
    const opening = indexedDB.open('deskbell')
    await new Promise((resolve) => (opening.onsuccess = resolve))
    const reading = opening.result.transaction('values').objectStore('values').getAll() as IDBRequest<string[]>
    await new Promise((resolve) => (reading.onsuccess = resolve))
    opening.result.close()
    return reading.result.some((value) => value.includes(msg))
  }
  await page.waitForFunction(isKept, [kind, text] as const)
}

/** What the server has of a room, oldest first. */
async function saidIn({ rid, token }: { rid: string; token: string }): Promise<string[]> {
  const history = await historyOf(stage.desk, { rid, token, id: '', room: {} as never })
  return history
    .filter(({ t }) => t === undefined)
    .map(({ msg }) => msg)
    .toReversed()
}

function shown(page: Page, count: number): Promise<string[]> {
  return page.evaluate(async (many) => {
    const said = ({ messages }: typeof chat.state) => messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
    return said(await until(chat, (now) => said(now).length === many && now.outbox.length === 0))
  }, count)
}

describe.each(kinds)('with %s', (kind) => {
  test('what was sent while the server was away is said once, after the page was loaded anew', async () => {
    const page = await stage.open()
    await openSession(page, kind)
    const room = await talk(page)

    await stage.leave()
    await sendUntilKept(page, kind, 'Still there?')
    await page.reload()
    await openSession(page, kind)
    const outbox = await page.evaluate(() => chat.state.outbox.map(({ msg, state }) => ({ msg, state })))
    expect(outbox).toEqual([{ msg: 'Still there?', state: 'pending' }])
    await sendUntilKept(page, kind, 'Anybody?')
    await stage.comeBack()

    expect(await shown(page, 3)).toEqual(['Hello', 'Still there?', 'Anybody?'])
    expect(await saidIn(room)).toEqual(['Hello', 'Still there?', 'Anybody?'])
  })

  test('what was sent before the first room is said in one, after the page was loaded anew', async () => {
    const page = await stage.open()
    await stage.leave()
    await openSession(page, kind)
    await sendUntilKept(page, kind, 'one')
    await sendUntilKept(page, kind, 'two')
    await page.reload()
    await openSession(page, kind)
    await stage.comeBack()
    expect(await shown(page, 2)).toEqual(['one', 'two'])
  })

  test('the visitor is who it was, and finds the conversation', async () => {
    const page = await stage.open()
    await openSession(page, kind)
    const { token } = await talk(page)
    await page.reload()
    await openSession(page, kind)
    expect(await shown(page, 1)).toEqual(['Hello'])
    expect(await page.evaluate(() => chat.token)).toBe(token)
  })
})

test('what the browser clears away is kept again from the next send on', async () => {
  const page = await stage.open()
  await openSession(page, 'IndexedDB')
  const { token, rid } = await talk(page)
  const browser = await stage.context.newCDPSession(page)
  await browser.send('Storage.clearDataForOrigin', { origin: stage.site.url, storageTypes: 'indexeddb' })
  await stage.leave()
  await sendUntilKept(page, 'IndexedDB', 'Still there?')
  await stage.comeBack()
  await shown(page, 2)
  expect(await saidIn({ token, rid })).toEqual(['Hello', 'Still there?'])
})

test('a full storage costs nothing but what a reload would have brought back', async () => {
  const page = await stage.open()
  await openSession(page, 'localStorage')
  const room = await talk(page)
  await page.evaluate(() => {
    for (let size = 4_000_000; size >= 1; size = Math.floor(size / 2))
      for (let isFull = false, part = 0; !isFull; part++)
        try {
          localStorage.setItem(`filler ${size} ${part}`, 'x'.repeat(size))
        } catch {
          isFull = true
        }
    chat.send('Still there?')
  })
  expect(await shown(page, 2)).toEqual(['Hello', 'Still there?'])
  expect(await saidIn(room)).toEqual(['Hello', 'Still there?'])
})

test('a page that may keep nothing has a conversation all the same', async () => {
  const page = await stage.open()
  await page.evaluate(() => {
    const frame = document.createElement('iframe')
    frame.setAttribute('sandbox', 'allow-scripts')
    frame.src = '/talk.html'
    frame.name = 'boxed'
    document.body.append(frame)
    return new Promise((resolve) => frame.addEventListener('load', resolve))
  })
  const frame = page.frame('boxed')!
  await frame.waitForFunction(() => 'sdk' in globalThis)
  const said = await frame.evaluate(async (serverURL) => {
    globalThis.chat = await sdk.openVisitorSession({ serverURL })
    chat.send('Hello')
    const { messages } = await until(chat, ({ outbox, agent }) => outbox.length === 0 && agent !== undefined)
    return messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)
  }, stage.url)
  expect(said).toEqual(['Hello'])
})
