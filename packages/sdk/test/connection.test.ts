import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { backoffMs } from '../src/call.ts'
import { openConnection } from '../src/connection.ts'
import type { Connection, ConnectionOptions, ConnectionState } from '../src/connection.ts'
import { LivechatError } from '../src/livechat-error.ts'
import type { NetworkSigns } from '../src/network.ts'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'
import type { FakeClock, FakeServer } from '../src/testing/testing.ts'

let clock: FakeClock
let server: FakeServer
const connections: Connection[] = []

beforeEach(() => {
  clock = fakeClock()
  server = fakeServer({ clock })
})
afterEach(() => {
  for (const connection of connections.splice(0)) connection.end()
})

/** A connection and the states it was in. */
function open(options: Partial<ConnectionOptions> = {}): { connection: Connection; states: ConnectionState[] } {
  const connection = openConnection({ ...server.connection, ...options })
  connections.push(connection)
  const states = [connection.state]
  connection.onState((state) => states.push(state))
  connection.start()
  return { connection, states }
}

const statuses = (states: ConnectionState[]) => states.map(({ status }) => status)

/** A device whose network a test switches. */
function network(): NetworkSigns & { set(isOnline: boolean): void; look(): void } {
  let isOnline = true
  const listeners = new Set<() => void>()
  const look = () => listeners.forEach((listener) => listener())
  return {
    isOnline: () => isOnline,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    look,
    set(next) {
      isOnline = next
      look()
    },
  }
}

describe('the state of a connection', () => {
  test('is connecting, then online', async () => {
    const { states } = open()
    await clock.settle()
    expect(statuses(states)).toEqual(['connecting', 'online'])
  })

  test('is server-unreachable after the first attempt that fails, and says when the next one is made', async () => {
    server.faults.refuseSockets()
    const { states, connection } = open()
    await clock.settle()
    expect(statuses(states)).toEqual(['connecting', 'server-unreachable'])
    const { retryAt = 0 } = connection.state as { retryAt?: number }
    expect(retryAt).toBeGreaterThanOrEqual(clock.now())
    expect(retryAt).toBeLessThanOrEqual(clock.now() + 500)
  })

  test('is no-network where the device says so', async () => {
    const device = network()
    device.set(false)
    server.faults.unreachable()
    const { connection } = open({ network: device })
    await clock.settle()
    expect(connection.state.status).toBe('no-network')
  })

  test('is connecting while a lost connection is tried again, and online when it is back', async () => {
    const { states } = open()
    await clock.advance(60_000)
    server.faults.cut(1001, 'The server restarts')
    await clock.advance(500)
    expect(statuses(states)).toEqual(['connecting', 'online', 'connecting', 'online'])
  })

  test('is signed-out for good when the credentials are refused', async () => {
    const refusal = new LivechatError('403', 'Who are you?')
    const { connection } = open({ signIn: () => Promise.reject(refusal) })
    await clock.advance(3_600_000)
    expect(connection.state).toEqual({ status: 'signed-out', code: '403' })
    expect([server.openSockets, clock.pendingTimers]).toEqual([0, 0])
  })

  test('is not signed-out when signing in fails for now', async () => {
    let attempts = 0
    const signIn = () =>
      ++attempts < 3 ? Promise.reject(new LivechatError('500', 'Busy', { retryable: true })) : Promise.resolve()
    const { connection } = open({ signIn })
    await clock.advance(60_000)
    expect([attempts, connection.state.status]).toEqual([3, 'online'])
  })

  test('begins anew with start() after a sign-out', async () => {
    const { connection } = open()
    await clock.settle()
    connection.signOut('invalid-token')
    expect(connection.state.status).toBe('signed-out')
    connection.start()
    await clock.settle()
    expect(connection.state.status).toBe('online')
  })

  test('is ended for good, with no timer left', async () => {
    const { connection } = open()
    await clock.settle()
    connection.end()
    connection.start()
    connection.wake()
    connection.signOut('invalid-token')
    await clock.advance(60_000)
    expect(connection.state.status).toBe('ended')
    expect([server.openSockets, clock.pendingTimers]).toEqual([0, 0])
  })
})

