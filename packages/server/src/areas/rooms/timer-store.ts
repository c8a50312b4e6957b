import type { Reader } from '../../database/transaction.ts'

/** Rooms whose visitors wait since a moment or longer, a few of them. */
export async function listWaitingSince(reader: Reader, since: string, limit: number): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('inquiry')
      .select('roomId')
      .where('status', '=', 'queued')
      // The place in the queue has an index; who was put back waits since later than that.
      .where('waitingSince', '<=', since)
      .where('queuedAt', '<=', since)
      .orderBy('waitingSince')
      .limit(limit),
  )
  return rows.map(({ roomId }) => roomId)
}

/** Open rooms whose visitors count as gone by now, a few of them. */
export async function listAbandoned(reader: Reader, now: string, limit: number): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('room')
      .select('id')
      .where('closedAt', 'is', null)
      .where('abandonsAt', '<=', now)
      .where('isOnHold', '=', 0)
      .where('isWaitingResponse', '=', 0)
      .orderBy('abandonsAt')
      .limit(limit),
  )
  return rows.map(({ id }) => id)
}

/** Rooms on hold since a moment or longer, a few of them. */
export async function listHeldSince(reader: Reader, since: string, limit: number): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('room')
      .select('id')
      .where('closedAt', 'is', null)
      .where('heldAt', '<=', since)
      .where('isOnHold', '=', 1)
      .orderBy('heldAt')
      .limit(limit),
  )
  return rows.map(({ id }) => id)
}

/** The open rooms that an agent serves, without those on hold. */
export async function listServedBy(reader: Reader, userId: string): Promise<string[]> {
  const rows = await reader.all(
    reader.sql
      .selectFrom('room')
      .select('id')
      .where('servedById', '=', userId)
      .where('closedAt', 'is', null)
      .where('isOnHold', '=', 0)
      .orderBy('servedAt')
      .limit(1_000),
  )
  return rows.map(({ id }) => id)
}
