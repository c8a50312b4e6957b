/** The settings that say how much may be called (contract §G.5). */
export interface LimitSettings {
  API_Enable_Rate_Limiter: boolean
  API_Enable_Rate_Limiter_Limit_Calls_Default: number
  /** Milliseconds. */
  API_Enable_Rate_Limiter_Limit_Time_Default: number
}

const USUAL_CALLS = 10
const USUAL_WINDOW_MS = 60_000

/**
 * What the settings make of the table of limits: every number of calls is multiplied by this; `undefined` where they are
 * switched off. The wire has one figure for all operations; its usual one, 10 calls in 60,000 ms, stands for our table,
 * so that whoever doubles it doubles every limit.
 */
export function limitScaleOf(settings: LimitSettings): number | undefined {
  if (!settings.API_Enable_Rate_Limiter) return undefined
  const calls = positive(settings.API_Enable_Rate_Limiter_Limit_Calls_Default, USUAL_CALLS)
  const windowMs = positive(settings.API_Enable_Rate_Limiter_Limit_Time_Default, USUAL_WINDOW_MS)
  return (calls / windowMs) * (USUAL_WINDOW_MS / USUAL_CALLS)
}

/** A limit set to nothing would let nobody in to change it. */
function positive(value: number, usual: number): number {
  return value > 0 ? value : usual
}

/** Another process may have changed the settings; a flood of calls must not become a flood of readings. */
const KEPT_MS = 100

export interface LimitScale {
  current(): Promise<number | undefined>
  /** The settings were changed in this process. */
  forget(): void
}

/** The scale in force, read again when it may have changed. */
export function makeLimitScale(read: () => Promise<LimitSettings>, now: () => number): LimitScale {
  let kept: { scale: number | undefined; atMs: number } | undefined
  return {
    async current() {
      const atMs = now()
      if (kept === undefined || Math.abs(atMs - kept.atMs) >= KEPT_MS)
        kept = { scale: limitScaleOf(await read()), atMs }
      return kept.scale
    },
    forget: () => void (kept = undefined),
  }
}