describe('a connection that cannot be made', () => {
  test('is tried for ever', { timeout: 60_000 }, async () => {
    const end = server.faults.unreachable()
    const { connection } = open()
    await clock.advance(24 * 3_600_000)
    expect(connection.state.status).toBe('server-unreachable')
    end()
    await clock.advance(15_000)
    expect(connection.state.status).toBe('online')
  })

  test('is tried after pauses between nothing and a bound that doubles up to the given one', () => {
    const firstMs = fc.integer({ min: 1, max: 5_000 })
    const attempts = fc.integer({ min: 1, max: 2_000 })
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(firstMs, attempts, chance, (first, attempt, random) => {
        const ms = backoffMs(first, attempt, { random: () => random }, 15_000)
        expect(ms).toBe(random * Math.min(15_000, first * 2 ** (attempt - 1)))
      }),
    )
  })

  test.each([
    ['the network comes back', (device: ReturnType<typeof network>) => device.set(true)],
    ['the page is looked at again', (device: ReturnType<typeof network>) => device.look()],
  ])('is tried at once when %s', async (_, happen) => {
    const device = network()
    const end = server.faults.unreachable()
    const { connection } = open({ network: device })
    await clock.advance(3_600_000)
    end()
    happen(device)
    await clock.settle()
    expect(connection.state.status).toBe('online')
  })

  test('is begun anew when the network comes back while an attempt hangs', async () => {
    const device = network()
    const end = server.faults.toClient.drop({ only: ({ msg }) => msg === 'connected' })
    const { connection } = open({ network: device })
    await clock.advance(1_000)
    expect(connection.state.status).toBe('connecting')
    end()
    device.look()
    await clock.settle()
    expect([connection.state.status, server.openSockets]).toEqual(['online', 1])
  })

  test('is given up after ten seconds without a hello, and tried again', async () => {
    const end = server.faults.toClient.drop({ only: ({ msg }) => msg === 'connected' })
    const { connection } = open()
    await clock.advance(10_000)
    expect(connection.state.status).toBe('server-unreachable')
    end()
    await clock.advance(1_000)
    expect(connection.state.status).toBe('online')
  })

  test('is tried less and less often where the server takes sockets and ends them at once', async () => {
    const { states } = open()
    for (let second = 0; second < 600; second++) {
      await clock.advance(1_000)
      server.faults.cut(1001)
    }
    // Every second would be 600.
    expect(statuses(states).filter((status) => status === 'online').length).toBeLessThan(200)
  })
})

describe('a dead peer', () => {
  test('is noticed within 25 s of silence, and left', async () => {
    const { states } = open()
    await clock.advance(5_000)
    server.faults.halfOpen()
    await clock.advance(25_000)
    expect(statuses(states)).toEqual(['connecting', 'online', 'connecting', 'online'])
  })

  test('is asked for within five seconds of the network’s return', async () => {
    const device = network()
    const { states } = open({ network: device })
    await clock.advance(5_000)
    server.faults.halfOpen()
    device.look()
    await clock.advance(5_500)
    expect(statuses(states)).toEqual(['connecting', 'online', 'connecting', 'online'])
  })

  test('is not seen in one that answers pings and says nothing else', async () => {
    const { states } = open()
    await clock.advance(3_600_000)
    expect(statuses(states)).toEqual(['connecting', 'online'])
  })
})

describe('a ping of the server', () => {
  test.each([{}, { id: 'p1' }])('is answered with what it carries: %j', async (extra) => {
    const { sockets, said } = scripted()
    sockets[0]?.onmessage({ data: JSON.stringify({ msg: 'ping', ...extra }) })
    expect(said.at(-1)).toEqual({ msg: 'pong', ...extra })
    await clock.settle()
  })
})

