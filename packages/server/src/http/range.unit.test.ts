import { expect, test } from 'vitest'
import { rangeOf } from './range.ts'

test.each([
  [undefined, undefined],
  ['', undefined],
  ['bytes=0-0', { start: 0, end: 0 }],
  ['bytes=0-99', { start: 0, end: 99 }],
  ['bytes=0-100', { start: 0, end: 99 }],
  ['bytes=99-', { start: 99, end: 99 }],
  ['bytes=100-', 'outside'],
  ['bytes=-1', { start: 99, end: 99 }],
  ['bytes=-1000', { start: 0, end: 99 }],
  ['bytes=-0', 'outside'],
  ['bytes=-', undefined],
  ['bytes=5-4', undefined],
  ['bytes=1-2,4-5', undefined],
  ['bytes=1.5-2', undefined],
  ['bytes=9999999999999999-', 'outside'],
  [`bytes=${'9'.repeat(400)}-`, undefined],
])('%s of 100 bytes', (header, range) => {
  expect(rangeOf(header, 100)).toEqual(range)
})

test('nothing is in an empty file', () => {
  expect(rangeOf('bytes=0-', 0)).toBe('outside')
  expect(rangeOf('bytes=-5', 0)).toBe('outside')
})
