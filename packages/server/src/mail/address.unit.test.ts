import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerText, parseAddress, parseMailbox } from './address.ts'

describe('an address', () => {
  test.each([
    ['ana@example.org', 'ana@example.org'],
    [' Ana.Lovelace+x@Example.ORG ', 'Ana.Lovelace+x@Example.ORG'],
    ["o'neil_1@a-b.c.example", "o'neil_1@a-b.c.example"],
    ['ana@bücher.example', 'ana@xn--bcher-kva.example'],
    ['root@localhost', 'root@localhost'],
  ])('is one local part at one domain: %s', (text, address) => {
    expect(parseAddress(text)?.toLowerCase()).toBe(address.toLowerCase())
  })

  test.each([
    '', '@', 'ana', 'ana@', '@example.org', 'a@b@c', 'a b@example.org', 'a,b@example.org', 'a@example.org, b@example.org',
    'Ana <ana@example.org>', '"ana"@example.org', 'ana@[127.0.0.1]', 'ana@127.0.0.1', 'ana@0x7f.1', 'ana@ex%61mple.org',
    '.ana@example.org', 'ana.@example.org', 'a..b@example.org', 'ana@-x.example', 'ana@x..example', 'ana@example.org.',
    'ana@example.org\r\nBcc: x@y.example', 'ana@exam\nple.org', 'ana@ex\u0000ample.org', 'änä@example.org', 'ana＠example.org',
    `${'a'.repeat(65)}@example.org`, `ana@${'a.'.repeat(126)}example`, `ana@${'a'.repeat(64)}.example`,
  ])('is nothing else: %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  }) // prettier-ignore

  test('has no character that means something in an envelope or a header, whatever it is made from', () => {
    const piece = fc.oneof(
      fc.constantFrom('a', '@', '.', 'example.org', '\r\n', '<', '>', ',', '"', ' '),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const address = parseAddress(pieces.join(''))
        expect(address ?? 'a@b').toMatch(/^[^\s<>,;:"()[\]\\@\p{C}]+@[A-Za-z\d.-]+$/u)
      }),
    )
  })
})

test.each([
  ['desk@example.org', { name: '', address: 'desk@example.org' }],
  ['Help desk <desk@example.org>', { name: 'Help desk', address: 'desk@example.org' }],
  ['"Desk, help" <desk@example.org>', { name: 'Desk, help', address: 'desk@example.org' }],
  ['<desk@example.org>', { name: '', address: 'desk@example.org' }],
  ['Desk <desk@example.org>, x@example.org', undefined],
  ['Desk <desk@example.org> <x@example.org>', undefined],
  ['Desk <>', undefined],
])('a sender is an address, with a name if wanted: %s', (text, mailbox) => {
  expect(parseMailbox(text)).toEqual(mailbox)
})

describe('a text for a header', () => {
  test.each([
    ['a\r\nBcc: x', 'a Bcc: x'],
    ['a\0b\u2028c\u0085d', 'a b c d'],
    ['\u202Eevil\u2066 name\u2069', 'evil name'],
    ['  a \t b  ', 'a b'],
    ['\uD800x', '\uFFFDx'],
  ])('is one line, in the direction of its reader: %j', (text, line) => {
    expect(headerText(text, 100)).toBe(line)
  })

  test('is cut between characters', () => {
    expect(headerText('😀'.repeat(100_000), 3)).toBe('😀😀😀')
  })
})
