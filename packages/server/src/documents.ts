// `npm run openapi`: writes the documents that are made from code. With `--check` it changes nothing and fails where one
// of them is not what the code says now.
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { areas } from '@deskbell/contract/contract.ts'
import { openApiDocument } from '@deskbell/contract/openapi.ts'
import { visitorQuota } from './areas/files/files.ts'
import { compatibilityPage, type TestFile } from './compatibility-page.ts'
import { configurationPage } from './config.ts'
import { limitsPage } from './http/limits-page.ts'
import { socketLimits } from './realtime/connection.ts'
import { frameLimitBytes } from './realtime/ddp.ts'
import { addressLimits } from './realtime/neighbours.ts'
import { readVersion } from './version.ts'

const root = new URL('../../../', import.meta.url)
const docs = new URL('docs/', root)

/** File under docs/ → its text. */
const documents: Readonly<Record<string, () => string>> = {
  'openapi.json': () => `${JSON.stringify(openApiDocument(areas, { version: readVersion() }), null, 2)}\n`,
  'configuration.md': configurationPage,
  'limits.md': () =>
    limitsPage(areas, visitorQuota, { ofAddress: addressLimits, ofSocket: socketLimits, frameBytes: frameLimitBytes }),
  'compatibility.md': () => compatibilityPage(areas, testFiles()),
}

const isCheck = process.argv.includes('--check')
for (const [name, write] of Object.entries(documents)) {
  const file = new URL(name, docs)
  const text = write()
  if (read(file) === text) continue
  if (isCheck) {
    process.exitCode = 1
    process.stderr.write(`docs/${name} is stale: run \`npm run openapi\` and commit the change.\n`)
  } else {
    writeFileSync(file, text)
    process.stdout.write(`docs/${name} is written anew.\n`)
  }
}

function testFiles(): TestFile[] {
  const paths = globSync('packages/{server,sdk}/{src,test}/**/*.test.ts', { cwd: root }).sort()
  return paths.map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }))
}

function read(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
