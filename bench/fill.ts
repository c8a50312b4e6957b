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
