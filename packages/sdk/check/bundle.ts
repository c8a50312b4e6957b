import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'

// What a page pays for the class at most; the promise of the readme.
const limitBytes = 5_000

const complaints: string[] = []

const bytes = gzipSync(read('sdk.mjs'), { level: 9 }).length
console.log(`dist/sdk.mjs: ${bytes} of at most ${limitBytes} bytes gzip`)
if (bytes > limitBytes) complaints.push('dist/sdk.mjs is too large')

const imported = (await import(new URL('../dist/sdk.mjs', import.meta.url).href)) as object
const required = createRequire(import.meta.url)('../dist/sdk.cjs') as object
for (const [file, module] of Object.entries({ 'sdk.mjs': imported, 'sdk.cjs': required })) {
  const names = Object.keys(module).sort().join(', ')
  if (names !== 'APIError, RocketChatLivechat') complaints.push(`dist/${file} exports ${names}`)
}

for (const file of ['sdk.mjs', 'sdk.cjs', 'sdk.d.mts', 'sdk.d.cts']) {
  const outside = /^\s*(import\b.*|export .* from .*)|\b(import|require)\(/m.exec(read(file))
  if (outside !== null) complaints.push(`dist/${file} needs something from outside: ${outside[0]}`)
}

for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1

function read(file: string): string {
  return readFileSync(new URL(`../dist/${file}`, import.meta.url), 'utf8')
}
