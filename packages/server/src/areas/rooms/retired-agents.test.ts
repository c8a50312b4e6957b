import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { closeByVisitor, openRoomOf, register, withSettings } from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember
let agent: StaffMember

beforeAll(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  await desk.agent({ username: 'colleague' })
})
afterAll(() => desk.stop())

beforeEach(async () => {
  agent = await desk.agent()
})

/** A visitor whom this agent looks after. */
async function registerManaged() {
  const visitor = await register(desk)
  const body = { token: visitor.token, name: 'Vera', contactManager: { username: agent.username } }
  await admin.call('POST /omnichannel/contact', { body })
  return visitor
}

async function managerOf({ id }: { id: string }) {
  return (await admin.call('GET /livechat/visitors.info', { query: { visitorId: id } })).visitor.contactManager
}

async function waitedForIn(roomId: string) {
  return (await admin.call('GET /livechat/inquiries.getOne', { query: { roomId } })).inquiry?.defaultAgent
}

const setActive = (userId: string, activeStatus: boolean) =>
  admin.call('POST /users.setActiveStatus', { body: { userId, activeStatus } })
const removeAgent = (_id: string) => admin.call('DELETE /livechat/users/:type/:_id', { params: { type: 'agent', _id } })
const takeRoles = (userId: string) =>
  admin.call('POST /users.update', { body: { userId, data: { roles: ['user', 'livechat-manager'] } } })
const removeUser = (userId: string) => admin.call('POST /users.delete', { body: { userId } })

describe.each([
  ['is removed from the agents', removeAgent],
  ['loses the role', takeRoles],
  ['has no account any more', removeUser],
])('an agent who %s', (_title, retire: (userId: string) => Promise<unknown>) => {
  test('manages no visitor, and is waited for by none', async () => {
    const visitor = await registerManaged()
    expect(await managerOf(visitor)).toEqual({ username: agent.username })
    await retire(agent.id)
    await desk.server.worker.drain()
    expect(await managerOf(visitor)).toBeUndefined()
    const chat = await openRoomOf(desk, visitor)
    expect(chat.room.servedBy).toMatchObject({ username: 'colleague' })
    await closeByVisitor(desk, chat)
  })

  test('is waited for no more in chats that agents take', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const chat = await openRoomOf(desk, await registerManaged())
      expect(await waitedForIn(chat.rid)).toMatchObject({ agentId: agent.id })
      await retire(agent.id)
      await desk.server.worker.drain()
      expect(await waitedForIn(chat.rid)).toBeUndefined()
      await closeByVisitor(desk, chat)
    })
  })
})

describe('an agent whose account is deactivated', () => {
  test('keeps the visitors, who are served by others until it is activated', async () => {
    const visitor = await registerManaged()
    await setActive(agent.id, false)
    await desk.server.worker.drain()
    expect(await managerOf(visitor)).toEqual({ username: agent.username })
    const chat = await openRoomOf(desk, visitor)
    expect(chat.room.servedBy).toMatchObject({ username: 'colleague' })
    await closeByVisitor(desk, chat)
    await setActive(agent.id, true)
    await admin.call('POST /users.setStatus', { body: { userId: agent.id, status: 'online' } })
    await admin.call('POST /livechat/agent.status', { body: { agentId: agent.id, status: 'available' } })
    const next = await openRoomOf(desk, visitor)
    expect(next.room.servedBy).toMatchObject({ _id: agent.id })
    await closeByVisitor(desk, next)
  })

  test('is waited for neither in chats that came before nor in those that ask for that agent', async () => {
    await withSettings(desk, { Livechat_Routing_Method: 'Manual_Selection' }, async () => {
      const before = await openRoomOf(desk, await registerManaged())
      await setActive(agent.id, false)
      await desk.server.worker.drain()
      expect(await waitedForIn(before.rid)).toBeUndefined()
      const visitor = await register(desk)
      const query = { token: visitor.token, agentId: agent.id }
      const { room } = await desk.anyone.call('GET /livechat/room', { query })
      expect(await waitedForIn(room._id)).toBeUndefined()
      for (const chat of [before, { ...visitor, rid: room._id, room }]) await closeByVisitor(desk, chat)
    })
  })
})

test('somebody who is an agent again manages those who were given that manager since', async () => {
  const visitor = await registerManaged()
  await removeAgent(agent.id)
  await admin.call('POST /livechat/users/:type', { params: { type: 'agent' }, body: { username: agent.username } })
  const body = { token: visitor.token, name: 'Vera', contactManager: { username: agent.username } }
  await admin.call('POST /omnichannel/contact', { body })
  desk.clock.advance(60_000)
  await desk.server.worker.drain()
  expect(await managerOf(visitor)).toEqual({ username: agent.username })
})

test('a manager is taken from every visitor, however many there are, and from nobody else’s', async () => {
  const colleague = await desk.agent()
  const managed = await registerManaged()
  const { read, transact } = desk.server.context
  const row = await read.first(read.sql.selectFrom('visitor').selectAll().where('id', '=', managed.id))
  await transact(async (tx) => {
    for (let number = 0; number < 130; number++) {
      const unique = `managed-${String(number)}`
      const who = number % 10 === 0 ? { managerId: colleague.id, managerUsername: colleague.username } : {}
      const values = { ...row!, id: unique, username: unique, token: unique, tokenHash: unique, ...who }
      await tx.run(tx.sql.insertInto('visitor').values(values))
    }
  })
  await removeAgent(agent.id)
  await desk.server.worker.drain()
  const left = await read.all(read.sql.selectFrom('visitor').select('managerId').where('managerId', 'is not', null))
  const mine = left.filter(({ managerId }) => managerId === agent.id)
  const theirs = left.filter(({ managerId }) => managerId === colleague.id)
  expect([mine.length, theirs.length]).toEqual([0, 13])
})
