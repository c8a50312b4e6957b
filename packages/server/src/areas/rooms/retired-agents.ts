import type { Reader, Transact, Transaction } from '../../database/transaction.ts'
import { takeOpenRoom } from '../timeline/timeline.ts'
import { findUserById } from '../users/users.ts'
import { forgetManager, forgetWaitedFor, listWaitingFor } from './retired-agents-store.ts'

/** Visitors changed at a time: nobody else is held up. */
const CHUNK = 50

/**
 * Job: nobody waits for an agent who takes no chats any more (contract §C.6). Who is no agent at all manages no visitor
 * either (contract §B.5); somebody whose account is deactivated does again when it is activated.
 */
export async function forgetRetired(reader: Reader, transact: Transact, userId: string): Promise<void> {
  for (const roomId of await listWaitingFor(reader, userId)) await transact((tx) => waitNoMore(tx, roomId, userId))
  while ((await transact((tx) => manageNoMore(tx, userId))) > 0);
}

async function waitNoMore(tx: Transaction, roomId: string, userId: string): Promise<void> {
  const room = await takeOpenRoom(tx, roomId)
  if (room === undefined || (await standingOf(tx, userId)) === 'agent') return
  if (await forgetWaitedFor(tx, roomId, userId)) tx.emit('room.changed', { roomId })
}

/** Answers how many visitors were changed; 0 is the end. */
async function manageNoMore(tx: Transaction, userId: string): Promise<number> {
  // An agent again since then, as whom others may have chosen this person anew.
  if ((await standingOf(tx, userId)) !== 'none') return 0
  return forgetManager(tx, userId, CHUNK)
}

async function standingOf(reader: Reader, userId: string): Promise<'agent' | 'deactivated' | 'none'> {
  const user = await findUserById(reader, userId)
  if (user?.roles.includes('livechat-agent') !== true) return 'none'
  return user.isActive ? 'agent' : 'deactivated'
}
