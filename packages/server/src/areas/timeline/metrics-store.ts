// The numbers of a conversation (contract §B.9), counted where a message moves its room on: part of that one update.
import { sql, type ExpressionBuilder, type Selectable } from 'kysely'
import { withoutNulls } from '../../database/columns.ts'
import type { RoomTable, Tables } from '../../database/schema.ts'

/** How fast a visitor was answered. Durations are seconds, with fractions; absent: it has not happened. */
export interface Metrics {
  /** When the visitor asked what is open now, or was answered last. */
  askedAt?: string
  /** When that was answered. */
  repliedAt?: string
  /** Answers to questions: how many, how long they took together, how long the first one took and when it came. */
  response?: { count: number; seconds: number; firstSeconds: number; firstAt: string }
  /** The same since an agent was there. */
  reaction?: { seconds: number; firstSeconds: number; firstAt: string }
  /** How long the visitor had said nothing when the room was closed. */
  inactivitySeconds?: number
}

type RoomUpdate = ExpressionBuilder<Tables, 'room'>
type Milliseconds = ReturnType<typeof nextClock>

/** The time of a room's next message: strictly increasing, whatever the clock does (docs/architecture.md, continuity). */
export function nextClock(nowMs: number) {
  return sql<number>`case when ${sql.ref('clockMs')} >= ${nowMs} then ${sql.ref('clockMs')} + 1 else ${nowMs} end`
}

/** What a visitor's message changes: the first one after an answer opens a new question. */
export function countQuestion(eb: RoomUpdate, { nowMs }: { nowMs: number }) {
  return {
    askedMs: eb
      .case()
      .when(eb.or([eb('askedMs', 'is', null), eb('repliedMs', '>=', eb.ref('askedMs'))]))
      .then(nextClock(nowMs))
      .else(eb.ref('askedMs'))
      .end(),
  }
}

/**
 * What an agent's message changes: the first one to a question is an answer to it, the others are not counted. As long
 * as the visitor has asked nothing, each one counts as the first of all (contract §B.9, edge).
 */
export function countReply(eb: RoomUpdate, { now, nowMs }: { now: string; nowMs: number }) {
  const isFirst = eb('repliedMs', 'is', null)
  const isOpen = eb('askedMs', '>', eb.ref('repliedMs'))
  const opened = msOf('openedAt')
  const asked = sql<number>`coalesce(${sql.ref('askedMs')}, ${opened})`
  const attended = sql<number>`coalesce(${msOf('servedAt')}, ${opened})`
  const response = secondsBetween(asked, nowMs)
  const reaction = secondsBetween(attended, nowMs)

  const firstTime = (column: 'firstResponseDoneAt' | 'firstReactionAt') =>
    eb.case().when(isFirst).then(now).else(eb.ref(column)).end()
  const firstDuration = (column: 'firstResponseSeconds' | 'firstReactionSeconds', seconds: typeof response) =>
    eb.case().when(isFirst).then(seconds).else(eb.ref(column)).end()
  const answered = eb.or([isFirst, isOpen])
  const sum = (column: 'responseSeconds' | 'reactionSeconds', added: typeof response) =>
    sql<number>`coalesce(${sql.ref(column)}, 0) + ${added}`
  return {
    repliedMs: eb
      .case()
      .when(eb.and([eb('askedMs', 'is not', null), answered]))
      .then(nextClock(nowMs))
      .else(eb.ref('repliedMs'))
      .end(),
    responseCount: eb
      .case()
      .when(answered)
      .then(sql<number>`coalesce(${sql.ref('responseCount')}, 0) + 1`)
      .else(eb.ref('responseCount'))
      .end(),
    responseSeconds: eb
      .case()
      .when(answered)
      .then(sum('responseSeconds', response))
      .else(eb.ref('responseSeconds'))
      .end(),
    reactionSeconds: eb
      .case()
      .when(isFirst)
      .then(sum('reactionSeconds', reaction))
      .when(isOpen)
      .then(sum('reactionSeconds', response))
      .else(eb.ref('reactionSeconds'))
      .end(),
    firstResponseSeconds: firstDuration('firstResponseSeconds', response),
    firstResponseDoneAt: firstTime('firstResponseDoneAt'),
    firstReactionSeconds: firstDuration('firstReactionSeconds', reaction),
    firstReactionAt: firstTime('firstReactionAt'),
  }
}

/** A clock that was put back makes nothing shorter than no time. */
function secondsBetween(from: Milliseconds, toMs: number) {
  return sql<number>`case when ${from} < ${toMs} then (${toMs} - ${from}) / 1000.0 else 0 end`
}

/**
 * Milliseconds since 1970 of a time column. The databases have no function for it in common, but both can count: years
 * begin in March here, so that the day that may be missing is the last one.
 */
function msOf(column: 'openedAt' | 'servedAt'): Milliseconds {
  const digits = (from: number, length: number) =>
    sql<number>`cast(substr(${sql.ref(column)}, ${sql.lit(from)}, ${sql.lit(length)}) as bigint)`
  const month = sql<number>`((${digits(6, 2)} + 9) % 12)`
  const year = sql<number>`(${digits(1, 4)} - ${month} / 10)`
  const days = sql<number>`(365 * ${year} + ${year} / 4 - ${year} / 100 + ${year} / 400 + (${month} * 306 + 5) / 10 + ${digits(9, 2)} - 719469)`
  const seconds = sql<number>`(((${days} * 24 + ${digits(12, 2)}) * 60 + ${digits(15, 2)}) * 60 + ${digits(18, 2)})`
  return sql<number>`(${seconds} * 1000 + ${digits(21, 3)})`
}

/** The numbers of a room as the rules see them. */
export function metricsOf(row: Selectable<RoomTable>): Metrics {
  const { responseCount, firstResponseDoneAt, firstReactionAt, inactivitySeconds } = row
  return {
    ...withoutNulls({ askedAt: isoOf(row.askedMs), repliedAt: isoOf(row.repliedMs), inactivitySeconds }),
    ...(responseCount !== null &&
      firstResponseDoneAt !== null && {
        response: {
          count: responseCount,
          seconds: row.responseSeconds ?? 0,
          firstSeconds: row.firstResponseSeconds ?? 0,
          firstAt: firstResponseDoneAt,
        },
      }),
    ...(firstReactionAt !== null && {
      reaction: {
        seconds: row.reactionSeconds ?? 0,
        firstSeconds: row.firstReactionSeconds ?? 0,
        firstAt: firstReactionAt,
      },
    }),
  }
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
