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
  'openAgentSession',
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

// What each entry may need: nothing, but for the hooks.
const needed = { sdk: [], testing: [], react: ['react', '@deskbell/sdk'] }
const endings = ['mjs', 'cjs', 'd.mts', 'd.cts']
const files = (Object.entries(needed) as [string, string[]][]).flatMap(([entry, modules]) =>
  endings.map((ending) => ({ file: `${entry}.${ending}`, modules })),
)
for (const { file, modules } of files)
  for (const name of importsOf(read(file)))
    if (!modules.includes(name)) complaints.push(`dist/${file} needs something from outside: ${name}`)

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

function importsOf(code: string): string[] {
  const imports = /^\s*(?:import|export)\b.* from ["'](.*)["']|\b(?:import|require)\(["']?(.*?)["']?\)/gm
  return [...code.matchAll(imports)].map(([, declared, called = '']) => declared ?? called)
}

function pathOf(file: string): string {
  return new URL(`../dist/${file}`, import.meta.url).pathname
}
