// What an agent is told of while looking elsewhere: a message in a room the agent is in, a chat that begins to wait (contract
// §C.14.3). Only good to know at once: one that is lost costs nothing, for the lists say the same.
import type { DeskEvent } from '@deskbell/contract/events.ts'
import type { Reader } from '../../database/transaction.ts'
import type { Hub, Said } from '../../realtime/hub.ts'
import { findRoom } from '../rooms/rooms.ts'
import { findInquiryOf, routingFlags } from '../routing/routing.ts'
import { readSettings } from '../settings/settings.ts'
import { findMessage, type Message } from '../timeline/timeline.ts'
import { listDepartmentMembers, listListeners, listMembersOf, type Listener } from './membership-store.ts'
import { messageNotice, queueNotice } from './wire.ts'

const EVENT = 'notification'

export interface NotificationsOptions {
  read: Reader
  hub: Hub
}

/** Tells what an event calls for. */
export async function notify(options: NotificationsOptions, { name, data }: DeskEvent): Promise<void> {
  if (!options.hub.isStreamHeard('notify-user')) return
  if (name === 'message.created') await notifyOfMessage(options, data)
  if (name === 'inquiry.queued') await notifyOfWaiting(options, data.roomId)
}

/** Everybody in the room but whoever said it. System lines are no news. */
async function notifyOfMessage(
  { read, hub }: NotificationsOptions,
  { roomId, messageId }: { roomId: string; messageId: string },
): Promise<void> {
  const listeners = (await listMembersOf(read, roomId)).filter((id) => hub.isHeard('notify-user', `${id}/${EVENT}`))
  if (listeners.length === 0) return
  const message = await findMessage(read, messageId)
  const room = await findRoom(read, roomId)
  if (room === undefined || message === undefined || !isNews(message)) return
  const said = messageNotice(message, room)
  const others = listeners.filter((id) => id !== message.author.id)
  for (const user of await listListeners(read, others, { onlyReady: false }))
    if (wantsNotices(user)) say(hub, user.id, said)
}

function isNews({ type, deletedAt }: Message): boolean {
  return type === undefined && deletedAt === undefined
}

/** Agents who choose their chats themselves, and might choose this one. */
async function notifyOfWaiting({ read, hub }: NotificationsOptions, roomId: string): Promise<void> {
  if (routingFlags(await readSettings(read)).autoAssignAgent) return
  const suffix = `/${EVENT}`
  const keys = hub.keys('notify-user').filter((key) => key.endsWith(suffix))
  if (keys.length === 0) return
  const inquiry = await findInquiryOf(read, roomId)
  const room = inquiry && (await findRoom(read, roomId))
  if (inquiry?.status !== 'queued' || room === undefined) return
  const listeners = keys.map((key) => key.slice(0, -suffix.length))
  const meant = await mightTake(read, inquiry, listeners)
  const said = queueNotice(room)
  for (const user of await listListeners(read, meant, { onlyReady: true }))
    if (wantsNotices(user)) say(hub, user.id, said)
}

/** Those of these agents on whose lists the chat stands. */
async function mightTake(
  reader: Reader,
  { departmentId, defaultAgent }: { departmentId?: string; defaultAgent?: { id: string } },
  agentIds: readonly string[],
): Promise<string[]> {
  if (defaultAgent !== undefined) return agentIds.filter((id) => id === defaultAgent.id)
  if (departmentId === undefined) return [...agentIds]
  const members = await listDepartmentMembers(reader, departmentId, agentIds)
  return members.filter(({ isEnabled }) => isEnabled).map(({ agentId }) => agentId)
}

/** Not somebody who is busy or wants none. */
function wantsNotices({ presence, preferences }: Listener): boolean {
  return presence !== 'busy' && preferences['desktopNotifications'] !== 'nothing'
}

function say(hub: Hub, userId: string, said: Said): void {
  hub.say('notify-user', `${userId}/${EVENT}`, said)
}
