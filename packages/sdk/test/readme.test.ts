import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The first block of the readme in TypeScript that contains a word, importing what is in this folder. */
function block(word: string): string {
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = '']) => text)
  const found = blocks.find((text) => text.includes(word))
  if (found === undefined) throw new Error(`The readme has no block with ${word}.`)
  const file = (path: string) => new URL(`../src/${path}`, import.meta.url).href
  return found
    .replace("'@deskbell/sdk/testing'", `'${file('testing/testing.ts')}'`)
    .replace("'@deskbell/sdk'", `'${file('sdk.ts')}'`)
}

test('the readme shows a test that runs as printed', async () => {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', block('fakeServer')])
  const [messages = '', count] = stdout.trim().split(/\n(?=\d+$)/)
  expect(messages.replaceAll(/\s+/g, ' ')).toContain("'Hello', 'Hi, what can I do for you?' ]")
  expect(count).toBe('1')
})
