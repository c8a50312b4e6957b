// Files from a page: what their sender sees of the way, and what comes back.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { historyOf, withSettings } from '../../server/testing/conversation.ts'
import { setStage } from './stage.ts'

const stage = setStage()

/** A page with a conversation in it. */
async function openVisitor(): Promise<Page> {
  const page = await stage.open()
  await page.evaluate(async (serverURL) => {
    globalThis.chat = await sdk.openVisitorSession({ serverURL, reconnect: { firstMs: 20, mostMs: 50 } })
    chat.send('Hello')
    await until(chat, ({ outbox, agent }) => outbox.length === 0 && agent !== undefined)
  }, stage.url)
  return page
}

/** What the page sends goes through a line of so many bytes a second. */
async function narrow(page: Page, bytesPerSecond: number): Promise<void> {
  const browser = await stage.context.newCDPSession(page)
  const line = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond }
  await browser.send('Network.emulateNetworkConditions', line)
}

test('a large file tells how far it has come, and arrives whole', async () => {
  const page = await openVisitor()
  await narrow(page, 4_000_000)
  const { told, message } = await page.evaluate(async () => {
    const told: { sentBytes: number; totalBytes: number | undefined }[] = []
    const file = new File(['line\n'.repeat(600_000)], 'log.txt', { type: 'text/plain' })
    const message = await chat.upload(file, { description: 'My log', onProgress: (progress) => told.push(progress) })
    await until(chat, ({ messages }) => messages.some(({ _id }) => _id === message._id))
    return { told, message }
  })
  expect(told.length).toBeGreaterThan(3)
  expect(told.every(({ totalBytes }) => totalBytes === 3_000_000)).toBe(true)
  expect(told.map(({ sentBytes }) => sentBytes)).toEqual(
    told.map(({ sentBytes }) => sentBytes).toSorted((a, b) => a - b),
  )
  expect(told.at(-1)).toEqual({ sentBytes: 3_000_000, totalBytes: 3_000_000 })
  expect(message).toMatchObject({ file: { name: 'log.txt', type: 'text/plain' } })
})

test('a stream tells what has left, without knowing how much there is', async () => {
  const page = await openVisitor()
  const { told, message } = await page.evaluate(async () => {
    const told: { sentBytes: number; totalBytes: number | undefined }[] = []
    const source = new Blob(['line\n'.repeat(60_000)]).stream()
    const options = { fileName: 'log.txt', fileType: 'text/plain' }
    const message = await chat.upload(source, { ...options, onProgress: (progress) => told.push(progress) })
    return { told, message }
  })
  expect(told.at(-1)).toMatchObject({ totalBytes: undefined })
  expect(told.at(-1)!.sentBytes).toBeGreaterThanOrEqual(300_000)
  expect(message).toMatchObject({ file: { name: 'log.txt', type: 'text/plain' } })
})

test('an upload ends when its sender says so', async () => {
  const page = await openVisitor()
  await narrow(page, 500_000)
  const { error, room, token } = await page.evaluate(async () => {
    const ending = new AbortController()
    const file = new File(['x'.repeat(5_000_000)], 'log.txt', { type: 'text/plain' })
    // In the middle: something has left, and something has not.
    const onProgress = ({ sentBytes }: { sentBytes: number }) => {
      if (sentBytes < 5_000_000) ending.abort('enough')
    }
    const error = await chat.upload(file, { signal: ending.signal, onProgress }).catch((thrown: unknown) => thrown)
    if (!sdk.isLivechatError(error)) throw new Error('It was not ended.')
    const { name, code, retryable, cause } = error
    return { error: { name, code, retryable, cause }, room: chat.state.room!, token: chat.token }
  })
  expect(error).toEqual({ name: 'LivechatError', code: 'aborted', retryable: false, cause: 'enough' })
  const history = await historyOf(stage.desk, { token, rid: room.rid, id: '', room: {} as never })
  expect(history.filter(({ file }) => file !== undefined)).toEqual([])
})

test('an upload that was ended before it began is not sent', async () => {
  const page = await openVisitor()
  const code = await page.evaluate(async () => {
    const options = { signal: AbortSignal.abort(), onProgress: () => undefined }
    const error = await chat.upload(new Blob(['x']), options).catch((thrown: unknown) => thrown)
    return sdk.isLivechatError(error) && error.code
  })
  expect(code).toBe('aborted')
})

test('a refusal says why, with progress and without', async () => {
  const page = await openVisitor()
  const refuse = (isWatched: boolean) =>
    page.evaluate(async (watched) => {
      const file = new File(['%PDF-1.7\n'], 'bill.pdf', { type: 'application/pdf' })
      const options = watched ? { onProgress: () => undefined } : {}
      const error = await chat.upload(file, options).catch((thrown: unknown) => thrown)
      if (!sdk.isLivechatError(error)) throw new Error('It was not refused.')
      const { code, status, retryable, message, requestId, details } = error
      return { code, status, retryable, message, requestId, details }
    }, isWatched)
  await withSettings(stage.desk, { FileUpload_MediaTypeBlackList: 'application/pdf' }, async () => {
    const unwatched = await refuse(false)
    expect(unwatched).toMatchObject({ code: 'error-type-not-allowed', status: 400, retryable: false })
    expect(unwatched.requestId).toEqual(expect.any(String))
    const watched = await refuse(true)
    expect(watched.requestId).toEqual(expect.any(String))
    expect(watched).toEqual({ ...unwatched, requestId: watched.requestId })
  })
})

test('an upload to a server that is away fails as one that may be tried again', async () => {
  const page = await openVisitor()
  await stage.leave()
  const error = await page.evaluate(async () => {
    const thrown = await chat.upload(new Blob(['x']), { onProgress: () => undefined }).catch((error: unknown) => error)
    return sdk.isLivechatError(thrown) && { code: thrown.code, retryable: thrown.retryable }
  })
  expect(error).toEqual({ code: 'no-answer', retryable: true })
  await stage.comeBack()
})

test('an agent’s file says who sends it, and is seen by the visitor', async () => {
  const visitor = await openVisitor()
  const page = await stage.open()
  const { headers, id } = stage.agent
  const told = await page.evaluate(
    async ([serverURL, token, userId, room]) => {
      globalThis.agent = await sdk.openAgentSession({ serverURL, token, userId })
      await until(agent, ({ rooms }) => rooms.some(({ rid }) => rid === room))
      let told = 0
      const file = new File(['Your bill'], 'bill.txt', { type: 'text/plain' })
      await agent.upload(room, file, { onProgress: ({ sentBytes }) => (told = sentBytes) })
      return told
    },
    [stage.url, headers['x-auth-token']!, id, await visitor.evaluate(() => chat.state.room!.rid)] as const,
  )
  expect(told).toBe(9)
  const file = await visitor.evaluate(async () => {
    const { messages } = await until(chat, (now) => now.messages.some((message) => message.file !== undefined))
    return messages.find((message) => message.file !== undefined)?.file
  })
  expect(file).toMatchObject({ name: 'bill.txt', type: 'text/plain' })
})
