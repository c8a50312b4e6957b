// The hooks in a page with React's development build, which complains of what is wrong, in StrictMode.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { answer, closeBy } from '../../server/testing/conversation.ts'
import { siteFolder } from './site.ts'
import { setStage } from './stage.ts'

const stage = setStage()
const run = promisify(execFile)

function openChat(path = '/react.html'): Promise<Page> {
  return stage.open(`${path}?server=${encodeURIComponent(stage.url)}`)
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
}

/** The agent's room in which this was said last. */
async function roomWith(text: string): Promise<string> {
  const { update } = await stage.agent.call('GET /rooms.get')
  const rooms = update as { _id: string; lastMessage?: { msg: string } }[]
  const room = rooms.find(({ lastMessage }) => lastMessage?.msg === text)
  if (room === undefined) throw new Error(`Nobody has said ${text}.`)
  return room._id
}

test('a conversation is shown as it goes, until it ends', async () => {
  const page = await openChat()
  await page.getByText('We are here').waitFor()
  await write(page, 'Where is my invoice?')
  await page.locator('[data-said]', { hasText: 'Where is my invoice?' }).waitFor()
  await page.getByRole('heading', { name: 'Anna' }).waitFor()

  const rid = await roomWith('Where is my invoice?')
  await answer(stage.agent, rid, 'On its way')
  await page.locator('.theirs', { hasText: 'On its way' }).waitFor()
  await page.getByRole('button', { name: '1 new' }).click()
  await page.getByRole('button', { name: '1 new' }).waitFor({ state: 'detached' })

  await closeBy(stage.agent, rid)
  await page.getByText('The conversation has ended').waitFor()
  expect(await page.locator('[data-said]').allTextContents()).toEqual(['Where is my invoice?', 'On its way'])
})

test('what is on its way is shown, also over a reload, until it has come', async () => {
  const page = await openChat()
  await write(page, 'Hello')
  await page.locator('[data-said]', { hasText: 'Hello' }).waitFor()
  await stage.leave()
  await page.locator('[data-connection=server-unreachable]').waitFor()
  await write(page, 'Still there?')
  await page.locator('.pending', { hasText: 'Still there?' }).waitFor()
  await page.reload()
  await page.locator('.pending', { hasText: 'Still there?' }).waitFor()
  await stage.comeBack()
  await page.locator('[data-said]', { hasText: 'Still there?' }).waitFor()
  expect(await page.getByRole('listitem').allTextContents()).toEqual(['Hello', 'Still there?'])
})

test('what a server has rendered becomes live without a difference', async () => {
  const { stdout } = await run(process.execPath, ['render.mjs', stage.url], { cwd: siteFolder() })
  expect(stdout).toContain('One moment …')
  const empty = readFileSync(join(siteFolder(), 'react.html'), 'utf8')
  stage.site.put('/rendered.html', empty.replace('<!-- rendered -->', stdout.trim()))
  const page = await openChat('/rendered.html')
  await page.getByText('We are here').waitFor()
  await write(page, 'Hello')
  await page.locator('[data-said]', { hasText: 'Hello' }).waitFor()
})

test('a chat that is taken away ends its session', async () => {
  const page = await stage.open('/talk.html')
  const opened = page.waitForEvent('websocket')
  await page.goto(`${stage.site.url}/react.html?server=${encodeURIComponent(stage.url)}`)
  const closed = (await opened).waitForEvent('close')
  await page.getByText('We are here').waitFor()
  await page.evaluate(() => (globalThis as never as { root: { unmount(): void } }).root.unmount())
  await closed
  expect(await page.locator('#page').innerHTML()).toBe('')
})

test('the example of the readme is a chat', async () => {
  const page = await stage.open(`/react.html?module=./readme-chat.mjs&server=${encodeURIComponent(stage.url)}`)
  const paragraph = (text: string) => page.getByText(text, { exact: true })
  await page.getByRole('textbox').fill('Is this the readme?')
  await page.getByRole('textbox').press('Enter')
  await paragraph('Is this the readme?').waitFor()
  await answer(stage.agent, await roomWith('Is this the readme?'), 'Good morning')
  await paragraph('Good morning').waitFor()

  await stage.agent.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
  await paragraph('Nobody is there now.').waitFor()
  await stage.agent.call('POST /livechat/agent.status', { body: { status: 'available' } })
  await paragraph('Good morning').waitFor()
})
