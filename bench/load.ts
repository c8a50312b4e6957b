// The load: autocannon with a script of requests per connection, and what the server did meanwhile.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client, Request } from 'autocannon'
import autocannon from 'autocannon'
import type { Child } from './child.ts'

export type Script = (connection: number) => Request[]
export type Length = { seconds: number } | { requests: number }

export type Measured = {
  /** Answers per second, all of them 2xx: anything else throws. */
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** CPU time of the server per answer, in microseconds. */
  cpuMicros: number
  /** How much of one core the load generator used: near 1 it is the limit, not the server. */
  generatorShare: number
}

/** Runs the scripts, one per connection and over again until the end. Throws when an answer is not 2xx. */
export async function runLoad(child: Child, connections: number, length: Length, script: Script): Promise<Measured> {
  let nextConnection = 0
  const watch = startWatch(child)
  await new Promise<void>((resolve, reject) => {
    const run = autocannon(
      {
        url: child.url,
        connections,
        ...('seconds' in length ? { duration: length.seconds } : { amount: length.requests }),
        setupClient: (client: Client) => client.setRequests(script(nextConnection++)),
      },
      (error: unknown) => (error instanceof Error ? reject(error) : resolve()),
    )
    // autocannon's own percentiles are whole milliseconds.
    run.on('response', (_client, status, _bytes, timeMs) => watch.note(status, timeMs))
  })
  return watch.stop()
}

/** What is asked for: a path, with headers where it needs any. */
export type Asked = string | { path: string; headers: Record<string, string> }

/** GETs at fixed times, whether or not the earlier ones are answered. Throws when an answer is not 2xx. */
export async function runAtRate(child: Child, rate: number, seconds: number, ask: () => Asked): Promise<Measured> {
  const agent = new Agent({ keepAlive: true })
  const watch = startWatch(child)
  const startedAt = performance.now()
  const running: Promise<void>[] = []
  for (let n = 0; n < rate * seconds; n++) {
    const earlyMs = startedAt + (n * 1000) / rate - performance.now()
    if (earlyMs > 0) await wait(earlyMs)
    running.push(timedGet(child.url, ask(), { agent, watch }))
  }
  await Promise.all(running)
  agent.destroy()
  return watch.stop()
}

async function timedGet(url: string, asked: Asked, { agent, watch }: { agent: Agent; watch: Watch }): Promise<void> {
  const { path, headers } = typeof asked === 'string' ? { path: asked, headers: {} } : asked
  const sentAt = performance.now()
  const request = get(`${url}${path}`, { agent, headers })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  watch.note(response.statusCode ?? 0, performance.now() - sentAt)
}

type Watch = { note: (status: number, timeMs: number) => void; stop: () => Measured }

function startWatch(child: Child): Watch {
  const times: number[] = []
  const bad = new Map<number, number>()
  const cpuBefore = child.cpuMs()
  const generatorBefore = process.cpuUsage()
  const startedAt = performance.now()
  let lastAt = startedAt
  return {
    note(status, timeMs) {
      lastAt = performance.now()
      times.push(timeMs)
      if (status < 200 || status > 299) bad.set(status, (bad.get(status) ?? 0) + 1)
    },
    stop() {
      if (bad.size > 0) throw new Error(`answers that are no success: ${JSON.stringify(Object.fromEntries(bad))}`)
      if (times.length === 0) throw new Error('no answers at all')
      const generator = process.cpuUsage(generatorBefore)
      return {
        perSecond: (times.length * 1000) / (lastAt - startedAt),
        ...percentiles(times),
        cpuMicros: ((child.cpuMs() - cpuBefore) * 1000) / times.length,
        generatorShare: (generator.user + generator.system) / 1000 / (performance.now() - startedAt),
      }
    },
  }
}

function percentiles(times: number[]): { p50Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** The middle of each figure over several runs. */
export function medians(runs: readonly Measured[]): Measured {
  const middle = (figure: keyof Measured): number =>
    runs.map((run) => run[figure]).sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? NaN
  return {
    perSecond: middle('perSecond'),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    cpuMicros: middle('cpuMicros'),
    generatorShare: middle('generatorShare'),
  }
}
