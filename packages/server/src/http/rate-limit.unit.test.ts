import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRateLimiter, limits, unknownTokens, type LimitedCall, type RateLimiterOptions } from './rate-limit.ts'

const startMs = Date.UTC(2026, 0, 1)

function makeLimiter({ scale = 1, ...options }: Omit<RateLimiterOptions, 'now'> & { scale?: number } = {}) {
  const clock = { ms: startMs }
  const limiter = createRateLimiter({ now: () => clock.ms, ...options })
  limiter.scaleTo(scale)
  return { clock, limiter }
}

const openRoom = { limitClass: 'open', operation: 'GET /livechat/room' } as const
const register = { limitClass: 'open', operation: 'POST /livechat/visitor' } as const
const send = { limitClass: 'send', operation: 'POST /livechat/message' } as const
const history = { limitClass: 'read', operation: 'GET /livechat/messages.history/:rid' } as const
const agentInfo = { limitClass: 'read', operation: 'GET /livechat/agent.info/:rid/:token' } as const
const config = { limitClass: 'lookup', operation: 'GET /livechat/config' } as const
const removeVisitor = { limitClass: 'remove', operation: 'DELETE /livechat/visitor/:token' } as const

describe('a caller', () => {
  test('opens five rooms in a minute, not six', () => {
    const { limiter } = makeLimiter()
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    expect(Array.from({ length: 6 }, () => limiter.take(call).allowed)).toEqual([true, true, true, true, true, false])
  })

  test('registers five times besides: each of the two operations is counted alone', () => {
    const { limiter } = makeLimiter()
    const who = { caller: 'token', address: '192.0.2.1' }
    for (let call = 0; call < 5; call += 1) limiter.take({ ...openRoom, ...who })
    expect(limiter.take({ ...openRoom, ...who }).allowed).toBe(false)
    expect(limiter.take({ ...register, ...who }).allowed).toBe(true)
  })

  test('is told what is left, and when the bucket is full again', () => {
    const { limiter } = makeLimiter()
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    expect(limiter.take(call)).toEqual({ allowed: true, limit: 5, remaining: 4, resetAtMs: startMs + 12_000 })
    expect(limiter.take(call)).toEqual({ allowed: true, limit: 5, remaining: 3, resetAtMs: startMs + 24_000 })
  })

  test('who is refused is told how many seconds to wait, and is served after them', () => {
    const { clock, limiter } = makeLimiter()
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    for (let made = 0; made < 5; made += 1) limiter.take(call)
    clock.ms += 500
    const refused = { allowed: false, limit: 5, remaining: 0, resetAtMs: startMs + 60_000, retryAfterSeconds: 12 }
    expect(limiter.take(call)).toEqual(refused)
    clock.ms += 11_499
    expect(limiter.take(call)).toMatchObject({ allowed: false, retryAfterSeconds: 1 })
    clock.ms += 1
    expect(limiter.take(call).allowed).toBe(true)
  })

  test('does not wait longer for having asked while refused', () => {
    const { clock, limiter } = makeLimiter()
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    for (let made = 0; made < 500; made += 1) limiter.take(call)
    clock.ms += 12_000
    expect(limiter.take(call).allowed).toBe(true)
  })

  test('is counted wherever the calls come from', () => {
    const { limiter } = makeLimiter()
    const answers = Array.from({ length: 6 }, (_, n) =>
      limiter.take({ ...openRoom, caller: 'token', address: `192.0.2.${n}` }),
    )
    expect(answers.at(-1)?.allowed).toBe(false)
  })

  test('does not use up the calls of another', () => {
    const { limiter } = makeLimiter()
    for (let made = 0; made < 9; made += 1) limiter.take({ ...openRoom, caller: 'one', address: '192.0.2.1' })
    expect(limiter.take({ ...openRoom, caller: 'other', address: '192.0.2.1' })).toMatchObject({ remaining: 4 })
  })
})

