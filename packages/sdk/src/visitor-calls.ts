import type {
  ConfigAnswer,
  HistoryAnswer,
  Message,
  MessageUpdateAnswer,
  RegistrationAnswer,
  RoomAnswer,
  SyncAnswer,
  UploadAnswer,
} from './answers.ts'
import type { Call, CallOptions } from './call.ts'
import type { RoomSource } from './room-feed.ts'
import { sendFile } from './send-file.ts'
import { sendMessage } from './send-message.ts'
import type { UploadSource } from './upload.ts'
import type { SessionUploadOptions, VisitorSessionOptions } from './visitor.ts'

type GivenFetch = typeof globalThis.fetch | undefined

/** Who visitors say to be. */
type GivenByVisitor = Pick<VisitorSessionOptions, 'name' | 'email' | 'phone' | 'department' | 'customFields'>

/** The calls of one visitor. */
export type VisitorCalls = ReturnType<typeof visitorCalls>

/** The token may be another after the registration, so it is asked for with every call. */
export function visitorCalls(call: Call, tokenNow: () => string, fetch: GivenFetch) {
  return {
    config: (department: string | undefined, options: CallOptions) =>
      call<ConfigAnswer>('GET /livechat/config', { query: { token: tokenNow(), department } }, options),

    /** Rejects with `invalid-token` where the server does not know the visitor. */
    requireKnown: (options: CallOptions) =>
      call<object>('GET /livechat/visitor/:token', { params: { token: tokenNow() } }, options),

    register(given: GivenByVisitor, options: CallOptions) {
      const visitor = { token: tokenNow(), ...given }
      return call<RegistrationAnswer>('POST /livechat/visitor', { json: { visitor } }, options)
    },

    /** The open room, or a new one. */
    room: (options: CallOptions) => call<RoomAnswer>('GET /livechat/room', { query: { token: tokenNow() } }, options),

    async send(message: { _id: string; rid: string; msg: string }, options: CallOptions): Promise<Message> {
      return (await sendMessage(call, { token: tokenNow(), ...message }, options)).message
    },

    async edit(id: string, { rid, msg }: { rid: string; msg: string }, options?: CallOptions): Promise<Message> {
      const outgoing = { params: { _id: id }, json: { token: tokenNow(), rid, msg } }
      return (await call<MessageUpdateAnswer>('PUT /livechat/message/:_id', outgoing, options)).message
    },

    async remove(id: string, rid: string, options?: CallOptions): Promise<void> {
      // Proxies drop the body of a DELETE, Rocket.Chat reads nothing else: hence both.
      const proof = { token: tokenNow(), rid }
      await call('DELETE /livechat/message/:_id', { params: { _id: id }, query: proof, json: proof }, options)
    },

    async close(rid: string, options?: CallOptions): Promise<void> {
      await call('POST /livechat/room.close', { json: { rid, token: tokenNow() } }, options)
    },

    async rate(rid: string, answers: Record<string, string>, options?: CallOptions): Promise<void> {
      const data = Object.entries(answers).map(([name, value]) => ({ name, value }))
      await call('POST /livechat/room.survey', { json: { rid, token: tokenNow(), data } }, options)
    },

    async upload(rid: string, file: UploadSource, options: SessionUploadOptions): Promise<Message> {
      const sent = { operation: 'POST /livechat/upload/:rid', rid, file, token: tokenNow(), fetch } as const
      const answer = await sendFile<UploadAnswer>(call, sent, options)
      const { success: _, newRoom: _new, showConnecting: _connecting, ...message } = answer
      return message
    },

    source: (rid: string) => sourceOf(call, rid, tokenNow),
  }
}

function sourceOf(call: Call, rid: string, tokenNow: () => string): RoomSource {
  return {
    readChanges(after, signal) {
      const outgoing = { params: { rid }, query: { token: tokenNow(), after } }
      return call<SyncAnswer>('GET /livechat/messages.sync/:rid', outgoing, { signal })
    },
    async readHistory({ before, limit }, signal) {
      const outgoing = { params: { rid }, query: { token: tokenNow(), end: before, limit } }
      return (await call<HistoryAnswer>('GET /livechat/messages.history/:rid', outgoing, { signal })).messages
    },
  }
}
