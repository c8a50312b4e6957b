import type { offlineMessages } from '@deskbell/contract/areas/offline-messages.ts'
import type { Handlers } from '../../context.ts'
import { leaveMessage } from './offline-messages.ts'

/** Clients send the word `null` for a page they do not know (contract A.22). */
const NO_HOST = 'null'

export const offlineMessageRoutes: Handlers<typeof offlineMessages> = {
  'POST /livechat/offline.message': async (context, { body }) => {
    const { name, email, message, department, host } = body
    const page = host === NO_HOST ? undefined : (host ?? undefined)
    await leaveMessage(context, { name, email, message, department: department ?? undefined, host: page })
    return { message: 'Livechat offline message sent' }
  },
}
