// A conversation as a customer's program holds it: with the SDK as it is published, from a folder outside the repository.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/testing.ts'

const run = promisify(execFile)
const sdk = join(import.meta.dirname, '../../sdk')

const conversation = `
const livechat = new RocketChatLivechat({ serverURL: process.argv[2] })
const token = 'packed/' + process.argv[3]
await livechat.visitor.registerVisitor({ token, name: 'Vera', email: 'vera@example.org' })
const { room } = await livechat.room.getRoom(token)
await livechat.messages.sendMessage(token, room._id, 'Hello', process.argv[3])
await livechat.messages.sendMessage(token, room._id, 'Hello', process.argv[3])
await livechat.messages.updateMessage(process.argv[3], token, room._id, 'Hello!')
const { messages } = await livechat.messages.getMessageHistory(room._id, token)
await livechat.room.closeRoom(room._id, token)
const refusal = await livechat.messages.sendMessage(token, room._id, 'late').catch((error) => error)
console.log(JSON.stringify({
  said: messages.filter((message) => message.t === undefined).map((message) => message.msg),
  refusal: [refusal instanceof APIError, refusal.code, refusal.message, refusal.errorType],
}))
`

describe('the packed SDK, outside the repository', () => {
  let desk: TestServer
  let url: string
  const folder = mkdtempSync(join(tmpdir(), 'deskbell-packed-'))
  beforeAll(async () => {
    const packed = join(folder, 'node_modules/@deskbell/sdk')
    mkdirSync(packed, { recursive: true })
    await run('npx', ['tsdown', '--out-dir', join(packed, 'dist'), '--log-level', 'error'], { cwd: sdk })
    cpSync(join(sdk, 'package.json'), join(packed, 'package.json'))
    desk = await startTestServer()
    await desk.agent()
    url = await desk.server.listen()
  }, 120_000)
  afterAll(async () => {
    await desk.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    ['import', 'talk.mjs', `import { APIError, RocketChatLivechat } from '@deskbell/sdk'\n${conversation}`],
    [
      'require',
      'talk.cjs',
      `const { APIError, RocketChatLivechat } = require('@deskbell/sdk')\nvoid (async () => {${conversation}})()`,
    ],
  ])('holds a conversation, loaded by %s', async (name, file, program) => {
    writeFileSync(join(folder, file), program)
    const { stdout } = await run(process.execPath, [file, url, `message-${name}`], { cwd: folder })
    expect(JSON.parse(stdout)).toEqual({ said: ['Hello!'], refusal: [true, 400, 'room-closed', 'API'] })
  })

  test('holds the session of the readme, and ends with it', async () => {
    const [, example] =
      /```js\n(import \{ openVisitorSession[\s\S]*?)```/.exec(readFileSync(join(sdk, 'README.md'), 'utf8')) ?? []
    const ending = "chat.on('message', ({ message }) => message.msg === 'Where is my invoice?' && chat.end())"
    writeFileSync(join(folder, 'session.mjs'), `${String(example)}\n${ending}`)
    const { stdout } = await run(process.execPath, ['session.mjs'], {
      cwd: folder,
      env: { ...process.env, DESKBELL_URL: url },
    })
    expect(stdout).toContain('online')
    expect(stdout).toMatch(/said: \S+ Where is my invoice\?/)
  })
})
