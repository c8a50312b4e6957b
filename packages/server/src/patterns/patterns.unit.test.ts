import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { makePatterns, PatternsBusy, type Patterns } from './patterns.ts'

const lines: string[] = []
const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) })
const catastrophic = '^(a+)+$'
const bait = `${'a'.repeat(50)}!`

let patterns: Patterns
afterEach(() => patterns.close())

test('a pattern is found anywhere in a text, and only where it is', async () => {
  patterns = makePatterns({ log })
  expect(await patterns.isMatch('[0-9]{3}', 'call 123 now')).toBe(true)
  expect(await patterns.isMatch('^[0-9]{3}$', 'call 123 now')).toBe(false)
  expect(await patterns.isMatch('abc', 'ABC')).toBe(false)
  expect(await patterns.isMatch('', 'anything')).toBe(true)
})

test('every match is found, whatever its case, twenty at most and never an empty one', async () => {
  patterns = makePatterns({ log })
  expect(await patterns.findAll('[a-z]+@[a-z]+', 'A@B, c@d and no more')).toEqual(['A@B', 'c@d'])
  expect(await patterns.findAll('x', 'x'.repeat(1_000))).toHaveLength(20)
  expect(await patterns.findAll('x*', 'yyxyy')).toEqual(['x'])
})

test.each(['(', '[z-a]', '(?<n>a)(?<n>b)', '*', '\\', '('.repeat(100_000), 'a{2,1}'])(
  'an invalid pattern is found nowhere: %#',
  async (pattern) => {
    patterns = makePatterns({ log })
    expect(await patterns.isMatch(pattern, 'text')).toBe(false)
    expect(await patterns.findAll(pattern, 'text')).toEqual([])
    expect(await patterns.isMatch('t', 'text')).toBe(true)
  },
)

test('a pattern that takes for ever is stopped, and the next ones are answered', async () => {
  patterns = makePatterns({ log })
  const stuck = patterns.isMatch(catastrophic, bait)
  const next = patterns.isMatch('b', 'abc')
  let ticks = 0
  const ticking = setInterval(() => (ticks += 1), 5)
  expect(await stuck).toBe(false)
  clearInterval(ticking)
  // The loop of events went on meanwhile.
  expect(ticks).toBeGreaterThan(0)
  expect(await next).toBe(true)
  expect(lines.join('')).toContain('was stopped')
  expect(lines.join('')).not.toContain('aaa')
  expect(lines.join('')).not.toContain(catastrophic)
})

test.each([
  '(a?){1000}'.repeat(10_000),
  `(${'a|'.repeat(50_000)})*$`,
  '(a?){1000}'.repeat(200),
  '(?:'.repeat(60) + 'a?b?' + '){2,3}'.repeat(60),
  '(?:a*)*'.repeat(285),
  '((((a?){1000}){1000}){1000}){1000}',
])('a pattern that is huge, or unfolds to something huge, keeps nobody from an answer: %#', async (pattern) => {
  patterns = makePatterns({ log })
  await patterns.isMatch(pattern, bait)
  expect(await patterns.isMatch('b', 'abc')).toBe(true)
})

test('beyond a number of waiting texts callers are asked to come back', async () => {
  patterns = makePatterns({ log, maxWaiting: 2 })
  const asked = Array.from({ length: 6 }, () => patterns.isMatch('b', 'abc').catch((error: unknown) => error))
  const outcomes = await Promise.all(asked)
  expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(3)
  expect(outcomes.filter((outcome) => outcome instanceof PatternsBusy)).toHaveLength(3)
})

test('closing ends what runs and refuses what waits', async () => {
  patterns = makePatterns({ log, limitMs: 60_000 })
  const asked = [patterns.isMatch(catastrophic, bait), patterns.isMatch('b', 'abc')]
  const outcomes = Promise.allSettled(asked)
  await patterns.close()
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(patterns.isMatch('b', 'abc')).rejects.toBeInstanceOf(PatternsBusy)
})
