import type { Closing, StatusChange, Transfer } from './agent.ts'
import type {
  AccountAnswer,
  Message,
  PlaceAnswer,
  PlacesAnswer,
  QueueAnswer,
  StaffChangesAnswer,
  StaffHistoryAnswer,
  StaffMessageAnswer,
  StaffRoomsAnswer,
  TakeAnswer,
} from './answers.ts'
import type { Call, CallOptions } from './call.ts'
import type { RoomSource } from './room-feed.ts'
import { sendFile } from './send-file.ts'
import type { SentFile } from './send-file.ts'
import type { UploadSource } from './upload.ts'
import type { SessionUploadOptions } from './visitor.ts'

/** The calls of one agent. */
export type AgentCalls = ReturnType<typeof agentCalls>

/** How an agent's requests are made: `call` signs, and so must what sends files. */
export type Signing = Pick<SentFile, 'fetch' | 'sign'>

export function agentCalls(call: Call, signing: Signing) {
  return { ...readingCalls(call), ...messageCalls(call, signing), ...roomCalls(call) }
}

function readingCalls(call: Call) {
  return {
    account: (options: CallOptions) => call<AccountAnswer>('GET /me', {}, options),
    places: (options: CallOptions) => call<PlacesAnswer>('GET /subscriptions.get', {}, options),
    rooms: (options: CallOptions) => call<StaffRoomsAnswer>('GET /rooms.get', {}, options),

    async place(rid: string, options?: CallOptions) {
      const outgoing = { query: { roomId: rid } }
      return (await call<PlaceAnswer>('GET /subscriptions.getOne', outgoing, options)).subscription
    },

    async queue(options: CallOptions) {
      const outgoing = { query: { count: 100 } }
      return (await call<QueueAnswer>('GET /livechat/inquiries.queuedForUser', outgoing, options)).inquiries
    },

    source: (rid: string): RoomSource => ({
      readChanges: (after, signal) =>
        call<StaffChangesAnswer>('GET /livechat/room.changes/:rid', { params: { rid }, query: { after } }, { signal }),
      async readHistory({ before, limit }, signal) {
        const outgoing = { params: { rid }, query: { end: before, limit } }
        return (await call<StaffHistoryAnswer>('GET /livechat/room.history/:rid', outgoing, { signal })).messages
      },
    }),
  }
}

function messageCalls(call: Call, signing: Signing) {
  return {
    async send(message: { _id: string; rid: string; msg: string }, options: CallOptions): Promise<Message> {
      const outgoing = { json: { message }, repeatable: true }
      return (await call<StaffMessageAnswer>('POST /chat.sendMessage', outgoing, options)).message
    },

    async edit(message: { rid: string; id: string; text: string }, options?: CallOptions): Promise<Message> {
      const json = { roomId: message.rid, msgId: message.id, text: message.text }
      return (await call<StaffMessageAnswer>('POST /chat.update', { json }, options)).message
    },

    async remove(rid: string, id: string, options?: CallOptions): Promise<void> {
      await call('POST /chat.delete', { json: { roomId: rid, msgId: id } }, options)
    },

    async markRead(rid: string, options?: CallOptions): Promise<void> {
      await call('POST /subscriptions.read', { json: { rid } }, options)
    },

    async upload(rid: string, file: UploadSource, options: SessionUploadOptions): Promise<Message> {
      const sent = { operation: 'POST /rooms.upload/:rid', rid, file, ...signing } as const
      return (await sendFile<StaffMessageAnswer>(call, sent, options)).message
    },
  }
}

function roomCalls(call: Call) {
  return {
    /** The id of the room; older servers do not answer it. */
    async take(inquiryId: string, options?: CallOptions): Promise<string | undefined> {
      const json = { inquiryId, options: { clientAction: true } }
      return (await call<TakeAnswer>('POST /livechat/inquiries.take', { json }, options)).inquiry?._id
    },

    async transfer(rid: string, { userId, departmentId, comment }: Transfer, options?: CallOptions): Promise<void> {
      const json = { roomId: rid, userId, departmentId, comment, clientAction: true }
      await call('POST /livechat/room.forward', { json }, options)
    },

    async return(rid: string, options?: CallOptions): Promise<void> {
      await call('POST /livechat/inquiries.returnAsInquiry', { json: { roomId: rid } }, options)
    },

    async close(rid: string, { comment = '', tags }: Closing, options?: CallOptions): Promise<void> {
      await call('POST /livechat/room.closeByUser', { json: { rid, comment, tags } }, options)
    },

    async status({ presence, text, isAvailable }: StatusChange, options?: CallOptions): Promise<void> {
      if (presence !== undefined || text !== undefined)
        await call('POST /users.setStatus', { json: { status: presence, message: text } }, options)
      if (isAvailable === undefined) return
      const json = { status: isAvailable ? 'available' : 'not-available' }
      await call('POST /livechat/agent.status', { json }, options)
    },

    async signOut(options?: CallOptions): Promise<void> {
      await call('POST /logout', {}, options)
    },
  }
}
