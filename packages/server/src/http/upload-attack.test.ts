// Uploads as attackers send them, over real sockets (promises A21): whatever comes, the server stands, nothing of it runs
// in a browser, and nothing that was refused or cut off is left on disk.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { allRows, openChat, withSettings, type Chat } from '../../testing/conversation.ts'
import { formOf, formType, type FormPart } from '../../testing/forms.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../testing/testing.ts'
import { leastRate } from './least-rate.ts'

let desk: TestServer
let anna: StaffMember
let url: URL
beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  url = new URL(await desk.server.listen())
})
afterAll(() => desk.stop())

function filesOnDisk(): string[] {
  const folder = join(desk.server.context.config.dataDir, 'uploads')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )
}

async function changingNothing(work: () => Promise<void>): Promise<void> {
  const before = { rows: await allRows(desk), files: filesOnDisk() }
  await work()
  await vi.waitFor(() => expect(filesOnDisk()).toEqual(before.files))
  expect(await allRows(desk)).toEqual(before.rows)
  expect((await fetch(new URL('/healthz', url))).status).toBe(200)
}

function headOf(chat: Chat, length: number | 'chunked', type = formType): string {
  const size = length === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${String(length)}`
  return (
    `POST /api/v1/livechat/upload/${chat.rid} HTTP/1.1\r\nhost: x\r\nx-visitor-token: ${chat.token}\r\n` +
    `content-type: ${type}\r\n${size}\r\n\r\n`
  )
}

async function dial(): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname)
  await once(socket, 'connect')
  return socket
}

/** Sends bytes as they are; answers the status of what comes back. */
async function exchange(head: string, body: Buffer): Promise<number> {
  const socket = await dial()
  socket.on('error', () => undefined)
  socket.write(head)
  socket.write(body)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1'))?.[1])
}

const send = (chat: Chat, form: Buffer, type?: string) => exchange(headOf(chat, form.length, type), form)

async function post(chat: Chat, file: Partial<FormPart>) {
  const form = formOf([{ name: 'file', fileName: 'file', content: '', ...file }])
  const answer = await fetch(new URL(`/api/v1/livechat/upload/${chat.rid}`, url), {
    method: 'POST',
    headers: { 'content-type': formType, 'x-visitor-token': chat.token },
    body: new Uint8Array(form),
  })
  return { status: answer.status, body: (await answer.json()) as { attachments: { title_link: string }[] } }
}

const script = '<script>alert(document.domain)</script>'
const svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
const gif = Buffer.from('474946383961ffffffff', 'hex')
const pngBomb = Buffer.from('89504e470d0a1a0a0000000d494844520000c3500000c35008060000000000000049444154', 'hex')
const jpegBomb = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0001108ffffffff03012200021101031101', 'hex')
const zipHead = Buffer.from('504b03041400000008000000000000000000', 'hex')

const corpus: [title: string, fileName: string, type: string, content: string | Buffer][] = [
  ['a page', 'a.html', 'text/html', `<!doctype html>${script}`],
  ['a page that claims to be a picture', 'a.png', 'image/png', `<html>${script}`],
  ['a page in UTF-16', 'a.txt', 'text/plain', Buffer.from(`\ufeff<html>${script}`, 'utf16le')],
  ['a page behind much white space', 'a.txt', 'text/plain', `${' '.repeat(9_000)}<html>${script}`],
  [
    'a page of XML',
    'a.xhtml',
    'application/xhtml+xml',
    `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">${script}</html>`,
  ],
  ['a drawing', 'a.svg', 'image/svg+xml', svg],
  ['a drawing that claims to be text', 'a.svg', 'text/plain', svg],
  [
    'a drawing behind a long comment',
    'a.svg',
    'application/xml',
    `<?xml version="1.0"?><!--${'x'.repeat(9_000)}-->${svg}`,
  ],
  ['a picture that is a script too', 'a.gif', 'image/gif', Buffer.concat([gif, Buffer.from(`=1;/*${script}*/`)])],
  ['a picture that is a page too', 'a.html', 'text/html', Buffer.concat([gif, Buffer.from(script)])],
  [
    'a document that is an archive too',
    'a.pdf',
    'application/pdf',
    Buffer.concat([Buffer.from('%PDF-1.4\n'), zipHead]),
  ],
  ['a program', 'a.jpg', 'image/jpeg', Buffer.from('MZ\x90\0\x03\0\0\0', 'latin1')],
  ['a script', 'a.js', 'text/javascript', 'alert(1)'],
  ['a style sheet', 'a.css', 'text/css', 'body{background:url(//x)}'],
  ['a picture of 50,000 × 50,000', 'bomb.png', 'image/png', pngBomb],
  ['a photo of 65,535 × 65,535', 'bomb.jpg', 'image/jpeg', jpegBomb],
  [
    'an archive that unpacks to 100 MB',
    'bomb.zip',
    'application/zip',
    Buffer.concat([zipHead, deflateRawSync(Buffer.alloc(100_000_000))]),
  ],
  ['a type of nonsense', 'a', 'text/html\u0000;<script>', script],
  ['a name that is a path', '../../../etc/passwd', 'text/plain', 'root'],
  ['a name with markup', '"><img src=x onerror=alert(1)>.png', 'image/png', pngBomb],
  ['a name of 5,000 letters', `${'n'.repeat(5_000)}.png`, 'image/png', pngBomb],
  ['a name of 900 signs that are long in an address', `${'日'.repeat(900)}.png`, 'image/png', pngBomb],
]

