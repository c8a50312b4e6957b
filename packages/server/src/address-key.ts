import { SocketAddress, isIPv4, isIPv6 } from 'node:net'

/**
 * The name under which limits count a client's address: an IPv4 address as it is, also when it arrives mapped into
 * IPv6; an IPv6 address as its /64, since one subscriber owns all of that (RFC 6177). Anything else counts as itself.
 */
export function addressKey(address: string): string {
  const bare = address.split('%', 1)[0] ?? ''
  if (isIPv4(bare) || !isIPv6(bare)) return bare
  // The parsed form is canonical: hex groups, lower case, IPv4-mapped addresses with a dotted tail.
  const canonical = new SocketAddress({ address: bare, family: 'ipv6' }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonical)
  return mapped?.[1] ?? `${firstFourGroups(canonical)}::/64`
}

function firstFourGroups(canonical: string): string {
  const [head = '', tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before.slice(0, 4).join(':')
  // A dotted tail stands for two groups, but is only written where the first four are zeros anyway.
  const after = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}
