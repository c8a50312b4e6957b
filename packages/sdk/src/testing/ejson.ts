// The keys under which documents hold times. What people wrote is never looked into.
const times: ReadonlySet<string> = new Set([
  'ts',
  '_updatedAt',
  'editedAt',
  'lm',
  'ls',
  'queuedAt',
  'takenAt',
  'closedAt',
  'lastMessageTs',
  'firstResponseTs',
  'tokenExpires',
  'createdAt',
  'fd',
  'lq',
  'lr',
])

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** A document with its times as they travel in frames: `{ $date: ms }`. */
export function toEjson(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return times.has(key) && isoTime.test(value) ? { $date: Date.parse(value) } : value
  if (Array.isArray(value)) return value.map((item) => toEjson(item))
  if (typeof value !== 'object' || value === null || key === 'surveyFeedback') return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toEjson(part, name)]))
}
