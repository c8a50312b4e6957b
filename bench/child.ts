// A server under measurement: a process of its own, whose CPU time and memory are read from /proc.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

export type Child = {
  url: string
  /** From the start of the process to its first address on standard output. */
  readyMs: number
  cpuMs: () => number
  /** Resident memory now, and the most it ever was. */
  memory: () => { residentMb: number; peakMb: number }
  stop: () => Promise<void>
}

// Linux counts CPU time in hundredths of a second for every program (USER_HZ).
const msPerTick = 10
const startLimitMs = 30_000

/** Starts `node <args>` and waits until it prints the address it listens on. Rejects when it ends or takes too long before. */
export async function startChild(args: string[], environment: Record<string, string> = {}): Promise<Child> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  process.once('exit', () => child.kill('SIGKILL'))
  let said = ''
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4000)))
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no address after ${startLimitMs} ms: ${said}${errors}`)),
      startLimitMs,
    )
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
      const address = /https?:\/\/[\w.[\]:-]+:\d+/.exec(said)?.[0]
      if (address === undefined) return
      clearTimeout(timer)
      resolve(address)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${said}${errors}`)))
  })
  const pid = child.pid ?? 0
  return {
    url,
    readyMs: performance.now() - startedAt,
    cpuMs: () => cpuMsOf(pid),
    memory: () => memoryOf(pid),
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function cpuMsOf(pid: number): number {
  // The second field, the name, may hold spaces: count from the closing parenthesis (proc_pid_stat(5)).
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}

function memoryOf(pid: number): { residentMb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN) / 1024
  return { residentMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') }
}
