import type { transcripts } from '@deskbell/contract/areas/transcripts.ts'
import type { Handlers } from '../../context.ts'
import { cancelTranscript, mailToVisitor, requestTranscript } from './transcripts.ts'

export const transcriptRoutes: Handlers<typeof transcripts> = {
  'POST /livechat/transcript': async (context, { body }) => {
    const { rid, token, email } = body
    await mailToVisitor(context, { token, roomId: rid, email, now: context.clock() })
    return { message: 'Your transcript has been sent.' }
  },
  'POST /livechat/transcript/:rid': async ({ transact }, { params, body, user }) => {
    const { email, subject } = body
    await transact((tx) => requestTranscript(tx, user, { roomId: params.rid, email, subject }))
    return {}
  },
  'DELETE /livechat/transcript/:rid': async ({ transact }, { params, user }) => {
    await transact((tx) => cancelTranscript(tx, user, params.rid))
    return {}
  },
}
