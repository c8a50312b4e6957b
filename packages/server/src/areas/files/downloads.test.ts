// Reading files (contract §E.6, promises A22): who may, in parts, and under headers that let nothing run.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  closeBy,
  closeByVisitor,
  openChat,
  openRoomOf,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { sendForm } from '../../../testing/forms.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
let chat: Chat
let other: Chat
let path: string
const content = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452000000780000003c0806000000', 'hex'),
  Buffer.from('0123456789'.repeat(20)),
])
const { length: size } = content

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  chat = await openChat(desk)
  other = await openChat(desk)
  path = await upload(chat, { fileName: 'my bill.png', type: 'image/png', content })
})
afterAll(() => desk.stop())

async function upload(to: Chat, file: { fileName: string; type: string; content: string | Buffer }): Promise<string> {
  const headers = { 'x-visitor-token': to.token }
  const sent = await sendForm(desk, `/livechat/upload/${to.rid}`, [{ name: 'file', ...file }], headers)
  return sent.body.attachments[0].title_link
}

async function read(url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') {
  const answer = await desk.server.http.inject({ method, url, headers })
  return { status: answer.statusCode, headers: answer.headers, bytes: answer.rawPayload }
}

function textOf(values: Record<string, string>, separator: string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join(separator)
}

const asVisitor = ({ token, rid }: Chat) => ({ rc_room_type: 'l', rc_rid: rid, rc_token: token })
const asStaff = ({ id, headers }: StaffMember) => ({ rc_uid: id, rc_token: headers['x-auth-token'] ?? '' })

describe('a file may be read', () => {
  const byQuery = async (values: Record<string, string>) => (await read(`${path}?${textOf(values, '&')}`)).status
  const byCookie = async (values: Record<string, string>) => (await read(path, { cookie: textOf(values, '; ') })).status

  test('by its visitor, in whose room it is, by query or cookies', async () => {
    for (const ask of [byQuery, byCookie]) {
      expect(await ask(asVisitor(chat))).toBe(200)
      expect(await ask(asVisitor(other))).toBe(403)
      expect(await ask({ ...asVisitor(chat), rc_token: other.token })).toBe(403)
      expect(await ask({ ...asVisitor(other), rc_token: chat.token })).toBe(403)
      expect(await ask({ ...asVisitor(chat), rc_room_type: 'c' })).toBe(403)
      expect(await ask({ rc_room_type: 'l', rc_rid: chat.rid })).toBe(403)
      expect(await ask({ ...asVisitor(chat), rc_token: 'no-such-token' })).toBe(403)
    }
  })

  test('with a query that counts before the cookies', async () => {
    const cookie = textOf(asVisitor(other), '; ')
    expect((await read(`${path}?${textOf(asVisitor(chat), '&')}`, { cookie })).status).toBe(200)
    const wrong = `${path}?${textOf(asVisitor(other), '&')}`
    expect((await read(wrong, { cookie: textOf(asVisitor(chat), '; ') })).status).toBe(403)
  })

  test('by the staff in its room, by query, cookies or headers', async () => {
    for (const ask of [byQuery, byCookie]) {
      expect(await ask(asStaff(anna))).toBe(200)
      expect(await ask(asStaff(bob))).toBe(403)
      expect(await ask(asStaff(manager))).toBe(403)
      expect(await ask({ ...asStaff(anna), rc_uid: bob.id })).toBe(403)
      expect(await ask({ ...asStaff(anna), rc_token: 'wrong' })).toBe(403)
    }
    expect((await read(path, anna.headers)).status).toBe(200)
    expect((await read(path, bob.headers)).status).toBe(403)
  })

  test('by those of the staff whom the settings let', async () => {
    const ask = async () => Promise.all([anna, manager, bob].map(async (who) => (await read(path, who.headers)).status))
    expect(await ask()).toEqual([200, 403, 403])
    const members = 'FileUpload_Restrict_to_room_members'
    const readers = 'FileUpload_Restrict_to_users_who_can_access_room'
    await withSettings(desk, { [readers]: true }, async () => expect(await ask()).toEqual([200, 200, 403]))
    await withSettings(desk, { [members]: false, [readers]: true }, async () =>
      expect(await ask()).toEqual([200, 200, 403]),
    )
    await withSettings(desk, { [members]: false }, async () => expect(await ask()).toEqual([200, 200, 200]))
  })

  test('by everybody where files are not protected', async () => {
    expect((await read(path)).status).toBe(403)
    await withSettings(desk, { FileUpload_ProtectFiles: false }, async () => {
      expect((await read(path)).status).toBe(200)
    })
  })

  test('by its visitor after the room was closed, and not by a later room of the same visitor', async () => {
    const over = await openChat(desk)
    const link = await upload(over, { fileName: 'a.png', type: 'image/png', content })
    await closeBy(anna, over.rid)
    const again = await openRoomOf(desk, over)
    expect((await read(`${link}?${textOf(asVisitor(over), '&')}`)).status).toBe(200)
    expect((await read(`${link}?${textOf(asVisitor(again), '&')}`)).status).toBe(403)
    await closeByVisitor(desk, again)
  })

  test('by nobody who forges the link of a history', async () => {
    const { clock } = desk
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claim = { fileId: path.split('/')[2], exp: clock.now() / 1_000 + 60 }
    for (const token of [
      '',
      'x',
      'a.b.c',
      `${part({ alg: 'none', typ: 'JWT' })}.${part(claim)}.`,
      `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claim)}.`,
      `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claim)}.${'A'.repeat(43)}`,
    ])
      expect((await read(`${path}?token=${token}`)).status).toBe(403)
  })

  test('if it is there', async () => {
    for (const url of ['/file-upload/no-such-file/bill.png', '/file-upload/..%2f..%2fdeskbell.db/x']) {
      const answer = await read(url)
      expect([answer.status, answer.bytes.length]).toEqual([404, 0])
    }
  })

  test('else the answer is empty, whoever asks', async () => {
    const [nobody, stranger] = [await read(path), await read(path, bob.headers)]
    expect([nobody.status, nobody.bytes.length]).toEqual([403, 0])
    expect({ ...stranger.headers, date: '' }).toEqual({ ...nobody.headers, date: '' })
  })
})

