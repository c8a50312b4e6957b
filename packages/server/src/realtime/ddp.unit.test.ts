import { areas } from '@deskbell/contract/contract.ts'
import { Time } from '@deskbell/contract/entities/basics.ts'
import type { Operation } from '@deskbell/contract/operation.ts'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { BadFrame, frameLimitBytes, frames, readFrame, readMethodCall, toEjson, wireError } from './ddp.ts'

function closeCodeOf(text: string): number | undefined {
  try {
    readFrame(text)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(BadFrame)
    return (error as BadFrame).closeCode
  }
}

describe('reading', () => {
  test.each([
    ['{"msg":"connect","version":"1","support":["1","pre2","pre1"]}', { msg: 'connect' }],
    ['{"msg":"connect","version":"pre2","support":["pre2"]}', { msg: 'connect' }],
    ['{"msg":"ping"}', { msg: 'ping' }],
    ['{"msg":"ping","id":"7"}', { msg: 'ping', id: '7' }],
    ['{"msg":"pong"}', { msg: 'ignored' }],
    ['{"msg":"sub","id":"a","name":"stream-x"}', { msg: 'sub', id: 'a', name: 'stream-x', params: [] }],
    ['{"msg":"unsub","id":"a"}', { msg: 'unsub', id: 'a' }],
    ['{"msg":"method","id":"1","method":"m","params":[1]}', { msg: 'method', id: '1', method: 'm', params: [1] }],
    ['{"msg":"unheard-of"}', { msg: 'ignored' }],
    ['{}', { msg: 'ignored' }],
  ])('%s', (text, frame) => expect(readFrame(text)).toEqual(frame))

  test.each([
    ['not JSON', 1007],
    ['', 1007],
    ['null', 1007],
    ['[]', 1007],
    ['"text"', 1007],
    ['{"msg":"sub","name":"x"}', 1002],
    ['{"msg":"sub","id":"x"}', 1002],
    ['{"msg":"sub","id":7,"name":"x"}', 1002],
    ['{"msg":"method","id":"x"}', 1002],
    ['{"msg":"unsub"}', 1002],
    ['{"msg":"ping","__proto__":{"a":1}}', 1007],
    [`{"msg":"method","id":"1","method":"m","params":${'['.repeat(40)}${']'.repeat(40)}}`, 1008],
  ])('%s ends the socket with %i', (text, code) => expect(closeCodeOf(text)).toBe(code))

  test('whatever comes is a frame or ends the socket', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json({ maxDepth: 8 })), (text) => {
        const code = closeCodeOf(text)
        expect([undefined, 1002, 1007, 1008]).toContain(code)
      }),
    )
  })
})

/** Names that no reader may take for anything else: those of prototypes end a socket. */
const safeKey = fc.string().filter((key) => !['__proto__', 'constructor', '$date'].includes(key))
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(null, true, false),
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(safeKey, tie('json'), { maxKeys: 4 }),
  ),
}))
const word = fc.string({ minLength: 1 })

/** As JSON has it: no -0, no keys without a value. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

describe('what a client says', () => {
  test('is read as it was meant, whatever it carries', () => {
    fc.assert(
      fc.property(word, word, fc.array(json, { maxLength: 4 }), (id, name, params) => {
        const method = { msg: 'method', id, method: name, params } as const
        const sub = { msg: 'sub', id, name, params } as const
        expect(readFrame(JSON.stringify(method))).toEqual(plain(method))
        expect(readFrame(JSON.stringify(sub))).toEqual(plain(sub))
        expect(readFrame(JSON.stringify({ msg: 'unsub', id }))).toEqual({ msg: 'unsub', id })
        expect(readMethodCall(JSON.stringify(method))).toEqual(plain({ id, method: name, params }))
      }),
    )
  })

  test('is read the same whatever stands beside it', () => {
    fc.assert(
      fc.property(word, fc.dictionary(safeKey, json), (id, beside) => {
        const { msg: _msg, id: _id, name: _name, params: _params, ...more } = beside
        const frame = { ...more, msg: 'sub', id, name: 'x' }
        expect(readFrame(JSON.stringify(frame))).toEqual({ msg: 'sub', id, name: 'x', params: [] })
      }),
    )
  })

  test('has its dates as the API takes them, and comes back as it was', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(253_402_300_799_999) }), (date) => {
        const sent = { ts: date.toISOString(), deep: [{ editedAt: date.toISOString() }] }
        const onTheWire = toEjson(sent)
        expect(onTheWire).toEqual({ ts: { $date: date.getTime() }, deep: [{ editedAt: { $date: date.getTime() } }] })
        const text = JSON.stringify({ msg: 'method', id: '1', method: 'm', params: [onTheWire] })
        expect(readFrame(text)).toMatchObject({ params: [sent] })
      }),
    )
  })

  test.each([
    '"NaN"',
    'null',
    'true',
    '{}',
    '[0]',
    '"2026-01-01"',
    '1e999',
    '-1e999',
    '8640000000000001',
    '-8640000000000001',
    '{"$date":0}',
  ])('has no date where it says {"$date":%s}, and no reader trips over it', (date) => {
    const text = `{"msg":"method","id":"1","method":"m","params":[{"$date":${date}}]}`
    const { params } = readFrame(text) as { params: unknown[] }
    expect(typeof params[0]).toBe('object')
  })

  test('has a date only where nothing stands beside it', () => {
    fc.assert(
      fc.property(fc.integer(), safeKey, json, (ms, key, value) => {
        const mixed = { $date: ms, [key]: value }
        const text = JSON.stringify({ msg: 'method', id: '1', method: 'm', params: [mixed] })
        expect(readFrame(text)).toMatchObject({ params: [plain(mixed)] })
      }),
    )
  })
})

const { description: isoTime } = Time as typeof Time & { description: string }

/** The keys under which an answer holds times, however deep. */
function timesIn({ returns }: Operation): string[] {
  const visit = (schema: unknown, key: string): string[] => {
    if (typeof schema !== 'object' || schema === null) return []
    if ((schema as TSchema & { description?: string }).description === isoTime) return [key]
    const { properties = {}, ...rest } = schema as { properties?: object }
    const parts = Object.entries(rest).filter(([word]) => ['items', 'anyOf', 'allOf'].includes(word))
    return [
      ...Object.entries(properties).flatMap(([name, part]) => visit(part, name)),
      ...parts.flatMap(([, part]) => (Array.isArray(part) ? part : [part]).flatMap((each) => visit(each, key))),
    ]
  }
  return visit(returns, '')
}

