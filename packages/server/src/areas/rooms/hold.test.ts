import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  allRows,
  answer,
  bare,
  closeBy,
  historyOf,
  openChat,
  refusal,
  roomSeenBy,
  say,
  withSettings,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bob: StaffMember
let manager: StaffMember
let chat: Chat

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna', name: 'Anna Berg' })
  bob = await desk.staff({ username: 'bob', roles: ['user', 'livechat-agent'] })
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())

const hold = (by: StaffMember, roomId = chat.rid) => by.raw('POST /livechat/room.onHold', { body: { roomId } })
const resume = (by: StaffMember, roomId = chat.rid) => by.raw('POST /livechat/room.resumeOnHold', { body: { roomId } })
const seen = () => roomSeenBy(manager, chat.rid)
const ok = [200, { success: true }]
const text = (error: string) => [400, { success: false, error }]

beforeEach(async () => {
  chat = await openChat(desk, { name: 'Ana' })
  await say(desk, chat, 'hello')
  await answer(anna, chat.rid, 'one moment')
})

async function openChatsOf(agent: StaffMember): Promise<number> {
  const { read } = desk.server.context
  return (await read.first(read.sql.selectFrom('user').select('openChats').where('id', '=', agent.id)))!.openChats
}

const limited = { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 1 }

/** Ends every chat but that of the test, which is then the only one. */
async function alone(): Promise<void> {
  const { rooms } = await manager.call('GET /livechat/rooms', { query: { count: '100' } })
  for (const { _id, open } of rooms) if (open === true && _id !== chat.rid) await closeBy(manager, _id)
}

describe('a conversation on hold', () => {
  test('keeps its agent, who has a place for another', async () => {
    await alone()
    expect(await openChatsOf(anna)).toBe(1)
    expect(refusal(await hold(anna))).toEqual(ok)
    expect(await seen()).toMatchObject({ onHold: true, open: true, servedBy: { username: 'anna' } })
    expect(await openChatsOf(anna)).toBe(0)
    const [line] = await historyOf(desk, chat)
    expect(line).toMatchObject({
      t: 'omnichannel_placed_chat_on_hold',
      msg: '',
      comment: 'The chat was manually placed On Hold by Anna Berg',
      u: { username: 'anna' },
    })
    const { rooms } = await manager.call('GET /livechat/rooms', { query: { onhold: 'true' } })
    expect(rooms.map(({ _id }) => _id)).toContain(chat.rid)
  })

  test('makes room for a chat that waits', async () => {
    await alone()
    await withSettings(desk, limited, async () => {
      const waiting = await openChat(desk)
      expect(waiting.room).not.toHaveProperty('servedBy')
      await hold(anna)
      expect((await roomSeenBy(manager, waiting.rid)).servedBy?.username).toBe('anna')
      expect(await openChatsOf(anna)).toBe(1)
    })
  })

  test('is taken up again by hand, and the line that says so is the newest', async () => {
    await alone()
    await hold(anna)
    expect(refusal(await resume(anna))).toEqual(ok)
    expect(await seen()).not.toHaveProperty('onHold')
    expect(await openChatsOf(anna)).toBe(1)
    expect((await historyOf(desk, chat))[0]).toMatchObject({
      t: 'omnichannel_on_hold_chat_resumed',
      comment: 'The chat was manually resumed from On Hold by Anna Berg',
    })
  })

  test('goes on when its visitor writes', async () => {
    await alone()
    await hold(manager)
    await say(desk, chat, 'still there?')
    expect(await seen()).toMatchObject({ servedBy: { username: 'anna' }, waitingResponse: true })
    expect(await seen()).not.toHaveProperty('onHold')
    expect(await openChatsOf(anna)).toBe(1)
    const [line, message] = await historyOf(desk, chat)
    expect(message).toMatchObject({ msg: 'still there?' })
    expect(line).toMatchObject({ t: 'omnichannel_on_hold_chat_resumed', u: { username: 'rocket.cat' } })
  })

  test('waits for another agent where its own has no place when the visitor writes', async () => {
    await alone()
    await hold(anna)
    await withSettings(desk, limited, async () => {
      await openChat(desk)
      expect(refusal(await resume(anna))).toEqual(bare('error-max-number-simultaneous-chats-reached'))
      await say(desk, chat, 'hello again')
      const room = await seen()
      expect(room).not.toHaveProperty('servedBy')
      expect(room).not.toHaveProperty('onHold')
      expect(await openChatsOf(anna)).toBe(1)
      const { inquiries } = await manager.call('GET /livechat/inquiries.list')
      expect(inquiries.map(({ rid }) => rid)).toContain(chat.rid)
    })
  })

  test('is served by another agent at once where its own has gone', async () => {
    await hold(anna)
    const cleo = await desk.agent({ username: 'cleo' })
    await anna.call('POST /users.setStatus', { body: { status: 'offline' } })
    expect(refusal(await resume(anna))).toEqual(text('Provided agent is not online'))
    await say(desk, chat, 'hello again')
    expect((await seen()).servedBy?.username).toBe('cleo')
    await closeBy(cleo, chat.rid)
    await cleo.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    await anna.call('POST /users.setStatus', { body: { status: 'online' } })
  })

  test('is closed without taking a place twice', async () => {
    await alone()
    await hold(anna)
    await closeBy(anna, chat.rid)
    expect(await openChatsOf(anna)).toBe(0)
    expect(await seen()).not.toHaveProperty('onHold')
    chat = await openChat(desk)
    expect(await openChatsOf(anna)).toBe(1)
  })

  test('is resumed once, whoever does it at the same moment', async () => {
    await alone()
    await hold(anna)
    const answers = await Promise.all([
      ...[anna, manager, manager].map((by) => resume(by)),
      ...['a', 'b', 'c'].map((msg) => say(desk, chat, msg)),
    ])
    expect(answers).toHaveLength(6)
    const lines = (await historyOf(desk, chat)).filter(({ t }) => t === 'omnichannel_on_hold_chat_resumed')
    expect(lines).toHaveLength(1)
    expect(await openChatsOf(anna)).toBe(1)
  })
})