describe('a file comes', () => {
  test('as an attachment that nothing can run in, and to no other site', async () => {
    const answer = await read(path, { ...anna.headers, origin: 'https://elsewhere.example' })
    expect(answer.bytes.equals(content)).toBe(true)
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': "attachment; filename*=UTF-8''my%20bill.png",
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'private, max-age=31536000',
      'accept-ranges': 'bytes',
      'last-modified': 'Mon, 05 Jan 2026 10:00:00 GMT',
      'content-length': String(size),
    })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('inline where that is asked for and the type is a picture, a sound or a film', async () => {
    const dispositionOf = async (url: string) => (await read(url, anna.headers)).headers['content-disposition']
    expect(await dispositionOf(`${path}?contentDisposition=inline`)).toMatch(/^inline; /)
    expect(await dispositionOf(`${path}?contentDisposition=inline&download`)).toMatch(/^inline; |^attachment; /)
    const page = await upload(chat, { fileName: 'a.html', type: 'text/html', content: '<!doctype html><p>' })
    expect(await dispositionOf(`${page}?contentDisposition=inline`)).toMatch(/^attachment; /)
    expect((await read(page, anna.headers)).headers['content-type']).toBe('application/octet-stream')
  })

  test('under a name that reads as it is written', async () => {
    const name = "a\u202egnp.exe 'b' (c)*.txt"
    const link = await upload(chat, { fileName: name, type: 'text/plain', content: 'text' })
    expect((await read(link, anna.headers)).headers['content-disposition']).toBe(
      "attachment; filename*=UTF-8''agnp.exe%20%27b%27%20%28c%29%2A.txt",
    )
  })

  test.each([
    ['bytes=0-9', 0, 9],
    ['bytes=10-', 10, size - 1],
    ['bytes=-5', size - 5, size - 1],
    [`bytes=5-${String(size + 100)}`, 5, size - 1],
  ])('in parts: %s', async (range, start, end) => {
    const answer = await read(path, { ...anna.headers, range })
    expect(answer.status).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes ${String(start)}-${String(end)}/${String(size)}`)
    expect(answer.headers['content-length']).toBe(String(end - start + 1))
    expect(answer.bytes.equals(content.subarray(start, end + 1))).toBe(true)
  })

  test('not in parts that it does not have', async () => {
    for (const range of [`bytes=${String(size)}-`, 'bytes=-0']) {
      const answer = await read(path, { ...anna.headers, range })
      expect([answer.status, answer.headers['content-range']]).toEqual([416, `bytes */${String(size)}`])
    }
    for (const range of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=9-3', 'nonsense'])
      expect((await read(path, { ...anna.headers, range })).status).toBe(200)
  })

  test('in parts only while it is the file that the reader knows', async () => {
    const { etag = '' } = (await read(path, anna.headers)).headers as { etag?: string }
    const ask = async (condition: string) =>
      (await read(path, { ...anna.headers, range: 'bytes=0-1', 'if-range': condition })).status
    expect([await ask(etag), await ask('Mon, 05 Jan 2026 10:00:00 GMT'), await ask('"other"')]).toEqual([206, 206, 200])
  })

  test('not again to whoever has it', async () => {
    const { etag = '' } = (await read(path, anna.headers)).headers as { etag?: string }
    const ask = async (headers: Record<string, string>) => {
      const { status, bytes } = await read(path, { ...anna.headers, ...headers })
      return [status, bytes.length]
    }
    expect(await ask({ 'if-none-match': `"x", W/${etag}` })).toEqual([304, 0])
    expect(await ask({ 'if-modified-since': 'Mon, 05 Jan 2026 10:00:00 GMT' })).toEqual([304, 0])
    expect(await ask({ 'if-none-match': '"x"', 'if-modified-since': 'Mon, 05 Jan 2026 10:00:00 GMT' })).toEqual([
      200,
      size,
    ])
    expect((await read(path, { 'if-none-match': etag })).status).toBe(403)
  })

  test('without its bytes to whoever only asks about it', async () => {
    const answer = await read(path, anna.headers, 'HEAD')
    expect([answer.status, answer.bytes.length, answer.headers['content-length']]).toEqual([200, 0, String(size)])
    expect((await read(path, {}, 'HEAD')).status).toBe(403)
  })

  test('as missing where its bytes are gone', async () => {
    const link = await upload(chat, { fileName: 'gone.png', type: 'image/png', content })
    await desk.server.context.files.remove([link.split('/')[2] ?? ''])
    expect((await read(link, anna.headers)).status).toBe(404)
  })
})
