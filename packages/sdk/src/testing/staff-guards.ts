// What members of the staff may touch, with the refusals that operations have in common.
import type { Desk } from './desk.ts'
import type { DeskAgent, DeskMessage, DeskRoom } from './desk-model.ts'
import { bare, inWords, withCode } from './refusal.ts'

/** Whether nobody serves it yet. */
export function isWaiting({ servedBy, closed }: DeskRoom): boolean {
  return servedBy === undefined && closed === undefined
}

/** The open rooms that somebody serves. */
export function servedOpen(desk: Desk, agent: DeskAgent): DeskRoom[] {
  return [...desk.rooms.values()].filter(({ servedBy, closed }) => servedBy?.agent === agent && closed === undefined)
}

/** Whether somebody has typed it themselves. */
export function isOwn({ type, author }: DeskMessage, { id }: DeskAgent): boolean {
  return type === undefined && author.kind === 'user' && author.id === id
}

/** A room that may be written in. */
export function requireWritable(desk: Desk, caller: DeskAgent, rid: string): DeskRoom {
  const room = desk.rooms.get(rid)
  if (room === undefined) throw bare('error-invalid-room')
  if (!desk.mayRead(caller, room)) throw bare('error-not-allowed')
  if (room.closed !== undefined) throw bare('room-closed')
  return room
}

/** A room that may be read. */
export function requireReadable(desk: Desk, caller: DeskAgent, rid: string): DeskRoom {
  const room = desk.rooms.get(rid)
  if (room === undefined) throw bare('invalid-room')
  if (!desk.mayRead(caller, room)) throw bare('not-allowed')
  return room
}

/** A message that may be read, with its room. */
export function requireMessage(desk: Desk, caller: DeskAgent, id: string) {
  const found = desk.findMessage(id)
  if (found === undefined || found.message.deletedMs !== undefined || !desk.mayRead(caller, found.room))
    throw inWords(`No message found with the id of "${id}".`)
  return found
}

/** A message of the room that the caller has typed. */
export function requireOwn(desk: Desk, caller: DeskAgent, roomId: string, id: string) {
  const found = requireMessage(desk, caller, id)
  if (found.room.id !== roomId) throw inWords('The room id provided does not match where the message is from.')
  if (!isOwn(found.message, caller)) throw withCode('error-action-not-allowed')
  return found
}
