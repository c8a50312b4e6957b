import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** By then the first calls have found everything loaded, and the start is over. */
const AFTER_MS = 1_000

/**
 * Gives back what only the start needed, once and in a moment: reading the program leaves tens of megabytes that V8 would
 * keep as long as nobody asks for memory, which on an idle desk is for ever. Stops everything for less than 100 ms.
 */
export function releaseStartMemory(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as (how: { type: 'major'; flavor: 'last-resort' }) => void
    setFlagsFromString('--no-expose-gc')
    // Any other way collects, but keeps the pages for later.
    collect({ type: 'major', flavor: 'last-resort' })
  }, AFTER_MS).unref()
}
