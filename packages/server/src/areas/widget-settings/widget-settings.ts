// What a widget shows before the first word, and what it knows of a visitor who comes back.
import type { Reader } from '../../database/transaction.ts'
import { agentInfo, type AgentInfo } from '../agents/agents.ts'
import { readFields, type CustomField } from '../custom-fields/custom-fields.ts'
import { findDepartment } from '../departments/departments.ts'
import { countWaitingBefore, estimateWait, findInquiryOf, isAnyoneOnline } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { findOpenRoomOf, type Room } from '../timeline/timeline.ts'
import { findVisitor, type Visitor } from '../visitors/visitors.ts'

export { listStaffedDepartments } from '../departments/departments.ts'
export { routingFlags } from '../routing/routing.ts'
export { readSettings, siteUrlFor, visitorTextLimit } from '../settings/settings.ts'

/** What is known of a visitor who comes back. */
export interface Returning {
  visitor: Visitor
  room?: Room
  agent?: AgentInfo
  /** Only while the room waits, and only where queue figures are switched on. */
  queue?: { position: number; text: string; waitSeconds?: number | undefined }
}

/** Whether somebody is there to answer, in this department if one is named by id or name; never while livechat is off. */
export async function isDeskOnline(reader: Reader, department: string | undefined): Promise<boolean> {
  const { Livechat_enabled: isEnabled } = await readSettings(reader)
  return isEnabled && (await isAnyoneOnline(reader, department))
}

/** The fields that a widget asks visitors for. */
export async function listWidgetFields(reader: Reader): Promise<CustomField[]> {
  const fields = await readFields(reader)
  return fields.filter(
    ({ scope, visibility, isPublic }) => scope === 'visitor' && visibility === 'visible' && isPublic === true,
  )
}

/** The visitor of a token with the open room and who serves it; `undefined` for an unknown token, which is no error. */
export async function findReturning(reader: Reader, token: string): Promise<Returning | undefined> {
  const visitor = await findVisitor(reader, token)
  if (visitor === undefined) return undefined
  const room = await findOpenRoomOf(reader, visitor.id)
  if (room === undefined) return { visitor }
  const agent = room.servedBy === undefined ? undefined : await agentInfo(reader, room.servedBy.id)
  const queue = await queueOf(reader, room)
  return { visitor, room, ...(agent !== undefined && { agent }), ...(queue !== undefined && { queue }) }
}

async function queueOf(reader: Reader, room: Room): Promise<Returning['queue']> {
  const settings = await readSettings(reader)
  if (!settings.Livechat_waiting_queue || !settings.Omnichannel_calculate_dispatch_service_queue_statistics)
    return undefined
  const inquiry = await findInquiryOf(reader, room.id)
  if (inquiry?.status !== 'queued') return undefined
  const { departmentId } = inquiry
  const department = departmentId === undefined ? undefined : await findDepartment(reader, departmentId)
  const position = (await countWaitingBefore(reader, inquiry)) + 1
  return {
    position,
    waitSeconds: (await estimateWait(reader, departmentId))?.(position),
    // An empty text is no text: the general one is shown.
    text: department?.waitingMessage || settings.Livechat_waiting_queue_message,
  }
}
