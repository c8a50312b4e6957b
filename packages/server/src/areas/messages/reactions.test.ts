import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  answer,
  closeByVisitor,
  errorOf,
  errorTypeOf,
  historyOf,
  openChat,
  roomSeenBy,
  say,
  type Chat,
  type WireMessage,
} from '../../../testing/conversation.ts'
import { listen } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bert: StaffMember
let chat: Chat
let message: WireMessage
beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bert = await desk.staff({ username: 'bert', roles: ['user', 'livechat-manager'] })
})
afterAll(() => desk.stop())
beforeEach(async () => {
  chat = await openChat(desk)
  message = await say(desk, chat, 'Hello')
})

const react = (staff: StaffMember, body: object) =>
  staff.raw('POST /chat.react', { body: { messageId: message._id, ...body } })

/** The reactions that the visitor reads. */
async function reactions(): Promise<unknown> {
  return (await historyOf(desk, chat)).find(({ _id }) => _id === message._id)?.reactions
}

describe('a reaction', () => {
  test('is told to both sides with its message, and is no edit', async () => {
    const socket = await listen(desk, chat)
    expect((await react(anna, { emoji: ':tada:' })).status).toBe(200)
    expect((await react(bert, { reaction: 'tada' })).status).toBe(200)
    expect((await react(bert, { emoji: ':+1:' })).status).toBe(200)
    await socket.settled()
    const told = socket.told('room-messages', chat.rid).map(([each]) => each as WireMessage)
    expect(told.at(-1)).toMatchObject({
      _id: message._id,
      msg: 'Hello',
      reactions: { ':tada:': { usernames: ['anna', 'bert'] }, ':+1:': { usernames: ['bert'] } },
    })
    expect(told.at(-1)).not.toHaveProperty('editedAt')
    expect(await reactions()).toEqual(told.at(-1)?.reactions)
    const { seq = 0 } = message
    const synced = await desk.anyone.call('GET /livechat/messages.sync/:rid', {
      params: { rid: chat.rid },
      query: { token: chat.token, after: String(seq) },
    })
    expect(synced.changes.at(-1)?.message?.reactions).toEqual(told.at(-1)?.reactions)
    await socket.close()
  })

  test('is taken back by the same word, or by saying so, and once only', async () => {
    await react(anna, { emoji: ':tada:' })
    await react(anna, { emoji: ':tada:' })
    expect(await reactions()).toBeUndefined()
    for (let times = 0; times < 2; times++) await react(anna, { emoji: ':tada:', shouldReact: true })
    expect(await reactions()).toEqual({ ':tada:': { usernames: ['anna'] } })
    await react(bert, { emoji: ':tada:', shouldReact: false })
    expect(await reactions()).toEqual({ ':tada:': { usernames: ['anna'] } })
    for (let times = 0; times < 2; times++) await react(anna, { emoji: ':tada:', shouldReact: false })
    expect(await reactions()).toBeUndefined()
  })

  test('stays when the message is edited, and goes with it', async () => {
    await react(anna, { emoji: ':tada:' })
    const place = { token: chat.token, rid: chat.rid }
    const params = { _id: message._id }
    await desk.anyone.call('PUT /livechat/message/:_id', { params, body: { ...place, msg: 'Hello!' } })
    expect(await reactions()).toEqual({ ':tada:': { usernames: ['anna'] } })
    await desk.anyone.call('DELETE /livechat/message/:_id', { params, body: place })
    expect([(await react(anna, { emoji: ':tada:' })).status, await reactions()]).toEqual([400, undefined])
  })

  test('leaves what is unread and unanswered as it is', async () => {
    await answer(anna, chat.rid, 'Good morning')
    const before = await roomSeenBy(bert, chat.rid)
    await react(anna, { emoji: ':tada:' })
    const { _updatedAt: _before, ...room } = before
    const { _updatedAt: _after, ...after } = await roomSeenBy(bert, chat.rid)
    expect(after).toEqual(room)
  })

  test('of several at once is everybody’s', async () => {
    const names = ['one', 'two', 'three', 'four']
    await Promise.all(names.flatMap((name) => [anna, bert].map((staff) => react(staff, { emoji: `:${name}:` }))))
    const found = (await reactions()) as Record<string, { usernames: string[] }>
    expect(Object.keys(found).toSorted()).toEqual(names.map((name) => `:${name}:`).toSorted())
    expect(Object.values(found).every(({ usernames }) => usernames.length === 2)).toBe(true)
  })

  test('is refused to strangers, to lines of the system, in closed rooms, and where it is no emoji', async () => {
    const refusal = async (staff: StaffMember, body: object) => {
      const refused = await react(staff, body)
      return [refused.status, errorTypeOf(refused) ?? errorOf(refused)]
    }
    const emoji = ':tada:'
    expect(await refusal(await desk.staff(), { emoji })).toEqual([400, 'error-message-not-found'])
    expect(await refusal(anna, { messageId: 'none', emoji })).toEqual([400, 'error-message-not-found'])
    for (const word of ['', ':', 'ein Wort', '🎉', '<b>', 'constructor.x'])
      expect(await refusal(anna, { emoji: word }), word).toEqual([400, 'error-invalid-emoji'])
    expect(await refusal(anna, {})).toEqual([400, 'error-invalid-emoji'])
    const line = (await historyOf(desk, chat)).find(({ t }) => t === 'livechat-started')
    expect(await refusal(anna, { messageId: line?._id, emoji })).toEqual([400, 'error-not-allowed'])
    expect((await desk.anyone.raw('POST /chat.react', { body: { messageId: message._id, emoji } })).status).toBe(401)
    await closeByVisitor(desk, chat)
    expect(await refusal(anna, { emoji })).toEqual([400, 'room-closed'])
    expect(await reactions()).toBeUndefined()
  })

  test('may be one of fifty emoji, also one that every object has a word for', async () => {
    expect((await react(anna, { emoji: 'constructor' })).status).toBe(200)
    for (let index = 1; index < 50; index++) await react(anna, { emoji: `e${String(index)}` })
    expect(errorTypeOf(await react(anna, { emoji: 'one-more' }))).toBe('error-too-many-reactions')
    expect((await react(bert, { emoji: 'constructor' })).status).toBe(200)
    expect(await reactions()).toHaveProperty([':constructor:'], { usernames: ['anna', 'bert'] })
  })
})
