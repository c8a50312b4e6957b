import { Type as t } from 'typebox'
import { Id, Nothing, Token } from '../entities/basics.ts'
import { operations } from '../operation.ts'

export const transcripts = operations('Transcripts', {
  'POST /livechat/transcript': {
    summary: 'Have a conversation mailed to its visitor',
    description:
      'To the address that the visitor registered with; to any other only where the setting ' +
      '`Livechat_transcript_any_address` is on. Three times an hour for a room at most, ' +
      'and for an address, whichever rooms the letters are of.',
    caller: 'anyone',
    limit: 'transcript',
    body: t.Object({ rid: Id, token: Token, email: t.String({ maxLength: 256 }) }),
    returns: t.Object({ message: t.String() }),
    errors: {
      'error-invalid-visitor': 'bare',
      'invalid email': 'withCode',
      'error-too-many-requests': 'tooMany',
    },
  },
  'POST /livechat/transcript/:rid': {
    summary: 'Ask for a transcript to be mailed when the conversation ends',
    caller: { permission: 'send-omnichannel-chat-transcript' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    body: t.Object({ email: t.String({ maxLength: 256 }), subject: t.String({ maxLength: 256 }) }),
    returns: Nothing,
    errors: {
      'invalid-params': 'withCode',
      'error-invalid-room': 'withCode',
      'error-transcript-already-requested': 'withCode',
    },
  },
  'DELETE /livechat/transcript/:rid': {
    summary: 'Take that wish back',
    caller: { permission: 'send-omnichannel-chat-transcript' },
    limit: 'staff',
    params: t.Object({ rid: Id }),
    returns: Nothing,
    errors: { 'error-invalid-room': 'bare', 'error-transcript-not-requested': 'bare' },
  },
})
