import { randomBytes } from 'node:crypto'

// Digits and letters in byte order, without look-alikes: ids sort by time as text and can be read aloud.
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz'
const TIME_LENGTH = 8
const RANDOM_LENGTH = 12

/** A source of ids: 8 characters of time, 12 of chance (69 bits). */
export function makeNewId(clock: () => number): () => string {
  return () => timePart(clock()) + randomPart()
}

function timePart(ms: number): string {
  let rest = ms
  let text = ''
  for (let place = 0; place < TIME_LENGTH; place++) {
    text = (ALPHABET[rest % ALPHABET.length] ?? '') + text
    rest = Math.floor(rest / ALPHABET.length)
  }
  return text
}

// Asking the system for every byte would cost more than everything else about an id.
let pool = randomBytes(0)
let used = 0

function randomPart(): string {
  let text = ''
  while (text.length < RANDOM_LENGTH) {
    if (used >= pool.length) {
      pool = randomBytes(4_096)
      used = 0
    }
    const byte = pool[used++] ?? 0
    // Bytes past the last whole run of the alphabet would favour its first letters.
    if (byte < 256 - (256 % ALPHABET.length)) text += ALPHABET[byte % ALPHABET.length] ?? ''
  }
  return text
}
