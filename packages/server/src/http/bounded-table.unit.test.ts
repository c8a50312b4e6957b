import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBoundedTable } from './bounded-table.ts'

describe('a table that strangers may fill', () => {
  test('keeps what was put in until it ends', () => {
    const table = createBoundedTable<{ endsAtMs: number; word: string }>(10)
    table.set('a', { endsAtMs: 100, word: 'hello' }, 0)
    expect(table.get('a', 99)?.word).toBe('hello')
    expect(table.get('a', 100)).toBeUndefined()
    expect(table.get('b', 0)).toBeUndefined()
  })

  test('holds the latest value of a key, once', () => {
    const table = createBoundedTable<{ endsAtMs: number; word: string }>(10)
    table.set('a', { endsAtMs: 100, word: 'old' }, 0)
    table.set('a', { endsAtMs: 200, word: 'new' }, 0)
    expect(table.get('a', 150)?.word).toBe('new')
    expect(table.size).toBe(1)
  })

  test('never holds more than its limit, and always the newest entry', () => {
    const puts = fc.array(fc.record({ key: fc.nat(40), lastsMs: fc.integer({ min: 1, max: 50 }), passMs: fc.nat(10) }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), puts, (maxEntries, steps) => {
        const table = createBoundedTable(maxEntries)
        let nowMs = 0
        for (const { key, lastsMs, passMs } of steps) {
          nowMs += passMs
          table.set(String(key), { endsAtMs: nowMs + lastsMs }, nowMs)
          expect(table.size).toBeLessThanOrEqual(maxEntries)
          expect(table.get(String(key), nowMs)).toEqual({ endsAtMs: nowMs + lastsMs })
        }
      }),
    )
  })

  test('forgets nothing that has not ended while there is room', () => {
    const puts = fc.array(fc.record({ key: fc.nat(15), lastsMs: fc.integer({ min: 1, max: 50 }), passMs: fc.nat(10) }))
    fc.assert(
      fc.property(puts, (steps) => {
        const table = createBoundedTable(16)
        const expected = new Map<string, number>()
        let nowMs = 0
        for (const { key, lastsMs, passMs } of steps) {
          nowMs += passMs
          table.set(String(key), { endsAtMs: nowMs + lastsMs }, nowMs)
          expected.set(String(key), nowMs + lastsMs)
          for (const [known, endsAtMs] of expected)
            expect(table.get(known, nowMs)?.endsAtMs).toBe(endsAtMs > nowMs ? endsAtMs : undefined)
        }
      }),
    )
  })

  test('gives up ended entries before others', () => {
    const table = createBoundedTable(3)
    table.set('a', { endsAtMs: 1000 }, 0)
    table.set('b', { endsAtMs: 10 }, 0)
    table.set('c', { endsAtMs: 1000 }, 0)
    table.set('d', { endsAtMs: 1000 }, 10)
    expect(['a', 'c', 'd'].every((key) => table.get(key, 10) !== undefined)).toBe(true)
  })

  test('gives up what ends soonest when nothing has ended', () => {
    const table = createBoundedTable(3)
    table.set('a', { endsAtMs: 300 }, 0)
    table.set('b', { endsAtMs: 100 }, 0)
    table.set('c', { endsAtMs: 200 }, 0)
    table.set('d', { endsAtMs: 300 }, 0)
    expect(['a', 'b', 'c', 'd'].filter((key) => table.get(key, 0) !== undefined)).toEqual(['a', 'c', 'd'])
  })

  test('gives memory back after a flood', () => {
    const table = createBoundedTable(10_000)
    for (let entry = 0; entry < 10_000; entry += 1) table.set(`flood ${entry}`, { endsAtMs: 1000 }, 0)
    for (let entry = 0; entry < 2000; entry += 1) table.set(`calm ${entry}`, { endsAtMs: 9000 }, 2000)
    expect(table.size).toBe(2000)
  })
})
