// Regular expressions that administrators wrote, run on texts that strangers wrote. A pattern may take for ever on the
// right text (CVE-2021-41115), so patterns run in a thread of their own, one at a time and each for a moment only. Never
// wait for one inside a transaction.
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'

export interface Patterns {
  /**
   * Whether the pattern is found anywhere in the text. A pattern that is invalid or takes too long is found nowhere.
   * @throws PatternsBusy
   */
  isMatch(pattern: string, text: string): Promise<boolean>
  /**
   * The parts of the text that the pattern matches, whatever their case, the first twenty; none where it is invalid or
   * takes too long.
   * @throws PatternsBusy
   */
  findAll(pattern: string, text: string): Promise<string[]>
  /** Ends the thread; whoever still waits is refused as busy. */
  close(): Promise<void>
}

/** More texts wait than can be looked at in good time: the caller should come back later. */
export class PatternsBusy extends Error {
  override name = 'PatternsBusy'
}

/** What the thread is asked. */
export interface Question {
  pattern: string
  flags: string
  text: string
  asks: 'match' | 'all'
}

/** What the thread answers. */
export type Answer = { kind: 'invalid' } | { kind: 'done'; found: string[] }

export interface PatternsOptions {
  log: Logger
  /** How long one pattern may take on one text. Sensible ones take microseconds; a busy machine takes its time. */
  limitMs?: number
  /** How many may wait. */
  maxWaiting?: number
}

/** A longer pattern counts as invalid: reading one takes time by the square of its length, and cannot be broken off. */
const MAX_PATTERN_LENGTH = 2_000

/** Bounded for patterns that would eat the memory instead of the time. */
const MAX_MEMORY_MB = 64

interface Waiting {
  question: Question
  resolve: (found: string[]) => void
  reject: (error: Error) => void
}

/** A runner of patterns. Its thread is started by the first question. */
export function makePatterns({ log, limitMs = 250, maxWaiting = 100 }: PatternsOptions): Patterns {
  const queue: Waiting[] = []
  let thread: Thread | undefined
  let working: Promise<void> | undefined
  let isClosed = false

  function ask(question: Question): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (isClosed || queue.length >= maxWaiting) {
        reject(new PatternsBusy('Too many texts wait for their patterns.'))
        return
      }
      queue.push({ question, resolve, reject })
      working ??= work()
    })
  }

  async function work(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const outcome = await outcomeOf(next.question)
      if (isClosed) next.reject(new PatternsBusy('The server is closing.'))
      else next.resolve(outcome)
    }
    // At once, not when the promise has settled: whoever asks in between would wait for ever.
    working = undefined
  }

  async function outcomeOf(question: Question): Promise<string[]> {
    const { pattern } = question
    if (pattern.length > MAX_PATTERN_LENGTH) return complain({ length: pattern.length })
    thread ??= startThread()
    const outcome = await thread.ask(question, limitMs)
    if (typeof outcome === 'object' && outcome.kind === 'done') return outcome.found
    if (typeof outcome === 'object') return complain({ length: pattern.length })
    const stopped = thread
    thread = undefined
    await stopped.end()
    return complain({ length: pattern.length, outcome })
  }

  /** Tells neither the text, which is private, nor the pattern, which may hold words of a text. */
  function complain(about: { length: number; outcome?: string }): string[] {
    const what = about.outcome === undefined ? 'is invalid' : 'took too much time or memory and was stopped'
    log.warn(about, `A pattern that an administrator wrote ${what}.`)
    return []
  }

  return {
    isMatch: async (pattern, text) => (await ask({ pattern, flags: '', text, asks: 'match' })).length > 0,
    findAll: (pattern, text) => ask({ pattern, flags: 'gi', text, asks: 'all' }),
    async close() {
      isClosed = true
      for (const { reject } of queue.splice(0)) reject(new PatternsBusy('The server is closing.'))
      await thread?.end()
      await working
    },
  }
}

type Thread = ReturnType<typeof startThread>

function startThread() {
  const worker = new Worker(new URL('./matcher.ts', import.meta.url), {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB, maxYoungGenerationSizeMb: MAX_MEMORY_MB / 4 },
  })
  // An idle thread must not keep the process.
  worker.unref()
  const ready = new Promise<'ready' | 'ended'>((resolve) => {
    worker.once('message', () => resolve('ready'))
    worker.once('exit', () => resolve('ended'))
  })
  // Without a listener, running out of memory would end the process; `exit` follows and tells.
  worker.on('error', () => {})

  async function ask(question: Question, limitMs: number): Promise<Answer | 'overrun' | 'ended'> {
    // The time of starting is not the pattern's.
    if ((await ready) === 'ended') return 'ended'
    return new Promise((resolve) => {
      const settle = (outcome: Answer | 'overrun' | 'ended') => {
        clearTimeout(timer)
        worker.off('message', settle)
        worker.off('exit', onExit)
        resolve(outcome)
      }
      const onExit = () => settle('ended')
      const timer = setTimeout(() => settle('overrun'), limitMs)
      worker.once('message', settle)
      worker.once('exit', onExit)
      worker.postMessage(question)
    })
  }

  return { ask, end: () => worker.terminate() }
}
