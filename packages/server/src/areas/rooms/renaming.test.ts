import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  answer,
  closeBy,
  historyOf,
  openChat,
  openRoomOf,
  register,
  roomSeenBy,
  say,
} from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
})
afterAll(() => desk.stop())

const rename = (userId: string, username: string) =>
  admin.call('POST /users.update', { body: { userId, data: { username } } })

test('rooms call a renamed agent by the new name; what was said keeps the old one', async () => {
  const agent = await desk.agent({ username: 'before' })
  const closed = await openChat(desk)
  await answer(agent, closed.rid, 'said under the old name')
  await closeBy(agent, closed.rid)
  const open = await openChat(desk)
  await say(desk, open, 'hello')
  await answer(agent, open.rid, 'also said under the old name')

  await rename(agent.id, 'after')
  await desk.server.worker.drain()

  expect(await roomSeenBy(admin, closed.rid)).toMatchObject({
    servedBy: { username: 'after' },
    closedBy: { username: 'after' },
    responseBy: { username: 'after' },
  })
  expect(await roomSeenBy(admin, open.rid)).toMatchObject({ servedBy: { username: 'after' } })
  const found = async (name: string) =>
    (await admin.call('GET /livechat/rooms', { query: { 'agents[]': name } })).rooms.map(({ _id }) => _id).sort()
  expect(await found('after')).toEqual([closed.rid, open.rid].sort())
  expect(await found('before')).toEqual([])
  expect((await historyOf(desk, open)).map(({ u }) => u.username)).toContain('before')
  await closeBy(agent, open.rid)
})

test('a visitor’s manager is the same person under another name, and whoever takes the old name is not', async () => {
  const agent = await desk.agent({ username: 'manages' })
  const visitor = await register(desk)
  const body = { token: visitor.token, name: 'Vera', contactManager: { username: 'manages' } }
  await admin.call('POST /omnichannel/contact', { body })
  await rename(agent.id, 'manages-still')
  const newcomer = await desk.agent({ username: 'newcomer' })
  await rename(newcomer.id, 'manages')
  await desk.server.worker.drain()
  const info = { query: { visitorId: visitor.id } }
  const { visitor: seen } = await admin.call('GET /livechat/visitors.info', info)
  expect(seen.contactManager).toEqual({ username: 'manages-still' })
  const chat = await openRoomOf(desk, visitor)
  expect(chat.room.servedBy).toMatchObject({ _id: agent.id, username: 'manages-still' })
  await closeBy(agent, chat.rid)
})

test('rooms of others, and those that a visitor closed, are left alone', async () => {
  const agent = await desk.agent({ username: 'bystander' })
  const chat = await openChat(desk)
  await desk.anyone.call('POST /livechat/room.close', { body: { rid: chat.rid, token: chat.token } })
  const before = await roomSeenBy(admin, chat.rid)
  const other = await desk.staff()
  await rename(other.id, 'somebody-else')
  await desk.server.worker.drain()
  expect(await roomSeenBy(admin, chat.rid)).toEqual(before)
  await rename(agent.id, 'bystander-2')
  await desk.server.worker.drain()
  const after = await roomSeenBy(admin, chat.rid)
  expect(after.closedBy).toEqual(before.closedBy)
})

test('reaches every room, however many there are', async () => {
  const agent = await desk.agent({ username: 'busy' })
  const chat = await openChat(desk)
  const { read, transact } = desk.server.context
  const row = await read.first(read.sql.selectFrom('room').selectAll().where('id', '=', chat.rid))
  await transact(async (tx) => {
    for (let number = 0; number < 1_200; number++) {
      const id = `${number % 2 === 0 ? '0' : 'z'}${String(number)}`
      await tx.run(
        tx.sql
          .insertInto('room')
          .values({ ...row!, id, closedAt: tx.now, closedById: agent.id, closedByUsername: 'busy' }),
      )
    }
  })
  await rename(agent.id, 'idle')
  await desk.server.worker.drain()
  const left = await read.all(
    read.sql
      .selectFrom('room')
      .select('id')
      .where((eb) => eb.or([eb('servedByUsername', '=', 'busy'), eb('closedByUsername', '=', 'busy')])),
  )
  expect(left).toEqual([])
})
