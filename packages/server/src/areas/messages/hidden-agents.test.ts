// What visitors are told while `Livechat_show_agent_info` is off: that somebody answered, and not who.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  answer,
  closeBy,
  configure,
  historyOf,
  openChat,
  roomOf,
  say,
  type Chat,
} from '../../../testing/conversation.ts'
import { listen, signIn, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

const SITE = 'https://desk.example'
const HIDDEN = { username: 'Agent', name: 'Agent' }

let desk: TestServer
let anna: StaffMember
let chat: Chat
let socket: Socket

beforeAll(async () => {
  desk = await startTestServer({ config: { siteUrl: SITE } })
  anna = await desk.agent({
    username: 'anna-of-accounts',
    name: 'Anna Adams',
    roles: ['user', 'livechat-agent', 'admin'],
  })
  await configure(desk, { Livechat_show_agent_info: false })
  chat = await openChat(desk)
  socket = await listen(desk, chat)
  const said = await answer(anna, chat.rid, 'Good morning')
  const asked = await say(desk, chat, `What do you mean? ${SITE}/live/${chat.rid}?msg=${said._id}`)
  await anna.call('POST /chat.react', { body: { messageId: asked._id, emoji: ':tada:' } })
  const edit = { roomId: chat.rid, msgId: said._id, text: 'Good evening' }
  await anna.call('POST /chat.update', { body: edit })
  const bert = await desk.agent({
    username: 'bert-of-billing',
    name: 'Bert Brown',
    roles: ['user', 'livechat-agent', 'admin'],
  })
  await anna.call('POST /livechat/room.forward', { body: { roomId: chat.rid, userId: bert.id } })
  await answer(bert, chat.rid, 'Here I am')
  await bert.call('POST /livechat/room.onHold', { body: { roomId: chat.rid } })
  await bert.call('POST /livechat/room.resumeOnHold', { body: { roomId: chat.rid } })
  await socket.settled()
})
afterAll(async () => {
  await socket.close()
  await desk.stop()
})

const NAMES = /anna|adams|bert|brown|person\d/i

test('history, catching up and single messages name nobody', async () => {
  const history = await historyOf(desk, chat, { limit: '100' })
  const said = history.find(({ msg }) => msg === 'Good evening')
  expect(said).toMatchObject({ u: { _id: anna.id, ...HIDDEN }, editedBy: { _id: anna.id, username: 'Agent' } })
  const reacted = history.find(({ reactions }) => reactions !== undefined)
  expect(reacted?.reactions).toEqual({ ':tada:': { usernames: ['Agent'] } })
  expect(history.map(({ t }) => t)).toEqual(expect.arrayContaining(['livechat_transfer_history', 'ul', 'uj']))
  const quoting = history.find(({ msg }) => msg.startsWith('What do you mean?'))
  expect(quoting).toMatchObject({ u: { _id: chat.id }, attachments: [{ text: 'Good morning' }] })
  expect(JSON.stringify(history)).not.toMatch(NAMES)

  const place = { params: { rid: chat.rid }, query: { token: chat.token } }
  const { changes } = await desk.anyone.call('GET /livechat/messages.sync/:rid', place)
  expect(changes.length).toBeGreaterThan(5)
  expect(JSON.stringify(changes)).not.toMatch(NAMES)
  const one = await desk.anyone.call('GET /livechat/message/:_id', {
    params: { _id: said!._id },
    query: { token: chat.token, rid: chat.rid },
  })
  expect(one.message.u).toMatchObject(HIDDEN)
})

test('the answer to a visitor who quotes, and the last message of a room, name nobody', async () => {
  const said = await answer(anna, chat.rid, 'To be quoted')
  expect(await roomOf(desk, chat)).toMatchObject({ lastMessage: { msg: 'To be quoted', u: HIDDEN } })
  const quoting = await say(desk, chat, `${SITE}/live/${chat.rid}?msg=${said._id}`)
  expect(quoting.attachments).toMatchObject([{ text: 'To be quoted' }])
  expect(JSON.stringify(quoting)).not.toMatch(NAMES)
})

test('live frames name nobody, whoever types', async () => {
  const room = chat.rid
  const key = `${room}/user-activity`
  const typing = await signIn(desk, anna)
  await typing.call('stream-notify-room', key, anna.username, ['user-typing'])
  await socket.heard(({ collection, fields }) => collection === 'stream-notify-room' && fields?.eventName === key)
  expect(socket.told('notify-room', key)).toEqual([['Agent', ['user-typing']]])
  await typing.close()
  await socket.settled()
  expect(socket.told('room-messages', room).length).toBeGreaterThan(2)
  expect(JSON.stringify(socket.frames)).not.toMatch(NAMES)
})

test('the staff reads who it was', async () => {
  const { messages } = await anna.call('GET /livechat/messages/:rid', { params: { rid: chat.rid } })
  expect(messages.map(({ u }) => u.username)).toContain('anna-of-accounts')
  await closeBy(await desk.administrator(), chat.rid)
})
