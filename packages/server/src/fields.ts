/** Which parts of a document to show: 1 names what to show and nothing else, 0 what to leave out. */
export type Fields = Readonly<Record<string, 0 | 1>>

/** The projection in a JSON text (contract §G.4), or `undefined` where it is none. */
export function readFields(text: string): Fields | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.values(value).every((shown) => shown === 0 || shown === 1) ? (value as Fields) : undefined
}

/**
 * What a projection leaves of a document. Paths go into objects and lists (`emails.address`). `_id` is shown unless it is
 * left out by name. It only ever takes away, so it shows nothing that its reader might not see.
 */
export function project(document: unknown, fields: Fields): unknown {
  const shown = pathsOf(fields, 1).filter((path) => path !== '_id')
  if (shown.length > 0) return keep(document, treeOf(fields['_id'] === 0 ? shown : ['_id', ...shown]))
  return fields['_id'] === 1 ? keep(document, treeOf(['_id'])) : drop(document, treeOf(pathsOf(fields, 0)))
}

/** Names at each level of the paths; one without any below it means all that is there. */
type Tree = ReadonlyMap<string, Tree>
type GrowingTree = Map<string, GrowingTree>

function pathsOf(fields: Fields, way: 0 | 1): string[] {
  return Object.keys(fields).filter((path) => fields[path] === way)
}

function treeOf(paths: readonly string[]): Tree {
  const root: GrowingTree = new Map()
  // The shorter path comes first: what it names whole is not narrowed by a longer one.
  for (const path of [...paths].sort((a, b) => a.length - b.length)) grow(root, path.split('.'))
  return root
}

function grow(root: GrowingTree, names: readonly string[]): void {
  let level = root
  for (const [depth, name] of names.entries()) {
    const known = level.get(name)
    if (known?.size === 0) return
    const next = known ?? new Map<string, GrowingTree>()
    level.set(name, next)
    level = next
    if (depth === names.length - 1) return
  }
}

function keep(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.map((item) => keep(item, tree))
  if (!isObject(value)) return undefined
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      const below = tree.get(name)
      if (below === undefined) return []
      return [[name, below.size === 0 ? part : keep(part, below)]]
    }),
  )
}

function drop(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.map((item) => drop(item, tree))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      const below = tree.get(name)
      if (below === undefined) return [[name, part]]
      return below.size === 0 ? [] : [[name, drop(part, below)]]
    }),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
