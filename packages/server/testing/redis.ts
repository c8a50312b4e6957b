// A Redis of one's own, so that a test can end it and start it again.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Redis } from 'ioredis'

export interface TestRedis {
  url: string
  /** Ends it as a crash would. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** Whether the program is installed. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** Starts one on a free port; it keeps nothing on disk. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  const url = `redis://127.0.0.1:${String(port)}`
  let program: ChildProcess | undefined
  const redis: TestRedis = {
    url,
    async start() {
      const quiet = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1']
      program = spawn('redis-server', ['--port', String(port), ...quiet], { stdio: 'ignore' })
      await untilItAnswers(url)
    },
    async kill() {
      if (program === undefined) return
      const gone = once(program, 'exit')
      program.kill('SIGKILL')
      program = undefined
      await gone
    },
  }
  await redis.start()
  return redis
}

async function untilItAnswers(url: string): Promise<void> {
  const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  await client.ping()
  client.disconnect()
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
