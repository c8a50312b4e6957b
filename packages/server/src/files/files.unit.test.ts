import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DISK_FLOOR_BYTES, DiskNearlyFull, makeFileStore } from './files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deskbell-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('nothing is taken that would leave the disk less than its floor', async () => {
  const store = makeFileStore({
    folder,
    newId: () => 'id',
    freeBytes: () => Promise.resolve(DISK_FLOOR_BYTES + 1_000),
  })
  await store.requireRoomFor(1_000)
  await expect(store.requireRoomFor(1_001)).rejects.toThrow(DiskNearlyFull)
})

test('a file whose length nobody said ends where the disk does', async () => {
  let free = DISK_FLOOR_BYTES + 40_000_000
  const store = makeFileStore({ folder, newId: () => 'id', freeBytes: () => Promise.resolve(free) })
  async function* endless() {
    const chunk = Buffer.alloc(1_000_000)
    for (;;) {
      free -= chunk.length
      yield await Promise.resolve(chunk)
    }
  }
  await expect(store.receive(endless(), Infinity)).rejects.toThrow(DiskNearlyFull)
  expect(free).toBeGreaterThan(DISK_FLOOR_BYTES - 20_000_000)
  expect(await readdir(join(folder, 'incoming'))).toEqual([])
})
