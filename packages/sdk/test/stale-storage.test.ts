// Browsers show a tab what its `localStorage` held before another tab wrote, for a moment and in spite of locks
// (HTML, "Web storage": user agents may do without a lock over processes, and do). Nothing may be lost or come back by that.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openVisitorSession } from '../src/sdk.ts'
import type { KeyValueStorage, OutboxItem, VisitorSession } from '../src/sdk.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'
import type { FakeClock, FakeServer } from '../src/testing/testing.ts'

let clock: FakeClock
let server: FakeServer
let truth: Map<string, string>
const tabs: VisitorSession[] = []

beforeEach(() => {
  clock = fakeClock()
  server = fakeServer({ clock })
  truth = new Map()
})
afterEach(async () => {
  for (const tab of tabs.splice(0)) tab.end()
  await clock.settle()
  expect([server.openSockets, clock.pendingTimers]).toEqual([0, 0])
})

/** What one tab sees: its own writes at once, those of others so many looks late. */
function view(lag: number): KeyValueStorage {
  let looks: (string | undefined)[] = []
  return {
    get(key) {
      looks.push(truth.get(key))
      return looks[Math.max(0, looks.length - 1 - lag)]
    },
    set(key, value) {
      looks = [value]
      truth.set(key, value)
    },
    remove(key) {
      looks = [undefined]
      truth.delete(key)
    },
  }
}

async function open(storage: KeyValueStorage): Promise<VisitorSession> {
  const tab = await openVisitorSession({ ...server.connection, storage, token: 'vera' })
  tabs.push(tab)
  await clock.settle()
  return tab
}

/** Answers once the outbox is so; tabs talk over channels of the platform, which no clock moves. */
function until(tab: VisitorSession, isSo: (outbox: readonly OutboxItem[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(tab.state.outbox)) return
      end()
      resolve()
    }
    const end = tab.subscribe(look)
    look()
  })
}

const said = () => server.messages().flatMap(({ t, msg }) => (t === undefined ? [msg] : []))

test.each([0, 1, 2, 3])('what two tabs send is said, where each reads what was kept %i looks ago', async (lag) => {
  const [one, two] = [await open(view(lag)), await open(view(lag))]
  const end = server.faults.unreachable()
  for (let i = 0; i < 5; i++) {
    one.send(`one ${i}`)
    two.send(`two ${i}`)
    await clock.settle()
  }
  for (const tab of [one, two]) await until(tab, ({ length }) => length === 10)
  end()
  await clock.advance(60_000)
  for (const tab of [one, two]) await until(tab, ({ length }) => length === 0)
  const texts = ['one', 'two'].flatMap((who) => [0, 1, 2, 3, 4].map((i) => `${who} ${i}`))
  expect(said().toSorted()).toEqual(texts)
})

test.each([0, 1, 2, 3])('what was discarded stays so, where each reads what was kept %i looks ago', async (lag) => {
  const [one, two] = [await open(view(lag)), await open(view(lag))]
  const end = server.faults.unreachable()
  const mistake = one.send('a mistake')
  await until(two, ({ length }) => length === 1)
  two.send('and this')
  two.discard(mistake._id)
  await until(one, (outbox) => outbox.map(({ msg }) => msg).join() === 'and this')
  end()
  await clock.advance(60_000)
  for (const tab of [one, two]) await until(tab, ({ length }) => length === 0)
  expect(said()).toEqual(['and this'])
})