describe('a hostile file', () => {
  test.each(corpus)('never runs: %s', async (_title, fileName, type, content) => {
    const chat = await openChat(desk)
    const sent = await post(chat, { fileName, type, content })
    if (sent.status !== 200) {
      expect(sent).toMatchObject({ status: 400, body: { success: false } })
      return
    }
    const link = sent.body.attachments[0]!.title_link
    expect(link).toMatch(/^\/file-upload\/\w+\/[^/<>"]*$/)
    for (const query of ['', '?contentDisposition=inline']) {
      const file = await fetch(new URL(link + query, url), { headers: anna.headers })
      const headers = Object.fromEntries(file.headers)
      expect(file.status).toBe(200)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "sandbox; default-src 'none'",
      })
      const isShown = headers['content-disposition']?.startsWith('inline') === true
      if (isShown) expect(headers['content-type']).toMatch(/^(image\/(png|jpeg|gif)|audio\/|video\/)/)
      expect(headers['content-type']).not.toMatch(/html|xml|svg|script|css/)
      await file.arrayBuffer()
    }
  })

  test('is refused where its type is: a drawing, under every name', async () => {
    const chat = await openChat(desk)
    await changingNothing(async () => {
      for (const type of ['image/svg+xml', 'text/plain', 'image/png', 'application/octet-stream', 'text/html'])
        expect((await post(chat, { fileName: 'a.png', type, content: svg })).status).toBe(400)
    })
  })
})

