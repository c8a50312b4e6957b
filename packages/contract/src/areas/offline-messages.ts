import { Type as t } from 'typebox'
import { Maybe } from '../entities/basics.ts'
import { operations } from '../operation.ts'

export const offlineMessages = operations('Offline messages', {
  'POST /livechat/offline.message': {
    summary: 'Leave a message while nobody is there',
    description:
      'Mailed to the address of the department, or to that of the setting `Livechat_offline_email`; the visitor’s own ' +
      'address stands in Reply-To alone. Answered when the letter is on disk: whether and when it arrives is in the log.',
    caller: 'anyone',
    limit: 'mail',
    body: t.Object({
      name: t.String({ maxLength: 256 }),
      email: t.String({ maxLength: 256 }),
      message: t.String({ maxLength: 10_000 }),
      department: Maybe(t.String({ maxLength: 256, description: 'An id or a name' })),
      host: Maybe(t.String({ maxLength: 2_000, description: 'The page it was sent from' })),
    }),
    returns: t.Object({ message: t.String() }),
    errors: { 'offline-message-not-sent': 'text' },
  },
})
