// A disk that is full while people write: nothing acknowledged is lost, refusals say that one may come back, and whoever
// does is served as soon as there is space, by the same process.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engine, makeTestDatabase, type TestDatabase } from '../testing/database.ts'
import { canLimitFiles, limitFiles } from '../testing/file-limit.ts'
import { startMailServer } from '../testing/mail-server.ts'
import {
  signInAsAdmin,
  startServerProcess,
  type ProcessAnswer,
  type ServerProcess,
  type ServerProcessOptions,
} from '../testing/process.ts'
import { keepWriting, makeSenders, settleAccount, type Sender, type SharedRoom } from '../testing/senders.ts'
import { makeQuickClock, openVisitorTalker } from '../testing/sdk-talker.ts'
import { canMakeDisk, diskOf, onSmallDisk } from '../testing/small-disk.ts'
import { untilShown } from '../testing/talker.ts'
import { inspectDatabase } from './database/open.ts'

const isSqlite = engine === 'sqlite'
const LONG = { timeout: 60_000 }

let database: TestDatabase
let server: ServerProcess
beforeEach(async () => {
  database = await makeTestDatabase()
})
afterEach(async () => {
  await server.kill()
  await database.remove()
})

async function start(options: ServerProcessOptions = {}): Promise<void> {
  server = await startServerProcess(database, options)
  const headers = await signInAsAdmin(server)
  const setting = 'POST /settings/Livechat_accept_chats_with_no_agents'
  expect((await server.call(setting, { headers, body: { value: true } })).status).toBe(200)
}

const pathOf = (name: string) => join(database.dataDir, name)
const sizeOf = (name: string) => statSync(pathOf(name)).size

/** From now on, what is written to the log of SQLite does not fit any more. */
const fillDisk = (roomLeft = 0) => limitFiles(server.pid, sizeOf('deskbell.sqlite-wal') + roomLeft)
const makeSpace = () => limitFiles(server.pid, 'unlimited')

async function stateOf(path: string): Promise<[status: number, body: unknown]> {
  const answer = await fetch(server.url + path)
  return [answer.status, await answer.json()]
}

/** Lines of the log that tell of this kind of error. */
function linesAbout(kind: string, log = server.said()): string[] {
  return log.split('\n').filter((line) => line.includes(`"type":"${kind}"`))
}

const noSpace = {
  status: 503,
  body: { success: false, error: 'The server cannot store anything at the moment. Try again later.' },
}

function expectNoSpace(answer: ProcessAnswer): void {
  expect(answer).toMatchObject(noSpace)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}

/** People who write all the time, until `stop`. */
async function startWriting(many = { senders: 16, rooms: 4 }) {
  const senders = await makeSenders(server, many)
  let isEnough = false
  const writing = senders.map((sender) =>
    keepWriting(
      () => server,
      sender,
      () => isEnough,
    ),
  )
  const count = (of: (sender: Sender) => number) => senders.reduce((sum, sender) => sum + of(sender), 0)
  const until = (of: (sender: Sender) => number, most: number) =>
    expect.poll(() => count(of), { timeout: 20_000 }).toBeGreaterThan(most)
  const acknowledged = ({ acknowledged }: Sender) => acknowledged.size
  const refused = ({ refused }: Sender) => refused.length
  return {
    senders,
    refusals: () => senders.flatMap((sender) => sender.refused),
    moreAcknowledged: (more: number) => until(acknowledged, count(acknowledged) + more),
    moreRefused: (more: number) => until(refused, count(refused) + more),
    async stop() {
      isEnough = true
      await Promise.all(writing)
    },
  }
}

