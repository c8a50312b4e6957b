import type { Message } from '../answers.ts'
import type { DeskRoom } from './desk-model.ts'
import { publicFile } from './files.ts'
import { messageDocument, timeOf, type Reader } from './documents.ts'

/** Everything that was written in a room, newest first. */
export function historyOf(
  room: DeskRoom,
  { end, limit, offset = 0 }: { end?: string; limit: number; offset?: number },
  reader: Reader,
): Message[] {
  const beforeMs = end === undefined ? Infinity : Date.parse(end)
  const said = room.messages.filter(({ deletedMs, sentMs }) => deletedMs === undefined && sentMs < beforeMs)
  const page = said.reverse().slice(offset, offset + limit)
  return page.map((message) => ({
    ...messageDocument(message, room, reader),
    ...(reader === 'visitor' && publicFile(message.extra)),
  }))
}

interface Changes {
  changes: { _id: string; seq: number; message?: Message; deletedAt?: string }[]
  next: number
  more: boolean
}

/** What changed in a room since a change number, in the order of the changes; what was deleted as its number and time. */
export function changesSince(room: DeskRoom, after: number, count: number, reader: Reader): Changes {
  const later = room.messages.filter(({ seq }) => seq > after).sort((one, other) => one.seq - other.seq)
  const page = later.slice(0, count)
  return {
    changes: page.map((message) => {
      const { id: _id, seq, deletedMs } = message
      return deletedMs === undefined
        ? { _id, seq, message: messageDocument(message, room, reader) }
        : { _id, seq, deletedAt: timeOf(deletedMs) }
    }),
    next: page.at(-1)?.seq ?? after,
    more: later.length > page.length,
  }
}
