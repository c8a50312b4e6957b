// Whether a visitor is there. A page that flaps must not flap before the agents (promises A27).
import type { Transaction } from '../../database/transaction.ts'
import { takeOpenRoom, updateRoom } from '../timeline/timeline.ts'
import { requireVisitor } from './identify.ts'
import { writeStatus } from './presence-store.ts'

/** Agents are told once in this time. */
const APART_MS = 1_000

/**
 * Notes in the visitor's open room whether the visitor is there; the visitor's own record does not change (contract A.8).
 * Whoever looks sees it at once; agents are told of several changes in one second once.
 * @throws `invalid-token`
 */
export async function notePresence(tx: Transaction, token: string, status: string): Promise<void> {
  const visitor = await requireVisitor(tx, token)
  const written = await writeStatus(tx, visitor.id, status, new Date(tx.nowMs - APART_MS).toISOString())
  if (written === undefined) return
  const { roomId } = written
  if (written.isDue) tx.emit('room.changed', { roomId })
  else tx.emit('presence.held', { roomId, until: new Date(tx.nowMs + APART_MS).toISOString() })
}

/** Tells the agents of a room that the visitor's status has changed meanwhile. */
export async function tellPresence(tx: Transaction, roomId: string): Promise<void> {
  if ((await takeOpenRoom(tx, roomId)) === undefined) return
  await updateRoom(tx, roomId, { visitorStatusAt: tx.now })
  tx.emit('room.changed', { roomId })
}
