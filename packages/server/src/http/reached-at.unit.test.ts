import { expect, test } from 'vitest'
import { reachedAt } from './reached-at.ts'

const plain = { isEncrypted: false, trustProxyHops: 0 }
const behind = (trustProxyHops: number) => ({ isEncrypted: false, trustProxyHops })

test.each([
  ['chat.example.org', 'http://chat.example.org'],
  ['Chat.Example.org:8080', 'http://chat.example.org:8080'],
  ['localhost:3000', 'http://localhost:3000'],
  ['127.0.0.1:3000', 'http://127.0.0.1:3000'],
  ['[::1]:3000', 'http://[::1]:3000'],
])('a caller who names %s reached the server at %s', (host, address) => {
  expect(reachedAt({ host }, plain)).toBe(address)
  expect(reachedAt({ host }, { ...plain, isEncrypted: true })).toBe(address.replace('http:', 'https:'))
})

test.each(['', 'evil.example/path', 'user@evil.example', 'a b', '"><script>', 'x?y', 'x#y', 'host:port', '[::1', '-'])(
  'a host of %j is none',
  (host) => {
    expect(reachedAt({ host }, plain)).toBeUndefined()
  },
)

test('nobody at all is reached nowhere', () => {
  expect(reachedAt({}, plain)).toBeUndefined()
})

const proxied = { host: 'inside:3000', 'x-forwarded-host': 'chat.example.org', 'x-forwarded-proto': 'https' }

test('proxies are believed where they are trusted', () => {
  expect(reachedAt(proxied, plain)).toBe('http://inside:3000')
  expect(reachedAt(proxied, behind(1))).toBe('https://chat.example.org')
  expect(reachedAt({ host: 'chat.example.org', 'x-forwarded-proto': 'HTTPS' }, behind(2))).toBe(
    'https://chat.example.org',
  )
  expect(reachedAt({ host: 'chat.example.org', 'x-forwarded-proto': 'gopher' }, behind(1))).toBe(
    'http://chat.example.org',
  )
})

test('what a caller claims is not believed in the place of what the trusted proxy says', () => {
  const claimed = {
    ...proxied,
    'x-forwarded-host': 'evil.example, chat.example.org',
    'x-forwarded-proto': 'http,https',
  }
  expect(reachedAt(claimed, behind(1))).toBe('https://chat.example.org')
})