describe('an address', () => {
  test('opens sixty rooms in a minute, however many tokens it invents', () => {
    const { limiter } = makeLimiter()
    const answers = Array.from({ length: 100 }, (_, n) =>
      limiter.take({ ...openRoom, caller: `token ${n}`, address: '192.0.2.1' }),
    )
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(60)
  })

  test('deletes five visitors in a minute, however many tokens it has', () => {
    const { limiter } = makeLimiter()
    const answers = Array.from({ length: 9 }, (_, n) =>
      limiter.take({ ...removeVisitor, caller: `token ${n}`, address: '192.0.2.1' }),
    )
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(5)
  })

  test('is limited when no caller is named', () => {
    const { limiter } = makeLimiter()
    const answers = Array.from({ length: 61 }, () => limiter.take({ ...openRoom, address: '192.0.2.1' }))
    expect(answers.at(-1)).toMatchObject({ allowed: false, limit: 60 })
  })

  test('is a /64 in IPv6', () => {
    const { limiter } = makeLimiter()
    for (let n = 0; n < 60; n += 1) limiter.take({ ...openRoom, address: `2001:db8::${n.toString(16)}` })
    expect(limiter.take({ ...openRoom, address: '2001:db8::ffff' }).allowed).toBe(false)
    expect(limiter.take({ ...openRoom, address: '2001:db8:0:1::1' }).allowed).toBe(true)
  })

  test('of fifty people who chat at once meets no limit', () => {
    const { clock, limiter } = makeLimiter()
    const refused: string[] = []
    const call = (what: Pick<LimitedCall, 'limitClass' | 'operation'>, person: number) => {
      const taken = limiter.take({ ...what, caller: `person ${person}`, address: '192.0.2.1' })
      if (!taken.allowed) refused.push(`${what.operation} at ${clock.ms - startMs} ms`)
    }
    // Everybody types a burst of five lines at the same moment, and else one line every five seconds.
    const linesIn = (second: number) => (second === 30 ? 5 : Number(second % 5 === 0))
    const live = (person: number, second: number) => {
      if (second === 0) [config, register, openRoom, agentInfo].forEach((first) => call(first, person))
      if (second % 2 === 0) call(history, person)
      for (let line = 0; line < linesIn(second); line += 1) call(send, person)
    }
    for (let second = 0; second < 180; second += 1) {
      for (let person = 0; person < 50; person += 1) live(person, second)
      clock.ms += 1000
    }
    expect(refused).toEqual([])
  })
})

describe('unknown tokens', () => {
  const address = '192.0.2.1'
  const guess: LimitedCall = { ...history, caller: 'guess', address }

  function guessTooOften(limiter: ReturnType<typeof makeLimiter>['limiter']) {
    return Array.from({ length: unknownTokens.calls + 1 }, () => limiter.penalise(address, 'unknown-token').allowed)
  }

  test('may be shown twenty times in a minute, the next time is refused', () => {
    const { limiter } = makeLimiter()
    expect(guessTooOften(limiter).indexOf(false)).toBe(20)
  })

  test('too often close reading, writing, sending and deleting to the address before the token is looked up', () => {
    const { limiter } = makeLimiter()
    guessTooOften(limiter)
    for (const operation of [history, send, removeVisitor]) {
      expect(limiter.take({ ...operation, caller: 'guess', address })).toMatchObject({
        allowed: false,
        limit: 20,
        retryAfterSeconds: 3,
      })
    }
    expect(limiter.take({ ...history, address }).allowed).toBe(false)
  })

  test('too often shut out nobody at another address', () => {
    const { limiter } = makeLimiter()
    guessTooOften(limiter)
    expect(limiter.take({ ...guess, address: '192.0.2.2' }).allowed).toBe(true)
  })

  test('too often shut out no visitor who was recognised there, and recognise no guess', () => {
    const { limiter } = makeLimiter()
    limiter.recognise({ ...send, caller: 'ann', address })
    limiter.recognise({ ...config, caller: 'guess', address })
    guessTooOften(limiter)
    expect(limiter.take({ ...send, caller: 'ann', address }).allowed).toBe(true)
    expect(limiter.take(guess).allowed).toBe(false)
    expect(limiter.take({ ...send, caller: 'ann', address: '192.0.2.2' }).allowed).toBe(true)
  })

  test('too often still let a newcomer there register and chat, and staff work', () => {
    const { limiter } = makeLimiter()
    guessTooOften(limiter)
    const newcomer = { caller: 'newcomer', address }
    expect(limiter.take({ ...config, ...newcomer }).allowed).toBe(true)
    expect(limiter.take({ ...register, ...newcomer }).allowed).toBe(true)
    limiter.recognise({ ...register, ...newcomer })
    expect(limiter.take({ ...send, ...newcomer }).allowed).toBe(true)
    expect(limiter.take({ limitClass: 'staff', operation: 'GET /livechat/rooms', address }).allowed).toBe(true)
    expect(limiter.take({ limitClass: 'login', operation: 'POST /login', address }).allowed).toBe(true)
  })

  test('are forgiven evenly, one every three seconds', () => {
    const { clock, limiter } = makeLimiter()
    guessTooOften(limiter)
    clock.ms += 3000
    expect(limiter.take(guess).allowed).toBe(true)
    expect(limiter.penalise(address, 'unknown-token').allowed).toBe(true)
    expect(limiter.penalise(address, 'unknown-token').allowed).toBe(false)
  })
})

