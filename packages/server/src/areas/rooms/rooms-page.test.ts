import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { register } from '../../../testing/conversation.ts'
import { startTestServer, type StaffMember, type TestServer } from '../../../testing/testing.ts'
import type { RoomTable } from '../../database/schema.ts'

// More rooms than are ever sorted in memory (page-store.ts), so that every way through a list is taken.
const COUNT = 1_300

let desk: TestServer
let manager: StaffMember
let rows: RoomTable[]
const tagsOf = (row: RoomTable) => (row.tags === null ? [] : (JSON.parse(row.tags) as string[]))

beforeAll(async () => {
  desk = await startTestServer()
  manager = await desk.staff({ username: 'mona', roles: ['user', 'livechat-manager'] })
  await desk.agent()
  const { token } = await register(desk)
  const { room } = await desk.anyone.call('GET /livechat/room', { query: { token } })
  const { read, transact } = desk.server.context
  const template = await read.first(read.sql.selectFrom('room').selectAll().where('id', '=', room._id))
  rows = Array.from({ length: COUNT }, (_, n) => rowOf(template!, n))
  await transact(async (tx) => {
    await tx.run(tx.sql.deleteFrom('room'))
    for (let n = 0; n < COUNT; n += 100) {
      const some = rows.slice(n, n + 100)
      await tx.run(tx.sql.insertInto('room').values(some))
      const tags = some.flatMap((row) => tagsOf(row).map((tag) => ({ roomId: row.id, tag })))
      await tx.run(tx.sql.insertInto('roomTag').values(tags))
    }
  })
})
afterAll(() => desk.stop())

function rowOf(template: RoomTable, n: number): RoomTable {
  const atMinute = (minute: number) => new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString()
  const isOpen = n % 9 === 0
  const isQueued = isOpen && n % 2 === 0
  return {
    ...template,
    id: `room-${String((n * 7) % COUNT).padStart(4, '0')}`,
    visitorId: `visitor-${String(n)}`,
    nameFolded: `${n % 50 === 0 ? 'rare' : 'usual'} name ${String((n * 31) % 600)}`,
    // Several at the same moment: the order of equals must be the same on every page.
    openedAt: atMinute(Math.floor(n / 3)),
    lastMessageMs: Date.UTC(2026, 0, 2) + ((n * 37) % 400),
    departmentId: n % 4 === 0 ? null : `department-${String(n % 3)}`,
    servedById: isQueued ? null : `agent-id-${String(n % 5)}`,
    servedByUsername: isQueued ? null : `agent-${String(n % 5)}`,
    isOnHold: isOpen && n % 27 === 9 ? 1 : 0,
    closedAt: isOpen ? null : atMinute(Math.floor(n / 3) + ((n * 13) % 50)),
    tags: n % 100 === 0 ? '["seldom","often"]' : '["often"]',
  }
}

const from = '2026-01-01T01:00:00.000Z'
const until = '2026-01-01T03:00:00.000Z'
const isWithin = (at: string | null) => at !== null && at >= from && at <= until
const isServed = (row: RoomTable) => row.closedAt === null && row.servedById !== null && row.isOnHold === 0

const filters: Record<string, [query: Record<string, string | string[]>, matches: (row: RoomTable) => boolean]> = {
  everything: [{}, () => true],
  served: [{ open: 'true' }, isServed],
  closed: [{ open: 'false' }, ({ closedAt }) => closedAt !== null],
  queued: [{ queued: 'true' }, ({ closedAt, servedById, isOnHold }) => closedAt === null && servedById === null && isOnHold === 0],
  'on hold': [{ onhold: 'true' }, ({ closedAt, isOnHold }) => closedAt === null && isOnHold === 1],
  'an agent’s id': [{ 'agents[]': 'agent-id-2' }, ({ servedById }) => servedById === 'agent-id-2'],
  'an agent’s name': [{ 'agents[]': ['agent-2', 'agent-id-3'] }, ({ servedById }) => ['agent-id-2', 'agent-id-3'].includes(servedById ?? '')],
  'nobody’s': [{ 'agents[]': 'stranger' }, () => false],
  department: [{ departmentId: 'department-1' }, ({ departmentId }) => departmentId === 'department-1'],
  opened: [{ createdAt: JSON.stringify({ start: from, end: until }) }, ({ openedAt }) => isWithin(openedAt)],
  'closed at': [{ closedAt: JSON.stringify({ start: from, end: until }) }, ({ closedAt }) => isWithin(closedAt)],
  'closed until': [{ closedAt: JSON.stringify({ end: until }) }, ({ closedAt }) => closedAt !== null && closedAt <= until],
  'closed since, still': [{ closedAt: JSON.stringify({ start: from }), open: 'false' }, ({ closedAt }) => closedAt !== null && closedAt >= from],
  'a common tag': [{ 'tags[]': 'often' }, () => true],
  'a seldom tag': [{ 'tags[]': 'seldom' }, (row) => tagsOf(row).includes('seldom')],
  'both tags': [{ 'tags[]': ['seldom', 'often'] }, () => true],
  'a common name': [{ roomName: 'USUAL' }, ({ nameFolded }) => nameFolded.includes('usual')],
  'a rare name': [{ roomName: 'Rare' }, ({ nameFolded }) => nameFolded.includes('rare')],
  'a common name, closed': [{ roomName: 'name', open: 'false' }, ({ closedAt }) => closedAt !== null],
} // prettier-ignore

const sorts: Record<string, (row: RoomTable) => string | number> = {
  ts: ({ openedAt }) => openedAt,
  lm: ({ lastMessageMs }) => lastMessageMs,
  closedAt: ({ closedAt }) => closedAt ?? '',
  fname: ({ nameFolded }) => nameFolded,
  departmentId: ({ departmentId }) => departmentId ?? '',
  'servedBy.username': ({ servedByUsername }) => servedByUsername ?? '',
}

function expected(matches: (row: RoomTable) => boolean, key: (row: RoomTable) => string | number, way: number) {
  const compare = (a: string | number, b: string | number) => (a < b ? -way : a > b ? way : 0)
  const sorted = rows.filter(matches).sort((a, b) => compare(key(a), key(b)) || compare(a.id, b.id))
  return sorted.map(({ id }) => id)
}

describe.each(Object.entries(filters))('the list of rooms: %s', (_title, [query, matches]) => {
  test.each(Object.keys(sorts).flatMap((field) => [1, -1].map((way) => [field, way] as const)))(
    'sorted by %s %i, on every page',
    async (field, way) => {
      const ids = expected(matches, sorts[field]!, way)
      for (const offset of [0, 5, Math.max(0, ids.length - 3)]) {
        const page = { ...query, sort: JSON.stringify({ [field]: way }), count: '5', offset: String(offset) }
        const { rooms, total } = await manager.call('GET /livechat/rooms', { query: page })
        expect([rooms.map(({ _id }) => _id), total]).toEqual([ids.slice(offset, offset + 5), ids.length])
      }
    },
  )
})
