import type { Reader } from '../../database/transaction.ts'
import { readSettings } from '../settings/settings.ts'
import { listDurations } from './estimate-store.ts'

/** Chats that are looked at, whatever a setting says. */
const MOST_CHATS = 1_000

/**
 * How long who waits in a department, or in none, will probably wait: seconds by the place in the queue, 1 for the next, as
 * the latest chats lasted (contract §C.9). `undefined` where there was none yet.
 */
export async function estimateWait(
  reader: Reader,
  departmentId: string | undefined,
): Promise<((spot: number) => number) | undefined> {
  const { Livechat_number_most_recent_chats_estimate_wait_time: wanted } = await readSettings(reader)
  const chats = Math.min(Math.max(wanted, 1), MOST_CHATS)
  const durations = await listDurations(reader, departmentId, chats)
  if (durations.length === 0) return undefined
  const average = durations.reduce((sum, ms) => sum + ms, 0) / durations.length / 1_000
  return (spot) => Math.round(((spot - 1) / chats + 1) * average)
}
