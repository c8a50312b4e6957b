/** Remembers for a moment that the disk took no more. */
export interface SpaceWatch {
  /** A write was refused for want of space. */
  noteRefused(): void
  /** Whether one was just now. */
  isLacking(): boolean
}

/** While space lacks, the worker tries to write every second: whoever was not refused for so long is not any more. */
const REMEMBERED_MS = 5_000

/** A watch of one database. */
export function watchSpace(clock: () => number): SpaceWatch {
  let refusedAtMs: number | undefined
  return {
    noteRefused: () => void (refusedAtMs = clock()),
    isLacking: () => refusedAtMs !== undefined && Math.abs(clock() - refusedAtMs) < REMEMBERED_MS,
  }
}
