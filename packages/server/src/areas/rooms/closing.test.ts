import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  bare,
  errorTypeOf,
  historyOf,
  makeDepartment,
  openChat,
  refusal,
  roomSeenBy,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let manager: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

let chat: Chat
beforeEach(async () => void (chat = await openChat(desk, { email: 'ana@example.org' })))

const closeAs = (by: StaffMember, more: object = {}) =>
  by.raw('POST /livechat/room.closeByUser', { body: { rid: chat.rid, comment: 'Solved', ...more } })
const closeAsVisitor = () =>
  desk.anyone.raw('POST /livechat/room.close', { body: { rid: chat.rid, token: chat.token } })

async function rowOf(rid: string) {
  const { read } = desk.server.context
  return (await read.first(read.sql.selectFrom('room').selectAll().where('id', '=', rid)))!
}

/** Moves the room of the test into a department with these columns. */
async function inDepartment(columns: { asksForTags?: number; closingTags?: string }, tags?: string[]): Promise<void> {
  const departmentId = await makeDepartment(desk, columns)
  await desk.server.context.transact((tx) =>
    tx.run(
      tx.sql
        .updateTable('room')
        .set({ departmentId, tags: tags === undefined ? null : JSON.stringify(tags) })
        .where('id', '=', chat.rid),
    ),
  )
}

const missing = bare('error-tags-must-be-assigned-before-closing-chat')

describe('the tags of a closed room', () => {
  test('are those of the agent, of the room and of its department, once each', async () => {
    await inDepartment({ closingTags: '["billing","old"]' }, ['old'])
    expect((await closeAs(anna, { tags: ['new', 'billing'] })).status).toBe(200)
    expect((await roomSeenBy(manager, chat.rid)).tags).toEqual(['new', 'billing', 'old'])
    const { rooms } = await manager.call('GET /livechat/rooms', { query: { 'tags[]': 'old' } })
    expect(rooms.map(({ _id }) => _id)).toEqual([chat.rid])
  })

  test('are asked of the agent where the department says so', async () => {
    await inDepartment({ asksForTags: 1, closingTags: '["billing"]' })
    const before = await allRows(desk)
    expect(refusal(await closeAs(anna))).toEqual(missing)
    expect(refusal(await closeAs(anna, { tags: [] }))).toEqual(missing)
    expect(await allRows(desk)).toEqual(before)
    expect((await closeAs(anna, { tags: ['solved'] })).status).toBe(200)
  })

  test('that the room has already will do', async () => {
    await inDepartment({ asksForTags: 1, closingTags: '["billing"]' }, ['old'])
    expect((await closeAs(anna)).status).toBe(200)
    expect((await roomSeenBy(manager, chat.rid)).tags).toEqual(['old', 'billing'])
  })

  test('are never enough where the department asks for some and has none of its own', async () => {
    await inDepartment({ asksForTags: 1 })
    expect(refusal(await closeAs(anna, { tags: ['solved'] }))).toEqual(missing)
    expect(refusal(await closeAsVisitor())).toEqual(missing)
  })

  test('are not asked of a visitor where the department has its own', async () => {
    await inDepartment({ asksForTags: 1, closingTags: '["billing"]' })
    expect((await closeAsVisitor()).status).toBe(200)
    expect((await roomSeenBy(manager, chat.rid)).tags).toEqual(['billing'])
  })

  test('are asked for after the comment', async () => {
    await inDepartment({ asksForTags: 1, closingTags: '["billing"]' })
    expect(refusal(await closeAs(anna, { comment: ' ' }))).toEqual(bare('error-comment-is-required'))
  })
})

