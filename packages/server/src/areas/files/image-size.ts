// How large a picture is, from its header alone: no pixel is ever decoded, so a bomb is just two large numbers.

export interface ImageSize {
  width: number
  height: number
}

/** The size that the header of a PNG, JPEG, GIF or WebP says; `undefined` where these first bytes do not say it. */
export function imageSizeOf(type: string, start: Buffer): ImageSize | undefined {
  const parse = Object.hasOwn(parsers, type) ? parsers[type] : undefined
  const size = parse?.(start)
  return size === undefined || size.width === 0 || size.height === 0 ? undefined : size
}

const parsers: Readonly<Record<string, (start: Buffer) => ImageSize | undefined>> = {
  'image/png': sizeOfPng,
  'image/apng': sizeOfPng,
  'image/jpeg': sizeOfJpeg,
  'image/gif': sizeOfGif,
  'image/webp': sizeOfWebp,
}

function sizeOfPng(start: Buffer): ImageSize | undefined {
  if (start.length < 24 || textAt(start, 12, 4) !== 'IHDR') return undefined
  return { width: start.readUInt32BE(16), height: start.readUInt32BE(20) }
}

function sizeOfGif(start: Buffer): ImageSize | undefined {
  if (start.length < 10) return undefined
  return { width: start.readUInt16LE(6), height: start.readUInt16LE(8) }
}

// Start-of-frame segments; 0xC4, 0xC8 and 0xCC among them mean something else (ITU T.81, table B.1).
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** Walks from segment to segment: each says its length, at least two, so the walk ends. */
function sizeOfJpeg(start: Buffer): ImageSize | undefined {
  let at = 2
  while (at + 9 <= start.length && start[at] === 0xff) {
    const marker = start.readUInt8(at + 1)
    if (isFrame(marker)) return { height: start.readUInt16BE(at + 5), width: start.readUInt16BE(at + 7) }
    // Any number of 0xFF bytes may stand before a marker.
    at += marker === 0xff ? 1 : 2 + Math.max(2, start.readUInt16BE(at + 2))
  }
  return undefined
}

function sizeOfWebp(start: Buffer): ImageSize | undefined {
  if (start.length < 30) return undefined
  switch (textAt(start, 12, 4)) {
    case 'VP8X':
      return { width: start.readUIntLE(24, 3) + 1, height: start.readUIntLE(27, 3) + 1 }
    case 'VP8L': {
      const bits = start.readUInt32LE(21)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'VP8 ':
      return { width: start.readUInt16LE(26) & 0x3fff, height: start.readUInt16LE(28) & 0x3fff }
    default:
      return undefined
  }
}

function textAt(start: Buffer, at: number, length: number): string {
  return start.toString('latin1', at, at + length)
}