/** A visitor sends a file of so many bytes into a room. */
async function upload({ id, token }: SharedRoom, bytes: number): Promise<ProcessAnswer> {
  const body = new FormData()
  body.append('file', new Blob(['x'.repeat(bytes)], { type: 'text/plain' }), 'notes.txt')
  const url = `${server.url}/api/v1/livechat/upload/${id}`
  const answer = await fetch(url, { method: 'POST', body, headers: { 'x-visitor-token': token } })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

/** The files that visitors have sent, and what is left of those that did not arrive. */
function filesOnDisk(): string[] {
  return readdirSync(pathOf('uploads'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}

const nothingWrong = { lost: 0, doubled: 0, strange: 0, disordered: 0 }

describe.runIf(isSqlite && canLimitFiles)('a disk that fills up while sixteen people write', () => {
  test('costs no message: who is refused comes back and is served by the same process', LONG, async () => {
    await start()
    const people = await startWriting()
    await people.moreAcknowledged(50)
    fillDisk(65_536)
    await people.moreRefused(300)
    for (const refusal of people.refusals()) expectNoSpace(refusal)
    // Whatever only reads goes on; whoever watches the server is told.
    expect((await server.call('GET /livechat/config')).status).toBe(200)
    expect(await stateOf('/healthz')).toEqual([200, { status: 'ok' }])
    expect(await stateOf('/readyz')).toEqual([503, { status: 'no space' }])
    expect(linesAbout('DiskFull')).toHaveLength(1)
    expect(linesAbout('CommitFailed')).toHaveLength(0)

    makeSpace()
    await people.moreAcknowledged(200)
    await expect.poll(() => stateOf('/readyz'), { timeout: 15_000 }).toEqual([200, { status: 'ready' }])
    await people.stop()
    expect(await settleAccount(server, people.senders)).toMatchObject(nothingWrong)
    expect(await server.stop()).toBe(0)
  })

  test('costs none either where the log of the database cannot be moved into its file', LONG, async () => {
    // The file ends far behind the limit and its log before it, so that only what moves the one into the other fails.
    const file = new Sqlite(pathOf('deskbell.sqlite'))
    file.exec('create table filler (bytes blob)')
    const add = file.prepare('insert into filler values (zeroblob(1048576))')
    for (let megabyte = 0; megabyte < 24; megabyte++) add.run()
    file.close()
    await start()
    limitFiles(server.pid, 20 * 1_048_576)
    const people = await startWriting()
    // The log is moved every 4,000 pages, and nothing else stops it from growing.
    await expect.poll(() => sizeOf('deskbell.sqlite-wal'), { timeout: 40_000 }).toBeGreaterThan(4_200 * (4_096 + 24))
    expect(people.refusals()).toEqual([])
    await people.moreRefused(50)
    for (const refusal of people.refusals()) expectNoSpace(refusal)
    makeSpace()
    await people.moreAcknowledged(50)
    await people.stop()
    expect(await settleAccount(server, people.senders)).toMatchObject(nothingWrong)
    await server.kill()
    server = await startServerProcess(database)
    expect(await settleAccount(server, people.senders)).toMatchObject(nothingWrong)
  })

  test('keeps no server from being stopped, and costs none where it is killed and started again', LONG, async () => {
    await start()
    const people = await startWriting()
    for (const end of ['stop', 'kill'] as const) {
      await people.moreAcknowledged(50)
      fillDisk()
      await people.moreRefused(50)
      const code = await server[end]()
      if (end === 'stop') expect(code).toBe(0)
      server = await startServerProcess(database)
    }
    await people.moreAcknowledged(50)
    await people.stop()
    expect(await settleAccount(server, people.senders)).toMatchObject(nothingWrong)
  })

  test('does not end a server whose log goes there too', LONG, async () => {
    const logFile = pathOf('deskbell.log')
    await start({ logFile, environment: { DESKBELL_LOG_LEVEL: 'debug' } })
    const people = await startWriting()
    await people.moreAcknowledged(50)
    limitFiles(server.pid, 1)
    await people.moreRefused(300)
    const silence = sizeOf('deskbell.log')
    makeSpace()
    await people.moreAcknowledged(100)
    await people.stop()
    expect(sizeOf('deskbell.log')).toBeGreaterThan(silence)
    expect(await settleAccount(server, people.senders)).toMatchObject(nothingWrong)
    limitFiles(server.pid, 1)
    await server.call('GET /livechat/config')
    expect(await server.stop()).toBe(0)
  })
})

describe.runIf(canLimitFiles)('a file that does not fit on the disk', () => {
  test('is refused without a trace, and taken once there is space', LONG, async () => {
    await start()
    const [{ room } = never()] = await makeSenders(server, { senders: 1, rooms: 1 })
    limitFiles(server.pid, 4_000_000)
    expectNoSpace(await upload(room, 5_000_000))
    expect(filesOnDisk()).toEqual([])
    // The room goes on, and so does a file that fits.
    const body = { token: room.token, rid: room.id, msg: 'It does not go through.' }
    expect((await server.call('POST /livechat/message', { body })).status).toBe(200)
    expect((await upload(room, 1_000)).status).toBe(200)
    makeSpace()
    expect((await upload(room, 5_000_000)).status).toBe(200)
    expect(filesOnDisk()).toHaveLength(2)
  })

  test.runIf(isSqlite)('or of which nothing can be noted, is the same', LONG, async () => {
    await start()
    const [{ room } = never()] = await makeSenders(server, { senders: 1, rooms: 1 })
    fillDisk()
    expectNoSpace(await upload(room, 1_000))
    expect(filesOnDisk()).toEqual([])
    makeSpace()
    expect((await upload(room, 1_000)).status).toBe(200)
  })
})

describe.runIf(isSqlite && canLimitFiles)('a letter that cannot be forgotten because the disk is full', () => {
  test('is handed over once, and forgotten when there is space', LONG, async () => {
    const arrived: string[] = []
    const mail = await startMailServer({
      onRcptTo({ address }, _session, done) {
        arrived.push(address)
        fillDisk()
        done()
      },
    })
    await start({ environment: { DESKBELL_SMTP_URL: mail.url, DESKBELL_MAIL_FROM: 'desk@example.org' } })
    const headers = await signInAsAdmin(server)
    for (const [id, value] of Object.entries({
      Livechat_offline_email: 'a@b.example',
      Livechat_validate_offline_email: false,
    }))
      await server.call(`POST /settings/${id}`, { headers, body: { value } })
    const body = { name: 'Ana', email: 'ana@visitor.example', message: 'Are you there?' }
    expect((await server.call('POST /livechat/offline.message', { body })).status).toBe(200)
    await expect.poll(() => linesAbout('DiskFull').length, { timeout: 20_000 }).toBe(1)
    expect(arrived).toHaveLength(1)
    const lettersLeft = async () => (await inspectDatabase(database)).letters
    expect(await lettersLeft()).toBe(1)
    makeSpace()
    await expect.poll(lettersLeft, { timeout: 20_000 }).toBe(0)
    expect(arrived).toHaveLength(1)
    await mail.down()
  })
})

describe.runIf(isSqlite && canLimitFiles)('a session of our SDK', () => {
  test('keeps what it could not send, and has sent it as soon as there is space', LONG, async () => {
    await start()
    const [{ room } = never()] = await makeSenders(server, { senders: 1, rooms: 1 })
    const refusedSends = async () => {
      const counted = await (await fetch(`${server.url}/metrics`)).text()
      return Number(/_count\{operation="POST \/livechat\/message",status="503"\} (\d+)/.exec(counted)?.[1] ?? 0)
    }
    const clock = makeQuickClock(20, 1)
    const talker = await openVisitorTalker({ serverURL: server.url, token: room.token, clock })
    await untilShown(talker, () => talker.isOnline())
    await talker.say('before')
    fillDisk()
    const said = talker.say('meanwhile')
    // More often than it would ask a server that only fails.
    await expect.poll(refusedSends, { timeout: 20_000 }).toBeGreaterThan(8)
    makeSpace()
    await said
    talker.end()
  })
})

describe.runIf(isSqlite && canMakeDisk)('a real disk that fills up while sixteen people write', () => {
  test('costs no message either', LONG, async () => {
    await start({ under: onSmallDisk(database.dataDir, { megabytes: 24 }) })
    const disk = diskOf(server.pid, database.dataDir)
    const people = await startWriting()
    await people.moreAcknowledged(50)
    disk.fill()
    await people.moreRefused(300)
    for (const refusal of people.refusals()) expectNoSpace(refusal)
    expect((await server.call('GET /livechat/config')).status).toBe(200)
    expect(await stateOf('/readyz')).toEqual([503, { status: 'no space' }])
    expect(linesAbout('DiskFull')).toHaveLength(1)
    expectNoSpace(await upload(people.senders[0]!.room, 1_000))
    disk.makeSpace()
    await people.moreAcknowledged(200)
    await people.stop()
    expect(await settleAccount(server, people.senders)).toMatchObject(nothingWrong)
    expect(await server.stop()).toBe(0)
  })
})

function never(): never {
  throw new Error('There is one.')
}
