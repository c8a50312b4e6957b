import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'

/** What a page pays for one export at most, minified, in bytes of gzip: the promises of the readme. */
const limits = { RocketChatLivechat: 5_000, openVisitorSession: 12_000 } as const

const exported = [
  'APIError',
  'LivechatError',
  'RocketChatLivechat',
  'indexedDBStorage',
  'isLivechatError',
  'itemStorage',
  'memoryStorage',
  'openVisitorSession',
]

const complaints: string[] = []

for (const [name, limit] of Object.entries(limits)) {
  const bytes = await bytesOfOnly(name)
  console.log(`only ${name}: ${bytes} of at most ${limit} bytes gzip`)
  if (bytes > limit) complaints.push(`${name} is too large`)
}

const imported = (await import(new URL('../dist/sdk.mjs', import.meta.url).href)) as object
const required = createRequire(import.meta.url)('../dist/sdk.cjs') as object
for (const [file, module] of Object.entries({ 'sdk.mjs': imported, 'sdk.cjs': required })) {
  const names = Object.keys(module).sort().join(', ')
  if (names !== exported.toSorted().join(', ')) complaints.push(`dist/${file} exports ${names}`)
}

for (const file of ['sdk.mjs', 'sdk.cjs', 'sdk.d.mts', 'sdk.d.cts']) {
  const outside = /^\s*(import\b.*|export .* from .*)|\b(import|require)\(/m.exec(read(file))
  if (outside !== null) complaints.push(`dist/${file} needs something from outside: ${outside[0]}`)
}

for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1

/** What a page's own bundler makes of the published file when the page uses nothing else of it. */
async function bytesOfOnly(name: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'deskbell-page-'))
  try {
    const entry = join(folder, 'page.js')
    writeFileSync(entry, `export { ${name} } from ${JSON.stringify(pathOf('sdk.mjs'))}`)
    const quietly = { config: false, clean: false, dts: false, logLevel: 'error' } as const
    await build({ ...quietly, entry, outDir: folder, platform: 'browser', minify: true, fixedExtension: true })
    return gzipSync(readFileSync(join(folder, 'page.mjs')), { level: 9 }).length
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function read(file: string): string {
  return readFileSync(new URL(`../dist/${file}`, import.meta.url), 'utf8')
}

function pathOf(file: string): string {
  return new URL(`../dist/${file}`, import.meta.url).pathname
}
