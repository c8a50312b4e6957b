// How often the database is asked: for rules about what does not grow with the number of things.
import { vi } from 'vitest'
import type { TestServer } from './testing.ts'

/** Does some work and answers how many queries were run outside of transactions meanwhile. */
export async function countReads(desk: TestServer, work: () => Promise<unknown>): Promise<number> {
  const { read } = desk.server.context
  const watched = [vi.spyOn(read, 'all'), vi.spyOn(read, 'first'), vi.spyOn(read, 'runKept')]
  try {
    await work()
    return watched.reduce((sum, { mock }) => sum + mock.calls.length, 0)
  } finally {
    for (const each of watched) each.mockRestore()
  }
}
