import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { Connection, socketLimits, type Product, type Session, type Subscribed } from './connection.ts'
import { makeHub } from './hub.ts'

const place: Subscribed = { place: { stream: 'room-messages', key: 'r1', audience: 'visitor' } }
const refused: Subscribed = {
  refused: { isClientSafe: true, error: 'not-allowed', message: '[not-allowed]', errorType: 'Meteor.Error' },
}

const request: Session['request'] = {
  id: '1',
  address: '127.0.0.1',
  userAgent: undefined,
  host: undefined,
  isWidget: false,
  credentials: undefined,
  visitorToken: undefined,
}

/** A socket before a product that answers each question for a right with the next of these. */
async function subscribing(answers: readonly Subscribed[]): Promise<{ frames: string[]; isHeard: boolean }> {
  const hub = makeHub()
  const frames: string[] = []
  let asked = 0
  const product: Product = {
    subscribe: () => Promise.resolve(answers[asked++] ?? refused),
    joined: () => Promise.resolve(),
    rewatched: () => {},
    welcome: () => {},
    call: () => Promise.resolve({ result: undefined }),
    left: () => {},
  }
  const answered = new Promise<void>((resolve) => {
    const send = (text: string) => {
      frames.push(text)
      if (text.includes('ready') || text.includes('nosub')) resolve()
    }
    const wire = { send, close: () => {}, bufferedAmount: 0 }
    const connection = new Connection({ id: 's', request }, wire, {
      hub,
      product,
      log: pino({ level: 'silent' }),
      nowMs: 0,
    })
    connection.receive('{"msg":"connect","version":"1","support":["1"]}', 0)
    connection.receive('{"msg":"sub","id":"a","name":"stream-room-messages","params":["r1"]}', 0)
  })
  await answered
  return { frames, isHeard: hub.isHeard('room-messages', 'r1') }
}

describe('a subscription', () => {
  test('is there for who has the right', async () => {
    const { frames, isHeard } = await subscribing([place, place])
    expect(frames.at(-1)).toBe('{"msg":"ready","subs":["a"]}')
    expect(isHeard).toBe(true)
  })

  test('is refused where the right was lost while it was looked up', async () => {
    const { frames, isHeard } = await subscribing([place, refused])
    expect(frames.at(-1)).toContain('"msg":"nosub"')
    expect(isHeard).toBe(false)
  })
})

describe('a socket', () => {
  /** One that listens, before a product that has lost its database since. */
  function listening() {
    const hub = makeHub()
    const frames: string[] = []
    let broken: 'subscribe' | 'joined' | undefined
    const fails = (what: typeof broken) => (broken === what ? Promise.reject(new Error('no database')) : undefined)
    const product: Product = {
      subscribe: () => fails('subscribe') ?? Promise.resolve(place),
      joined: () => fails('joined') ?? Promise.resolve(),
      rewatched: () => {},
      welcome: () => {},
      call: () => Promise.resolve({ result: undefined }),
      left: () => {},
    }
    const closed: number[] = []
    const wire = {
      send: (frame: string | Buffer) => void frames.push(String(frame)),
      close: (code: number) => void closed.push(code),
      bufferedAmount: 0,
    }
    const log = pino({ level: 'silent' })
    const connection = new Connection({ id: 's', request }, wire, { hub, product, log, nowMs: 0 })
    connection.receive('{"msg":"connect","version":"1","support":["1"]}', 0)
    const sub = async (id: string): Promise<string | undefined> => {
      connection.receive(`{"msg":"sub","id":"${id}","name":"stream-room-messages","params":["r1"]}`, 0)
      await expect.poll(() => frames.at(-1)).toMatch(/ready|nosub/)
      return frames.at(-1)
    }
    return { hub, connection, frames, closed, sub, breakDown: (what?: typeof broken) => void (broken = what) }
  }

  test('hears nothing more where nobody can say whether it may, and is let go so that it asks again', async () => {
    const { hub, connection, closed, sub, breakDown } = listening()
    await sub('a')
    breakDown('subscribe')
    await connection.recheck('room-messages', 'r1')
    expect(closed).toEqual([1011])
    expect(hub.isHeard('room-messages', 'r1')).toBe(false)
  })

  test.each(['subscribe', 'joined'] as const)('whose subscription failed may ask again (%s)', async (what) => {
    const { hub, frames, closed, sub, breakDown } = listening()
    breakDown(what)
    expect(await sub('a')).toContain('"error":500')
    expect(hub.isHeard('room-messages', 'r1')).toBe(false)
    breakDown()
    frames.length = 0
    expect(await sub('a')).toBe('{"msg":"ready","subs":["a"]}')
    expect(closed).toEqual([])
  })
})

