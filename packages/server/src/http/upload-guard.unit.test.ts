import { describe, expect, test } from 'vitest'
import { createUploadGuard, type CountBytes } from './upload-guard.ts'

const DAY_MS = 86_400_000
const perVisitor = { uploads: 2, files: 4, bytes: 100, withinMs: DAY_MS }
const perAddress = { uploads: 3, files: Infinity, bytes: 150, withinMs: DAY_MS }

function start(isByAddress = true) {
  let nowMs = 1_000_000
  const guard = createUploadGuard({
    now: () => nowMs,
    perVisitor,
    perAddress: isByAddress ? perAddress : undefined,
  })
  /** An upload that runs until it is ended. */
  function open(visitorId: string, address = '192.0.2.1') {
    let end = (_isSent: boolean) => {}
    let count: CountBytes = () => {}
    const ended = guard.run({ visitorId, address }, (told) => {
      count = told
      return new Promise<void>((resolve, reject) => {
        end = (isSent) => (isSent ? resolve() : reject(new Error('cut off')))
      })
    })
    const settled = ended.catch((error: unknown) => error)
    return {
      settled,
      count: (bytes: number) => count(bytes),
      end(isSent: boolean) {
        end(isSent)
        return settled
      },
    }
  }
  async function send(visitorId: string, bytes: number, address?: string) {
    const upload = open(visitorId, address)
    try {
      upload.count(bytes)
    } catch (error) {
      await upload.end(false)
      return error
    }
    return upload.end(true)
  }
  return { open, send, advance: (ms: number) => void (nowMs += ms) }
}

const tooMany = (retryAfterSeconds: unknown) =>
  expect.objectContaining({ code: 'error-too-many-requests', details: { retryAfterSeconds } }) as unknown

describe('uploads at once', () => {
  test('are so many of a visitor, and so many from an address', async () => {
    const { open } = start()
    const first = open('a')
    open('a')
    expect(await open('a').settled).toEqual(tooMany(5))
    open('b')
    expect(await open('c').settled).toEqual(tooMany(5))
    open('c', '192.0.2.2')
    await first.end(false)
    open('a')
    expect(await open('c').settled).toEqual(tooMany(5))
  })

  test('share one quota, and what was cut off counts no longer', async () => {
    const { open } = start()
    const [one, other] = [open('a'), open('a')]
    one.count(60)
    other.count(40)
    expect(() => other.count(1)).toThrow()
    await other.end(false)
    one.count(40)
  })

  test('leave room for the files of each other', async () => {
    const { open, send } = start()
    for (let sent = 0; sent < 3; sent++) await send('a', 1)
    const last = open('a')
    expect(await open('a').settled).toEqual(tooMany(5))
    await last.end(true)
    expect(await open('a').settled).toEqual(tooMany(DAY_MS / 1_000))
  })
})

describe('what was sent', () => {
  test('counts for a day from the first file', async () => {
    const { send, advance } = start()
    expect(await send('a', 70)).toBeUndefined()
    advance(3_600_000)
    expect(await send('a', 31)).toEqual(tooMany(82_800))
    expect(await send('a', 30)).toBeUndefined()
    advance(DAY_MS - 3_600_000)
    expect(await send('a', 100)).toBeUndefined()
  })

  test('counts for the address too, where addresses are counted', async () => {
    const { send } = start()
    await send('a', 90)
    expect(await send('b', 61)).toEqual(tooMany(DAY_MS / 1_000))
    expect(await send('b', 61, '192.0.2.2')).toBeUndefined()
    const alone = start(false)
    await alone.send('a', 90)
    expect(await alone.send('b', 61)).toBeUndefined()
  })

  test('may begin with one file of any size', async () => {
    const { send } = start(false)
    expect(await send('a', 1_000)).toBeUndefined()
    expect(await send('a', 1)).toEqual(tooMany(DAY_MS / 1_000))
  })
})