describe('the transcript of a closed room', () => {
  const requested = async () => (await historyOf(desk, chat)).find(({ t }) => t === 'livechat-close')
  const requestData = { email: 'ana@example.org', subject: 'Your chat' }

  test('is remembered with the room where the agent asks for it', async () => {
    const answer = await closeAs(anna, { transcriptEmail: { sendToVisitor: true, requestData } })
    expect(answer).toMatchObject({ status: 200, body: { success: true } })
    expect(JSON.parse((await rowOf(chat.rid)).transcriptRequest ?? 'null')).toEqual({
      ...requestData,
      requestedAt: new Date(desk.clock.now()).toISOString(),
      requestedBy: { _id: anna.id, username: 'anna', name: 'Name of anna' },
    })
    expect(await requested()).toMatchObject({ transcriptRequested: true })
  })

  test('goes to another address than the visitor’s for those who may send it anywhere', async () => {
    const elsewhere = { sendToVisitor: true, requestData: { email: 'spy@elsewhere.example', subject: 's' } }
    const before = await allRows(desk)
    expect(refusal(await closeAs(anna, { transcriptEmail: elsewhere }))).toEqual(bare('error-not-authorized'))
    expect(await allRows(desk)).toEqual(before)
    expect((await closeAs(manager, { transcriptEmail: elsewhere })).status).toBe(200)
    expect((await rowOf(chat.rid)).transcriptRequest).toContain('spy@elsewhere.example')
  })

  test('goes nowhere for an agent whose visitor has left no address', async () => {
    chat = await openChat(desk)
    const refused = await closeAs(anna, { transcriptEmail: { sendToVisitor: true, requestData } })
    expect(refusal(refused)).toEqual(bare('error-not-authorized'))
  })

  test('is not mailed where the agent says no, whatever was asked for before', async () => {
    const { transact } = desk.server.context
    await transact((tx) =>
      tx.run(tx.sql.updateTable('room').set({ transcriptRequest: '{"email":"x@y"}' }).where('id', '=', chat.rid)),
    )
    await closeAs(anna, { transcriptEmail: { sendToVisitor: false } })
    expect((await rowOf(chat.rid)).transcriptRequest).toBe('{"suppressed":true}')
    expect(await requested()).toMatchObject({ transcriptRequested: false })
  })

  test('is left as it was asked for before where the agent says nothing', async () => {
    const { transact } = desk.server.context
    const requestedBy = { _id: anna.id, username: anna.username }
    const wish = JSON.stringify({
      requestedAt: '2026-01-05T10:00:00.000Z',
      requestedBy,
      email: 'x@y',
      subject: 'Yours',
    })
    await transact((tx) =>
      tx.run(tx.sql.updateTable('room').set({ transcriptRequest: wish }).where('id', '=', chat.rid)),
    )
    await closeAs(anna, { generateTranscriptPdf: true, forceClose: true })
    expect((await rowOf(chat.rid)).transcriptRequest).toBe(wish)
    expect(await requested()).toMatchObject({ transcriptRequested: true })
  })

  test('is announced where the settings send it always', async () => {
    await withSettings(desk, { Livechat_transcript_send_always: true }, async () => {
      await closeAs(anna)
      expect(await requested()).toMatchObject({ transcriptRequested: true })
    })
  })

  test.each([
    { sendToVisitor: true },
    { sendToVisitor: true, requestData: { email: 'ana@example.org' } },
    { sendToVisitor: 'yes' },
    {},
  ])('is not asked for by %j', async (transcriptEmail) => {
    const refused = await closeAs(anna, { transcriptEmail })
    expect([refused.status, errorTypeOf(refused)]).toEqual([400, 'invalid-params'])
    expect((await rowOf(chat.rid)).closedAt).toBeNull()
  })
})

test('nothing personal leaves with the event of a closing', async () => {
  const heard: unknown[] = []
  desk.server.bus.subscribe((event) => {
    if (event.name === 'room.closed') heard.push(event.data)
  })
  await closeAs(anna, {
    transcriptEmail: { sendToVisitor: true, requestData: { email: 'ANA@example.org', subject: 's' } },
  })
  expect(heard).toEqual([{ roomId: chat.rid, departmentId: null, servedById: anna.id }])
})
