// What can be reached at all: an address that nobody listed is one that nobody guards (promises, chatwoot #14046).
import { contract } from '@deskbell/contract/contract.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import { expect, test } from 'vitest'
import { startTestServer } from '../../testing/testing.ts'

const operations: Readonly<Record<string, Operation>> = contract

/** Everything outside the API, as the last lines of docs/architecture.md have it. */
const outside = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/docs',
  ...['favicon-32x32.png', 'start.js', 'swagger-ui-bundle.js', 'swagger-ui.css'].map((file) => `/docs/${file}`),
  '/api/info',
  '/setup',
  '/account/:token',
  '/file-upload/:id/:name',
  '/avatar/:name',
  '/avatar/room/:id',
  '/avatar/uid/:id',
  '/sounds/chime.mp3',
]

test('every address that the server knows is an operation of the contract, or listed here', async () => {
  const desk = await startTestServer()
  await desk.server.http.ready()
  const spelled = Object.entries(operations).flatMap(([key, { aliases = [] }]) => [key, ...aliases])
  const known = spelled.map((spelling) => `/api/v1${spelling.slice(spelling.indexOf('/'))}`)
  expect(pathsIn(desk.server.http.printRoutes({ commonPrefix: false })).toSorted()).toEqual(
    [...new Set([...known, ...outside])].toSorted(),
  )
  await desk.stop()
})

/** The addresses in the tree that Fastify draws: a line for each, which leaves out what the lines above it began with. */
function pathsIn(tree: string): string[] {
  const above: string[] = []
  return tree
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => {
      const [, indent = '', part = '', methods] = /^([│ ]*)[├└]── (\S*)( \(.*\))?$/u.exec(line) ?? []
      const depth = indent.length / 4
      above.length = depth
      above.push(part)
      return methods === undefined ? [] : [above.join('')]
    })
}
