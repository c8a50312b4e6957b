// How much strangers may send at once and in a day (promises A21), over real sockets.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { openChat, refusal, withSettings, type Chat } from '../../../testing/conversation.ts'
import { formOf, formType, sendForm } from '../../../testing/forms.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const MIB = 1_048_576

let desk: TestServer
let anna: StaffMember
let url: URL
const sockets: Socket[] = []
beforeAll(async () => {
  desk = await startTestServer({ rateLimits: true })
  anna = await desk.agent({ username: 'anna' })
  url = new URL(await desk.listen())
})
afterEach(() => letGo())
afterAll(() => desk.stop())

const file = (bytes: number) => formOf([{ name: 'file', fileName: 'a.bin', content: Buffer.alloc(bytes, 1) }])

const upload = (chat: Chat, form = file(10)): Promise<RawAnswer> =>
  sendForm(desk, `/livechat/upload/${chat.rid}`, form, { 'x-visitor-token': chat.token })

const incoming = () => readdirSync(join(desk.server.context.config.dataDir, 'uploads', 'incoming'))

/** Begins an upload and leaves it there. */
async function hold(path: string, { length, ...headers }: Record<string, string | number>): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname)
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const lines = Object.entries({ ...headers, host: 'x', 'content-type': formType, 'content-length': length ?? 0 })
  const head = lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('')
  socket.write(`POST /api/v1${path} HTTP/1.1\r\n${head}\r\n`)
  return socket
}

/** Begins an upload of a visitor, until its file is being written. */
async function begin(chat: Chat): Promise<void> {
  const before = incoming().length
  const socket = await hold(`/livechat/upload/${chat.rid}`, { 'x-visitor-token': chat.token, length: MIB })
  socket.write(file(200_000).subarray(0, 200_000))
  await vi.waitFor(() => expect(incoming()).toHaveLength(before + 1))
}

async function letGo(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy()
  await vi.waitFor(() => expect(incoming()).toEqual([]))
}

test('a visitor has three uploads at once, and an address ten', async () => {
  const [chat, ...others] = [await openChat(desk), await openChat(desk), await openChat(desk), await openChat(desk)]
  expect((await upload(chat)).status).toBe(200)
  for (let open = 0; open < 3; open++) await begin(chat)
  const fourth = await upload(chat)
  expect([fourth.status, fourth.headers['retry-after']]).toEqual([429, '5'])
  expect((await upload(others[0])).status).toBe(200)
  for (const other of [others[0], others[1]]) for (let open = 0; open < 3; open++) await begin(other)
  await begin(others[2])
  expect((await upload(others[2])).status).toBe(429)
  // Refused before its bytes are there.
  const { rid, token } = others[2]
  const eleventh = await hold(`/livechat/upload/${rid}`, { 'x-visitor-token': token, length: 1_000_000_000 })
  expect(String((await once(eleventh, 'data'))[0])).toMatch(/^HTTP\/1\.1 429 [^]*retry-after: 5\r\n/i)
  await letGo()
  await vi.waitFor(async () => expect((await upload(chat)).status).toBe(200))
})

test('uploads at the same time share the quota of a day, and deleting gives nothing back', async () => {
  const chat = await openChat(desk)
  const large = file(40 * MIB)
  const answers = await Promise.all([upload(chat, large), upload(chat, large), upload(chat, large)])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429])
  const sent = answers.find(({ status }) => status === 200)
  await desk.anyone.call('DELETE /livechat/message/:_id', {
    params: { _id: sent?.body._id },
    query: { token: chat.token, rid: chat.rid },
  })
  const again = await upload(chat, large)
  expect([again.status, again.headers['retry-after']]).toEqual([429, '86400'])
  expect((await upload(chat)).status).toBe(200)
})

test('a visitor’s file has an end, where the setting names none', async () => {
  const chat = await openChat(desk)
  await withSettings(desk, { FileUpload_MaxFileSize: -1 }, async () => {
    expect(refusal(await upload(chat, file(100 * MIB + 1)))).toEqual([
      400,
      { success: false, reason: 'error-size-not-allowed', sizeAllowed: '100 MB' },
    ])
    expect((await upload(chat)).status).toBe(200)
  })
})

test('a file is refused that the disk has no room for', async () => {
  const chat = await openChat(desk)
  await withSettings(desk, { FileUpload_MaxFileSize: -1 }, async () => {
    const socket = await hold(`/rooms.upload/${chat.rid}`, { ...anna.headers, length: 1_000_000_000_000_000 })
    socket.write(file(100_000).subarray(0, 100_000))
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 [^]*The server cannot store anything/)
  })
})
