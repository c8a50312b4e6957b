// The promise under everything: when the server answers `success: true`, the write is on disk. Watched from outside, in
// the system calls of a real server process, because no answer and no row can show the order of a flush and an answer.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engine, makeTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { signInAsAdmin, startServerProcess, type ServerProcess } from '../../testing/process.ts'

const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0
const watched = 'read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fsync,fdatasync'

/** A finished system call, as strace tells it: its name and the rest of its line. */
interface SystemCall {
  name: string
  text: string
}

/** The calls of a trace in the order in which they ended; a call that another thread interrupted spans two lines. */
function readTrace(file: string): SystemCall[] {
  const begun = new Map<string, string>()
  const calls: SystemCall[] = []
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const { thread, said, isBegun, resumed } = readLine(line)
    if (isBegun) begun.set(thread, said)
    const text = resumed === undefined ? said : (begun.get(thread) ?? '') + resumed
    if (!isBegun) calls.push({ name: text.slice(0, Math.max(text.indexOf('('), 0)), text })
  }
  return calls
}

function readLine(line: string) {
  const space = line.indexOf(' ')
  const thread = line.slice(0, space)
  const said = line.slice(space).trim()
  return {
    thread,
    said,
    isBegun: said.endsWith('<unfinished ...>'),
    resumed: /^<\.\.\. \w+ resumed>(.*)$/.exec(said)?.[1],
  }
}

/** strace writes on for a moment after its process has ended. */
async function untilTraced(file: string, pid: number): Promise<void> {
  const end = new RegExp(`^${pid} +\\+\\+\\+ exited`, 'm')
  while (!end.test(readFileSync(file, 'latin1'))) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe.runIf(canTrace)('the answer to a send', () => {
  const marker = 'a-text-that-occurs-nowhere-else'
  let database: TestDatabase
  let server: ServerProcess
  let calls: SystemCall[]

  beforeAll(async () => {
    database = await makeTestDatabase()
    const trace = join(database.dataDir, 'trace')
    // -D: the server stays our child and gets our signals, not strace.
    const under = ['strace', '-D', '-f', '-yy', '-s', '5000', '-e', `trace=${watched}`, '-o', trace]
    server = await startServerProcess(database, { under })
    await send(server, marker)
    await server.stop()
    await untilTraced(trace, server.pid)
    calls = readTrace(trace)
  }, 60_000)
  afterAll(() => database.remove())

  const isWrite = ({ name }: SystemCall) => /^(p?write|send)/.test(name)
  const answerAt = () =>
    calls.findLastIndex((one) => isWrite(one) && one.text.includes('HTTP/1.1 200 OK') && one.text.includes(marker))
  const before = (index: number, isWanted: (one: SystemCall) => boolean) =>
    calls.slice(0, index).findLastIndex(isWanted)

  test.runIf(engine === 'sqlite')('leaves the process after the flush of the log that holds the message', () => {
    const isInLog = ({ text }: SystemCall) => /^\w+\(\d+<[^>]*-wal>/.test(text)
    const answered = answerAt()
    const flushed = before(
      answered,
      (one) => /^f(data)?sync$/.test(one.name) && isInLog(one) && one.text.endsWith('= 0'),
    )
    const written = before(answered, (one) => isWrite(one) && isInLog(one))
    const holdsMessage = before(answered, (one) => isWrite(one) && isInLog(one) && one.text.includes(marker))

    expect(holdsMessage).toBeGreaterThan(0)
    expect(written).toBeGreaterThanOrEqual(holdsMessage)
    expect(flushed).toBeGreaterThan(written)
    expect(answered).toBeGreaterThan(flushed)
  })

  // The flush itself is the server's: transaction.test.ts holds that no setting turns it off for our connections.
  test.runIf(engine === 'postgres')('leaves the process after the database confirmed the commit of the message', () => {
    const answered = answerAt()
    const isConfirmed = ({ name, text }: SystemCall) => /^(read|recv)/.test(name) && text.includes('COMMIT\\0')
    const sent = before(answered, (one) => isWrite(one) && one.text.includes(marker))
    const asked = before(answered, (one) => isWrite(one) && one.text.includes('commit\\0'))
    const confirmed = before(answered, isConfirmed)

    expect(sent).toBeGreaterThan(0)
    expect(asked).toBeGreaterThan(sent)
    expect(confirmed).toBeGreaterThan(asked)
    expect(answered).toBeGreaterThan(confirmed)
  })
})

describe.skipIf(canTrace)('the answer to a send (not watched: strace is not installed or not allowed here)', () => {
  test.skip('leaves the process after the flush of the log that holds the message', () => {})
})

async function send(server: ServerProcess, text: string): Promise<void> {
  const headers = await signInAsAdmin(server)
  const setting = 'POST /settings/Livechat_accept_chats_with_no_agents'
  expect((await server.call(setting, { headers, body: { value: true } })).status).toBe(200)
  await server.call('POST /livechat/visitor', { body: { visitor: { token: 'flush' } } })
  const opened = await server.call('GET /livechat/room?token=flush')
  const { room } = opened.body as { room: { _id: string } }
  const answer = await server.call('POST /livechat/message', { body: { token: 'flush', rid: room._id, msg: text } })
  expect(answer.status).toBe(200)
}
