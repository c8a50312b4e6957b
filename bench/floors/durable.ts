// The physical limit of a durable send on this machine: Fastify and the four statements of a send as raw prepared SQL,
// grouped per commit. Usage: node durable.ts <database file> <rooms>. Room n is `room-n`, its visitor's token `visitor-n`.
import { hash, randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'
import type { Sent } from './listen.ts'
import { listen, sendSchema } from './listen.ts'

const mostRules = 300
const longestBatchMs = 10

const [file, roomCount] = process.argv.slice(2)
if (file === undefined || roomCount === undefined) throw new Error('usage: durable.ts <database file> <rooms>')

const db = new Database(file)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec(`
  create table visitor (id text primary key, tokenHash text not null unique, username text not null) strict;
  create table room (
    id text primary key, visitorId text not null, seq integer not null, messageCount integer not null,
    lastMessageAt text, closedAt text
  ) strict;
  create table message (
    id text primary key, roomId text not null, authorId text not null, text text not null, seq integer not null, at text not null
  ) strict;
  create index messageOfRoom on message (roomId, at);
`)
addRooms(Number(roomCount))

const findVisitor = db.prepare<[string], { id: string; username: string }>('select * from visitor where tokenHash = ?')
const findMessage = db.prepare<[string], { id: string }>('select * from message where id = ?')
const takeRoom = db.prepare<[string, string, string], { seq: number; lastMessageAt: string }>(`
  update room set seq = seq + 1, messageCount = messageCount + 1, lastMessageAt = max(coalesce(lastMessageAt, ''), ?)
  where id = ? and visitorId = ? and closedAt is null returning seq, lastMessageAt`)
const insertMessage = db.prepare<[string, string, string, string, number, string]>(
  'insert into message (id, roomId, authorId, text, seq, at) values (?, ?, ?, ?, ?, ?)',
)
const begin = db.prepare('begin immediate')
const commit = db.prepare('commit')
const rollback = db.prepare('rollback')
const savepoint = db.prepare('savepoint rule')
const release = db.prepare('release rule')
const rollbackRule = db.prepare('rollback to rule')

type Waiting = { sent: Sent; resolve: (answer: unknown) => void; reject: (error: unknown) => void }
const queue: Waiting[] = []

await listen((app) => {
  app.post<{ Body: Sent }>('/api/v1/livechat/message', { schema: sendSchema }, async ({ body }) => ({
    message: await new Promise((resolve, reject) => {
      if (queue.push({ sent: body, resolve, reject }) === 1) setImmediate(runBatch)
    }),
    success: true,
  }))
})

function runBatch(): void {
  const answers: (() => void)[] = []
  const startedAt = performance.now()
  let ran = 0
  try {
    begin.run()
    for (const waiting of queue) {
      answers.push(runRule(waiting))
      if (++ran === mostRules || performance.now() - startedAt > longestBatchMs) break
    }
    commit.run()
    queue.splice(0, ran)
    for (const answer of answers) answer()
  } catch (error) {
    if (db.inTransaction) rollback.run()
    for (const { reject } of queue.splice(0, Math.max(ran, 1))) reject(error)
  }
  if (queue.length > 0) setImmediate(runBatch)
}

/** Gives the answer to send once the batch is on disk. */
function runRule({ sent, resolve, reject }: Waiting): () => void {
  savepoint.run()
  try {
    const message = send(sent)
    release.run()
    return () => resolve(message)
  } catch (error) {
    rollbackRule.run()
    release.run()
    return () => reject(error)
  }
}

function send({ token, rid, msg, _id = randomUUID() }: Sent): object {
  const visitor = findVisitor.get(hash('sha256', token))
  if (visitor === undefined) throw new Error('invalid-token')
  if (findMessage.get(_id) !== undefined) return { _id }
  const now = new Date().toISOString()
  const room = takeRoom.get(now, rid, visitor.id)
  if (room === undefined) throw new Error('invalid-room')
  const at = room.lastMessageAt
  insertMessage.run(_id, rid, visitor.id, msg, room.seq, at)
  const { id, username } = visitor
  const md = [{ type: 'PARAGRAPH', value: [{ type: 'PLAIN_TEXT', value: msg }] }]
  const empty: never[] = []
  return {
    _id,
    rid,
    msg,
    token,
    ts: at,
    _updatedAt: at,
    u: { _id: id, username },
    urls: empty,
    mentions: empty,
    channels: empty,
    md,
    seq: room.seq,
  }
}

function addRooms(count: number): void {
  const addVisitor = db.prepare('insert into visitor (id, tokenHash, username) values (?, ?, ?)')
  const addRoom = db.prepare('insert into room (id, visitorId, seq, messageCount) values (?, ?, 0, 0)')
  db.transaction(() => {
    for (let n = 0; n < count; n++) {
      addVisitor.run(`v${n}`, hash('sha256', `visitor-${n}`), `guest-${n}`)
      addRoom.run(`room-${n}`, `v${n}`)
    }
  })()
}
