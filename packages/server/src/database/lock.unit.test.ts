import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DataFolderInUse, findDataFolderOwner, lockDataFolder } from './lock.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'deskbell-lock-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Another process that takes the lock and keeps it until it is killed. */
async function otherOwner(): Promise<ChildProcess> {
  const lock = join(import.meta.dirname, 'lock.ts')
  const program = `
    const { lockDataFolder } = await import(${JSON.stringify(lock)})
    lockDataFolder(${JSON.stringify(folder)})
    console.log('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

describe('the lock of a data folder', () => {
  test('keeps a second one out and names the process that holds it', () => {
    const lock = lockDataFolder(folder)
    expect(() => lockDataFolder(folder)).toThrow(`${folder} is in use by process ${process.pid}.`)
    expect(findDataFolderOwner(folder)).toBe(process.pid)
    lock.release()
    expect(findDataFolderOwner(folder)).toBeUndefined()
    lockDataFolder(folder).release()
  })

  test('holds against another process, and is free at once when that is killed', async () => {
    const other = await otherOwner()
    expect(findDataFolderOwner(folder)).toBe(other.pid)
    expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse)
    other.kill('SIGKILL')
    await once(other, 'exit')
    expect(findDataFolderOwner(folder)).toBeUndefined()
    lockDataFolder(folder).release()
  })

  test('a refused one leaves the lock with its owner', () => {
    const lock = lockDataFolder(folder)
    for (let attempt = 0; attempt < 3; attempt++) expect(() => lockDataFolder(folder)).toThrow(DataFolderInUse)
    expect(findDataFolderOwner(folder)).toBe(process.pid)
    lock.release()
  })

  test('creates a folder that is absent, for its owner only', () => {
    const deep = join(folder, 'a', 'b')
    lockDataFolder(deep).release()
    expect(readdirSync(deep)).toEqual(['deskbell.lock'])
  })

  test('asking who holds it creates nothing', () => {
    expect(findDataFolderOwner(folder)).toBeUndefined()
    expect(readdirSync(folder)).toEqual([])
  })
})
