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

export interface SmallDisk {
  megabytes: number
  /** How many files and folders fit on it. */
  files?: number
  /** What a shell does there before. */
  prepare?: string
}

/** A command to run another under, for which this folder is a small disk with nothing on it. */
export function onSmallDisk(folder: string, { megabytes, files = 10_000, prepare = 'true' }: SmallDisk): string[] {
  const options = `size=${String(megabytes)}m,nr_inodes=${String(files)}`
  const script = `mount -t tmpfs -o ${options} none "$0" && cd "$0" && ${prepare} && exec "$@"`
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
