import { readFileSync } from 'node:fs'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

/**
 * How many commits a SQLite write-ahead log holds since it was last begun anew: frames of the log's present salt that
 * carry a database size, which only the last frame of a commit does (https://sqlite.org/fileformat2.html#walformat).
 */
export function countCommits(walFile: string): number {
  const log = readFileSync(walFile)
  if (log.length === 0) return 0
  const pageBytes = log.readUInt32BE(8)
  const salt = log.subarray(16, 24)
  let commits = 0
  for (let at = HEADER_BYTES; at + FRAME_HEADER_BYTES + pageBytes <= log.length; at += FRAME_HEADER_BYTES + pageBytes) {
    if (!log.subarray(at + 8, at + 16).equals(salt)) break
    if (log.readUInt32BE(at + 4) > 0) commits += 1
  }
  return commits
}