describe('a hostile form', () => {
  const part = (name: string, content = '') =>
    `--a-boundary-of-the-tests\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`

  test.each([
    ['100,000 parts', Buffer.from(part('a').repeat(100_000))],
    ['100,000 files', Buffer.from(part('file"; filename="a').repeat(100_000))],
    [
      '100,000 parts after the file',
      Buffer.concat([
        formOf([{ name: 'file', fileName: 'a', content: 'x' }], { isWhole: false }),
        Buffer.from(`\r\n${part('a').repeat(100_000)}`),
      ]),
    ],
    ['nothing', Buffer.alloc(1)],
    ['a part without an end', Buffer.from(part('a'))],
    ['a part without a head', Buffer.from('--a-boundary-of-the-tests\r\n\r\n\r\n--a-boundary-of-the-tests--\r\n')],
    ['a head that never ends', Buffer.from(`--a-boundary-of-the-tests\r\nx: ${'y'.repeat(1_000_000)}`)],
    ['10,000 heads', Buffer.from(`--a-boundary-of-the-tests\r\n${'x: y\r\n'.repeat(10_000)}\r\n`)],
    ['a text of 10 MB', Buffer.from(part('msg', 'x'.repeat(10_000_000)))],
    ['boundaries alone', Buffer.from('--a-boundary-of-the-tests\r\n'.repeat(50_000))],
    ['chance', Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7_919) % 256))],
    ['a prototype', Buffer.from(part('__proto__', 'x') + part('constructor', 'y') + part('msg', 'z'))],
  ])('is refused: %s', async (_title, form) => {
    const chat = await openChat(desk)
    await changingNothing(async () => {
      expect(await send(chat, form)).toBe(400)
    })
    expect(({} as { msg?: unknown }).msg).toBeUndefined()
  })

  test('is refused with a boundary that is none', async () => {
    const chat = await openChat(desk)
    const form = formOf([{ name: 'file', fileName: 'a', content: 'x' }])
    await changingNothing(async () => {
      for (const type of [
        'multipart/form-data',
        'multipart/form-data; boundary=',
        `multipart/form-data; boundary=${'b'.repeat(5_000)}`,
        'Multipart/Form-Data ; BOUNDARY="other"',
      ])
        expect(await send(chat, form, type)).toBe(400)
    })
  })

  test('that comes byte by byte is read like any other', async () => {
    const chat = await openChat(desk)
    const form = formOf([{ name: 'file', fileName: 'a.txt', type: 'text/plain', content: 'byte by byte' }])
    const chunks = [...form].map((byte) =>
      Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]),
    )
    expect(await exchange(headOf(chat, 'chunked'), Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]))).toBe(200)
  })
})

describe('an upload', () => {
  const big = { name: 'file', fileName: 'a.bin', content: Buffer.alloc(400_000, 1) }

  test('that is cut off leaves nothing', async () => {
    const form = formOf([big])
    // A visitor each: one whose uploads are not over yet has to wait.
    const cuts: [Chat, number][] = []
    for (const sent of [10, 150, 100_000, 390_000, form.length - 3]) cuts.push([await openChat(desk), sent])
    await changingNothing(async () => {
      for (const [chat, sent] of cuts) {
        const socket = await dial()
        socket.write(headOf(chat, form.length))
        socket.write(form.subarray(0, sent))
        // From the first 128 KiB on the file is being written.
        if (sent > 200_000)
          await vi.waitFor(() => expect(filesOnDisk().some((name) => name.startsWith('incoming'))).toBe(true), 10_000)
        socket.destroy()
        await once(socket, 'close')
      }
    })
  })

  test('over the limit is refused before its end, and leaves nothing', async () => {
    const chat = await openChat(desk)
    await withSettings(desk, { FileUpload_MaxFileSize: 200_000 }, () =>
      changingNothing(async () => {
        const socket = await dial()
        socket.write(headOf(chat, 1_000_000_000))
        socket.write(formOf([big], { isWhole: false }))
        const [answer] = (await once(socket, 'data')) as [Buffer]
        expect(answer.toString()).toContain('error-size-not-allowed')
        socket.destroy()
      }),
    )
  })

  test('of a stranger is refused before a byte of it is there', async () => {
    const chat = await openChat(desk)
    await changingNothing(async () => {
      const socket = await dial()
      socket.write(headOf({ ...chat, token: 'no-such-token' }, 1_000_000_000))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toContain('HTTP/1.1 403')
      socket.destroy()
    })
  })

  test('that drips is ended, and leaves nothing', async () => {
    const chat = await openChat(desk)
    await changingNothing(async () => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      try {
        const socket = await dial()
        socket.on('error', () => undefined)
        // A connection that is cut may be seen as reset.
        const gone = new Promise((resolve) => socket.once('close', resolve))
        socket.write(headOf(chat, 1_000_000_000))
        socket.write(formOf([big], { isWhole: false }))
        await expect.poll(() => filesOnDisk().some((name) => name.startsWith('incoming')), { interval: 5 }).toBe(true)
        // What came so far was enough for the first half minute; in the second nothing comes.
        vi.advanceTimersByTime(2 * leastRate.everyMs)
        await gone
      } finally {
        vi.useRealTimers()
      }
    })
  })
})
