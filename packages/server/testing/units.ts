// Cuts the bytes of a connection into wholes: HTTP requests, answers up to an upgrade, WebSocket frames (RFC 6455, 5.2).
// Who loses, doubles or swaps something must do it to wholes: TCP itself never loses a byte, and a stream with a hole in it
// would only be a broken frame, which ends the connection.

export interface Unit {
  /** `request`: a whole one; `upgrade`: the head that opens a socket, or the answer to it; `bytes`: anything else. */
  kind: 'request' | 'upgrade' | 'text' | 'control' | 'bytes'
  bytes: Buffer
}

/** Takes bytes as they come and answers the wholes that they complete. */
export type Splitter = (bytes: Buffer) => Unit[]

const HEAD_END = '\r\n\r\n'
const LONGEST_REQUEST = 1024 * 1024
const LONGEST_FRAME = 4 * 1024 * 1024

type Way = 'up' | 'down'
type Step = { unit: Unit; next: 'head' | 'frames' | 'rest' }

/** A splitter of what a client says (`up`) or hears (`down`). What it does not understand goes by as it comes. */
export function makeSplitter(way: Way): Splitter {
  let kept: Buffer = Buffer.alloc(0)
  let at: Step['next'] = 'head'
  return (bytes) => {
    kept = kept.length === 0 ? bytes : Buffer.concat([kept, bytes])
    const units: Unit[] = []
    while (kept.length > 0) {
      const step = at === 'head' ? takeHead(kept, way) : at === 'frames' ? takeFrame(kept) : takeRest(kept)
      if (step === undefined) break
      units.push(step.unit)
      kept = kept.subarray(step.unit.bytes.length)
      at = step.next
    }
    return units
  }
}

/** The text of a frame, unmasked. */
export function textOf({ bytes }: Unit): string {
  const { start, end, isMasked } = measure(bytes) ?? { start: 0, end: 0, isMasked: false }
  const payload = Buffer.from(bytes.subarray(start, end))
  if (isMasked) for (let at = 0; at < payload.length; at++) payload[at]! ^= bytes[start - 4 + (at % 4)]!
  return payload.toString('utf8')
}

function takeHead(bytes: Buffer, way: Way): Step | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return bytes.length > LONGEST_REQUEST ? takeRest(bytes) : undefined
  const head = bytes.toString('latin1', 0, end)
  const headEnd = end + HEAD_END.length
  const opensSocket = way === 'up' ? /^upgrade: *websocket/im.test(head) : head.startsWith('HTTP/1.1 101')
  if (opensSocket) return { unit: { kind: 'upgrade', bytes: bytes.subarray(0, headEnd) }, next: 'frames' }
  // An answer that opens no socket is never taken apart.
  const length = way === 'up' ? bodyLength(head) : undefined
  if (length === undefined) return takeRest(bytes)
  if (bytes.length < headEnd + length) return undefined
  return { unit: { kind: 'request', bytes: bytes.subarray(0, headEnd + length) }, next: 'head' }
}

/** What the body of a request measures, where its head says so and it is not long. */
function bodyLength(head: string): number | undefined {
  if (/^transfer-encoding:/im.test(head)) return undefined
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return length <= LONGEST_REQUEST ? length : undefined
}

function takeFrame(bytes: Buffer): Step | undefined {
  const measured = measure(bytes)
  if (measured !== undefined && measured.end > LONGEST_FRAME) return takeRest(bytes)
  if (measured === undefined || bytes.length < measured.end) return undefined
  const isWholeText = bytes[0] === 0x81
  return {
    unit: { kind: isWholeText ? 'text' : 'control', bytes: bytes.subarray(0, measured.end) },
    next: 'frames',
  }
}

function takeRest(bytes: Buffer): Step {
  return { unit: { kind: 'bytes', bytes }, next: 'rest' }
}

/** Where the payload of a frame begins and ends. */
function measure(bytes: Buffer): { start: number; end: number; isMasked: boolean } | undefined {
  if (bytes.length < 2) return undefined
  const isMasked = (bytes[1]! & 0x80) !== 0
  const short = bytes[1]! & 0x7f
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const start = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (bytes.length < start) return undefined
  const long = { 0: () => short, 2: () => bytes.readUInt16BE(2), 8: () => Number(bytes.readBigUInt64BE(2)) }
  return { start, end: start + long[lengthBytes](), isMasked }
}
