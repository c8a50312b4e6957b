import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.ts'
import { judge, type Talker } from './talker.ts'
import { makeSplitter, textOf } from './units.ts'

describe('the proxy of bad networks', () => {
  let server: Server
  let sockets: WebSocketServer
  let proxy: FaultProxy
  let asked: string[]
  const opened: WebSocket[] = []

  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      request.resume().on('end', () => response.end('done'))
    })
    sockets = new WebSocketServer({ server })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.terminate()
    await proxy.close()
    sockets.close()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const start = async (options?: FaultProxyOptions) => {
    proxy = await startFaultProxy(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, options)
  }

  /** A socket through the proxy, with both its ends and what each hears. */
  async function open() {
    const arrives = once(sockets, 'connection') as Promise<[WebSocket]>
    const near = new WebSocket(proxy.url.replace('http', 'ws'))
    near.on('error', () => undefined)
    const [far] = await arrives
    if (near.readyState !== WebSocket.OPEN) await once(near, 'open')
    opened.push(near, far)
    const heard: string[] = []
    near.on('message', (bytes) => heard.push((bytes as Buffer).toString()))
    /** Everything that was sent down before has been heard, or never will be. */
    const settled = async () => {
      far.ping()
      await once(near, 'ping')
      return heard
    }
    return { near, far, heard, settled }
  }

  const post = (path: string) => fetch(`${proxy.url}${path}`, { method: 'POST', body: 'x'.repeat(1000) })

  test('lets everything through in fair weather', async () => {
    await start()
    const { near, far, settled } = await open()
    const long = 'ä'.repeat(100_000)
    for (const text of ['one', long, '']) far.send(text)
    expect(await settled()).toEqual(['one', long, ''])
    near.send(long)
    expect(String((await once(far, 'message'))[0])).toBe(long)
    expect(await (await post('/a')).text()).toBe('done')
    expect(proxy.disconnects).toBe(0)
  })

  test('loses, doubles and swaps whole frames, those it was told to', async () => {
    await start({ meddlesWith: (text) => text !== 'spared' })
    const { far, settled } = await open()
    proxy.set({ lose: 1 })
    for (const text of ['lost', 'spared']) far.send(text)
    expect(await settled()).toEqual(['spared'])
    proxy.set({ lose: 0, double: 1 })
    far.send('double')
    expect(await settled()).toEqual(['spared', 'double', 'double'])
    proxy.set({ double: 0, swap: 1 })
    for (const text of ['later', 'sooner']) far.send(text)
    expect(await settled()).toEqual(['spared', 'double', 'double', 'sooner', 'later'])
  })

  test('keeps the order of what is late', async () => {
    await start()
    const { far, heard, near } = await open()
    proxy.set({ lateMs: 5 })
    const numbers = Array.from({ length: 50 }, (_, index) => String(index))
    for (const text of numbers) far.send(text)
    while (heard.length < numbers.length) await once(near, 'message')
    expect(heard).toEqual(numbers)
  })

  test('draws the same chances from the same seed', async () => {
    const runs: string[][] = []
    for (const seed of [7, 7, 8]) {
      await start({ seed })
      const { far, settled } = await open()
      proxy.set({ lose: 0.3, double: 0.3, swap: 0.3 })
      for (let index = 0; index < 100; index++) far.send(String(index))
      runs.push([...(await settled())])
      if (seed === 7) await proxy.close()
    }
    expect(runs[1]).toEqual(runs[0])
    expect(runs[2]).not.toEqual(runs[0])
  })

  test('loses requests, loses answers and doubles requests', async () => {
    await start()
    proxy.set({ loseRequest: 1 })
    await expect(post('/lost')).rejects.toThrow()
    expect(asked).toEqual([])
    proxy.set({ loseRequest: 0, loseAnswer: 1 })
    await expect(post('/in-vain')).rejects.toThrow()
    expect(asked).toEqual(['/in-vain'])
    proxy.set({ loseAnswer: 0, doubleRequest: 1 })
    const arrived = new Promise<void>((resolve) => server.on('request', () => asked.length === 3 && resolve()))
    expect((await post('/twice')).status).toBe(200)
    await arrived
    expect(asked).toEqual(['/in-vain', '/twice', '/twice'])
  })

  test.each(['reset', 'end'] as const)('cuts both sides off (%s)', async (how) => {
    await start()
    const { near, far } = await open()
    const ends = [once(near, 'close'), once(far, 'close')]
    for (const link of proxy.links()) link.cut(how)
    expect((await Promise.all(ends)).map(([code]) => code as number)).toEqual([1006, 1006])
    expect(proxy.disconnects).toBe(1)
    expect(proxy.links()).toEqual([])
  })

  test('leaves a half-open socket standing, and tells neither side that the other has gone', async () => {
    await start()
    const { near, far, heard } = await open()
    let isTold = false
    far.on('close', () => (isTold = true))
    for (const link of proxy.links()) link.silence()
    far.send('nobody hears this')
    near.terminate()
    const other = await open()
    other.far.send('through')
    await other.settled()
    expect([heard, isTold, far.readyState]).toEqual([[], false, WebSocket.OPEN])
    expect(proxy.disconnects).toBe(1)
  })

  test('silences one direction alone', async () => {
    await start()
    const { near, far, heard } = await open()
    for (const link of proxy.links()) link.silence('down')
    far.send('not heard')
    near.send('heard')
    expect(String((await once(far, 'message'))[0])).toBe('heard')
    expect(heard).toEqual([])
  })

  test('holds a direction up, with pressure on its sender, and lets it go on', async () => {
    await start()
    const { near, far, heard } = await open()
    const [link] = proxy.links()
    link?.hold('down')
    const text = 'x'.repeat(1_000_000)
    for (let index = 0; index < 20; index++) far.send(text)
    near.send('still up')
    await once(far, 'message')
    expect(far.bufferedAmount).toBeGreaterThan(1_000_000)
    link?.release('down')
    while (heard.length < 20) await once(near, 'message')
    expect(far.bufferedAmount).toBe(0)
  })

  test('refuses, or takes and says nothing', async () => {
    await start()
    for (const how of ['refuse', 'silently'] as const) {
      proxy.meet(how)
      const isTurnedAway = proxy.turnsAway()
      const near = new WebSocket(proxy.url.replace('http', 'ws'), { handshakeTimeout: 50 })
      const failed = once(near, 'error')
      await Promise.race([isTurnedAway, failed])
      if (how === 'refuse') await failed
      near.on('error', () => undefined).terminate()
    }
    expect(sockets.clients.size).toBe(0)
    proxy.heal()
    await open()
  })

  test('ends by itself', async () => {
    await start({ limitMs: 20 })
    const { near } = await open()
    await once(near, 'close')
    await expect(fetch(proxy.url)).rejects.toThrow()
  })
})

