import { hash } from 'node:crypto'
import { findUnanswered, noteLeave, unansweredAt, type Taken } from './areas/rooms/rooms.ts'
import { transcriptJobs } from './areas/transcripts/transcripts.ts'
import { RULE_DEADLINE_MS, type Reactions } from './database/transaction.ts'

/** Read this to know what must follow when. Each entry is (tx, data) => job rows, written in the same transaction. */
export const reactions: Reactions = {
  // The safety net under routing: two transactions that cannot see each other may leave a chat waiting beside a free agent.
  'inquiry.queued': [
    (tx) => [{ name: 'offer-waiting-chats', data: null, uniqueKey: 'offer-waiting-chats', runAt: soon(tx.nowMs) }],
  ],
  'inquiry.taken': [
    async (tx, { roomId, agentId }) => {
      const runAt = await unansweredAt(tx)
      const taken: Taken = { roomId, agentId, at: tx.now }
      return runAt === undefined ? [] : [{ name: 'transfer-unanswered', data: taken, runAt }]
    },
  ],
  'room.resumed': [
    async (tx, { roomId }) => {
      const taken = await findUnanswered(tx, roomId)
      const runAt = taken && (await unansweredAt(tx))
      return runAt === undefined ? [] : [{ name: 'transfer-unanswered', data: taken, runAt }]
    },
  ],
  'agent.changed': [(tx, { userId }) => noteLeave(tx, userId)],
  // Twice: the rule that retires an agent does not see a visitor who is given that manager at that moment.
  'agent.retired': [
    (tx, { userId }) =>
      [tx.now, afterRules(tx.nowMs)].map((runAt) => ({ name: 'forget-retired-agent', data: { userId }, runAt })),
  ],
  'department.changed': [() => [{ name: 'offer-waiting-chats', data: null, uniqueKey: 'offer-after-department' }]],
  // Twice: the rule that removes a department does not see a visitor who names it at that moment.
  'department.removed': [
    (tx, { departmentId }) =>
      [tx.now, afterRules(tx.nowMs)].map((runAt) => ({ name: 'forget-department', data: { departmentId }, runAt })),
  ],
  'room.closed': [(tx, { roomId }) => transcriptJobs(tx, roomId)],
  // A file that nobody sends is somebody's change of mind.
  'file.received': [
    (tx, { fileId, messageId }) =>
      messageId === null
        ? [{ name: 'forget-unsent-file', data: { fileId }, runAt: new Date(tx.nowMs + UNSENT_KEPT_MS).toISOString() }]
        : [],
  ],
  'files.removed': [(_tx, { fileIds }) => [{ name: 'remove-files', data: { fileIds } }]],
  'presence.held': [
    (_tx, { roomId, until }) => [
      { name: 'tell-presence', data: { roomId }, uniqueKey: `tell-presence:${roomId}`, runAt: until },
    ],
  ],
  'contact.mentioned': [(_tx, data) => [{ name: 'capture-contact', data }]],
  'mail.queued': [(_tx, { mailId }) => [{ name: 'send-mail', data: { mailId }, uniqueKey: `send-mail:${mailId}` }]],
  'password.forgotten': [
    (_tx, { email }) => [
      { name: 'answer-forgotten-password', data: { email }, uniqueKey: `forgotten-password:${digestOf(email)}` },
    ],
  ],
  'user.renamed': [
    (_tx, { userId }) => [{ name: 'rename-in-rooms', data: { userId }, uniqueKey: `rename-in-rooms:${userId}` }],
  ],
  'settings.changed': [
    (_tx, { ids }) =>
      ids.some((id) => servingSettings.has(id))
        ? [{ name: 'offer-waiting-chats', data: null, uniqueKey: 'offer-after-settings' }]
        : [],
  ],
}

/** How long a stored file waits to be sent (contract §E.4, `rooms.mediaConfirm`). */
const UNSENT_KEPT_MS = 86_400_000

/** Settings that decide whether a chat that waits can be served. */
const servingSettings: ReadonlySet<string> = new Set([
  'Livechat_Routing_Method',
  'Livechat_waiting_queue',
  'Livechat_maximum_chats_per_agent',
  'Livechat_enabled_when_agent_idle',
  'Livechat_assign_new_conversation_to_bot',
])

/** When every rule that runs now has ended. */
function afterRules(nowMs: number): string {
  return new Date(nowMs + 2 * RULE_DEADLINE_MS).toISOString()
}

/** As long as any other, whatever somebody asked with. */
function digestOf(text: string): string {
  return hash('sha256', text.trim().toLowerCase(), 'base64url')
}

function soon(nowMs: number): string {
  return new Date(nowMs + 2_000).toISOString()
}
