import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  closeByVisitor,
  configure,
  makeDepartment,
  openChat,
  openRoomOf,
  register,
  type Chat,
} from '../../../testing/conversation.ts'
import { listen, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let agent: StaffMember
beforeAll(async () => {
  desk = await startTestServer()
  agent = await desk.agent({ username: 'anna' })
})
afterAll(() => desk.stop())
beforeEach(() =>
  configure(desk, {
    Livechat_Routing_Method: 'Manual_Selection',
    Livechat_waiting_queue: true,
    Livechat_waiting_queue_message: 'Please wait',
    Omnichannel_calculate_dispatch_service_queue_statistics: true,
  }),
)

/** Visitors who came one after the other. */
async function come(count: number): Promise<Chat[]> {
  const chats = []
  for (let index = 0; index < count; index++) {
    desk.clock.advance(1_000)
    chats.push(await openChat(desk))
  }
  return chats
}

/** What the visitor was told beside messages, in order: types, and the places in the queue. */
function toldOf(socket: Socket, chat: Chat): (string | number)[] {
  return socket.told('livechat-room', chat.rid).map(([{ type, data }]) => (type === 'queueData' ? data.spot : type))
}

async function take(chat: Chat): Promise<void> {
  const { inquiry } = await agent.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
  await agent.call('POST /livechat/inquiries.take', { body: { inquiryId: inquiry?._id } })
}

describe('a visitor who waits', () => {
  test('is told the place in the queue, and again when it is another one', async () => {
    const [first, second, third] = (await come(3)) as [Chat, Chat, Chat]
    const sockets = [await listen(desk, first), await listen(desk, second), await listen(desk, third)] as const
    await sockets[2].settled()
    expect(sockets[2].told('livechat-room', third.rid)).toEqual([
      [
        {
          type: 'queueData',
          data: { spot: 3, message: { text: 'Please wait', user: { _id: 'rocket.cat', username: 'rocket.cat' } } },
        },
      ],
    ])
    await take(first)
    await sockets[2].settled()
    await closeByVisitor(desk, second)
    await Promise.all(sockets.map((socket) => socket.settled()))
    expect(toldOf(sockets[0], first)).toEqual([1, 'agentData'])
    expect(toldOf(sockets[1], second)).toEqual([2, 1])
    expect(toldOf(sockets[2], third)).toEqual([3, 2, 1])
    expect(JSON.stringify(sockets[2].frames)).not.toContain(first.rid)
    await closeByVisitor(desk, first)
    await closeByVisitor(desk, third)
    await Promise.all(sockets.map((socket) => socket.close()))
  })

  test('is told once of changes that come together', async () => {
    const ahead = await come(3)
    const [last] = (await come(1)) as [Chat]
    const socket = await listen(desk, last)
    await socket.settled()
    await Promise.all(ahead.map((chat) => closeByVisitor(desk, chat)))
    await socket.settled()
    expect(toldOf(socket, last)[0]).toBe(4)
    expect(toldOf(socket, last).at(-1)).toBe(1)
    await desk.server.streams.sweep()
    await socket.settled()
    // Nothing has changed since.
    expect(toldOf(socket, last).filter((spot) => spot === 1)).toHaveLength(1)
    await closeByVisitor(desk, last)
    await socket.close()
  })

  test('counts those of the same department, and reads its words', async () => {
    const department = await makeDepartment(desk, {
      agents: [agent],
      waitingMessage: 'Sales will be with you',
      showOnRegistration: 0,
    })
    const elsewhere = await openChat(desk)
    const chat = await openChat(desk)
    await desk.server.context.transact((tx) =>
      tx.run(tx.sql.updateTable('inquiry').set({ departmentId: department }).where('roomId', '=', chat.rid)),
    )
    const socket = await listen(desk, chat)
    await socket.settled()
    expect(socket.told('livechat-room', chat.rid)).toMatchObject([
      [{ data: { spot: 1, message: { text: 'Sales will be with you' } } }],
    ])
    await Promise.all([closeByVisitor(desk, chat), closeByVisitor(desk, elsewhere)])
    await socket.close()
  })

  test('is told how long the latest chats of the queue lasted, and what the place adds to it', async () => {
    const department = await makeDepartment(desk, { agents: [agent], showOnRegistration: 0 })
    await configure(desk, { Livechat_number_most_recent_chats_estimate_wait_time: 10 })
    const visitors = await Promise.all([1, 2, 3, 4].map(() => register(desk, { department })))
    const earlier = []
    for (const visitor of visitors.slice(0, 2)) earlier.push(await openRoomOf(desk, visitor))
    desk.clock.advance(60_000)
    await closeByVisitor(desk, earlier[0] as Chat)
    desk.clock.advance(60_000)
    await closeByVisitor(desk, earlier[1] as Chat)
    const chats: Chat[] = []
    for (const visitor of visitors.slice(2)) {
      desk.clock.advance(1_000)
      chats.push(await openRoomOf(desk, visitor))
    }
    const sockets = await Promise.all(chats.map((chat) => listen(desk, chat)))
    await Promise.all(sockets.map((socket) => socket.settled()))
    const told = sockets.map((socket, index) => socket.told('livechat-room', (chats[index] as Chat).rid))
    // 90 s on average; a tenth more for each place.
    expect(told).toMatchObject([
      [[{ data: { spot: 1, estimatedWaitTimeSeconds: 90 } }]],
      [[{ data: { spot: 2, estimatedWaitTimeSeconds: 99 } }]],
    ])
    const { config } = await desk.anyone.call('GET /livechat/config', { query: { token: (chats[1] as Chat).token } })
    expect(config).toMatchObject({ queueInfo: { spot: 2, estimatedWaitTimeSeconds: 99 } })
    await Promise.all(chats.map((chat) => closeByVisitor(desk, chat)))
    await Promise.all(sockets.map((socket) => socket.close()))
  })

  test('is told nothing where nobody asks for it', async () => {
    await configure(desk, {
      Livechat_waiting_queue: false,
      Omnichannel_calculate_dispatch_service_queue_statistics: false,
    })
    const chat = await openChat(desk)
    const socket = await listen(desk, chat)
    await socket.settled()
    expect(toldOf(socket, chat)).toEqual([])
    await closeByVisitor(desk, chat)
    await socket.close()
  })
})
