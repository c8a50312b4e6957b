import { Type as t } from 'typebox'
import { Id } from '../entities/basics.ts'
import { Message } from '../entities/message.ts'
import { operations } from '../operation.ts'

// As much as a part of a form may hold; the rules hold the text against the settings.
const Text = t.String({ maxLength: 100_000 })
const Description = t.String({ maxLength: 1_000 })

const ofForm = {
  'not-multipart': 'text',
  'unreadable-form': 'text',
  'no-file': 'withCode',
  'invalid-field': 'withCode',
  'error-file-upload-disabled': 'reason',
  'error-type-not-allowed': 'reason',
} as const

const ofStaff = {
  ...ofForm,
  unauthorized: 'forbidden',
  'error-file-too-large': 'withCode',
  'error-message-size-exceeded': 'withCode',
  'room-closed': 'bare',
} as const

export const files = operations('Files', {
  'POST /livechat/upload/:rid': {
    summary: 'Send a file as a visitor',
    description:
      'The token stands in the header `x-visitor-token`, or in a part `token` before the file. The answer is the message ' +
      'that carries the file. A visitor sends at most 20 files within 24 hours, and no more than 100 MiB with more than one.',
    caller: 'anyone',
    limit: 'send',
    validation: 'match',
    params: t.Object({ rid: Id }),
    upload: { fields: t.Object({ msg: t.Optional(Text), description: t.Optional(Description) }) },
    returns: t.Interface([Message], { newRoom: t.Boolean(), showConnecting: t.Boolean() }),
    errors: {
      ...ofForm,
      unauthorized: 'forbidden',
      'error-size-not-allowed': 'reason',
      'error-too-many-requests': 'tooMany',
      'message-length-exceeds-character-limit': 'bare',
    },
  },
  'POST /rooms.upload/:rid': {
    summary: 'Send a file as a member of the staff',
    caller: 'user',
    limit: 'staff',
    params: t.Object({ rid: Id }),
    upload: { fields: t.Object({ msg: t.Optional(Text), description: t.Optional(Description) }) },
    returns: t.Object({ message: Message }),
    errors: ofStaff,
  },
  'POST /rooms.media/:rid': {
    summary: 'Store a file that a message will carry',
    description: 'Confirm it within a day with `rooms.mediaConfirm`; until then nobody else sees it, and then it goes.',
    caller: 'user',
    limit: 'staff',
    params: t.Object({ rid: Id }),
    upload: { fields: t.Object({}) },
    returns: t.Object({ file: t.Object({ _id: t.String(), url: t.String() }) }),
    errors: { ...ofForm, unauthorized: 'forbidden', 'error-file-too-large': 'withCode', 'room-closed': 'bare' },
  },
  'POST /rooms.mediaConfirm/:rid/:fileId': {
    summary: 'Send a stored file',
    caller: 'user',
    limit: 'staff',
    params: t.Object({ rid: Id, fileId: Id }),
    body: t.Object({ msg: t.Optional(Text), description: t.Optional(Description) }),
    returns: t.Object({ message: Message }),
    errors: {
      unauthorized: 'forbidden',
      'invalid-file': 'withCode',
      'error-message-size-exceeded': 'withCode',
      'room-closed': 'bare',
    },
  },
})
