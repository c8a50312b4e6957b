import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLoginGuard, loginLimits, type LoginGuard } from './login-guard.ts'

const startMs = Date.UTC(2026, 0, 1)
const home = '192.0.2.1'
const elsewhere = '198.51.100.1'

function makeGuard(maxEntries = 1000) {
  const clock = { ms: startMs }
  return { clock, guard: createLoginGuard({ now: () => clock.ms, maxEntries }) }
}

function fail(guard: LoginGuard, times: number, account: string, address: string | ((attempt: number) => string)) {
  return Array.from({ length: times }, (_, attempt) =>
    guard.begin(account, typeof address === 'string' ? address : address(attempt)),
  )
}

/** Fails again each time the guard lets it, and lists the waits between. */
function waitsOf(guard: LoginGuard, clock: { ms: number }, rounds: number, account: string): number[] {
  return Array.from({ length: rounds }, () => {
    const refused = guard.begin(account, home)
    if (refused.allowed) throw new Error('expected a refusal')
    clock.ms += refused.retryAfterSeconds * 1000
    expect(guard.begin(account, home)).toEqual({ allowed: true })
    return refused.retryAfterSeconds
  })
}

describe('an account', () => {
  test('takes ten wrong passwords without delay, then a second passes before the next', () => {
    const { clock, guard } = makeGuard()
    expect(fail(guard, 10, 'ada', home).every(({ allowed }) => allowed)).toBe(true)
    expect(guard.begin('ada', home)).toEqual({ allowed: false, retryAfterSeconds: 1 })
    clock.ms += 1000
    expect(guard.begin('ada', home)).toEqual({ allowed: true })
  })

  test('waits twice as long after each further failure, up to five minutes', () => {
    const { clock, guard } = makeGuard()
    fail(guard, 10, 'ada', home)
    expect(waitsOf(guard, clock, 11, 'ada')).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  })

  test('is slowed down wherever the guesses come from', () => {
    const { guard } = makeGuard()
    fail(guard, 10, 'ada', (attempt) => `192.0.2.${attempt}`)
    expect(guard.begin('ada', elsewhere).allowed).toBe(false)
  })

  test('is the same in any case and with blanks around', () => {
    const { guard } = makeGuard()
    fail(guard, 10, 'Ada ', home)
    expect(guard.begin('aDA', home).allowed).toBe(false)
  })

  test('that does not exist is slowed down just as one that does', () => {
    const { clock, guard } = makeGuard()
    for (const account of ['ada', 'nobody']) fail(guard, 10, account, home)
    expect(guard.begin('nobody', home)).toEqual(guard.begin('ada', home))
    clock.ms += 1000
    expect(guard.begin('nobody', home)).toEqual(guard.begin('ada', home))
  })

  test('does not wait longer for asking while refused', () => {
    const { clock, guard } = makeGuard()
    fail(guard, 200, 'ada', home)
    clock.ms += 1000
    expect(guard.begin('ada', home).allowed).toBe(true)
  })

  test('counts guesses sent at the same moment, before any has been found wrong', () => {
    const { guard } = makeGuard()
    expect(fail(guard, 100, 'ada', home).filter(({ allowed }) => allowed)).toHaveLength(10)
  })

  test('is forgiven after a quarter of an hour without a failure', () => {
    const { clock, guard } = makeGuard()
    fail(guard, 10, 'ada', home)
    clock.ms += loginLimits.forgetAfterMs
    expect(fail(guard, 10, 'ada', home).every(({ allowed }) => allowed)).toBe(true)
  })

  test('whose owner mistypes and then signs in starts afresh', () => {
    const { guard } = makeGuard()
    fail(guard, 10, 'ada', home)
    guard.succeed('ada', home)
    expect(fail(guard, 10, 'ada', home).every(({ allowed }) => allowed)).toBe(true)
    expect(guard.begin('ada', home).allowed).toBe(false)
  })

  test('stays slowed down for strangers when its owner signs in', () => {
    const { guard } = makeGuard()
    guard.succeed('ada', home)
    fail(guard, 10, 'ada', elsewhere)
    guard.begin('ada', home)
    guard.succeed('ada', home)
    expect(guard.begin('ada', elsewhere).allowed).toBe(false)
  })

  test('cannot be locked by strangers for an owner who has signed in from there before', () => {
    const { clock, guard } = makeGuard()
    guard.begin('ada', home)
    guard.succeed('ada', home)
    for (let round = 0; round < 20; round += 1) {
      fail(guard, 10, 'ada', (attempt) => `198.51.100.${attempt}`)
      clock.ms += 60_000
    }
    expect(guard.begin('ada', elsewhere).allowed).toBe(false)
    expect(guard.begin('ada', home).allowed).toBe(true)
  })

  test('is guarded at a familiar address too', () => {
    const { clock, guard } = makeGuard()
    guard.succeed('ada', home)
    fail(guard, 10, 'ada', home)
    expect(waitsOf(guard, clock, 3, 'ada')).toEqual([1, 2, 4])
  })

  test('is forgiven at a familiar address too, which stays familiar through failures', () => {
    const { clock, guard } = makeGuard()
    guard.succeed('ada', home)
    fail(guard, 10, 'ada', home)
    clock.ms += loginLimits.forgetAfterMs
    expect(fail(guard, 10, 'ada', home).every(({ allowed }) => allowed)).toBe(true)
    clock.ms += loginLimits.forgetAfterMs
    fail(guard, 10, 'ada', elsewhere)
    expect(guard.begin('ada', elsewhere).allowed).toBe(false)
    expect(guard.begin('ada', home).allowed).toBe(true)
  })
})

