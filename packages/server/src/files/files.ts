// What people sent, on disk: under <data folder>/uploads, each file by its id, in folders that hold a few hours each.
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { notePassedBytes } from '../memory.ts'

/** A file that has come in whole and is on disk, under a name of its own that nobody reads. */
export interface ReceivedFile {
  id: string
  size: number
  /** SHA-256 of the bytes, base64url. */
  hash: string
  /** The first bytes of the file, as many as there are. */
  start(bytes: number): Promise<Buffer>
  /** Gives the file the place where it is read, and answers when that too is on disk. @throws DiskNearlyFull */
  keep(): Promise<void>
  /** Takes it away, kept or not. */
  discard(): Promise<void>
}

export interface FileStore {
  /**
   * Answers where the disk has room for a file of this size.
   * @throws DiskNearlyFull
   */
  requireRoomFor(bytes: number): Promise<void>
  /**
   * Writes bytes to disk as they come; what is left of a file that ends early is removed.
   * @throws FileTooLarge as soon as more than `maxBytes` have come, DiskNearlyFull also where the disk was full all the
   * same, and what the bytes' source throws
   */
  receive(bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<ReceivedFile>
  /** The bytes of a kept file, from `start` to `end`, both included; `undefined` where there is no such file. */
  read(id: string, range?: { start: number; end: number }): Promise<Readable | undefined>
  /** Removes files; those that are gone already do not matter. */
  remove(ids: readonly string[]): Promise<void>
  /**
   * Removes what a process that ended left behind: uploads that never ended, and files of the last days that `known` does
   * not name. Whatever is younger than an hour is left alone, it may be somebody's work.
   */
  sweep(known: (ids: readonly string[]) => Promise<ReadonlySet<string>>): Promise<void>
}

/** More bytes came than the caller takes. */
export class FileTooLarge extends Error {
  override name = 'FileTooLarge'
}

/** So much of the disk is left free: the database needs it. */
export const DISK_FLOOR_BYTES = 268_435_456

/** A file that would take the disk below its floor, or that did not fit on it. */
export class DiskNearlyFull extends Error {
  override name = 'DiskNearlyFull'
}

/** After so many bytes of a file its room is looked at again: its sender may not have said how long it is. */
const BYTES_PER_LOOK = 16_777_216

const HOUR_MS = 3_600_000

// The first characters of an id are its time: a folder takes the files of two and a half hours.
const FOLDER_NAME_LENGTH = 4

/** So many of the latest folders are swept; the older ones were. */
const SWEPT_FOLDERS = 30
const SWEPT_AT_ONCE = 500

export interface FileStoreOptions {
  folder: string
  newId: () => string
  /** The bytes free on the disk of a folder; absent: as the system says. */
  freeBytes?: (folder: string) => Promise<number>
}

/** The files of one data folder. It is made with the first file. */
export function makeFileStore({ folder, newId, freeBytes = bytesFreeAt }: FileStoreOptions): FileStore {
  const incoming = join(folder, 'incoming')
  const kept = join(folder, 'kept')
  const placeOf = (id: string) => join(kept, id.slice(0, FOLDER_NAME_LENGTH), id)
  const removeOne = (path: string) => rm(path, { force: true })

  const { requireRoomFor, whileRoom } = watchRoom(incoming, freeBytes)

  return {
    requireRoomFor,
    async receive(bytes, maxBytes) {
      const id = newId()
      const path = join(incoming, id)
      try {
        await mkdir(incoming, { recursive: true })
        const written = await writeOut(path, whileRoom(bytes), maxBytes)
        return {
          id,
          ...written,
          start: (bytes) => readStart(path, Math.min(bytes, written.size)),
          keep: () => moveInto(path, placeOf(id)).catch(refuseInOurWords),
          async discard() {
            await removeOne(path)
            await removeOne(placeOf(id))
          },
        }
      } catch (error) {
        await removeOne(path)
        return refuseInOurWords(error)
      }
    },
    async read(id, range) {
      const handle = await orMissing(open(placeOf(id), 'r'))
      return handle?.createReadStream(range)
    },
    async remove(ids) {
      for (const id of ids) await removeOne(placeOf(id))
    },
    async sweep(known) {
      for (const path of await oldFilesIn(incoming)) await removeOne(path)
      const folders = (await orMissing(readdir(kept))) ?? []
      for (const name of folders.sort().slice(-SWEPT_FOLDERS)) await sweepFolder(join(kept, name), known)
    },
  }
}

/** Looks at the room on the disk of a folder, which is made where it is missing. */
function watchRoom(folder: string, freeBytes: (folder: string) => Promise<number>) {
  async function requireRoomFor(bytes: number): Promise<void> {
    await mkdir(folder, { recursive: true }).catch(refuseInOurWords)
    if ((await freeBytes(folder)) < DISK_FLOOR_BYTES + bytes) throw new DiskNearlyFull('The disk is nearly full.')
  }

  /** Bytes on their way to the disk, as long as it has room. */
  async function* whileRoom(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let looksIn = 0
    for await (const chunk of bytes) {
      if (looksIn <= 0) {
        await requireRoomFor(chunk.length)
        looksIn = BYTES_PER_LOOK
      }
      looksIn -= chunk.length
      yield chunk
    }
  }

  return { requireRoomFor, whileRoom }
}

async function bytesFreeAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Writes bytes into a new file and flushes it. */
async function writeOut(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ size: number; hash: string }> {
  const handle = await open(path, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    let size = 0
    for await (const chunk of bytes) {
      size += chunk.length
      if (size > maxBytes) throw new FileTooLarge(`More than ${String(maxBytes)} bytes came.`)
      hash.update(chunk)
      await handle.appendFile(chunk)
      notePassedBytes(chunk.length)
    }
    await handle.sync()
    return { size, hash: hash.digest('base64url') }
  } finally {
    await handle.close()
  }
}

/** How the system says that no more goes on the disk: it is full, or a quota is, or a limit of the process is met. */
const TAKES_NO_MORE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** @throws DiskNearlyFull for what did not fit, and everything else as it is */
function refuseInOurWords(error: unknown): never {
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && TAKES_NO_MORE.has(code))
    throw new DiskNearlyFull('The disk takes no more.', { cause: error })
  throw error
}

