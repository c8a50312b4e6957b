import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { leastRate, watchRate } from './least-rate.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a sender who brings enough goes on, and one who drips is told', () => {
  const socket = { bytesRead: 1_000 }
  const tooSlow = vi.fn()
  const unwatch = watchRate(socket, tooSlow)
  for (let round = 0; round < 5; round++) {
    socket.bytesRead += leastRate.bytes
    vi.advanceTimersByTime(leastRate.everyMs)
  }
  expect(tooSlow).not.toHaveBeenCalled()
  socket.bytesRead += leastRate.bytes - 1
  vi.advanceTimersByTime(leastRate.everyMs - 1)
  expect(tooSlow).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(tooSlow).toHaveBeenCalledOnce()
  unwatch()
  vi.advanceTimersByTime(10 * leastRate.everyMs)
  expect(tooSlow).toHaveBeenCalledOnce()
})
