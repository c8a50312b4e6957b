import { expect, test } from 'vitest'
import { DiskFull, QueueFull } from './database/transaction.ts'
import { makeLog } from './log.ts'

function start() {
  let nowMs = 0
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  const log = makeLog('info', { write }, () => nowMs)
  return { log, lines, advance: (ms: number) => void (nowMs += ms) }
}

const fail = (log: ReturnType<typeof makeLog>, err: Error) => log.error({ err, requestId: 'r1' }, 'A call failed.')

test('what fails every call is told once a minute, with how often it was met', () => {
  const { log, lines, advance } = start()
  for (let times = 0; times < 10_000; times++) fail(log, new DiskFull('The disk took no more.'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ msg: 'A call failed.', requestId: 'r1', err: { type: 'DiskFull' } })
  expect(lines[0]).not.toHaveProperty('alsoMet')
  advance(59_999)
  fail(log, new DiskFull('The disk took no more.'))
  expect(lines).toHaveLength(1)
  advance(1)
  fail(log, new DiskFull('The disk took no more.'))
  expect(lines[1]).toMatchObject({ alsoMet: 10_000 })
  advance(60_000)
  fail(log, new DiskFull('The disk took no more.'))
  expect(lines[2]).not.toHaveProperty('alsoMet')
})

test('one such state does not hide another, and faults of single calls are told each', () => {
  const { log, lines } = start()
  for (const err of [new DiskFull('a'), new QueueFull('b'), new Error('c'), new Error('c')]) fail(log, err)
  expect(lines.map(({ err }) => (err as { message: string }).message)).toEqual(['a', 'b', 'c', 'c'])
})