/** Any code unit, halves of characters too. */
const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

describe('what a hostile client says (A31)', () => {
  const good = '{"msg":"method","id":"1","method":"m","params":[{"a":[1,{"$date":1}]}]}'
  const isFrameOrEnd = (text: string) => [undefined, 1002, 1007, 1008].includes(closeCodeOf(text))

  test('is a frame or ends the socket: cut off anywhere', () => {
    for (let length = 0; length < good.length; length++) expect(closeCodeOf(good.slice(0, length))).toBe(1007)
  })

  test('is a frame or ends the socket: with anything written into it', () => {
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(8), fc.string({ unit: anyUnit }), (at, length, text) =>
        isFrameOrEnd(good.slice(0, at) + text + good.slice(at + length)),
      ),
    )
  })

  test('is a frame or ends the socket: with anything in the place of every part', () => {
    const parts = { msg: json, id: json, name: json, method: json, params: json }
    fc.assert(fc.property(fc.record(parts, { requiredKeys: [] }), (frame) => isFrameOrEnd(JSON.stringify(frame))))
  })

  test('is taken 32 deep and no deeper, however deep it goes', () => {
    const nested = (depth: number, [open, close]: [string, string]) =>
      `{"msg":"method","id":"1","method":"m","params":[${open.repeat(depth)}1${close.repeat(depth)}]}`
    for (const brackets of [['[', ']'] as [string, string], ['{"a":', '}'] as [string, string]]) {
      // The frame and its parameters are two of the 32.
      expect(closeCodeOf(nested(30, brackets))).toBeUndefined()
      expect(closeCodeOf(nested(31, brackets))).toBe(1008)
      expect(closeCodeOf(nested(10_000, brackets))).toBe(1008)
    }
    const deepest = '['.repeat(frameLimitBytes)
    expect(closeCodeOf(deepest)).toBe(1007)
  })

  test.each(['__proto__', 'constructor'])('carries no %s', (name) => {
    const inner = name === 'constructor' ? '{"prototype":{"polluted":true}}' : '{"polluted":true}'
    expect(closeCodeOf(`{"msg":"method","id":"1","method":"m","params":[{"${name}":${inner}}]}`)).toBe(1007)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('writing', () => {
  test('every frame is one object of JSON, whatever it carries', () => {
    fc.assert(
      fc.property(word, fc.array(json), json, (id, args, result) => {
        const written = [
          frames.connected(id),
          frames.pong(id),
          frames.ready(id),
          frames.nosub(id, wireError(id, id, result)),
          frames.result(id, result),
          frames.failed(id, wireError(404, id)),
          frames.updated(id),
          frames.added(id, id, result),
          frames.changed(id, id, args),
        ]
        for (const text of written) expect(JSON.parse(text)).toHaveProperty('msg')
        expect(JSON.parse(frames.changed('x', id, args))).toEqual(
          plain({ msg: 'changed', collection: 'stream-x', id: 'id', fields: { eventName: id, args: toEjson(args) } }),
        )
      }),
    )
  })

  test('times become EJSON dates where our documents hold times, and nowhere else', () => {
    const ts = '2026-01-05T10:00:00.000Z'
    const document = { ts, msg: ts, u: { name: ts }, list: [{ editedAt: ts }], livechatData: { ts }, edited: 'ts' }
    const date = { $date: Date.parse(ts) }
    expect(toEjson(document)).toEqual({ ...document, ts: date, list: [{ editedAt: date }] })
  })

  test('every time that an operation answers with is a date where a method answers with it', () => {
    const keys = new Set(Object.values(areas).flatMap((area) => Object.values(area).flatMap((each) => timesIn(each))))
    expect(keys.size).toBeGreaterThan(20)
    const document = Object.fromEntries([...keys].map((key) => [key, '2026-01-05T10:00:00.000Z']))
    const written = Object.entries(toEjson(document) as Record<string, unknown>)
    expect(written.filter(([, value]) => typeof value === 'string')).toEqual([])
  })

  test('documents without times travel as they are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.stringify(toEjson({ value }))).toBe(JSON.stringify({ value }))
      }),
    )
  })

  test('one `ready` names one subscription, and a void result has no key', () => {
    expect(frames.ready('a')).toBe('{"msg":"ready","subs":["a"]}')
    expect(frames.result('1', undefined)).toBe('{"msg":"result","id":"1"}')
    expect(frames.nosub('a')).toBe('{"msg":"nosub","id":"a"}')
    expect(frames.pong()).toBe('{"msg":"pong"}')
  })

  test('a refusal has the form that clients read', () => {
    expect(JSON.parse(frames.nosub('a', wireError('not-allowed')))).toEqual({
      msg: 'nosub',
      id: 'a',
      error: { isClientSafe: true, error: 'not-allowed', message: '[not-allowed]', errorType: 'Meteor.Error' },
    })
    expect(wireError(404, "Method 'x' not found").message).toBe("Method 'x' not found [404]")
  })
})
