// The promise of promises.md, against a server process that is killed while everybody writes: what was acknowledged is
// there, once, in one order that never changes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engine, makeEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { signInAsAdmin, startServerProcess, type ServerProcess } from '../testing/process.ts'
import { inspectDatabase } from './database/open.ts'

const ROUNDS = engine === 'sqlite' ? 20 : 5
const SENDERS = 64
const ROOMS = 16

/** One of several people who write in a room, each waiting for an answer before writing on. */
interface Sender {
  name: string
  room: Room
  sent: number
  /** Sent and not answered: to be sent again with the same id. */
  pending: string | undefined
}

interface Room {
  id: string
  token: string
  /** The answered messages: id → the time of the answer's message. */
  acknowledged: Map<string, string>
  /** What readers have seen so far, in order. */
  seen: Seen[]
}

interface Seen {
  id: string
  seq: number
  ts: string
}

interface Change {
  _id: string
  seq: number
  message: { _id: string; ts: string; msg: string; t?: string }
}

describe('a server that is killed while 64 people write', () => {
  let database: TestDatabase
  let server: ServerProcess
  const rooms: Room[] = []
  let senders: Sender[] = []

  beforeAll(async () => {
    database = await makeEmptyDatabase()
    server = await startServerProcess(database)
    const headers = await signInAsAdmin(server)
    const setting = 'POST /settings/Livechat_accept_chats_with_no_agents'
    expect((await server.call(setting, { headers, body: { value: true } })).status).toBe(200)
    for (let index = 0; index < ROOMS; index++) rooms.push(await openRoom(server, `visitor-${index}`))
    senders = Array.from({ length: SENDERS }, (_, index) => ({
      name: `s${index}`,
      room: rooms[index % ROOMS]!,
      sent: 0,
      pending: undefined,
    }))
  }, 60_000)
  afterAll(async () => {
    await server.kill()
    await database.remove()
  })

  test(`${ROUNDS} times: no acknowledged message is lost, doubled or reordered`, { timeout: 240_000 }, async () => {
    const outagesMs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const before = countAcknowledged(rooms)
      const writing = senders.map((sender) => writeUntilRefused(server, sender))
      await acknowledged(rooms, before + 1 + Math.floor(Math.random() * 200))
      const killedAt = performance.now()
      await server.kill()
      await Promise.all(writing)
      expect(countAcknowledged(rooms)).toBeGreaterThan(before)

      server = await startServerProcess(database)
      expect((await server.call('GET /livechat/config')).status).toBe(200)
      outagesMs.push(performance.now() - killedAt)
      await Promise.all(senders.map((sender) => sendAgain(server, sender)))
      for (const room of rooms) verify(room, await readChanges(server, room, room.seen.at(-1)?.seq ?? 0))
    }
    for (const room of rooms) {
      const { seen } = room
      room.seen = []
      verify(room, await readChanges(server, room, 0))
      expect(room.seen).toEqual(seen)
    }
    report(outagesMs, countAcknowledged(rooms))
  })

  test('an acknowledged message sent once more is answered as it is stored, and is not doubled', async () => {
    for (const room of rooms) {
      const [id, ts] = [...room.acknowledged].at(-1)!
      const again = await server.call('POST /livechat/message', {
        body: { token: room.token, rid: room.id, _id: id, msg: 'another text' },
      })
      expect(again).toMatchObject({ status: 200, body: { message: { _id: id, ts, msg: id } } })
      expect(await readChanges(server, room, room.seen.at(-1)!.seq)).toEqual([])
    }
  })

  test('the database itself is whole', async () => {
    expect(await server.stop()).toBe(0)
    const found = await inspectDatabase(database)
    expect(found).toMatchObject({ pending: [], strangers: [], parked: [] })
    expect(found.damage).toBeUndefined()
  })
})

async function openRoom(server: ServerProcess, token: string): Promise<Room> {
  await server.call('POST /livechat/visitor', { body: { visitor: { token } } })
  const opened = await server.call(`GET /livechat/room?token=${token}`)
  return { id: (opened.body as { room: { _id: string } }).room._id, token, acknowledged: new Map(), seen: [] }
}

async function writeUntilRefused(server: ServerProcess, sender: Sender): Promise<void> {
  for (;;) {
    sender.sent += 1
    sender.pending = `${sender.name}n${String(sender.sent).padStart(6, '0')}`
    if (!(await isSent(server, sender))) return
  }
}

/** Who waits until enough messages are acknowledged. */
const lookers = new Set<() => void>()

/** Answers once so many messages are acknowledged, in all rooms together. */
function acknowledged(rooms: readonly Room[], most: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (countAcknowledged(rooms) < most) return
      lookers.delete(look)
      resolve()
    }
    lookers.add(look)
    look()
  })
}

async function sendAgain(server: ServerProcess, sender: Sender): Promise<void> {
  expect(await isSent(server, sender)).toBe(true)
}

/** Sends what is pending; answers false where the server went away before it answered. */
async function isSent(server: ServerProcess, sender: Sender): Promise<boolean> {
  const { room, pending: id = '' } = sender
  const body = { token: room.token, rid: room.id, _id: id, msg: id }
  const answer = await server.call('POST /livechat/message', { body }).catch(() => undefined)
  if (answer === undefined) return false
  expect(answer, server.said()).toMatchObject({ status: 200, body: { success: true, message: { _id: id, msg: id } } })
  room.acknowledged.set(id, (answer.body as { message: { ts: string } }).message.ts)
  sender.pending = undefined
  for (const look of lookers) look()
  return true
}

async function readChanges(server: ServerProcess, room: Room, after: number): Promise<Change[]> {
  const changes: Change[] = []
  for (let from = after, more = true; more;) {
    const path = `/livechat/messages.sync/${room.id}?token=${room.token}&after=${from}&count=100`
    const answer = await server.call(`GET ${path}`)
    expect(answer.status).toBe(200)
    const page = answer.body as { changes: Change[]; next: number; more: boolean }
    changes.push(...page.changes)
    from = page.next
    more = page.more
  }
  return changes
}

/** Holds what a reader gets after what it has seen against what writers were told, and adds it to what was seen. */
function verify(room: Room, changes: readonly Change[]): void {
  for (const { _id: id, seq, message } of changes) {
    const last = room.seen.at(-1)
    if (last !== undefined) {
      expect(seq).toBeGreaterThan(last.seq)
      expect(message.ts > last.ts, `${message.ts} after ${last.ts}`).toBe(true)
    }
    room.seen.push({ id, seq, ts: message.ts })
  }
  const written = room.seen.filter(({ id }) => /^s\d+n\d{6}$/.test(id))
  expect(new Set(written.map(({ id }) => id)).size).toBe(written.length)
  expect(new Map(written.map(({ id, ts }) => [id, ts]))).toEqual(room.acknowledged)
  for (const [name, ids] of Map.groupBy(
    written.map(({ id }) => id),
    (id) => id.slice(0, id.indexOf('n')),
  ))
    expect(ids, `the messages of ${name}`).toEqual([...ids].sort())
}

function countAcknowledged(rooms: readonly Room[]): number {
  return rooms.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
}

/** A measurement, not a test: the promise is two seconds on a quiet machine. */
function report(outagesMs: readonly number[], messages: number): void {
  const sorted = [...outagesMs].sort((left, right) => left - right)
  const median = Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)
  const longest = Math.round(sorted.at(-1) ?? 0)
  console.info(
    `${engine}: ${outagesMs.length} crashes, ${messages} acknowledged messages; ` +
      `serving again after ${median} ms (median), ${longest} ms (longest)`,
  )
}
