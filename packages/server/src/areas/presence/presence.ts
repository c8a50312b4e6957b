// Whether members of the staff are there: what they chose and whether they are connected are two facts, and what others see
// follows from both (contract §C.14.5). Whoever has never had a socket is what was chosen.
import type { Reader, Transaction } from '../../database/transaction.ts'
import { showPresence } from '../routing/routing.ts'
import {
  deleteConnection,
  deleteSilent,
  listConnectedTo,
  listConnectionsOf,
  listSilent,
  takeUser,
  updateProcess,
  upsertConnection,
  upsertProcess,
  type ConnectionStatus,
} from './store.ts'

export type { ConnectionStatus } from './store.ts'

/** A process that says nothing for so long has died, and its sockets with it. */
export const SILENT_AFTER_MS = 30_000

const USERS_AT_ONCE = 25

/** Notes how a process is connected with somebody; without a status it is not. */
export async function noteConnection(
  tx: Transaction,
  { processId, userId, status }: { processId: string; userId: string; status: ConnectionStatus | undefined },
): Promise<void> {
  // First of all the row of the user: two processes that note at once must see each other.
  const user = await takeUser(tx, userId)
  if (user === undefined) return
  if (status === undefined) await deleteConnection(tx, processId, userId)
  else {
    await upsertProcess(tx, processId)
    await upsertConnection(tx, processId, userId, status)
  }
  await followConnections(tx, userId, user)
}

/** Says that this process is alive. Answers false where others have taken it for dead: its connections must be noted again. */
export function beat(tx: Transaction, processId: string): Promise<boolean> {
  return updateProcess(tx, processId)
}

/** Whether some process has died without saying so. */
export async function findSilent(reader: Reader, nowMs: number): Promise<readonly string[]> {
  return listSilent(reader, silentSince(nowMs))
}

/** Those who were connected to a process that has died are there no more. Answers how many were told; call again until none is. */
export async function forgetProcess(tx: Transaction, processId: string): Promise<number> {
  const userIds = await listConnectedTo(tx, processId, USERS_AT_ONCE)
  // In one order, whoever does the same at this moment.
  for (const userId of userIds.toSorted()) await noteConnection(tx, { processId, userId, status: undefined })
  if (userIds.length < USERS_AT_ONCE) await deleteSilent(tx, processId, silentSince(tx.nowMs))
  return userIds.length
}

/** What others see changes with the connections, and not with every one of them. */
async function followConnections(
  tx: Transaction,
  userId: string,
  user: { presence: string; presenceChosen: string; connection: string; isActive: boolean },
): Promise<void> {
  const connection = together(await listConnectionsOf(tx, userId))
  const presence = user.isActive ? presenceOf(connection, user.presenceChosen) : 'offline'
  if (connection === user.connection && presence === user.presence) return
  await showPresence(tx, userId, { connection, presence })
}

/** Several connections are one: somebody who is there on one of them is there. */
function together(statuses: readonly string[]): ConnectionStatus | 'offline' {
  if (statuses.includes('online')) return 'online'
  return statuses.length > 0 ? 'away' : 'offline'
}

function presenceOf(connection: string, chosen: string): string {
  if (connection === 'offline') return 'offline'
  return chosen === 'online' ? connection : chosen
}

function silentSince(nowMs: number): string {
  return new Date(nowMs - SILENT_AFTER_MS).toISOString()
}
