// Fills the database of a stopped server with conversations, by copying one that the server wrote itself.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { newToken } from './product.ts'

export const messagesPerRoom = 100

type Row = Record<string, unknown>

/** Adds closed rooms of 100 messages each and gives their ids. `template` is a room with at least one message. */
export function addConversations(folder: string, templateRoom: string, count: number): string[] {
  const db = new Database(join(folder, 'deskbell.sqlite'))
  try {
    const room = db.prepare<[string], Row>('select * from room where id = ?').get(templateRoom)
    const message = db
      .prepare<[string], Row>('select * from message where roomId = ? order by seq desc')
      .get(templateRoom)
    if (room === undefined || message === undefined) throw new Error('the room to copy has no messages')
    const addRoom = insertOf(db, 'room', room)
    const addMessage = insertOf(db, 'message', message)
    const rooms = Array.from({ length: count }, newToken)
    db.transaction(() => {
      for (const id of rooms) {
        const closedAt = timeOf(messagesPerRoom)
        addRoom({ ...room, id, seq: messagesPerRoom, messageCount: messagesPerRoom, closedAt })
        for (let seq = 1; seq <= messagesPerRoom; seq++)
          addMessage({ ...message, id: newToken(), roomId: id, seq, sentAt: timeOf(seq) })
      }
    })()
    db.pragma('wal_checkpoint(TRUNCATE)')
    return rooms
  } finally {
    db.close()
  }
}

const agentsOfRooms = 23
const departmentsOfRooms = 12

/**
 * Adds rooms of all states, by copying one: of a hundred, two are open (served, queued or on hold), ten have a tag. Their
 * names, agents and departments are spread evenly, and one opens every ten minutes.
 */
export function addRooms(folder: string, templateRoom: string, count: number): void {
  const db = new Database(join(folder, 'deskbell.sqlite'))
  try {
    const room = db.prepare<[string], Row>('select * from room where id = ?').get(templateRoom)
    if (room === undefined) throw new Error('no room to copy')
    const addRoom = insertOf(db, 'room', room)
    const addTag = db.prepare('insert into roomTag (roomId, tag) values (?, ?)')
    db.transaction(() => {
      for (let n = 0; n < count; n++) {
        const id = newToken()
        addRoom({ ...room, id, ...columnsOf(n) })
        if (n % 10 === 0) addTag.run(id, 'vip')
        if (n % 5_000 === 0) addTag.run(id, 'rare')
      }
    })()
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

function columnsOf(n: number): Row {
  const openedMs = Date.UTC(2024, 0, 1) + n * 600_000
  const openedAt = new Date(openedMs).toISOString()
  const isOpen = n % 50 === 7
  const isQueued = isOpen && n % 3 === 0
  const agent = n % agentsOfRooms
  // No order of the list is that of the rows.
  const endedMs = openedMs + ((n * 37) % 5_000) * 1_000
  const name = `Visitor ${(n * 31) % 100_000}`
  return {
    visitorId: newToken(),
    visitorName: name,
    nameFolded: name.toLowerCase(),
    openedAt,
    queuedAt: openedAt,
    updatedAt: openedAt,
    lastMessageMs: endedMs,
    departmentId: n % 4 === 0 ? null : `department-${n % departmentsOfRooms}`,
    servedById: isQueued ? null : `agent-id-${agent}`,
    servedByUsername: isQueued ? null : `agent-${agent}`,
    servedAt: isQueued ? null : openedAt,
    isOnHold: isOpen && n % 3 === 1 ? 1 : 0,
    closedAt: isOpen ? null : new Date(endedMs).toISOString(),
    tags: n % 10 === 0 ? '["vip"]' : null,
  }
}

function insertOf(db: Database.Database, table: string, row: Row): (row: Row) => void {
  const columns = Object.keys(row)
  const statement = db.prepare(
    `insert into ${table} (${columns.map((column) => `"${column}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  )
  return (values) => statement.run(columns.map((column) => values[column]))
}

function timeOf(second: number): string {
  return new Date(Date.UTC(2026, 0, 1, 12) + second * 1000).toISOString()
}