describe('the limiter', () => {
  const classes = Object.keys(limits) as (keyof typeof limits)[]
  const pauses = fc.array(fc.oneof(fc.constant(0), fc.nat(2000), fc.nat(90_000)), { maxLength: 300 })

  test.each(classes)('lets no more through than the budget of a caller, whatever the rhythm: %s', (limitClass) => {
    const { calls, windowMs } = limits[limitClass].perCaller
    fc.assert(
      fc.property(pauses, (rhythm) => {
        const { clock, limiter } = makeLimiter({ scale: 0.1 })
        const most = Math.max(1, Math.floor(calls * 0.1))
        const times: number[] = []
        for (const pause of rhythm) {
          clock.ms += pause
          const taken = limiter.take({ limitClass, operation: 'GET /any', caller: 'token', address: '192.0.2.1' })
          if (taken.allowed) times.push(clock.ms)
        }
        times.forEach((to, last) => {
          for (let first = 0; first <= last; first += 1) {
            const elapsedMs = to - times[first]!
            expect(last - first + 1).toBeLessThanOrEqual(most + (elapsedMs * most) / windowMs + 1e-6)
          }
        })
      }),
      { numRuns: 30 },
    )
  })

  test.each(classes)('refuses nobody who keeps the pace of the budget: %s', (limitClass) => {
    const { limiter, clock } = makeLimiter()
    const { calls, windowMs } = limits[limitClass].perCaller
    const call = { limitClass, operation: 'GET /any', caller: 'token', address: '192.0.2.1' }
    for (let made = 0; made < calls; made += 1) expect(limiter.take(call).allowed).toBe(true)
    for (let made = 0; made < 500; made += 1) {
      clock.ms += windowMs / calls
      expect(limiter.take(call).allowed).toBe(true)
    }
  })

  test('a refused caller is served after the seconds it was told', () => {
    fc.assert(
      fc.property(pauses, fc.constantFrom(...classes), (rhythm, limitClass) => {
        const { clock, limiter } = makeLimiter({ scale: 0.05 })
        const call = { limitClass, operation: 'GET /any', caller: 'token', address: '192.0.2.1' }
        for (const pause of rhythm) {
          clock.ms += pause
          const taken = limiter.take(call)
          if (taken.allowed) continue
          clock.ms += taken.retryAfterSeconds * 1000
          expect(limiter.take(call).allowed).toBe(true)
        }
      }),
    )
  })

  test('multiplies every budget by the scale and leaves at least one call', () => {
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    expect(makeLimiter({ scale: 3 }).limiter.take(call)).toMatchObject({ limit: 15, remaining: 14 })
    expect(makeLimiter({ scale: 0.001 }).limiter.take(call)).toMatchObject({ limit: 1, remaining: 0 })
  })

  test('another scale is in force at once, for buckets that are in use too', () => {
    const { limiter } = makeLimiter()
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    expect(limiter.take(call)).toMatchObject({ limit: 5, remaining: 4 })
    limiter.scaleTo(0.4)
    expect(limiter.take(call)).toMatchObject({ limit: 2, remaining: 1 })
    limiter.scaleTo(4)
    expect(limiter.take(call)).toMatchObject({ limit: 20, remaining: 0 })
  })

  test('no scale lets anybody guess more tokens', () => {
    const { limiter } = makeLimiter({ scale: 100 })
    const guesses = Array.from({ length: 30 }, () => limiter.penalise('192.0.2.1', 'unknown-token'))
    expect(guesses.filter(({ allowed }) => allowed)).toHaveLength(unknownTokens.calls)
  })

  test('goes on refilling when the clock is set back', () => {
    const { clock, limiter } = makeLimiter()
    const call: LimitedCall = { ...openRoom, caller: 'token', address: '192.0.2.1' }
    for (let made = 0; made < 5; made += 1) limiter.take(call)
    clock.ms -= 3_600_000
    expect(limiter.take(call).allowed).toBe(false)
    clock.ms += 12_000
    expect(limiter.take(call).allowed).toBe(true)
  })

  test('still limits addresses when more tokens are invented than it can remember', () => {
    const { limiter } = makeLimiter({ maxEntries: 20 })
    const answers = Array.from({ length: 100 }, (_, n) =>
      limiter.take({ ...openRoom, caller: `token ${n}`, address: '192.0.2.1' }),
    )
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(60)
  })

  test.each(Object.entries(limits))('gives an address at least the budget of a caller: %s', (_, limit) => {
    expect(limit.perAddress.calls / limit.perAddress.windowMs).toBeGreaterThanOrEqual(
      limit.perCaller.calls / limit.perCaller.windowMs,
    )
  })
})
