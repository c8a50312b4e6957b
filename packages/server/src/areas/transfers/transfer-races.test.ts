// What the database settles when several people move, take and close the same rooms at the same moment.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  closeByVisitor,
  configure,
  historyOf,
  makeDepartment,
  openChat,
  register,
  type Chat,
} from '../../../testing/conversation.ts'
import { startTestServer, type RawAnswer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let manager: StaffMember
let agents: StaffMember[]
let departments: string[]

beforeEach(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  agents = []
  for (const username of ['anna', 'bob', 'cleo', 'dora']) agents.push(await desk.agent({ username }))
  departments = [
    await makeDepartment(desk, { agents: agents.slice(0, 2), showOnRegistration: 0 }),
    await makeDepartment(desk, { agents: agents.slice(1, 3), showOnRegistration: 0 }),
    await makeDepartment(desk, { agents: agents.slice(3), showOnRegistration: 0 }),
  ]
})
afterEach(() => desk.stop())

const forward = (rid: string, to: object) =>
  manager.raw('POST /livechat/room.forward', { body: { roomId: rid, ...to } })
const transfer = ({ rid, token }: Chat, department: string) =>
  desk.anyone.raw('POST /livechat/room.transfer', { body: { rid, token, department } })
const close = ({ rid, token }: Chat) => desk.anyone.raw('POST /livechat/room.close', { body: { rid, token } })
const send = ({ rid, token }: Chat, msg: string) =>
  desk.anyone.raw('POST /livechat/message', { body: { token, rid, msg } })
const giveBack = ({ rid }: Chat) => manager.raw('POST /livechat/inquiries.returnAsInquiry', { body: { roomId: rid } })

/** Nothing that happened may be a fault of the server. */
function expectNoFault(answers: readonly RawAnswer[]): void {
  expect(answers.filter(({ status }) => status !== 200 && status !== 400).map(({ body }) => body as unknown)).toEqual(
    [],
  )
}

/**
 * What must hold whatever raced: an agent's places are those of the open rooms the agent serves; who serves a room is in it;
 * a room's inquiry says whether it waits, and in the room's department; the count of those in a room is right.
 */
async function expectConsistent(): Promise<void> {
  const { read } = desk.server.context
  const rooms = await read.all(read.sql.selectFrom('room').selectAll())
  const users = await read.all(read.sql.selectFrom('user').select(['id', 'openChats']))
  const inquiries = await read.all(read.sql.selectFrom('inquiry').selectAll())
  const members = await read.all(read.sql.selectFrom('subscription').select(['roomId', 'userId']))
  const open = rooms.filter(({ closedAt }) => closedAt === null)
  for (const { id, openChats } of users)
    expect(openChats).toBe(open.filter((room) => room.servedById === id && room.isOnHold === 0).length)
  expect(inquiries.map(({ roomId }) => roomId).sort()).toEqual(open.map(({ id }) => id).sort())
  for (const room of open) {
    const inquiry = inquiries.find(({ roomId }) => roomId === room.id)!
    expect(inquiry.status).toBe(room.servedById === null ? 'queued' : 'taken')
    expect(inquiry.departmentId).toBe(room.departmentId)
    const inRoom = members.filter(({ roomId }) => roomId === room.id).map(({ userId }) => userId)
    expect(room.memberCount).toBe(1 + inRoom.length)
    if (room.servedById === null) expect(inRoom).toEqual([])
    else expect(inRoom).toContain(room.servedById)
  }
  for (const { roomId } of members) expect(open.map(({ id }) => id)).toContain(roomId)
}

