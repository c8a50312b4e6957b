import { expect, test } from 'vitest'
import { countMentions } from './mentions.ts'

test.each([
  ['@anna', 1],
  ['hi @anna, are you there?', 1],
  ['Thank you, @Anna.', 1],
  ['(@anna)', 1],
  ['@anna @anna', 1],
  ['@annabel', 0],
  ['@anna-b', 0],
  ['@anna.b', 0],
  ['mail bob@anna.example', 0],
  ['bob@anna', 0],
  ['anna', 0],
  ['', 0],
])('%j mentions anna %i times', (text, ofUser) => {
  expect(countMentions([text], 'anna')).toEqual({ ofUser, ofAll: 0 })
})

test.each([
  ['@all please', 1],
  ['is anybody @here?', 1],
  ['@allan', 0],
  ['@ll', 0],
])('%j calls everybody %i times', (text, ofAll) => {
  expect(countMentions([text], 'anna')).toEqual({ ofUser: 0, ofAll })
})

test('a name is no pattern', () => {
  expect(countMentions(['@axb', '@a.b', '@a.b!'], 'a.b').ofUser).toBe(2)
})
