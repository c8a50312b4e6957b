import { describe, expect, test } from 'vitest'
import { addressLimits, makeAddresses, Neighbours } from './neighbours.ts'

const { framesPerMinute, subscriptions, sockets, idleSockets } = addressLimits

/** How often it is allowed before it is refused. */
function countUntilRefused(take: () => boolean): number {
  let count = 0
  while (take()) count += 1
  return count
}

describe('the sockets of an address', () => {
  test('share requests, which come back within a minute', () => {
    const neighbours = new Neighbours(() => 1)
    expect(countUntilRefused(() => neighbours.takeFrame(0))).toBe(framesPerMinute)
    expect(countUntilRefused(() => neighbours.takeFrame(30_000))).toBe(framesPerMinute / 2)
    expect(countUntilRefused(() => neighbours.takeFrame(3_600_000))).toBe(framesPerMinute)
    // A clock that is set back gives nothing away.
    expect(neighbours.takeFrame(0)).toBe(false)
  })

  test('share subscriptions, until they are given back', () => {
    const neighbours = new Neighbours(() => 1)
    expect(countUntilRefused(() => neighbours.takeSubscription())).toBe(subscriptions)
    neighbours.giveBack(2)
    expect(countUntilRefused(() => neighbours.takeSubscription())).toBe(2)
  })

  test('are few where they do nothing, and many where they do', () => {
    const idle = new Neighbours(() => 1)
    const come = (neighbours: Neighbours, isIdle: boolean) =>
      countUntilRefused(() => {
        const isWelcome = neighbours.hasRoom()
        if (isWelcome) neighbours.came({ isIdle })
        return isWelcome
      })
    expect(come(idle, true)).toBe(idleSockets)
    expect(come(new Neighbours(() => 1), false)).toBe(sockets)
    expect(come(new Neighbours(() => 2), true)).toBe(2 * idleSockets)
  })
})

describe('an address', () => {
  test('is forgotten a minute after the last socket, and no sooner: a new socket is no new budget', () => {
    const addresses = makeAddresses({
      keyOf: (address) => address,
      limitScale: () => Promise.resolve(1),
      onError: () => {},
    })
    const somebody = { isIdle: false }
    const before = addresses.neighboursAt('203.0.113.1')
    before.came(somebody)
    before.takeFrame(0)
    before.left(somebody)
    addresses.forget(60_000)
    expect(addresses.neighboursAt('203.0.113.1')).toBe(before)
    addresses.forget(60_001)
    expect(addresses.neighboursAt('203.0.113.1')).not.toBe(before)
  })

  test('is counted as before where the settings cannot be read, and not at all where they switch it off', async () => {
    let answer: () => Promise<number | undefined> = () => Promise.resolve(1)
    const failures: unknown[] = []
    const addresses = makeAddresses({
      keyOf: (address) => address,
      limitScale: () => answer(),
      onError: (error) => failures.push(error),
    })
    const neighbours = addresses.neighboursAt('203.0.113.1')
    for (let index = 0; index < idleSockets; index++) neighbours.came({ isIdle: true })
    answer = () => Promise.reject(new Error('no database'))
    await addresses.refresh()
    expect(failures).toHaveLength(1)
    expect(neighbours.hasRoom()).toBe(false)
    answer = () => Promise.resolve(undefined)
    await addresses.refresh()
    expect(neighbours.hasRoom()).toBe(true)
    for (let index = 0; index <= framesPerMinute; index++) expect(neighbours.takeFrame(0)).toBe(true)
  })
})
