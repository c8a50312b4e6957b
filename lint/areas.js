// Who may import whom among the areas (docs/architecture.md): a file of another area is reached through its door, the file
// that repeats the folder's name; wire.ts and catalogue.ts are the two other files that are open to neighbours.
import path from 'node:path'

const open = ['wire', 'catalogue']

/** Area and file of a path under server/src/areas, else `undefined`. */
function placeOf(file) {
  const [, area, name] = /\/server\/src\/areas\/([^/]+)\/(.+)\.ts$/.exec(file) ?? []
  return area === undefined ? undefined : { area, name }
}

/** Why `importer` may not import `imported`, or `undefined`. */
export function complaintOf(importer, imported) {
  const to = placeOf(imported)
  if (to === undefined) return undefined
  const from = placeOf(importer)
  if (to.name === 'routes') return importer.endsWith('/server/src/routes.ts') ? undefined : 'routes'
  if (from?.area === to.area) return undefined
  if (to.name === 'store' || to.name.endsWith('-store')) return 'store'
  if (to.name === 'wire') return from?.name === 'routes' || from?.name === 'wire' ? undefined : 'wire'
  // The wiring may take any other file of an area; areas take doors.
  return from === undefined || to.name === to.area || open.includes(to.name) ? undefined : 'door'
}

export const areaBoundaries = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      routes: 'Handlers are imported by server/src/routes.ts alone.',
      store: "Another area's SQL is private: ask its door.",
      wire: 'Wire words stop in routes.ts and wire.ts.',
      door: "Import another area through its door, the file that repeats the folder's name.",
    },
  },
  create(context) {
    function check(node) {
      const from = node.source?.value
      if (typeof from !== 'string' || !from.startsWith('.')) return
      const imported = path.posix.join(path.posix.dirname(context.filename), from)
      const complaint = complaintOf(context.filename, imported)
      if (complaint !== undefined) context.report({ node, messageId: complaint })
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ImportExpression: check }
  },
}