describe('a conversation is not put on hold', () => {
  async function refused(by: StaffMember, expected: unknown, roomId = chat.rid): Promise<void> {
    const before = await allRows(desk)
    expect(refusal(await hold(by, roomId))).toEqual(expected)
    expect(await allRows(desk)).toEqual(before)
  }

  test('by who is not in it', async () => {
    await refused(bob, text('Not_authorized'))
    expect((await hold(await desk.staff({ username: 'uma', roles: ['user'] }))).status).toBe(403)
    expect((await desk.anyone.raw('POST /livechat/room.onHold', { body: { roomId: chat.rid } })).status).toBe(401)
  })

  test('where it is unknown, over, or on hold', async () => {
    await refused(manager, bare('error-invalid-room'), 'no-such')
    await hold(anna)
    await refused(anna, bare('error-room-is-already-on-hold'))
    await closeBy(anna, chat.rid)
    await refused(manager, bare('error-room-already-closed'))
  })

  test('before the agent has answered, unless the setting allows it', async () => {
    await say(desk, chat, 'and another thing')
    await refused(anna, bare('error-cannot-place-chat-on-hold'))
    await withSettings(desk, { Livechat_allow_manual_on_hold_upon_agent_engagement_only: false }, async () => {
      expect(refusal(await hold(anna))).toEqual(ok)
    })
  })

  test('while nobody serves it', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      chat = await openChat(desk)
      await refused(manager, bare('error-cannot-place-chat-on-hold'))
      await answer(manager, chat.rid, 'soon')
      await refused(manager, bare('error-unserved-rooms-cannot-be-placed-onhold'))
    })
  })
})

describe('a conversation is not resumed', () => {
  test('by who is not in it, where it is unknown, over or not on hold, or without a name', async () => {
    expect(refusal(await resume(anna))).toEqual(bare('error-room-not-on-hold'))
    await hold(anna)
    expect(refusal(await resume(bob))).toEqual(text('Not_authorized'))
    expect(refusal(await resume(manager, 'no-such'))).toEqual(bare('error-invalid-room'))
    expect(refusal(await resume(manager, ' '))).toEqual(bare('invalid-param'))
    await closeBy(anna, chat.rid)
    expect(refusal(await resume(manager))).toEqual(bare('This_conversation_is_already_closed'))
    expect((await resume(await desk.staff({ username: 'ursa', roles: ['user'] }))).status).toBe(403)
  })
})
