import { describe, expect, test } from 'vitest'
import { limitScaleOf, makeLimitScale, type LimitSettings } from './limit-settings.ts'

const usual: LimitSettings = {
  API_Enable_Rate_Limiter: true,
  API_Enable_Rate_Limiter_Limit_Calls_Default: 10,
  API_Enable_Rate_Limiter_Limit_Time_Default: 60_000,
}

test.each([
  ['the usual figures stand for the table as it is', {}, 1],
  ['twice as many calls double every limit', { API_Enable_Rate_Limiter_Limit_Calls_Default: 20 }, 2],
  ['half the time doubles them too', { API_Enable_Rate_Limiter_Limit_Time_Default: 30_000 }, 2],
  ['fewer calls are fewer everywhere', { API_Enable_Rate_Limiter_Limit_Calls_Default: 1 }, 0.1],
  ['none at all would shut everybody out', { API_Enable_Rate_Limiter_Limit_Calls_Default: 0 }, 1],
  ['nor does time run backwards', { API_Enable_Rate_Limiter_Limit_Time_Default: -5 }, 1],
  ['switched off', { API_Enable_Rate_Limiter: false }, undefined],
])('%s', (_title, changed, scale) => {
  const found = limitScaleOf({ ...usual, ...changed })
  if (scale === undefined) expect(found).toBeUndefined()
  else expect(found).toBeCloseTo(scale, 9)
})

describe('the scale in force', () => {
  test('is read once for many calls, and again when it may have changed', async () => {
    let readings = 0
    let nowMs = 0
    const scale = makeLimitScale(
      () => Promise.resolve({ ...usual, API_Enable_Rate_Limiter_Limit_Calls_Default: ++readings * 10 }),
      () => nowMs,
    )
    expect([await scale.current(), await scale.current()]).toEqual([1, 1])
    nowMs = 100
    expect(await scale.current()).toBeCloseTo(2, 9)
    scale.forget()
    expect(await scale.current()).toBeCloseTo(3, 9)
  })
})
