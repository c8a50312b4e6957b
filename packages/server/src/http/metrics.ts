import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What the server counts of itself, for Prometheus. */
export interface Metrics {
  /** A call ended: operation, status, and how long it took. */
  note(operation: string, status: number, seconds: number): void
  /** Everything in Prometheus' text format. */
  text(): Promise<string>
  contentType: string
  /** Stops measuring. */
  stop(): void
}

/** What is measured only when somebody looks. */
export interface Sources {
  kind: 'sqlite' | 'postgres'
  /** Writes that wait for their turn. */
  waiting: () => number
  /** How often transactions were run again, by cause. */
  restarts: () => Readonly<Record<string, number>>
}

const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Counters of one server; several in one process do not mix. */
export function makeMetrics(version: string, database: Sources): Metrics {
  const registry = new Registry()
  const calls = new Histogram({
    name: 'deskbell_call_duration_seconds',
    help: 'Calls by operation and status, and how long they took',
    labelNames: ['operation', 'status'],
    buckets: DURATIONS,
    registers: [registry],
  })
  // Finding a series by its labels costs more than counting in it.
  const series = new Map<string, Histogram.Internal<string>>()
  const seriesOf = (operation: string, status: number) => {
    const name = `${status} ${operation}`
    const found = series.get(name) ?? calls.labels({ operation, status })
    series.set(name, found)
    return found
  }
  const stop = measureEventLoop(registry)
  measureProcess(registry)
  gauge(registry, 'deskbell_writes_waiting', 'Writes that wait for their turn', () => database.waiting())
  countRestarts(registry, () => database.restarts())
  new Gauge({
    name: 'deskbell_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'database'],
    registers: [registry],
  }).set({ version, database: database.kind }, 1)
  return {
    note: (operation, status, seconds) => seriesOf(operation, status).observe(seconds),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    stop,
  }
}

function countRestarts(registry: Registry, read: Sources['restarts']): void {
  const restarts: Counter = new Counter({
    name: 'deskbell_transaction_restarts_total',
    help: 'Transactions that were run again: after a deadlock, or because they lost a race',
    labelNames: ['cause'],
    registers: [registry],
    collect: () => {
      restarts.reset()
      for (const [cause, count] of Object.entries(read())) restarts.inc({ cause }, count)
    },
  })
}

/** Delays since the last look. Measuring begins with the first look, so a server that nobody watches does not pay for it. */
function measureEventLoop(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  const seen = new Gauge({
    name: 'deskbell_event_loop_delay_seconds',
    help: 'How late the event loop was since the last look',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      if (delay.enable() || delay.count === 0) return
      for (const percentile of [50, 99, 100])
        seen.set({ quantile: String(percentile / 100) }, delay.percentile(percentile) / 1e9)
      delay.reset()
    },
  })
  return () => void delay.disable()
}

function measureProcess(registry: Registry): void {
  const startedAtSeconds = Math.floor(Date.now() / 1_000 - process.uptime())
  const { memoryUsage } = process
  gauge(registry, 'process_resident_memory_bytes', 'Resident memory', () => memoryUsage.rss())
  gauge(registry, 'nodejs_heap_used_bytes', 'Memory that JavaScript objects take', () => memoryUsage().heapUsed)
  gauge(registry, 'process_start_time_seconds', 'Start of the process since 1970', () => startedAtSeconds)
  gauge(registry, 'process_cpu_seconds_total', 'Processor time, user and system', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const made: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: () => {
      made.set(read())
    },
  })
}
