import { answerForgotten, removeExpiredLinks } from './areas/accounts/accounts.ts'
import { forgetRemoved } from './areas/departments/departments.ts'
import { forgetUnsentFile, findKnownFiles } from './areas/files/files.ts'
import {
  actOnLeave,
  closeHeldTooLong,
  closeWaitingTooLong,
  endAbandoned,
  forgetRetired,
  renameInRooms,
  transferUnanswered,
  type Leave,
  type Taken,
} from './areas/rooms/rooms.ts'
import { offerOutside, offerWaitingChats, withOutside } from './areas/routing/routing.ts'
import { removeExpiredSessions } from './areas/sessions/sessions.ts'
import { readSettings } from './areas/settings/settings.ts'
import { mailAtClose } from './areas/transcripts/transcripts.ts'
import { captureContact, removeExpiredVisits, tellPresence } from './areas/visitors/visitors.ts'
import type { Context } from './context.ts'
import type { JobFunction, Recurring } from './jobs/worker.ts'
import { parseMailbox } from './mail/address.ts'
import { removeOldLetters } from './mail/outbox.ts'
import { sendMail } from './mail/send-mail.ts'

/** Job name → what it does. */
export function jobFunctions(context: Context): Readonly<Record<string, JobFunction>> {
  const { transact, read, config, files } = context
  return {
    'offer-waiting-chats': async () => {
      while ((await offerWaitingChats(context)) > 0);
      await offerOutside(context)
    },
    'forget-department': async (data) => {
      const { departmentId } = data as { departmentId: string }
      while ((await transact((tx) => forgetRemoved(tx, departmentId))) > 0);
    },
    'close-waiting-too-long': () => closeWaitingTooLong(context),
    'end-abandoned': () => endAbandoned(context),
    'close-held-too-long': () => closeHeldTooLong(context),
    'transfer-unanswered': (taken) =>
      withOutside(context, (tx, outside) => transferUnanswered(tx, taken as Taken, outside)),
    'forget-retired-agent': (data) => forgetRetired(read, transact, (data as { userId: string }).userId),
    'act-on-leave': (leave) => actOnLeave(context, leave as Leave),
    'remove-expired-sessions': () => transact(removeExpiredSessions),
    'remove-expired-links': () => transact(removeExpiredLinks),
    'answer-forgotten-password': (data) => answerForgotten(context, (data as { email: string }).email),
    'rename-in-rooms': (data) => renameInRooms(read, transact, (data as { userId: string }).userId),
    'send-mail': async (job) => {
      const { mailId } = job as { mailId: string }
      const { From_Email } = await readSettings(read)
      await sendMail(context, mailId, parseMailbox(config.mail.from ?? From_Email))
    },
    'mail-transcript': (job) => mailAtClose(context, job as { roomId: string; lineId: string }),
    'remove-old-letters': () => transact(removeOldLetters),
    'forget-unsent-file': (data) => transact((tx) => forgetUnsentFile(tx, (data as { fileId: string }).fileId)),
    'remove-files': (data) => files.remove((data as { fileIds: string[] }).fileIds),
    'sweep-files': () => files.sweep((ids) => findKnownFiles(read, ids)),
    'tell-presence': (data) => transact((tx) => tellPresence(tx, (data as { roomId: string }).roomId)),
    'capture-contact': (data) => captureContact(context, data as { visitorId: string; messageId: string }),
    'remove-expired-visits': async () => {
      while ((await transact(removeExpiredVisits)) > 0);
    },
  }
}

const SECOND_MS = 1_000

/** What runs again and again. */
export const schedule: readonly Recurring[] = [
  { name: 'offer-waiting-chats', everyMs: 5 * SECOND_MS },
  { name: 'close-waiting-too-long', everyMs: 30 * SECOND_MS },
  { name: 'end-abandoned', everyMs: 60 * SECOND_MS },
  { name: 'close-held-too-long', everyMs: 60 * SECOND_MS },
  { name: 'remove-expired-sessions', everyMs: 3_600 * SECOND_MS },
  { name: 'remove-expired-links', everyMs: 3_600 * SECOND_MS },
  { name: 'remove-old-letters', everyMs: 3_600 * SECOND_MS },
  { name: 'sweep-files', everyMs: 3_600 * SECOND_MS },
  { name: 'remove-expired-visits', everyMs: 3_600 * SECOND_MS },
]