/** A connection whose product answers a call when it is told to. */
function open() {
  const closed: { code: number; reason: string }[] = []
  const frames: string[] = []
  const calls: string[] = []
  const answers: (() => void)[] = []
  const product: Product = {
    subscribe: () => Promise.resolve(place),
    joined: () => Promise.resolve(),
    rewatched: () => {},
    welcome: () => {},
    call: (_session, method) => {
      calls.push(method)
      return new Promise((resolve) => answers.push(() => resolve({ result: method })))
    },
    left: () => {},
  }
  const wire = {
    send: (text: string) => void frames.push(text),
    close: (code: number, reason: string) => void closed.push({ code, reason }),
    bufferedAmount: 0,
  }
  const connection = new Connection({ id: 's', request }, wire, {
    hub: makeHub(),
    product,
    log: pino({ level: 'silent' }),
    nowMs: 0,
  })
  connection.receive('{"msg":"connect","version":"1","support":["1"]}', 0)
  return { connection, wire, closed, frames, calls, answers }
}

const callOf = (id: number) => `{"msg":"method","id":"${String(id)}","method":"m${String(id)}","params":[]}`

describe('a connection', () => {
  test('that calls ten thousand times at once is let go, and no more than one call was begun (A31)', () => {
    const { connection, closed, calls } = open()
    for (let id = 0; id < 10_000; id++) connection.receive(callOf(id), 0)
    expect(closed).toEqual([{ code: 1008, reason: 'Too many requests wait' }])
    expect(calls).toEqual(['m0'])
  })

  test('that calls more often than a minute allows is let go, however it waits for answers', async () => {
    const { connection, closed, calls, answers, frames } = open()
    const { anonymous } = socketLimits.framesPerMinute
    for (let id = 0; id < anonymous; id++) {
      connection.receive(callOf(id), 0)
      answers.shift()?.()
      await expect.poll(() => frames.at(-1)).toBe(`{"msg":"updated","methods":["${String(id)}"]}`)
    }
    expect(closed).toEqual([])
    connection.receive(callOf(anonymous), 0)
    expect(closed).toEqual([{ code: 1008, reason: 'Too many requests' }])
    expect(calls).toHaveLength(anonymous)
  })

  test.each(['{"msg":"ping"}', '{"msg":"pong"}', '{"msg":"whatever"}'])(
    'that only says %s is held to the same',
    (text) => {
      const { connection, closed } = open()
      for (let said = 0; said < socketLimits.framesPerMinute.anonymous; said++) connection.receive(text, 0)
      expect(closed).toEqual([])
      connection.receive(text, 0)
      expect(closed).toEqual([{ code: 1008, reason: 'Too many requests' }])
    },
  )

  test('is answered in the order in which it asked, one after the other', async () => {
    const { connection, calls, answers, frames } = open()
    for (const id of [1, 2, 3]) connection.receive(callOf(id), 0)
    expect(calls).toEqual(['m1'])
    for (const id of [1, 2, 3]) {
      answers.shift()?.()
      await expect.poll(() => frames.at(-1)).toBe(`{"msg":"updated","methods":["${String(id)}"]}`)
    }
    expect(calls).toEqual(['m1', 'm2', 'm3'])
  })

  test('whose client does not read is cut off instead of remembered (A32)', () => {
    const { connection, wire, closed, frames } = open()
    connection.send('read')
    wire.bufferedAmount = socketLimits.bufferedBytes + 1
    connection.send('not read')
    connection.send('not read either')
    expect(closed).toEqual([{ code: 4008, reason: 'too-slow' }])
    expect(frames.at(-1)).toBe('read')
  })

  test('that has ended takes and tells nothing', () => {
    const { connection, closed, calls, frames } = open()
    connection.ended()
    const before = frames.length
    connection.receive(callOf(1), 0)
    connection.send('more')
    connection.tick(1e9)
    connection.close(1001, 'x')
    expect([calls, closed, frames.length]).toEqual([[], [], before])
  })
})
