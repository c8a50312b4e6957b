import type { Clock } from '../clock.ts'

/** How long a fault lasts, and what it strikes. Without either it strikes everything until it is ended. */
export interface FrameFault {
  /** So many frames, then no more. */
  times?: number
  /** Only frames that are meant; they come as they travel, parsed. */
  only?: (frame: Record<string, unknown>) => boolean
}

/** The same for requests. */
export interface RequestFault {
  /** So many requests, then no more. */
  times?: number
  /** Only this operation, e.g. `'POST /livechat/message'`. */
  operation?: string
}

/** Ends a fault. */
export type EndFault = () => void

/** Faults of the frames that travel in one direction. */
export interface FrameFaults {
  /** Frames vanish. */
  drop(fault?: FrameFault): EndFault
  /** Frames come later, in their order. */
  delay(ms: number, fault?: FrameFault): EndFault
  /** Frames come twice. */
  duplicate(fault?: FrameFault): EndFault
  /** Frames overtake each other: each takes up to so many milliseconds, 100 unless given. */
  reorder(withinMs?: number, fault?: FrameFault): EndFault
}

/** Faults of requests. */
export interface RequestFaults {
  /** Answers this status, and nothing is done. `retryAfter` is in seconds. */
  refuse(status: number, fault?: RequestFault & { retryAfter?: number }): EndFault
  /** The request never arrives: `fetch` rejects, nothing is done. */
  lose(fault?: RequestFault): EndFault
  /** The request is served and its answer lost: `fetch` rejects, and everything has been done. */
  loseAnswer(fault?: RequestFault): EndFault
  /** The request arrives, and the answer comes, this much later each. */
  delay(ms: number, fault?: RequestFault): EndFault
  /** The request is served and never answered. */
  hang(fault?: RequestFault): EndFault
}

interface Standing<Kind extends string> {
  kind: Kind
  left: number
  ms: number
}

type FrameKind = 'drop' | 'delay' | 'duplicate' | 'reorder'

interface StandingFrameFault extends Standing<FrameKind> {
  only: (frame: Record<string, unknown>) => boolean
}

/** What happens to a frame on its way: when each of its copies comes; none for one that vanishes. */
export interface Passage {
  /** After so many milliseconds. */
  ms: number
  /** May overtake what was sent before. */
  overtakes: boolean
}

/** The faults of one direction, and what they do to a frame. */
export interface Direction {
  faults: FrameFaults
  passagesOf(frame: string): Passage[]
  heal(): void
}

/** A frame parsed, or nothing for what is none. */
export function readFrame(text: string): Record<string, unknown> | undefined {
  try {
    const frame: unknown = JSON.parse(text)
    return typeof frame === 'object' && frame !== null ? (frame as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** One direction of every socket. */
export function makeDirection(clock: Clock): Direction {
  const standing = new Set<StandingFrameFault>()

  function begin(kind: FrameKind, ms: number, { times = Infinity, only = () => true }: FrameFault = {}): EndFault {
    const fault = { kind, ms, left: times, only }
    standing.add(fault)
    return () => void standing.delete(fault)
  }

  return {
    faults: {
      drop: (fault) => begin('drop', 0, fault),
      delay: (ms, fault) => begin('delay', ms, fault),
      duplicate: (fault) => begin('duplicate', 0, fault),
      reorder: (withinMs = 100, fault = {}) => begin('reorder', withinMs, fault),
    },
    passagesOf(frame) {
      const parsed = readFrame(frame) ?? {}
      const struck = [...standing].filter((fault) => fault.only(parsed) && use(fault))
      const has = (kind: FrameKind) => struck.some((fault) => fault.kind === kind)
      if (has('drop')) return []
      const passage = () => passageThrough(struck, clock)
      return has('duplicate') ? [passage(), passage()] : [passage()]
    },
    heal: () => standing.clear(),
  }
}

function passageThrough(struck: readonly StandingFrameFault[], clock: Clock): Passage {
  const passage: Passage = { ms: 0, overtakes: false }
  for (const { kind, ms } of struck) {
    if (kind === 'delay') passage.ms += ms
    if (kind !== 'reorder') continue
    passage.ms += Math.floor(clock.random() * ms)
    passage.overtakes = true
  }
  return passage
}

type RequestKind = 'refuse' | 'lose' | 'loseAnswer' | 'delay' | 'hang'

interface StandingRequestFault extends Standing<RequestKind> {
  operation: string | undefined
  status: number
  retryAfter: number | undefined
}

/** What happens to one request. */
export interface Fate {
  isLost: boolean
  refused: { status: number; retryAfter: number | undefined } | undefined
  isAnswerLost: boolean
  hangs: boolean
  delayMs: number
}

/** The faults of requests, and what they do to one. */
export interface Requests {
  faults: RequestFaults
  fateOf(operation: string): Fate
  heal(): void
}

/** The way of every request, there and back. */
export function makeRequests(): Requests {
  const standing = new Set<StandingRequestFault>()

  function begin(
    kind: RequestKind,
    { times = Infinity, operation, ...more }: RequestFault & Partial<StandingRequestFault> = {},
  ): EndFault {
    const fault = { kind, left: times, operation, ms: 0, status: 0, retryAfter: undefined, ...more }
    standing.add(fault)
    return () => void standing.delete(fault)
  }

  return {
    faults: {
      refuse: (status, fault = {}) => begin('refuse', { ...fault, status }),
      lose: (fault) => begin('lose', fault),
      loseAnswer: (fault) => begin('loseAnswer', fault),
      delay: (ms, fault) => begin('delay', { ...fault, ms }),
      hang: (fault) => begin('hang', fault),
    },
    fateOf(operation) {
      const struck = [...standing].filter((fault) => isMeant(fault, operation) && use(fault))
      const find = (kind: RequestKind) => struck.find((fault) => fault.kind === kind)
      const refused = find('refuse')
      return {
        isLost: find('lose') !== undefined,
        refused: refused && { status: refused.status, retryAfter: refused.retryAfter },
        isAnswerLost: find('loseAnswer') !== undefined,
        hangs: find('hang') !== undefined,
        delayMs: struck.reduce((sum, { ms }) => sum + ms, 0),
      }
    },
    heal: () => standing.clear(),
  }
}

function isMeant({ operation }: StandingRequestFault, asked: string): boolean {
  return operation === undefined || operation === asked
}

/** Whether a fault strikes once more. */
function use(fault: { left: number }): boolean {
  return fault.left-- > 0
}