describe('bytes are cut into wholes', () => {
  test('and none is lost or changed, however they arrive and whatever they are', () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 })
    const starts = fc.constantFrom(
      '',
      'HTTP/1.1 101 X\r\n\r\n',
      'GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n',
      'POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc',
    )
    fc.assert(
      fc.property(fc.constantFrom('up' as const, 'down' as const), starts, pieces, (way, start, more) => {
        const split = makeSplitter(way)
        const given = [Buffer.from(start), ...more.map((piece) => Buffer.from(piece))].filter(
          ({ length }) => length > 0,
        )
        const wholes = given.flatMap((piece) => split(piece)).map(({ bytes }) => bytes)
        const all = Buffer.concat(given)
        expect(all.subarray(0, Buffer.concat(wholes).length)).toEqual(Buffer.concat(wholes))
      }),
    )
  })

  test('a masked frame is read as its text', () => {
    const split = makeSplitter('up')
    const head = Buffer.from('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')
    const mask = [1, 2, 3, 4]
    const frame = Buffer.from([0x81, 0x82, ...mask, 0x68 ^ 1, 0x69 ^ 2])
    const [upgrade, text, ...rest] = split(Buffer.concat([head, frame, frame.subarray(0, 3)]))
    expect([upgrade?.kind, text?.kind, text && textOf(text), rest]).toEqual(['upgrade', 'text', 'hi', []])
  })
})

describe('a verdict', () => {
  const silent: Talker = {
    told: [],
    say: () => Promise.reject(new Error('says nothing')),
    shown: () => [],
    watch: () => () => undefined,
    isOnline: () => true,
    end: () => undefined,
  }
  const stored = ['a 0', 'b 0', 'a 1'].map((msg) => ({ _id: `id of ${msg}`, msg, ts: '' }))
  const ids = stored.map(({ _id }) => _id)
  const accepted = new Map(stored.map(({ _id, msg }) => [_id, msg]))
  const judged = (shown: string[], told: string[], inRoom = stored) => {
    const both = { ...silent, told, shown: () => shown }
    return judge({ rid: '', token: '', accepted, visitor: both, agent: { ...silent, shown: () => ids } }, inRoom)
  }

  test('finds nothing where nothing is wrong', () => {
    expect(judged(ids, ids)).toEqual({ lost: 0, missed: 0, doubled: 0, disordered: 0 })
  })

  test('names what is wrong', () => {
    const [a, b, c] = ids as [string, string, string]
    expect(judged([a, c], [])).toMatchObject({ missed: 1, doubled: 0, disordered: 0 })
    expect(judged([a, b, c], [a, b, b, c])).toMatchObject({ missed: 0, doubled: 1, disordered: 0 })
    expect(judged([b, a, c], [])).toMatchObject({ missed: 0, doubled: 0, disordered: 1 })
    expect(judged(ids, [a, c, b])).toMatchObject({ disordered: 1 })
    expect(judged(ids, ids, stored.slice(0, 2))).toMatchObject({ lost: 1 })
    expect(judged(ids, ids, [...stored, { _id: 'another', msg: 'b 0', ts: '' }])).toMatchObject({
      doubled: 1,
      disordered: 1,
    })
  })
})
