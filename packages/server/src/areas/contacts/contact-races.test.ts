// What the database settles when a visitor is blocked, removed or replaced while the room goes on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorOf, openChat, register, roomSeenBy, say, type Chat } from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const ROUNDS = 12

let desk: TestServer
let administrator: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  await desk.agent()
  administrator = await desk.administrator()
})
afterAll(() => desk.stop())

const rounds = Array.from({ length: ROUNDS }, (_, round) => round)

describe('at the same moment', () => {
  test('a room given to another visitor outlives the removal of the old one', async () => {
    await administrator.call('POST /settings/:_id', {
      params: { _id: 'Livechat_Allow_collect_and_store_HTTP_header_informations' },
      body: { value: true },
    })
    for (const _round of rounds) {
      const chat = await openChat(desk)
      const heir = await register(desk)
      const [given, removed] = await Promise.all([
        administrator.raw('PUT /livechat/room.visitor', { body: { rid: chat.rid, visitorId: heir.id } }),
        desk.anyone.raw('DELETE /livechat/visitor/:token', { params: { token: chat.token } }),
      ])
      expect(removed.status).toBe(200)
      const found = await administrator.raw('GET /rooms.info', { query: { roomId: chat.rid } })
      expect(found.status).toBe(given.status === 200 ? 200 : 400)
    }
  })

  test('a block holds, whoever closes the chat', async () => {
    for (const _round of rounds) {
      const chat = await openChat(desk)
      const [blocked] = await Promise.all([
        administrator.raw('POST /livechat/visitors.block', { body: { visitorId: chat.id, reason: 'Abuse' } }),
        desk.anyone.raw('POST /livechat/room.close', { body: { rid: chat.rid, token: chat.token } }),
      ])
      expect(blocked.status).toBe(200)
      const again = await desk.anyone.raw('GET /livechat/room', { query: { token: chat.token } })
      expect(errorOf(again)).toBe('error-contact-channel-blocked')
    }
  })

  test('several messages at once find a room, also where it is closed beside them', async () => {
    for (const _round of rounds) {
      const chat = await openChat(desk)
      const body = { visitor: { token: chat.token }, messages: [{ msg: 'one' }, { msg: 'two' }] }
      const [sent] = await Promise.all([
        administrator.raw('POST /livechat/messages', { body }),
        desk.anyone.raw('POST /livechat/room.close', { body: { rid: chat.rid, token: chat.token } }),
      ])
      expect([sent.status, sent.body]).toMatchObject([200, { messages: [{ msg: 'one' }, { msg: 'two' }] }])
    }
  })
})

describe('custom fields that a visitor sets', () => {
  beforeAll(async () => {
    for (const field of ['plan', 'company'])
      await administrator.call('POST /livechat/custom-fields.save', {
        body: {
          customFieldId: null,
          customFieldData: { field, label: field, scope: 'visitor', visibility: 'visible', regexp: '' },
        },
      })
  })

  const setOwn = (chat: Chat, value: string) =>
    desk.anyone.raw('POST /livechat/custom.field', {
      body: { token: chat.token, key: 'plan', value, overwrite: true },
    })
  const fieldsOf = async ({ id }: Chat) =>
    (await administrator.call('GET /livechat/visitors.info', { query: { visitorId: id } })).visitor.livechatData

  test('stay where an agent writes others down at the same moment', async () => {
    const chat = await openChat(desk)
    for (const round of rounds) {
      const value = `round ${String(round)}`
      const [own, saved] = await Promise.all([
        setOwn(chat, value),
        administrator.raw('POST /livechat/room.saveInfo', {
          body: { guestData: { _id: chat.id, livechatData: { company: value } }, roomData: { _id: chat.rid } },
        }),
      ])
      expect([own.status, saved.status]).toEqual([200, 200])
      expect(await fieldsOf(chat)).toEqual({ plan: value, company: value })
    }
  })

  test('stay where an agent saves the contact at the same moment', async () => {
    const chat = await openChat(desk)
    for (const round of rounds) {
      const value = `round ${String(round)}`
      const [own, saved] = await Promise.all([
        setOwn(chat, value),
        administrator.raw('POST /omnichannel/contact', { body: { token: chat.token, name: value } }),
      ])
      expect([own.status, saved.status]).toEqual([200, 200])
      expect(await fieldsOf(chat)).toEqual({ plan: value })
    }
  })
})

test('a blocked visitor neither edits, rates nor is given a room', async () => {
  const chat = await openChat(desk)
  const { _id } = await say(desk, chat, 'before')
  await administrator.call('POST /livechat/visitors.block', { body: { visitorId: chat.id, reason: 'Abuse' } })
  const place = { token: chat.token, rid: chat.rid }
  const edited = await desk.anyone.raw('PUT /livechat/message/:_id', {
    params: { _id },
    body: { ...place, msg: 'after' },
  })
  const data = [{ name: 'additionalFeedback', value: 'words' }]
  const rated = await desk.anyone.raw('POST /livechat/room.survey', { body: { ...place, data } })
  const other = await openChat(desk)
  const given = await administrator.raw('PUT /livechat/room.visitor', { body: { rid: other.rid, visitorId: chat.id } })
  for (const answer of [edited, rated, given])
    expect([answer.status, errorOf(answer)]).toEqual([400, 'error-contact-channel-blocked'])
  expect((await roomSeenBy(administrator, other.rid)).v._id).toBe(other.id)
})