async function readStart(path: string, bytes: number): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** A rename is on disk when its folder is, and a new folder when the one above it is. */
async function moveInto(path: string, place: string): Promise<void> {
  const folder = dirname(place)
  const made = await mkdir(folder, { recursive: true })
  await rename(path, place)
  await flushFolder(folder)
  if (made !== undefined) for (const above of [dirname(folder), dirname(dirname(folder))]) await flushFolder(above)
}

async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function sweepFolder(
  folder: string,
  known: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<void> {
  const paths = await oldFilesIn(folder)
  for (let from = 0; from < paths.length; from += SWEPT_AT_ONCE) {
    const some = paths.slice(from, from + SWEPT_AT_ONCE)
    const wanted = await known(some.map(idOf))
    for (const path of some) if (!wanted.has(idOf(path))) await rm(path, { force: true })
  }
}

function idOf(path: string): string {
  return path.slice(dirname(path).length + 1)
}

/** The files of a folder to which nobody has written for an hour. */
async function oldFilesIn(folder: string): Promise<string[]> {
  const old: string[] = []
  for (const name of (await orMissing(readdir(folder))) ?? []) {
    const path = join(folder, name)
    const writtenAt = (await orMissing(stat(path)))?.mtimeMs
    if (writtenAt !== undefined && writtenAt < Date.now() - HOUR_MS) old.push(path)
  }
  return old
}

/** What is not there is `undefined`; every other fault is one. */
async function orMissing<Found>(work: Promise<Found>): Promise<Found | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}
