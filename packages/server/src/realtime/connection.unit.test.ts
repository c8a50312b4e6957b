import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { Connection, type Product, type Session, type Subscribed } from './connection.ts'
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
