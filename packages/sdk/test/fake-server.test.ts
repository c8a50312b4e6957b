import { beforeEach, describe, expect, test } from 'vitest'
import { fakeClock, fakeServer } from '../src/testing/testing.ts'
import type { FakeClock, FakeServer, FakeServerOptions, FakeVisitor } from '../src/testing/testing.ts'

let clock: FakeClock
let server: FakeServer
let vera: FakeVisitor

function start(options: FakeServerOptions = {}) {
  clock = fakeClock()
  server = fakeServer({ clock, ...options })
  vera = server.visitor()
}

beforeEach(() => start())

interface Frame {
  msg?: string
  id?: string
  collection?: string
  fields?: { eventName: string; args: unknown[] }
}

/** A socket that listens to Vera’s room, and what it heard. */
async function listen() {
  const socket = new server.WebSocket(`${server.serverURL.replace('http', 'ws')}/websocket`)
  const heard: Frame[] = []
  const ends: { code: number; atMs: number }[] = []
  const startMs = clock.now()
  socket.onmessage = ({ data }) => void heard.push(JSON.parse(String(data)) as Frame)
  socket.onclose = ({ code }) => void ends.push({ code, atMs: clock.now() - startMs })
  const say = (frame: object) => socket.send(JSON.stringify(frame))
  await clock.settle()
  if (socket.readyState === socket.OPEN) {
    say({ msg: 'connect', version: '1', support: ['1'] })
    const proof = { useCollection: false, args: [{ token: vera.token, visitorToken: vera.token }] }
    const keys = [
      ['stream-room-messages', vera.rid],
      ['stream-livechat-room', vera.rid],
      ['stream-notify-room', `${vera.rid}/user-activity`],
      ['stream-notify-room', `${vera.rid}/deleteMessage`],
      ['stream-livechat-desk', 'all'],
    ]
    for (const [at, [name, key]] of keys.entries()) say({ msg: 'sub', id: `s${at}`, name, params: [key, proof] })
    await clock.settle()
  }
  return {
    socket,
    say,
    ends,
    heard,
    /** The arguments of what was told on a stream. */
    told: (stream: string) =>
      heard.filter(({ collection }) => collection === `stream-${stream}`).map(({ fields }) => fields?.args),
    texts: () =>
      heard
        .filter(({ collection }) => collection === 'stream-room-messages')
        .map(({ fields }) => (fields?.args[0] as { msg: string }).msg),
  }
}

