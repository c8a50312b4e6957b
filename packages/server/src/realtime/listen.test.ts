import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChat, register, roomSeenBy } from '../../testing/conversation.ts'
import { openSocket } from '../../testing/socket.ts'
import { startTestServer, type TestServer } from '../../testing/testing.ts'
import { socketLimits } from './connection.ts'
import { addressLimits } from './neighbours.ts'

describe('a socket', () => {
  let desk: TestServer
  beforeAll(async () => void (desk = await startTestServer()))
  afterAll(() => desk.stop())

  test('is greeted, connects, and answers pings with their id', async () => {
    const socket = await openSocket(desk)
    expect(socket.frames[0]).toEqual({ server_id: '0' })
    expect(socket.frames[1]).toEqual({ msg: 'connected', session: expect.any(String) })
    socket.say({ msg: 'ping' })
    expect(await socket.heard(({ msg, id }) => msg === 'pong' && id === undefined)).toEqual({ msg: 'pong' })
    await socket.close()
  })

  test.each([
    ['that says something else first', { msg: 'ping' }, 1002],
    ['that says no JSON', 'hello', 1007],
  ])('%s is let go', async (_title, frame, code) => {
    const socket = await openSocket(desk, { silently: true })
    socket.say(frame)
    expect((await socket.ended).code).toBe(code)
  })

  test('that says too much at once is let go (A31)', async () => {
    const socket = await openSocket(desk)
    socket.say({ msg: 'method', id: '1', method: 'x', params: ['x'.repeat(70_000)] })
    expect((await socket.ended).code).toBe(1009)
  })

  test('that does not connect is let go (A32), and so is one that falls silent; one that answers stays', async () => {
    const mute = await openSocket(desk, { silently: true })
    const silent = await openSocket(desk)
    desk.clock.advance(socketLimits.connectWithinMs + 1)
    desk.server.sockets.tick()
    expect((await mute.ended).code).toBe(1002)
    expect(await silent.heard(({ msg }) => msg === 'ping')).toEqual({ msg: 'ping' })
    desk.clock.advance(socketLimits.deadAfterMs)
    desk.server.sockets.tick()
    expect(await silent.ended).toMatchObject({ code: 4000 })
  })

  test('stays while it answers', async () => {
    const socket = await openSocket(desk)
    for (let round = 0; round < 5; round++) {
      desk.clock.advance(socketLimits.pingAfterMs + 1)
      desk.server.sockets.tick()
      socket.say({ msg: 'ping', id: String(round) })
      await socket.heard(({ msg, id }) => msg === 'pong' && id === String(round))
    }
    await socket.close()
  })

  test('that asks for the same subscription twice is answered once', async () => {
    const socket = await openSocket(desk)
    await socket.sub('meteor.loginServiceConfiguration', [], 'same')
    socket.say({ msg: 'sub', id: 'same', name: 'meteor.loginServiceConfiguration', params: [] })
    await socket.settled()
    expect(socket.frames.filter(({ msg }) => msg === 'ready')).toEqual([{ msg: 'ready', subs: ['same'] }])
    socket.say({ msg: 'unsub', id: 'same' })
    expect(await socket.heard(({ msg }) => msg === 'nosub')).toEqual({ msg: 'nosub', id: 'same' })
    await socket.close()
  })

  test('is told what there is not', async () => {
    const socket = await openSocket(desk)
    expect(await socket.sub('anything', [])).toMatchObject({ msg: 'nosub', error: { error: 404 } })
    expect(await socket.sub('stream-anything', ['x'])).toMatchObject({ error: { error: 404 } })
    expect(await socket.sub('stream-room-messages', [''])).toMatchObject({ error: { error: 'invalid-event-name' } })
    expect(await socket.call('x')).toMatchObject({ error: { error: 404, reason: "Method 'x' not found" } })
    expect(await socket.call('constructor')).toMatchObject({ error: { error: 404 } })
    await socket.close()
  })

  test('with more requests waiting than allowed is let go', async () => {
    const socket = await openSocket(desk)
    for (let index = 0; index < 200; index++) socket.say({ msg: 'method', id: String(index), method: 'x', params: [] })
    expect((await socket.ended).code).toBe(1008)
  })

  test('of a visitor notes, a moment after the last one has gone, that the visitor is away', async () => {
    await desk.agent()
    const chat = await openChat(desk)
    const admin = await desk.administrator()
    const socket = await openSocket(desk)
    expect(await socket.call('livechat:setUpConnection', { token: chat.token })).not.toHaveProperty('result')
    expect(await socket.call('livechat:setUpConnection', { token: { $ne: '' } })).toHaveProperty('error')
    const later = await openSocket(desk)
    await later.call('livechat:setUpConnection', { token: 'not yet registered' })
    await Promise.all([socket.close(), later.close()])
    await expect.poll(async () => (await roomSeenBy(admin, chat.rid)).v.status, { timeout: 10_000 }).toBe('offline')
  })

  test('is told that the server restarts', async () => {
    const visitor = await register(desk)
    const socket = await openSocket(desk)
    await socket.call('livechat:setUpConnection', { token: visitor.token })
    await desk.restart()
    expect(await socket.ended).toMatchObject({ code: 1001 })
  })
})

test('an address may not hoard sockets', async () => {
  const desk = await startTestServer({ rateLimits: true })
  const sockets = []
  for (let index = 0; index < addressLimits.idleSockets; index++) sockets.push(await openSocket(desk))
  await expect(openSocket(desk)).rejects.toThrow('429')
  await Promise.all(sockets.map((socket) => socket.close()))
  await desk.stop()
})

describe('an upgrade that is refused', () => {
  const request = 'GET /elsewhere HTTP/1.1\r\nHost: desk\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

  test('does not keep the server from stopping when its client stays half open', async () => {
    const desk = await startTestServer()
    const { port } = new URL(await desk.listen())
    const client = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
    client.on('error', () => {})
    client.write(request)
    const [answer] = (await once(client, 'data')) as [Buffer]
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 404 /)
    await desk.stop()
    client.destroy()
  })

  test('harms nobody when its client breaks off', async () => {
    const desk = await startTestServer()
    const { port } = new URL(await desk.listen())
    for (let client = 0; client < 20; client++) {
      const socket = connect({ port: Number(port), host: '127.0.0.1' })
      await once(socket, 'connect')
      socket.write(request)
      await once(socket, 'data')
      socket.resetAndDestroy()
    }
    expect(await desk.anyone.call('GET /livechat/config')).toMatchObject({ success: true })
    await desk.stop()
  })
})
