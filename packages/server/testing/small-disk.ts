// A real disk that is small enough to be full: a file system in memory, mounted where only one process and its children see it.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const own = ['unshare', '--mount', '--propagation', 'private'] as const

/** How to get a mount of one's own here: as root, or as somebody who may be root of a namespace. */
const ways = [own, [...own, '--map-root-user']]
const way = ways.find(([command = '', ...words]) => {
  return spawnSync(command, [...words, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
})

/** Whether this machine lets us. */
export const canMakeDisk = way !== undefined

/** A command to run another under, for which this folder is a disk of so many megabytes with nothing on it. */
export function onSmallDisk(folder: string, megabytes: number, prepare = 'true'): string[] {
  const script = `mount -t tmpfs -o size=${String(megabytes)}m none "$0" && cd "$0" && ${prepare} && exec "$@"`
  return [...(way ?? []), 'sh', '-c', script, folder]
}

/** The disk of a process that runs there, as others find it. */
export function diskOf(pid: number, folder: string): { fill(): void; makeSpace(): void } {
  const ballast = join(`/proc/${String(pid)}/root`, folder, 'ballast')
  return {
    fill() {
      for (let bytes = 1_048_576; bytes >= 1; bytes /= 2) while (isWritten(Buffer.alloc(bytes)));
    },
    makeSpace: () => rmSync(ballast),
  }

  function isWritten(chunk: Buffer): boolean {
    try {
      writeFileSync(ballast, chunk, { flag: 'a' })
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOSPC') return false
      throw error
    }
  }
}
