import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressKey } from './address-key.ts'

describe('the address that limits count', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:0DB8:0000:0001:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['::192.0.2.7', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
    ['not an address', 'not an address'],
  ])('of %s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  test('is the same for all of an IPv6 /64, and for no other', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), (one, other) => {
        const [a, b] = [groupsOf(one), groupsOf(other)]
        fc.pre(isNotMapped(a) && isNotMapped(b))
        const sameNetwork = a.slice(0, 4).join(':') === b.slice(0, 4).join(':')
        expect(addressKey(one) === addressKey(other)).toBe(sameNetwork)
        expect(addressKey([...a.slice(0, 4), ...b.slice(4)].join(':'))).toBe(addressKey(one))
      }),
    )
  })

  test('is the same for an IPv4 address however it arrives', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKey(`::ffff:${address}`)).toBe(address)
        expect(addressKey(address)).toBe(address)
      }),
    )
  })
})

/** All eight groups, by the text rules of RFC 4291 and nothing of the code under test. */
function groupsOf(address: string): string[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number)
    return `${(a! * 256 + b!).toString(16)}:${(c! * 256 + d!).toString(16)}`
  })
  const [head = '', tail = ''] = hex.split('::')
  const split = (part: string) => part.split(':').filter((group) => group !== '')
  const missing = 8 - split(head).length - split(tail).length
  const zeros = hex.includes('::') ? Array.from({ length: missing }, () => '0') : []
  return [...split(head), ...zeros, ...split(tail)].map((group) => parseInt(group, 16).toString(16))
}

function isNotMapped(groups: string[]): boolean {
  return groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff'
}
