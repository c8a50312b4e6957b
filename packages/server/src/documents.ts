// `npm run openapi`: writes the documents that are made from code. With `--check` it changes nothing and fails where one
// of them is not what the code says now.
import { readFileSync, writeFileSync } from 'node:fs'
import { areas } from '@deskbell/contract/contract.ts'
import { openApiDocument } from '@deskbell/contract/openapi.ts'
import { visitorQuota } from './areas/files/files.ts'
import { configurationPage } from './config.ts'
import { limitsPage } from './http/limits-page.ts'
import { readVersion } from './version.ts'

const docs = new URL('../../../docs/', import.meta.url)

/** File under docs/ → its text. */
const documents: Readonly<Record<string, () => string>> = {
  'openapi.json': () => `${JSON.stringify(openApiDocument(areas, { version: readVersion() }), null, 2)}\n`,
  'configuration.md': configurationPage,
  'limits.md': () => limitsPage(areas, visitorQuota),
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

function read(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
