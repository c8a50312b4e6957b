import { sql, type Expression, type SqlBool } from 'kysely'
import type { Reader } from '../../database/transaction.ts'
import { roomFromRow, type Room } from '../timeline/timeline.ts'

export type ChatColumn = 'openedAt' | 'closedAt' | 'messageCount'

export interface ChatPage {
  offset: number
  limit: number
  order: readonly { column: ChatColumn; direction: 'asc' | 'desc' }[]
}

/** Which chats of a visitor; absent keys leave out none. */
export interface ChatFilter {
  visitorId: string
  /** Something that was said, as it was written. */
  text?: string | undefined
  isClosed?: boolean
  isServed?: boolean
  /** Part of the kind of source. */
  source?: string | undefined
}

/** Chats of a visitor, and how many there are. */
export async function listChats(
  reader: Reader,
  filter: ChatFilter,
  page: ChatPage,
): Promise<{ rooms: Room[]; total: number }> {
  const chosen = matches(reader, filter)
  let sorted = chosen.selectAll()
  for (const { column, direction } of page.order)
    sorted = sorted.orderBy(column, (order) =>
      direction === 'asc' ? order.asc().nullsFirst() : order.desc().nullsLast(),
    )
  const rows = await reader.all(sorted.orderBy('id', 'desc').limit(page.limit).offset(page.offset))
  const counted = await reader.first(chosen.select((eb) => eb.fn.countAll<number>().as('total')))
  return { rooms: rows.map(roomFromRow), total: counted?.total ?? 0 }
}

function matches(reader: Reader, { visitorId, text, isClosed, isServed, source }: ChatFilter) {
  let query = reader.sql.selectFrom('room').where('visitorId', '=', visitorId)
  if (isClosed === true) query = query.where('closedAt', 'is not', null)
  if (isServed === true) query = query.where('servedById', 'is not', null)
  if (source !== undefined && source !== '')
    query = query.where((eb) => contains(eb.ref('sourceType'), source.toLowerCase()))
  if (text !== undefined && text !== '')
    query = query.where((eb) =>
      eb.exists(
        eb
          .selectFrom('message')
          .select('message.id')
          .whereRef('message.roomId', '=', 'room.id')
          .where('message.deletedAt', 'is', null)
          .where('message.type', 'is', null)
          .where((said) => contains(said.ref('message.text'), text)),
      ),
    )
  return query
}

/** Part of a text, case by case: `like` minds it on one database alone, and taking the part away does on both. */
function contains(column: Expression<unknown>, part: string) {
  return sql<SqlBool>`replace(${column}, ${part}, '') <> ${column}`
}
