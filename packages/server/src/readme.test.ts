import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/testing.ts'

const run = promisify(execFile)
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const printed = 'http://127.0.0.1:3000'

/** The first block of the readme in this language that contains a word. */
function block(language: string, word: string): string {
  const blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
  const found = blocks.find(([, itsLanguage, text = '']) => itsLanguage === language && text.includes(word))
  if (found?.[2] === undefined) throw new Error(`The readme has no ${language} block with ${word}.`)
  return found[2]
}

describe('the readme', () => {
  let desk: TestServer
  let url: string

  beforeAll(async () => {
    desk = await startTestServer()
    await desk.staff({ username: 'admin', password: 'correct-horse-battery', roles: ['user', 'admin'] })
    url = await desk.server.listen()
  })
  afterAll(() => desk.stop())

  test('shows a conversation with curl that runs as printed', async () => {
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', block('sh', 'curl').replaceAll(printed, url)])
    const answers = stdout.split(/(?<=\})(?=\{)/).map((answer) => JSON.parse(answer) as Record<string, unknown>)
    expect(answers.map(({ success }) => success)).toEqual(answers.map(() => true))
    expect(answers).toHaveLength(6)
    const { messages } = answers.at(-1) as { messages: { msg: string; t?: string }[] }
    expect(messages.filter(({ t }) => t === undefined).map(({ msg }) => msg)).toEqual([
      'It left this morning.',
      'Is my parcel on its way?',
    ])
  })

  test('shows a conversation with the SDK that runs as printed', async () => {
    const sdk = new URL('../../sdk/src/sdk.ts', import.meta.url).href
    const script = block('js', 'RocketChatLivechat').replace('@deskbell/sdk', sdk).replaceAll(printed, url)
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script])
    expect(stdout).toContain(': Is my parcel on its way?\n')
  })
})
