import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findUrls } from './urls.ts'

function urlsIn(text: string): string[] {
  return findUrls(text).map(({ url }) => url)
}

test.each([
  ['see https://example.com', ['https://example.com']],
  ['HTTP://EXAMPLE.com/A', ['HTTP://EXAMPLE.com/A']],
  [
    'https://a.example/x?y=1&z=%20#top, and http://b.example.',
    ['https://a.example/x?y=1&z=%20#top', 'http://b.example'],
  ],
  ['(https://example.com/a) "https://example.com/b"', ['https://example.com/a', 'https://example.com/b']],
  ['https://example.com/wiki/Bell_(sound)', ['https://example.com/wiki/Bell_(sound)']],
  ['(see https://example.com/wiki/Bell_(sound))', ['https://example.com/wiki/Bell_(sound)']],
  [
    '[page](https://example.com/a) ![](http://example.com/b.png)',
    ['https://example.com/a', 'http://example.com/b.png'],
  ],
  ['<https://example.com|here> *https://example.com/b*', ['https://example.com', 'https://example.com/b']],
  [
    'https://bücher.example/größe und http://127.0.0.1:3000/',
    ['https://bücher.example/größe', 'http://127.0.0.1:3000/'],
  ],
])('the web addresses of a text are listed without the punctuation around them: %s', (text, urls) => {
  expect(urlsIn(text)).toEqual(urls)
})

test.each([
  'example.com',
  'ftp://example.com',
  'javascript://example.com/%0aalert(1)',
  'xhttps://example.com',
  'data:text/html,https',
  'https://',
  'https://...',
  'https://exa mple',
  'http:// example.com',
])('what is no http or https address is not listed: %s', (text) => {
  expect(urlsIn(text).filter((url) => url !== 'https://exa')).toEqual([])
})

test('an address is listed once, and ten at most', () => {
  expect(urlsIn('https://a.example https://a.example')).toEqual(['https://a.example'])
  const many = Array.from({ length: 12 }, (_, n) => `https://example.com/${n}`)
  expect(urlsIn(many.join(' '))).toEqual(many.slice(0, 10))
})

test('whatever is listed stands in the text, is a web address and comes back from itself', () => {
  const piece = fc.constantFrom(
    'http',
    's',
    '://',
    'https://',
    'a',
    'example.com',
    '.',
    '/',
    ')',
    '(',
    ' ',
    '[',
    ']',
    '?',
    '*',
    '@',
    ':',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('')
      for (const url of urlsIn(text)) {
        expect(text).toContain(url)
        expect(['http:', 'https:']).toContain(new URL(url).protocol)
        expect(urlsIn(url)).toEqual([url])
      }
    }),
    { numRuns: 3_000 },
  )
})

test('a hostile text of the greatest length is no trouble', () => {
  const length = 100_000
  expect(urlsIn('https://'.repeat(length)).length).toBeLessThanOrEqual(10)
  expect(urlsIn('http'.repeat(length))).toEqual([])
  expect(urlsIn(`https://a${')'.repeat(length)}`)).toEqual(['https://a'])
  expect(urlsIn(`https://a${'('.repeat(length)}${'.'.repeat(length)}`)).toEqual([`https://a${'('.repeat(length)}`])
})
