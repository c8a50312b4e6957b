import { fromJson, toJson } from '../../database/columns.ts'
import type { Transaction } from '../../database/transaction.ts'
import { findDepartment } from '../departments/departments.ts'
import { readSettings } from '../settings/settings.ts'
import { updateRoom, type Advanced } from '../timeline/timeline.ts'
import { withMonth } from '../visitors/visitors.ts'
import { resumeForVisitor } from './hold.ts'

/** What follows from a visitor's message or file, in the transaction that writes it. */
export async function noteVisitorSpoke(tx: Transaction, moved: Advanced): Promise<void> {
  if (moved.isOnHold === 1) await resumeForVisitor(tx, moved.id)
}

/** The same for the staff: the visitor is active this month, and perhaps gone some time after this (contract §B.9, §C.9). */
export async function noteStaffSpoke(tx: Transaction, moved: Advanced): Promise<void> {
  const activity = withMonth(fromJson<string[]>(moved.visitorActivity), tx.now)
  if (activity !== undefined) await updateRoom(tx, moved.id, { visitorActivity: toJson(activity) })
  await foretellEnd(tx, moved)
}

/** The first answer to a question foretells when its visitor counts as gone. */
async function foretellEnd(tx: Transaction, moved: Advanced): Promise<void> {
  if (!isServing(moved) || moved.askedMs === null || moved.firstResponseAt !== tx.now) return
  const settings = await readSettings(tx)
  if (settings.Livechat_abandoned_rooms_action === 'none') return
  const department = moved.departmentId === null ? undefined : await findDepartment(tx, moved.departmentId)
  const own = Number(department?.inactivityTimeout ?? 0)
  const seconds = own > 0 ? own : settings.Livechat_visitor_inactivity_timeout
  if (seconds <= 0) return
  await updateRoom(tx, moved.id, { abandonsAt: timeAfter(tx.nowMs, seconds) })
}

/** Somebody who looks into the queue serves nobody, and a room on hold waits for its visitor by another clock. */
function isServing({ servedById, isOnHold }: Advanced): boolean {
  return servedById !== null && isOnHold !== 1
}

const LATEST_MS = Date.UTC(9999, 11, 31)

/** Years beyond four digits would sort before all others. */
function timeAfter(nowMs: number, seconds: number): string {
  return new Date(Math.min(nowMs + seconds * 1_000, LATEST_MS)).toISOString()
}
