import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { complaintOf } from './areas.js'

const root = `${import.meta.dirname}/../packages/server/src/areas`
const files = globSync(`${root}/*/*.ts`).filter((file) => !file.endsWith('.test.ts'))

/** Area → the areas that it imports. */
function dependencies(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const file of files) {
    const area = posix.basename(posix.dirname(file))
    const others = found.get(area) ?? new Set()
    for (const [, imported] of readFileSync(file, 'utf8').matchAll(/from '\.\.\/([a-z-]+)\/[a-z-]+\.ts'/g))
      if (imported !== undefined && imported !== area) others.add(imported)
    found.set(area, others)
  }
  return found
}

describe('the areas', () => {
  test('form no cycle', () => {
    const left = new Map(dependencies())
    const isBuiltOn = (area: string) => [...left].some(([other, its]) => other !== area && its.has(area))
    const builds = (area: string) => [...(left.get(area) ?? [])].some((other) => left.has(other))
    // Whoever imports nothing that is left, or is imported by nobody left, is in no cycle.
    for (let size = -1; size !== left.size;) {
      size = left.size
      for (const area of [...left.keys()]) if (!builds(area) || !isBuiltOn(area)) left.delete(area)
    }
    expect(
      [...left].map(([area, its]) => `${area} → ${[...its].filter((other) => left.has(other)).join(', ')}`),
    ).toEqual([])
  })

  test('stand in docs/architecture.md in the order in which they build on each other', () => {
    const text = readFileSync(`${import.meta.dirname}/../docs/architecture.md`, 'utf8')
    const line = /^Order of the areas: (.*)\.$/m.exec(text)?.[1] ?? ''
    const order = line.split(/[,→]/).map((word) => word.replaceAll('`', '').trim())
    expect([...order].sort()).toEqual([...dependencies().keys()].sort())
    for (const [area, others] of dependencies())
      for (const other of others)
        expect(order.indexOf(other), `${area} imports ${other}`).toBeLessThan(order.indexOf(area))
  })
})

describe('the rule of the import table', () => {
  const at = (file: string) => `/repo/packages/server/src/${file}.ts`

  test.each([
    ['areas/rooms/routes', 'areas/rooms/rooms', undefined],
    ['areas/rooms/rooms', 'areas/rooms/list-store', undefined],
    ['areas/rooms/rooms', 'areas/users/users', undefined],
    ['areas/rooms/rooms', 'areas/settings/catalogue', undefined],
    ['areas/rooms/routes', 'areas/timeline/wire', undefined],
    ['routes', 'areas/rooms/routes', undefined],
    ['server', 'areas/setup/page', undefined],
    ['areas/rooms/rooms', 'areas/users/store', 'store'],
    ['areas/rooms/rooms', 'areas/users/list-store', 'store'],
    ['server', 'areas/users/store', 'store'],
    ['areas/rooms/rooms', 'areas/users/routes', 'routes'],
    ['areas/rooms/rooms', 'areas/rooms/routes', 'routes'],
    ['server', 'areas/users/routes', 'routes'],
    ['areas/rooms/rooms', 'areas/timeline/wire', 'wire'],
    ['areas/timeline/wire', 'areas/visitors/anything', 'door'],
  ])('%s → %s: %s', (importer, imported, complaint) => {
    expect(complaintOf(at(importer), at(imported))).toBe(complaint)
  })
})
