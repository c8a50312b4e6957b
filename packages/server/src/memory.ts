// Memory that V8 would give back later than we want. It frees what nobody uses when room gets scarce, and does not know how
// little a desk needs.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (how: { type: 'minor' } | { type: 'major'; flavor: 'last-resort' }) => void

let collector: Collect | undefined

/** V8's own, which it shows only where it is asked to. */
function collect(how: Parameters<Collect>[0]): void {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc')
    collector = runInNewContext('gc') as Collect
    setFlagsFromString('--no-expose-gc')
  }
  collector(how)
}

/** By then the first calls have found everything loaded, and the start is over. */
const AFTER_MS = 1_000

/**
 * Gives back what only the start needed, once and in a moment: reading the program leaves tens of megabytes that V8 would
 * keep as long as nobody asks for memory, which on an idle desk is for ever. Stops everything for less than 100 ms.
 */
export function releaseStartMemory(): void {
  // Any other way collects, but keeps the pages for later.
  setTimeout(() => collect({ type: 'major', flavor: 'last-resort' }), AFTER_MS).unref()
}

const PASSED_BYTES = 16_777_216

let passed = 0

/**
 * Counts bytes that have passed through the process and are used no more. Each read of a socket has a buffer of its own
 * outside V8's heap, so V8 sees little reason to collect: large files at full speed would leave a hundred megabytes of
 * them lying about. Looking through the youngest objects every now and then takes a millisecond or two.
 */
export function notePassedBytes(bytes: number): void {
  passed += bytes
  if (passed < PASSED_BYTES) return
  passed = 0
  collect({ type: 'minor' })
}
