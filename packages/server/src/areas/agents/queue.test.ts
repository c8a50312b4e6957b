import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeDepartment, openChat, type Chat } from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let anna: StaffMember
let bert: StaffMember
let sales: string

/** A chat that this agent serves in a department, or in none. */
async function serve(agent: StaffMember, departmentId: string | null): Promise<Chat> {
  const chat = await openChat(desk)
  const served = { servedById: agent.id, servedByUsername: agent.username, departmentId }
  await desk.server.context.transact((tx) => tx.run(tx.sql.updateTable('room').set(served).where('id', '=', chat.rid)))
  return chat
}

beforeAll(async () => {
  desk = await startTestServer()
  anna = await desk.agent({ username: 'anna' })
  bert = await desk.agent({ username: 'bert' })
  sales = await makeDepartment(desk, { name: 'Sales' })
  for (const department of [sales, sales, sales, null]) await serve(anna, department)
  for (const department of [null, null]) await serve(bert, department)
  const { rid, token } = await serve(bert, sales)
  await desk.anyone.call('POST /livechat/room.close', { body: { rid, token } })
})
afterAll(() => desk.stop())

const list = (query: Record<string, string> = {}) => anna.call('GET /livechat/queue', { query })
const rows = async (query: Record<string, string> = {}) =>
  (await list(query)).queue.map(({ user, department, chats }) => [user.username, department.name, chats])

describe('how many chats each agent serves', () => {
  test('is told for each department, the most first; closed chats do not count', async () => {
    const answer = await list()
    expect(answer.queue).toEqual([
      {
        user: { _id: anna.id, username: 'anna', status: 'online' },
        department: { _id: sales, name: 'Sales' },
        chats: 3,
      },
      { user: { _id: bert.id, username: 'bert', status: 'online' }, department: { name: 'Public' }, chats: 2 },
      { user: { _id: anna.id, username: 'anna', status: 'online' }, department: { name: 'Public' }, chats: 1 },
    ])
    expect(answer).toMatchObject({ count: 3, offset: 0, total: 3 })
  })

  test('comes in pages, and for one agent or department', async () => {
    expect(await list({ count: '1', offset: '1' })).toMatchObject({ count: 1, offset: 1, total: 3 })
    expect(await rows({ sort: '{"user.username":-1}' })).toEqual([
      ['bert', 'Public', 2],
      ['anna', 'Public', 1],
      ['anna', 'Sales', 3],
    ])
    expect(await rows({ agentId: bert.id })).toEqual([['bert', 'Public', 2]])
    expect(await rows({ departmentId: sales })).toEqual([['anna', 'Sales', 3]])
    expect((await list({ agentId: '', departmentId: '' })).total).toBe(3)
    for (const query of [{ agentId: 'nobody' }, { departmentId: 'no-such' }])
      expect(await list(query)).toMatchObject({ queue: [], count: 0, total: 0 })
  })

  test('leaves out agents who are gone or switched off, unless asked', async () => {
    await bert.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
    expect(await rows({ agentId: bert.id })).toEqual([])
    expect(await rows({ agentId: bert.id, includeOfflineAgents: 'true' })).toEqual([['bert', 'Public', 2]])
    await bert.call('POST /livechat/agent.status', { body: { status: 'available' } })
    await bert.call('POST /users.setStatus', { body: { status: 'offline' } })
    expect(await rows({ agentId: bert.id })).toEqual([])
  })

  test('is for agents', async () => {
    const person = await desk.staff()
    expect((await person.raw('GET /livechat/queue')).status).toBe(403)
  })
})
