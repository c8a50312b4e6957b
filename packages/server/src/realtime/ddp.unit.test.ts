import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BadFrame, frames, readFrame, toEjson, wireError } from './ddp.ts'

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

describe('writing', () => {
  test('times become EJSON dates where our documents hold times, and nowhere else', () => {
    const ts = '2026-01-05T10:00:00.000Z'
    const document = { ts, msg: ts, u: { name: ts }, list: [{ editedAt: ts }], livechatData: { ts }, edited: 'ts' }
    const date = { $date: Date.parse(ts) }
    expect(toEjson(document)).toEqual({ ...document, ts: date, list: [{ editedAt: date }] })
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
