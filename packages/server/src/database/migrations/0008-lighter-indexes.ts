import { sql, type Kysely } from 'kysely'
import type { ColumnKinds } from '../columns.ts'

/** Indexes of columns that are nearly always empty: rows without a value stay out, so that a new chat writes fewer. */
export async function up(db: Kysely<unknown>, _kind: ColumnKinds): Promise<void> {
  for (const [name, instead, column] of [
    ['openRoomByAbandonment', 'roomToAbandon', 'abandonsAt'],
    ['openRoomByHold', 'roomOnHold', 'heldAt'],
  ] as const) {
    await db.schema
      .createIndex(instead)
      .on('room')
      .column(column)
      .where(sql.ref('closedAt'), 'is', null)
      .where(sql.ref(column), 'is not', null)
      .execute()
    await db.schema.dropIndex(name).execute()
  }
  for (const [name, instead, column] of [
    ['visitorByPhone', 'visitorWithPhone', 'phone'],
    ['visitorByEmail', 'visitorWithEmail', 'email'],
  ] as const) {
    await db.schema.createIndex(instead).on('visitor').column(column).where(sql.ref(column), 'is not', null).execute()
    await db.schema.dropIndex(name).execute()
  }
}
