import type { audit } from '@deskbell/contract/areas/audit.ts'
import { ApiError } from '../../api-error.ts'
import type { Handlers } from '../../context.ts'
import { readPage } from '../../page.ts'
import { readSettings } from '../settings/settings.ts'
import { listAudit, type AuditEntry } from './audit.ts'

export const auditRoutes: Handlers<typeof audit> = {
  'GET /audit.list': async ({ read, scan }, { query }) => {
    const page = readPage(query, await readSettings(read), { ts: 'at' }, [{ column: 'at', direction: 'desc' }])
    const { actorId, action, subjectKind, subjectId, roomId } = query
    const span = { from: timeOf('from', query.from), to: timeOf('to', query.to) }
    const { entries, total } = await listAudit(scan, { actorId, action, subjectKind, subjectId, roomId, ...span }, page)
    return { entries: entries.map(toWire), count: entries.length, offset: page.offset, total }
  },
}

function toWire({ id, at, actor, action, subject, roomId, before, after }: AuditEntry) {
  return {
    _id: id,
    ts: at,
    actor: { _id: actor.id, username: actor.username },
    action,
    subject: { kind: subject.kind, _id: subject.id },
    rid: roomId,
    before,
    after,
  }
}

const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

function timeOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new ApiError('invalid-params', { reason: `${name}: must be a date` })
  // Years beyond four digits would sort before all others.
  return new Date(Math.min(Math.max(ms, 0), LATEST_MS)).toISOString()
}
