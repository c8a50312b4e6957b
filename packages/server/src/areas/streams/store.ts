import type { Reader } from '../../database/transaction.ts'

const IDS_AT_ONCE = 500

/** Of these rooms the open ones that an agent serves. */
export async function listHeardOf(reader: Reader, agentId: string, roomIds: readonly string[]): Promise<string[]> {
  if (roomIds.length === 0) return []
  const heard = new Set(roomIds)
  const served = await reader.all(
    reader.sql.selectFrom('room').select('id').where('servedById', '=', agentId).where('closedAt', 'is', null),
  )
  return served.map(({ id }) => id).filter((id) => heard.has(id))
}

/** The place of a room that waits, among those of its department. */
export interface Spot {
  roomId: string
  departmentId: string | undefined
  /** 1 for the next. */
  spot: number
}

/** Of these rooms those that wait, with their places. */
export async function listSpots(reader: Reader, roomIds: readonly string[]): Promise<Spot[]> {
  const spots: Spot[] = []
  for (let from = 0; from < roomIds.length; from += IDS_AT_ONCE) {
    const waiting = reader.sql
      .selectFrom('inquiry')
      .select((eb) => [
        'roomId',
        'departmentId',
        eb.fn
          .agg<number>('row_number')
          .over((over) => over.partitionBy('departmentId').orderBy('waitingSince').orderBy('id'))
          .as('spot'),
      ])
      .where('status', '=', 'queued')
    const rows = await reader.all(
      reader.sql
        .selectFrom(waiting.as('waiting'))
        .selectAll()
        .where('roomId', 'in', roomIds.slice(from, from + IDS_AT_ONCE)),
    )
    for (const { roomId, departmentId, spot } of rows)
      spots.push({ roomId, departmentId: departmentId ?? undefined, spot })
  }
  return spots
}

/** Of these rooms those that nobody serves now, of one department or of all: who works there may look into them. */
export async function listUnserved(
  reader: Reader,
  roomIds: readonly string[],
  departmentId: string | undefined,
): Promise<string[]> {
  const found: string[] = []
  for (let from = 0; from < roomIds.length; from += IDS_AT_ONCE) {
    const rooms = reader.sql
      .selectFrom('room')
      .select('id')
      .where('id', 'in', roomIds.slice(from, from + IDS_AT_ONCE))
      .where((eb) => eb.or([eb('servedById', 'is', null), eb('closedAt', 'is not', null)]))
    const rows = await reader.all(departmentId === undefined ? rooms : rooms.where('departmentId', '=', departmentId))
    for (const { id } of rows) found.push(id)
  }
  return found
}

/** How far a room has come, and what decides who may listen to it. */
export interface RoomState {
  roomId: string
  seq: number
  visitorId: string
  /** The rest of it, as one text to compare. */
  access: string
}

/** How these rooms stand; those that are gone are left out. */
export async function listStates(reader: Reader, roomIds: readonly string[]): Promise<RoomState[]> {
  const states: RoomState[] = []
  for (let from = 0; from < roomIds.length; from += IDS_AT_ONCE) {
    const rows = await reader.all(
      reader.sql
        .selectFrom('room')
        .select(['id', 'seq', 'visitorId', 'servedById', 'departmentId', 'memberCount', 'closedAt'])
        .where('id', 'in', roomIds.slice(from, from + IDS_AT_ONCE)),
    )
    for (const { id, seq, visitorId, ...rest } of rows)
      states.push({ roomId: id, seq, visitorId, access: JSON.stringify(rest) })
  }
  return states
}
