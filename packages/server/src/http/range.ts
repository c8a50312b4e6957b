/** A part of a file, both ends included. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * The part of a file of `size` bytes that a `Range` header asks for. Several parts, other units and nonsense ask for
 * the whole, as RFC 9110 lets us; a part that lies outside is `'outside'`.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'outside' | undefined {
  const edges = /^bytes=(?<first>\d{0,16})-(?<last>\d{0,16})$/.exec(header?.trim() ?? '')?.groups as Edges | undefined
  if (edges === undefined) return undefined
  const { first, last } = edges
  if (first === '') return last === '' ? undefined : lastBytes(Number(last), size)
  const start = Number(first)
  const end = last === '' ? Infinity : Number(last)
  if (end < start) return undefined
  return start < size ? { start, end: Math.min(end, size - 1) } : 'outside'
}

/** As they were written; each may be empty. */
interface Edges {
  first: string
  last: string
}

function lastBytes(count: number, size: number): ByteRange | 'outside' {
  return count > 0 && size > 0 ? { start: Math.max(0, size - count), end: size - 1 } : 'outside'
}
