// A database that does not answer for a moment: for rules about what happens then.
import { vi } from 'vitest'
import type { TestServer } from './testing.ts'

/** Nothing is read outside of transactions while this work is done. */
export async function withoutReading(desk: TestServer, work: () => Promise<unknown>): Promise<void> {
  const { read } = desk.server.context
  const spies = [vi.spyOn(read, 'all'), vi.spyOn(read, 'first'), vi.spyOn(read, 'runKept')]
  for (const spy of spies) spy.mockRejectedValue(new Error('The database does not answer.'))
  try {
    await work()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
