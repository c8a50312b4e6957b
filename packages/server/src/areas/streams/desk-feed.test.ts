import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configure, makeDepartment } from '../../../testing/conversation.ts'
import { openSocket, type Socket } from '../../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'

let desk: TestServer
let admin: StaffMember
/** An agent who is there, and takes no chats yet. */
let agent: StaffMember
const sockets: Socket[] = []

beforeEach(async () => {
  desk = await startTestServer()
  admin = await desk.administrator()
  agent = await desk.agent({ username: 'anna' })
  await switchOff()
})
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()))
  await desk.stop()
})

async function switchOn(): Promise<void> {
  await agent.call('POST /livechat/agent.status', { body: { status: 'available' } })
}

async function switchOff(): Promise<void> {
  await agent.call('POST /livechat/agent.status', { body: { status: 'not-available' } })
}

/** A widget that listens whether somebody is there. */
async function watch(key: string): Promise<Socket> {
  const socket = await openSocket(desk)
  sockets.push(socket)
  await socket.sub('stream-livechat-desk', [key, { useCollection: false, args: [] }])
  return socket
}

/** What it was told so far; the same as the settings of a widget said at each time. */
async function toldBy(socket: Socket, key: string): Promise<boolean[]> {
  await socket.settled()
  const told = socket.told('livechat-desk', key).map(([{ online }]) => online as boolean)
  const query = key === 'all' ? {} : { department: key }
  const { config } = await desk.anyone.call('GET /livechat/config', { query })
  expect(told.at(-1)).toBe(config.enabled && 'online' in config ? config.online : false)
  return told
}

describe('a widget', () => {
  test('is told once it listens, in the form of every stream', async () => {
    const socket = await watch('all')
    await socket.settled()
    const ready = socket.frames.findIndex(({ msg }) => msg === 'ready')
    expect(socket.frames[ready + 1]).toEqual({
      msg: 'changed',
      collection: 'stream-livechat-desk',
      id: 'id',
      fields: { eventName: 'all', args: [{ online: false }] },
    })
  })

  test('hears at once that somebody comes and goes, and nothing where nothing changes', async () => {
    const socket = await watch('all')
    expect(await toldBy(socket, 'all')).toEqual([false])
    await switchOn()
    expect(await toldBy(socket, 'all')).toEqual([false, true])
    const second = await desk.agent()
    await desk.server.streams.sweep()
    expect(await toldBy(socket, 'all')).toEqual([false, true])
    await switchOff()
    expect(await toldBy(socket, 'all')).toEqual([false, true])
    await second.call('POST /users.setStatus', { body: { status: 'offline' } })
    expect(await toldBy(socket, 'all')).toEqual([false, true, false])
  })

  test('that comes later is told what is so then', async () => {
    const first = await watch('all')
    await switchOn()
    const second = await watch('all')
    expect(await toldBy(second, 'all')).toEqual([true])
    expect(await toldBy(first, 'all')).toEqual([false, true])
    await Promise.all(sockets.splice(0).map((socket) => socket.close()))
    // What was told to those who have gone is no more than a memory.
    await switchOff()
    expect(await toldBy(await watch('all'), 'all')).toEqual([false])
  })

  test('of a department hears of its agents only, of those it falls back to, and of its end', async () => {
    await switchOn()
    const fallback = await makeDepartment(desk, { showOnRegistration: 0 })
    const sales = await makeDepartment(desk, { showOnRegistration: 0, fallbackId: fallback })
    const socket = await watch(sales)
    expect(await toldBy(socket, sales)).toEqual([false])
    const members = { upsert: [{ agentId: agent.id, username: 'anna' }], remove: [] }
    await admin.call('POST /livechat/department/:_id/agents', { params: { _id: fallback }, body: members })
    expect(await toldBy(socket, sales)).toEqual([false, true])
    await admin.call('POST /livechat/department/:_id/archive', { params: { _id: sales } })
    expect(await toldBy(socket, sales)).toEqual([false, true, false])
    await admin.call('DELETE /livechat/department/:_id', { params: { _id: sales } })
    expect(await toldBy(socket, sales)).toEqual([false, true, false])
    expect(await toldBy(await watch('all'), 'all')).toEqual([true])
  })

  test('hears of settings', async () => {
    const socket = await watch('all')
    await admin.call('POST /settings/:_id', {
      params: { _id: 'Livechat_accept_chats_with_no_agents' },
      body: { value: true },
    })
    expect(await toldBy(socket, 'all')).toEqual([false, true])
    await admin.call('POST /settings/:_id', { params: { _id: 'Livechat_enabled' }, body: { value: false } })
    expect(await toldBy(socket, 'all')).toEqual([false, true, false])
  })

  test('hears of an account that is shut', async () => {
    const other = await desk.agent()
    const socket = await watch('all')
    await admin.call('POST /users.setActiveStatus', { body: { userId: other.id, activeStatus: false } })
    expect(await toldBy(socket, 'all')).toEqual([true, false])
  })

  test('hears with the next sweep what no event has told', async () => {
    const socket = await watch('all')
    await socket.settled()
    await configure(desk, { Livechat_accept_chats_with_no_agents: true })
    await socket.settled()
    expect(socket.told('livechat-desk', 'all')).toEqual([[{ online: false }]])
    await desk.server.streams.sweep()
    expect(await toldBy(socket, 'all')).toEqual([false, true])
  })

  test('cannot listen to what is no department, nor learn which of them is shut', async () => {
    const shut = await makeDepartment(desk, { isEnabled: 0 })
    const socket = await openSocket(desk)
    sockets.push(socket)
    const refusals = await Promise.all(
      [shut, 'no such department', 'constructor'].map((key) => socket.sub('stream-livechat-desk', [key, {}])),
    )
    expect(refusals).toMatchObject([
      { error: { error: 'not-allowed' } },
      { error: { error: 'not-allowed' } },
      { error: { error: 'not-allowed' } },
    ])
    expect(desk.server.hub.keys('livechat-desk')).toEqual([])
  })
})
