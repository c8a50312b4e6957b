// What a visitor's socket is told of each thing that happens, in which order (contract §C.14.4).
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  answer,
  closeByVisitor,
  configure,
  makeDepartment,
  openChat,
  say,
  type Chat,
} from '../../../testing/conversation.ts'
import { listen, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let manager: StaffMember
let chat: Chat
let socket: Socket
beforeEach(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  manager = await desk.staff({ roles: ['user', 'livechat-manager', 'livechat-agent'] })
  await manager.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
  chat = await openChat(desk)
  await answer(anna, chat.rid, 'Good morning')
  socket = await listen(desk, chat)
})
afterEach(async () => {
  await socket.close()
  await desk.stop()
})

/** What was told since, each event as one word or two. */
async function toldOf(work: () => Promise<unknown>): Promise<string[]> {
  await socket.settled()
  const from = socket.frames.length
  await work()
  await socket.settled()
  return socket.frames
    .slice(from)
    .filter(({ msg }) => msg === 'changed')
    .map(({ collection, fields }) => {
      const { eventName, args } = fields as { eventName: string; args: [Record<string, unknown>] }
      const [said] = args
      if (collection === 'stream-livechat-room') return `${String(said['type'])}${'data' in said ? '' : ' of nobody'}`
      if (collection === 'stream-notify-room') return eventName.split('/')[1] ?? ''
      return String(said['t'] === 'command' ? said['msg'] : (said['t'] ?? 'message'))
    })
}

const taken = ['connected', 'uj']

describe('the visitor’s socket is told', () => {
  test('of messages, edits and deletions', async () => {
    const { _id } = await say(desk, chat, 'first')
    const place = { token: chat.token, rid: chat.rid }
    expect(await toldOf(() => say(desk, chat, 'second'))).toEqual(['message'])
    const edit = { params: { _id }, body: { ...place, msg: 'edited' } }
    expect(await toldOf(() => desk.anyone.call('PUT /livechat/message/:_id', edit))).toEqual(['message'])
    const remove = { params: { _id }, body: place }
    expect(await toldOf(() => desk.anyone.call('DELETE /livechat/message/:_id', remove))).toEqual(['deleteMessage'])
  })

  test('of a deletion that leaves a line as that line', async () => {
    await configure(desk, { Message_ShowDeletedStatus: true })
    const { _id } = await say(desk, chat, 'first')
    const remove = { params: { _id }, body: { token: chat.token, rid: chat.rid } }
    expect(await toldOf(() => desk.anyone.call('DELETE /livechat/message/:_id', remove))).toEqual(['rm'])
    expect(socket.told('room-messages', chat.rid).at(-1)).toMatchObject([{ _id, t: 'rm', msg: '' }])
  })

  test('of a transfer to another agent', async () => {
    const bob = await desk.agent({ username: 'bob' })
    const body = { roomId: chat.rid, userId: bob.id }
    const told = await toldOf(() => manager.call('POST /livechat/room.forward', { body }))
    expect(told.filter((each) => each !== 'agentData')).toEqual([...taken, 'livechat_transfer_history', 'ul'])
    expect(socket.told('livechat-room', chat.rid).at(-1)).toMatchObject([{ type: 'agentData', data: { _id: bob.id } }])
  })

  test('of a transfer to another department, where somebody takes it and where it waits', async () => {
    const bob = await desk.agent({ username: 'bob' })
    const department = await makeDepartment(desk, { agents: [bob], showOnRegistration: 0 })
    const told = await toldOf(() =>
      manager.call('POST /livechat/room.forward', { body: { roomId: chat.rid, departmentId: department } }),
    )
    expect(told.filter((each) => each !== 'agentData')).toEqual([...taken, 'livechat_transfer_history', 'ul'])
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection', Livechat_waiting_queue: true })
    const other = await makeDepartment(desk, { agents: [anna], showOnRegistration: 0 })
    expect(
      await toldOf(() =>
        manager.call('POST /livechat/room.forward', { body: { roomId: chat.rid, departmentId: other } }),
      ),
    ).toEqual(['livechat_transfer_history', 'ul', 'agentData of nobody', 'queueData'])
  })

  test('of a return into the queue, and the place there last', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection', Livechat_waiting_queue: true })
    expect(
      await toldOf(() => anna.call('POST /livechat/inquiries.returnAsInquiry', { body: { roomId: chat.rid } })),
    ).toEqual(['livechat_transfer_history', 'ul', 'agentData of nobody', 'queueData'])
  })

  test('of being put aside and taken up again', async () => {
    const body = { roomId: chat.rid }
    expect(await toldOf(() => anna.call('POST /livechat/room.onHold', { body }))).toEqual([
      'omnichannel_placed_chat_on_hold',
    ])
    expect(await toldOf(() => anna.call('POST /livechat/room.resumeOnHold', { body }))).toEqual([
      'omnichannel_on_hold_chat_resumed',
    ])
  })

  test('of the end, and of nothing then', async () => {
    await configure(desk, { Livechat_enable_transcript: true })
    expect(await toldOf(() => closeByVisitor(desk, chat))).toEqual(['livechat-close', 'promptTranscript'])
  })

  test('of pages only where they are told as messages', async () => {
    const page = (title: string) => {
      desk.clock.advance(2_000)
      const pageInfo = { change: 'url', title, location: { href: 'https://shop.example/' } }
      const body = { token: chat.token, rid: chat.rid, pageInfo }
      return desk.anyone.call('POST /livechat/page.visited', { body })
    }
    expect(await toldOf(() => page('quietly'))).toEqual([])
    await configure(desk, { Livechat_Visitor_navigation_as_a_message: true })
    expect(await toldOf(() => page('aloud'))).toEqual(['livechat_navigation_history'])
  })

  test('of no line that is hidden, and of no service switch', async () => {
    await configure(desk, { Hide_System_Messages: ['omnichannel_placed_chat_on_hold'] })
    expect(await toldOf(() => anna.call('POST /livechat/room.onHold', { body: { roomId: chat.rid } }))).toEqual([])
    expect(await toldOf(() => anna.call('POST /livechat/agent.status', { body: { status: 'not-available' } }))).toEqual(
      [],
    )
  })
})
