// Sending files (contract A.17, §E.4): who may, what is taken, and what becomes of it.
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeByVisitor,
  configure,
  errorTypeOf,
  historyOf,
  openChat,
  refusal,
  roomSeenBy,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { formOf, sendForm, type FormPart } from '../../../testing/forms.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer({ config: { siteUrl: 'https://chat.example.org' } })
  anna = await desk.agent({ username: 'anna' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

const unauthorized = [403, { success: false, error: 'unauthorized' }]

const pngHead = Buffer.from('89504e470d0a1a0a0000000d49484452000000780000003c0806000000', 'hex')
const png = Buffer.concat([pngHead, Buffer.alloc(2_019)])

function filePart(more: Partial<FormPart> = {}): FormPart {
  return { name: 'file', fileName: 'bill.png', type: 'image/png', content: png, ...more }
}

function upload(chat: Chat, parts: readonly FormPart[] | Buffer = [filePart()]): Promise<RawAnswer> {
  return sendForm(desk, `/livechat/upload/${chat.rid}`, parts, { 'x-visitor-token': chat.token })
}

/** Every file below the uploads of the server. */
function filesOnDisk(): string[] {
  const folder = join(desk.server.context.config.dataDir, 'uploads')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )
}

/** Runs something that must leave no trace, in the database or on disk. */
async function changingNothing(work: () => Promise<void>): Promise<void> {
  const before = { rows: await allRows(desk), files: filesOnDisk() }
  await work()
  expect({ rows: await allRows(desk), files: filesOnDisk() }).toEqual(before)
}

describe('a file in a room', () => {
  const unreadOf = async (by: StaffMember, { rid }: Chat) =>
    (await by.call('GET /subscriptions.getOne', { query: { roomId: rid } })).subscription?.unread

  test('is unread for the agent, and read up to the agent’s own', async () => {
    const chat = await openChat(desk)
    desk.clock.advance(1_000)
    const before = Number(await unreadOf(anna, chat))
    expect((await upload(chat)).status).toBe(200)
    expect(await unreadOf(anna, chat)).toBe(before + 1)
    desk.clock.advance(1_000)
    const sent = await sendForm(desk, `/rooms.upload/${chat.rid}`, [filePart()], anna.headers)
    expect(sent.status).toBe(200)
    expect(await unreadOf(anna, chat)).toBe(0)
    desk.clock.advance(1_000)
    await upload(chat)
    expect(await unreadOf(anna, chat)).toBe(1)
    await closeByVisitor(desk, chat)
  })

  test('is quoted with the message that carries it', async () => {
    const chat = await openChat(desk, { name: 'Ana' })
    const { _id, file } = (await upload(chat)).body as { _id: string; file: { _id: string } }
    const link = `https://chat.example.org/live/${chat.rid}?msg=${_id}`
    const { attachments } = await answer(anna, chat.rid, `${link} thank you`)
    expect(attachments).toMatchObject([
      {
        message_link: link,
        author_name: 'Ana',
        attachments: [{ title: 'bill.png', title_link: `/file-upload/${file._id}/bill.png` }],
      },
    ])
    await closeByVisitor(desk, chat)
  })
})

describe('a visitor’s file', () => {
  test('is answered as the message that carries it', async () => {
    const chat = await openChat(desk, { name: 'Ana Prado' })
    const sent = await upload(chat, [{ name: 'description', content: 'my bill' }, filePart()])
    const file = { _id: expect.any(String), name: 'bill.png', type: 'image/png' }
    const link = `/file-upload/${sent.body.file._id}/bill.png`
    expect(refusal(sent)).toEqual([
      200,
      {
        _id: expect.any(String),
        rid: chat.rid,
        msg: '',
        groupable: false,
        ts: expect.any(String),
        _updatedAt: expect.any(String),
        seq: expect.any(Number),
        token: chat.token,
        alias: 'Ana Prado',
        u: { _id: chat.id, username: expect.any(String), name: 'Ana Prado' },
        file,
        files: [file],
        attachments: [
          {
            title: 'bill.png',
            type: 'file',
            description: 'my bill',
            descriptionMd: [{ type: 'PARAGRAPH', value: [{ type: 'PLAIN_TEXT', value: 'my bill' }] }],
            title_link: link,
            title_link_download: true,
            image_url: link,
            image_type: 'image/png',
            image_size: png.length,
            image_dimensions: { width: 120, height: 60 },
          },
        ],
        urls: [],
        mentions: [],
        channels: [],
        md: [],
        newRoom: false,
        showConnecting: false,
        success: true,
      },
    ])
    expect(sent.body.file).toEqual(sent.body.files[0])
  })

  test('is described with markup, for clients that draw it', async () => {
    const chat = await openChat(desk)
    const sent = await upload(chat, [{ name: 'description', content: 'my *bill*' }, filePart()])
    const [attachment] = sent.body.attachments
    expect(attachment).toMatchObject({ description: 'my *bill*', descriptionMd: [{ type: 'PARAGRAPH' }] })
    expect(JSON.stringify(attachment.descriptionMd)).toContain('"BOLD"')
    const bare = await upload(chat, [{ name: 'description', content: '' }, filePart()])
    expect(bare.body.attachments[0]).not.toHaveProperty('descriptionMd')
  })

  test('is in the history with an address that needs no credentials for an hour', async () => {
    const chat = await openChat(desk)
    const sent = await upload(chat, [filePart(), { name: 'msg', content: 'see *this*' }])
    const [shown] = await historyOf(desk, chat)
    expect(shown).toMatchObject({ _id: sent.body._id, msg: 'see *this*', file: sent.body.file })
    expect(shown?.md).toHaveLength(1)
    expect(shown?.fileUpload).toMatchObject({ type: 'image/png', size: png.length })
    const address = new URL(shown!.fileUpload!.publicFilePath)
    expect(address.origin).toBe('https://chat.example.org')
    const read = async (path: string) => (await desk.server.http.inject({ method: 'GET', url: path })).statusCode
    expect(await read(address.pathname + address.search)).toBe(200)
    expect(await read(`${address.pathname}${address.search.slice(0, -3)}abc`)).toBe(403)
    const other = await upload(chat)
    expect(await read(`${String(other.body.attachments[0].title_link)}${address.search}`)).toBe(403)
    await withSettings(desk, { FileUpload_Enable_json_web_token_for_files: false }, async () => {
      expect(await read(address.pathname + address.search)).toBe(403)
      expect((await historyOf(desk, chat))[0]?.fileUpload?.publicFilePath).not.toContain('token=')
    })
    desk.clock.advance(3_600_001)
    expect(await read(address.pathname + address.search)).toBe(403)
  })

  test('has an address under which the visitor reached the server, where nobody named another', async () => {
    const bare = await startTestServer()
    await bare.agent()
    const chat = await openChat(bare)
    await sendForm(bare, `/livechat/upload/${chat.rid}`, [filePart()], { 'x-visitor-token': chat.token })
    const input = { params: { rid: chat.rid }, query: { token: chat.token }, headers: { host: 'desk.example:3000' } }
    const { messages } = await bare.anyone.call('GET /livechat/messages.history/:rid', input)
    expect(messages[0]?.fileUpload?.publicFilePath).toMatch(/^http:\/\/desk\.example:3000\/file-upload\//)
    await bare.stop()
  })

  test('may come with the token in a part before it, and not after it', async () => {
    const chat = await openChat(desk)
    const token = { name: 'token', content: chat.token }
    const send = (parts: FormPart[]) => sendForm(desk, `/livechat/upload/${chat.rid}`, parts)
    expect((await send([token, filePart()])).status).toBe(200)
    await changingNothing(async () => {
      expect(refusal(await send([filePart(), token]))).toEqual(unauthorized)
    })
  })

  test('is refused alike without a token, with a wrong one, and for a foreign, closed or missing room', async () => {
    const [chat, other, over] = [await openChat(desk), await openChat(desk), await openChat(desk)]
    await closeByVisitor(desk, over)
    await changingNothing(async () => {
      for (const [rid, token] of [
        [chat.rid, ''],
        [chat.rid, 'no-such-token'],
        [other.rid, chat.token],
        [over.rid, over.token],
        ['no-such-room', chat.token],
      ] as const) {
        const answer = await sendForm(desk, `/livechat/upload/${rid}`, [filePart()], { 'x-visitor-token': token })
        expect(refusal(answer)).toEqual(unauthorized)
      }
    })
  })

  test('is refused while uploads are switched off, but not before the token is there', async () => {
    const chat = await openChat(desk)
    for (const id of ['Livechat_fileupload_enabled', 'FileUpload_Enabled'] as const)
      await withSettings(desk, { [id]: false }, () =>
        changingNothing(async () => {
          expect(refusal(await upload(chat))).toEqual([400, { success: false, reason: 'error-file-upload-disabled' }])
          const nobody = await sendForm(desk, `/livechat/upload/${chat.rid}`, [filePart()])
          expect(refusal(nobody)).toEqual(unauthorized)
        }),
      )
  })

  test('must be there, once, in the part `file`', async () => {
    const chat = await openChat(desk)
    const none = { success: false, error: '[No file uploaded]', errorType: 'No file uploaded' }
    await changingNothing(async () => {
      expect(refusal(await upload(chat, [{ name: 'description', content: 'no file' }]))).toEqual([400, none])
      expect(refusal(await upload(chat, [{ name: 'file', content: 'a text' }]))).toEqual([400, none])
      expect(refusal(await upload(chat, [filePart({ content: '' })]))).toEqual([400, none])
      const wrong = { success: false, error: '[invalid-field]', errorType: 'invalid-field' }
      expect(refusal(await upload(chat, [filePart({ name: 'picture' })]))).toEqual([400, wrong])
      expect(refusal(await upload(chat, [filePart(), filePart()]))).toEqual([400, wrong])
    })
  })

  test('is refused in a body that is no form', async () => {
    const chat = await openChat(desk)
    const headers = { 'x-visitor-token': chat.token }
    const path = `/livechat/upload/${chat.rid}`
    const noForm = [400, { success: false, error: 'The body is not a form' }]
    await changingNothing(async () => {
      for (const type of ['application/json', 'text/plain', 'image/png', 'multipart/mixed; boundary=x'])
        expect(refusal(await sendForm(desk, path, png, { ...headers, 'content-type': type }))).toEqual(noForm)
      const unreadable = [400, { success: false, error: 'The form could not be read' }]
      for (const type of ['multipart/form-data', 'multipart/form-data; boundary=other'])
        expect(refusal(await sendForm(desk, path, formOf([filePart()]), { ...headers, 'content-type': type }))).toEqual(
          unreadable,
        )
    })
  })

  test('is taken only of the types that the settings name', async () => {
    const chat = await openChat(desk)
    const notAllowed = [400, { success: false, reason: 'error-type-not-allowed' }]
    const text = filePart({ fileName: 'a.txt', type: 'text/plain', content: 'hello' })
    await withSettings(desk, { FileUpload_MediaTypeWhiteList: 'image/*, application/pdf' }, async () => {
      await changingNothing(async () => {
        expect(refusal(await upload(chat, [text]))).toEqual(notAllowed)
        // What it says of itself does not make it a picture.
        expect(refusal(await upload(chat, [{ ...text, type: 'image/png' }]))).toEqual(notAllowed)
      })
      expect((await upload(chat)).status).toBe(200)
    })
    await withSettings(desk, { FileUpload_MediaTypeBlackList: 'image/png' }, () =>
      changingNothing(async () => {
        expect(refusal(await upload(chat))).toEqual(notAllowed)
        expect(refusal(await upload(chat, [filePart({ type: 'image/gif' })]))).toEqual(notAllowed)
      }),
    )
  })

  test('is no larger than the setting allows', async () => {
    const chat = await openChat(desk)
    await withSettings(desk, { FileUpload_MaxFileSize: png.length }, async () => {
      expect((await upload(chat)).status).toBe(200)
      await changingNothing(async () => {
        const answer = await upload(chat, [filePart({ content: Buffer.concat([png, Buffer.alloc(1)]) })])
        expect(refusal(answer)).toEqual([
          400,
          { success: false, reason: 'error-size-not-allowed', sizeAllowed: '2 KB' },
        ])
      })
    })
    await withSettings(desk, { FileUpload_MaxFileSize: -1 }, async () => {
      expect((await upload(chat)).status).toBe(200)
    })
  })

  test('carries no more words than a message', async () => {
    const chat = await openChat(desk)
    const long = { name: 'msg', content: 'x'.repeat(11) }
    const limit = { Livechat_enable_message_character_limit: true, Livechat_message_character_limit: 10 }
    await withSettings(desk, limit, () =>
      changingNothing(async () => {
        expect(refusal(await upload(chat, [long, filePart()]))).toEqual(bare('message-length-exceeds-character-limit'))
      }),
    )
    await changingNothing(async () => {
      const tooLong = await upload(chat, [{ name: 'description', content: 'x'.repeat(1_001) }, filePart()])
      expect(tooLong.status).toBe(400)
      expect(tooLong.body.error).toMatch(/^Match error: /)
      expect((await upload(chat, [{ name: 'msg', content: 'a\0b' }, filePart()])).status).toBe(400)
      expect((await upload(chat, [{ name: 'msg', content: 'x'.repeat(100_001) }, filePart()])).status).toBe(400)
    })
  })

  test('ignores what only the server says', async () => {
    const chat = await openChat(desk)
    const forged = ['alias', 'avatar', 'emoji', 'groupable', 't', 'u', 'ts'].map((name) => ({
      name,
      content: 'forged',
    }))
    const sent = await upload(chat, [...forged, filePart()])
    expect(sent.status).toBe(200)
    expect(JSON.stringify(sent.body)).not.toContain('forged')
  })

  test('counts against 20 files and 100 MiB in 24 hours', async () => {
    const chat = await openChat(desk)
    for (let sent = 0; sent < 20; sent++) expect((await upload(chat)).status).toBe(200)
    await changingNothing(async () => {
      const more = await upload(chat)
      expect(more.status).toBe(429)
      expect(Number(more.headers['retry-after'])).toBe(86_400)
    })
    // The size is what counts, so a large file need not be sent to reach it.
    const big = await openChat(desk)
    await upload(big)
    const { transact } = desk.server.context
    const sized = (size: number) =>
      transact((tx) => tx.run(tx.sql.updateTable('upload').set({ size }).where('visitorId', '=', big.id)))
    await sized(104_857_600 - png.length)
    await changingNothing(async () => {
      expect((await upload(big, [filePart({ content: Buffer.concat([png, png]) })])).status).toBe(429)
    })
    expect((await upload(big)).status).toBe(200)
    expect((await upload(big)).status).toBe(429)
    desk.clock.advance(86_400_000)
    expect((await upload(chat)).status).toBe(200)
    expect((await upload(big)).status).toBe(200)
  })

  test('counts once, however many come at once', async () => {
    const chat = await openChat(desk)
    for (let sent = 0; sent < 18; sent++) expect((await upload(chat)).status).toBe(200)
    const answers = await Promise.all([upload(chat), upload(chat), upload(chat)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429])
    const { read } = desk.server.context
    const rows = await read.all(read.sql.selectFrom('upload').select('id').where('roomId', '=', chat.rid))
    expect(filesOnDisk().filter((name) => rows.some(({ id }) => name.endsWith(id)))).toHaveLength(20)
    expect(filesOnDisk().filter((name) => name.startsWith('incoming'))).toEqual([])
  })

  test('is refused when the room was closed while it came', async () => {
    const chat = await openChat(desk)
    await changingNothing(async () => {
      const { files, transact } = desk.server.context
      const receive = files.receive.bind(files)
      // The only way to be between the check and the message.
      files.receive = async (bytes, maxBytes) => {
        const received = await receive(bytes, maxBytes)
        await transact((tx) => tx.run(tx.sql.updateTable('room').set({ closedAt: tx.now }).where('id', '=', chat.rid)))
        return received
      }
      expect(refusal(await upload(chat))).toEqual(unauthorized)
      files.receive = receive
      await transact((tx) => tx.run(tx.sql.updateTable('room').set({ closedAt: null }).where('id', '=', chat.rid)))
    })
  })
})

describe('a file of the staff', () => {
  const send = (by: StaffMember, rid: string, parts: FormPart[] = [filePart()]) =>
    sendForm(desk, `/rooms.upload/${rid}`, parts, by.headers)

  test('tells its size and format', async () => {
    const chat = await openChat(desk)
    const sent = await send(anna, chat.rid, [{ name: 'msg', content: 'your bill' }, filePart()])
    const file = { _id: expect.any(String), name: 'bill.png', type: 'image/png', size: png.length, format: 'png' }
    expect(sent.body).toMatchObject({
      message: { msg: 'your bill', u: { username: 'anna' }, file, files: [file] },
      success: true,
    })
    expect(sent.body.message.token).toBeUndefined()
    expect((await historyOf(desk, chat))[0]?.fileUpload?.size).toBe(png.length)
    expect((await roomSeenBy(anna, chat.rid)).waitingResponse).toBeUndefined()
  })

  test('goes into rooms that its sender may read', async () => {
    const chat = await openChat(desk)
    await changingNothing(async () => {
      expect(refusal(await send(bob, chat.rid))).toEqual(unauthorized)
      expect(refusal(await send(bob, 'no-such-room'))).toEqual(unauthorized)
      const nobody = await sendForm(desk, `/rooms.upload/${chat.rid}`, [filePart()])
      expect(nobody.status).toBe(401)
    })
    expect((await send(manager, chat.rid)).status).toBe(200)
    await closeByVisitor(desk, chat)
    await changingNothing(async () => {
      expect(refusal(await send(manager, chat.rid))).toEqual(bare('room-closed'))
    })
  })

  test.each(['rooms.upload', 'rooms.media'])('meets the rules of the form: %s', async (operation) => {
    const chat = await openChat(desk)
    const post = (parts: FormPart[] | Buffer, headers: Record<string, string> = {}) =>
      sendForm(desk, `/${operation}/${chat.rid}`, parts, { ...anna.headers, ...headers })
    await changingNothing(async () => {
      const byStranger = await sendForm(desk, `/${operation}/${chat.rid}`, [filePart()], bob.headers)
      expect(refusal(byStranger)).toEqual(unauthorized)
      expect(errorTypeOf(await post([]))).toBe('No file uploaded')
      expect(errorTypeOf(await post([filePart({ name: 'x' })]))).toBe('invalid-field')
      expect((await post(png, { 'content-type': 'image/png' })).body.error).toBe('The body is not a form')
      expect((await post(png)).body.error).toBe('The form could not be read')
      const svg = filePart({ type: 'image/svg+xml', content: '<svg xmlns="http://www.w3.org/2000/svg"/>' })
      expect((await post([svg])).body.reason).toBe('error-type-not-allowed')
    })
    await withSettings(desk, { FileUpload_MaxFileSize: 10 }, async () => {
      expect(refusal(await post([filePart()]))).toEqual([
        400,
        { success: false, error: '[error-file-too-large]', errorType: 'error-file-too-large' },
      ])
    })
    await withSettings(desk, { FileUpload_Enabled: false }, async () => {
      expect((await post([filePart()])).body.reason).toBe('error-file-upload-disabled')
    })
    await closeByVisitor(desk, chat)
    expect(refusal(await post([filePart()]))).toEqual(bare('room-closed'))
  })

  test('carries no more words than the setting allows', async () => {
    const chat = await openChat(desk)
    await withSettings(desk, { Message_MaxAllowedSize: 3 }, () =>
      changingNothing(async () => {
        const answer = await send(anna, chat.rid, [{ name: 'msg', content: 'long' }, filePart()])
        expect(errorTypeOf(answer)).toBe('error-message-size-exceeded')
      }),
    )
  })
})

describe('a file that is stored first and sent later', () => {
  async function store(chat: Chat): Promise<string> {
    const stored = await sendForm(desk, `/rooms.media/${chat.rid}`, [filePart()], anna.headers)
    expect(stored.body.file.url).toBe(`/file-upload/${stored.body.file._id}/bill.png`)
    return stored.body.file._id
  }
  const confirm = (by: StaffMember, rid: string, fileId: string, body: object = {}) =>
    by.raw('POST /rooms.mediaConfirm/:rid/:fileId', { params: { rid, fileId }, body })

  test('is a message once it is confirmed, and only once', async () => {
    const chat = await openChat(desk)
    const fileId = await store(chat)
    expect((await historyOf(desk, chat)).some(({ file }) => file !== undefined)).toBe(false)
    const body = { msg: 'here', description: 'the bill' }
    const answers = await Promise.all([1, 2, 3].map(() => confirm(anna, chat.rid, fileId, body)))
    const sent = answers.filter(({ status }) => status === 200)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.body.message).toMatchObject({ msg: 'here', file: { _id: fileId, size: png.length } })
    expect(sent[0]?.body.message.attachments[0]).toMatchObject({ description: 'the bill', image_size: png.length })
    const invalid = [400, { success: false, error: '[invalid-file]', errorType: 'invalid-file' }]
    expect(refusal(await confirm(anna, chat.rid, fileId))).toEqual(invalid)
    desk.clock.advance(86_400_001)
    await desk.server.worker.drain()
    expect(filesOnDisk().some((name) => name.endsWith(fileId))).toBe(true)
  })

  test('is nobody else’s to confirm, nor in another room', async () => {
    const [chat, other] = [await openChat(desk), await openChat(desk)]
    const fileId = await store(chat)
    const invalid = [400, { success: false, error: '[invalid-file]', errorType: 'invalid-file' }]
    await changingNothing(async () => {
      expect(refusal(await confirm(manager, chat.rid, fileId))).toEqual(invalid)
      expect(refusal(await confirm(anna, other.rid, fileId))).toEqual(invalid)
      expect(refusal(await confirm(anna, chat.rid, 'no-such-file'))).toEqual(invalid)
    })
    await withSettings(desk, { Message_MaxAllowedSize: 3 }, () =>
      changingNothing(async () => {
        expect(errorTypeOf(await confirm(anna, chat.rid, fileId, { msg: 'long' }))).toBe('error-message-size-exceeded')
      }),
    )
  })

  test('is not sent by somebody who may no longer read the room', async () => {
    const chat = await openChat(desk)
    const fileId = await store(chat)
    await desk.server.context.transact(async (tx) => {
      await tx.run(tx.sql.deleteFrom('subscription').where('roomId', '=', chat.rid))
      await tx.run(tx.sql.updateTable('room').set({ servedById: null }).where('id', '=', chat.rid))
    })
    await changingNothing(async () => {
      expect(refusal(await confirm(anna, chat.rid, fileId))).toEqual(unauthorized)
    })
  })

  test('stays behind when its room is closed, and goes after a day', async () => {
    const chat = await openChat(desk)
    const fileId = await store(chat)
    await closeByVisitor(desk, chat)
    expect(refusal(await confirm(anna, chat.rid, fileId))).toEqual(bare('room-closed'))
    desk.clock.advance(86_400_001)
    await desk.server.worker.drain()
    expect(filesOnDisk().some((name) => name.endsWith(fileId))).toBe(false)
    const { read } = desk.server.context
    expect(await read.all(read.sql.selectFrom('upload').selectAll().where('id', '=', fileId))).toEqual([])
  })
})

describe('files go', () => {
  afterEach(() => configure(desk, { Message_ShowDeletedStatus: false }))

  const isThere = (id: string) => filesOnDisk().some((name) => name.endsWith(id))
  const statusOf = async (path: string) => (await desk.server.http.inject({ method: 'GET', url: path })).statusCode

  test.each([false, true])('with their message (a placeholder stays: %s)', async (stays) => {
    await configure(desk, { Message_ShowDeletedStatus: stays })
    const chat = await openChat(desk)
    const [gone, kept] = [await upload(chat), await upload(chat)]
    await desk.anyone.call('DELETE /livechat/message/:_id', {
      params: { _id: gone.body._id },
      query: { token: chat.token, rid: chat.rid },
    })
    expect(await statusOf(gone.body.attachments[0].title_link)).toBe(404)
    await desk.server.worker.drain()
    expect(isThere(gone.body.file._id)).toBe(false)
    expect(isThere(kept.body.file._id)).toBe(true)
    expect(JSON.stringify(await historyOf(desk, chat))).not.toContain(gone.body.file._id)
  })

  test('with their visitor, and no others', async () => {
    const [chat, other] = [await openChat(desk), await openChat(desk)]
    const [gone, kept] = [await upload(chat), await upload(other)]
    const unsent = await sendForm(desk, `/rooms.media/${chat.rid}`, [filePart()], anna.headers)
    await closeByVisitor(desk, chat)
    await desk.anyone.call('DELETE /livechat/visitor/:token', { params: { token: chat.token } })
    const { read } = desk.server.context
    expect(await read.all(read.sql.selectFrom('upload').selectAll().where('roomId', '=', chat.rid))).toEqual([])
    await desk.server.worker.drain()
    expect([gone.body.file._id, unsent.body.file._id, kept.body.file._id].map(isThere)).toEqual([false, false, true])
  })

  test('not when their message is edited', async () => {
    const chat = await openChat(desk)
    const sent = await upload(chat)
    const edited = await desk.anyone.call('PUT /livechat/message/:_id', {
      params: { _id: sent.body._id },
      body: { token: chat.token, rid: chat.rid, msg: 'the bill of May' },
    })
    expect(edited.message).toMatchObject({
      msg: 'the bill of May',
      file: sent.body.file,
      attachments: sent.body.attachments,
    })
    expect(isThere(sent.body.file._id)).toBe(true)
  })

  test('that nobody knows, once they are an hour old', async () => {
    const chat = await openChat(desk)
    const sent = await upload(chat)
    const { files } = desk.server.context
    async function* bytes() {
      yield await Promise.resolve(Buffer.from('left behind'))
    }
    // As after a process that ended at the worst moments.
    const [unfinished, unknown, young] = [
      await files.receive(bytes(), 100),
      await files.receive(bytes(), 100),
      await files.receive(bytes(), 100),
    ]
    await unknown.keep()
    await young.keep()
    const folder = join(desk.server.context.config.dataDir, 'uploads')
    for (const name of filesOnDisk().filter((name) => !name.endsWith(young.id))) utimesSync(join(folder, name), 0, 0)
    desk.clock.advance(3_600_001)
    await desk.server.worker.start()
    await desk.server.worker.drain()
    expect([unfinished.id, unknown.id, young.id, sent.body.file._id].map(isThere)).toEqual([false, false, true, true])
    await young.discard()
  })
})