describe('a method', () => {
  test('is answered with its result, its times as ISO text', async () => {
    const { connection, sockets, said } = scripted()
    sockets[0]?.onmessage({ data: '{"msg":"connected","session":"s"}' })
    const call = connection.call('askTheTime', [1])
    expect(said.at(-1)).toEqual({ msg: 'method', id: 'm1', method: 'askTheTime', params: [1] })
    sockets[0]?.onmessage({ data: '{"msg":"result","id":"m1","result":{"ts":{"$date":0},"odd":{"$date":"x"}}}' })
    expect(await call).toEqual({ ts: '1970-01-01T00:00:00.000Z', odd: { $date: 'x' } })
  })

  test('is refused with the code of the server', async () => {
    const { connection, sockets } = scripted()
    sockets[0]?.onmessage({ data: '{"msg":"connected","session":"s"}' })
    const call = connection.call('askTheTime', [])
    const error = { error: 'not-allowed', reason: 'No', details: { why: 1 } }
    sockets[0]?.onmessage({ data: JSON.stringify({ msg: 'result', id: 'm1', error }) })
    await expect(call).rejects.toMatchObject({ code: 'not-allowed', message: 'No', details: { why: 1 } })
  })

  test('is refused at once while there is no connection', async () => {
    server.faults.unreachable()
    const { connection } = open()
    await expect(connection.call('any', [])).rejects.toMatchObject({ code: 'not-connected', retryable: true })
  })

  test('fails when the connection breaks before the answer', async () => {
    const { connection } = open()
    await clock.settle()
    server.faults.toServer.drop()
    const call = expect(connection.call('any', [])).rejects.toMatchObject({ code: 'not-connected', retryable: true })
    server.faults.cut()
    await call
  })

  test('fails when its time is over, and when its signal says so', async () => {
    const { connection } = open()
    await clock.settle()
    server.faults.toServer.drop()
    const late = expect(connection.call('any', [], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' })
    const controller = new AbortController()
    const aborted = expect(connection.call('any', [], { signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    })
    controller.abort()
    await clock.advance(50)
    await Promise.all([late, aborted])
    await expect(connection.call('any', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('a subscription', () => {
  const hello = { data: '{"msg":"connected","session":"s"}' }

  test('is made again on every new socket, with its id, and says so', async () => {
    const { connection, sockets, said } = scripted()
    const told: string[] = []
    connection.subscribe(
      { name: 'stream-room-messages', key: 'r1', proof: { token: 't' } },
      {
        onEvent: (args) => told.push(`event ${String(args[0])}`),
        onReady: () => told.push('ready'),
        onLost: () => told.push('lost'),
      },
    )
    const sub = {
      msg: 'sub',
      id: 's1',
      name: 'stream-room-messages',
      params: ['r1', { useCollection: false, args: [{ token: 't' }] }],
    }
    const event = { msg: 'changed', collection: 'stream-room-messages', fields: { eventName: 'r1', args: ['hi'] } }
    for (const round of [0, 1]) {
      sockets[round]?.onmessage(hello)
      await clock.settle()
      expect(said.at(-1)).toEqual(sub)
      sockets[round]?.onmessage({ data: '{"msg":"ready","subs":["s1"]}' })
      sockets[round]?.onmessage({ data: JSON.stringify(event) })
      sockets[round]?.onclose()
      await clock.advance(1_000)
    }
    expect(told).toEqual(['ready', 'event hi', 'lost', 'ready', 'event hi', 'lost'])
  })

  test('hears only its own stream and key', async () => {
    const { connection, sockets } = scripted()
    const told: unknown[] = []
    connection.subscribe({ name: 'stream-a', key: 'k' }, { onEvent: (args) => told.push(...args) })
    sockets[0]?.onmessage(hello)
    await clock.settle()
    for (const [collection, eventName] of [
      ['stream-b', 'k'],
      ['stream-a', 'other'],
      ['stream-a', 'k'],
    ])
      sockets[0]?.onmessage({
        data: JSON.stringify({
          msg: 'changed',
          collection,
          fields: { eventName, args: [`${collection}/${eventName}`] },
        }),
      })
    expect(told).toEqual(['stream-a/k'])
  })

  test('that is refused says why, and is asked for again on the next socket', async () => {
    const { connection, sockets, said } = scripted()
    const refusals: string[] = []
    connection.subscribe(
      { name: 'stream-a', key: 'k' },
      { onEvent: () => undefined, onRefused: ({ code }) => refusals.push(code) },
    )
    for (const round of [0, 1]) {
      sockets[round]?.onmessage(hello)
      await clock.settle()
      sockets[round]?.onmessage({ data: '{"msg":"nosub","id":"s1","error":{"error":"not-allowed"}}' })
      sockets[round]?.onclose()
      await clock.advance(1_000)
    }
    expect(refusals).toEqual(['not-allowed', 'not-allowed'])
    expect(said.filter(({ msg }) => msg === 'sub')).toHaveLength(2)
  })

  test('waits while many others wait for an answer: servers close sockets that ask for too much at once', async () => {
    const { connection, sockets, said } = scripted()
    for (let room = 0; room < 70; room++)
      connection.subscribe({ name: 'stream-a', key: `r${room}` }, { onEvent: () => undefined })
    sockets[0]?.onmessage(hello)
    await clock.settle()
    const asked = () => said.filter(({ msg }) => msg === 'sub')
    expect(asked()).toHaveLength(20)
    for (let answered = 0; answered < 70; answered++)
      sockets[0]?.onmessage({ data: JSON.stringify({ msg: 'ready', subs: [asked()[answered]?.['id']] }) })
    expect(new Set(asked().map(({ id }) => id)).size).toBe(70)
  })

  test('ends with unsub, and hears nothing any more', async () => {
    const { connection, sockets, said } = scripted()
    const told: unknown[] = []
    const end = connection.subscribe({ name: 'stream-a', key: 'k' }, { onEvent: (args) => told.push(...args) })
    sockets[0]?.onmessage(hello)
    await clock.settle()
    end()
    expect(said.at(-1)).toEqual({ msg: 'unsub', id: 's1' })
    sockets[0]?.onmessage({ data: '{"msg":"changed","collection":"stream-a","fields":{"eventName":"k","args":[1]}}' })
    expect(told).toEqual([])
  })
})

test.each(['', 'not json', '[]', 'null', '7', '{"msg":"constructor"}', '{"msg":"changed"}', '{"msg":"result"}'])(
  'a frame that makes no sense is no matter: %s',
  async (data) => {
    const { connection, sockets } = scripted()
    sockets[0]?.onmessage({ data: '{"msg":"connected","session":"s"}' })
    await clock.settle()
    sockets[0]?.onmessage({ data })
    expect(connection.state.status).toBe('online')
  },
)

interface ScriptedSocket {
  onopen: () => void
  onmessage: (event: { data: string }) => void
  onclose: () => void
}

/** A connection whose sockets a test moves frame by frame. */
function scripted() {
  const sockets: ScriptedSocket[] = []
  const said: Record<string, unknown>[] = []
  class Scripted {
    onopen: unknown
    onmessage: unknown
    onclose: unknown
    onerror: unknown
    constructor() {
      sockets.push(this as unknown as ScriptedSocket)
    }
    send(text: string) {
      said.push(JSON.parse(text))
    }
    close() {
      return undefined
    }
  }
  const { connection } = open({ WebSocket: Scripted })
  return { connection, sockets, said }
}
