// What an address may do with sockets (promises A31, A32), through real ones.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat } from '../../testing/conversation.ts'
import { asVisitor, openSocket, type Socket } from '../../testing/socket.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../testing/testing.ts'
import { addressLimits } from './neighbours.ts'

const { idleSockets } = addressLimits

describe('behind a proxy that is trusted', () => {
  let desk: TestServer
  const sockets: Socket[] = []
  beforeAll(async () => {
    const http = { host: '127.0.0.1', port: 0, trustProxyHops: 1, rateLimits: true }
    desk = await startTestServer({ rateLimits: true, config: { http } })
    await desk.agent()
  })
  afterAll(async () => {
    await Promise.all(sockets.map((socket) => socket.close()))
    await desk.stop()
  })

  async function openFrom(address: string): Promise<Socket> {
    const socket = await openSocket(desk, { headers: { 'x-forwarded-for': address } })
    sockets.push(socket)
    return socket
  }

  async function hoard(address: string): Promise<void> {
    for (let index = 0; index < idleSockets; index++) await openFrom(address)
    await expect(openFrom(address)).rejects.toThrow('429')
  }

  test('an address may not hoard sockets, and others are not counted with it (A32)', async () => {
    await hoard('203.0.113.1')
    await openFrom('203.0.113.2')
    await sockets[0]?.sub('meteor.loginServiceConfiguration', [])
    // What somebody claims before the proxy adds the truth is not believed.
    await expect(openFrom('198.51.100.7, 203.0.113.1')).rejects.toThrow('429')
  })

  test('all of a subscriber’s IPv6 addresses are one', async () => {
    await hoard('2001:db8:1:2::1')
    await expect(openFrom('2001:db8:1:2:ffff::9')).rejects.toThrow('429')
    await openFrom('2001:db8:1:3::1')
  })

  test('an office of people who chat, wait or work is let in', async () => {
    for (let index = 0; index < 2 * idleSockets; index++) {
      const socket = await openFrom('203.0.113.50')
      await socket.call('livechat:setUpConnection', { token: `somebody in the office ${String(index)}` })
    }
    for (let index = 0; index < 5; index++) {
      const chat = await openChat(desk)
      const socket = await openFrom('203.0.113.50')
      expect(await socket.sub('stream-room-messages', [chat.rid, asVisitor(chat)])).toMatchObject({ msg: 'ready' })
    }
  })
})

describe('without a trusted proxy', () => {
  test('an address is what the connection says, whatever a header claims', async () => {
    const desk = await startTestServer({ rateLimits: true })
    const sockets = []
    for (let index = 0; index < idleSockets; index++)
      sockets.push(await openSocket(desk, { headers: { 'x-forwarded-for': `203.0.113.${String(index)}` } }))
    await expect(openSocket(desk, { headers: { 'x-forwarded-for': '203.0.113.99' } })).rejects.toThrow('429')
    // One who leaves makes room.
    await sockets.pop()?.close()
    await expect.poll(() => desk.server.sockets.count()).toBe(idleSockets - 1)
    sockets.push(await openSocket(desk))
    await Promise.all(sockets.map((socket) => socket.close()))
    await desk.stop()
  })
})

describe('what an administrator widens or narrows', () => {
  let desk: TestServer
  let admin: StaffMember
  beforeAll(async () => {
    desk = await startTestServer({ rateLimits: true })
    admin = await desk.administrator()
  })
  afterAll(() => desk.stop())

  const set = (id: string, value: unknown) =>
    admin.call('POST /settings/:_id', { params: { _id: id }, body: { value } })

  test('holds for sockets as it does for calls', async () => {
    const sockets = []
    await set('API_Enable_Rate_Limiter_Limit_Calls_Default', 1)
    for (let index = 0; index < idleSockets / 10; index++) sockets.push(await openSocket(desk))
    await expect(openSocket(desk)).rejects.toThrow('429')
    await set('API_Enable_Rate_Limiter_Limit_Calls_Default', 10)
    sockets.push(await openSocket(desk))
    await set('API_Enable_Rate_Limiter', false)
    for (let index = 0; index <= idleSockets; index++) sockets.push(await openSocket(desk))
    await Promise.all(sockets.map((socket) => socket.close()))
  })
})