describe('a transfer', () => {
  test('and a closing at once end with a closed room, whoever comes first', async () => {
    for (let round = 0; round < 6; round++) {
      const chat = await openChat(desk)
      const answers = await Promise.all([
        forward(chat.rid, { departmentId: departments[2] }),
        close(chat),
        transfer(chat, departments[1]!),
      ])
      expectNoFault(answers)
      expect(answers[1].status).toBe(200)
      await expectConsistent()
    }
  })

  test('to each of several agents at once leaves the room with the last of them alone', async () => {
    for (let round = 0; round < 4; round++) {
      const chat = await openChat(desk)
      expectNoFault(await Promise.all(agents.map(({ id: userId }) => forward(chat.rid, { userId }))))
      await expectConsistent()
      const { read } = desk.server.context
      const members = await read.all(
        read.sql.selectFrom('subscription').select('userId').where('roomId', '=', chat.rid),
      )
      expect(members).toHaveLength(1)
      const types = (await historyOf(desk, chat, { limit: '50' })).map(({ t }) => t)
      const count = (type: string) => types.filter((t) => t === type).length
      expect(count('livechat_transfer_history')).toBe(count('uj') - 1)
      expect(count('ul')).toBe(count('uj') - 1)
      await closeByVisitor(desk, chat)
    }
  })

  test('of two rooms crossing each other succeeds for both', async () => {
    const [first, second] = [await openChat(desk), await openChat(desk)]
    const [anna, bob] = agents
    expect([first.room.servedBy?._id, second.room.servedBy?._id]).toEqual([anna!.id, bob!.id])
    for (let round = 0; round < 5; round++) {
      const [one, other] = round % 2 === 0 ? [bob, anna] : [anna, bob]
      const answers = await Promise.all([
        forward(first.rid, { userId: one!.id }),
        forward(second.rid, { userId: other!.id }),
      ])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
    }
    await expectConsistent()
  })

  test('and a take at once: one agent serves the room', async () => {
    await configure(desk, { Livechat_Routing_Method: 'Manual_Selection' })
    for (let round = 0; round < 6; round++) {
      const chat = await openChat(desk)
      const { inquiry } = await manager.call('GET /livechat/inquiries.getOne', { query: { roomId: chat.rid } })
      const body = { inquiryId: inquiry!._id }
      expectNoFault(
        await Promise.all([
          agents[0]!.raw('POST /livechat/inquiries.take', { body }),
          forward(chat.rid, { userId: agents[1]!.id }),
          forward(chat.rid, { departmentId: departments[2] }),
          agents[2]!.raw('POST /livechat/inquiries.take', { body }),
        ]),
      )
      await expectConsistent()
    }
  })

  test('loses no message that was acknowledged, and numbers stay without holes', async () => {
    const chat = await openChat(desk)
    const texts = Array.from({ length: 20 }, (_, index) => `m${String(index)}`)
    const answers = await Promise.all(
      texts.flatMap((text, index) => [
        send(chat, text),
        ...(index % 5 === 0 ? [forward(chat.rid, { departmentId: departments[(index / 5) % 3] })] : []),
      ]),
    )
    expectNoFault(answers)
    const sync = await desk.anyone.raw('GET /livechat/messages.sync/:rid', {
      params: { rid: chat.rid },
      query: { token: chat.token },
    })
    const { changes } = sync.body as { changes: { seq: number; message: { t?: string; msg: string } }[] }
    expect(changes.map(({ seq }) => seq)).toEqual(changes.map((_, index) => index + 1))
    const said = changes.filter(({ message }) => message.t === undefined).map(({ message }) => message.msg)
    expect(said.sort()).toEqual([...texts].sort())
    await expectConsistent()
  })

  test('takes no agent over the limit', async () => {
    await configure(desk, { Livechat_waiting_queue: true, Livechat_maximum_chats_per_agent: 2 })
    const chats: Chat[] = []
    for (let n = 0; n < 8; n++) chats.push(await openChat(desk))
    const [anna] = agents
    expectNoFault(await Promise.all(chats.map(({ rid }) => forward(rid, { userId: anna!.id }))))
    const { read } = desk.server.context
    const users = await read.all(read.sql.selectFrom('user').select('openChats'))
    for (const { openChats } of users) expect(openChats).toBeLessThanOrEqual(2)
    await expectConsistent()
  })
})

describe('a visitor', () => {
  test('to whom several rooms are given at once, while opening one, has one open room', async () => {
    for (let round = 0; round < 4; round++) {
      const chats = [await openChat(desk), await openChat(desk)]
      const next = await register(desk)
      const answers = await Promise.all([
        ...chats.map(({ rid }) => manager.raw('PUT /livechat/room.visitor', { body: { rid, visitorId: next.id } })),
        desk.anyone.raw('GET /livechat/room', { query: { token: next.token } }),
      ])
      expectNoFault(answers)
      expect(answers.at(-1)!.status).toBe(200)
      const { read } = desk.server.context
      const rooms = await read.all(
        read.sql.selectFrom('room').select('id').where('visitorId', '=', next.id).where('closedAt', 'is', null),
      )
      expect(rooms).toHaveLength(1)
    }
  })
})

test('rooms that two visitors are given from each other: each has one, and nobody waits for the other', async () => {
  for (let round = 0; round < 8; round++) {
    const [one, other] = [await openChat(desk), await openChat(desk)]
    for (const { rid, token } of [one, other])
      await desk.anyone.call('POST /livechat/room.close', { body: { rid, token } })
    const give = (rid: string, visitorId: string) =>
      manager.raw('PUT /livechat/room.visitor', { body: { rid, visitorId } })
    const answers = await Promise.all([give(one.rid, other.id), give(other.rid, one.id)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    for (const [visitor, room] of [
      [one, other],
      [other, one],
    ] as const) {
      const { visitor: seen } = await manager.call('GET /livechat/visitors.info', { query: { visitorId: visitor.id } })
      expect(seen.lastChat?._id).toBe(room.rid)
    }
  }
  const { payload } = await desk.server.http.inject({ url: '/metrics' })
  expect(payload).toContain('deskbell_transaction_restarts_total{cause="deadlock"} 0\n')
})

describe('whatever happens at once', () => {
  test.each(['Auto_Selection', 'Load_Balancing', 'Manual_Selection'])(
    '%s: places, members and inquiries are exact in the end',
    { timeout: 120_000 },
    async (method) => {
      await configure(desk, {
        Livechat_Routing_Method: method,
        Livechat_waiting_queue: true,
        Livechat_maximum_chats_per_agent: 3,
        Livechat_accept_chats_with_no_agents: true,
      })
      const chats: Chat[] = []
      for (let n = 0; n < 6; n++) chats.push(await openChat(desk))
      for (let round = 0; round < 4; round++) {
        const moves = chats.flatMap((chat, index) => {
          const agent = agents[(index + round) % agents.length]!
          const department = departments[(index + round) % departments.length]!
          return [
            forward(chat.rid, { userId: agent.id }),
            transfer(chat, department),
            giveBack(chat),
            forward(chat.rid, { departmentId: department, userId: agent.id }),
            send(chat, 'still here'),
          ]
        })
        const presence = agents.map((agent, index) =>
          agent.raw('POST /users.setStatus', { body: { status: (index + round) % 3 === 0 ? 'offline' : 'online' } }),
        )
        const closing = round === 2 ? [close(chats[0]!), close(chats[3]!)] : []
        expectNoFault(await Promise.all([...moves, ...presence, ...closing]))
        await expectConsistent()
        desk.clock.advance(10_000)
        await desk.server.worker.drain()
        await expectConsistent()
      }
    },
  )
})
