// What members of the staff can read over HTTP: their rooms, and what was said there.
import type { Contract } from '@deskbell/contract/contract.ts'
import type { Desk } from './desk.ts'
import { messageDocument, roomDocument, subscriptionDocument, timeOf } from './documents.ts'
import { pageOf, type Table } from './operation.ts'
import { changesSince, historyOf } from './reading.ts'
import { forbidden, Refused, withCode } from './refusal.ts'
import { isWaiting, requireMessage, requireReadable, servedOpen } from './staff-guards.ts'

/** The operations that are here. */
export type ReadingKey = Extract<
  keyof Contract,
  | 'GET /livechat/rooms'
  | 'GET /rooms.get'
  | 'GET /rooms.info'
  | 'GET /subscriptions.get'
  | 'GET /subscriptions.getOne'
  | 'GET /livechat/messages/:rid'
  | 'GET /livechat/room.history/:rid'
  | 'GET /livechat/room.changes/:rid'
  | 'GET /chat.syncMessages'
  | 'GET /chat.getMessage'
>

/** The reading operations of the staff on a desk. */
export function staffReading(desk: Desk): Table<ReadingKey> {
  return { ...listing(desk), ...reading(desk) }
}

function listing(desk: Desk) {
  return {
    'GET /livechat/rooms': {
      isStaffs: true,
      answer: ({ caller, query }) => {
        const { agents, open, queued } = query
        if (!caller.isManager && agents?.join() !== caller.id) throw forbidden('unauthorized')
        const found = [...desk.rooms.values()].filter((room) => {
          if (queued === true && !isWaiting(room)) return false
          if (open !== undefined && open !== (room.closed === undefined)) return false
          return agents === undefined || agents.includes(room.servedBy?.agent.id ?? '')
        })
        return pageOf(
          query,
          'rooms',
          found.map((room) => roomDocument(room, 'staff')),
        )
      },
    },
    'GET /rooms.get': {
      isStaffs: true,
      answer: ({ caller }) => ({
        update: servedOpen(desk, caller).map((room) => roomDocument(room, 'staff')),
        remove: [],
      }),
    },
    'GET /rooms.info': {
      isStaffs: true,
      requires: ['roomId'],
      answer: ({ caller, query: { roomId } }) => {
        const room = desk.rooms.get(roomId)
        if (room === undefined || !desk.mayRead(caller, room))
          throw new Refused(400, { success: false, error: 'not-allowed', errorType: 'Not Allowed' })
        return { room: roomDocument(room, 'staff') }
      },
    },
    'GET /subscriptions.getOne': {
      isStaffs: true,
      requires: ['roomId'],
      answer: ({ caller, query: { roomId } }) => {
        const room = servedOpen(desk, caller).find(({ id }) => id === roomId)
        return { subscription: room === undefined ? null : subscriptionDocument(room, caller) }
      },
    },
    'GET /subscriptions.get': {
      isStaffs: true,
      answer: ({ caller }) => ({
        update: servedOpen(desk, caller).map((room) => subscriptionDocument(room, caller)),
        remove: [],
      }),
    },
  } satisfies Partial<Table<ReadingKey>>
}

function reading(desk: Desk) {
  return {
    'GET /livechat/messages/:rid': {
      isStaffs: true,
      answer: ({ caller, params: { rid }, query: { count = 50, offset = 0, before, after } }) => {
        const room = requireReadable(desk, caller, rid)
        const beforeMs = before === undefined ? Infinity : Date.parse(before)
        const afterMs = after === undefined ? -Infinity : Date.parse(after)
        const said = room.messages.filter(
          ({ deletedMs, type, sentMs }) =>
            deletedMs === undefined && type === undefined && sentMs < beforeMs && sentMs > afterMs,
        )
        const messages = said
          .reverse()
          .slice(offset, offset + count)
          .map((message) => messageDocument(message, room, 'staff'))
        return { messages, count, offset, total: said.length }
      },
    },
    'GET /livechat/room.history/:rid': {
      isStaffs: true,
      answer: ({ caller, params: { rid }, query }) => ({
        messages: historyOf(requireReadable(desk, caller, rid), { limit: 50, ...query }, 'staff'),
      }),
    },
    'GET /livechat/room.changes/:rid': {
      isStaffs: true,
      answer: ({ caller, params: { rid }, query: { after = 0, count = 100 } }) =>
        changesSince(requireReadable(desk, caller, rid), after, count, 'staff'),
    },
    'GET /chat.syncMessages': {
      isStaffs: true,
      requires: ['roomId', 'lastUpdate'],
      answer: ({ caller, query: { roomId, lastUpdate } }) => {
        const room = desk.rooms.get(roomId)
        if (room === undefined || !desk.mayRead(caller, room)) throw withCode('error-not-allowed')
        const later = room.messages.filter(({ updatedMs }) => updatedMs > Date.parse(lastUpdate))
        return {
          result: {
            updated: later
              .filter(({ deletedMs }) => deletedMs === undefined)
              .map((message) => messageDocument(message, room, 'staff')),
            deleted: later.flatMap(({ id, deletedMs }) =>
              deletedMs === undefined ? [] : [{ _id: id, _deletedAt: timeOf(deletedMs) }],
            ),
          },
        }
      },
    },
    'GET /chat.getMessage': {
      isStaffs: true,
      requires: ['msgId'],
      answer: ({ caller, query: { msgId } }) => {
        const { room, message } = requireMessage(desk, caller, msgId)
        return { message: messageDocument(message, room, 'staff') }
      },
    },
  } satisfies Partial<Table<ReadingKey>>
}
