// The operating system's limit on how long a file a process may write: the nearest to a full disk that any machine can do.
// A write behind it fails as one on a full disk does, with another number (EFBIG).
import { spawnSync } from 'node:child_process'

/** Whether limits of another process can be changed here. */
export const canLimitFiles = spawnSync('prlimit', ['--version']).status === 0

/** From now on a process writes into no file behind so many bytes. */
export function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  // The soft limit only: what may be lowered may be raised again.
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${String(bytes)}:`])
  if (status !== 0) throw new Error(`The limit could not be set: ${stderr.toString()}`)
}
