import { toJson } from '../../database/columns.ts'
import type { Transaction } from '../../database/transaction.ts'

/** Whoever did it: a member of the staff, a visitor, or the system. Never a token. */
export interface Actor {
  id: string
  username: string
}

export type Action =
  | 'setting.changed'
  | 'permission.changed'
  | 'user.created'
  | 'user.invited'
  | 'user.changed'
  | 'user.roles-changed'
  | 'user.password-changed'
  | 'user.activated'
  | 'user.deactivated'
  | 'user.deleted'
  | 'agent.changed'
  | 'message.edited'
  | 'message.deleted'
  | 'visitor.changed'

export interface Entry {
  /** Absent: a new one. What a message said before is kept under the id of its entry, and goes with its room. */
  id?: string
  actor: Actor
  action: Action
  subject: { kind: 'setting' | 'permission' | 'user' | 'message' | 'visitor'; id: string }
  roomId?: string
  /** What was and what is, without secrets. */
  before?: Fields | undefined
  after?: Fields | undefined
}

export type Fields = Readonly<Record<string, unknown>>

export async function insertEntry(tx: Transaction, entry: Entry): Promise<void> {
  await tx.run(
    tx.sql.insertInto('audit').values({
      id: entry.id ?? tx.newId(),
      at: tx.now,
      actorId: entry.actor.id,
      actorUsername: entry.actor.username,
      action: entry.action,
      subjectKind: entry.subject.kind,
      subjectId: entry.subject.id,
      roomId: entry.roomId ?? null,
      before: toJson(entry.before),
      after: toJson(entry.after),
    }),
  )
}

/** Takes the name of an actor out of the book, and what the actor changed with it. */
export async function clearActor(tx: Transaction, actorId: string): Promise<void> {
  await tx.run(
    tx.sql.updateTable('audit').set({ actorUsername: '', before: null, after: null }).where('actorId', '=', actorId),
  )
}

export async function deleteEntriesOfRoom(tx: Transaction, roomId: string): Promise<void> {
  await tx.run(tx.sql.deleteFrom('audit').where('roomId', '=', roomId))
}