describe('an address', () => {
  test('takes fifty failures over all accounts without delay, then it waits', () => {
    const { guard } = makeGuard()
    const attempts = Array.from({ length: 51 }, (_, n) => guard.begin(`account ${n}`, home))
    expect(attempts.filter(({ allowed }) => allowed)).toHaveLength(50)
    expect(attempts.at(-1)).toEqual({ allowed: false, retryAfterSeconds: 1 })
    expect(guard.begin('account 51', elsewhere).allowed).toBe(true)
  })

  test('is a /64 in IPv6', () => {
    const { guard } = makeGuard()
    for (let n = 0; n < 50; n += 1) guard.begin(`account ${n}`, `2001:db8::${n.toString(16)}`)
    expect(guard.begin('another', '2001:db8::ffff').allowed).toBe(false)
    expect(guard.begin('another', '2001:db8:0:1::').allowed).toBe(true)
  })

  test('does not clear its guesses by signing in with an account of its own', () => {
    const { guard } = makeGuard()
    for (let n = 0; n < 50; n += 1) {
      guard.begin(`victim ${n}`, home)
      guard.begin('mallory', home)
      guard.succeed('mallory', home)
    }
    expect(guard.begin('next victim', home).allowed).toBe(false)
  })

  test('full of guesses still lets people in who have signed in from there before', () => {
    const { guard } = makeGuard()
    guard.succeed('ada', home)
    for (let n = 0; n < 60; n += 1) guard.begin(`victim ${n}`, home)
    expect(guard.begin('ada', home).allowed).toBe(true)
    expect(guard.begin('newcomer', home).allowed).toBe(false)
  })

  test('where fifty people sign in at once delays none of them', () => {
    const { guard } = makeGuard()
    for (let person = 0; person < 50; person += 1) {
      expect(guard.begin(`person ${person}`, home).allowed).toBe(true)
      expect(guard.begin(`person ${person}`, home).allowed).toBe(true)
      guard.succeed(`person ${person}`, home)
    }
  })
})

describe('the guard', () => {
  test('never lets more guesses through than the free ones and one for each delay that passed', () => {
    const steps = fc.array(fc.record({ from: fc.nat(3), pauseMs: fc.nat(20_000) }), { maxLength: 100 })
    fc.assert(
      fc.property(steps, (attempts) => {
        const { clock, guard } = makeGuard()
        let allowed = 0
        let lastMs = 0
        for (const { from, pauseMs } of attempts) {
          clock.ms += pauseMs
          if (!guard.begin('ada', `192.0.2.${from}`).allowed) continue
          const delayMs = allowed < 10 ? 0 : Math.min(300_000, 1000 * 2 ** (allowed - 10))
          expect(clock.ms - lastMs).toBeGreaterThanOrEqual(delayMs)
          allowed += 1
          lastMs = clock.ms
        }
      }),
    )
  })

  test('counts on when the clock is set back', () => {
    const { clock, guard } = makeGuard()
    fail(guard, 10, 'ada', home)
    clock.ms -= 3_600_000
    expect(guard.begin('ada', home)).toEqual({ allowed: false, retryAfterSeconds: 1 })
    clock.ms += 1000
    expect(guard.begin('ada', home).allowed).toBe(true)
  })

  test('keeps those who signed in when strangers flood it', () => {
    const { guard } = makeGuard(50)
    guard.succeed('ada', home)
    for (let n = 0; n < 500; n += 1) guard.begin(`account ${n}`, `10.0.${n >> 8}.${n & 255}`)
    fail(guard, 20, 'ada', elsewhere)
    expect(guard.begin('ada', elsewhere).allowed).toBe(false)
    expect(guard.begin('ada', home).allowed).toBe(true)
  })
})