function post(operation: string, body: object, init: RequestInit = {}) {
  return server.fetch(`${server.serverURL}/api/v1/livechat/${operation}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    ...init,
  })
}

function send(text: string, id: string, init?: RequestInit) {
  return post('message', { token: vera.token, rid: vera.rid, msg: text, _id: id }, init)
}

/** What visitors and agents typed. */
function said() {
  return server.messages().filter(({ t }) => t === undefined)
}

describe('the desk', () => {
  test('tells a visitor at once what the agent does', async () => {
    const { told, texts, heard } = await listen()
    const { _id } = server.agent.reply('Hello')
    server.agent.edit(_id, 'Hello!')
    server.agent.remove(_id)
    server.agent.typing()
    server.agent.typing(false)
    server.queue(3)
    server.agent.setOnline(false)
    server.agent.closeRoom('Bye')
    server.agent.reply('After the end')
    await clock.settle()
    expect(texts()).toEqual(['Hello', 'Hello!', 'Bye'])
    expect(told('notify-room')).toEqual([
      [{ _id, seq: expect.any(Number) }],
      ['anna', ['user-typing'], {}],
      ['anna', [], {}],
    ])
    expect(told('livechat-room')).toMatchObject([
      [{ type: 'queueData', data: { spot: 3 } }],
      [{ type: 'agentStatus', status: 'offline' }],
    ])
    expect(told('livechat-desk')).toEqual([[{ online: true }], [{ online: false }]])
    expect(heard.filter(({ msg }) => msg === 'nosub')).toEqual([])
  })

  test('gives a room that waits to whoever takes it', async () => {
    start({ routing: 'manual', agents: [{ username: 'anna' }, { username: 'bert' }] })
    const { told } = await listen()
    const [anna, bert] = server.agents
    bert?.take()
    bert?.transferTo(anna!)
    anna?.giveBack()
    await clock.settle()
    expect(told('livechat-room')).toMatchObject([
      [{ type: 'agentData', data: { username: 'bert' } }],
      [{ type: 'agentData', data: { username: 'anna' } }],
      [{ type: 'agentData' }],
    ])
  })

  test('gives rooms to whoever has the fewest', () => {
    start({ agents: [{ username: 'anna' }, { username: 'bert' }] })
    server.visitor('Otto')
    const owner = (rid: string) => server.messages(rid).find(({ t }) => t === 'uj')?.u.username
    expect(server.rooms.map(owner)).toEqual(['anna', 'bert'])
  })

  test('numbers every change of a room, and lets nothing be said at the same time', async () => {
    server.agent.reply('one')
    const { _id } = server.agent.reply('two')
    server.agent.edit(_id, 'three')
    const url = `${server.serverURL}/api/v1/livechat/messages.sync/${vera.rid}?token=${vera.token}&after=3`
    const answer = (await (await server.fetch(url)).json()) as { changes: { seq: number }[]; next: number }
    expect(answer.changes.map(({ seq }) => seq)).toEqual([4, 6])
    expect(answer.next).toBe(6)
    const times = server.messages().map(({ ts }) => ts)
    expect(new Set(times).size).toBe(times.length)
  })

  test('takes a file into the room', async () => {
    const form = new FormData()
    form.append('description', 'The invoice')
    form.append('file', new File(['12345'], 'invoice.pdf', { type: 'application/pdf' }))
    const url = `${server.serverURL}/api/v1/livechat/upload/${vera.rid}`
    const headers = { 'x-visitor-token': vera.token }
    const answer = await server.fetch(url, { method: 'POST', headers, body: form })
    expect(answer.status).toBe(200)
    expect(said()).toMatchObject([
      { file: { name: 'invoice.pdf' }, attachments: [{ description: 'The invoice', size: 5 }] },
    ])
  })

  test('keeps every request that arrived', async () => {
    await send('Hello', 'm1')
    await clock.advance(5)
    await send('Hello', 'm1')
    expect(server.calls).toMatchObject([
      { operation: 'POST /livechat/message', status: 200, given: { msg: 'Hello' }, atMs: clock.now() - 5 },
      { operation: 'POST /livechat/message', status: 200 },
    ])
    expect(said()).toHaveLength(1)
  })

  test('says so where it is asked for what is not there', () => {
    expect(() => server.agent.edit('nothing', 'text')).toThrow("There is no message 'nothing'.")
    expect(() => server.agent.reply('Hello', 'nowhere')).toThrow("There is no room 'nowhere'.")
  })
})

describe('a request', () => {
  test('whose answer is lost has been served', async () => {
    server.faults.http.loseAnswer({ operation: 'POST /livechat/message', times: 1 })
    await expect(send('Hello', 'm1')).rejects.toThrow(TypeError)
    expect(said()).toMatchObject([{ _id: 'm1', msg: 'Hello' }])
    expect((await send('Hello', 'm1')).status).toBe(200)
    expect(said()).toHaveLength(1)
  })

  test('that is lost has not been served', async () => {
    const end = server.faults.http.lose()
    await expect(send('Hello', 'm1')).rejects.toThrow(TypeError)
    expect([said(), server.calls]).toEqual([[], []])
    end()
    expect((await send('Hello', 'm1')).status).toBe(200)
  })

  test('is refused as often as told, and only what is meant', async () => {
    server.faults.http.refuse(429, { times: 2, retryAfter: 7, operation: 'POST /livechat/message' })
    expect((await post('visitor.status', { token: vera.token, status: 'away' })).status).toBe(200)
    const refused = await send('Hello', 'm1')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7'])
    expect((await send('Hello', 'm1')).status).toBe(429)
    expect((await send('Hello', 'm1')).status).toBe(200)
  })

  test('takes its time both ways', async () => {
    server.faults.http.delay(100)
    let status = 0
    void send('Hello', 'm1').then((answer) => (status = answer.status))
    await clock.advance(99)
    expect([said().length, status]).toEqual([0, 0])
    await clock.advance(100)
    expect([said().length, status]).toEqual([1, 0])
    await clock.advance(1)
    expect(status).toBe(200)
  })

  test('that hangs ends with the caller’s patience', async () => {
    server.faults.http.hang()
    const controller = new AbortController()
    const answer = send('Hello', 'm1', { signal: controller.signal })
    await clock.advance(3_600_000)
    controller.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
    expect(said()).toHaveLength(1)
  })
})

describe('a socket', () => {
  test('loses what is dropped, and only that', async () => {
    const { texts } = await listen()
    server.faults.toClient.drop({ times: 1, only: ({ msg }) => msg === 'changed' })
    server.agent.reply('one')
    server.agent.reply('two')
    await clock.settle()
    expect(texts()).toEqual(['two'])
  })

  test('delivers late what is delayed, in order', async () => {
    const { texts } = await listen()
    const end = server.faults.toClient.delay(100)
    server.agent.reply('one')
    end()
    server.agent.reply('two')
    await clock.advance(99)
    expect(texts()).toEqual([])
    await clock.advance(1)
    expect(texts()).toEqual(['one', 'two'])
  })

  test('delivers twice what is duplicated', async () => {
    const { texts } = await listen()
    server.faults.toClient.duplicate({ times: 1 })
    server.agent.reply('one')
    server.agent.reply('two')
    await clock.settle()
    expect(texts()).toEqual(['one', 'one', 'two'])
  })

  test('delivers in another order what is reordered', async () => {
    const { texts } = await listen()
    server.faults.toClient.reorder(1_000)
    const words = ['one', 'two', 'three', 'four', 'five']
    for (const word of words) server.agent.reply(word)
    await clock.advance(1_000)
    expect(texts()).not.toEqual(words)
    expect(texts().toSorted()).toEqual(words.toSorted())
  })

  test('drops what the client says where that is wanted', async () => {
    const { say, heard } = await listen()
    server.faults.toServer.drop({ times: 1 })
    say({ msg: 'ping', id: 'lost' })
    say({ msg: 'ping', id: 'heard' })
    await clock.settle()
    expect(heard.filter(({ msg }) => msg === 'pong')).toEqual([{ msg: 'pong', id: 'heard' }])
  })

  test('is cut without a word or with one', async () => {
    const [one, other] = [await listen(), await listen()]
    expect(server.openSockets).toBe(2)
    server.faults.cut()
    expect([one.ends[0]?.code, other.ends[0]?.code]).toEqual([1006, 1006])
    const third = await listen()
    server.faults.cut(1001, 'Restarting')
    expect([third.ends[0]?.code, server.openSockets]).toEqual([1001, 0])
  })

  test('that is half-open carries nothing, and its end is noticed late', async () => {
    const { texts, socket, ends } = await listen()
    server.faults.halfOpen()
    server.agent.reply('into the void')
    await clock.advance(60_000)
    expect([texts(), ends, socket.readyState]).toEqual([[], [], socket.OPEN])
    socket.close()
    await clock.advance(29_999)
    expect(ends).toEqual([])
    await clock.advance(1)
    expect(ends).toEqual([{ code: 1006, atMs: 90_000 }])
  })

  test('is refused until that ends', async () => {
    const end = server.faults.refuseSockets()
    expect((await listen()).ends).toEqual([{ code: 1006, atMs: 0 }])
    end()
    expect((await listen()).ends).toEqual([])
  })

  test('breaks with the server, and nothing answers until it is back', async () => {
    const { ends } = await listen()
    const end = server.faults.unreachable()
    expect(ends).toHaveLength(1)
    expect((await listen()).ends).toHaveLength(1)
    await expect(send('Hello', 'm1')).rejects.toThrow(TypeError)
    end()
    expect((await send('Hello', 'm1')).status).toBe(200)
    expect((await listen()).ends).toEqual([])
  })

  test('that says nothing is asked, then let go', async () => {
    const { heard, ends } = await listen()
    await clock.advance(10_000)
    expect(heard.at(-1)).toEqual({ msg: 'ping' })
    await clock.advance(11_999)
    expect(ends).toEqual([])
    await clock.advance(1)
    expect(ends).toEqual([{ code: 4000, atMs: 22_000 }])
  })

  test('that answers stays', async () => {
    const { say, ends } = await listen()
    for (let second = 0; second < 60; second += 15) {
      await clock.advance(15_000)
      say({ msg: 'pong' })
    }
    expect(ends).toEqual([])
  })

  test('on which nobody speaks DDP is ended', async () => {
    const say = async (text: string) => {
      const socket = new server.WebSocket('wss://fake.desk/websocket')
      const codes: number[] = []
      socket.onclose = ({ code }) => void codes.push(code)
      socket.onopen = () => socket.send(text)
      await clock.settle()
      return codes
    }
    expect(await say('no JSON')).toEqual([1007])
    expect(await say('{"msg":"ping"}')).toEqual([1002])
    expect(await say('{"msg":"connect"}')).toEqual([])
  })

  test('is well again after healing', async () => {
    server.faults.toClient.drop()
    server.faults.toServer.drop()
    server.faults.http.lose()
    server.faults.refuseSockets()
    server.faults.heal()
    const { texts } = await listen()
    expect((await send('Hello', 'm1')).status).toBe(200)
    await clock.settle()
    expect(texts()).toEqual(['Hello'])
  })

  test('leaves no timer behind', async () => {
    const { socket } = await listen()
    expect(clock.pendingTimers).toBe(1)
    socket.close()
    await clock.settle()
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('the clock', () => {
  test('stands still, and runs what is due at its own time', async () => {
    const ran: [string, number][] = []
    const startMs = clock.now()
    const note = (name: string) => () => void ran.push([name, clock.now() - startMs])
    clock.setTimeout(note('second'), 20)
    clock.setTimeout(note('first'), 10)
    clock.setTimeout(note('third'), 20)
    clock.clearTimeout(clock.setTimeout(note('never'), 5))
    clock.setTimeout(() => clock.setTimeout(note('nested'), 5), 10)
    await clock.advance(19)
    expect(ran).toEqual([
      ['first', 10],
      ['nested', 15],
    ])
    await clock.advance(1)
    expect(ran.slice(2)).toEqual([
      ['second', 20],
      ['third', 20],
    ])
    expect(clock.now() - startMs).toBe(20)
  })

  test('draws the same numbers from the same seed', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, fakeClock({ seed }).random)
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    expect(draw(7).every((number) => number >= 0 && number < 1)).toBe(true)
  })
})
